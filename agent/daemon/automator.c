#include "agent/daemon/automator.h"

#include "agent/assets/automation_look.h"
#include "agent/assets/automation_runs.h"
#include "agent/run/tags.h"
#include "common/log/log.h"
#include <stdlib.h>

#define DEBOUNCE_NS (1 * NS_PER_SEC)
#define BETWEEN_NS  (3 * NS_PER_SEC)
#define RETRY_NS    (10 * NS_PER_SEC)
enum {
    LOAD = 20, /* a tick that takes 1 s is followed by none for 20 s */
    ARENA_BYTES = 64 << 20,
    RESERVE_BYTES = 128 << 10, /* for what others record meanwhile */
    TREE_BYTES_MAX = 16 << 10,
    TREE_DEPS_MAX = 100,
    TREES_DEPS_MAX = 1000, /* of one tick */
    SELECTION_BYTES_MAX = 1024,
};
struct automator {
    struct loop *loop;
    struct store *store;
    struct runner *runner;
    const struct definitions *defs;
    struct loop_timer timer;
    struct mono_time next_allowed;
    bool is_used;
    bool is_paused;
    bool is_running;
};

/* One tick. */
struct tick {
    struct automator *automator;
    struct arena *arena;
    struct wall_time now;
    struct automation_look *look;
    struct automation_result *results;
    struct automation_runs runs;
    size_t tree_room; /* bytes that trees may take */
    bool has_kept;
    bool has_failed; /* something could not be recorded or queued */
};

static struct wall_time wall_now(const struct automator *a)
{
    return clock_wall(loop_clock(a->loop));
}

/* --- when ----------------------------------------------------------------------------------- */

/* Not before it is allowed; never later than it is armed for already. */
static void arm(struct automator *a, int64_t delay_ns)
{
    struct mono_time due = {loop_now(a->loop).ns + delay_ns};
    bool is_armed = a->timer.heap_index != 0;
    due.ns = due.ns < a->next_allowed.ns ? a->next_allowed.ns : due.ns;
    if (a->is_running && !automator_is_paused(a) && (!is_armed || due.ns < a->timer.due.ns)) {
        loop_timer_arm(a->loop, &a->timer, due);
    }
}

static void arm_next_time(struct automator *a, struct wall_time now)
{
    struct wall_time next = automation_next_time(a->defs, now);
    if (next.ns != INT64_MAX) {
        arm(a, next.ns - now.ns);
    }
}

void automator_wake(struct automator *a)
{
    if (a->is_used) {
        arm(a, DEBOUNCE_NS);
    }
}

/* --- asking --------------------------------------------------------------------------------- */

/* What a person would select; left out when it is long. */
static struct str selection_of(const struct tick *t, const struct automation_run *run)
{
    AUTO(buf) text = buf_growing(SELECTION_BYTES_MAX);
    for (size_t i = 0; i < run->count; i++) {
        buf_add(&text, i == 0 ? STR("") : STR(" or "));
        buf_add(&text, t->automator->defs->assets[run->assets[i]].key);
    }
    return text.overflow ? STR_NONE : arena_copy(t->arena, buf_str(&text));
}

static struct str tree_of(struct tick *t, uint32_t asset)
{
    AUTO(buf) text = buf_growing(TREE_BYTES_MAX);
    if (t->results[asset].tree == NULL) {
        return STR_NONE;
    }
    automation_write_nodes(t->results[asset].tree, &text);
    if (text.overflow || text.len > t->tree_room) {
        return STR_NONE;
    }
    t->tree_room -= text.len;
    return arena_copy(t->arena, buf_str(&text));
}

static void leave(struct tick *t, const struct automation_run *run)
{
    t->has_failed = true;
    for (size_t i = 0; i < run->count; i++) {
        t->runs.is_left[run->assets[i]] = true;
    }
}

static void record_evaluations(struct tick *t, const struct automation_run *run, const char *id)
{
    struct err err = {0};
    for (size_t i = 0; i < run->count; i++) {
        uint32_t asset = run->assets[i];
        struct record asked = {.type = EVENT_AUTOMATION_EVALUATION,
                               .at = t->now,
                               .asset = t->automator->defs->assets[asset].key,
                               .run = str_from(id),
                               .partition = run->partition,
                               .cursor = t->results[asset].cursor,
                               .metadata = tree_of(t, asset)};
        if (!store_record(t->automator->store, &asked, &err)) { /* there was room for it */
            LOG(ERROR, "automation.not_recorded", F_S("asset", asked.asset), F_ERR(&err));
        }
    }
}

static void ask(struct tick *t, const struct automation_run *run)
{
    struct str keys[] = {TAG_AUTOMATION};
    struct str values[] = {STR("true")};
    struct automator *a = t->automator;
    struct err err = {0};
    char id[UUID_TEXT_SIZE];
    const struct run_request request = {.assets = run->assets,
                                        .asset_count = run->count,
                                        .cause = STR("automation"),
                                        .selection = selection_of(t, run),
                                        .on_overlap = OVERLAP_QUEUE,
                                        .tags = {.keys = keys, .values = values, .count = 1},
                                        .partition = run->partition};
    if (!runner_enqueue(a->runner, &request, id, &err)) {
        LOG(WARN, "automation.not_queued", F_ERR(&err), F_T("action", "asking again soon"));
        leave(t, run);
        return;
    }
    record_evaluations(t, run, id);
    LOG(INFO, "automation.asked", F_T("run", id), F_I("assets", (int64_t)run->count),
        F_S("selection", request.selection));
}

/* --- one tick ------------------------------------------------------------------------------- */

static bool choose(struct tick *t, struct err *err)
{
    size_t room = store_room(t->automator->store);
    const struct automation_choice choice = {.defs = t->automator->defs,
                                             .assets = automation_look_assets(t->look),
                                             .results = t->results,
                                             .room =
                                                 room < RESERVE_BYTES ? 0 : room - RESERVE_BYTES};
    if (!automation_runs_make(&choice, t->arena, &t->runs, err)) {
        return false;
    }
    t->tree_room = choice.room < t->runs.bytes ? 0 : (choice.room - t->runs.bytes) / 2;
    return true;
}

/* Evaluates again with the trees of what is asked for: they are many, of all. Without them it asks
 * all the same. */
static void grow_trees(struct tick *t)
{
    struct automation_asset *assets = automation_look_assets(t->look);
    struct automation_result *with_trees = NULL;
    struct err err = {0};
    size_t deps = 0;
    for (size_t i = 0; i < t->automator->defs->asset_count; i++) {
        size_t own = 1 + t->automator->defs->graph.nodes[i].dep_count;
        bool is_wanted = t->results[i].is_requested && !t->runs.is_left[i] &&
                         own <= TREE_DEPS_MAX && deps + own <= TREES_DEPS_MAX;
        assets[i].wants_tree = is_wanted;
        deps += is_wanted ? own : 0;
    }
    if (deps > 0 && automation_look_evaluate(t->look, &with_trees, &err)) {
        t->results = with_trees;
    }
}

static void keep(struct tick *t, struct str asset, struct str cursor)
{
    struct automator *a = t->automator;
    struct err err = {0};
    size_t bytes = STORE_RECORD_BYTES + asset.len + cursor.len;
    if (store_room(a->store) < bytes + RESERVE_BYTES && !runner_flush(a->runner)) {
        t->has_failed = true;
        return;
    }
    if (!store_keep_automation(a->store, asset, cursor, t->now, &err)) {
        LOG(WARN, "automation.not_recorded", F_S("asset", asset), F_ERR(&err));
        t->has_failed = true;
        return;
    }
    t->has_kept = true;
}

static void keep_cursors(struct tick *t)
{
    const struct definitions *defs = t->automator->defs;
    size_t count = 0;
    const struct str *forgotten = automation_look_forgotten(t->look, &count);
    for (uint32_t i = 0; i < defs->asset_count; i++) {
        const struct automation_result *result = &t->results[i];
        if (result->must_keep && !result->is_requested && !t->runs.is_left[i]) {
            keep(t, defs->assets[i].key, result->cursor);
        }
    }
    for (size_t i = 0; i < count; i++) {
        keep(t, forgotten[i], STR_NONE);
    }
}

static bool evaluate(struct tick *t, struct err *err)
{
    struct automator *a = t->automator;
    if (!automation_look_open(&t->look, a->store, a->defs, t->now, t->arena, err) ||
        !automation_look_evaluate(t->look, &t->results, err) || !choose(t, err)) {
        return false;
    }
    grow_trees(t);
    for (size_t i = 0; i < t->runs.count; i++) {
        ask(t, &t->runs.items[i]);
    }
    keep_cursors(t); /* durable with them at the end of this turn, by the runner */
    return true;
}

static void plan_next(struct automator *a, const struct tick *t, int64_t took_ns)
{
    int64_t between = took_ns * LOAD > BETWEEN_NS ? took_ns * LOAD : BETWEEN_NS;
    struct mono_time now = loop_now(a->loop);
    a->next_allowed.ns = t->runs.has_more ? now.ns : now.ns + between;
    if (a->timer.heap_index != 0 && a->timer.due.ns < a->next_allowed.ns) {
        loop_timer_arm(a->loop, &a->timer, a->next_allowed); /* armed by what this tick flushed */
    }
    LOG(DEBUG, "automation.evaluated", F_I("runs", (int64_t)t->runs.count),
        F_I("took_us", took_ns / NS_PER_US), F_T("more", t->runs.has_more ? "yes" : "no"));
    if (t->has_kept) {
        runner_flush_soon(a->runner);
    }
    if (t->runs.has_more) {
        arm(a, 0); /* once this turn has made the others durable */
    } else if (t->has_failed) {
        arm(a, RETRY_NS);
    }
    arm_next_time(a, t->now);
}

static void on_due(void *ctx)
{
    struct automator *a = ctx;
    AUTO(arena) arena = arena_new(ARENA_BYTES);
    struct tick tick = {.automator = a, .arena = &arena, .now = wall_now(a)};
    struct err err = {0};
    if (!wall_is_set(tick.now)) {
        return; /* the step that sets it comes back here */
    }
    struct mono_time began = clock_mono(loop_clock(a->loop));
    /* It reads the database: what is not there yet would be asked for twice. */
    if (!runner_flush(a->runner)) {
        arm(a, RETRY_NS);
        return;
    }
    if (!evaluate(&tick, &err)) {
        LOG(ERROR, "automation.failed", F_ERR(&err), F_T("action", "evaluating again soon"));
        tick.has_failed = true;
    }
    plan_next(a, &tick, clock_mono(loop_clock(a->loop)).ns - began.ns);
}

/* --- life ----------------------------------------------------------------------------------- */

bool automator_open(struct automator **ret, struct loop *loop, struct store *store,
                    struct runner *runner, const struct definitions *defs, struct err *err)
{
    struct automator *a = calloc(1, sizeof(*a));
    if (a == NULL) {
        return err_set(err, ERR_NO_MEMORY, "start automation: out of memory");
    }
    *a = (struct automator){.loop = loop,
                            .store = store,
                            .runner = runner,
                            .defs = defs,
                            .is_used = automation_is_used(defs)};
    a->timer = (struct loop_timer){.on_due = on_due, .ctx = a};
    if (!store_automation_is_paused(store, &a->is_paused, err)) {
        automator_close(a);
        return false;
    }
    *ret = a;
    return true;
}

void automator_close(struct automator *a)
{
    if (a != NULL) {
        loop_timer_disarm(a->loop, &a->timer);
        free(a);
    }
}

/* Also without conditions: what is kept of those that were there goes. */
void automator_start(struct automator *a)
{
    a->is_running = true;
    arm(a, 0);
}

void automator_clock_stepped(struct automator *a)
{
    loop_timer_disarm(a->loop, &a->timer); /* it may be armed for a cron's tick far away */
    arm(a, 0);
}

void automator_stop(struct automator *a)
{
    a->is_running = false;
    loop_timer_disarm(a->loop, &a->timer);
}

struct record automation_pause_record(bool is_paused, struct str command, struct wall_time now)
{
    return (struct record){.type = EVENT_INSTIGATOR,
                           .at = now,
                           .kind = STR("automation"),
                           .name = STR("automation"),
                           .command = command,
                           .status = is_paused ? STR("paused") : STR("running")};
}

bool automator_pause(struct automator *a, bool is_paused, struct str command, struct err *err)
{
    struct record changed = automation_pause_record(is_paused, command, wall_now(a));
    if (!store_record(a->store, &changed, err)) {
        return false;
    }
    a->is_paused = is_paused;
    runner_flush_soon(a->runner);
    if (is_paused) {
        loop_timer_disarm(a->loop, &a->timer);
    } else {
        arm(a, 0);
    }
    LOG(INFO, is_paused ? "automation.paused" : "automation.resumed",
        F_T("action",
            is_paused ? "asking for nothing" : "looking once at what happened meanwhile"));
    return true;
}

bool automator_is_paused(const struct automator *a)
{
    return a->is_paused || a->defs->is_automation_held;
}

bool automator_is_used(const struct automator *a)
{
    return a->is_used;
}
