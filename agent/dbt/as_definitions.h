/* as_definitions.h - a dbt project as definitions of the agent (docs/reference/definitions.md): models,
 * seeds and snapshots are assets of one step, tests their checks; sources, exposures and metrics are
 * assets that others make. */
#pragma once
#include "common/dbt/project.h"
#include "common/json/fields.h"

struct dbt_import {
    const struct dbt_project *project;
    const bool *selected;          /* one for each node: which are assets, which tests are checks */
    struct str key;                /* of the step */
    struct str group;              /* of nodes that have none */
    const struct str_map *tags;    /* of all, beside their own */
    const struct str_list *owners; /* of nodes that have none */
    bool asks_freshness;           /* of sources, which is a check of theirs */
    struct str
        step; /* JSON: the members of the step that are the same for all: `dbt`, retry, ... */
};
/* Appends the JSON of an object with `assets`. ERR_INVALID: two nodes have one key, or one has none
 * that can be used; ERR_FULL; and those of dbt_project_read(). */
MUST_CHECK bool dbt_write_definitions(const struct dbt_import *import, struct buf *out,
                                      struct err *err);
