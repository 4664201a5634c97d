/* demo.h - `selvedge-hub demo`: a hub, its broker and six shops on this machine, all of them the
 * real programs. */
#pragma once
#include "common/cli/cli.h"

extern const struct cli_option demo_options[];
int command_demo(struct cli *cli, void *ctx);
