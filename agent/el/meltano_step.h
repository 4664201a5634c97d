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
