/* command_wait.h - watching a command until every device is done with it. */
#pragma once
#include "hub/cli/commands.h"
#include "hub/command/orders.h"

/* Shows what changes and at the end how many fared how, and why. `limit_ns` 0: as long as it takes.
 * Ctrl-C ends the watching only. The exit code: CLI_OK when every device succeeded. */
int command_wait(struct cli *cli, struct orders *orders, struct str id, int64_t limit_ns);

/* How many devices fared how, and why: a table, or JSON. */
struct fate_counts {
    int64_t of[FATE_COUNT];
    int64_t away; /* of those that wait */
    int64_t total, over;
};
void fate_count(struct fate_counts *counts, const struct order_device *device);
/* Appends "3 succeeded, 1 failed, 2 started, 4 waiting (3 away)". */
void fate_counts_add(struct buf *out, const struct fate_counts *counts);
enum cli_tone fate_tone(enum order_fate fate);
/* Why it fared so: what the device said, or what is known here. */
void fate_why(struct buf *out, const struct order_view *order, const struct order_device *device,
              struct wall_time now);
/* By outcome and reason, with the names of some. */
MUST_CHECK bool command_summary(struct cli *cli, struct orders *orders, struct str id,
                                struct err *err);
