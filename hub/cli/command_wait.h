/* command_wait.h - watching a command until every device is done with it. */
#pragma once
#include "hub/cli/screen.h"
#include "hub/command/orders.h"

/* Shows what changes and at the end how many fared how, and why. `limit_ns` 0: as long as it takes.
 * Ctrl-C ends the watching only. The exit code: CLI_OK when every device succeeded. */
int command_wait(struct screen *screen, struct str id, int64_t limit_ns);

/* Says what was given, as the API answers it, and with --wait waits for it. The exit code. */
int command_given(struct screen *screen, const struct json *given, struct str text);

enum cli_tone fate_tone(enum order_fate fate);
/* Of its name; FATE_COUNT: it is none. */
enum order_fate fate_of(struct str name);
/* The answer of the command at /api/v1/commands/ID, by outcome and reason, with the names of some; with
 * --json a line for each device, as it came. */
MUST_CHECK bool command_summary(struct screen *screen, const struct json *command, struct str text,
                                struct err *err);
