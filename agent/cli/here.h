/* here.h - what a command does in the state folder itself when no daemon is running: with the lock,
 * the store and the definitions, as the daemon would. */
#pragma once
#include "agent/cli/commands.h"
#include "agent/daemon/agent.h"

/* Opens the agent, calls back once, and closes it. Says what went wrong; returns the exit code. */
int here_do(struct cli *cli, struct settings *settings,
            bool (*act)(struct agent *agent, void *ctx, struct err *err), void *ctx);
