/* runner_steps.c - the steps of the runs that are going: which may start, and their children. */
#include "agent/run/runner_internal.h"

#include "agent/run/step_spec.h"
#include "common/log/log.h"
#include "common/platform/files.h"
#include <stdio.h>
#include <stdlib.h>

/* --- starting --- */

struct step_context attempt_context(const struct attempt *attempt)
{
    const struct active_run *run = attempt->run;
    const struct runner_options *options = &run->runner->options;
    return (struct step_context){
        .defs = run->defs,
        .worker = options->worker,
        .state_dir = options->state_dir,
        .run = str_from(run->id),
        .store_id = options->host == NULL ? STR_NONE : str_from(options->host->store_id),
        .attempt = run->run.steps[attempt->step].attempt,
        .is_retry = run->run.steps[attempt->step].attempt > 1 || run->facts.parent.len > 0,
        .assets = attempt->shared,
        .asset_count = attempt->shared == NULL ? 0 : attempt->asset_count,
        .tags = &run->tags,
        .partition = attempt->has_partition ? &attempt->partition : NULL,
        .env = options->env,
        .variables = attempt_pipes_variables(attempt->pipes)};
}

void attempt_output_dir(const struct attempt *attempt, char ret[LIMIT_PATH_BYTES + 1])
{
    (void)snprintf(ret, LIMIT_PATH_BYTES + 1, "%s/runs/%s/" STR_FMT,
                   attempt->run->runner->options.state_dir, attempt->run->id,
                   STR_ARG(run_step_key(&attempt->run->run, attempt->step)));
}

static bool read_versions(struct attempt *attempt, struct err *err)
{
    const struct active_run *run = attempt->run;
    for (size_t i = 0; i < attempt->asset_count; i++) {
        const struct step_versions_of versions = {
            .store = run->runner->options.store,
            .defs = run->defs,
            .asset = run->plan.assets[attempt->assets[i].place].asset,
            .run = str_from(run->id)};
        if (!step_versions_read(&versions, &attempt->arena, &attempt->assets[i].versions, err)) {
            return false;
        }
    }
    return true;
}

static bool spawn_attempt(struct attempt *attempt, struct err *err)
{
    struct active_run *run = attempt->run;
    const struct runner_options *options = &run->runner->options;
    const struct asset *asset = run_asset(&run->run, attempt->step);
    int64_t number = run->run.steps[attempt->step].attempt;
    struct step_spec spec;
    char output_dir[LIMIT_PATH_BYTES + 1];
    attempt_output_dir(attempt, output_dir);
    if (!partition_prepare(attempt, err) || !read_versions(attempt, err) ||
        !files_make_dirs(output_dir, 0750, err) ||
        (asset->work == ASSET_RUN && !attempt_pipes_open(attempt, err))) {
        return false;
    }
    struct step_context context = attempt_context(attempt);
    if (!step_spec_make(&context, asset, &attempt->arena, &spec, err)) {
        return false;
    }
    char output_name[24];
    (void)snprintf(output_name, sizeof(output_name), "%lld", (long long)number);
    struct step_process_options process = {.host = options->host,
                                           .argv = spec.argv,
                                           .envp = spec.envp,
                                           .cwd = spec.cwd,
                                           .confine = spec.confine,
                                           .run = str_from(run->id),
                                           .token = spec.token,
                                           .input = spec.input,
                                           .output_dir = output_dir,
                                           .output_name = output_name,
                                           .timeout_ns = asset->timeout_ns,
                                           .on_end = attempt_on_process_end,
                                           .ctx = attempt};
    return step_process_start(&attempt->process, options->loop, &process, err);
}

/* A child that cannot be started is a failed step like any other. */
static void start_attempt(struct attempt *attempt)
{
    struct err err = {0};
    bool is_wanted = attempt->run->run.stop == RUN_GOES_ON;
    if (is_wanted && spawn_attempt(attempt, &err)) {
        return;
    }
    if (!is_wanted) {
        (void)err_set(&err, ERR_CANCELLED, "the step was canceled");
    }
    struct step_result result = {.error_code = is_wanted ? str_from(err_code_name(err.code))
                                                         : STR("canceled"),
                                 .error_message = str_from(err.msg),
                                 .error_hint = str_from(err.hint)};
    attempt_end(attempt, &result);
}

void steps_start_chosen(struct runner *runner)
{
    struct attempt *next = NULL;
    for (struct attempt *attempt = runner->attempts; attempt != NULL; attempt = next) {
        next = attempt->next;
        if (attempt->process == NULL) {
            start_attempt(attempt);
        }
    }
}

void steps_stop(struct runner *runner, const struct active_run *run)
{
    for (struct attempt *attempt = runner->attempts; attempt != NULL; attempt = attempt->next) {
        if (attempt->run == run && attempt->process != NULL) {
            step_process_cancel(attempt->process);
        }
        if (attempt->run == run && attempt->checks != NULL) {
            check_process_cancel(attempt->checks);
        }
    }
}

void runner_each_progress(const struct runner *runner, struct str run,
                          void (*take)(void *ctx, const struct run_progress *progress), void *ctx)
{
    for (const struct attempt *a = runner->attempts; a != NULL; a = a->next) {
        if (a->process == NULL || a->result != NULL || !str_eq(str_from(a->run->id), run)) {
            continue;
        }
        struct run_progress progress = {.step = run_asset(&a->run->run, a->step)->key,
                                        .attempt = a->run->run.steps[a->step].attempt};
        struct worker_progress told = step_process_progress(a->process, &progress.elapsed_ns);
        progress.has_counts = told.is_told;
        progress.rows = told.rows;
        progress.bytes = told.bytes;
        take(ctx, &progress);
    }
}

/* --- which --- */

static bool makes(const struct attempt *attempt, struct str key)
{
    for (size_t i = 0; i < attempt->asset_count; i++) {
        if (str_eq(run_plan_asset(&attempt->run->run, attempt->assets[i].place)->key, key)) {
            return true;
        }
    }
    return false;
}

/* The same step, or one of the same assets where a reload has given it to another step. */
static bool is_same_work(const struct attempt *attempt, const struct active_run *run, uint32_t step)
{
    const struct plan_step *planned = &run->plan.steps[step];
    if (str_eq(run_step_key(&attempt->run->run, attempt->step), run_step_key(&run->run, step))) {
        return true;
    }
    bool may_share = attempt->run->defs != run->defs;
    for (uint32_t i = 0; may_share && i < planned->asset_count; i++) {
        if (makes(attempt, run_plan_asset(&run->run, planned->first + i)->key)) {
            return true;
        }
    }
    return false;
}

static bool has_pool_place(const struct active_run *run, const struct pool *pool, int64_t of_pool)
{
    const struct runner_options *options = &run->runner->options;
    return of_pool < pool->limit && (!pool->is_fleet || options->may_enter == NULL ||
                                     options->may_enter(options->ctx, pool, of_pool));
}

/* Places are counted among the attempts that are there: nobody has to give one back. */
static bool has_place(const struct active_run *run, uint32_t step)
{
    const struct asset *asset = run_asset(&run->run, step);
    int64_t of_run = 0;
    int64_t of_pool = 0;
    for (const struct attempt *a = run->runner->attempts; a != NULL; a = a->next) {
        const struct asset *other = run_asset(&a->run->run, a->step);
        if (is_same_work(a, run, step)) {
            return false;
        }
        of_run += a->run == run;
        of_pool += asset->pool != NULL && str_eq(other->pool_name, asset->pool_name);
    }
    int64_t run_max = run->job_defined == NULL ? 0 : run->job_defined->max_parallel;
    bool run_has_room = run_max == 0 || of_run < run_max;
    return run_has_room && (asset->pool == NULL || has_pool_place(run, asset->pool, of_pool));
}

int64_t runner_pool_steps(const struct runner *runner, struct str pool)
{
    int64_t steps = 0;
    for (const struct attempt *a = runner->attempts; a != NULL; a = a->next) {
        steps += str_eq(run_asset(&a->run->run, a->step)->pool_name, pool);
    }
    return steps;
}

/* All that the step has not made yet. */
static bool choose_assets(struct attempt *attempt)
{
    const struct run *run = &attempt->run->run;
    const struct plan_step *step = &run->plan->steps[attempt->step];
    bool is_shared = attempt_is_shared(attempt);
    attempt->assets = arena_array(&attempt->arena, step->asset_count, sizeof(*attempt->assets));
    if (is_shared) {
        attempt->shared =
            arena_array(&attempt->arena, step->asset_count, sizeof(const struct asset *));
    }
    if (attempt->assets == NULL || (is_shared && attempt->shared == NULL)) {
        return false;
    }
    for (uint32_t i = step->first; i < step->first + step->asset_count; i++) {
        if (run->made[i] != RUN_ASSET_PENDING) {
            continue;
        }
        if (is_shared) {
            attempt->shared[attempt->asset_count] = run_plan_asset(run, i);
        }
        attempt->assets[attempt->asset_count++].place = i;
    }
    return true;
}

static bool add_attempt(struct active_run *run, uint32_t step)
{
    struct runner *runner = run->runner;
    struct attempt *attempt = calloc(1, sizeof(*attempt));
    if (attempt == NULL) {
        return false; /* the next pump tries again */
    }
    bool is_first = run->run.steps[step].state == STEP_WAITING;
    attempt->run = run;
    attempt->step = step;
    attempt->arena = arena_new(ATTEMPT_ARENA_BYTES);
    if (!choose_assets(attempt)) {
        attempt_free(attempt);
        return false;
    }
    attempt->next = runner->attempts;
    runner->attempts = attempt;
    runner->attempt_count++;
    run_step_started(&run->run, step);
    struct record started =
        step_record(run, step, is_first ? EVENT_STEP_START : EVENT_STEP_RESTARTED);
    runner_note(runner, &started);
    return true;
}

static bool choose_of(struct active_run *run)
{
    struct runner *runner = run->runner;
    struct mono_time now = loop_now(runner->options.loop);
    size_t cursor = 0;
    uint32_t step = 0;
    while (runner->attempt_count < (size_t)runner->options.steps_max &&
           run_next(&run->run, now, &cursor, &step)) {
        if (!has_place(run, step)) {
            continue;
        }
        if (!add_attempt(run, step)) {
            return false;
        }
        cursor = 0;
    }
    return true;
}

/* The run of the highest priority below `limit` that is going; of equals all are of one round. */
static bool next_priority(const struct runner *runner, int64_t limit, bool is_first, int64_t *ret)
{
    bool found = false;
    for (const struct active_run *run = runner->runs; run != NULL; run = run->next) {
        bool counts = run->state == RUN_STARTED && (is_first || run->priority < limit);
        if (counts && (!found || run->priority > *ret)) {
            *ret = run->priority;
            found = true;
        }
    }
    return found;
}

void steps_choose(struct runner *runner)
{
    int64_t priority = 0;
    bool is_first = true;
    while (next_priority(runner, priority, is_first, &priority)) {
        is_first = false;
        for (struct active_run *run = runner->runs; run != NULL; run = run->next) {
            if (run->state == RUN_STARTED && run->priority == priority && !choose_of(run)) {
                return;
            }
        }
    }
}
