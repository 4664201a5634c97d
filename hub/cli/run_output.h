/* run_output.h - what the steps of a run wrote, which the device keeps: the hub asks for it, we wait, and
 * it is shown. What has come before is not asked for again. */
#pragma once
#include "hub/cli/find_run.h"

/* The exit code: CLI_UNREACHABLE when the device did not answer in time; what it was asked for comes
 * nevertheless. */
int run_output(struct screen *screen, const struct found_run *run);
