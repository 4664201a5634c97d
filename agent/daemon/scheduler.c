#include "agent/daemon/scheduler_internal.h"

#include "agent/store/runs.h"
#include "agent/store/ticks.h"
#include "common/log/log.h"
#include <stdlib.h>

#define CLOCK_CHECK_NS (10 * NS_PER_SEC) /* while the clock is not trusted */
#define AGAIN_NS       (5 * NS_PER_SEC)  /* while the store cannot take more */
#define FAR_NS         (10 * NS_PER_SEC) /* a wait that drift makes inexact */

enum {
    TEXT_BYTES_MAX = 512,
    DRIFT_PER_THOUSAND = 1,
    MADE_GOOD_QUEUED_MAX = RUNS_OPEN_MAX / 2,
    ROOM_BYTES = 256 << 10, /* for the records of a tick and of the run that it starts */
};

static void on_due(void *ctx);

struct wall_time scheduler_wall_now(const struct scheduler *s)
{
    return clock_wall(loop_clock(s->options.loop));
}

bool scheduler_open(struct scheduler **ret, const struct scheduler_options *options,
                    struct err *err)
{
    struct scheduler *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return err_set(err, ERR_NO_MEMORY, "start the scheduler: out of memory");
    }
    *s = (struct scheduler){
        .options = *options,
        .clock_rule = {.built = options->built, .requires_sync = options->requires_sync},
        .absence = ABSENCE_DOWN};
    s->timer = (struct loop_timer){.on_due = on_due, .ctx = s};
    struct schedule_set *set = NULL;
    if (!scheduler_read(s, options->defs, &set, err)) {
        scheduler_close(s);
        return false;
    }
    schedule_set_use(s, set);
    if (!schedule_set_forget(s, err)) {
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
    loop_timer_disarm(s->options.loop, &s->timer);
    free(s->set);
    free(s);
}

/* --- ticks --- */

static struct str job_name(const struct schedule *schedule)
{
    return schedule->job != NULL ? schedule->job->name : schedule->name;
}

/* What one more tick means while a run of the job is open. One that `missed: all` makes good waits
 * for those before it: to skip it would be to make good one of them all. */
static enum overlap overlap_of(const struct scheduler *s, const struct schedule *schedule,
                               bool is_late)
{
    enum overlap overlap = schedule->job == NULL ? OVERLAP_SKIP : schedule->job->on_overlap;
    bool waits = is_late && overlap == OVERLAP_SKIP && schedule->missed == MISSED_ALL &&
                 runner_queued_runs(s->options.runner) < MADE_GOOD_QUEUED_MAX;
    return waits ? OVERLAP_QUEUE : overlap;
}

/* Queues the run of one tick; the tick's record says what came of it. */
static void decide(struct scheduler *s, const struct schedule *schedule, enum overlap overlap,
                   struct record *tick, char run[UUID_TEXT_SIZE], struct err *why)
{
    struct run_request request = {.assets = schedule->assets,
                                  .asset_count = schedule->asset_count,
                                  .job = job_name(schedule),
                                  .cause = STR("schedule"),
                                  .cause_name = schedule->name,
                                  .on_overlap = overlap,
                                  .tags = schedule->tags,
                                  .partition_at = tick->nominal,
                                  .selection = schedule->job != NULL ? schedule->job->select
                                                                     : schedule->select};
    if (!runner_enqueue(s->options.runner, &request, run, why)) {
        tick->status = why->code == ERR_BUSY ? STR("skipped") : STR("failed");
        tick->reason = str_from(why->msg);
    } else {
        tick->status = STR("started");
        tick->run = str_from(run);
    }
}

/* On false it is to be decided on once more. */
static bool record_tick(struct scheduler *s, struct schedule_entry *e, struct record *tick)
{
    char text[TEXT_BYTES_MAX];
    struct buf times = buf_fixed(text, sizeof(text));
    struct err err = {0};
    schedule_write_times(e->schedule, &times);
    tick->cursor = buf_str(&times);
    if (!runner_record(s->options.runner, tick, &err)) {
        LOG(ERROR, "schedule.tick_lost", F_S("schedule", tick->name), F_ERR(&err));
        return false;
    }
    e->decided = tick->nominal;
    LOG(INFO, "schedule.tick", F_S("schedule", tick->name), F_S("status", tick->status),
        F_S("run", tick->run), F_S("reason", tick->reason));
    return true;
}

static struct record tick_record(const struct scheduler *s, const struct schedule_entry *e,
                                 struct wall_time nominal)
{
    return (struct record){.type = EVENT_TICK,
                           .at = scheduler_wall_now(s),
                           .kind = STR("schedule"),
                           .name = e->schedule->name,
                           .job = job_name(e->schedule),
                           .nominal = nominal};
}

/* A run whose tick has no record could be started again after a crash. */
static void take_back(struct scheduler *s, struct str run)
{
    struct err err = {0};
    if (!str_is_empty(run) && !runner_cancel(s->options.runner, run, &err)) {
        LOG(ERROR, "schedule.run_not_taken_back", F_S("run", run), F_ERR(&err));
    }
}

static bool fire(struct scheduler *s, struct schedule_entry *e, struct wall_time nominal,
                 bool is_late)
{
    char run[UUID_TEXT_SIZE] = "";
    char text[TEXT_BYTES_MAX];
    struct buf late = buf_fixed(text, sizeof(text));
    struct err err = {0};
    bool has_started = false;
    if (!store_tick_has_started(s->options.store, e->schedule->name, nominal, &has_started, &err)) {
        LOG(ERROR, "schedule.tick_lost", F_S("schedule", e->schedule->name), F_ERR(&err));
        return false;
    }
    if (has_started) { /* a clock that was wrong has brought this nominal time before */
        e->decided = nominal;
        return true;
    }
    struct record tick = tick_record(s, e, nominal);
    decide(s, e->schedule, overlap_of(s, e->schedule, is_late), &tick, run, &err);
    if (is_late && str_is_empty(tick.reason)) {
        schedule_write_late(s->absence, &late);
        tick.reason = buf_str(&late);
    }
    if (!record_tick(s, e, &tick)) {
        take_back(s, tick.run);
        return false;
    }
    return true;
}

static bool skip(struct scheduler *s, struct schedule_entry *e, const struct schedule_look *look)
{
    char text[TEXT_BYTES_MAX];
    struct buf reason = buf_fixed(text, sizeof(text));
    struct record tick = tick_record(s, e, look->skipped_last);
    schedule_write_skip(e->schedule, look, s->absence, &reason);
    tick.status = STR("skipped");
    tick.reason = buf_str(&reason);
    return record_tick(s, e, &tick);
}

static bool has_room(const struct scheduler *s)
{
    return store_room(s->options.store) >= ROOM_BYTES;
}

static void look_at(struct scheduler *s, struct schedule_entry *e, struct wall_time now)
{
    struct schedule_look look;
    schedule_look(e->schedule, e->splay_ns, e->decided, now, &look);
    if (look.begin != SCHEDULE_GOES_ON) {
        schedule_entry_begin(s, e, look.begin, now);
    }
    bool ok = look.skipped == 0 || skip(s, e, &look);
    struct wall_time nominal = look.first;
    e->wake = look.wake;
    for (int64_t i = 0; ok && i < look.fires; i++) {
        if (!has_room(s)) { /* the rest in the next turn, when these are written */
            e->wake = now;
            return;
        }
        ok = fire(s, e, nominal, i < look.late);
        if (!schedule_next(e->schedule, nominal, &nominal)) {
            break;
        }
    }
    if (!ok) {
        e->wake.ns = now.ns + AGAIN_NS;
    }
}

/* --- when to look --- */

/* A wait is measured by a clock that nobody corrects. The wall clock is corrected by at most one in
 * two thousand (adjtimex(2)), so that a long wait ends early by more than that, and the rest is
 * waited for anew. */
static void arm_next(struct scheduler *s, struct wall_time now)
{
    int64_t earliest = INT64_MAX;
    for (size_t i = 0; i < s->set->count; i++) {
        const struct schedule_entry *e = &s->set->entries[i];
        if (!schedule_entry_is_paused(e) && e->wake.ns < earliest) {
            earliest = e->wake.ns;
        }
    }
    if (earliest == INT64_MAX) {
        return;
    }
    int64_t delay = earliest > now.ns ? earliest - now.ns : 0;
    if (delay > FAR_NS) {
        delay -= delay / 1000 * DRIFT_PER_THOUSAND;
    }
    loop_timer_arm_in(s->options.loop, &s->timer, delay);
}

static void blame(struct scheduler *s, enum schedule_absence absence)
{
    if (s->absence == ABSENCE_AWAY) {
        s->absence = absence;
    }
}

enum clock_trust scheduler_clock(struct scheduler *s)
{
    struct clock_rule *rule = &s->clock_rule;
    if (rule->requires_sync && !rule->has_been_synced) {
        rule->has_been_synced = s->options.is_synced();
    }
    return schedule_trust(rule, scheduler_wall_now(s));
}

static void say_clock(enum clock_trust clock)
{
    switch (clock) {
    case CLOCK_TRUSTED:
        LOG(INFO, "schedule.clock_trusted", F_T("action", "schedules go on"));
        break;
    case CLOCK_NOT_SET:
        LOG(WARN, "schedule.clock_not_set", F_T("action", "schedules wait until the clock is set"));
        break;
    case CLOCK_NOT_SYNCED:
        LOG(WARN, "schedule.clock_not_synced",
            F_T("action", "schedules wait until the clock is synchronized"));
        break;
    }
}

/* False: ticks are held, and the timer is armed to look again. */
static bool check_clock(struct scheduler *s)
{
    enum clock_trust clock = scheduler_clock(s);
    if (clock != s->clock) {
        say_clock(clock);
    }
    s->clock = clock;
    if (clock == CLOCK_TRUSTED) {
        return true;
    }
    blame(s, ABSENCE_CLOCK_HELD);
    loop_timer_arm_in(s->options.loop, &s->timer, CLOCK_CHECK_NS);
    return false;
}

/* The same for the store: while nothing can be written, ticks are late rather than without a
 * record. */
static bool check_room(struct scheduler *s)
{
    bool lacked = s->lacks_room;
    s->lacks_room = !has_room(s);
    if (!s->lacks_room) {
        return true;
    }
    if (!lacked) {
        LOG(WARN, "schedule.no_room",
            F_T("action", "schedules wait until the database can be written"));
    }
    blame(s, ABSENCE_DISK);
    loop_timer_arm_in(s->options.loop, &s->timer, AGAIN_NS);
    return false;
}

/* At once, and not with what is recorded in the next second: were it lost, the schedule would begin
 * after the restart, and the ticks until then would be nobody's. A flush that fails is the runner's
 * to repeat. */
static void keep_beginnings(struct scheduler *s)
{
    if (s->has_begun) {
        s->has_begun = false;
        (void)runner_flush(s->options.runner);
    }
}

static void on_due(void *ctx)
{
    struct scheduler *s = ctx;
    struct wall_time now = scheduler_wall_now(s);
    if (!check_clock(s)) {
        return;
    }
    for (size_t i = 0; i < s->set->count; i++) {
        struct schedule_entry *e = &s->set->entries[i];
        if (schedule_entry_is_paused(e) || e->wake.ns > now.ns) {
            continue;
        }
        if (!check_room(s)) {
            return;
        }
        look_at(s, e, now);
    }
    keep_beginnings(s);
    s->absence = ABSENCE_AWAY;
    arm_next(s, now);
}

void scheduler_look_soon(struct scheduler *s)
{
    if (s->is_running && s->set->count > 0) {
        loop_timer_arm_in(s->options.loop, &s->timer, 0);
    }
}

static void look_at_all(struct scheduler *s)
{
    for (size_t i = 0; i < s->set->count; i++) {
        s->set->entries[i].wake.ns = 0;
    }
    scheduler_look_soon(s);
}

void scheduler_start(struct scheduler *s)
{
    s->is_running = true;
    look_at_all(s);
}

void scheduler_stop(struct scheduler *s)
{
    s->is_running = false;
    loop_timer_disarm(s->options.loop, &s->timer);
}

void scheduler_clock_stepped(struct scheduler *s)
{
    blame(s, ABSENCE_CLOCK_SET);
    look_at_all(s);
}

void scheduler_use(struct scheduler *s, struct schedule_set *set)
{
    schedule_set_use(s, set);
    loop_timer_disarm(s->options.loop, &s->timer);
    look_at_all(s);
}

struct wall_time scheduler_built(void)
{
    struct wall_time built;
    return wall_parse(STR(SELVEDGE_BUILT), &built) ? built : (struct wall_time){0};
}
