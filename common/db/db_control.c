#include "common/db/db_internal.h"

enum { PROGRESS_STEPS = 10000 };

int64_t db_changes(const struct db *db)
{
    return sqlite3_changes64(db->handle);
}

int64_t db_total_changes(const struct db *db)
{
    return sqlite3_total_changes64(db->handle);
}

static int ask_should_stop(void *ctx)
{
    const struct db *db = ctx;
    return db->should_stop(db->should_stop_ctx) ? 1 : 0;
}

void db_on_progress(struct db *db, bool (*should_stop)(void *ctx), void *ctx)
{
    db->should_stop = should_stop;
    db->should_stop_ctx = ctx;
    sqlite3_progress_handler(db->handle, PROGRESS_STEPS,
                             should_stop == NULL ? NULL : ask_should_stop, db);
}

static bool is_refused(const struct db *db, int action, const char *function)
{
    switch (action) {
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_PRAGMA:
    case SQLITE_SAVEPOINT:
        return true;
    case SQLITE_TRANSACTION:
        return !db->is_our_tx;
    case SQLITE_FUNCTION:
        return sqlite3_stricmp(function, "load_extension") == 0;
    default:
        return false;
    }
}

static int authorize(void *ctx, int action, const char *first, const char *second,
                     const char *schema, const char *trigger)
{
    (void)first;
    (void)schema;
    (void)trigger;
    struct db *db = ctx;
    if (is_refused(db, action, second)) {
        db->was_refused = true;
        return SQLITE_DENY;
    }
    bool only_reads = action == SQLITE_READ || action == SQLITE_SELECT ||
                      action == SQLITE_RECURSIVE || action == SQLITE_FUNCTION;
    if (!only_reads) {
        db->saw_write = true;
    }
    return SQLITE_OK;
}

void db_restrict(struct db *db, bool on)
{
    db->is_restricted = on;
    sqlite3_set_authorizer(db->handle, on ? authorize : NULL, db);
}

bool db_run_at_once(struct db_query *q, struct err *err)
{
    sqlite3_busy_timeout(q->db->handle, 0);
    bool ok = db_run(q, err);
    sqlite3_busy_timeout(q->db->handle, q->db->busy_timeout_ms);
    return ok;
}

bool db_checkpoint(struct db *db, struct err *err)
{
    /* Readers are not waited for: what they still need stays in the WAL until the next time. */
    sqlite3_busy_timeout(db->handle, 0);
    int rc = sqlite3_wal_checkpoint_v2(db->handle, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    bool ok = rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY;
    if (!ok) {
        db_fail(db, rc, STR("checkpoint"), err);
    }
    sqlite3_busy_timeout(db->handle, db->busy_timeout_ms);
    return ok;
}

void db_memory(int64_t *ret_now, int64_t *ret_peak)
{
    *ret_now = sqlite3_memory_used();
    *ret_peak = sqlite3_memory_highwater(0);
}

void db_limit_memory(int64_t bytes)
{
    sqlite3_hard_heap_limit64(bytes);
}
