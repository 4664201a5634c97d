#include "agent/daemon/scheduler.h"

#include "agent/store/instigators.h"
#include "agent/store/ticks.h"
#include "common/log/log.h"
#include <stdlib.h>

#define CLOCK_CHECK_NS (10 * NS_PER_SEC) /* while the clock is not trusted */
#define AGAIN_NS       (5 * NS_PER_SEC)  /* while the store cannot take more */
#define FAR_NS         (10 * NS_PER_SEC) /* a wait that drift makes inexact */

enum {
    TEXT_BYTES_MAX = 512,
    DRIFT_PER_THOUSAND = 1,
    ROOM_BYTES = 256 << 10, /* for the records of a tick and of the run that it starts */
};

enum entry_status { AS_DEFINED, RUNNING, PAUSED };

/* A schedule and what is remembered of it. */
struct entry {
    const struct schedule *schedule;
    enum entry_status status;
    struct wall_time decided; /* as in schedule_look() */
    struct wall_time wake;    /* 0 = at the next turn */
    int64_t splay_ns;
    bool has_new_times; /* why it begins, when it does */
};

struct schedule_set {
    const struct definitions *defs;
    size_t count;
    struct entry entries[]; /* as in the definitions */
};

struct scheduler {
    struct scheduler_options options;
    struct loop_timer timer;
    struct schedule_set *set;
    struct clock_rule clock_rule;
    enum clock_trust clock;        /* as it was said */
    enum schedule_absence absence; /* why a tick that is missed at the next look was missed */
    bool lacks_room;
    bool is_running; /* between scheduler_start() and scheduler_stop() */
};

static void on_due(void *ctx);

static struct wall_time wall_now(const struct scheduler *s)
{
    return clock_wall(loop_clock(s->options.loop));
}

static bool is_paused(const struct entry *e)
{
    return e->status == PAUSED || (e->status == AS_DEFINED && e->schedule->starts_paused);
}

static struct str status_name(enum entry_status status)
{
    static const struct str names[] = {[AS_DEFINED] = STR_INIT(""),
                                       [RUNNING] = STR_INIT("running"),
                                       [PAUSED] = STR_INIT("paused")};
    return names[status];
}

static enum entry_status status_from(struct str name)
{
    for (enum entry_status status = RUNNING; status <= PAUSED; status++) {
        if (str_eq(status_name(status), name)) {
            return status;
        }
    }
    return AS_DEFINED;
}

bool scheduler_is_paused(const struct schedule *schedule, struct str status)
{
    return is_paused(&(struct entry){.schedule = schedule, .status = status_from(status)});
}

static struct entry *find(struct schedule_set *set, struct str name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (str_eq(set->entries[i].schedule->name, name)) {
            return &set->entries[i];
        }
    }
    return NULL;
}

/* --- remembering --- */

/* What becomes of a schedule apart from its ticks. When it cannot be recorded, a restart may look
 * at ticks of which this daemon knows better. */
static void record_state(struct scheduler *s, const struct record *state)
{
    struct err err = {0};
    if (!runner_record(s->options.runner, state, &err)) {
        LOG(ERROR, "schedule.state_lost", F_S("schedule", state->name), F_ERR(&err));
        return;
    }
    LOG(INFO, "schedule.state", F_S("schedule", state->name), F_S("status", state->status),
        F_S("reason", state->reason));
}

static struct record status_record(const struct schedule *schedule, bool is_paused,
                                   struct wall_time now, bool is_clock_trusted, struct buf *times)
{
    buf_reset(times);
    schedule_write_times(schedule, times);
    bool begins = !is_paused && is_clock_trusted;
    return (struct record){.type = EVENT_INSTIGATOR,
                           .at = now,
                           .kind = STR("schedule"),
                           .name = schedule->name,
                           .status = status_name(is_paused ? PAUSED : RUNNING),
                           .cursor = buf_str(times),
                           .nominal = {begins ? now.ns : 0}};
}

/* It goes on from `now`; the ticks before were nobody's. */
static void begin(struct scheduler *s, struct entry *e, enum schedule_begin how,
                  struct wall_time now)
{
    char text[TEXT_BYTES_MAX];
    struct buf times = buf_fixed(text, sizeof(text));
    struct record state = status_record(e->schedule, false, now, true, &times);
    state.status = status_name(e->status);
    if (how == SCHEDULE_BEGINS_ANEW) {
        state.reason = STR("its last tick lies more than a day ahead of the clock");
    } else if (e->has_new_times) {
        state.reason = STR("its times were changed");
    } else {
        state.reason = STR("it begins");
    }
    e->decided = now;
    e->has_new_times = false;
    record_state(s, &state);
}

static const struct str gone = STR_INIT("it is defined no more");

/* It is over, or paused by its definition: should it come back, it begins then. */
static void let_go(struct scheduler *s, struct str name, struct str status, struct str reason)
{
    const struct record state = {.type = EVENT_INSTIGATOR,
                                 .at = wall_now(s),
                                 .kind = STR("schedule"),
                                 .name = name,
                                 .status = status,
                                 .reason = reason};
    record_state(s, &state);
}

static bool has_times(const struct schedule *schedule, struct str times)
{
    char text[TEXT_BYTES_MAX];
    struct buf own = buf_fixed(text, sizeof(text));
    schedule_write_times(schedule, &own);
    return str_eq(buf_str(&own), times);
}

static bool on_known(void *ctx, const struct instigator *known)
{
    struct entry *e = find(ctx, known->name);
    if (e == NULL) {
        return true;
    }
    e->status = status_from(known->status);
    e->decided = known->decided;
    /* No times are known of a schedule that an older release remembered. */
    if (!str_is_empty(known->cursor) && !has_times(e->schedule, known->cursor)) {
        e->decided.ns = 0;
        e->has_new_times = true;
    }
    return true;
}

bool scheduler_read(const struct scheduler *s, const struct definitions *defs,
                    struct schedule_set **ret, struct err *err)
{
    struct schedule_set *set =
        calloc(1, sizeof(*set) + defs->schedule_count * sizeof(set->entries[0]));
    if (set == NULL) {
        return err_set(err, ERR_NO_MEMORY, "read the schedules: out of memory");
    }
    set->defs = defs;
    set->count = defs->schedule_count;
    for (size_t i = 0; i < set->count; i++) {
        set->entries[i].schedule = &defs->schedules[i];
        set->entries[i].splay_ns = schedule_splay(&defs->schedules[i], s->options.device);
    }
    if (!store_instigators(s->options.store, STR("schedule"), on_known, set, err)) {
        free(set);
        return err_wrap(err, "read what is known of the schedules");
    }
    *ret = set;
    return true;
}

void schedule_set_free(struct schedule_set *set)
{
    free(set);
}

/* What this daemon knows is newer than what the database says. */
static void take_over(struct scheduler *s, struct schedule_set *set, const struct entry *old)
{
    struct entry *e = find(set, old->schedule->name);
    if (e == NULL) {
        if (old->decided.ns != 0) {
            let_go(s, old->schedule->name, status_name(old->status), gone);
        }
        return;
    }
    char text[TEXT_BYTES_MAX];
    struct buf times = buf_fixed(text, sizeof(text));
    schedule_write_times(old->schedule, &times);
    e->status = old->status;
    e->has_new_times = !has_times(e->schedule, buf_str(&times));
    e->decided.ns = e->has_new_times ? 0 : old->decided.ns;
}

static void use(struct scheduler *s, struct schedule_set *set)
{
    for (size_t i = 0; s->set != NULL && i < s->set->count; i++) {
        take_over(s, set, &s->set->entries[i]);
    }
    for (size_t i = 0; i < set->count; i++) {
        struct entry *e = &set->entries[i];
        if (is_paused(e) && e->decided.ns != 0) {
            e->decided.ns = 0;
            let_go(s, e->schedule->name, status_name(e->status), STR("its definition pauses it"));
        }
    }
    free(s->set);
    s->set = set;
}

/* Taken from the definitions while no daemon ran. */
static bool on_forgotten(void *ctx, const struct instigator *known)
{
    struct scheduler *s = ctx;
    if (find(s->set, known->name) == NULL && known->decided.ns != 0) {
        let_go(s, known->name, known->status, gone);
    }
    return true;
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
    use(s, set);
    if (!store_instigators(options->store, STR("schedule"), on_forgotten, s, err)) {
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
        .partition_at = tick->nominal,
        .selection = schedule->job != NULL ? schedule->job->select : schedule->select};
    if (!runner_enqueue(s->options.runner, &request, run, why)) {
        tick->status = why->code == ERR_BUSY ? STR("skipped") : STR("failed");
        tick->reason = str_from(why->msg);
    } else {
        tick->status = STR("started");
        tick->run = str_from(run);
    }
}

/* On false it is to be decided on once more. */
static bool record_tick(struct scheduler *s, struct entry *e, struct record *tick)
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

static struct record tick_record(const struct scheduler *s, const struct entry *e,
                                 struct wall_time nominal)
{
    return (struct record){.type = EVENT_TICK,
                           .at = wall_now(s),
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

static bool fire(struct scheduler *s, struct entry *e, struct wall_time nominal, bool is_late)
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
    decide(s, e->schedule, &tick, run, &err);
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

static bool skip(struct scheduler *s, struct entry *e, const struct schedule_look *look)
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

static void look_at(struct scheduler *s, struct entry *e, struct wall_time now)
{
    struct schedule_look look;
    schedule_look(e->schedule, e->splay_ns, e->decided, now, &look);
    if (look.begin != SCHEDULE_GOES_ON) {
        begin(s, e, look.begin, now);
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
        const struct entry *e = &s->set->entries[i];
        if (!is_paused(e) && e->wake.ns < earliest) {
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
    return schedule_trust(rule, wall_now(s));
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

static void on_due(void *ctx)
{
    struct scheduler *s = ctx;
    struct wall_time now = wall_now(s);
    if (!check_clock(s)) {
        return;
    }
    for (size_t i = 0; i < s->set->count; i++) {
        struct entry *e = &s->set->entries[i];
        if (is_paused(e) || e->wake.ns > now.ns) {
            continue;
        }
        if (!check_room(s)) {
            return;
        }
        look_at(s, e, now);
    }
    s->absence = ABSENCE_AWAY;
    arm_next(s, now);
}

static void look_soon(struct scheduler *s)
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
    look_soon(s);
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
    use(s, set);
    loop_timer_disarm(s->options.loop, &s->timer);
    look_at_all(s);
}

struct wall_time scheduler_built(void)
{
    struct wall_time built;
    return wall_parse(STR(SELVEDGE_BUILT), &built) ? built : (struct wall_time){0};
}

/* --- pausing --- */

static bool set_paused(struct scheduler *s, struct entry *e, bool paused, struct err *err)
{
    char text[TEXT_BYTES_MAX];
    struct buf times = buf_fixed(text, sizeof(text));
    struct wall_time now = wall_now(s);
    bool is_trusted = scheduler_clock(s) == CLOCK_TRUSTED;
    struct record state = status_record(e->schedule, paused, now, is_trusted, &times);
    if (!runner_record(s->options.runner, &state, err)) {
        return err_wrap(err, STR_FMT, STR_ARG(e->schedule->name));
    }
    e->status = paused ? PAUSED : RUNNING;
    e->decided = state.nominal;
    e->has_new_times = false;
    e->wake.ns = 0;
    LOG(INFO, "schedule.state", F_S("schedule", state.name), F_S("status", state.status),
        F_S("reason", state.reason));
    return true;
}

bool scheduler_set_paused(struct scheduler *s, const struct str *names, size_t count,
                          bool is_paused_now, bool *ret_changed, struct err *err)
{
    const struct schedule *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!definitions_find_schedule(s->set->defs, names[i], &found, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct entry *e = find(s->set, names[i]);
        ret_changed[i] = is_paused(e) != is_paused_now;
        if (ret_changed[i] && !set_paused(s, e, is_paused_now, err)) {
            return false;
        }
    }
    look_soon(s);
    return store_flush(s->options.store, wall_now(s), err) ||
           err_wrap(err, "it is done, but not yet written");
}
