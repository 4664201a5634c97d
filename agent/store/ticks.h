/* ticks.h - what ticks were decided on. Text in callbacks is borrowed for the call; one that
 * returns false ends the reading. */
#pragma once
#include "agent/store/store.h"
#include "agent/store/view.h"

/* Whether this tick of a schedule has started a run: it must not start another, whatever the clock
 * did. Ticks that were not flushed yet are not found. */
MUST_CHECK bool store_tick_has_started(struct store *store, struct str schedule,
                                       struct wall_time nominal, bool *ret, struct err *err);

struct view_tick {
    struct str kind, name, status, run, partition, run_key, reason;
    struct wall_time nominal; /* 0: not of a schedule */
    struct wall_time at;
};
struct view_tick_filter {
    struct str kind; /* empty = any */
    struct str name; /* with a kind; empty = any */
    int64_t limit;
};
/* Newest first. */
MUST_CHECK bool view_ticks(struct view *view, const struct view_tick_filter *filter,
                           bool (*on_tick)(void *ctx, const struct view_tick *tick), void *ctx,
                           struct err *err);
