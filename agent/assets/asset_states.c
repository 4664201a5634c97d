#include "agent/assets/asset_states.h"

struct loading {
    struct asset_states *states;
    struct arena *arena;
};

static bool on_asset(void *ctx, const struct stored_asset *asset)
{
    struct loading *l = ctx;
    uint32_t node = 0;
    if (!strmap_get(&l->states->defs->graph.by_key, asset->key, &node)) {
        return true; /* is defined no more */
    }
    struct stored_asset *known = &l->states->known[node];
    *known = *asset;
    struct str *const texts[] = {&known->key,          &known->run,   &known->data_version,
                                 &known->code_version, &known->error, &known->observed_version,
                                 &known->freshness};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = arena_copy(l->arena, *texts[i]);
    }
    return !l->arena->exhausted;
}

static void describe(const struct asset_states *states, uint32_t node)
{
    const struct asset *asset = &states->defs->assets[node];
    bool is_external = asset->work == ASSET_EXTERNAL;
    states->stale[node] =
        (struct stale_asset){.made = stored_asset_version(&states->known[node], is_external),
                             .code_version = asset->code_version,
                             .is_external = is_external,
                             .is_partitioned = asset->partitions.kind != PARTITION_NONE};
}

bool asset_states_load(struct store *store, const struct definitions *defs, struct arena *arena,
                       struct asset_states *ret, struct err *err)
{
    *ret = (struct asset_states){
        .defs = defs,
        .store = store,
        .known = arena_array(arena, defs->asset_count + 1, sizeof(*ret->known)),
        .stale = arena_array(arena, defs->asset_count + 1, sizeof(*ret->stale))};
    struct loading l = {.states = ret, .arena = arena};
    bool ok = ret->known != NULL && ret->stale != NULL;
    if (ok && !store_each_asset(store, on_asset, &l, err)) {
        return false;
    }
    if (!ok || arena->exhausted) {
        return err_set(err, ERR_NO_MEMORY, "read the states of assets: out of memory");
    }
    for (uint32_t i = 0; i < defs->asset_count; i++) {
        describe(ret, i);
    }
    return true;
}

bool asset_states_staleness(struct asset_states *states, uint32_t asset, struct arena *arena,
                            struct staleness *ret, struct err *err)
{
    struct provenance *from = &states->stale[asset].made.from;
    bool ok = store_asset_inputs(states->store, states->defs->assets[asset].key, arena,
                                 &from->inputs, &from->input_count, err) &&
              staleness_of(&states->defs->graph, states->stale, asset, arena, ret, err);
    from->inputs = NULL; /* they are the arena's */
    from->input_count = 0;
    return ok;
}
