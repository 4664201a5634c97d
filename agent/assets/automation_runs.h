/* automation_runs.h - which runs come of an evaluation: the assets that it asks for, those with
 * equal partitions together. Pure. */
#pragma once
#include "agent/definitions/definitions.h"
#include "common/model/automation_eval.h"

/* Of one tick. What has no room is asked for by a later one: it comes after the others in the order
 * of the graph, and is left as it was. */
enum { AUTOMATION_RUN_ASSETS_MAX = 500 };

struct automation_choice {
    const struct definitions *defs;
    const struct automation_asset *assets;
    const struct automation_result *results;
    size_t room; /* bytes for what is recorded of it, see store_room(); at least one has room */
};
struct automation_run {
    const uint32_t *assets; /* ascending */
    size_t count;
    struct str partition; /* empty: they have none */
};
struct automation_runs {
    struct automation_run *items;
    size_t count;
    bool has_more; /* there was no room for all */
    bool *is_left; /* by asset: asked for without room, or behind one in the order of the graph */
    size_t bytes;  /* that recording them takes */
};
/* In `arena`. ERR_NO_MEMORY. */
MUST_CHECK bool automation_runs_make(const struct automation_choice *choice, struct arena *arena,
                                     struct automation_runs *ret, struct err *err);
