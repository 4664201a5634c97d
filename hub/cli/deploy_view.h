/* deploy_view.h - deployments as a person reads them, and waited for. */
#pragma once
#include "common/cli/table.h"
#include "hub/cli/commands.h"
#include "hub/rows/deployment_rows.h"

/* Until it is over: says on stderr what changes. The exit code that says how it ended. */
int deploy_view_wait(struct cli *cli, struct deployments *open, struct str id);
