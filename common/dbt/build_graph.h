/* build_graph.h - the graph of a project for its fellows here: not for others. */
#pragma once
#include "common/dbt/project.h"

/* All nodes, parents before children; `arena` owns it. ERR_INVALID for a circle. */
MUST_CHECK bool dbt_graph_order(const struct dbt_project *project, struct arena *arena,
                                uint32_t **ret, struct err *err);
