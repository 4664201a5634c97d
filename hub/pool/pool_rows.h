/* pool_rows.h - pools in hub.db (hub/store/migrations/0011_pool.sql), for the desk and for command lines.
 * One thread. */
#pragma once
#include "common/db/db.h"
#include "hub/pool/pools.h"

struct pool_rows {
    struct db *db;
};
/* A connection of its own. ERR_NOT_FOUND when there is no database. */
MUST_CHECK bool pool_rows_open(struct pool_rows *ret, const char *database, struct err *err);
void pool_rows_close(struct pool_rows *rows); /* idempotent */

MUST_CHECK bool pool_rows_set(struct pool_rows *rows, struct str name, int64_t places,
                              int64_t lease_ns, struct err *err);
/* All three: ERR_NOT_FOUND when it is not set. `by`: who pauses it, for people. */
MUST_CHECK bool pool_rows_pause(struct pool_rows *rows, struct str name, struct str by,
                                struct wall_time now, struct err *err);
MUST_CHECK bool pool_rows_resume(struct pool_rows *rows, struct str name, struct err *err);
MUST_CHECK bool pool_rows_remove(struct pool_rows *rows, struct str name, struct err *err);
/* Into the core, from pools_begin_set() to pools_end_set(). */
MUST_CHECK bool pool_rows_load(struct pool_rows *rows, struct pools *pools, struct mono_time now,
                               struct err *err);
/* Who has what, for people: replaces what was written before. `now` and `at` are the same moment. */
MUST_CHECK bool pool_rows_keep(struct pool_rows *rows, const struct pools *pools,
                               struct mono_time now, struct wall_time at, struct err *err);

struct pool_listed {
    struct str name, device; /* device empty: nobody is there */
    int64_t places, lease_ns, wanted, granted;
    struct wall_time since;
    bool is_paused;
    struct str paused_by; /* empty: not known, or it is not paused */
    struct wall_time paused;
};
/* Pool by pool, in the order of asking. */
MUST_CHECK bool pool_rows_each(struct pool_rows *rows,
                               void (*on_row)(void *ctx, const struct pool_listed *row), void *ctx,
                               struct err *err);
