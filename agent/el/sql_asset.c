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
    return true;
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

static bool run_check(struct db *db, struct str sql, int64_t *ret_value, struct err *err)
{
    AUTO(db_query) q = {0};
    bool has_row = false;
    if (!check_select(db, sql, err) || !db_prepare(db, sql, &q, err) ||
        !db_next(&q, &has_row, err)) {
        return false;
    }
    if (!has_row || db_col_is_null(&q, 0)) {
        err_set(err, ERR_INVALID, "the check's SQL gives no value");
        return err_hint(err, "select one number: 0 = failed, anything else = passed");
    }
    *ret_value = db_col_i64(&q, 0);
    return true;
}

bool checks_run(const struct request *request, struct str path, struct arena *arena,
                struct report *report)
{
    const struct check_options *checks = request->checks.items;
    for (size_t i = 0; i < request->checks.count && !cancel_requested(); i++) {
        AUTO(database) d = {NULL};
        struct err err = {0};
        int64_t value = 0;
        struct str where = checks[i].path.len > 0 ? checks[i].path : path;
        bool ok = open_database(where, DB_READ_ONLY, arena, &d, &err) &&
                  run_check(d.db, checks[i].sql, &value, &err);
        if (ok || !cancel_requested()) {
            report_check(report, &checks[i], ok && value != 0, value,
                         ok ? STR("") : str_from(err.msg));
        }
    }
    return !cancel_requested();
}
