/* follow_output.h - what the steps of a run write, while they do. */
#pragma once
#include "hub/cli/find_run.h"

/* Until the run is over and all is here; of one that is over all that its steps wrote. Steps that were over
 * before are left out. The exit code. */
int follow_output(struct screen *screen, const struct found_run *run);
