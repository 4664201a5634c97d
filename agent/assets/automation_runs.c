#include "agent/assets/automation_runs.h"

/* The run that an asset goes into; the number of runs when there is none yet. */
static size_t find_run(const struct definitions *defs, const struct automation_asset *assets,
                       const uint32_t *first, size_t count, uint32_t asset)
{
    size_t i = 0;
    while (i < count &&
           !(str_eq(assets[first[i]].partition, assets[asset].partition) &&
             partition_same(&defs->assets[first[i]].partitions, &defs->assets[asset].partitions))) {
        i++;
    }
    return i;
}

/* Marks what is left from the first asset on that has no room. */
static size_t cut(const struct definitions *defs, const struct automation_result *results,
                  struct automation_runs *ret)
{
    size_t taken = 0;
    for (size_t i = 0; i < defs->asset_count; i++) {
        uint32_t asset = defs->graph.order[i];
        ret->has_more =
            ret->has_more || (results[asset].is_requested && taken == AUTOMATION_RUN_ASSETS_MAX);
        ret->is_left[asset] = ret->has_more;
        taken += results[asset].is_requested && !ret->has_more;
    }
    return taken;
}

bool automation_runs_make(const struct definitions *defs, const struct automation_asset *assets,
                          const struct automation_result *results, struct arena *arena,
                          struct automation_runs *ret, struct err *err)
{
    *ret = (struct automation_runs){
        .is_left = arena_array(arena, defs->asset_count + 1, sizeof(*ret->is_left))};
    size_t taken = ret->is_left == NULL ? 0 : cut(defs, results, ret);
    uint32_t *chosen = arena_array(arena, taken + 1, sizeof(*chosen));
    uint32_t *first = arena_array(arena, taken + 1, sizeof(*first));
    uint32_t *into = arena_array(arena, taken + 1, sizeof(*into));
    ret->items = arena_array(arena, taken + 1, sizeof(*ret->items));
    if (ret->is_left == NULL || chosen == NULL || first == NULL || into == NULL ||
        ret->items == NULL) {
        return err_set(err, ERR_NO_MEMORY, "put runs of automation together: out of memory");
    }
    size_t count = 0;
    for (uint32_t i = 0; i < defs->asset_count; i++) {
        if (!results[i].is_requested || ret->is_left[i]) {
            continue;
        }
        size_t run = find_run(defs, assets, first, ret->count, i);
        if (run == ret->count) {
            first[ret->count++] = i;
            ret->items[run] = (struct automation_run){.partition = assets[i].partition};
        }
        ret->items[run].count++;
        into[count] = (uint32_t)run;
        chosen[count++] = i;
    }
    for (size_t run = 0; run < ret->count; run++) {
        uint32_t *members = arena_array(arena, ret->items[run].count, sizeof(*members));
        size_t n = 0;
        for (size_t i = 0; members != NULL && i < count; i++) {
            if (into[i] == run) {
                members[n++] = chosen[i];
            }
        }
        ret->items[run].assets = members;
    }
    return !arena->exhausted ||
           err_set(err, ERR_NO_MEMORY, "put runs of automation together: out of memory");
}
