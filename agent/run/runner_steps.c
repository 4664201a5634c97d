/* runner_steps.c - the steps of the runs that are going: which may start, their children, and what
 * came of them. */
#include "agent/run/runner_internal.h"

#include "agent/run/step_spec.h"
#include "common/log/log.h"
#include "common/platform/files.h"
#include <stdio.h>
#include <stdlib.h>

void attempt_free(struct attempt *attempt)
{
    step_process_close(attempt->process);
    arena_release(&attempt->arena);
    free(attempt);
}

static void forget_attempt(struct runner *runner, struct attempt *attempt)
{
    struct attempt **at = &runner->attempts;
    while (*at != attempt) {
        at = &(*at)->next;
    }
    *at = attempt->next;
    runner->attempt_count--;
    attempt_free(attempt);
}

/* --- the end of an attempt --- */

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
        runner_note(attempt->run->runner, &evaluated);
    }
}

static void set_error(struct record *r, const struct step_result *result)
{
    r->error_code = result->error_code;
    r->error_message = result->error_message;
    r->error_hint = result->error_hint;
    r->exit = str_from(result->exit);
}

static void record_materialization(struct attempt *attempt, const struct step_result *result)
{
    const struct active_run *run = attempt->run;
    struct record materialized = step_record(run, attempt->step, EVENT_ASSET_MATERIALIZATION);
    materialized.metadata = result->metadata;
    partition_note(attempt, &materialized);
    materialized.code_version = run_asset(&run->run, attempt->step)->code_version;
    runner_note(run->runner, &materialized);
}

/* A blocking check that did not pass, or NULL. */
static const struct check *blocking_failure(const struct asset *asset,
                                            const struct step_result *result)
{
    for (size_t i = 0; i < result->check_count; i++) {
        for (size_t c = 0; !result->checks[i].passed && c < asset->check_count; c++) {
            const struct check *check = &asset->checks[c];
            if (check->is_blocking && check->severity == CHECK_ERROR &&
                str_eq(check->name, result->checks[i].name)) {
                return check;
            }
        }
    }
    return NULL;
}

static void record_output(const struct attempt *attempt, const struct step_result *result)
{
    int64_t kept =
        result->out.bytes - result->out.dropped + result->err.bytes - result->err.dropped;
    AUTO(buf) metadata = buf_growing(1024);
    if (result->out.bytes + result->err.bytes == 0) {
        return;
    }
    step_result_write_output(result, &metadata);
    struct record captured = step_record(attempt->run, attempt->step, EVENT_LOGS_CAPTURED);
    captured.metadata = buf_str(&metadata);
    captured.bytes_kept = kept;
    runner_note(attempt->run->runner, &captured);
}

static void record_success(const struct attempt *attempt, const struct step_result *result)
{
    struct record success = step_record(attempt->run, attempt->step, EVENT_STEP_SUCCESS);
    success.duration_ms = result->duration_ns / NS_PER_MS;
    runner_note(attempt->run->runner, &success);
}

static void record_failure(struct attempt *attempt, const struct step_result *result,
                           enum step_state state, bool is_made)
{
    struct active_run *run = attempt->run;
    struct runner *runner = run->runner;
    bool is_retried = state == STEP_UP_FOR_RETRY;
    struct record failed =
        step_record(run, attempt->step, is_retried ? EVENT_STEP_UP_FOR_RETRY : EVENT_STEP_FAILURE);
    failed.duration_ms = result->duration_ns / NS_PER_MS;
    set_error(&failed, result);
    if (is_retried) {
        int64_t wait =
            run->run.steps[attempt->step].retry_at.ns - loop_now(runner->options.loop).ns;
        failed.retry_at.ns = failed.at.ns + wait;
    }
    runner_note(runner, &failed);
    if (!is_retried && !is_made) {
        struct record asset = step_record(run, attempt->step, EVENT_ASSET_FAILED_TO_MATERIALIZE);
        partition_note(attempt, &asset);
        set_error(&asset, result);
        runner_note(runner, &asset);
    }
    LOG(WARN, is_retried ? "step.will_retry" : "step.failed", F_T("run", run->id),
        F_S("asset", failed.asset), F_I("attempt", failed.attempt),
        F_S("error", result->error_message), F_S("hint", result->error_hint));
}

static void record_end(struct attempt *attempt, struct step_result *result,
                       const struct check *blocking, enum step_state state)
{
    record_output(attempt, result);
    if (result->ok) {
        record_materialization(attempt, result);
        record_checks(attempt, result);
    }
    if (blocking != NULL) {
        result->error_code = STR("check_failed");
        result->error_message = arena_printf(
            &attempt->arena, "blocking check " STR_FMT " did not pass", STR_ARG(blocking->name));
        result->error_hint = STR("what depends on the asset does not run");
    }
    if (state == STEP_SUCCESS) {
        record_success(attempt, result);
    } else {
        record_failure(attempt, result, state, result->ok);
    }
}

/* A step that was ended because its run was says why. */
static void blame_stop(struct step_result *result, enum run_stop stop)
{
    if (!result->ok && stop == RUN_STOP_INTERRUPTED) {
        result->error_code = STR("interrupted");
        result->error_message = STR("the agent stopped while the step was running");
    } else if (!result->ok && stop == RUN_STOP_TIMEOUT) {
        result->error_code = STR("timeout");
        result->error_message = STR("the run took longer than its time-out");
    }
}

static void end_attempt(struct attempt *attempt, const struct step_result *given)
{
    struct active_run *run = attempt->run;
    struct runner *runner = run->runner;
    struct step_result result = *given;
    const struct check *blocking =
        result.ok ? blocking_failure(run_asset(&run->run, attempt->step), &result) : NULL;
    enum step_outcome outcome = !result.ok         ? STEP_DID_FAIL
                                : blocking != NULL ? STEP_DID_NOT_PASS
                                                   : STEP_DID_WELL;
    blame_stop(&result, run->run.stop);
    enum step_state state =
        run_step_ended(&run->run, attempt->step, outcome, loop_now(runner->options.loop),
                       rng_u64(runner->options.rng));
    record_end(attempt, &result, blocking, state);
    forget_attempt(runner, attempt);
    loop_defer(runner->options.loop, &runner->pump_task);
}

static void on_process_end(void *ctx, const struct step_result *result)
{
    end_attempt(ctx, result);
}

/* --- its start --- */

static bool spawn_attempt(struct attempt *attempt, struct err *err)
{
    struct active_run *run = attempt->run;
    const struct runner_options *options = &run->runner->options;
    const struct asset *asset = run_asset(&run->run, attempt->step);
    int64_t number = run->run.steps[attempt->step].attempt;
    if (!partition_prepare(attempt, err)) {
        return false;
    }
    struct step_context context = {
        .defs = run->defs,
        .worker = options->worker,
        .state_dir = options->state_dir,
        .run = str_from(run->id),
        .store_id = options->host == NULL ? STR_NONE : str_from(options->host->store_id),
        .attempt = number,
        .partition = attempt->has_partition ? &attempt->partition : NULL,
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
    end_attempt(attempt, &result);
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
    }
}

/* --- which --- */

/* Places are counted among the attempts that are there: nobody has to give one back. */
static bool has_place(const struct active_run *run, uint32_t step)
{
    const struct asset *asset = run_asset(&run->run, step);
    int64_t of_run = 0;
    int64_t of_pool = 0;
    for (const struct attempt *a = run->runner->attempts; a != NULL; a = a->next) {
        const struct asset *other = run_asset(&a->run->run, a->step);
        if (str_eq(other->key, asset->key)) {
            return false;
        }
        of_run += a->run == run;
        of_pool += asset->pool != NULL && str_eq(other->pool_name, asset->pool_name);
    }
    int64_t run_max = run->job_defined == NULL ? 0 : run->job_defined->max_parallel;
    bool run_has_room = run_max == 0 || of_run < run_max;
    return run_has_room && (asset->pool == NULL || of_pool < asset->pool->limit);
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
