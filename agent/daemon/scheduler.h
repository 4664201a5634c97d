/* scheduler.h - fires the schedules of the definitions: a shell around agent/schedule. Every tick
 * that was decided on is an event, durable together with the run that it started. */
#pragma once
#include "agent/run/runner.h"

struct scheduler;
MUST_CHECK bool scheduler_open(struct scheduler **ret, struct loop *loop, struct store *store,
                               struct runner *runner, const struct definitions *defs,
                               struct err *err);
void scheduler_close(struct scheduler *scheduler); /* NULL is allowed */
void scheduler_start(struct scheduler *scheduler);
/* The wall clock was stepped: the next ticks are worked out anew. */
void scheduler_clock_stepped(struct scheduler *scheduler);
void scheduler_stop(struct scheduler *scheduler);
