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

/* The line of a selection that byte `at` is in, or the part of it around, and below it a caret
 * under that byte: two lines, indented. */
void buf_add_selection_mark(struct buf *out, struct str selection, size_t at);
/* cli_error(), with the mistake of `selection` marked when there is one; it may be empty. */
int cli_selection_error(struct cli *cli, struct str selection, const struct err *err);
