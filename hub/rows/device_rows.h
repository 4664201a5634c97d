/* device_rows.h - all that the hub knows of one device, and how far devices are with what is wanted of them,
 * as JSON: members of an object. */
#pragma once
#include "common/json/json_writer.h"
#include "hub/desired/desired_rows.h"
#include "hub/store/details.h"

void row_desired(struct json_writer *w, const struct desired_row *row);

/* The same with the content that is wanted and, where it is another, the one in force. Nothing is written
 * where nothing is wanted. Text in `arena`. */
MUST_CHECK bool row_desired_whole(struct json_writer *w, struct desired_rows *rows,
                                  struct str device, struct arena *arena, bool *ret_wanted,
                                  struct err *err);

struct device_card {
    struct db *db; /* the hub's store */
    struct desired_rows *desired;
    struct str device;
    struct arena *arena;
};
/* What stands in no list of devices: identity, health, bundle, desired state, what it has been asked and has
 * not done, places in pools, alerts. */
MUST_CHECK bool row_device_card(struct json_writer *w, const struct device_card *card,
                                struct err *err);
