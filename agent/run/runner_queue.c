/* runner_queue.c - runs that wait: which is next, and what is kept of them meanwhile. */
#include "agent/run/runner_internal.h"

#include "common/json/json_writer.h"
#include "common/log/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool job_is_going(const struct runner *runner, const char *job)
{
    for (const struct active_run *run = runner->runs; run != NULL; run = run->next) {
        if (run->state != RUN_QUEUED && strcmp(run->job, job) == 0) {
            return true;
        }
    }
    return false;
}

struct active_run *queue_next(const struct runner *runner, struct wall_time now)
{
    struct active_run *best = NULL;
    for (struct active_run *run = runner->runs; run != NULL; run = run->next) {
        bool may_begin = run->state == RUN_QUEUED && run->not_before.ns <= now.ns &&
                         (run->job[0] == '\0' || !job_is_going(runner, run->job));
        if (may_begin && (best == NULL || run->priority > best->priority)) {
            best = run;
        }
    }
    return best;
}

int64_t queue_next_time(const struct runner *runner, struct wall_time after)
{
    int64_t earliest = INT64_MAX;
    for (const struct active_run *run = runner->runs; run != NULL; run = run->next) {
        if (run->state == RUN_QUEUED && run->not_before.ns > after.ns &&
            run->not_before.ns < earliest) {
            earliest = run->not_before.ns;
        }
    }
    return earliest;
}

bool queue_add(struct runner *runner, const struct stored_run *facts, struct active_run **ret,
               struct err *err)
{
    struct active_run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return err_set(err, ERR_NO_MEMORY, "queue a run: out of memory");
    }
    run->runner = runner;
    run->state = RUN_QUEUED;
    run->priority = facts->priority;
    run->not_before = facts->not_before;
    (void)snprintf(run->id, sizeof(run->id), STR_FMT, STR_ARG(facts->id));
    (void)snprintf(run->job, sizeof(run->job), STR_FMT, STR_ARG(facts->job));
    struct active_run **tail = &runner->runs;
    while (*tail != NULL) {
        tail = &(*tail)->next;
    }
    *tail = run;
    runner->queued_count++;
    if (ret != NULL) {
        *ret = run;
    }
    return true;
}

void queue_drop(struct active_run *run)
{
    struct active_run **at = &run->runner->runs;
    while (*at != run) {
        at = &(*at)->next;
    }
    *at = run->next;
    run->runner->queued_count--;
    run_free(run);
}

void run_park(struct active_run *run)
{
    if (run->is_loaded) {
        run->is_loaded = false;
        arena_release(&run->arena);
        definitions_close(run->defs);
        run->defs = NULL;
        run->job_defined = NULL;
        run->facts = (struct stored_run){0};
        run->tags = (struct str_map){0};
        run->plan = (struct plan){0};
        run->run = (struct run){0};
    }
}

void run_free(struct active_run *run)
{
    run_park(run);
    free(run);
}

struct str run_keys(const struct definitions *defs, const struct plan *plan, struct arena *arena)
{
    AUTO(buf) text = buf_growing(KEYS_BYTES_MAX);
    struct json_writer w = json_writer(&text);
    jw_begin_array(&w);
    for (size_t i = 0; i < plan->asset_count; i++) {
        jw_str(&w, defs->assets[plan->assets[i].asset].key);
    }
    jw_end_array(&w);
    return text.overflow ? STR_NONE : arena_copy(arena, buf_str(&text));
}

/* --- reading a run again --- */

static bool find_assets(const struct active_run *run, const struct json *keys, uint32_t *assets,
                        struct err *err)
{
    size_t i = 0;
    for (const struct json *key = keys->child; key != NULL; key = key->next) {
        if (!definitions_find_asset(run->defs, key->as.string, &assets[i++], err)) {
            return err_wrap(err, "the definitions have changed since the run was queued");
        }
    }
    return true;
}

static bool plan_keys(struct active_run *run, struct err *err)
{
    struct json *keys = NULL;
    if (!json_parse(run->facts.keys, KEYS_BYTES_MAX, &run->arena, &keys, err)) {
        return err_wrap(err, "assets of run %s", run->id);
    }
    uint32_t *assets = arena_array(&run->arena, keys->count, sizeof(*assets));
    if (assets == NULL) {
        return err_set(err, ERR_NO_MEMORY, "plan run %s: out of memory", run->id);
    }
    return find_assets(run, keys, assets, err) &&
           plan_make_for(run->defs, assets, keys->count, &run->arena, &run->plan, err);
}

bool run_prepare(struct active_run *run, struct err *err)
{
    for (size_t i = 0; i < run->defs->job_count && run->job_defined == NULL; i++) {
        bool is_it = str_eq(run->defs->jobs[i].name, str_from(run->job));
        run->job_defined = is_it ? &run->defs->jobs[i] : NULL;
    }
    return run_init(&run->run, run->defs, &run->plan, &run->arena, err);
}

static bool plan_again(struct active_run *run, struct err *err)
{
    bool ok = str_is_empty(run->facts.keys)
                  ? plan_make(run->defs, run->facts.selection, &run->arena, &run->plan, err)
                  : plan_keys(run, err);
    return ok && run_prepare(run, err);
}

/* Steps of the interrupted run that waited for their next attempt wait on, for as long as they
 * still had to, by the wall clock; never longer than their policy lets them. */
static void carry_over_step(struct active_run *run, const struct stored_step *old)
{
    struct mono_time now = loop_now(run->runner->options.loop);
    for (uint32_t i = 0; i < run->plan.count; i++) {
        const struct asset *asset = run_asset(&run->run, i);
        if (!str_eq(run_step_key(&run->run, i), old->step)) {
            continue;
        }
        int64_t left = old->retry_at.ns - runner_wall_now(run->runner).ns;
        int64_t longest = retry_delay_ns(&asset->retry, old->attempt, UINT64_MAX);
        left = left < 0 ? 0 : left > longest ? longest : left;
        run_carry_over(&run->run, i, old->attempt, (struct mono_time){now.ns + left});
    }
}

static bool carry_over(struct active_run *run, struct err *err)
{
    struct stored_step *steps = NULL;
    size_t count = 0;
    if (str_is_empty(tags_get(&run->tags, TAG_INTERRUPTIONS)) || str_is_empty(run->facts.parent)) {
        return true;
    }
    if (!store_run_steps(run->runner->options.store, run->facts.parent, &run->arena, &steps, &count,
                         err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (steps[i].retry_at.ns > 0) {
            carry_over_step(run, &steps[i]);
        }
    }
    return true;
}

bool run_load(struct active_run *run, struct err *err)
{
    if (run->is_loaded) {
        return true;
    }
    bool found = false;
    run->is_loaded = true;
    run->arena = arena_new(RUN_ARENA_BYTES);
    run->defs = definitions_share(run->runner->defs);
    if (!store_load_run(run->runner->options.store, str_from(run->id), &run->arena, &run->facts,
                        &found, err)) {
        return false;
    }
    if (!found) {
        return err_set(err, ERR_NOT_FOUND, "run %s is not in the database", run->id);
    }
    return tags_read(run->facts.tags, &run->arena, &run->tags, err) && plan_again(run, err) &&
           carry_over(run, err);
}
