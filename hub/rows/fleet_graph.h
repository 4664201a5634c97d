/* fleet_graph.h - the assets and edges of the fleet, or of one device, as a graph to select from.
 * An asset of the fleet has a group, kind, tag or owner when any device says so. */
#pragma once
#include "common/model/graph.h"
#include "common/model/selection.h"
#include "hub/store/queries.h"

struct fleet_graph {
    struct graph graph;
    struct fleet_asset *assets; /* by node */
};

/* Everything lives in `arena`. `device` empty: the fleet. */
MUST_CHECK bool fleet_graph_load(struct db *db, struct str device, struct arena *arena,
                                 struct fleet_graph *ret, struct err *err);
/* One bool per node. */
MUST_CHECK bool fleet_graph_select(const struct fleet_graph *fleet, struct str selection,
                                   struct arena *arena, bool **ret_set, struct err *err);
