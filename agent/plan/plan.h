/* plan.h - what one run will do: selected assets as steps, in the order in which they may start.
 * Pure. */
#pragma once
#include "agent/definitions/definitions.h"

struct plan_asset {
    uint32_t asset; /* index into definitions.assets */
    uint32_t step;  /* index into plan.steps */
};
struct plan_step {
    uint32_t first;        /* of its assets in plan.assets; they stand together */
    uint32_t asset_count;  /* at least 1; more only of a shared step, of which they are those that
                             the run makes */
    const uint32_t *waits; /* assets (indices into plan.assets, of steps before) that must have been
                              made before: what its assets are made from */
    size_t wait_count;
};
struct plan {
    struct plan_step *steps; /* topological order, stable by definition order */
    size_t count;            /* at least 1 */
    struct plan_asset *assets;
    size_t asset_count; /* at least `count` */
};

/* Steps for the selected assets. External assets are no steps and hold nobody up. Only assets that
 * are selected wait for each other: what is not selected is taken as it is. ERR_NOT_FOUND with a
 * hint when nothing is left to do; ERR_NO_MEMORY. */
MUST_CHECK bool plan_make(const struct definitions *defs, struct str selection, struct arena *arena,
                          struct plan *ret, struct err *err);
/* The same for assets already selected, as jobs and schedules hold them. */
MUST_CHECK bool plan_make_for(const struct definitions *defs, const uint32_t *assets, size_t count,
                              struct arena *arena, struct plan *ret, struct err *err);
