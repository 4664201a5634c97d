#include "common/db/db_rows.h"

#include "common/db/db_internal.h"

#include <stdlib.h>

/* NULL for an empty blob, and when memory ran out, which the next step of the query reports. */
static struct str bytes_of(sqlite3_value *v, const void *bytes)
{
    return bytes == NULL ? STR("") : (struct str){bytes, (size_t)sqlite3_value_bytes(v)};
}

struct db_value db_col_value(const struct db_query *q, int col)
{
    sqlite3_value *v = sqlite3_column_value((sqlite3_stmt *)q->statement, col);
    switch (sqlite3_value_type(v)) {
    case SQLITE_INTEGER:
        return (struct db_value){.type = DB_INTEGER, .as.integer = sqlite3_value_int64(v)};
    case SQLITE_FLOAT:
        return (struct db_value){.type = DB_REAL, .as.real = sqlite3_value_double(v)};
    case SQLITE_TEXT:
        return (struct db_value){.type = DB_TEXT, .as.text = bytes_of(v, sqlite3_value_text(v))};
    case SQLITE_BLOB:
        return (struct db_value){.type = DB_BLOB, .as.text = bytes_of(v, sqlite3_value_blob(v))};
    default:
        return (struct db_value){.type = DB_NULL};
    }
}

/* An "eponymous" virtual table (https://www.sqlite.org/vtab.html): it exists by its module's name. */

struct rows_table {
    sqlite3_vtab base; /* first: SQLite's part */
    const struct db_rows *rows;
};
struct rows_cursor {
    sqlite3_vtab_cursor base;
    const struct db_rows *rows;
    bool has_row;
    sqlite3_int64 number;
};

enum { DECLARATION_BYTES_MAX = 64 << 10 };

static int rows_connect(sqlite3 *handle, void *aux, int argc, const char *const *argv,
                        sqlite3_vtab **ret, char **ret_message)
{
    (void)argc;
    (void)argv;
    (void)ret_message;
    const struct db_rows *rows = aux;
    AUTO(buf) sql = buf_growing(DECLARATION_BYTES_MAX);
    for (int i = 0; i < rows->columns; i++) {
        buf_addf(&sql, "%s%d", i == 0 ? "CREATE TABLE rows (c" : ", c", i);
    }
    buf_add_char(&sql, ')');
    const char *text = buf_cstr(&sql);
    struct rows_table *table = calloc(1, sizeof(*table));
    if (text == NULL || table == NULL) {
        free(table);
        return SQLITE_NOMEM;
    }
    int rc = sqlite3_declare_vtab(handle, text);
    if (rc != SQLITE_OK) {
        free(table);
        return rc;
    }
    table->rows = rows;
    *ret = &table->base;
    return SQLITE_OK;
}

static int rows_disconnect(sqlite3_vtab *table)
{
    free(table);
    return SQLITE_OK;
}

static int rows_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    info->estimatedCost = 1e6; /* one way only: from first to last */
    return SQLITE_OK;
}

static int rows_open(sqlite3_vtab *table, sqlite3_vtab_cursor **ret)
{
    struct rows_cursor *cursor = calloc(1, sizeof(*cursor));
    if (cursor == NULL) {
        return SQLITE_NOMEM;
    }
    cursor->rows = ((struct rows_table *)(void *)table)->rows;
    *ret = &cursor->base;
    return SQLITE_OK;
}

static int rows_close(sqlite3_vtab_cursor *base)
{
    free(base);
    return SQLITE_OK;
}

static int rows_next(sqlite3_vtab_cursor *base)
{
    struct rows_cursor *cursor = (struct rows_cursor *)(void *)base;
    cursor->number++;
    return cursor->rows->next(cursor->rows->ctx, &cursor->has_row) ? SQLITE_OK : SQLITE_ABORT;
}

static int rows_filter(sqlite3_vtab_cursor *base, int index, const char *name, int argc,
                       sqlite3_value **argv)
{
    (void)index;
    (void)name;
    (void)argc;
    (void)argv;
    return rows_next(base);
}

static int rows_eof(sqlite3_vtab_cursor *base)
{
    return !((struct rows_cursor *)(void *)base)->has_row;
}

static int rows_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret)
{
    *ret = ((struct rows_cursor *)(void *)base)->number;
    return SQLITE_OK;
}

static int rows_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct db_rows *rows = ((struct rows_cursor *)(void *)base)->rows;
    const struct db_value v = rows->value(rows->ctx, column);
    const char *text = v.type >= DB_TEXT && v.as.text.ptr != NULL ? v.as.text.ptr : "";
    switch (v.type) {
    case DB_INTEGER:
        sqlite3_result_int64(context, v.as.integer);
        break;
    case DB_REAL:
        sqlite3_result_double(context, v.as.real);
        break;
    case DB_TEXT:
        sqlite3_result_text64(context, text, v.as.text.len, SQLITE_STATIC, SQLITE_UTF8);
        break;
    case DB_BLOB:
        sqlite3_result_blob64(context, text, v.as.text.len, SQLITE_STATIC);
        break;
    case DB_NULL:
    default:
        sqlite3_result_null(context);
        break;
    }
    return SQLITE_OK;
}

static const sqlite3_module rows_module = {
    .xConnect = rows_connect,
    .xBestIndex = rows_best_index,
    .xDisconnect = rows_disconnect,
    .xOpen = rows_open,
    .xClose = rows_close,
    .xFilter = rows_filter,
    .xNext = rows_next,
    .xEof = rows_eof,
    .xColumn = rows_column,
    .xRowid = rows_rowid,
};

/* SQLite wants the argument without const; the module does not write to it. */
static void *without_const(const struct db_rows *rows)
{
    union {
        const struct db_rows *in;
        void *out;
    } pointer = {.in = rows};
    return pointer.out;
}

bool db_add_rows(struct db *db, const char *name, const struct db_rows *rows, struct err *err)
{
    int rc = sqlite3_create_module_v2(db->handle, name, &rows_module, without_const(rows), NULL);
    return rc == SQLITE_OK || db_fail(db, rc, str_from(name), err);
}

/* --- the table `given` ------------------------------------------------------------------------ */

static bool next_of_none(void *ctx, bool *ret_row)
{
    (void)ctx;
    *ret_row = false;
    return true;
}

static struct db_value value_of_none(void *ctx, int column)
{
    (void)ctx;
    (void)column;
    return (struct db_value){.type = DB_NULL};
}

bool db_add_given(struct db *db, int columns, struct err *err)
{
    db->given = (struct db_rows){.columns = columns, .next = next_of_none, .value = value_of_none};
    return db_add_rows(db, "given", &db->given, err);
}

bool db_run_given(struct db_query *q, const struct db_rows *rows, struct err *err)
{
    struct db_rows *given = &q->db->given;
    const struct db_rows none = *given;
    *given = *rows;
    given->columns = none.columns;
    bool ok = db_run(q, err);
    *given = none;
    return ok;
}
