/* project_macros.h - which macros changed between two manifests, and which nodes that touches. Macros
 * are not kept of a project: both files are read once more, one macro at a time. Inside common/dbt
 * only. */
#pragma once
#include "common/dbt/project.h"

struct select_macros;

/* Compares the texts of all macros. In `arena`: a few words for each macro. Errors as of
 * dbt_project_open(). */
MUST_CHECK bool select_compare_macros(const struct dbt_project *project,
                                      const struct dbt_project *old, struct arena *arena,
                                      struct select_macros **ret, struct err *err);
/* Does the node (its whole object) call a macro that changed, is new or is gone, or one that calls
 * one? */
bool select_macros_changed(const struct select_macros *macros, const struct json *node);
