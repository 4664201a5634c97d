/* lineage.h - what an asset of a dbt project is made from. */
#pragma once
#include "common/dbt/project.h"

/* The assets and sources from which `node` is made, past what is no asset: ephemeral models, semantic
 * models, saved queries; and metrics, where `node` is none of those that are shown only (exposures,
 * metrics). Sorted, without repeats. `*ret` is in `arena`. */
MUST_CHECK bool dbt_made_from(const struct dbt_project *project, uint32_t node, struct arena *arena,
                              uint32_t **ret, size_t *ret_count, struct err *err);
