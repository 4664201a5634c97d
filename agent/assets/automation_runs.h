/* automation_runs.h - which runs come of an evaluation: the assets that it asks for, those with
 * equal partitions together, in the order of what they are made from. Pure. */
#pragma once
#include "agent/definitions/definitions.h"
#include "common/model/automation_eval.h"

/* Of one tick. Those that have no room are asked for by a later one: they come after the others in
 * the order of the graph, and are left as they were. */
enum { AUTOMATION_RUN_ASSETS_MAX = 500 };

struct automation_run {
    const uint32_t *assets; /* ascending */
    size_t count;
    struct str partition; /* empty: they have none */
};
struct automation_runs {
    struct automation_run *items;
    size_t count;
    bool has_more; /* there was no room for all */
    bool *is_left; /* by asset: evaluated, asked for and without room, or hanging on one */
};
/* In `arena`. ERR_NO_MEMORY. */
MUST_CHECK bool automation_runs_make(const struct definitions *defs,
                                     const struct automation_asset *assets,
                                     const struct automation_result *results, struct arena *arena,
                                     struct automation_runs *ret, struct err *err);
