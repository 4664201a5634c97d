#include "hub/pool/pool_rows.h"

#include "hub/store/store.h"
#include "hub_pool_sql.h"

bool pool_rows_open(struct pool_rows *ret, const char *database, struct err *err)
{
    return hub_store_open_part(&ret->db, database, hub_pool_sql, HUB_POOL_SQL_COUNT, err);
}

void pool_rows_close(struct pool_rows *rows)
{
    db_close(rows->db);
    rows->db = NULL;
}

bool pool_rows_set(struct pool_rows *rows, struct str name, int64_t places, int64_t lease_ns,
                   struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_POOL_POOL_SET);
    db_bind_str(&q, ":name", name);
    db_bind_i64(&q, ":places", places);
    db_bind_i64(&q, ":lease", lease_ns / NS_PER_MS);
    return db_run(&q, err);
}

static bool change(struct pool_rows *rows, struct db_query *q, struct str name, struct err *err)
{
    db_bind_str(q, ":name", name);
    if (!db_run(q, err)) {
        return false;
    }
    if (db_changes(rows->db) == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no pool " STR_FMT, STR_ARG(name));
        return err_hint(err, "list them: selvedge-hub pools");
    }
    return true;
}

bool pool_rows_pause(struct pool_rows *rows, struct str name, struct str by, struct wall_time now,
                     struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_POOL_POOL_PAUSE);
    db_bind_str(&q, ":by", by);
    db_bind_i64(&q, ":now", now.ns / NS_PER_MS);
    return change(rows, &q, name, err);
}

bool pool_rows_resume(struct pool_rows *rows, struct str name, struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_POOL_POOL_RESUME);
    return change(rows, &q, name, err);
}

bool pool_rows_remove(struct pool_rows *rows, struct str name, struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_POOL_POOL_REMOVE);
    return change(rows, &q, name, err);
}

static bool load_one(const struct db_query *q, struct pools *pools, struct mono_time now,
                     struct err *err)
{
    const struct pool_setting setting = {.name = db_col_str(q, 0),
                                         .places = db_col_i64(q, 1),
                                         .lease_ns = db_col_i64(q, 2) * NS_PER_MS,
                                         .is_paused = db_col_i64(q, 3) != 0};
    return pools_set(pools, &setting, now, err);
}

bool pool_rows_load(struct pool_rows *rows, struct pools *pools, struct mono_time now,
                    struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_POOL_POOL_LIST);
    bool row = true;
    pools_begin_set(pools);
    while (row) {
        if (!db_next(&q, &row, err)) {
            return false;
        }
        if (row && !load_one(&q, pools, now, err)) {
            db_reset(&q);
            return false;
        }
    }
    pools_end_set(pools);
    return true;
}

/* --- who has what ----------------------------------------------------------------------------- */

struct keeping {
    struct pool_rows *rows;
    struct mono_time now;
    struct wall_time at;
    struct err *err;
    bool ok;
};

static void keep_holder(void *ctx, const struct pool_holder *holder)
{
    struct keeping *k = ctx;
    struct db_query q = db_query(k->rows->db, HUB_POOL_HOLDER_ADD);
    if (!k->ok) {
        return;
    }
    db_bind_str(&q, ":pool", holder->pool);
    db_bind_str(&q, ":device", holder->device);
    db_bind_i64(&q, ":wanted", holder->wanted);
    db_bind_i64(&q, ":granted", holder->granted);
    db_bind_i64(&q, ":since", (k->at.ns - (k->now.ns - holder->since.ns)) / NS_PER_MS);
    k->ok = db_run(&q, k->err);
}

bool pool_rows_keep(struct pool_rows *rows, const struct pools *pools, struct mono_time now,
                    struct wall_time at, struct err *err)
{
    struct keeping k = {.rows = rows, .now = now, .at = at, .err = err, .ok = true};
    struct db_query clear = db_query(rows->db, HUB_POOL_HOLDER_CLEAR);
    AUTO(db_tx) tx = {0};
    if (!db_tx_begin(rows->db, &tx, err) || !db_run(&clear, err)) {
        return false;
    }
    pools_each(pools, keep_holder, &k);
    return k.ok && db_tx_commit(&tx, err);
}

bool pool_rows_each(struct pool_rows *rows,
                    void (*on_row)(void *ctx, const struct pool_listed *row), void *ctx,
                    struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_POOL_HOLDER_LIST);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        const struct pool_listed listed = {.name = db_col_str(&q, 0),
                                           .places = db_col_i64(&q, 1),
                                           .lease_ns = db_col_i64(&q, 2) * NS_PER_MS,
                                           .device = db_col_str(&q, 3),
                                           .wanted = db_col_i64(&q, 4),
                                           .granted = db_col_i64(&q, 5),
                                           .since = {db_col_i64(&q, 6) * NS_PER_MS},
                                           .is_paused = db_col_i64(&q, 7) != 0,
                                           .paused_by = db_col_str(&q, 8),
                                           .paused = {db_col_i64(&q, 9) * NS_PER_MS}};
        on_row(ctx, &listed);
    }
    return ok;
}
