/* order_rows.h - commands that were given, and how devices fared with them, as JSON. */
#pragma once
#include "common/json/json_writer.h"
#include "hub/command/orders.h"
#include "hub/rows/chosen.h"

/* How many devices fared how, and why. */
struct fate_counts {
    int64_t of[FATE_COUNT];
    int64_t away; /* of those that wait */
    int64_t total, over;
};
void fate_count(struct fate_counts *counts, const struct order_device *device);
/* Of all devices of a command. */
MUST_CHECK bool fate_counts_read(struct fate_counts *ret, struct orders *orders,
                                 const struct order_view *order, struct wall_time now,
                                 struct err *err);
/* Appends "3 succeeded, 1 failed, 2 started, 4 waiting (3 away)". */
void fate_counts_add(struct buf *out, const struct fate_counts *counts);
/* Why it fared so: what the device said, or what is known here. */
void fate_why(struct buf *out, const struct order_view *order, const struct order_device *device,
              struct wall_time now);
/* "open", "done", "withdrawn", "stopped" (by its own rule), "expired". */
const char *order_state(const struct order_view *o, const struct fate_counts *counts,
                        struct wall_time now);
/* Members of an object. */
void row_order(struct json_writer *w, const struct order_view *o, const struct fate_counts *counts,
               struct wall_time now);
/* What was given just now, an object. */
void row_order_given(struct json_writer *w, const struct order_given *given, struct str verb,
                     struct str targets, const struct chosen *chosen);
void row_order_device(struct json_writer *w, const struct order_device *d, struct str why);
