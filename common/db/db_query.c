#include "common/base/limits.h"
#include "common/db/db_internal.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static sqlite3_stmt *stmt_of(const struct db_query *q)
{
    return (sqlite3_stmt *)q->statement;
}

/* --- preparing ------------------------------------------------------------------------------ */

/* Only white space and comments may follow a statement. */
static bool is_blank_sql(struct db *db, const char *sql, size_t len)
{
    sqlite3_stmt *next = NULL;
    int rc = sqlite3_prepare_v2(db->handle, sql, (int)len, &next, NULL);
    bool is_blank = rc == SQLITE_OK && next == NULL;
    sqlite3_finalize(next);
    return is_blank;
}

static bool refuse(const struct db *db, struct str what, enum err_code code, const char *text,
                   struct err *err)
{
    return err_set(err, code, "%s: %.*s: %s", db->path, (int)(what.len < 80 ? what.len : 80),
                   what.ptr, text);
}

bool db_compile(struct db *db, struct str sql, struct str what, unsigned prepare_flags,
                sqlite3_stmt **ret, struct err *err)
{
    if (sql.len > INT_MAX) {
        return refuse(db, what, ERR_INVALID, "the statement is too long", err);
    }
    if (sql.len > 0 && memchr(sql.ptr, '\0', sql.len) != NULL) {
        return refuse(db, what, ERR_INVALID, "the statement contains a NUL character", err);
    }
    sqlite3_stmt *statement = NULL;
    const char *tail = NULL;
    db->saw_write = false;
    db->was_refused = false;
    int rc = sqlite3_prepare_v3(db->handle, sql.len > 0 ? sql.ptr : "", (int)sql.len, prepare_flags,
                                &statement, &tail);
    if (rc != SQLITE_OK) {
        return db_fail(db, db->was_refused ? SQLITE_AUTH : rc, what, err);
    }
    if (statement == NULL) {
        return refuse(db, what, ERR_INVALID, "there is no statement in it", err);
    }
    bool is_unjudged = db->is_restricted && !db->saw_write && sqlite3_stmt_readonly(statement) == 0;
    size_t rest = sql.len - (size_t)(tail - sql.ptr);
    bool has_more = rest > 0 && !is_blank_sql(db, tail, rest);
    if (is_unjudged || has_more) {
        sqlite3_finalize(statement);
        /* VACUUM writes without naming anything to the authorizer; so might its like in a later
         * SQLite. */
        return is_unjudged ? refuse(db, what, ERR_DENIED, "not authorized", err)
                           : refuse(db, what, ERR_INVALID, "text follows the statement", err);
    }
    *ret = statement;
    return true;
}

bool db_prepare(struct db *db, struct str sql, struct db_query *ret, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    if (!db_compile(db, sql, sql, 0, &statement, err)) {
        return false;
    }
    *ret = (struct db_query){
        .db = db, .statement = (struct db_statement *)statement, .name = sqlite3_sql(statement)};
    return true;
}

void db_finish(struct db_query *q)
{
    sqlite3_finalize(stmt_of(q));
    *q = (struct db_query){.db = q->db};
}

struct db_query db_query(struct db *db, int sql_id)
{
    assert(sql_id >= 0 && sql_id < db->sql_count);
    const struct db_text *text = &db->sql[sql_id];
    struct err err = {0};
    bool is_ready = db->statements[sql_id] != NULL ||
                    db_compile(db, str_from(text->sql), str_from(text->name),
                               SQLITE_PREPARE_PERSISTENT, &db->statements[sql_id], &err);
    struct db_query q = {
        .db = db, .statement = (struct db_statement *)db->statements[sql_id], .name = text->name};
    db_reset(&q);
    if (!is_ready) {
        q.rc = sqlite3_extended_errcode(db->handle);
        q.rc = q.rc == SQLITE_OK ? SQLITE_ERROR : q.rc;
        q.is_unprepared = true;
    }
    return q;
}

/* --- binding -------------------------------------------------------------------------------- */

static void remember(struct db_query *q, int rc, const char *parameter)
{
    if (rc != SQLITE_OK && q->rc == SQLITE_OK) {
        q->rc = rc;
        q->bad_parameter = parameter;
    }
}

/* 0 for an unknown name, which every bind function of SQLite answers with SQLITE_RANGE. */
static int index_of(const struct db_query *q, const char *name)
{
    return sqlite3_bind_parameter_index(stmt_of(q), name);
}

static int bind_text(struct db_query *q, int index, struct str v)
{
    return sqlite3_bind_text64(stmt_of(q), index, v.ptr == NULL ? "" : v.ptr, v.len, SQLITE_STATIC,
                               SQLITE_UTF8);
}

static int bind_blob(struct db_query *q, int index, struct str v)
{
    return sqlite3_bind_blob64(stmt_of(q), index, v.ptr == NULL ? "" : v.ptr, v.len, SQLITE_STATIC);
}

void db_bind_i64(struct db_query *q, const char *name, int64_t v)
{
    remember(q, sqlite3_bind_int64(stmt_of(q), index_of(q, name), v), name);
}

void db_bind_str(struct db_query *q, const char *name, struct str v)
{
    remember(q, bind_text(q, index_of(q, name), v), name);
}

void db_bind_opt(struct db_query *q, const char *name, struct str v)
{
    if (v.ptr == NULL || v.len == 0) {
        db_bind_null(q, name);
    } else {
        db_bind_str(q, name, v);
    }
}

void db_bind_blob(struct db_query *q, const char *name, struct str v)
{
    remember(q, bind_blob(q, index_of(q, name), v), name);
}

void db_bind_double(struct db_query *q, const char *name, double v)
{
    remember(q, sqlite3_bind_double(stmt_of(q), index_of(q, name), v), name);
}

void db_bind_null(struct db_query *q, const char *name)
{
    remember(q, sqlite3_bind_null(stmt_of(q), index_of(q, name)), name);
}

void db_bind_at_i64(struct db_query *q, int index, int64_t v)
{
    remember(q, sqlite3_bind_int64(stmt_of(q), index, v), NULL);
}

void db_bind_at_str(struct db_query *q, int index, struct str v)
{
    remember(q, bind_text(q, index, v), NULL);
}

void db_bind_at_blob(struct db_query *q, int index, struct str v)
{
    remember(q, bind_blob(q, index, v), NULL);
}

void db_bind_at_double(struct db_query *q, int index, double v)
{
    remember(q, sqlite3_bind_double(stmt_of(q), index, v), NULL);
}

void db_bind_at_null(struct db_query *q, int index)
{
    remember(q, sqlite3_bind_null(stmt_of(q), index), NULL);
}

/* --- stepping ------------------------------------------------------------------------------- */

void db_reset(struct db_query *q)
{
    if (q->statement != NULL) {
        sqlite3_reset(stmt_of(q));
        sqlite3_clear_bindings(stmt_of(q));
    }
    q->rc = SQLITE_OK;
    q->bad_parameter = NULL;
}

static bool bind_failed(struct db_query *q, struct err *err)
{
    const char *parameter = q->bad_parameter == NULL ? "at this position" : q->bad_parameter;
    char text[LIMIT_NAME_BYTES + 32];
    if (q->is_unprepared) {
        db_fail(q->db, q->rc, str_from(q->name), err);
    } else if (q->rc == SQLITE_RANGE) {
        (void)snprintf(text, sizeof(text), "it has no parameter %s", parameter);
        refuse(q->db, str_from(q->name), ERR_INVALID, text, err);
    } else {
        db_fail(q->db, q->rc, str_from(q->name), err);
        err_wrap(err, "parameter %s", parameter);
    }
    db_reset(q);
    return false;
}

static bool step_failed(struct db_query *q, int rc, struct err *err)
{
    db_fail(q->db, rc, str_from(q->name), err); /* before the reset, which would change the text */
    db_reset(q);
    return false;
}

bool db_run(struct db_query *q, struct err *err)
{
    if (q->rc != SQLITE_OK) {
        return bind_failed(q, err);
    }
    int rc;
    do {
        rc = sqlite3_step(stmt_of(q));
    } while (rc == SQLITE_ROW);
    if (rc != SQLITE_DONE) {
        return step_failed(q, rc, err);
    }
    db_reset(q);
    return true;
}

bool db_next(struct db_query *q, bool *ret_row, struct err *err)
{
    if (q->rc != SQLITE_OK) {
        return bind_failed(q, err);
    }
    int rc = sqlite3_step(stmt_of(q));
    if (rc == SQLITE_DONE) {
        db_reset(q);
    } else if (rc != SQLITE_ROW) {
        return step_failed(q, rc, err);
    }
    *ret_row = rc == SQLITE_ROW;
    return true;
}

bool db_each(struct db_query *q, bool *ok, struct err *err)
{
    bool row = false;
    *ok = db_next(q, &row, err);
    return *ok && row;
}

/* --- columns -------------------------------------------------------------------------------- */

int64_t db_col_i64(const struct db_query *q, int col)
{
    return sqlite3_column_int64(stmt_of(q), col);
}

double db_col_double(const struct db_query *q, int col)
{
    return sqlite3_column_double(stmt_of(q), col);
}

struct str db_col_str(const struct db_query *q, int col)
{
    const void *text = sqlite3_column_text(stmt_of(q), col);
    if (text == NULL) {
        return STR_NONE;
    }
    return (struct str){.ptr = text, .len = (size_t)sqlite3_column_bytes(stmt_of(q), col)};
}

struct str db_col_blob(const struct db_query *q, int col)
{
    if (db_col_is_null(q, col)) {
        return STR_NONE;
    }
    const void *bytes = sqlite3_column_blob(stmt_of(q), col);
    if (bytes == NULL) {
        return STR("");
    }
    return (struct str){.ptr = bytes, .len = (size_t)sqlite3_column_bytes(stmt_of(q), col)};
}

bool db_col_is_null(const struct db_query *q, int col)
{
    return db_col_type(q, col) == DB_NULL;
}

enum db_type db_col_type(const struct db_query *q, int col)
{
    switch (sqlite3_column_type(stmt_of(q), col)) {
    case SQLITE_INTEGER:
        return DB_INTEGER;
    case SQLITE_FLOAT:
        return DB_REAL;
    case SQLITE_TEXT:
        return DB_TEXT;
    case SQLITE_BLOB:
        return DB_BLOB;
    default:
        return DB_NULL;
    }
}

int db_col_count(const struct db_query *q)
{
    return sqlite3_column_count(stmt_of(q));
}

const char *db_col_name(const struct db_query *q, int col)
{
    const char *name = sqlite3_column_name(stmt_of(q), col);
    return name == NULL ? "" : name;
}

bool db_is_read_only_sql(const struct db_query *q)
{
    return sqlite3_stmt_readonly(stmt_of(q)) != 0;
}

/* --- one-offs ------------------------------------------------------------------------------- */

bool db_exec(struct db *db, const char *sql, struct err *err)
{
    db->was_refused = false;
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        return db_fail(db, db->was_refused ? SQLITE_AUTH : rc, str_trim(str_from(sql)), err);
    }
    return true;
}

bool db_scalar_i64(struct db *db, const char *sql, int64_t *ret, bool *ret_found, struct err *err)
{
    struct db_query q;
    if (!db_prepare(db, str_from(sql), &q, err)) {
        return false;
    }
    bool has_row = false;
    bool ok = db_next(&q, &has_row, err);
    if (ok && has_row) {
        *ret = db_col_i64(&q, 0);
    }
    if (ok) {
        *ret_found = has_row;
    }
    db_finish(&q);
    return ok;
}

static void add_quoted(struct buf *out, struct str text, char quote)
{
    buf_add_char(out, quote);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == quote) {
            buf_add_char(out, quote);
        }
        buf_add_char(out, text.ptr[i]);
    }
    buf_add_char(out, quote);
}

void db_add_identifier(struct buf *out, struct str name)
{
    add_quoted(out, name, '"');
}

void db_add_literal(struct buf *out, struct str text)
{
    add_quoted(out, text, '\'');
}
