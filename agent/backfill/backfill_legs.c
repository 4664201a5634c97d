#include "agent/backfill/backfill_legs.h"

#define NOT_SELECTED UINT32_MAX

struct cutter {
    const struct definitions *defs;
    uint32_t *kind_of;  /* each asset: the first one that is partitioned as it is */
    uint32_t *level_of; /* each asset: how many changes of the kind are upstream of it */
    uint32_t *leg_of;
    struct backfill_leg *legs;
    size_t count;
};

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "cut a selection into legs: out of memory");
}

static bool is_made(const struct cutter *c, const bool *selected, uint32_t asset)
{
    return selected[asset] && c->defs->assets[asset].work != ASSET_EXTERNAL;
}

static uint32_t find_kind(const struct cutter *c, uint32_t asset, const uint32_t *kinds,
                          size_t kind_count)
{
    const struct asset *assets = c->defs->assets;
    for (size_t i = 0; i < kind_count; i++) {
        if (partition_same(&assets[asset].partitions, &assets[kinds[i]].partitions)) {
            return kinds[i];
        }
    }
    return asset;
}

/* An asset shares the level of what it is made from as long as both are partitioned alike. */
static uint32_t find_level(const struct cutter *c, uint32_t asset)
{
    const struct graph_node *node = &c->defs->graph.nodes[asset];
    uint32_t level = 0;
    for (size_t d = 0; d < node->dep_count; d++) {
        uint32_t dep = node->deps[d];
        if (c->kind_of[dep] == NOT_SELECTED) {
            continue;
        }
        uint32_t least = c->level_of[dep] + (c->kind_of[dep] == c->kind_of[asset] ? 0 : 1);
        level = least > level ? least : level;
    }
    return level;
}

static bool allocate(struct cutter *c, struct arena *arena)
{
    size_t count = c->defs->asset_count;
    c->kind_of = arena_array(arena, count, sizeof(*c->kind_of));
    c->level_of = arena_array(arena, count, sizeof(*c->level_of));
    c->leg_of = arena_array(arena, count, sizeof(*c->leg_of));
    c->legs = arena_array(arena, count, sizeof(*c->legs));
    return c->kind_of != NULL && c->level_of != NULL && c->leg_of != NULL && c->legs != NULL;
}

static bool measure(struct cutter *c, const bool *selected, struct arena *arena)
{
    size_t kind_count = 0;
    uint32_t *kinds = arena_array(arena, c->defs->asset_count, sizeof(*kinds));
    for (size_t i = 0; kinds != NULL && i < c->defs->asset_count; i++) {
        uint32_t asset = c->defs->graph.order[i];
        c->kind_of[asset] = NOT_SELECTED;
        if (is_made(c, selected, asset)) {
            c->kind_of[asset] = find_kind(c, asset, kinds, kind_count);
            c->level_of[asset] = find_level(c, asset);
            kinds[kind_count] = asset;
            kind_count += c->kind_of[asset] == asset ? 1 : 0;
        }
    }
    return kinds != NULL;
}

/* Legs in the order of their levels; of one level, of their first asset. */
static void number(struct cutter *c, uint32_t level)
{
    size_t first_of_level = c->count;
    for (size_t i = 0; i < c->defs->asset_count; i++) {
        uint32_t asset = c->defs->graph.order[i];
        if (c->kind_of[asset] == NOT_SELECTED || c->level_of[asset] != level) {
            continue;
        }
        size_t leg = first_of_level;
        const struct partitions *kind = &c->defs->assets[c->kind_of[asset]].partitions;
        while (leg < c->count && c->legs[leg].partitions != kind) {
            leg++;
        }
        if (leg == c->count) {
            c->legs[c->count++].partitions = kind;
        }
        c->leg_of[asset] = (uint32_t)leg;
        c->legs[leg].count++;
    }
}

static bool fill(struct cutter *c, struct arena *arena)
{
    for (size_t leg = 0; leg < c->count; leg++) {
        uint32_t *assets = arena_array(arena, c->legs[leg].count, sizeof(*assets));
        size_t at = 0;
        for (size_t i = 0; assets != NULL && i < c->defs->asset_count; i++) {
            uint32_t asset = c->defs->graph.order[i];
            if (c->kind_of[asset] != NOT_SELECTED && c->leg_of[asset] == leg) {
                assets[at++] = asset;
            }
        }
        c->legs[leg].assets = assets;
        if (assets == NULL) {
            return false;
        }
    }
    return true;
}

bool backfill_legs(const struct definitions *defs, const bool *selected, struct arena *arena,
                   struct backfill_leg **ret, size_t *ret_count, struct err *err)
{
    struct cutter c = {.defs = defs};
    if (!allocate(&c, arena) || !measure(&c, selected, arena)) {
        return out_of_memory(err);
    }
    for (uint32_t level = 0, before = UINT32_MAX; before != c.count; level++) {
        before = (uint32_t)c.count;
        number(&c, level);
    }
    if (c.count == 0) {
        return err_set(err, ERR_NOT_FOUND, "nothing that is selected can be made");
    }
    if (!fill(&c, arena)) {
        return out_of_memory(err);
    }
    *ret = c.legs;
    *ret_count = c.count;
    return true;
}
