/* scheduler.h - fires the schedules of the definitions: a shell around agent/schedule. Every tick
 * that was decided on is an event, durable together with the run that it started; so is every pause
 * and every beginning. Sleeps until the next tick. One thread, one loop. */
#pragma once
#include "agent/daemon/pausing.h"
#include "agent/run/runner.h"
#include "agent/schedule/schedule.h"

struct scheduler;
struct scheduler_options {
    struct loop *loop;
    struct store *store;
    struct runner *runner;
    const struct definitions *defs; /* borrowed until replaced or closed */
    struct str device;              /* for splay; borrowed until closed */
    struct wall_time built;         /* no clock that says less is right */
    bool requires_sync;             /* ticks wait until `is_synced` has been true once */
    bool (*is_synced)(void);        /* clock_is_synced() */
};
MUST_CHECK bool scheduler_open(struct scheduler **ret, const struct scheduler_options *options,
                               struct err *err);
void scheduler_close(struct scheduler *scheduler); /* NULL is allowed */
void scheduler_start(struct scheduler *scheduler);
void scheduler_stop(struct scheduler *scheduler);
/* The wall clock was stepped: the next ticks are worked out anew. */
void scheduler_clock_stepped(struct scheduler *scheduler);

/* New definitions in two steps, so that a reload is all or nothing: what is known of their schedules
 * is read, then used, which cannot fail. A schedule keeps what it remembers by its name; one that is
 * new, or whose times were changed, begins now. The old definitions are still there at either step;
 * nothing fires before the next turn of the loop. */
struct schedule_set;
MUST_CHECK bool scheduler_read(const struct scheduler *scheduler, const struct definitions *defs,
                               struct schedule_set **ret, struct err *err);
void scheduler_use(struct scheduler *scheduler, struct schedule_set *set); /* takes it */
void schedule_set_free(struct schedule_set *set);                          /* NULL is allowed */

/* Pauses or resumes, durably, across restarts. All or none: ERR_NOT_FOUND when one is not defined,
 * ERR_DENIED when the hub pauses one.
 * A resumed schedule goes on with its next tick; while the clock is not trusted it begins later, with
 * the daemon. Before scheduler_start() too. */
MUST_CHECK bool scheduler_set_paused(struct scheduler *scheduler,
                                     const struct agent_pausing *pausing, struct err *err);
bool scheduler_is_paused(const struct schedule *schedule, struct str status); /* as remembered */

enum clock_trust scheduler_clock(struct scheduler *scheduler);
/* When this program was built, as far as it knows: no clock is right that says less. */
struct wall_time scheduler_built(void);
