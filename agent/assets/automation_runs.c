#include "agent/assets/automation_runs.h"

#include "agent/store/store.h"

enum { RUN_ID_BYTES = 36 };

/* The run that an asset goes into; the number of runs when there is none yet. */
static size_t find_run(const struct automation_choice *c, const uint32_t *first, size_t count,
                       uint32_t asset)
{
    size_t i = 0;
    while (i < count && !(str_eq(c->assets[first[i]].partition, c->assets[asset].partition) &&
                          partition_same(&c->defs->assets[first[i]].partitions,
                                         &c->defs->assets[asset].partitions))) {
        i++;
    }
    return i;
}

/* Its evaluation, its key in the list of the run's, and perhaps the record of a run of its own. */
static size_t record_bytes(const struct automation_choice *c, uint32_t asset)
{
    return 2 * (size_t)STORE_RECORD_BYTES + 4 * c->defs->assets[asset].key.len +
           c->results[asset].cursor.len + 2 * c->assets[asset].partition.len + RUN_ID_BYTES;
}

/* Marks what is left, from the first asset on that has no room. */
static size_t cut(const struct automation_choice *c, struct automation_runs *ret)
{
    size_t taken = 0;
    for (size_t i = 0; i < c->defs->asset_count; i++) {
        uint32_t asset = c->defs->graph.order[i];
        bool is_wanted = c->results[asset].is_requested;
        size_t bytes = is_wanted ? record_bytes(c, asset) : 0;
        bool has_room =
            taken < AUTOMATION_RUN_ASSETS_MAX && (taken == 0 || ret->bytes + bytes <= c->room);
        ret->has_more = ret->has_more || (is_wanted && !has_room);
        ret->is_left[asset] = ret->has_more;
        if (is_wanted && !ret->has_more) {
            taken++;
            ret->bytes += bytes;
        }
    }
    return taken;
}

static bool fill(struct automation_run *run, size_t number, const uint32_t *chosen,
                 const uint32_t *into, size_t count, struct arena *arena)
{
    uint32_t *members = arena_array(arena, run->count, sizeof(*members));
    size_t n = 0;
    for (size_t i = 0; members != NULL && i < count; i++) {
        if (into[i] == number) {
            members[n++] = chosen[i];
        }
    }
    run->assets = members;
    return members != NULL;
}

bool automation_runs_make(const struct automation_choice *c, struct arena *arena,
                          struct automation_runs *ret, struct err *err)
{
    *ret = (struct automation_runs){
        .is_left = arena_array(arena, c->defs->asset_count + 1, sizeof(*ret->is_left))};
    size_t taken = ret->is_left == NULL ? 0 : cut(c, ret);
    uint32_t *chosen = arena_array(arena, taken + 1, sizeof(*chosen));
    uint32_t *first = arena_array(arena, taken + 1, sizeof(*first));
    uint32_t *into = arena_array(arena, taken + 1, sizeof(*into));
    ret->items = arena_array(arena, taken + 1, sizeof(*ret->items));
    bool ok = ret->is_left != NULL && chosen != NULL && first != NULL && into != NULL &&
              ret->items != NULL;
    size_t count = 0;
    for (uint32_t i = 0; ok && i < c->defs->asset_count; i++) {
        if (!c->results[i].is_requested || ret->is_left[i]) {
            continue;
        }
        size_t run = find_run(c, first, ret->count, i);
        if (run == ret->count) {
            first[ret->count++] = i;
            ret->items[run] = (struct automation_run){.partition = c->assets[i].partition};
        }
        ret->items[run].count++;
        into[count] = (uint32_t)run;
        chosen[count++] = i;
    }
    for (size_t run = 0; ok && run < ret->count; run++) {
        ok = fill(&ret->items[run], run, chosen, into, count, arena);
    }
    return ok || err_set(err, ERR_NO_MEMORY, "put runs of automation together: out of memory");
}
