/* meltano.h - check and explain of a Meltano project instead of definitions. */
#pragma once
#include "agent/cli/commands.h"

/* Whether the argument names one: a file called meltano.yml, or a folder that has one. */
bool is_meltano_project(const char *argument);
/* Each returns the exit code. */
int meltano_check_command(struct cli *cli, const char *argument);
int meltano_explain_command(struct cli *cli, const char *argument, const char *name);
