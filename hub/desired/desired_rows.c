#include "hub/desired/desired_rows.h"

#include "common/db/db.h"
#include "hub/store/store.h"
#include "hub_desired_sql.h"
#include <stdlib.h>

struct desired_rows {
    struct db *db;
    struct db_tx tx;
};

static int64_t ms(struct wall_time t)
{
    return t.ns / NS_PER_MS;
}

static struct wall_time time_of(int64_t milliseconds)
{
    return (struct wall_time){milliseconds * NS_PER_MS};
}

bool desired_rows_open(struct desired_rows **ret, const char *database, struct err *err)
{
    struct desired_rows *rows = calloc(1, sizeof(*rows));
    if (rows == NULL) {
        return err_set(err, ERR_NO_MEMORY, "open %s: out of memory", database);
    }
    if (!hub_store_open_part(&rows->db, database, hub_desired_sql, HUB_DESIRED_SQL_COUNT, err)) {
        desired_rows_close(rows);
        return false;
    }
    *ret = rows;
    return true;
}

void desired_rows_close(struct desired_rows *rows)
{
    if (rows != NULL) {
        db_tx_release(&rows->tx);
        db_close(rows->db);
        free(rows);
    }
}

bool desired_rows_begin(struct desired_rows *rows, struct err *err)
{
    return db_tx_begin(rows->db, &rows->tx, err);
}

bool desired_rows_keep(struct desired_rows *rows, struct err *err)
{
    return db_tx_commit(&rows->tx, err);
}

void desired_rows_drop(struct desired_rows *rows)
{
    db_tx_release(&rows->tx);
}

/* --- documents ---------------------------------------------------------------------------------- */

bool document_set(struct desired_rows *rows, const struct document_row *row, struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_DESIRED_DOCUMENT_SET);
    db_bind_str(&q, ":name", row->name);
    db_bind_i64(&q, ":priority", row->priority);
    db_bind_str(&q, ":target", row->target);
    db_bind_str(&q, ":content", row->content);
    db_bind_i64(&q, ":now", ms(row->set));
    return db_run(&q, err);
}

bool document_remove(struct desired_rows *rows, struct str name, bool *ret_found, struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_DESIRED_DOCUMENT_REMOVE);
    db_bind_str(&q, ":name", name);
    if (!db_run(&q, err)) {
        return false;
    }
    *ret_found = db_changes(rows->db) > 0;
    return true;
}

static struct document_row document_of(const struct db_query *q)
{
    return (struct document_row){.name = db_col_str(q, 0),
                                 .priority = db_col_i64(q, 1),
                                 .target = db_col_str(q, 2),
                                 .content = db_col_str(q, 3),
                                 .set = time_of(db_col_i64(q, 4))};
}

bool document_each(struct desired_rows *rows,
                   void (*on_row)(void *ctx, const struct document_row *row), void *ctx,
                   struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_DESIRED_DOCUMENT_LIST);
    bool ok = true;
    while (db_each(&q, &ok, err)) {
        const struct document_row document = document_of(&q);
        on_row(ctx, &document);
    }
    return ok;
}

static bool has_memory(const struct arena *arena, struct err *err)
{
    return !arena->exhausted || err_set(err, ERR_NO_MEMORY, "read desired state: out of memory");
}

bool document_get(struct desired_rows *rows, struct str name, struct arena *arena,
                  struct document_row *ret, bool *ret_found, struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_DESIRED_DOCUMENT_GET);
    db_bind_str(&q, ":name", name);
    if (!db_next(&q, ret_found, err)) {
        return false;
    }
    if (*ret_found) {
        *ret = document_of(&q);
        ret->name = arena_copy(arena, ret->name);
        ret->target = arena_copy(arena, ret->target);
        ret->content = arena_copy(arena, ret->content);
        db_reset(&q);
    }
    return has_memory(arena, err);
}

bool desired_changes(struct desired_rows *rows, int64_t *ret, struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_DESIRED_CHANGE_GET);
    bool row = false;
    if (!db_next(&q, &row, err)) {
        return false;
    }
    *ret = row ? db_col_i64(&q, 0) : 0;
    db_reset(&q);
    return true;
}

/* --- devices ------------------------------------------------------------------------------------ */

static struct desired_row row_of(const struct db_query *q)
{
    return (struct desired_row){.revision = db_col_i64(q, 0),
                                .content_hash = db_col_str(q, 1),
                                .body = db_col_str(q, 2),
                                .hash = db_col_str(q, 3),
                                .conflicts = db_col_str(q, 4),
                                .is_signed = db_col_i64(q, 5) != 0,
                                .issued = time_of(db_col_i64(q, 6)),
                                .is_sent = !db_col_is_null(q, 7),
                                .told_revision = db_col_i64(q, 8),
                                .told_status = db_col_str(q, 9),
                                .told_reason = db_col_str(q, 10),
                                .applied = db_col_i64(q, 11),
                                .told_hash = db_col_str(q, 12),
                                .told_at = time_of(db_col_i64(q, 13)),
                                .seen = db_col_i64(q, 14),
                                .device = db_col_str(q, 15)};
}

bool desired_of(struct desired_rows *rows, struct str device, struct arena *arena,
                struct desired_row *ret, struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_DESIRED_DEVICE_GET);
    bool found = false;
    db_bind_str(&q, ":device", device);
    if (!db_next(&q, &found, err)) {
        return false;
    }
    struct desired_row row = found ? row_of(&q) : (struct desired_row){.device = device};
    struct str *const texts[] = {&row.device,      &row.content_hash, &row.body,
                                 &row.hash,        &row.conflicts,    &row.told_status,
                                 &row.told_reason, &row.told_hash};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        *texts[i] = texts[i]->len == 0 ? STR("") : arena_copy(arena, *texts[i]);
    }
    if (found) {
        db_reset(&q);
    }
    *ret = row;
    return has_memory(arena, err);
}

bool desired_in_force(struct desired_rows *rows, struct str device, struct arena *arena,
                      struct str *ret, struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_DESIRED_DEVICE_IN_FORCE);
    bool row = false;
    db_bind_str(&q, ":device", device);
    *ret = STR("");
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (row) {
        *ret = arena_copy(arena, db_col_str(&q, 0));
        db_reset(&q);
    }
    return ret->ptr != NULL || err_set(err, ERR_NO_MEMORY, "read desired state: out of memory");
}

bool desired_each(struct desired_rows *rows,
                  void (*on_row)(void *ctx, const struct desired_row *row), void *ctx,
                  struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_DESIRED_DEVICE_LIST);
    for (bool has_row = false;;) {
        if (!db_next(&q, &has_row, err)) {
            return false;
        }
        if (!has_row) {
            return true;
        }
        const struct desired_row row = row_of(&q);
        on_row(ctx, &row);
    }
}

bool desired_issue(struct desired_rows *rows, const struct desired_row *row, struct wall_time now,
                   struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_DESIRED_DEVICE_ISSUE);
    db_bind_str(&q, ":device", row->device);
    db_bind_i64(&q, ":revision", row->revision);
    db_bind_str(&q, ":content_hash", row->content_hash);
    db_bind_str(&q, ":body", row->body);
    db_bind_str(&q, ":hash", row->hash);
    db_bind_str(&q, ":conflicts", row->conflicts);
    db_bind_i64(&q, ":now", ms(now));
    return db_run(&q, err);
}

bool desired_sign(struct desired_rows *rows, struct str device, struct str body, struct str message,
                  struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_DESIRED_DEVICE_SIGN);
    db_bind_str(&q, ":device", device);
    db_bind_str(&q, ":body", body);
    db_bind_blob(&q, ":message", message);
    return db_run(&q, err) &&
           (db_changes(rows->db) > 0 ||
            err_set(err, ERR_NOT_FOUND, "it is not what is wanted of " STR_FMT " now",
                    STR_ARG(device)));
}

bool desired_next_unsent(struct desired_rows *rows, struct str after, bool has_key,
                         struct arena *arena, struct desired_unsent *ret, bool *ret_found,
                         struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_DESIRED_DEVICE_UNSENT);
    db_bind_str(&q, ":after", after);
    db_bind_i64(&q, ":has_key", has_key);
    if (!db_next(&q, ret_found, err)) {
        return false;
    }
    if (*ret_found) {
        struct str message = db_col_blob(&q, 3);
        *ret = (struct desired_unsent){.device = arena_copy(arena, db_col_str(&q, 0)),
                                       .revision = db_col_i64(&q, 1),
                                       .body = arena_copy(arena, db_col_str(&q, 2))};
        ret->message = message.len == 0 ? STR_NONE : arena_copy(arena, message);
        db_reset(&q);
    }
    return has_memory(arena, err);
}

bool desired_sent(struct desired_rows *rows, struct str device, int64_t revision,
                  struct wall_time now, struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_DESIRED_DEVICE_SENT);
    db_bind_str(&q, ":device", device);
    db_bind_i64(&q, ":revision", revision);
    db_bind_i64(&q, ":now", ms(now));
    return db_run(&q, err);
}

bool desired_send_again(struct desired_rows *rows, struct str device, struct err *err)
{
    bool is_all = str_is_empty(device);
    struct db_query q = db_query(rows->db, is_all ? HUB_DESIRED_DEVICE_FORGET_ALL_SENT
                                                  : HUB_DESIRED_DEVICE_FORGET_SENT);
    if (!is_all) {
        db_bind_str(&q, ":device", device);
    }
    return db_run(&q, err);
}

bool desired_set_seen(struct desired_rows *rows, struct str device, int64_t revision,
                      struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_DESIRED_SEEN_SET);
    db_bind_str(&q, ":device", device);
    db_bind_i64(&q, ":revision", revision);
    return db_run(&q, err);
}

bool desired_bundle(struct desired_rows *rows, struct str device, struct arena *arena,
                    struct str *ret, struct err *err)
{
    struct db_query q = db_query(rows->db, HUB_DESIRED_BUNDLE_GET);
    bool found = false;
    *ret = STR_NONE;
    db_bind_str(&q, ":device", device);
    if (!db_next(&q, &found, err)) {
        return false;
    }
    if (found) {
        struct str bundle = db_col_str(&q, 0);
        *ret = bundle.len == 0 ? STR("") : arena_copy(arena, bundle);
        db_reset(&q);
    }
    return has_memory(arena, err);
}
