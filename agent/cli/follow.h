/* follow.h - a run shown while it goes on: its events as they are recorded, and the lines that its
 * steps write. Reads the database and the captured output beside whoever carries the run out. */
#pragma once
#include "agent/cli/commands.h"

struct follow_options {
    const struct settings *settings;
    const char *run;  /* id */
    struct str only;  /* one step; empty = all */
    bool with_output; /* also what steps write, each line with the step's name and the stream's */
};
/* Ends when the run has ended, whatever became of it: CLI_OK. When nobody carries it out any more
 * that is an error. */
int follow_run(struct cli *cli, const struct follow_options *options);
