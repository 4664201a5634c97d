/* command_wait.h - watching a command until every device is done with it. */
#pragma once
#include "hub/cli/commands.h"
#include "hub/rows/order_rows.h"

/* Shows what changes and at the end how many fared how, and why. `limit_ns` 0: as long as it takes.
 * Ctrl-C ends the watching only. The exit code: CLI_OK when every device succeeded. */
int command_wait(struct cli *cli, struct orders *orders, struct str id, int64_t limit_ns);

enum cli_tone fate_tone(enum order_fate fate);
/* By outcome and reason, with the names of some. */
MUST_CHECK bool command_summary(struct cli *cli, struct orders *orders, struct str id,
                                struct err *err);
