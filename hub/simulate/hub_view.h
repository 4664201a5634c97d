/* hub_view.h - hub.db beside the running hub, as any reader of it sees it: when a materialization is
 * visible, and what is there in the end. */
#pragma once
#include "common/db/db.h"
#include "hub/config/config.h"

struct hub_view;
MUST_CHECK bool hub_view_open(struct hub_view **ret, const struct hub_config *config,
                              struct err *err);
void hub_view_close(struct hub_view *view); /* NULL is allowed */
/* The seq of the device's latest materialization of the asset; 0 when there is none. */
MUST_CHECK bool hub_view_latest(struct hub_view *view, struct str device, struct str asset,
                                int64_t *ret_seq, struct err *err);
struct hub_total {
    int64_t devices; /* with a stream */
    int64_t events;  /* rows of the log */
    int64_t merged; /* sum of how far their streams are merged; differs when something is missing */
};
/* Of the devices whose names begin so. */
MUST_CHECK bool hub_view_total(struct hub_view *view, struct str prefix, struct hub_total *ret,
                               struct err *err);
