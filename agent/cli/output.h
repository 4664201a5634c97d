/* output.h - what steps wrote, on a terminal: the captured streams of a run's steps. */
#pragma once
#include "agent/cli/commands.h"
#include "agent/run/capture_read.h"
#include "common/base/limits.h"

enum { OUTPUT_CHUNK_BYTES = 64 << 10, OUTPUT_PATH_BYTES = 2 * LIMIT_PATH_BYTES };

/* The folder in which the output of a step's attempts lies. */
void output_folder(const struct settings *settings, const char *run, struct str step,
                   char ret_path[OUTPUT_PATH_BYTES]);
/* What a node of a dbt project said in the attempts of its step, and its SQL: nothing when it is none. */
MUST_CHECK bool output_print_node(struct cli *cli, const struct settings *settings, const char *run,
                                  const struct view_step *step, struct str asset, struct err *err);
/* Every attempt and check of one step, whole, each under a line that says which. */
MUST_CHECK bool output_print_step(struct cli *cli, const struct settings *settings, const char *run,
                                  struct str step, struct err *err);
