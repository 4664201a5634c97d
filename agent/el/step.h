/* step.h - one step as `selvedge-el step` runs it: request in, report out. */
#pragma once

enum { STEP_OK = 0, STEP_FAILED = 1, STEP_USAGE = 2 };

/* Reads the request from `stdin_fd`. Returns the exit code: 0, 1, 2 (the request is wrong), 143
 * (SIGTERM). */
int step_run(int stdin_fd);
