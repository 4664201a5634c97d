#include "agent/run/runner.h"

#include "agent/run/step_process.h"
#include "agent/run/step_spec.h"
#include "common/base/limits.h"
#include "common/log/log.h"
#include "common/platform/files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_NS (1 * NS_PER_SEC) /* records that nobody waits for are written together */
#define RETRY_NS (5 * NS_PER_SEC) /* after a flush that failed */

enum {
    RUN_ARENA_BYTES = 16 << 20,
    ATTEMPT_ARENA_BYTES = 2 << 20,
    RUNS_ACTIVE_MAX = 1000,
    EXPIRE_EVERY = 64, /* runs, after the first */
};

/* A step that is started or about to be. */
struct attempt {
    struct active_run *run;
    uint32_t step;
    struct arena arena;
    struct step_process *process; /* NULL until it is started */
    struct attempt *next;
};

struct active_run {
    struct runner *runner;
    char id[UUID_TEXT_SIZE];
    struct arena arena;
    struct str job;
    struct plan plan;
    struct run run;
    bool is_started;
    struct active_run *next;
};

struct runner {
    struct runner_options options;
    struct active_run *runs;  /* oldest first */
    struct active_run *ended; /* recorded as ended, told when that is durable; oldest first */
    size_t run_count;
    struct attempt *attempts; /* recorded as started: running, or waiting for the flush */
    size_t attempt_count;
    struct loop_task pump_task;
    struct loop_timer flush_timer; /* group commit, or the next try after a failed flush */
    struct loop_timer retry_timer; /* the earliest step retry */
    bool is_stuck;                 /* the last flush failed */
    int64_t lost;                  /* records, meanwhile */
    int runs_since_expiry;
};

static void pump(void *ctx);
static void on_flush_due(void *ctx);

bool runner_open(struct runner **ret, const struct runner_options *options, struct err *err)
{
    struct runner *runner = calloc(1, sizeof(*runner));
    if (runner == NULL) {
        return err_set(err, ERR_NO_MEMORY, "start the runner: out of memory");
    }
    runner->options = *options;
    runner->runs_since_expiry = EXPIRE_EVERY - 1; /* `materialize` may end after one run */
    runner->pump_task = (struct loop_task){.run = pump, .ctx = runner};
    runner->flush_timer = (struct loop_timer){.on_due = on_flush_due, .ctx = runner};
    runner->retry_timer = (struct loop_timer){.on_due = pump, .ctx = runner};
    *ret = runner;
    return true;
}

static struct active_run **tail_of(struct active_run **list)
{
    while (*list != NULL) {
        list = &(*list)->next;
    }
    return list;
}

static void free_run(struct active_run *run)
{
    arena_release(&run->arena);
    free(run);
}

static void free_attempt(struct attempt *attempt)
{
    step_process_close(attempt->process);
    arena_release(&attempt->arena);
    free(attempt);
}

void runner_close(struct runner *runner)
{
    if (runner == NULL) {
        return;
    }
    loop_timer_disarm(runner->options.loop, &runner->flush_timer);
    loop_timer_disarm(runner->options.loop, &runner->retry_timer);
    loop_defer_cancel(runner->options.loop, &runner->pump_task);
    while (runner->attempts != NULL) {
        struct attempt *attempt = runner->attempts;
        runner->attempts = attempt->next;
        free_attempt(attempt);
    }
    *tail_of(&runner->runs) = runner->ended;
    while (runner->runs != NULL) {
        struct active_run *run = runner->runs;
        runner->runs = run->next;
        free_run(run);
    }
    free(runner);
}

static struct wall_time wall_now(const struct runner *runner)
{
    return clock_wall(loop_clock(runner->options.loop));
}

/* --- recording
 * ----------------------------------------------------------------------------------------------------------------
 */

/* True when everything recorded so far is durable. A failure is said once, and tried again until it
 * works. */
static bool flush(struct runner *runner)
{
    struct err err = {0};
    if (store_pending(runner->options.store) == 0) {
        return true;
    }
    if (!store_flush(runner->options.store, wall_now(runner), &err)) {
        if (!runner->is_stuck) {
            LOG(ERROR, "store.write_failed", F_ERR(&err),
                F_T("action",
                    "keeping what happened in memory, starting nothing new, trying again"));
        }
        runner->is_stuck = true;
        loop_timer_arm_in(runner->options.loop, &runner->flush_timer, RETRY_NS);
        return false;
    }
    if (runner->is_stuck) {
        LOG(INFO, "store.write_recovered", F_I("lost", runner->lost),
            F_T("action", "starting work again"));
        runner->is_stuck = false;
        runner->lost = 0;
    }
    loop_timer_disarm(runner->options.loop, &runner->flush_timer);
    runner->options.on_recorded(runner->options.ctx, store_last_seq(runner->options.store));
    return true;
}

static void on_flush_due(void *ctx)
{
    struct runner *runner = ctx;
    if (flush(runner)) {
        loop_defer(runner->options.loop, &runner->pump_task);
    }
}

/* Within a run, which may say more at once than the store's memory holds. Only when that is full
 * and nothing can be written either, something is lost; the log says so once, and later how much. */
static void record(struct runner *runner, const struct record *record)
{
    struct err err = {0};
    bool ok = store_record(runner->options.store, record, &err);
    if (!ok && err.code == ERR_FULL && !runner->is_stuck && flush(runner)) {
        ok = store_record(runner->options.store, record, &err);
    }
    if (!ok && (err.code != ERR_FULL || runner->lost++ == 0)) {
        LOG(ERROR, "store.record_lost", F_T("type", event_type_name(record->type)),
            F_S("run", record->run), F_ERR(&err));
    }
}

bool runner_record(struct runner *runner, const struct record *record, struct err *err)
{
    if (!store_record(runner->options.store, record, err)) {
        return false;
    }
    if (runner->flush_timer.heap_index == 0) {
        loop_timer_arm_in(runner->options.loop, &runner->flush_timer, GROUP_NS);
    }
    return true;
}

static struct record step_record(const struct active_run *run, uint32_t step, enum event_type type)
{
    struct str key = run_asset(&run->run, step)->key;
    return (struct record){.type = type,
                           .at = wall_now(run->runner),
                           .run = str_from(run->id),
                           .step = key,
                           .asset = key,
                           .attempt = run->run.steps[step].attempt};
}

/* --- runs
 * ---------------------------------------------------------------------------------------------------------------------
 */

static bool plan_run(struct active_run *run, const struct run_request *request, struct err *err)
{
    const struct definitions *defs = run->runner->options.defs;
    run->arena = arena_new(RUN_ARENA_BYTES);
    run->job = arena_copy(&run->arena, request->job);
    bool ok = request->assets == NULL
                  ? plan_make(defs, request->selection, &run->arena, &run->plan, err)
                  : plan_make_for(defs, request->assets, request->asset_count, &run->arena,
                                  &run->plan, err);
    return ok && run_init(&run->run, defs, &run->plan, &run->arena, err);
}

bool runner_enqueue(struct runner *runner, const struct run_request *request,
                    char ret_run[UUID_TEXT_SIZE], struct err *err)
{
    if (runner->run_count >= RUNS_ACTIVE_MAX) {
        return err_set(err, ERR_FULL, "%d runs are queued already", RUNS_ACTIVE_MAX);
    }
    struct active_run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return err_set(err, ERR_NO_MEMORY, "queue a run: out of memory");
    }
    run->runner = runner;
    uint8_t random[10];
    runner->options.rng->fill(runner->options.rng->ctx, random, sizeof(random));
    uuid7_format(wall_now(runner), random, run->id);
    struct record enqueued = {.type = EVENT_RUN_ENQUEUED,
                              .at = wall_now(runner),
                              .run = str_from(run->id),
                              .job = request->job,
                              .cause = request->cause,
                              .cause_name = request->cause_name,
                              .selection = request->selection};
    bool planned = plan_run(run, request, err);
    enqueued.steps = (int64_t)run->plan.count;
    if (!planned || !store_record(runner->options.store, &enqueued, err)) {
        free_run(run);
        return false;
    }
    *tail_of(&runner->runs) = run;
    runner->run_count++;
    memcpy(ret_run, run->id, UUID_TEXT_SIZE);
    loop_defer(runner->options.loop, &runner->pump_task);
    return true;
}

void runner_pump(struct runner *runner)
{
    loop_defer(runner->options.loop, &runner->pump_task);
}

bool runner_job_is_active(const struct runner *runner, struct str job)
{
    for (const struct active_run *run = runner->runs; run != NULL; run = run->next) {
        if (str_eq(run->job, job)) {
            return true;
        }
    }
    return false;
}

size_t runner_active_runs(const struct runner *runner)
{
    return runner->run_count;
}

size_t runner_active_steps(const struct runner *runner)
{
    return runner->attempt_count;
}

static void begin_run(struct active_run *run)
{
    if (run->is_started) {
        return;
    }
    run->is_started = true;
    struct record started = {.type = EVENT_RUN_START,
                             .at = wall_now(run->runner),
                             .run = str_from(run->id),
                             .job = run->job};
    record(run->runner, &started);
    for (uint32_t i = 0; i < run->plan.count; i++) {
        struct record planned = step_record(run, i, EVENT_ASSET_MATERIALIZATION_PLANNED);
        record(run->runner, &planned);
    }
}

static void skip_blocked(struct active_run *run)
{
    uint32_t step = 0;
    uint32_t because = 0;
    while (run_skip_blocked(&run->run, &step, &because)) {
        char reason[LIMIT_ASSET_KEY_BYTES + 40];
        if (because == step) {
            (void)snprintf(reason, sizeof(reason), "the run was canceled");
        } else {
            (void)snprintf(reason, sizeof(reason), "upstream " STR_FMT " did not succeed",
                           STR_ARG(run_asset(&run->run, because)->key));
        }
        struct record skipped = step_record(run, step, EVENT_STEP_SKIPPED);
        skipped.reason = str_from(reason);
        record(run->runner, &skipped);
    }
}

static void record_run_end(struct active_run *run, enum run_state state)
{
    static const enum event_type types[RUN_STATE_COUNT] = {[RUN_SUCCESS] = EVENT_RUN_SUCCESS,
                                                           [RUN_FAILURE] = EVENT_RUN_FAILURE,
                                                           [RUN_CANCELED] = EVENT_RUN_CANCELED};
    struct record ended = {.type = types[state],
                           .at = wall_now(run->runner),
                           .run = str_from(run->id),
                           .job = run->job};
    char message[LIMIT_ASSET_KEY_BYTES + 20];
    uint32_t failed = 0;
    if (state == RUN_FAILURE && run_first_failure(&run->run, &failed)) {
        (void)snprintf(message, sizeof(message), STR_FMT " failed",
                       STR_ARG(run_asset(&run->run, failed)->key));
        ended.error_code = STR("failed");
        ended.error_message = str_from(message);
    }
    record(run->runner, &ended);
}

static void remove_output(void *ctx, struct str run)
{
    const struct runner *runner = ctx;
    struct err err = {0};
    char path[LIMIT_PATH_BYTES + 1];
    (void)snprintf(path, sizeof(path), "%s/runs/" STR_FMT, runner->options.state_dir, STR_ARG(run));
    if (!files_remove_tree(path, &err)) {
        LOG(WARN, "run.output_kept", F_T("path", path), F_ERR(&err));
    }
}

static void expire_runs(struct runner *runner)
{
    struct err err = {0};
    if (++runner->runs_since_expiry < EXPIRE_EVERY) {
        return;
    }
    runner->runs_since_expiry = 0;
    if (!store_expire_runs(runner->options.store, runner->options.runs_kept, remove_output, runner,
                           &err)) {
        LOG(WARN, "run.expire_failed", F_ERR(&err));
    }
}

/* Records the end of every run whose steps are done. */
static void end_runs(struct runner *runner)
{
    struct active_run **at = &runner->runs;
    while (*at != NULL) {
        struct active_run *run = *at;
        skip_blocked(run);
        if (!run_is_finished(&run->run)) {
            at = &run->next;
            continue;
        }
        record_run_end(run, run_result(&run->run));
        *at = run->next;
        run->next = NULL;
        runner->run_count--;
        *tail_of(&runner->ended) = run;
    }
}

static void tell_ended(struct runner *runner)
{
    while (runner->ended != NULL) {
        struct active_run *run = runner->ended;
        runner->ended = run->next;
        enum run_state state = run_result(&run->run);
        LOG(INFO, "run.ended", F_T("run", run->id), F_S("job", run->job),
            F_T("status", run_state_name(state)));
        runner->options.on_run_ended(runner->options.ctx, str_from(run->id), state);
        free_run(run);
        expire_runs(runner);
    }
}

/* --- steps
 * --------------------------------------------------------------------------------------------------------------------
 */

static void forget_attempt(struct runner *runner, struct attempt *attempt)
{
    struct attempt **at = &runner->attempts;
    while (*at != attempt) {
        at = &(*at)->next;
    }
    *at = attempt->next;
    runner->attempt_count--;
    free_attempt(attempt);
}

static void record_checks(const struct attempt *attempt, const struct step_result *result)
{
    for (size_t i = 0; i < result->check_count; i++) {
        const struct step_check *check = &result->checks[i];
        struct record evaluated =
            step_record(attempt->run, attempt->step, EVENT_ASSET_CHECK_EVALUATION);
        evaluated.check = check->name;
        evaluated.severity = check->severity;
        evaluated.passed = check->passed;
        evaluated.metadata = check->metadata;
        record(attempt->run->runner, &evaluated);
    }
}

static void set_error(struct record *r, const struct step_result *result)
{
    r->error_code = result->error_code;
    r->error_message = result->error_message;
    r->error_hint = result->error_hint;
    r->exit = str_from(result->exit);
}

static void record_success(const struct attempt *attempt, const struct step_result *result)
{
    struct runner *runner = attempt->run->runner;
    struct record materialized =
        step_record(attempt->run, attempt->step, EVENT_ASSET_MATERIALIZATION);
    materialized.metadata = result->metadata;
    record(runner, &materialized);
    record_checks(attempt, result);
    struct record success = step_record(attempt->run, attempt->step, EVENT_STEP_SUCCESS);
    success.duration_ms = result->duration_ns / NS_PER_MS;
    record(runner, &success);
}

static void record_failure(const struct attempt *attempt, const struct step_result *result,
                           enum step_state state)
{
    struct runner *runner = attempt->run->runner;
    struct active_run *run = attempt->run;
    struct record failed =
        step_record(run, attempt->step,
                    state == STEP_UP_FOR_RETRY ? EVENT_STEP_UP_FOR_RETRY : EVENT_STEP_FAILURE);
    failed.duration_ms = result->duration_ns / NS_PER_MS;
    set_error(&failed, result);
    if (state == STEP_UP_FOR_RETRY) {
        int64_t wait =
            run->run.steps[attempt->step].retry_at.ns - loop_now(runner->options.loop).ns;
        failed.retry_at.ns = failed.at.ns + wait;
    }
    record(runner, &failed);
    if (state != STEP_UP_FOR_RETRY) {
        struct record asset = step_record(run, attempt->step, EVENT_ASSET_FAILED_TO_MATERIALIZE);
        set_error(&asset, result);
        record(runner, &asset);
    }
    LOG(WARN, state == STEP_UP_FOR_RETRY ? "step.will_retry" : "step.failed", F_T("run", run->id),
        F_S("asset", failed.asset), F_I("attempt", failed.attempt),
        F_S("error", result->error_message), F_S("hint", result->error_hint));
}

static void end_attempt(struct attempt *attempt, const struct step_result *result)
{
    struct active_run *run = attempt->run;
    struct runner *runner = run->runner;
    enum step_state state =
        run_step_ended(&run->run, attempt->step, result->ok, loop_now(runner->options.loop),
                       rng_u64(runner->options.rng));
    if (result->ok) {
        record_success(attempt, result);
    } else {
        record_failure(attempt, result, state);
    }
    forget_attempt(runner, attempt);
    loop_defer(runner->options.loop, &runner->pump_task);
}

static void on_process_end(void *ctx, const struct step_result *result)
{
    end_attempt(ctx, result);
}

static bool spawn_attempt(struct attempt *attempt, struct err *err)
{
    struct active_run *run = attempt->run;
    const struct runner_options *options = &run->runner->options;
    const struct asset *asset = run_asset(&run->run, attempt->step);
    int64_t number = run->run.steps[attempt->step].attempt;
    struct step_context context = {
        .defs = options->defs,
        .worker = options->worker,
        .state_dir = options->state_dir,
        .run = str_from(run->id),
        .store_id = options->host == NULL ? STR_NONE : str_from(options->host->store_id),
        .attempt = number,
        .env = options->env};
    struct step_spec spec;
    char output_dir[LIMIT_PATH_BYTES + 1];
    (void)snprintf(output_dir, sizeof(output_dir), "%s/runs/%s/" STR_FMT, options->state_dir,
                   run->id, STR_ARG(asset->key));
    if (!step_spec_make(&context, asset, &attempt->arena, &spec, err) ||
        !files_make_dirs(output_dir, 0750, err)) {
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
                                           .on_end = on_process_end,
                                           .ctx = attempt};
    return step_process_start(&attempt->process, options->loop, &process, err);
}

/* A child that cannot be started is a failed step like any other. */
static void start_attempt(struct attempt *attempt)
{
    struct err err = {0};
    bool is_wanted = !attempt->run->run.is_canceling;
    if (is_wanted && spawn_attempt(attempt, &err)) {
        return;
    }
    if (!is_wanted) {
        (void)err_set(&err, ERR_CANCELLED, "the step was canceled");
    }
    struct step_result result = {.error_code = str_from(err_code_name(err.code)),
                                 .error_message = str_from(err.msg),
                                 .error_hint = str_from(err.hint)};
    end_attempt(attempt, &result);
}

static bool add_attempt(struct active_run *run, uint32_t step)
{
    struct runner *runner = run->runner;
    struct attempt *attempt = calloc(1, sizeof(*attempt));
    if (attempt == NULL) {
        return false; /* the next pump tries again */
    }
    attempt->run = run;
    attempt->step = step;
    attempt->arena = arena_new(ATTEMPT_ARENA_BYTES);
    attempt->next = runner->attempts;
    runner->attempts = attempt;
    runner->attempt_count++;

    begin_run(run);
    run_step_started(&run->run, step);
    bool is_first = run->run.steps[step].attempt == 1;
    struct record started =
        step_record(run, step, is_first ? EVENT_STEP_START : EVENT_STEP_RESTARTED);
    record(runner, &started);
    return true;
}

static void choose_steps(struct runner *runner)
{
    struct mono_time now = loop_now(runner->options.loop);
    for (struct active_run *run = runner->runs; run != NULL; run = run->next) {
        uint32_t step = 0;
        while (runner->attempt_count < (size_t)runner->options.steps_max &&
               run_next(&run->run, now, &step)) {
            if (!add_attempt(run, step)) {
                return;
            }
        }
    }
}

static void start_chosen(struct runner *runner)
{
    struct attempt *next = NULL;
    for (struct attempt *attempt = runner->attempts; attempt != NULL; attempt = next) {
        next = attempt->next;
        if (attempt->process == NULL) {
            start_attempt(attempt);
        }
    }
}

static void arm_retry(struct runner *runner)
{
    struct mono_time earliest = {INT64_MAX};
    for (const struct active_run *run = runner->runs; run != NULL; run = run->next) {
        struct mono_time retry;
        if (run_next_retry(&run->run, &retry) && retry.ns < earliest.ns) {
            earliest = retry;
        }
    }
    bool has_room = runner->attempt_count < (size_t)runner->options.steps_max;
    if (earliest.ns == INT64_MAX || !has_room) {
        loop_timer_disarm(runner->options.loop, &runner->retry_timer);
    } else {
        loop_timer_arm(runner->options.loop, &runner->retry_timer, earliest);
    }
}

/* Ends what is done, chooses what may start, makes all of that durable in one commit, and only then
 * starts children. */
static void pump(void *ctx)
{
    struct runner *runner = ctx;
    if (runner->is_stuck && !flush(runner)) {
        return; /* the flush's timer comes back here */
    }
    end_runs(runner);
    choose_steps(runner);
    if (flush(runner)) {
        tell_ended(runner);
        start_chosen(runner);
        arm_retry(runner);
    }
}

/* --- stopping and starting
 * ----------------------------------------------------------------------------------------------------
 */

void runner_cancel_all(struct runner *runner)
{
    for (struct active_run *run = runner->runs; run != NULL; run = run->next) {
        run_cancel(&run->run);
    }
    for (struct attempt *attempt = runner->attempts; attempt != NULL; attempt = attempt->next) {
        if (attempt->process != NULL) {
            step_process_cancel(attempt->process);
        }
    }
    loop_defer(runner->options.loop, &runner->pump_task);
}

bool runner_close_interrupted(struct runner *runner, struct err *err)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct str *ids = NULL;
    size_t count = 0;
    if (runner->options.host != NULL) {
        step_host_end_orphans(runner->options.host);
    }
    if (!store_open_runs(runner->options.store, &arena, &ids, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct record ended = {.type = EVENT_RUN_FAILURE,
                               .at = wall_now(runner),
                               .run = ids[i],
                               .error_code = STR("interrupted"),
                               .error_message = STR("the agent stopped while the run was open")};
        if (!store_record(runner->options.store, &ended, err)) {
            return false;
        }
        LOG(WARN, "run.interrupted", F_S("run", ids[i]), F_T("action", "recorded as failed"));
    }
    return store_flush(runner->options.store, wall_now(runner), err);
}
