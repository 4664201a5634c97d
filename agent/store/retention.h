/* retention.h - what the database forgets: ended runs, their output, ticks, backfills and
 * acknowledged events, by number, by age and by bytes. Assets, their last materializations, checks
 * and cursors are never forgotten, nor is what the hub has not acknowledged.
 *
 * Ages are the wall clock's, which may be wrong: the newest RETENTION_NEWEST of each kind stay
 * however old they seem, and of a tick each step of the clock counts for at most a sixteenth of the age. Each call does a bounded piece of work and says whether more is left. */
#pragma once
#include "agent/store/store.h"

enum { RETENTION_NEWEST = 20, RETENTION_AT_ONCE = 256 };

struct retention {
    int64_t runs;          /* ended ones, at most */
    int64_t runs_age_ns;   /* ended runs and backfills; 0 = any age */
    int64_t output_bytes;  /* captured output of all runs together: the oldest goes first */
    int64_t ticks_age_ns;  /* 0 = any age */
    int64_t events_age_ns; /* acknowledged events; 0 = any age */
};
/* Called before the row goes, so that no file is left behind that nobody knows of. */
struct retention_port {
    void (*remove_output)(void *ctx, struct str run);
    void *ctx;
};
MUST_CHECK bool store_expire(struct store *store, const struct retention *retention,
                             const struct retention_port *port, struct wall_time now,
                             bool *ret_more, struct err *err);
