/* runner_results.c - the end of a step's attempt: what is recorded of it, and what it means for the
 * run. */
#include "agent/run/runner_internal.h"

#include "common/log/log.h"
#include <stdlib.h>

void attempt_free(struct attempt *attempt)
{
    check_process_close(attempt->checks);
    step_process_close(attempt->process);
    attempt_pipes_close(attempt->pipes);
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

static const struct step_pipes *pipes_told(const struct attempt *attempt)
{
    return attempt->pipes == NULL ? NULL : attempt_pipes_told(attempt->pipes);
}

const struct step_pipes_asset *attempt_told(const struct attempt *attempt, size_t index)
{
    const struct step_pipes *told = pipes_told(attempt);
    return told == NULL || told->assets == NULL ? NULL : &told->assets[index];
}

static void record_checks(const struct attempt *attempt, const struct step_result *result)
{
    for (size_t i = 0; i < result->check_count; i++) {
        const struct step_check *check = &result->checks[i];
        struct record evaluated =
            step_record(attempt->run, attempt->step, EVENT_ASSET_CHECK_EVALUATION);
        evaluated.asset = str_is_empty(check->asset) ? evaluated.asset : check->asset;
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

/* What the worker said of the asset, of a step that makes several. */
static struct str metadata_of(const struct step_result *result, struct str asset)
{
    const struct step_asset *said = step_result_asset(result, asset);
    return said != NULL ? said->metadata : result->metadata;
}

void attempt_record_materialization(struct attempt *attempt, const struct step_result *result,
                                    size_t index, bool is_partial)
{
    const struct active_run *run = attempt->run;
    const struct step_pipes_asset *told = attempt_told(attempt, index);
    struct attempt_asset *asset = &attempt->assets[index];
    struct record materialized = asset_record(run, asset->place, EVENT_ASSET_MATERIALIZATION);
    materialized.metadata = metadata_of(result, materialized.asset);
    if (told != NULL && told->has_materialized) {
        materialized.at = told->materialized_at;
        materialized.data_version = buf_str(&told->data_version);
        materialized.metadata =
            told->metadata.len > 0 ? buf_str(&told->metadata) : materialized.metadata;
    }
    partition_note(attempt, &materialized);
    materialized.is_partial = is_partial;
    materialized.is_held = asset->blocking != NULL;
    step_versions_tell(&asset->versions, materialized.data_version, &attempt->arena, &materialized);
    asset->data_version = materialized.data_version;
    runner_note(run->runner, &materialized);
}

const struct check *attempt_blocking_failure(const struct attempt *attempt,
                                             const struct step_result *result, size_t index)
{
    const struct asset *asset = run_plan_asset(&attempt->run->run, attempt->assets[index].place);
    const struct step_pipes_asset *told = attempt_told(attempt, index);
    if (told != NULL && told->blocking != NULL) {
        return told->blocking;
    }
    for (size_t c = 0; c < asset->check_count && result->check_count > 0; c++) {
        const struct check *check = &asset->checks[c];
        if (!check->is_blocking || check->severity != CHECK_ERROR) {
            continue;
        }
        const struct step_check *said = step_result_check(result, asset->key, check->name);
        said = said != NULL ? said : step_result_check(result, STR(""), check->name);
        /* A warning of a dbt test, by its warn_if, blocks nothing. */
        if (said != NULL && !said->passed && !str_eq(said->severity, STR("warn"))) {
            return check;
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
    if (!is_retried && attempt_is_shared(attempt)) {
        shared_record_failures(attempt, result);
    } else if (!is_retried && !is_made) {
        struct record asset = step_record(run, attempt->step, EVENT_ASSET_FAILED_TO_MATERIALIZE);
        partition_note(attempt, &asset);
        set_error(&asset, result);
        runner_note(runner, &asset);
    }
    LOG(WARN, is_retried ? "step.will_retry" : "step.failed", F_T("run", run->id),
        F_S(attempt_is_shared(attempt) ? "step" : "asset", failed.step),
        F_I("attempt", failed.attempt), F_S("error", result->error_message),
        F_S("hint", result->error_hint));
}

/* Of a step that did not succeed, and reported all the same. */
static void record_evidence(struct attempt *attempt, const struct step_result *result)
{
    const struct step_pipes_asset *told = attempt_told(attempt, 0);
    if (told != NULL && told->has_materialized) {
        attempt_record_materialization(attempt, result, 0, true);
    }
}

static void record_end(struct attempt *attempt, struct step_result *result,
                       const struct check *blocking, enum step_state state)
{
    record_output(attempt, result);
    if (attempt_is_shared(attempt)) {
        shared_record_made(attempt, result);
        record_checks(attempt, result); /* none are asked of what was not made */
    } else if (result->ok) {
        attempt_record_materialization(attempt, result, 0, false);
        record_checks(attempt, result);
    } else {
        record_evidence(attempt, result);
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

/* A check that should have stopped what comes next but was not carried out to its end. */
static bool is_unchecked(const struct attempt *attempt)
{
    return attempt->checks != NULL && attempt->were_checks_canceled;
}

/* Of a step that makes one asset. */
static enum step_outcome judge(const struct attempt *attempt, const struct step_result *result,
                               const struct check **ret_blocking)
{
    *ret_blocking = result->ok ? attempt_blocking_failure(attempt, result, 0) : NULL;
    bool may_go_on = *ret_blocking == NULL && !is_unchecked(attempt);
    return !result->ok ? STEP_DID_FAIL : !may_go_on ? STEP_DID_NOT_PASS : STEP_DID_WELL;
}

void attempt_end(struct attempt *attempt, const struct step_result *given)
{
    struct active_run *run = attempt->run;
    struct runner *runner = run->runner;
    struct step_result result = *given;
    const struct check *blocking = NULL;
    enum step_outcome outcome = attempt_is_shared(attempt) ? shared_judge(attempt, &result)
                                                           : judge(attempt, &result, &blocking);
    blame_stop(&result, run->run.stop);
    enum step_state state =
        run_step_ended(&run->run, attempt->step, outcome, loop_now(runner->options.loop),
                       rng_u64(runner->options.rng));
    record_end(attempt, &result, blocking, state);
    forget_attempt(runner, attempt);
    loop_defer(runner->options.loop, &runner->pump_task);
}

/* A check that the program was to report and did not, of any of the assets. */
static const struct check *missing_check(const struct step_pipes *told)
{
    const struct check *missing = NULL;
    for (size_t i = 0; missing == NULL && i < told->options.asset_count; i++) {
        missing = step_pipes_missing_check(&told->assets[i]);
    }
    return missing;
}

/* What the program told of itself says more than the last line of its output. */
static void heed_pipes(struct attempt *attempt, struct step_result *result)
{
    const struct step_pipes *told = pipes_told(attempt);
    const struct check *missing = missing_check(told);
    attempt->has_ended_well = result->ok;
    if (result->ok && missing != NULL) {
        result->ok = false;
        result->error_code = STR("check_missing");
        result->error_message = arena_printf(&attempt->arena, "check " STR_FMT " was not reported",
                                             STR_ARG(missing->name));
        result->error_hint = STR("it has neither `sql` nor `run`: the step's program reports it "
                                 "through Dagster Pipes");
    } else if (str_eq(result->error_code, STR("failed")) && told->exception.len > 0) {
        result->error_message = buf_str(&told->exception);
    }
}

/* --- from the process to the end: what it still told, then the checks that come after it --- */

/* What the worker or the program said of checks, and what was asked after it. */
static bool join_checks(struct attempt *attempt, const struct check_results *more)
{
    struct step_result *result = &attempt->judged;
    struct step_check *all =
        arena_array(&attempt->arena, result->check_count + more->count, sizeof(*all));
    if (all == NULL) {
        return false;
    }
    for (size_t i = 0; i < result->check_count; i++) {
        all[i] = result->checks[i];
    }
    for (size_t i = 0; i < more->count; i++) { /* whose process ends before the attempt does */
        struct step_check *check = &all[result->check_count + i];
        *check = more->checks[i];
        check->metadata = arena_copy(&attempt->arena, check->metadata);
        if (check->metadata.ptr == NULL) {
            return false;
        }
    }
    result->checks = all;
    result->check_at = NULL; /* it knows the first of them only */
    result->check_count += more->count;
    return true;
}

static void check_then_end(struct attempt *attempt);

static void on_checks_end(void *ctx, const struct check_results *results)
{
    struct attempt *attempt = ctx;
    attempt->were_checks_canceled = results->canceled || !join_checks(attempt, results);
    if (attempt->were_checks_canceled) {
        attempt->judged.error_code = STR("canceled");
        attempt->judged.error_message = STR("its checks were not carried out to the end");
        attempt_end(attempt, &attempt->judged);
        return;
    }
    check_process_close(attempt->checks);
    attempt->checks = NULL;
    check_then_end(attempt);
}

/* The next of the attempt's assets that was made and has checks that are asked now; asset_count when
 * none has. */
static size_t next_to_check(struct attempt *attempt)
{
    const struct step_result *result = &attempt->judged;
    while (attempt->checked < attempt->asset_count) {
        size_t i = attempt->checked++;
        const struct asset *asset = run_plan_asset(&attempt->run->run, attempt->assets[i].place);
        bool is_made = attempt_is_shared(attempt) ? shared_is_made(attempt, result, i) : result->ok;
        if (is_made && check_process_count(asset) > 0) {
            return i;
        }
    }
    return attempt->asset_count;
}

static void check_then_end(struct attempt *attempt)
{
    struct step_result *result = &attempt->judged;
    size_t index =
        attempt->run->run.stop == RUN_GOES_ON ? next_to_check(attempt) : attempt->asset_count;
    if (index == attempt->asset_count) {
        attempt_end(attempt, result);
        return;
    }
    struct step_context context = attempt_context(attempt);
    char output_dir[LIMIT_PATH_BYTES + 1];
    struct err err = {0};
    struct check_process_options options = {
        .host = attempt->run->runner->options.host,
        .context = &context,
        .asset = run_plan_asset(&attempt->run->run, attempt->assets[index].place),
        .output_dir = output_dir,
        .on_end = on_checks_end,
        .ctx = attempt};
    attempt_output_dir(attempt, output_dir);
    if (!check_process_start(&attempt->checks, attempt->run->runner->options.loop, &options,
                             &err)) {
        result->ok = false;
        result->error_code = str_from(err_code_name(err.code));
        result->error_message = arena_copy(&attempt->arena, str_from(err.msg));
        attempt_end(attempt, result);
    }
}

static void after_messages(struct attempt *attempt)
{
    attempt->judged = *attempt->result;
    heed_pipes(attempt, &attempt->judged);
    check_then_end(attempt);
}

void attempt_on_process_end(void *ctx, const struct step_result *result)
{
    struct attempt *attempt = ctx;
    struct step_left_by by = {.run = str_from(attempt->run->id),
                              .asset = run_step_key(&attempt->run->run, attempt->step),
                              .attempt = attempt->run->run.steps[attempt->step].attempt};
    step_result_warn_left(result, &by);
    attempt->result = result; /* the process's, which stays */
    if (attempt->pipes == NULL) {
        attempt->judged = *result;
        check_then_end(attempt);
    } else {
        attempt_pipes_finish(attempt->pipes, after_messages);
    }
}
