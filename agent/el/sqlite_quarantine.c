#include "agent/el/sqlite_quarantine.h"

#include "agent/el/table.h"
#include "common/platform/clock.h"

static bool make_table(struct sqlite_quarantine *q, struct err *err)
{
    if (!q->is_there) {
        q->is_there =
            db_exec(q->db,
                    "CREATE TABLE IF NOT EXISTS " QUARANTINE_TABLE
                    " (id INTEGER PRIMARY KEY, rejected_at TEXT NOT NULL, state_id TEXT NOT NULL, "
                    "stream TEXT NOT NULL, place TEXT NOT NULL, reason TEXT NOT NULL, record TEXT "
                    "NOT NULL, record_bytes INTEGER NOT NULL, outcome TEXT NOT NULL CHECK (outcome "
                    "IN ('rejected', 'pending'))) STRICT",
                    err);
    }
    return q->is_there;
}

/* Runs a statement about the rows of this state; ?1 is its id. */
static bool run(const struct sqlite_quarantine *q, struct str sql, struct err *err)
{
    AUTO(db_query) query = {0};
    if (!db_prepare(q->db, sql, &query, err)) {
        return false;
    }
    db_bind_at_str(&query, 1, q->state_id);
    return db_run(&query, err);
}

static bool clear(struct sqlite_quarantine *q, struct err *err)
{
    q->is_cleared =
        q->is_cleared || !q->is_there ||
        run(q, STR("DELETE FROM " QUARANTINE_TABLE " WHERE state_id = ?1 AND outcome = 'pending'"),
            err);
    return q->is_cleared;
}

static bool trim(const struct sqlite_quarantine *q, struct err *err)
{
    AUTO(db_query) query = {0};
    if (!db_prepare(q->db,
                    STR("DELETE FROM " QUARANTINE_TABLE " WHERE state_id = ?1 AND id <= (SELECT id "
                        "FROM " QUARANTINE_TABLE " WHERE state_id = ?1 ORDER BY id DESC LIMIT 1 "
                        "OFFSET ?2)"),
                    &query, err)) {
        return false;
    }
    db_bind_at_str(&query, 1, q->state_id);
    db_bind_at_i64(&query, 2, q->keep);
    return db_run(&query, err);
}

static bool insert(const struct sqlite_quarantine *q, const struct rejects *r, struct err *err)
{
    AUTO(db_query) query = {0};
    char now[WALL_TEXT_SIZE];
    struct clock clock = clock_system();
    if (!db_prepare(q->db,
                    STR("INSERT INTO " QUARANTINE_TABLE " (rejected_at, state_id, stream, place, "
                        "reason, record, record_bytes, outcome) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
                        "?7, ?8)"),
                    &query, err)) {
        return false;
    }
    struct str at = str_from(wall_format(clock_wall(&clock), now));
    for (size_t i = 0; i < r->waiting; i++) {
        struct reject one = rejects_get(r, i);
        db_bind_at_str(&query, 1, at);
        db_bind_at_str(&query, 2, q->state_id);
        db_bind_at_str(&query, 3, one.stream);
        db_bind_at_str(&query, 4, one.place);
        db_bind_at_str(&query, 5, one.reason);
        db_bind_at_str(&query, 6, one.record);
        db_bind_at_i64(&query, 7, one.record_bytes);
        db_bind_at_str(&query, 8, q->is_pending ? STR("pending") : STR("rejected"));
        if (!db_run(&query, err)) {
            return false;
        }
    }
    return true;
}

bool sqlite_quarantine_open(struct sqlite_quarantine *q, struct err *err)
{
    enum table_type type = TABLE_NONE;
    if (!table_type_of(q->db, STR(QUARANTINE_TABLE), &type, err)) {
        return false;
    }
    q->is_there = type != TABLE_NONE;
    return true;
}

bool sqlite_quarantine_take(struct sqlite_quarantine *q, const struct rejects *r, struct err *err)
{
    q->has_written = true;
    return make_table(q, err) && clear(q, err) && insert(q, r, err) && trim(q, err);
}

bool sqlite_quarantine_finish(struct sqlite_quarantine *q, struct err *err)
{
    if (!clear(q, err)) {
        return false;
    }
    return !q->is_pending || !q->is_there ||
           run(q,
               STR("UPDATE " QUARANTINE_TABLE
                   " SET outcome = 'rejected' WHERE state_id = ?1 AND outcome = 'pending'"),
               err);
}
