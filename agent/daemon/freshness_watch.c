#include "agent/daemon/freshness_watch.h"

#include "agent/store/versions.h"
#include "common/json/json_writer.h"
#include "common/log/log.h"
#include <stdlib.h>

#define RETRY_NS (5 * NS_PER_SEC) /* when there was no room for an event, or no reading */
enum { GONE_ARENA_BYTES = 4 << 20, ASSET_ARENA_BYTES = 1 << 20, MEMBERS_BYTES = 64 };

/* An asset with a policy. */
struct watched {
    uint32_t asset;
    struct wall_time made_at;
    enum freshness_state told;
    struct wall_time next; /* looked at again then; INT64_MAX = not until something happens */
};
/* One that has none any more, and of which something else was told. */
struct gone {
    struct str key;
    enum freshness_state told;
    struct gone *next;
};

struct freshness_watch {
    struct loop *loop;
    struct store *store;
    struct runner *runner;
    const struct definitions *defs;
    struct watched *watched; /* by asset, ascending */
    size_t count;
    struct gone *gone;
    struct arena arena;
    struct loop_timer timer;
    bool is_running;
};

static struct wall_time wall_now(const struct freshness_watch *w)
{
    return clock_wall(loop_clock(w->loop));
}

static int by_asset(const void *key, const void *item)
{
    uint32_t asset = *(const uint32_t *)key;
    const struct watched *watched = item;
    return (asset > watched->asset) - (asset < watched->asset);
}

static struct watched *find(const struct freshness_watch *w, struct str key)
{
    uint32_t asset = 0;
    if (!strmap_get(&w->defs->graph.by_key, key, &asset)) {
        return NULL;
    }
    return bsearch(&asset, w->watched, w->count, sizeof(*w->watched), by_asset);
}

/* --- telling -------------------------------------------------------------------------------- */

/* False: there is no room now. */
static bool tell(struct freshness_watch *w, struct str key, enum freshness_state from,
                 enum freshness_state to)
{
    char memory[MEMBERS_BYTES];
    struct buf members = buf_fixed(memory, sizeof(memory));
    struct json_writer json = json_writer(&members);
    struct err err = {0};
    jw_member_str(&json, "previous", str_from(freshness_state_name(from)));
    struct record changed = {.type = EVENT_FRESHNESS_STATE_CHANGE,
                             .at = wall_now(w),
                             .asset = key,
                             .status = str_from(freshness_state_name(to)),
                             .members = buf_str(&members)};
    if (!runner_record(w->runner, &changed, &err)) {
        return false;
    }
    LOG(INFO, "freshness.changed", F_S("asset", key), F_T("from", freshness_state_name(from)),
        F_T("to", freshness_state_name(to)));
    return true;
}

static bool look_at(struct freshness_watch *w, struct watched *watched, struct wall_time now)
{
    const struct asset *asset = &w->defs->assets[watched->asset];
    enum freshness_state state =
        freshness_at(&asset->freshness, watched->made_at, now, &watched->next);
    if (state == watched->told) {
        return true;
    }
    if (!tell(w, asset->key, watched->told, state)) {
        watched->next = now;
        return false;
    }
    watched->told = state;
    return true;
}

static bool tell_gone(struct freshness_watch *w)
{
    while (w->gone != NULL && tell(w, w->gone->key, w->gone->told, FRESHNESS_NOT_APPLICABLE)) {
        w->gone = w->gone->next;
    }
    return w->gone == NULL;
}

static void arm_next(struct freshness_watch *w, struct wall_time now)
{
    struct wall_time earliest = {INT64_MAX};
    for (size_t i = 0; i < w->count; i++) {
        if (w->watched[i].next.ns < earliest.ns) {
            earliest = w->watched[i].next;
        }
    }
    if (earliest.ns == INT64_MAX) {
        loop_timer_disarm(w->loop, &w->timer);
    } else {
        loop_timer_arm_in(w->loop, &w->timer, earliest.ns > now.ns ? earliest.ns - now.ns : 0);
    }
}

static void on_due(void *ctx)
{
    struct freshness_watch *w = ctx;
    struct wall_time now = wall_now(w);
    if (!wall_is_set(now)) {
        return; /* the step that sets it comes back here */
    }
    bool has_room = tell_gone(w);
    for (size_t i = 0; has_room && i < w->count; i++) {
        if (w->watched[i].next.ns <= now.ns) {
            has_room = look_at(w, &w->watched[i], now);
        }
    }
    if (has_room) {
        arm_next(w, now);
    } else {
        loop_timer_arm_in(w->loop, &w->timer, RETRY_NS);
    }
}

/* --- reading -------------------------------------------------------------------------------- */

/* What was never told is unknown, as is what was never made. */
static enum freshness_state told_state(struct str freshness)
{
    return str_is_empty(freshness) ? FRESHNESS_UNKNOWN : freshness_state_from(freshness);
}

/* So many at once that there is no memory for all: the next start tells the rest. */
static void add_gone(struct freshness_watch *w, struct str key, enum freshness_state told)
{
    struct gone *gone = arena_alloc(&w->arena, sizeof(*gone));
    struct str copy = arena_copy(&w->arena, key);
    if (gone != NULL && copy.ptr != NULL) {
        *gone = (struct gone){.key = copy, .told = told, .next = w->gone};
        w->gone = gone;
    }
}

static bool on_asset(void *ctx, const struct stored_asset *asset)
{
    struct freshness_watch *w = ctx;
    struct watched *watched = find(w, asset->key);
    enum freshness_state told = told_state(asset->freshness);
    if (watched != NULL) {
        watched->made_at = asset->materialized_at;
        watched->told = told;
    } else if (told != FRESHNESS_UNKNOWN && told != FRESHNESS_NOT_APPLICABLE) {
        add_gone(w, asset->key, told);
    }
    return true;
}

static bool load(struct freshness_watch *w, struct err *err)
{
    w->watched = calloc(w->defs->asset_count + 1, sizeof(*w->watched));
    if (w->watched == NULL) {
        return err_set(err, ERR_NO_MEMORY, "watch the freshness of assets: out of memory");
    }
    for (uint32_t i = 0; i < w->defs->asset_count; i++) {
        if (w->defs->assets[i].freshness.kind != FRESHNESS_NONE) {
            w->watched[w->count++] = (struct watched){.asset = i, .told = FRESHNESS_UNKNOWN};
        }
    }
    return store_each_asset(w->store, on_asset, w, err);
}

bool freshness_watch_open(struct freshness_watch **ret, struct loop *loop, struct store *store,
                          struct runner *runner, const struct definitions *defs, struct err *err)
{
    struct freshness_watch *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        return err_set(err, ERR_NO_MEMORY, "watch the freshness of assets: out of memory");
    }
    *w = (struct freshness_watch){.loop = loop,
                                  .store = store,
                                  .runner = runner,
                                  .defs = defs,
                                  .arena = arena_new(GONE_ARENA_BYTES)};
    w->timer = (struct loop_timer){.on_due = on_due, .ctx = w};
    if (!load(w, err)) {
        freshness_watch_close(w);
        return false;
    }
    *ret = w;
    return true;
}

void freshness_watch_close(struct freshness_watch *w)
{
    if (w == NULL) {
        return;
    }
    loop_timer_disarm(w->loop, &w->timer);
    arena_release(&w->arena);
    free(w->watched);
    free(w);
}

/* --- when ----------------------------------------------------------------------------------- */

void freshness_watch_start(struct freshness_watch *w)
{
    w->is_running = true;
    for (size_t i = 0; i < w->count; i++) {
        w->watched[i].next = (struct wall_time){0};
    }
    if (w->count > 0 || w->gone != NULL) {
        loop_timer_arm_in(w->loop, &w->timer, 0);
    }
}

void freshness_watch_made(struct freshness_watch *w, struct str key)
{
    AUTO(arena) arena = arena_new(ASSET_ARENA_BYTES);
    struct watched *watched = find(w, key);
    struct stored_asset stored = {0};
    bool found = false;
    struct err err = {0};
    if (watched == NULL) {
        return;
    }
    if (!store_find_asset(w->store, key, &arena, &stored, &found, &err)) {
        LOG(WARN, "freshness.not_read", F_S("asset", key), F_ERR(&err),
            F_T("action", "taking it for made now"));
        stored.materialized_at = wall_now(w);
    }
    watched->made_at = stored.materialized_at;
    watched->next = (struct wall_time){0};
    if (w->is_running) {
        loop_timer_arm_in(w->loop, &w->timer, 0);
    }
}

void freshness_watch_clock_stepped(struct freshness_watch *w)
{
    if (w->is_running) {
        freshness_watch_start(w);
    }
}

void freshness_watch_stop(struct freshness_watch *w)
{
    w->is_running = false;
    loop_timer_disarm(w->loop, &w->timer);
}
