/* backfill_plan.h - which partitions of each leg a backfill makes. What was asked for names those of
 * the legs that nothing selected is upstream of; the others follow by what overlaps
 * (partition_map.h). Pure; what the database knows comes through a port. */
#pragma once
#include "agent/backfill/backfill_legs.h"
#include "common/model/partition_map.h"

enum backfill_only {
    BACKFILL_ANY,
    BACKFILL_MISSING, /* of some asset of the leg never made */
    BACKFILL_FAILED,  /* failed since it was made, for some asset */
};
struct backfill_order {
    struct partition_bounds bounds;
    const struct str *keys; /* instead of the bounds */
    size_t key_count;
    enum backfill_only only;
    bool newest_first;
};

struct backfill_source {
    bool (*dynamic_keys)(void *ctx, struct str set, struct arena *arena, struct partition_keys *ret,
                         struct err *err);
    /* Tells of every partition of the asset that was made or tried. */
    bool (*partitions)(void *ctx, struct str asset,
                       void (*on_partition)(void *to, struct str key, bool is_made,
                                            bool has_failed),
                       void *to, struct err *err);
    void *ctx;
};

struct backfill_part {
    int64_t number; /* in the order in which they run; neighbours differ by one */
    struct str key; /* empty: of assets without partitions */
};
struct backfill_parts {
    struct backfill_part *items;
    size_t count; /* perhaps 0 for a leg that is not the first */
};

struct backfill_question {
    const struct definitions *defs;
    const struct backfill_leg *legs;
    size_t leg_count;
    const struct backfill_order *order;
    const struct backfill_source *source;
    struct wall_time now;
};
/* The parts of each leg, in `arena`. ERR_INVALID: nothing selected has partitions, or the legs
 * asked for are partitioned differently; ERR_NOT_FOUND: there is no such partition, or none at all;
 * ERR_FULL; ERR_NO_MEMORY. */
MUST_CHECK bool backfill_plan(const struct backfill_question *q, struct arena *arena,
                              struct backfill_parts **ret, struct err *err);
