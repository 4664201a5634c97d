/* scheduler_known.c - what is remembered of schedules: whether they are paused, and since when their
 * ticks count. */
#include "agent/daemon/scheduler_internal.h"

#include "agent/store/instigators.h"
#include "common/log/log.h"
#include <stdlib.h>

enum { TIMES_BYTES_MAX = 512 };

bool schedule_entry_is_paused(const struct schedule_entry *e)
{
    return e->schedule->is_held || e->status == PAUSED ||
           (e->status == AS_DEFINED && e->schedule->starts_paused);
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
    return schedule_entry_is_paused(
        &(struct schedule_entry){.schedule = schedule, .status = status_from(status)});
}

static struct schedule_entry *find(struct schedule_set *set, struct str name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (str_eq(set->entries[i].schedule->name, name)) {
            return &set->entries[i];
        }
    }
    return NULL;
}

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

void schedule_entry_begin(struct scheduler *s, struct schedule_entry *e, enum schedule_begin how,
                          struct wall_time now)
{
    char text[TIMES_BYTES_MAX];
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
    e->is_remembered = true;
    s->has_begun = true;
    record_state(s, &state);
}

static const struct str gone = STR_INIT("it is defined no more");

/* It is over, or paused by its definition: should it come back, it begins then. */
static void let_go(struct scheduler *s, struct str name, struct str status, struct str reason)
{
    const struct record state = {.type = EVENT_INSTIGATOR,
                                 .at = scheduler_wall_now(s),
                                 .kind = STR("schedule"),
                                 .name = name,
                                 .status = status,
                                 .reason = reason};
    record_state(s, &state);
}

static bool has_times(const struct schedule *schedule, struct str times)
{
    char text[TIMES_BYTES_MAX];
    struct buf own = buf_fixed(text, sizeof(text));
    schedule_write_times(schedule, &own);
    return str_eq(buf_str(&own), times);
}

static bool on_known(void *ctx, const struct instigator *known)
{
    struct schedule_entry *e = find(ctx, known->name);
    if (e == NULL) {
        return true;
    }
    e->status = status_from(known->status);
    e->decided = known->decided;
    e->is_remembered = known->decided.ns != 0;
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
static void take_over(struct scheduler *s, struct schedule_set *set,
                      const struct schedule_entry *old)
{
    struct schedule_entry *e = find(set, old->schedule->name);
    if (e == NULL) {
        if (old->is_remembered) {
            let_go(s, old->schedule->name, status_name(old->status), gone);
        }
        return;
    }
    char text[TIMES_BYTES_MAX];
    struct buf times = buf_fixed(text, sizeof(text));
    schedule_write_times(old->schedule, &times);
    e->status = old->status;
    e->is_remembered = old->is_remembered;
    e->has_new_times = !has_times(e->schedule, buf_str(&times));
    e->decided.ns = e->has_new_times ? 0 : old->decided.ns;
}

void schedule_set_use(struct scheduler *s, struct schedule_set *set)
{
    for (size_t i = 0; s->set != NULL && i < s->set->count; i++) {
        take_over(s, set, &s->set->entries[i]);
    }
    for (size_t i = 0; i < set->count; i++) {
        struct schedule_entry *e = &set->entries[i];
        if (schedule_entry_is_paused(e) && e->is_remembered) {
            e->decided.ns = 0;
            e->is_remembered = false;
            let_go(s, e->schedule->name, status_name(e->status),
                   e->schedule->is_held ? STR("the hub pauses it")
                                        : STR("its definition pauses it"));
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

bool schedule_set_forget(struct scheduler *s, struct err *err)
{
    return store_instigators(s->options.store, STR("schedule"), on_forgotten, s, err);
}

/* --- pausing --- */

static bool set_paused(struct scheduler *s, struct schedule_entry *e, const struct agent_pausing *p,
                       struct err *err)
{
    char text[TIMES_BYTES_MAX];
    struct buf times = buf_fixed(text, sizeof(text));
    struct wall_time now = scheduler_wall_now(s);
    bool is_trusted = scheduler_clock(s) == CLOCK_TRUSTED;
    struct record state = status_record(e->schedule, p->is_paused, now, is_trusted, &times);
    state.command = p->command;
    if (!runner_record(s->options.runner, &state, err)) {
        return err_wrap(err, STR_FMT, STR_ARG(e->schedule->name));
    }
    e->status = p->is_paused ? PAUSED : RUNNING;
    e->decided = state.nominal;
    e->is_remembered = state.nominal.ns != 0;
    e->has_new_times = false;
    e->wake.ns = 0;
    LOG(INFO, "schedule.state", F_S("schedule", state.name), F_S("status", state.status),
        F_S("reason", state.reason));
    return true;
}

bool scheduler_set_paused(struct scheduler *s, const struct agent_pausing *p, struct err *err)
{
    const struct schedule *found = NULL;
    for (size_t i = 0; i < p->count; i++) {
        if (!definitions_find_schedule(s->set->defs, p->names[i], &found, err)) {
            return false;
        }
        if (found->is_held) {
            (void)err_set(err, ERR_DENIED, "schedule " STR_FMT ": the hub pauses it",
                          STR_ARG(found->name));
            return err_hint(err,
                            "it goes on when the hub says so: selvedge-hub desired show DEVICE");
        }
    }
    for (size_t i = 0; i < p->count; i++) {
        struct schedule_entry *e = find(s->set, p->names[i]);
        p->changed[i] = schedule_entry_is_paused(e) != p->is_paused;
        if (p->changed[i] && !set_paused(s, e, p, err)) {
            return false;
        }
    }
    scheduler_look_soon(s);
    return store_flush(s->options.store, scheduler_wall_now(s), err) ||
           err_wrap(err, "it is done, but not yet written");
}
