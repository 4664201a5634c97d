/* macro_reader.h - the macros of a manifest, one at a time; nothing of them is kept of a project. Internal
 * to common/dbt. */
#pragma once
#include "common/dbt/project.h"

/* A macro's id and its JSON, borrowed for the call, and its place. False ends the reading. */
typedef bool (*macros_told)(void *ctx, struct str id, struct str text, struct dbt_place place,
                            struct err *err);
/* All of the project's first file. Errors as of dbt_project_open(), and those of `tell`. */
MUST_CHECK bool macros_read(const struct dbt_project *project, macros_told tell, void *ctx,
                            struct err *err);
