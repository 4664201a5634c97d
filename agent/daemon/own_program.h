/* own_program.h - where the programs are that this one starts: the worker and its like. */
#pragma once
#include "agent/daemon/config.h"
#include "common/base/limits.h"

/* Beside this one, or where packages put those that people do not call. */
MUST_CHECK bool own_program_find(const char *name, char ret_path[LIMIT_PATH_BYTES + 1],
                                 struct err *err);
/* selvedge-el, unless the settings name another. */
MUST_CHECK bool own_program_worker(const struct agent_config *config,
                                   char ret_path[LIMIT_PATH_BYTES + 1], struct err *err);
