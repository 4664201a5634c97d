/* singer_target.h - `selvedge-el target NAME`: a native target as a Singer program, which serves in
 * any Singer pipeline: messages on standard input, on standard output the states whose rows are
 * durable, one JSON value a line. */
#pragma once
#include "common/cli/cli.h"

/* Runs the command; its options are in main.c. */
int singer_target_run(struct cli *cli, void *ctx);
