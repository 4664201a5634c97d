/* meltano_step.h - a block of a Meltano project: a tap, its mappers and its target, or one other
 * plugin, each from the environment that `meltano install` made for it, with the configuration,
 * variables, catalog and state that Meltano would give it. The project's files are read when the
 * step runs. */
#pragma once
#include "agent/el/report.h"

/* As extract_load(). ERR_INVALID: the project cannot be used; ERR_NOT_FOUND: a plugin is not
 * installed. A plugin other than taps and targets counts nothing. */
MUST_CHECK bool meltano_step(const struct request *request, struct arena *arena,
                             struct report *report, struct materialization *ret, struct err *err);
/* The name under which the block's state is kept. ERR_INVALID: it keeps none. */
MUST_CHECK bool meltano_step_state_id(const struct request *request, struct arena *arena,
                                      struct str *ret, struct err *err);
