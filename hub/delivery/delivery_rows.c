#include "hub/delivery/delivery_rows.h"

#include "hub/store/store.h"
#include "hub_delivery_sql.h"

#define STALE_NS (600 * NS_PER_SEC) /* nobody works on a request that is so old */

const char *const delivery_cause_names[] = {"schedule", "asked", NULL};

static int64_t ms(struct wall_time t)
{
    return t.ns / NS_PER_MS;
}

static struct wall_time when(const struct db_query *q, int col)
{
    return (struct wall_time){db_col_i64(q, col) * NS_PER_MS}; /* NULL reads as 0 */
}

static void bind_time(struct db_query *q, const char *name, struct wall_time t)
{
    if (t.ns == 0) {
        db_bind_null(q, name);
    } else {
        db_bind_i64(q, name, ms(t));
    }
}

static struct db_query begin(struct db *db, int statement, struct delivery_key key)
{
    struct db_query q = db_query(db, statement);
    db_bind_str(&q, ":report", key.report);
    db_bind_str(&q, ":cause", str_from(delivery_cause_names[key.cause]));
    return q;
}

bool delivery_rows_open(struct db **ret, const char *database, struct err *err)
{
    return hub_store_open_part(ret, database, hub_delivery_sql, HUB_DELIVERY_SQL_COUNT, err);
}

bool delivery_rows_find(struct db *db, struct delivery_key key, struct arena *arena,
                        struct delivery_row *ret, struct err *err)
{
    struct db_query q = begin(db, HUB_DELIVERY_FIND, key);
    *ret = (struct delivery_row){0};
    if (!db_next(&q, &ret->is_there, err)) {
        return false;
    }
    if (ret->is_there) {
        ret->schedule = arena_copy(arena, db_col_str(&q, 0));
        ret->delivery = (struct delivery){.settled = when(&q, 1),
                                          .due = when(&q, 2),
                                          .since = when(&q, 3),
                                          .attempts = db_col_i64(&q, 4),
                                          .next = when(&q, 5)};
        ret->delivered = when(&q, 6);
        ret->delivered_for = when(&q, 7);
        ret->failed = when(&q, 8);
        ret->error = arena_copy(arena, db_col_str(&q, 9));
    }
    db_reset(&q);
    return !arena->exhausted || err_set(err, ERR_NO_MEMORY, "reports: out of memory");
}

bool delivery_rows_put(struct db *db, struct delivery_key key, const struct delivery_change *change,
                       bool *ret_done, struct err *err)
{
    struct db_query q = begin(db, HUB_DELIVERY_PUT, key);
    db_bind_str(&q, ":schedule", change->schedule);
    db_bind_i64(&q, ":settled", ms(change->is->settled));
    bind_time(&q, ":due", change->is->due);
    bind_time(&q, ":since", change->is->since);
    db_bind_i64(&q, ":attempts", change->is->attempts);
    db_bind_i64(&q, ":next", ms(change->is->next));
    db_bind_i64(&q, ":was_settled", ms(change->was->settled));
    bind_time(&q, ":was_due", change->was->due);
    if (!db_run(&q, err)) {
        return false;
    }
    *ret_done = db_changes(db) == 1;
    return true;
}

bool delivery_rows_settle(struct db *db, struct delivery_key key, struct wall_time due,
                          struct wall_time now, struct err *err)
{
    struct db_query q = begin(db, HUB_DELIVERY_SETTLE, key);
    db_bind_i64(&q, ":due", ms(due));
    db_bind_i64(&q, ":now", ms(now));
    return db_run(&q, err);
}

bool delivery_rows_fail(struct db *db, struct delivery_key key, struct wall_time due,
                        struct wall_time now, struct str why, struct err *err)
{
    struct db_query q = begin(db, HUB_DELIVERY_FAIL, key);
    db_bind_i64(&q, ":due", ms(due));
    db_bind_i64(&q, ":now", ms(now));
    db_bind_str(&q, ":error", why);
    return db_run(&q, err);
}

bool delivery_rows_begin(struct db *db, struct str names, struct wall_time now, struct err *err)
{
    struct db_query forget = db_query(db, HUB_DELIVERY_FORGET);
    db_bind_str(&forget, ":names", names);
    if (!db_run(&forget, err)) {
        return false;
    }
    struct db_query end = db_query(db, HUB_DELIVERY_INTERRUPTED);
    db_bind_i64(&end, ":now", ms(now));
    return db_run(&end, err);
}

bool delivery_rows_ask(struct db *db, struct str report, struct wall_time now, struct err *err)
{
    struct db_query q = db_query(db, HUB_DELIVERY_ASK);
    db_bind_str(&q, ":report", report);
    db_bind_i64(&q, ":due", ms(now));
    db_bind_i64(&q, ":stale", ms((struct wall_time){now.ns - STALE_NS}));
    if (!db_run(&q, err)) {
        return false;
    }
    return db_changes(db) == 1 ||
           err_set(err, ERR_BUSY,
                   "somebody has asked for this report already, and it is under way");
}
