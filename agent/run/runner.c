#include "agent/run/runner_internal.h"

#include "common/log/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RUNS_ACTIVE_MAX = RUNS_OPEN_MAX,
    RUNTIME_MAX_S = 366 * 86400,
};

static void pump(void *ctx);

bool runner_open(struct runner **ret, const struct runner_options *options, struct err *err)
{
    struct runner *runner = calloc(1, sizeof(*runner));
    if (runner == NULL) {
        return err_set(err, ERR_NO_MEMORY, "start the runner: out of memory");
    }
    runner->options = *options;
    runner->defs = definitions_share(options->defs);
    runner->pump_task = (struct loop_task){.run = pump, .ctx = runner};
    runner->flush_timer = (struct loop_timer){.on_due = runner_on_flush_due, .ctx = runner};
    runner->due_timer = (struct loop_timer){.on_due = pump, .ctx = runner};
    runner->expire_timer = (struct loop_timer){.on_due = runner_expire, .ctx = runner};
    if (!runner_recover(runner, err)) {
        runner_close(runner);
        return false;
    }
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

void runner_close(struct runner *runner)
{
    if (runner == NULL) {
        return;
    }
    loop_timer_disarm(runner->options.loop, &runner->flush_timer);
    loop_timer_disarm(runner->options.loop, &runner->due_timer);
    loop_timer_disarm(runner->options.loop, &runner->expire_timer);
    loop_defer_cancel(runner->options.loop, &runner->pump_task);
    while (runner->attempts != NULL) {
        struct attempt *attempt = runner->attempts;
        runner->attempts = attempt->next;
        attempt_free(attempt);
    }
    *tail_of(&runner->runs) = runner->ended;
    while (runner->runs != NULL) {
        struct active_run *run = runner->runs;
        runner->runs = run->next;
        run_free(run);
    }
    runner_forget_made(runner);
    definitions_close(runner->defs);
    free(runner);
}

void runner_use_definitions(struct runner *runner, struct definitions *defs)
{
    struct definitions *old = runner->defs;
    runner->defs = definitions_share(defs);
    definitions_close(old);
}

/* --- stopping one ----------------------------------------------------------------------------- */

static void leave_queue(struct active_run *run)
{
    run->runner->queued_count--;
    run->runner->going_count++;
}

static void stop_run(struct active_run *run, enum run_stop why)
{
    if (run->state == RUN_STARTED && why == RUN_STOP_CANCELED) {
        run_state_enter(&run->state, RUN_CANCELING);
        struct record canceling = run_record(run, EVENT_RUN_CANCELING);
        runner_note(run->runner, &canceling);
    }
    run_stop(&run->run, why);
    steps_stop(run->runner, run);
    loop_defer(run->runner->options.loop, &run->runner->pump_task);
}

static void cancel_run(struct active_run *run)
{
    if (run->state == RUN_QUEUED) {
        leave_queue(run);
        run_state_enter(&run->state, RUN_CANCELED);
        loop_defer(run->runner->options.loop, &run->runner->pump_task);
    } else if (run->state == RUN_STARTED) {
        stop_run(run, RUN_STOP_CANCELED);
    }
}

bool runner_cancel(struct runner *runner, struct str id, struct err *err)
{
    for (struct active_run *run = runner->runs; run != NULL; run = run->next) {
        if (str_eq(str_from(run->id), id)) {
            cancel_run(run);
            return true;
        }
    }
    (void)err_set(err, ERR_NOT_FOUND, "no open run is called " STR_FMT, STR_ARG(id));
    return err_hint(err, "list those that are: selvedge-agent runs --status started");
}

/* --- into the queue --------------------------------------------------------------------------- */

static bool plan_request(struct active_run *run, const struct run_request *request, struct err *err)
{
    bool ok = request->assets == NULL
                  ? plan_make(run->defs, request->selection, &run->arena, &run->plan, err)
                  : plan_make_for(run->defs, request->assets, request->asset_count, &run->arena,
                                  &run->plan, err);
    return ok && run_prepare(run, err);
}

/* What the run is, with texts of its own: the request is gone when it begins. */
static bool take_facts(struct active_run *run, const struct run_request *request, struct err *err)
{
    static const struct str_map none = {0};
    const struct str_map *of_job = run->job_defined == NULL ? &none : &run->job_defined->tags;
    struct stored_run *facts = &run->facts;
    struct str *const texts[] = {&facts->job,       &facts->cause,     &facts->cause_name,
                                 &facts->selection, &facts->partition, &facts->partition_end,
                                 &facts->backfill};
    *facts = (struct stored_run){.id = str_from(run->id),
                                 .job = request->job,
                                 .cause = request->cause,
                                 .cause_name = request->cause_name,
                                 .selection = request->selection,
                                 .partition = request->partition,
                                 .partition_end = request->partition_end,
                                 .backfill = request->backfill,
                                 .keys = run_keys(run->defs, &run->plan, &run->arena),
                                 .steps = (int64_t)run->plan.count,
                                 .priority = request->priority,
                                 .created_at = runner_wall_now(run->runner)};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = arena_copy(&run->arena, *texts[i]);
        if (texts[i]->ptr == NULL) {
            return err_set(err, ERR_NO_MEMORY, "queue a run: out of memory");
        }
    }
    if (!tags_join(of_job, &request->tags, &run->arena, &run->tags, err)) {
        return false;
    }
    facts->priority += run->job_defined == NULL ? 0 : run->job_defined->priority;
    facts->priority = tags_get_i64(&run->tags, TAG_PRIORITY, INT32_MIN, INT32_MAX, facts->priority);
    return tags_write(&run->tags, &run->arena, &facts->tags, err);
}

static void record_enqueued(const struct active_run *run, int64_t partitions)
{
    const struct stored_run *facts = &run->facts;
    struct record enqueued = run_record(run, EVENT_RUN_ENQUEUED);
    enqueued.cause = facts->cause;
    enqueued.cause_name = facts->cause_name;
    enqueued.selection = facts->selection;
    enqueued.keys = facts->keys;
    enqueued.tags = facts->tags;
    enqueued.partition = facts->partition;
    enqueued.partition_end = facts->partition_end;
    enqueued.backfill = facts->backfill;
    enqueued.steps = facts->steps;
    enqueued.priority = facts->priority;
    enqueued.partitions = partitions;
    runner_note(run->runner, &enqueued);
}

/* False: the request is not to be queued now. */
static bool may_overlap(const struct runner *runner, const struct run_request *request,
                        struct err *err)
{
    if (request->on_overlap == OVERLAP_SKIP && !str_is_empty(request->job) &&
        runner_job_is_open(runner, request->job)) {
        return err_set(err, ERR_BUSY, "the previous run of " STR_FMT " is still going",
                       STR_ARG(request->job));
    }
    return true;
}

/* Only once there is a run that takes their place. */
static void replace_others(struct active_run *run)
{
    for (struct active_run *other = run->runner->runs; other != NULL; other = other->next) {
        if (other != run && str_eq(str_from(other->job), run->facts.job)) {
            cancel_run(other);
        }
    }
}

bool runner_enqueue(struct runner *runner, const struct run_request *request,
                    char ret_run[UUID_TEXT_SIZE], struct err *err)
{
    struct stored_run facts = {.job = request->job};
    struct run_request settled = *request;
    struct active_run *run = NULL;
    uint8_t random[10];
    if (runner->queued_count + runner->going_count >= RUNS_ACTIVE_MAX) {
        return err_set(err, ERR_FULL, "%d runs are queued already", RUNS_ACTIVE_MAX);
    }
    if (!may_overlap(runner, request, err) || !queue_add(runner, &facts, &run, err)) {
        return false;
    }
    runner->options.rng->fill(runner->options.rng->ctx, random, sizeof(random));
    uuid7_format(runner_wall_now(runner), random, run->id);
    run->is_loaded = true;
    run->arena = arena_new(RUN_ARENA_BYTES);
    run->defs = definitions_share(runner->defs);
    if (!plan_request(run, request, err) || !partition_settle(run, &settled, err) ||
        !take_facts(run, &settled, err)) {
        queue_drop(run);
        return false;
    }
    run->priority = run->facts.priority;
    record_enqueued(run, request->partitions);
    if (request->on_overlap == OVERLAP_REPLACE && !str_is_empty(request->job)) {
        replace_others(run);
    }
    memcpy(ret_run, run->id, UUID_TEXT_SIZE);
    loop_defer(runner->options.loop, &runner->pump_task);
    return true;
}

void runner_pump(struct runner *runner)
{
    loop_defer(runner->options.loop, &runner->pump_task);
}

/* --- questions -------------------------------------------------------------------------------- */

bool runner_job_is_open(const struct runner *runner, struct str job)
{
    for (const struct active_run *run = runner->runs; run != NULL; run = run->next) {
        if (str_eq(str_from(run->job), job)) {
            return true;
        }
    }
    return false;
}

size_t runner_active_runs(const struct runner *runner)
{
    return runner->going_count;
}

size_t runner_queued_runs(const struct runner *runner)
{
    return runner->queued_count;
}

size_t runner_active_steps(const struct runner *runner)
{
    return runner->attempt_count;
}

/* --- a run begins ----------------------------------------------------------------------------- */

static void plan_steps(struct active_run *run)
{
    for (uint32_t i = 0; i < run->plan.asset_count; i++) {
        struct record planned = asset_record(run, i, EVENT_ASSET_MATERIALIZATION_PLANNED);
        planned.attempt = 0;
        runner_note(run->runner, &planned);
    }
}

static void set_deadline(struct active_run *run)
{
    int64_t timeout_ns = run->job_defined == NULL ? 0 : run->job_defined->timeout_ns;
    int64_t seconds = tags_get_i64(&run->tags, TAG_MAX_RUNTIME, 1, RUNTIME_MAX_S, 0);
    timeout_ns = seconds > 0 ? seconds * NS_PER_SEC : timeout_ns;
    if (timeout_ns > 0) {
        run->deadline.ns = loop_now(run->runner->options.loop).ns + timeout_ns;
    }
}

/* Want of memory passes, as a rule: the run stays in the queue, for a while. */
static bool begin_later(struct active_run *run, const struct err *why)
{
    struct runner *runner = run->runner;
    struct mono_time now = loop_now(runner->options.loop);
    if (why->code != ERR_NO_MEMORY) {
        return false;
    }
    if (run->put_off.ns == 0) {
        run->put_off = now;
        LOG(WARN, "run.begin_put_off", F_T("run", run->id), F_ERR(why),
            F_T("action", "it stays in the queue, trying again"));
    }
    if (now.ns - run->put_off.ns >= PUT_OFF_NS_MAX) {
        return false;
    }
    run_park(run);
    run->not_before.ns = runner_wall_now(runner).ns + PUT_OFF_NS;
    return true;
}

/* What cannot be planned any more has failed. */
static void begin_run(struct active_run *run)
{
    struct err err = {0};
    bool is_loaded = run_load(run, &err);
    if (!is_loaded && begin_later(run, &err)) {
        return;
    }
    run->put_off.ns = 0;
    leave_queue(run);
    if (!is_loaded) {
        run->failure = err;
        run_state_enter(&run->state, RUN_FAILURE);
        loop_defer(run->runner->options.loop, &run->runner->pump_task); /* ends it */
        return;
    }
    if (run->has_waited) {
        struct record dequeued = run_record(run, EVENT_RUN_DEQUEUED);
        runner_note(run->runner, &dequeued);
    }
    run_state_enter(&run->state, RUN_STARTED);
    struct record started = run_record(run, EVENT_RUN_START);
    runner_note(run->runner, &started);
    plan_steps(run);
    set_deadline(run);
}

static void begin_runs(struct runner *runner)
{
    struct wall_time now = runner_wall_now(runner);
    struct active_run *run = NULL;
    runner->looked = now;
    while (!runner->is_stopping && runner->going_count < (size_t)runner->options.runs_max &&
           (run = queue_next(runner, now)) != NULL) {
        if (!run->is_loaded && !runner_flush(runner)) {
            return; /* it is read from the database, and must be there */
        }
        begin_run(run);
    }
}

/* What is on disk and still waits needs no memory. */
static void park_queued(struct runner *runner)
{
    for (struct active_run *run = runner->runs; run != NULL; run = run->next) {
        if (run->state == RUN_QUEUED) {
            run->has_waited = true;
            run_park(run);
        }
    }
}

/* --- a run ends ------------------------------------------------------------------------------- */

static void record_canceled_step(const struct active_run *run, uint32_t step)
{
    const struct run_step *state = &run->run.steps[step];
    struct record ended = step_record(run, step, EVENT_STEP_FAILURE);
    bool is_interrupted = run->run.stop == RUN_STOP_INTERRUPTED;
    ended.error_code = is_interrupted ? STR("interrupted") : STR("canceled");
    ended.error_message = STR("it was waiting for its next attempt");
    if (is_interrupted) { /* the run that goes on from here keeps to it */
        int64_t left = state->retry_at.ns - loop_now(run->runner->options.loop).ns;
        ended.retry_at.ns = ended.at.ns + (left > 0 ? left : 1);
    }
    runner_note(run->runner, &ended);
}

static void skip_blocked(struct active_run *run)
{
    static const char *const why[] = {[RUN_GOES_ON] = "",
                                      [RUN_STOP_CANCELED] = "the run was canceled",
                                      [RUN_STOP_TIMEOUT] = "the run took longer than its time-out",
                                      [RUN_STOP_INTERRUPTED] = "the agent stopped"};
    uint32_t step = 0;
    uint32_t because = 0;
    while (run_skip_blocked(&run->run, &step, &because)) {
        char reason[LIMIT_ASSET_KEY_BYTES + 40];
        if (run->run.steps[step].state == STEP_CANCELED) {
            record_canceled_step(run, step);
            continue;
        }
        if (because == RUN_NO_ASSET) {
            (void)snprintf(reason, sizeof(reason), "%s", why[run->run.stop]);
        } else {
            (void)snprintf(reason, sizeof(reason), "upstream " STR_FMT " did not succeed",
                           STR_ARG(run_plan_asset(&run->run, because)->key));
        }
        struct record skipped = step_record(run, step, EVENT_STEP_SKIPPED);
        skipped.reason = str_from(reason);
        runner_note(run->runner, &skipped);
    }
}

static void explain_failure(const struct active_run *run, struct record *ended,
                            char message[static LIMIT_ASSET_KEY_BYTES + 20])
{
    uint32_t failed = 0;
    if (run->failure.code != ERR_NONE) {
        ended->error_code = str_from(err_code_name(run->failure.code));
        ended->error_message = str_from(run->failure.msg);
        ended->error_hint = str_from(run->failure.hint);
    } else if (run->run.stop == RUN_STOP_TIMEOUT) {
        ended->error_code = STR("timeout");
        ended->error_message = STR("the run took longer than its time-out");
    } else if (run->run.stop == RUN_STOP_INTERRUPTED) {
        ended->error_code = STR("interrupted");
        ended->error_message = STR("the agent stopped while the run was open");
    } else if (run_first_failure(&run->run, &failed)) {
        (void)snprintf(message, LIMIT_ASSET_KEY_BYTES + 20, STR_FMT " failed",
                       STR_ARG(run_step_key(&run->run, failed)));
        ended->error_code = STR("failed");
        ended->error_message = str_from(message);
    }
}

/* False: not yet, for the run that shall try this one again cannot be queued now. An agent that stops
 * leaves it open: to the next one it is a run that was interrupted. */
static bool record_run_end(struct active_run *run)
{
    struct runner *runner = run->runner;
    struct err err = {0};
    bool may_retry = run->state == RUN_FAILURE && run->failure.code == ERR_NONE;
    if (may_retry && !retry_by_policy(run, &err) &&
        retry_put_off(runner, str_from(run->id), &run->put_off, &err)) {
        return runner->is_stopping;
    }
    static const enum event_type types[RUN_STATE_COUNT] = {[RUN_SUCCESS] = EVENT_RUN_SUCCESS,
                                                           [RUN_FAILURE] = EVENT_RUN_FAILURE,
                                                           [RUN_CANCELED] = EVENT_RUN_CANCELED};
    char message[LIMIT_ASSET_KEY_BYTES + 20];
    struct record ended = run_record(run, types[run->state]);
    if (run->state == RUN_FAILURE) {
        explain_failure(run, &ended, message);
    }
    runner_note(runner, &ended);
    return true;
}

static bool is_over(struct active_run *run)
{
    if (run->state == RUN_QUEUED) {
        return false;
    }
    if (!run_state_is_finished(run->state)) {
        skip_blocked(run);
        if (!run_is_finished(&run->run)) {
            return false;
        }
        run_state_enter(&run->state, run_result(&run->run));
    }
    return true;
}

/* Records the end of every run whose steps are done. */
static void end_runs(struct runner *runner)
{
    struct active_run **at = &runner->runs;
    while (*at != NULL) {
        struct active_run *run = *at;
        if (!is_over(run) || !record_run_end(run)) {
            at = &run->next;
            continue;
        }
        *at = run->next;
        run->next = NULL;
        runner->going_count--;
        *tail_of(&runner->ended) = run;
    }
}

static void tell_ended(struct runner *runner)
{
    while (runner->ended != NULL) {
        struct active_run *run = runner->ended;
        runner->ended = run->next;
        struct run_end end = {.run = str_from(run->id),
                              .state = run->state,
                              .job = str_from(run->job),
                              .backfill = run->facts.backfill,
                              .partition = run->facts.partition,
                              .partition_end = run->facts.partition_end,
                              .steps = run->is_loaded && run->run.steps != NULL ? &run->run : NULL};
        LOG(INFO, "run.ended", F_T("run", run->id), F_T("job", run->job),
            F_T("status", run_state_name(run->state)));
        runner->options.on_run_ended(runner->options.ctx, &end);
        pipes_forget_run(run);
        run_free(run);
        runner_expire_soon(runner);
    }
}

/* --- the turn --------------------------------------------------------------------------------- */

static void heed_deadlines(struct runner *runner)
{
    int64_t now = loop_now(runner->options.loop).ns;
    for (struct active_run *run = runner->runs; run != NULL; run = run->next) {
        if (run->state == RUN_STARTED && run->deadline.ns > 0 && run->deadline.ns <= now) {
            run->deadline.ns = 0;
            stop_run(run, RUN_STOP_TIMEOUT);
        }
    }
}

static void earlier(struct mono_time *earliest, int64_t ns)
{
    earliest->ns = ns < earliest->ns ? ns : earliest->ns;
}

static void arm_due(struct runner *runner)
{
    struct mono_time earliest = {INT64_MAX};
    bool has_room = runner->attempt_count < (size_t)runner->options.steps_max;
    bool is_put_off = runner->has_unclosed;
    for (const struct active_run *run = runner->runs; run != NULL; run = run->next) {
        struct mono_time retry;
        if (run->state == RUN_STARTED && has_room && run_next_retry(&run->run, &retry) &&
            retry.ns > loop_now(runner->options.loop).ns) {
            earlier(&earliest, retry.ns);
        }
        if (run->state == RUN_STARTED && run->deadline.ns > 0) {
            earlier(&earliest, run->deadline.ns);
        }
        is_put_off = is_put_off || run->put_off.ns > 0;
    }
    if (is_put_off) {
        earlier(&earliest, loop_now(runner->options.loop).ns + PUT_OFF_NS);
    }
    /* Also what has become due since begin_runs() looked. */
    int64_t queued = queue_next_time(runner, runner->looked);
    if (queued != INT64_MAX) {
        int64_t left = queued - runner_wall_now(runner).ns;
        earlier(&earliest, loop_now(runner->options.loop).ns + (left > 0 ? left : 0));
    }
    if (earliest.ns == INT64_MAX) {
        loop_timer_disarm(runner->options.loop, &runner->due_timer);
    } else {
        loop_timer_arm(runner->options.loop, &runner->due_timer, earliest);
    }
}

/* Ends what is done, begins and chooses what may start, makes all of that durable in one commit,
 * and only then starts children. */
static void pump(void *ctx)
{
    struct runner *runner = ctx;
    if (runner->is_stuck && !runner_flush(runner)) {
        return; /* the flush's timer comes back here */
    }
    if (runner->has_unclosed && !runner->is_stopping) {
        runner_recover_rest(runner);
    }
    heed_deadlines(runner);
    end_runs(runner);
    begin_runs(runner);
    steps_choose(runner);
    if (runner_flush(runner)) {
        park_queued(runner);
        tell_ended(runner);
        steps_start_chosen(runner);
        arm_due(runner);
    }
}

/* --- stopping --------------------------------------------------------------------------------- */

void runner_shut_down(struct runner *runner, enum run_stop why)
{
    runner->is_stopping = true;
    for (struct active_run *run = runner->runs; run != NULL; run = run->next) {
        if (run->state == RUN_STARTED) {
            stop_run(run, why);
        }
    }
    loop_defer(runner->options.loop, &runner->pump_task);
}
