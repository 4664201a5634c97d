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

/* --- what came of attempts -------------------------------------------------------------------- */

struct note {
    struct delivery_key key;
    struct wall_time due, now;
    const char *result;
    struct str error;
};

/* Within the caller's transaction, before the row is changed. */
static bool note_down(struct db *db, const struct note *note, struct err *err)
{
    struct db_query q = begin(db, HUB_DELIVERY_NOTE, note->key);
    db_bind_i64(&q, ":due", ms(note->due));
    db_bind_i64(&q, ":now", ms(note->now));
    db_bind_str(&q, ":result", str_from(note->result));
    db_bind_opt(&q, ":error", note->error);
    if (!db_run(&q, err)) {
        return false;
    }
    struct db_query prune = db_query(db, HUB_DELIVERY_PRUNE);
    db_bind_str(&prune, ":report", note->key.report);
    return db_run(&prune, err);
}

bool delivery_rows_attempts(struct db *db, struct str report, int64_t limit,
                            void (*on_row)(void *ctx, const struct delivery_attempt *row),
                            void *ctx, struct err *err)
{
    struct db_query q = db_query(db, HUB_DELIVERY_ATTEMPTS);
    bool ok = true;
    db_bind_str(&q, ":report", report);
    db_bind_i64(&q, ":limit", limit);
    while (db_each(&q, &ok, err)) {
        const struct delivery_attempt row = {.id = db_col_i64(&q, 0),
                                             .cause = db_col_str(&q, 1),
                                             .due = when(&q, 2),
                                             .attempt = db_col_i64(&q, 3),
                                             .at = when(&q, 4),
                                             .result = db_col_str(&q, 5),
                                             .error = db_col_str(&q, 6)};
        on_row(ctx, &row);
    }
    return ok;
}

bool delivery_rows_returning(struct db *db, struct wall_time now, int64_t return_ns, int64_t *ret,
                             struct err *err)
{
    struct db_query q = db_query(db, HUB_DELIVERY_RETURNING);
    db_bind_i64(&q, ":now", ms(now));
    db_bind_i64(&q, ":return", return_ns / NS_PER_MS);
    bool is_there = false;
    bool ok = db_next(&q, &is_there, err);
    *ret = is_there ? db_col_i64(&q, 0) : 0;
    db_reset(&q);
    return ok;
}

/* --- changes ---------------------------------------------------------------------------------- */

static bool put(struct db *db, struct delivery_key key, const struct delivery_change *change,
                struct err *err)
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
    return db_run(&q, err);
}

bool delivery_rows_put(struct db *db, struct delivery_key key, const struct delivery_change *change,
                       bool *ret_done, struct err *err)
{
    AUTO(db_tx) tx = {0};
    const struct note note = {
        .key = key, .due = change->was->due, .now = change->given_up, .result = "given up"};
    if (!db_tx_begin(db, &tx, err) || (change->given_up.ns != 0 && !note_down(db, &note, err)) ||
        !put(db, key, change, err)) {
        return false;
    }
    bool is_done = db_changes(db) == 1;
    if (is_done && !db_tx_commit(&tx, err)) { /* else nothing is given up either */
        return false;
    }
    *ret_done = is_done;
    return true;
}

/* The end of the attempt `note`, with the statement that changes its row. */
static bool end_attempt(struct db *db, int statement, const struct note *note, struct err *err)
{
    AUTO(db_tx) tx = {0};
    if (!db_tx_begin(db, &tx, err) || !note_down(db, note, err)) {
        return false;
    }
    struct db_query q = begin(db, statement, note->key);
    db_bind_i64(&q, ":due", ms(note->due));
    db_bind_i64(&q, ":now", ms(note->now));
    if (!str_is_empty(note->error)) {
        db_bind_str(&q, ":error", note->error);
    }
    return db_run(&q, err) && db_tx_commit(&tx, err);
}

bool delivery_rows_settle(struct db *db, struct delivery_key key, struct wall_time due,
                          struct wall_time now, struct err *err)
{
    const struct note note = {.key = key, .due = due, .now = now, .result = "delivered"};
    return end_attempt(db, HUB_DELIVERY_SETTLE, &note, err);
}

bool delivery_rows_fail(struct db *db, struct delivery_key key, struct wall_time due,
                        struct wall_time now, struct str why, struct err *err)
{
    const struct note note = {.key = key,
                              .due = due,
                              .now = now,
                              .result = "failed",
                              .error = str_is_empty(why) ? STR("not known") : why};
    return end_attempt(db, HUB_DELIVERY_FAIL, &note, err);
}

static bool forget(struct db *db, int statement, struct str names, struct err *err)
{
    struct db_query q = db_query(db, statement);
    db_bind_str(&q, ":names", names);
    return db_run(&q, err);
}

bool delivery_rows_begin(struct db *db, struct str names, struct wall_time now, struct err *err)
{
    AUTO(db_tx) tx = {0};
    if (!db_tx_begin(db, &tx, err) || !forget(db, HUB_DELIVERY_FORGET, names, err) ||
        !forget(db, HUB_DELIVERY_FORGET_ATTEMPTS, names, err)) {
        return false;
    }
    struct db_query note = db_query(db, HUB_DELIVERY_NOTE_INTERRUPTED);
    struct db_query end = db_query(db, HUB_DELIVERY_INTERRUPTED);
    db_bind_i64(&note, ":now", ms(now));
    db_bind_i64(&end, ":now", ms(now));
    return db_run(&note, err) && db_run(&end, err) && db_tx_commit(&tx, err);
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
