/* rebuild.h - derives the views from the log again (promise P3): in place, or beside and compared.
 * Thread: the store's. */
#pragma once
#include "common/db/db.h"

/* Told each REBUILD_STEP events. */
enum { REBUILD_STEP = 5000 };
struct rebuild_watch {
    void (*on_events)(void *ctx, int64_t events);
    void *ctx;
};
/* Drops what every view holds and derives it again in one transaction: on false, and whenever the
 * process dies, nothing has changed. `watch` may be NULL. */
MUST_CHECK bool rebuild_views(struct db *store, const struct rebuild_watch *watch,
                              int64_t *ret_events, struct err *err);

struct rebuild_report {
    int64_t events;      /* read from the log */
    int64_t differences; /* rows that are missing, surplus or different */
};
/* Derives the views into a database of its own at `scratch_path` (removed before and after;
 * ":memory:" for none) and compares table by table. `store` may be read-only and in use: one
 * snapshot of it is looked at. `on_difference` gets one line each, of at most the first 100; NULL = nobody. */
MUST_CHECK bool rebuild_check(struct db *store, const char *scratch_path,
                              void (*on_difference)(void *ctx, struct str line), void *ctx,
                              struct rebuild_report *ret, struct err *err);
