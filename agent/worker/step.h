/* step.h - one step as `selvedge-el step` runs it: request in, report out. */
#pragma once
#include "agent/el/request.h"

enum { STEP_OK = 0, STEP_FAILED = 1, STEP_USAGE = 2 };

/* Reads the request from `stdin_fd`. Returns the exit code: 0, 1, 2 (the request is wrong), 143
 * (SIGTERM). */
int step_run(int stdin_fd);
/* Reads it until the end of file; everything lives in `arena`. */
MUST_CHECK bool step_read(int fd, struct arena *arena, struct request *ret, struct err *err);
