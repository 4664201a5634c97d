#include "agent/el/sql_asset.h"

#include "agent/el/cancel.h"
#include "agent/el/sql_partition.h"
#include "agent/el/table.h"
#include "common/base/limits.h"

#include <string.h>

enum { SQL_CACHE_KIB = 2048, SQL_BUSY_TIMEOUT_MS = 30000 };

struct database { /* closes itself */
    struct db *db;
};
static void database_release(struct database *d)
{
    db_close(d->db);
}

static bool open_database(struct str path, unsigned flags, struct arena *arena,
                          struct database *ret, struct err *err)
{
    const char *text = NULL;
    if (!options_path(path, arena, &text, err)) {
        return false;
    }
    struct db_options options = {
        .path = text,
        .flags = DB_FOREIGN_FILE | flags,
        .cache_kib = SQL_CACHE_KIB,
        .busy_timeout_ms = SQL_BUSY_TIMEOUT_MS,
    };
    if (!db_open(&ret->db, &options, err)) {
        if (err->code == ERR_NOT_FOUND || err->code == ERR_DENIED) {
            err_hint(
                err,
                "check the resource's path, and that this user may use the file and its folder");
        }
        return false;
    }
    db_on_progress(ret->db, cancel_check, NULL);
    return db_add_functions(ret->db, err); /* views of dbt call them */
}

/* SQLite's "no such table: x" gets the nearest name as a hint. Always false. */
static bool suggest_table(struct db *db, struct err *err)
{
    static const char *const no_such_table = "no such table: ";
    const char *at = strstr(err->msg, no_such_table);
    if (at != NULL) {
        struct err nearest = {0};
        (void)table_not_found(db, str_from(at + strlen(no_such_table)), &nearest);
        if (nearest.hint[0] != '\0') {
            err_hint(err, "%s", nearest.hint);
        }
    }
    return false;
}

/* One statement that only reads, gives columns and needs no parameters. */
static bool check_select(struct db *db, struct str sql, struct err *err)
{
    AUTO(db_query) q = {0};
    db_restrict(db, true);
    bool ok = db_prepare(db, sql, &q, err);
    db_restrict(db, false);
    if (!ok) {
        return suggest_table(db, err);
    }
    db_bind_at_null(&q, 1);
    if (q.rc == 0) {
        return err_set(err, ERR_INVALID, "the SQL has a parameter; there is no value for it");
    }
    if (!db_is_read_only_sql(&q) || db_col_count(&q) == 0) {
        err_set(err, ERR_INVALID, "the SQL is not a SELECT");
        return err_hint(
            err, "write one SELECT (or VALUES, or WITH ... SELECT); it may not change anything");
    }
    return true;
}

static bool build(struct db *db, const struct request *r, struct str name, struct err *err)
{
    AUTO(buf) sql = buf_growing(SQL_BYTES_MAX + (size_t)LIMIT_JSON_BYTES);
    buf_add_text(&sql, r->materialized == MATERIALIZED_VIEW ? "CREATE VIEW " : "CREATE TABLE ");
    db_add_identifier(&sql, name);
    buf_add_text(&sql, " AS ");
    buf_add(&sql, r->sql);
    db_restrict(db, true);
    bool ok = sql_exec(db, &sql, err);
    db_restrict(db, false);
    return ok;
}

/* A view is made without looking at what it names: read from it once, without a row. */
static bool try_view(struct db *db, struct str name, struct err *err)
{
    AUTO(buf) sql = buf_growing(SQL_BYTES_MAX);
    AUTO(db_query) q = {0};
    buf_add_text(&sql, "SELECT * FROM ");
    db_add_identifier(&sql, name);
    return sql_prepare(db, &sql, &q, err);
}

static bool replace(struct db *db, const struct request *r, struct arena *arena, int64_t *ret_rows,
                    struct err *err)
{
    if (r->materialized == MATERIALIZED_VIEW) {
        return table_drop(db, r->name, err) && build(db, r, r->name, err) &&
               try_view(db, r->name, err);
    }
    struct str staging = table_staging_name(r->name, arena);
    if (staging.ptr == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a name");
    }
    if (!table_drop(db, staging, err) || !build(db, r, staging, err)) {
        return false;
    }
    return r->has_partition ? sql_partition_replace(db, r, staging, arena, ret_rows, err)
                            : table_swap(db, staging, r->name, err);
}

static bool is_reserved(struct str name)
{
    return str_starts(name, STR("sqlite_")) || str_starts(name, STR("_selvedge_"));
}

static bool materialize(struct db *db, const struct request *r, struct arena *arena,
                        int64_t *ret_rows, struct err *err)
{
    AUTO(db_tx) tx = {0};
    return db_tx_begin(db, &tx, err) && replace(db, r, arena, ret_rows, err) &&
           db_tx_commit(&tx, err);
}

static bool look_at_result(struct db *db, const struct request *r, struct arena *arena,
                           struct materialization *ret, struct err *err)
{
    struct schema *columns = arena_alloc(arena, sizeof(*columns));
    if (columns == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the report");
    }
    *columns = schema_new(arena);
    *ret = (struct materialization){.table = r->name,
                                    .rows_read = -1,
                                    .rows_written = -1,
                                    .bytes_read = -1,
                                    .columns = columns};
    return table_columns(db, r->name, columns, NULL, err) &&
           table_row_count(db, r->name, &ret->row_count, err);
}

bool sql_asset(const struct request *request, struct arena *arena, struct materialization *ret,
               struct err *err)
{
    AUTO(database) d = {NULL};
    if (is_reserved(request->name)) {
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is a reserved name",
                       STR_ARG(request->name));
    }
    if (!open_database(request->path, 0, arena, &d, err) ||
        !check_select(d.db, request->sql, err)) {
        return err_wrap(err, "sql");
    }
    /* Restricted from here on: what the SELECT may not do, the statement around it may not either.
     */
    int64_t rows = -1;
    bool ok = materialize(d.db, request, arena, &rows, err);
    db_restrict(d.db, false);
    if (!ok && cancel_requested()) {
        return cancel_error(err);
    }
    if (!ok || !look_at_result(d.db, request, arena, ret, err)) {
        return err_wrap(err, "sql");
    }
    ret->rows_written = rows;
    return true;
}

static bool take_value(const struct db_query *q, struct arena *arena, struct value *ret,
                       struct err *err)
{
    switch (db_col_type(q, 0)) {
    case DB_INTEGER:
        *ret = (struct value){.type = VALUE_INTEGER, .as.integer = db_col_i64(q, 0)};
        return true;
    case DB_REAL:
        *ret = (struct value){.type = VALUE_REAL, .as.real = db_col_double(q, 0)};
        return true;
    case DB_TEXT:
        *ret = (struct value){.type = VALUE_TEXT, .as.text = arena_copy(arena, db_col_str(q, 0))};
        break;
    case DB_BLOB:
        *ret = (struct value){.type = VALUE_BLOB, .as.text = arena_copy(arena, db_col_blob(q, 0))};
        break;
    case DB_NULL:
        *ret = (struct value){.type = VALUE_NULL};
        return true;
    }
    return ret->as.text.ptr != NULL || ret->as.text.len == 0 ||
           err_set(err, ERR_NO_MEMORY, "no memory for the answer");
}

bool sqlite_ask(const void *options, struct str sql, struct arena *arena, struct value *ret,
                struct err *err)
{
    const struct target_options *o = options;
    AUTO(database) d = {NULL};
    AUTO(db_query) q = {0};
    bool has_row = false;
    if (!open_database(o->path, DB_READ_ONLY, arena, &d, err) || !check_select(d.db, sql, err) ||
        !db_prepare(d.db, sql, &q, err) || !db_next(&q, &has_row, err)) {
        return false;
    }
    *ret = (struct value){.type = VALUE_NULL};
    return !has_row || take_value(&q, arena, ret, err);
}
