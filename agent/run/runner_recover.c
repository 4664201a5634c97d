/* runner_recover.c - after a crash, a power cut or a kill: what an earlier agent left open is closed,
 * tried again from where it failed, and its queue taken over. */
#include "agent/run/runner_internal.h"

#include "common/log/log.h"

static void close_step(struct runner *runner, const struct stored_run *run,
                       const struct stored_step *step)
{
    struct record ended = {.type = EVENT_STEP_FAILURE,
                           .at = runner_wall_now(runner),
                           .run = run->id,
                           .step = step->step,
                           .asset = step->asset,
                           .attempt = step->attempt,
                           .retry_at = step->retry_at,
                           .error_code = STR("interrupted"),
                           .error_message = STR("the agent stopped while the step was open")};
    if (str_eq(step->status, STR("started"))) {
        pipes_recover_step(runner, run, step);
    }
    if (str_eq(step->status, STR("waiting"))) {
        ended = (struct record){.type = EVENT_STEP_SKIPPED,
                                .at = ended.at,
                                .run = run->id,
                                .step = step->step,
                                .asset = step->asset,
                                .reason = STR("the agent stopped before it started")};
    }
    runner_note(runner, &ended);
}

/* The steps of a run that was open. */
struct closing {
    struct stored_step *steps;
    size_t step_count;
    struct retry_order order; /* for all that it did not make */
};

/* Closes the steps that are open. */
static bool close_steps(struct runner *runner, const struct stored_run *run, struct arena *arena,
                        struct closing *c, struct err *err)
{
    enum step_state state = STEP_WAITING;
    if (!store_run_steps(runner->options.store, run->id, arena, &c->steps, &c->step_count, err)) {
        return false;
    }
    for (size_t i = 0; i < c->step_count; i++) {
        const struct stored_step *step = &c->steps[i];
        if (step_state_from(step->status, &state) && !step_state_is_finished(state)) {
            close_step(runner, run, step);
        }
    }
    return retry_keys_stored(runner, run->id, RETRY_FROM_FAILURE, arena, &c->order, err);
}

/* All of it is recorded; once that is durable, what the steps' programs said is not needed. */
static bool forget_messages(struct runner *runner, const struct stored_run *run,
                            const struct closing *c, struct err *err)
{
    if (!store_flush(runner->options.store, runner_wall_now(runner), err)) {
        return false;
    }
    for (size_t i = 0; i < c->step_count; i++) {
        pipes_forget_step(runner, run, &c->steps[i]);
    }
    return true;
}

/* A run that was being canceled when the agent died is canceled now; any other has failed, unless
 * the one that tries it again cannot be queued yet: then it stays open for runner_recover_rest(), or
 * for the next start. */
static bool close_run(struct runner *runner, const struct stored_run *run, struct err *err)
{
    AUTO(arena) arena = arena_new(RUN_ARENA_BYTES);
    struct closing closing = {0};
    struct str_map tags = {0};
    bool is_canceled = str_eq(run->status, STR("canceling"));
    if (!close_steps(runner, run, &arena, &closing, err) ||
        !tags_read(run->tags, &arena, &tags, err)) {
        return false;
    }
    struct err why = {0};
    if (!is_canceled && !retry_interrupted(runner, run, &tags, &closing.order, &arena, &why) &&
        retry_put_off(runner, run->id, &runner->unclosed_since, &why)) {
        runner->has_unclosed = true;
        return true;
    }
    struct record ended = {.type = EVENT_RUN_FAILURE,
                           .at = runner_wall_now(runner),
                           .run = run->id,
                           .job = run->job,
                           .error_code = STR("interrupted"),
                           .error_message = STR("the agent stopped while the run was open")};
    if (is_canceled) {
        ended = (struct record){
            .type = EVENT_RUN_CANCELED, .at = ended.at, .run = run->id, .job = run->job};
    }
    runner_note(runner, &ended);
    LOG(WARN, "run.interrupted", F_S("run", run->id),
        F_T("action", is_canceled ? "recorded as canceled" : "recorded as failed"));
    return forget_messages(runner, run, &closing, err);
}

bool runner_recover(struct runner *runner, struct err *err)
{
    AUTO(arena) arena = arena_new(RUN_ARENA_BYTES);
    struct stored_run *runs = NULL;
    size_t count = 0;
    if (runner->options.host != NULL) {
        step_host_end_orphans(runner->options.host);
    }
    if (!store_open_runs(runner->options.store, &arena, &runs, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        bool is_queued = str_eq(runs[i].status, STR("queued"));
        struct active_run *run = NULL;
        if (!is_queued && !close_run(runner, &runs[i], err)) {
            return false;
        }
        if (is_queued && runner->options.takes_over) {
            if (!queue_add(runner, &runs[i], &run, err)) {
                return false;
            }
            run->has_waited = true;
        }
    }
    if (count > 0) {
        loop_defer(runner->options.loop, &runner->pump_task);
    }
    return store_flush(runner->options.store, runner_wall_now(runner), err);
}

static bool is_ours(const struct runner *runner, struct str id)
{
    const struct active_run *const lists[] = {runner->runs, runner->ended};
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        for (const struct active_run *run = lists[i]; run != NULL; run = run->next) {
            if (str_eq(str_from(run->id), id)) {
                return true;
            }
        }
    }
    return false;
}

static bool close_rest(struct runner *runner, struct err *err)
{
    AUTO(arena) arena = arena_new(RUN_ARENA_BYTES);
    struct stored_run *runs = NULL;
    size_t count = 0;
    if (!store_open_runs(runner->options.store, &arena, &runs, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_ours(runner, runs[i].id) && !close_run(runner, &runs[i], err)) {
            return false;
        }
    }
    return true;
}

void runner_recover_rest(struct runner *runner)
{
    struct err err = {0};
    if (!runner_flush(runner)) {
        return; /* which of them are open is asked of the database */
    }
    runner->has_unclosed = false;
    if (!close_rest(runner, &err)) {
        runner->has_unclosed = true;
        return;
    }
    if (!runner->has_unclosed) {
        runner->unclosed_since = (struct mono_time){0};
        loop_defer(runner->options.loop, &runner->pump_task);
    }
}
