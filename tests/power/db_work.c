#include "db_work.h"

#include <string.h>

enum { CACHE_KIB = 16, BODY_BYTES_MAX = 1400, SESSION = 13, CHECKPOINT_EVERY = 5 };

static const struct db_text migrations[] = {
    {"work/0001", "CREATE TABLE entry (tx INTEGER NOT NULL, n INTEGER NOT NULL, body TEXT NOT NULL,"
                  " PRIMARY KEY (tx, n)) STRICT"},
};
enum { INSERT_ENTRY, DELETE_GROUP, ALL_ENTRIES, SQL_COUNT };
static const struct db_text sql[SQL_COUNT] = {
    [INSERT_ENTRY] = {"work/insert", "INSERT INTO entry (tx, n, body) VALUES (:tx, :n, :body)"},
    [DELETE_GROUP] = {"work/delete", "DELETE FROM entry WHERE tx = :tx"},
    [ALL_ENTRIES] = {"work/all", "SELECT tx, n, body FROM entry ORDER BY tx, n"},
};

static int group_size(int t)
{
    return t % 8 == 0 ? 40 : 1 + t % 4; /* every eighth does not fit the page cache */
}

static int deleted_by(int t)
{
    return t % 7 == 0 ? t - 5 : 0;
}

static struct str body_of(int t, int n, char text[BODY_BYTES_MAX])
{
    size_t len = (size_t)(20 + (t * 137 + n * 331) % (BODY_BYTES_MAX - 20));
    memset(text, 'a' + (t + n) % 26, len);
    return (struct str){text, len};
}

bool db_work_open(const struct db_work *w, struct db **ret, struct err *err)
{
    struct db_options options = {.path = "work.db",
                                 .flags = w->flags,
                                 .application_id = 0x776f726b,
                                 .migrations = migrations,
                                 .migrations_count = COUNT_OF(migrations),
                                 .sql = sql,
                                 .sql_count = SQL_COUNT,
                                 .cache_kib = CACHE_KIB,
                                 .busy_timeout_ms = 1,
                                 .vfs = w->vfs};
    struct db *db = NULL;
    if (!db_open(&db, &options, err)) {
        return false;
    }
    if (w->extra_sql != NULL && !db_exec(db, w->extra_sql, err)) {
        db_close(db);
        return false;
    }
    *ret = db;
    return true;
}

static bool insert_group(struct db *db, int t, struct err *err)
{
    for (int n = 0; n < group_size(t); n++) {
        char text[BODY_BYTES_MAX];
        struct db_query q = db_query(db, INSERT_ENTRY);
        db_bind_i64(&q, ":tx", t);
        db_bind_i64(&q, ":n", n);
        db_bind_str(&q, ":body", body_of(t, n, text));
        if (!db_run(&q, err)) {
            return false;
        }
    }
    return true;
}

bool db_work_step(struct db_work *w, struct db *db, struct err *err)
{
    int t = w->committed + 1;
    AUTO(db_tx) tx = {0};
    if (!db_tx_begin(db, &tx, err) || !insert_group(db, t, err)) {
        return false;
    }
    struct db_query q = db_query(db, DELETE_GROUP);
    db_bind_i64(&q, ":tx", deleted_by(t));
    if (!db_run(&q, err)) {
        return false;
    }
    w->attempted = t;
    if (!db_tx_commit(&tx, err)) {
        return false;
    }
    w->committed = t;
    return true;
}

static bool session(struct db_work *w, int last, struct err *err)
{
    struct db *db = NULL;
    bool ok = db_work_open(w, &db, err);
    while (ok && w->committed < last) {
        ok = db_work_step(w, db, err) &&
             (w->committed % CHECKPOINT_EVERY != 0 || db_checkpoint(db, err));
    }
    db_close(db);
    return ok;
}

bool db_work_run(struct db_work *w, struct err *err)
{
    return session(w, SESSION, err) && session(w, DB_WORK_TRANSACTIONS, err);
}

static bool is_deleted(int t, int last)
{
    for (int later = t + 1; later <= last; later++) {
        if (deleted_by(later) == t) {
            return true;
        }
    }
    return false;
}

/* The next row must be (t, n) with its body; t 0 means that there must be no row. */
static bool next_is(struct db_query *q, int t, int n, bool *ret_same, struct err *err)
{
    bool row = false;
    char text[BODY_BYTES_MAX];
    if (!db_next(q, &row, err)) {
        return false;
    }
    *ret_same = t == 0 ? !row
                       : row && db_col_i64(q, 0) == t && db_col_i64(q, 1) == n &&
                             str_eq(db_col_str(q, 2), body_of(t, n, text));
    return true;
}

bool db_work_matches(struct db *db, int last, bool *ret_matches, struct err *err)
{
    struct db_query q = db_query(db, ALL_ENTRIES);
    bool same = true;
    for (int t = 1; t <= last && same; t++) {
        int size = is_deleted(t, last) ? 0 : group_size(t);
        for (int n = 0; n < size && same; n++) {
            if (!next_is(&q, t, n, &same, err)) {
                return false;
            }
        }
    }
    if (same && !next_is(&q, 0, 0, &same, err)) {
        return false;
    }
    db_reset(&q);
    *ret_matches = same;
    return true;
}

bool db_work_is_sound(struct db *db, struct err *err)
{
    struct db_query q;
    bool row = false;
    if (!db_prepare(db, STR("PRAGMA integrity_check"), &q, err)) {
        return false;
    }
    bool ok = db_next(&q, &row, err);
    if (ok && !(row && str_eq(db_col_str(&q, 0), STR("ok")))) {
        ok = err_set(err, ERR_CORRUPT, STR_FMT, STR_ARG(db_col_str(&q, 0)));
    }
    db_finish(&q);
    return ok;
}
