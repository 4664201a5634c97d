/* scheduler_internal.h - shared by scheduler.c (when to look, and the ticks) and scheduler_known.c (what
 * is remembered between two looks). */
#pragma once
#include "agent/daemon/scheduler.h"

enum entry_status { AS_DEFINED, RUNNING, PAUSED };

/* A schedule and what is remembered of it. */
struct schedule_entry {
    const struct schedule *schedule;
    enum entry_status status;
    struct wall_time decided; /* as in schedule_look() */
    struct wall_time wake;    /* 0 = at the next turn */
    int64_t splay_ns;
    bool has_new_times; /* why it begins, when it does */
    bool is_remembered; /* what is recorded of it has a `decided`, for these times or for others */
};

struct schedule_set {
    const struct definitions *defs;
    size_t count;
    struct schedule_entry entries[]; /* as in the definitions */
};

struct scheduler {
    struct scheduler_options options;
    struct loop_timer timer;
    struct schedule_set *set;
    struct clock_rule clock_rule;
    enum clock_trust clock;        /* as it was said */
    enum schedule_absence absence; /* why a tick that is missed at the next look was missed */
    bool lacks_room;
    bool has_begun;  /* a schedule began, and that is not flushed yet */
    bool is_running; /* between scheduler_start() and scheduler_stop() */
};

/* --- scheduler.c --- */
struct wall_time scheduler_wall_now(const struct scheduler *s);
void scheduler_look_soon(struct scheduler *s); /* at the next turn, when it is running */

/* --- scheduler_known.c --- */
bool schedule_entry_is_paused(const struct schedule_entry *e);
/* It goes on from `now`; the ticks before were nobody's. */
void schedule_entry_begin(struct scheduler *s, struct schedule_entry *e, enum schedule_begin how,
                          struct wall_time now);
/* In the place of what was used before; takes it. */
void schedule_set_use(struct scheduler *s, struct schedule_set *set);
/* Records that schedules are over which were taken from the definitions while no daemon ran. */
MUST_CHECK bool schedule_set_forget(struct scheduler *s, struct err *err);
