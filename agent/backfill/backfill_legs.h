/* backfill_legs.h - a selection in legs: assets that are partitioned alike and can be made in one
 * run, one leg after the other. Most selections are a single leg; "raw/hourly+" with a daily asset
 * downstream is two. Pure. */
#pragma once
#include "agent/definitions/definitions.h"

struct backfill_leg {
    const uint32_t *assets; /* upstream first; never empty, none external */
    size_t count;
    const struct partitions *partitions; /* of each of them; perhaps of PARTITION_NONE */
};
/* `selected` is a bool for each asset. ERR_NOT_FOUND when nothing of it can be made; ERR_NO_MEMORY. */
MUST_CHECK bool backfill_legs(const struct definitions *defs, const bool *selected,
                              struct arena *arena, struct backfill_leg **ret, size_t *ret_count,
                              struct err *err);
