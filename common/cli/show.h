/* show.h - what every program of ours shows alike: a recorded event, problems of a file. */
#pragma once
#include "common/cli/cli.h"

/* One event as a person reads it: time, type, step, what matters of the rest. With --json, or when
 * the line is no event, the line as it is. */
void cli_event(struct cli *cli, struct str line);

struct problems;
/* Every problem as "file:line:column: text" with its hint, or one JSON object {"problems":[...]}
 * with --json; `err` alone when there is none. Returns the exit code. */
int cli_problems(struct cli *cli, const struct problems *problems, const struct err *err);
