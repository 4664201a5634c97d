/* runner_retry.c - runs that try another one again: by policy, after an interruption, by hand. */
#include "agent/run/runner_internal.h"

#include "common/json/json_writer.h"
#include "common/log/log.h"
#include <stdio.h>
#include <string.h>

enum { RETRIES_MAX = 1000 };

static void new_id(struct runner *runner, char ret[UUID_TEXT_SIZE])
{
    uint8_t random[10];
    runner->options.rng->fill(runner->options.rng->ctx, random, sizeof(random));
    uuid7_format(runner_wall_now(runner), random, ret);
}

/* The parent's tags, with those that are of one run alone set anew or taken away: the count of
 * interruptions and, when somebody asks for another try, which command that was. */
static bool child_tags(const struct stored_run *parent, const struct retry_order *order,
                       struct arena *arena, struct str *ret, struct err *err)
{
    struct str names[2];
    struct str values[2];
    struct str_map tags = {0};
    struct str_map joined = {0};
    struct str_map own = {.keys = names, .values = values};
    if (!tags_read(parent->tags, arena, &tags, err)) {
        return false;
    }
    tags_remove(&tags, TAG_INTERRUPTIONS);
    if (order->is_asked_for) {
        tags_remove(&tags, TAG_COMMAND);
    }
    if (!str_is_empty(order->interruptions)) {
        names[own.count] = TAG_INTERRUPTIONS;
        values[own.count++] = order->interruptions;
    }
    if (!str_is_empty(order->command)) {
        names[own.count] = TAG_COMMAND;
        values[own.count++] = order->command;
    }
    return tags_join(&tags, &own, arena, &joined, err) && tags_write(&joined, arena, ret, err);
}

static bool enqueue(struct runner *runner, const struct stored_run *parent,
                    const struct retry_order *order, struct arena *arena,
                    char ret_run[UUID_TEXT_SIZE], struct err *err)
{
    struct stored_run child = *parent;
    new_id(runner, ret_run);
    child.id = str_from(ret_run);
    child.cause = STR("retry");
    child.cause_name = parent->id;
    child.parent = parent->id;
    child.root = str_is_empty(parent->root) ? parent->id : parent->root;
    child.keys = order->keys;
    child.steps = order->steps;
    child.retry_number = order->retry_number;
    child.not_before = order->not_before;
    if (!child_tags(parent, order, arena, &child.tags, err)) {
        return false;
    }
    struct record enqueued = {.type = EVENT_RUN_ENQUEUED,
                              .at = runner_wall_now(runner),
                              .run = child.id,
                              .job = child.job,
                              .cause = child.cause,
                              .cause_name = child.cause_name,
                              .selection = child.selection,
                              .keys = child.keys,
                              .tags = child.tags,
                              .parent = child.parent,
                              .root = child.root,
                              .backfill = child.backfill,
                              .partition = child.partition,
                              .partition_end = child.partition_end,
                              .not_before = child.not_before,
                              .steps = child.steps,
                              .priority = child.priority,
                              .retry_number = child.retry_number};
    struct active_run *run = NULL;
    if (!queue_add(runner, &child, &run, err)) {
        return false;
    }
    if (!runner_try_note(runner, &enqueued, err)) {
        queue_drop(run);
        return false;
    }
    run->has_waited = true;
    loop_defer(runner->options.loop, &runner->pump_task);
    return true;
}

/* --- by policy --- */

struct keys {
    struct buf text;
    struct json_writer w;
    int64_t count;
};

static struct keys keys_begin(void)
{
    return (struct keys){.text = buf_growing(KEYS_BYTES_MAX)};
}

static void keys_add(struct keys *keys, struct str key)
{
    buf_add(&keys->text, keys->count++ == 0 ? STR("[") : STR(","));
    struct json_writer w = json_writer(&keys->text);
    jw_str(&w, key);
}

/* Counts steps of assets that come step by step. */
struct step_count {
    struct str last;
    int64_t count;
};

static void count_step(struct step_count *steps, struct str step)
{
    steps->count += steps->count == 0 || !str_eq(steps->last, step);
    steps->last = step;
}

static struct str keys_end(struct keys *keys, struct arena *arena)
{
    buf_add_char(&keys->text, ']');
    struct str text = keys->text.overflow ? STR_NONE : arena_copy(arena, buf_str(&keys->text));
    buf_release(&keys->text);
    return text;
}

/* FROM_ASSET_FAILURE comes to the same as FROM_FAILURE: what of a step was made and did not fail its
 * blocking checks is not made again, and what such a check held back may not be made before it has
 * passed. */
static bool is_again(enum run_retry_strategy strategy, bool is_made)
{
    return strategy == RETRY_ALL_STEPS || !is_made;
}

/* What of a run that has just ended is tried again; *ret_steps is how many steps that is. */
static struct str keys_of_run(const struct active_run *run, enum run_retry_strategy strategy,
                              struct arena *arena, int64_t *ret_steps)
{
    struct keys keys = keys_begin();
    struct step_count steps = {0};
    for (uint32_t i = 0; i < run->plan.asset_count; i++) {
        if (is_again(strategy, run->run.made[i] == RUN_ASSET_MADE)) {
            keys_add(&keys, run_plan_asset(&run->run, i)->key);
            count_step(&steps, run_step_key(&run->run, run->plan.assets[i].step));
        }
    }
    *ret_steps = steps.count;
    return keys_end(&keys, arena);
}

static enum run_retry_strategy strategy_of(const struct active_run *run,
                                           const struct run_retry *policy)
{
    static const struct {
        struct str name;
        enum run_retry_strategy strategy;
    } names[] = {{STR_INIT("FROM_FAILURE"), RETRY_FROM_FAILURE},
                 {STR_INIT("FROM_ASSET_FAILURE"), RETRY_FROM_ASSET_FAILURE},
                 {STR_INIT("ALL_STEPS"), RETRY_ALL_STEPS}};
    struct str said = tags_get(&run->tags, TAG_RETRY_STRATEGY);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (str_eq(said, names[i].name)) {
            return names[i].strategy;
        }
    }
    return policy->strategy;
}

static struct run_retry policy_of(const struct active_run *run)
{
    struct run_retry policy = {0};
    if (run->job_defined != NULL) {
        policy = run->job_defined->retry;
    }
    policy.max = tags_get_i64(&run->tags, TAG_MAX_RETRIES, 0, RETRIES_MAX, policy.max);
    policy.strategy = strategy_of(run, &policy);
    return policy;
}

bool retry_put_off(const struct runner *runner, struct str run, struct mono_time *since,
                   const struct err *why)
{
    struct mono_time now = loop_now(runner->options.loop);
    if (since->ns == 0) {
        *since = now;
        LOG(WARN, "run.retry_put_off", F_S("run", run), F_ERR(why),
            F_T("action", "the run stays open, trying again"));
    }
    if (now.ns - since->ns < PUT_OFF_NS_MAX) {
        return true;
    }
    LOG(ERROR, "run.retry_failed", F_S("run", run), F_ERR(why),
        F_T("action", "not tried again: selvedge-agent retry does it by hand"));
    return false;
}

/* What belongs together is written together: the end of a run and the one that tries it again. */
static bool make_room(struct runner *runner, const struct stored_run *parent, struct str keys,
                      struct err *err)
{
    size_t texts = keys.len + parent->keys.len + parent->tags.len + parent->selection.len;
    size_t needed = texts + 4 * (size_t)STORE_RECORD_BYTES;
    return store_room(runner->options.store) >= needed || runner_flush(runner) ||
           err_set(err, ERR_FULL, "the database cannot be written just now");
}

bool retry_interrupted(struct runner *runner, const struct stored_run *parent,
                       const struct str_map *tags, struct retry_order *order, struct arena *arena,
                       struct err *err)
{
    char text[24];
    char id[UUID_TEXT_SIZE];
    int64_t before = tags_get_i64(tags, TAG_INTERRUPTIONS, 0, INT32_MAX, 0);
    if (order->steps == 0 || !runner->options.takes_over) {
        return true;
    }
    if (before >= INTERRUPTIONS_MAX) {
        LOG(WARN, "run.given_up", F_S("run", parent->id), F_I("interruptions", before),
            F_T("action", "not tried again: selvedge-agent retry does it by hand"));
        return true;
    }
    (void)snprintf(text, sizeof(text), "%lld", (long long)before + 1);
    order->retry_number = parent->retry_number;
    order->interruptions = str_from(text);
    if (!make_room(runner, parent, order->keys, err) ||
        !enqueue(runner, parent, order, arena, id, err)) {
        return false;
    }
    LOG(INFO, "run.retry_queued", F_S("parent", parent->id), F_T("run", id),
        F_T("reason", "interrupted"));
    return true;
}

bool retry_by_policy(struct active_run *run, struct err *err)
{
    struct runner *runner = run->runner;
    struct run_retry policy = policy_of(run);
    struct retry_order order = {0};
    char id[UUID_TEXT_SIZE];
    AUTO(arena) arena = arena_new(RUN_ARENA_BYTES); /* of one try: there may be many */
    if (run->run.stop == RUN_STOP_INTERRUPTED) {
        order.keys = keys_of_run(run, RETRY_FROM_FAILURE, &arena, &order.steps);
        return retry_interrupted(runner, &run->facts, &run->tags, &order, &arena, err);
    }
    if (run->facts.retry_number >= policy.max) {
        return true;
    }
    order.keys = keys_of_run(run, policy.strategy, &arena, &order.steps);
    order.retry_number = run->facts.retry_number + 1;
    order.not_before.ns = policy.delay_ns > 0 ? runner_wall_now(runner).ns + policy.delay_ns : 0;
    if (order.steps == 0) {
        return true;
    }
    if (!make_room(runner, &run->facts, order.keys, err) ||
        !enqueue(runner, &run->facts, &order, &arena, id, err)) {
        return false;
    }
    LOG(INFO, "run.retry_queued", F_T("parent", run->id), F_T("run", id),
        F_I("retry", order.retry_number), F_I("of", policy.max));
    return true;
}

/* --- by hand --- */

static bool keys_selected(struct runner *runner, struct str selection, struct arena *arena,
                          struct retry_order *order, struct err *err)
{
    struct plan plan = {0};
    if (!plan_make(runner->defs, selection, arena, &plan, err)) {
        return false;
    }
    order->keys = run_keys(runner->defs, &plan, arena);
    order->steps = (int64_t)plan.count;
    return true;
}

bool retry_keys_stored(struct runner *runner, struct str run, enum run_retry_strategy strategy,
                       struct arena *arena, struct retry_order *order, struct err *err)
{
    struct stored_run_asset *assets = NULL;
    size_t count = 0;
    if (!store_run_assets(runner->options.store, run, arena, &assets, &count, err)) {
        return false;
    }
    struct keys keys = keys_begin();
    struct step_count steps = {0};
    for (size_t i = 0; i < count; i++) {
        if (is_again(strategy, assets[i].is_made)) {
            keys_add(&keys, assets[i].asset);
            count_step(&steps, assets[i].step);
        }
    }
    order->steps = steps.count;
    order->keys = keys_end(&keys, arena);
    return true;
}

static bool keys_stored(struct runner *runner, const struct stored_run *parent,
                        enum retry_what what, struct arena *arena, struct retry_order *order,
                        struct err *err)
{
    static const enum run_retry_strategy strategies[] = {[RETRY_WHAT_FAILED] = RETRY_FROM_FAILURE,
                                                         [RETRY_WHAT_UNMADE] =
                                                             RETRY_FROM_ASSET_FAILURE,
                                                         [RETRY_WHAT_ALL] = RETRY_ALL_STEPS};
    struct stored_step *steps = NULL;
    size_t count = 0;
    if (!store_run_steps(runner->options.store, parent->id, arena, &steps, &count, err)) {
        return false;
    }
    if (count == 0) { /* it was canceled in the queue */
        order->keys = parent->keys;
        order->steps = parent->steps;
        return true;
    }
    return retry_keys_stored(runner, parent->id, strategies[what], arena, order, err);
}

bool runner_retry(struct runner *runner, struct str run, enum retry_what what, struct str selection,
                  struct str command, char ret_run[UUID_TEXT_SIZE], struct err *err)
{
    AUTO(arena) arena = arena_new(RUN_ARENA_BYTES);
    struct stored_run parent = {0};
    struct retry_order order = {.is_asked_for = true, .command = command};
    enum run_state state = RUN_QUEUED;
    bool found = false;
    if (!runner_flush(runner)) {
        return err_set(err, ERR_BUSY, "the database cannot be written just now");
    }
    if (!store_load_run(runner->options.store, run, &arena, &parent, &found, err)) {
        return false;
    }
    if (!found) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no run " STR_FMT, STR_ARG(run));
        return err_hint(err, "list them: selvedge-agent runs");
    }
    if (!run_state_from(parent.status, &state) || !run_state_is_finished(state)) {
        (void)err_set(err, ERR_BUSY, "run " STR_FMT " has not ended", STR_ARG(run));
        return err_hint(err, "cancel it first, or wait");
    }
    bool ok = what == RETRY_WHAT_SELECTED ? keys_selected(runner, selection, &arena, &order, err)
                                          : keys_stored(runner, &parent, what, &arena, &order, err);
    if (!ok) {
        return false;
    }
    if (order.steps == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "nothing of run " STR_FMT " needs another try",
                      STR_ARG(run));
        return err_hint(err, "--all tries all of its steps");
    }
    return enqueue(runner, &parent, &order, &arena, ret_run, err);
}
