/* run_output.h - what the steps of a run wrote, which the device keeps: asked for by commands, waited
 * for, shown. What has come before is not asked for again. */
#pragma once
#include "common/base/str.h"
#include "common/cli/cli.h"

/* The exit code: CLI_UNREACHABLE when the device did not answer in time; what it was asked for comes
 * nevertheless. */
int run_output(struct cli *cli, struct str device, struct str run);
