/* dbt_step.h - a step of a dbt project: those of its nodes that are wanted now, with their tests, by
 * ourselves or by an installed dbt. */
#pragma once
#include "agent/el/report.h"

/* Tells of each asset whether it was made, of each test how it ended. False: one of the assets was not
 * made, a test failed that is no check of theirs, or the project cannot be used; nothing is told of
 * an asset then only when err says why of all. */
MUST_CHECK bool dbt_step(const struct request *request, struct arena *arena, struct report *report,
                         struct err *err);
/* How fresh the sources of its project are now, as sources.json; makes nothing. */
MUST_CHECK bool dbt_step_sources(const struct request *request, struct arena *arena,
                                 struct buf *out, struct err *err);
