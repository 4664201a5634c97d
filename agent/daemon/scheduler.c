#include "agent/daemon/scheduler.h"

#include "agent/schedule/schedule.h"
#include "common/log/log.h"
#include <stdlib.h>

#define CLOCK_CHECK_NS (10 * NS_PER_SEC) /* while the clock is not set */

struct scheduler {
    struct loop *loop;
    struct store *store;
    struct runner *runner;
    const struct definitions *defs;
    struct loop_timer timer;
    struct wall_time *last; /* for each schedule: the last nominal time decided on */
    bool is_waiting_for_clock;
};

static void on_due(void *ctx);

static struct wall_time wall_now(const struct scheduler *s)
{
    return clock_wall(loop_clock(s->loop));
}

/* A schedule that was never decided on stays at 0 until begin_new(). */
static bool load_last(struct scheduler *s, struct err *err)
{
    for (size_t i = 0; i < s->defs->schedule_count; i++) {
        bool found = false;
        if (!store_last_tick(s->store, s->defs->schedules[i].name, &s->last[i], &found, err)) {
            return false;
        }
    }
    return true;
}

/* A schedule that was never decided on begins when we first know the time: installing a device must
 * not start last night's runs. */
static void begin_new(struct scheduler *s, struct wall_time now)
{
    for (size_t i = 0; i < s->defs->schedule_count; i++) {
        if (s->last[i].ns == 0) {
            s->last[i] = now;
        }
    }
}

bool scheduler_open(struct scheduler **ret, struct loop *loop, struct store *store,
                    struct runner *runner, const struct definitions *defs, struct err *err)
{
    struct scheduler *s = calloc(1, sizeof(*s));
    struct wall_time *last = calloc(defs->schedule_count + 1, sizeof(*last));
    if (s == NULL || last == NULL) {
        free(s);
        free(last);
        return err_set(err, ERR_NO_MEMORY, "start the scheduler: out of memory");
    }
    *s = (struct scheduler){
        .loop = loop, .store = store, .runner = runner, .defs = defs, .last = last};
    s->timer = (struct loop_timer){.on_due = on_due, .ctx = s};
    if (!load_last(s, err)) {
        scheduler_close(s);
        return false;
    }
    *ret = s;
    return true;
}

void scheduler_close(struct scheduler *s)
{
    if (s == NULL) {
        return;
    }
    loop_timer_disarm(s->loop, &s->timer);
    free(s->last);
    free(s);
}

static struct str job_name(const struct schedule *schedule)
{
    return schedule->job != NULL ? schedule->job->name : schedule->name;
}

/* Queues the run of one tick; the tick's record says what came of it. */
static void decide(struct scheduler *s, const struct schedule *schedule, struct record *tick,
                   char run[UUID_TEXT_SIZE], struct err *why)
{
    struct run_request request = {
        .assets = schedule->assets,
        .asset_count = schedule->asset_count,
        .job = job_name(schedule),
        .cause = STR("schedule"),
        .cause_name = schedule->name,
        .on_overlap = schedule->job == NULL ? OVERLAP_SKIP : schedule->job->on_overlap,
        .tags = schedule->tags,
        .selection = schedule->job != NULL ? schedule->job->select : schedule->select};
    if (!runner_enqueue(s->runner, &request, run, why)) {
        tick->status = why->code == ERR_BUSY ? STR("skipped") : STR("failed");
        tick->reason = str_from(why->msg);
    } else {
        tick->status = STR("started");
        tick->run = str_from(run);
    }
}

static void fire(struct scheduler *s, size_t i, struct wall_time nominal)
{
    const struct schedule *schedule = &s->defs->schedules[i];
    char run[UUID_TEXT_SIZE] = "";
    struct err err = {0};
    struct record tick = {.type = EVENT_TICK,
                          .at = wall_now(s),
                          .kind = STR("schedule"),
                          .name = schedule->name,
                          .job = job_name(schedule),
                          .nominal = nominal};
    decide(s, schedule, &tick, run, &err);
    s->last[i] = nominal; /* whatever comes of its record: it must not start a second run */
    if (!runner_record(s->runner, &tick, &err)) {
        LOG(ERROR, "schedule.tick_lost", F_S("schedule", schedule->name), F_ERR(&err));
        return;
    }
    LOG(INFO, "schedule.tick", F_S("schedule", schedule->name), F_S("status", tick.status),
        F_T("run", run), F_S("reason", tick.reason));
}

static void arm_next(struct scheduler *s)
{
    struct wall_time now = wall_now(s);
    int64_t earliest = INT64_MAX;
    for (size_t i = 0; i < s->defs->schedule_count; i++) {
        struct wall_time next;
        struct wall_time after = s->last[i].ns > now.ns ? s->last[i] : now;
        if (schedule_next(&s->defs->schedules[i], after, &next) && next.ns < earliest) {
            earliest = next.ns;
        }
    }
    if (earliest != INT64_MAX) {
        loop_timer_arm_in(s->loop, &s->timer, earliest - now.ns);
    }
}

static void on_due(void *ctx)
{
    struct scheduler *s = ctx;
    struct wall_time now = wall_now(s);
    if (!wall_is_set(now)) {
        if (!s->is_waiting_for_clock) {
            LOG(WARN, "schedule.clock_not_set",
                F_T("action", "schedules wait until the clock is set"));
        }
        s->is_waiting_for_clock = true;
        loop_timer_arm_in(s->loop, &s->timer, CLOCK_CHECK_NS);
        return;
    }
    s->is_waiting_for_clock = false;
    begin_new(s, now);
    for (size_t i = 0; i < s->defs->schedule_count; i++) {
        struct wall_time nominal;
        if (schedule_due(&s->defs->schedules[i], s->last[i], now, &nominal)) {
            fire(s, i, nominal);
        }
    }
    arm_next(s);
}

void scheduler_start(struct scheduler *s)
{
    if (s->defs->schedule_count > 0) {
        loop_timer_arm_in(s->loop, &s->timer, 0);
    }
}

void scheduler_clock_stepped(struct scheduler *s)
{
    scheduler_start(s);
}

void scheduler_stop(struct scheduler *s)
{
    loop_timer_disarm(s->loop, &s->timer);
}
