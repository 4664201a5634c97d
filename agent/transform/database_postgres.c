#include "agent/transform/materialize_postgres.h"
#include "agent/transform/postgres.h"
#include "agent/transform/sql_text.h"
#include "agent/transform/table_postgres.h"

#include "common/base/time.h"

#include <stdlib.h>
#include <string.h>

enum { DSN_BYTES_MAX = 4096, LOOK_BYTES_MAX = 4096 };

struct postgres *postgres_of(struct database *db)
{
    return (struct postgres *)(void *)db;
}

/* --- the session ---------------------------------------------------------------------------- */

static bool open_session(struct postgres *p, struct err *err)
{
    AUTO(buf) sql = buf_growing(LOOK_BYTES_MAX);
    buf_addf(&sql, "SET statement_timeout = %lld", (long long)p->timeout_ms);
    return pg_open_for_project(&p->pg, buf_str(&p->dsn), err) && pg_exec(&p->pg, &sql, NULL, err);
}

static bool ensure_session(struct postgres *p, struct err *err)
{
    if (p->is_inside || !pg_is_lost(&p->pg)) {
        return true;
    }
    pg_close(&p->pg);
    return open_session(p, err);
}

/* --- statements ------------------------------------------------------------------------------ */

static bool check_text(struct str sql, enum statement_by by, struct err *err)
{
    if (sql.len > 0 && memchr(sql.ptr, '\0', sql.len) != NULL) {
        return err_set(err, ERR_INVALID, "the SQL has a NUL in it");
    }
    return by == BY_US || postgres_check_statement(sql, err);
}

static bool exec_single(struct postgres *p, struct str sql, int64_t *ret_rows, struct err *err)
{
    AUTO(buf) text = buf_growing(STATEMENT_BYTES_MAX);
    buf_add(&text, sql);
    const char *single = buf_cstr(&text);
    if (single == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a statement");
    }
    return check_text(sql, BY_PROJECT, err) && pg_exec_single(&p->pg, single, ret_rows, err);
}

static bool exec_script(struct postgres *p, struct str script, int64_t *ret_rows, struct err *err)
{
    struct str sql = sql_next(&script);
    while (sql.len > 0) {
        if (!exec_single(p, sql, ret_rows, err)) {
            return false;
        }
        sql = sql_next(&script);
    }
    return true;
}

static bool exec_many(struct postgres *p, struct str sql, int64_t *ret_rows, struct err *err)
{
    AUTO(buf) text = buf_growing(STATEMENT_BYTES_MAX);
    buf_add(&text, sql);
    return check_text(sql, BY_US, err) && pg_exec(&p->pg, &text, ret_rows, err);
}

static bool postgres_exec(struct database *db, struct str sql, enum statement_by by,
                          int64_t *ret_rows, struct err *err)
{
    struct postgres *p = postgres_of(db);
    if (!ensure_session(p, err)) {
        return false;
    }
    switch (by) {
    case BY_US:
        return exec_many(p, sql, ret_rows, err);
    case BY_PROJECT_SCRIPT:
        return exec_script(p, sql, ret_rows, err);
    case BY_PROJECT:
        break;
    }
    return exec_single(p, sql, ret_rows, err);
}

struct taken {
    struct arena *arena;
    struct query_rows *rows;
    size_t cap, bytes;
};

static bool grow(struct taken *t, size_t columns)
{
    size_t cap = t->cap == 0 ? 16 : t->cap * 4;
    struct str *values = arena_array(t->arena, cap * columns, sizeof(*values));
    if (values == NULL) {
        return false;
    }
    if (t->rows->rows > 0) {
        memcpy(values, t->rows->values, t->rows->rows * columns * sizeof(*values));
    }
    t->rows->values = values;
    t->cap = cap;
    return true;
}

static bool take_row(void *ctx, const struct pg_rows *row, struct err *err)
{
    struct taken *t = ctx;
    struct query_rows *rows = t->rows;
    rows->columns = (size_t)pg_rows_columns(row);
    if (rows->rows == QUERY_ROWS_MAX) {
        return err_set(err, ERR_FULL, "the query gives more than %d rows", QUERY_ROWS_MAX);
    }
    if (rows->rows == t->cap && !grow(t, rows->columns)) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the rows of a query");
    }
    for (size_t i = 0; i < rows->columns; i++) {
        struct str value = pg_rows_get(row, 0, (int)i);
        struct str *kept = &rows->values[rows->rows * rows->columns + i];
        t->bytes += value.len;
        if (t->bytes > QUERY_BYTES_MAX) {
            return err_set(err, ERR_FULL, "the query gives more than %d bytes", QUERY_BYTES_MAX);
        }
        *kept = value.ptr == NULL ? STR_NONE : arena_copy(t->arena, value);
        if (value.ptr != NULL && kept->ptr == NULL) {
            return err_set(err, ERR_NO_MEMORY, "no memory for the rows of a query");
        }
    }
    rows->rows++;
    return true;
}

static bool ask(struct pg *pg, struct str sql, struct arena *arena, struct query_rows *ret,
                struct err *err)
{
    AUTO(buf) text = buf_growing(STATEMENT_BYTES_MAX);
    struct taken taken = {.arena = arena, .rows = ret};
    *ret = (struct query_rows){0};
    buf_add(&text, sql);
    const char *single = buf_cstr(&text);
    return single == NULL ? err_set(err, ERR_NO_MEMORY, "no memory for a statement")
                          : pg_query_each(pg, single, take_row, &taken, err);
}

/* What a project asks may not write. */
static bool postgres_query(struct database *db, struct str sql, enum statement_by by,
                           struct arena *arena, struct query_rows *ret, struct err *err)
{
    struct pg *pg = &postgres_of(db)->pg;
    if (!check_text(sql, by, err) || !ensure_session(postgres_of(db), err)) {
        return false;
    }
    if (by == BY_US) {
        return ask(pg, sql, arena, ret, err);
    }
    bool is_inside = pg_is_in_transaction(pg);
    if (!pg_exec_text(pg,
                      is_inside ? "SAVEPOINT _selvedge_query; SET LOCAL transaction_read_only = on"
                                : "BEGIN READ ONLY",
                      err)) {
        return false;
    }
    struct err ignored = {0};
    bool ok = ask(pg, sql, arena, ret, err);
    bool is_back = pg_exec_text(
        pg, is_inside ? "ROLLBACK TO SAVEPOINT _selvedge_query" : "ROLLBACK", ok ? err : &ignored);
    return ok && is_back;
}

/* --- transactions ---------------------------------------------------------------------------- */

/* The time-out again: a hook of an earlier node may have changed it. */
static bool postgres_begin(struct database *db, struct err *err)
{
    struct postgres *p = postgres_of(db);
    AUTO(buf) sql = buf_growing(LOOK_BYTES_MAX);
    buf_addf(&sql, "BEGIN; SET LOCAL statement_timeout = %lld", (long long)p->timeout_ms);
    p->is_inside = ensure_session(p, err) && pg_exec(&p->pg, &sql, NULL, err);
    return p->is_inside;
}

static bool postgres_commit(struct database *db, struct err *err)
{
    struct pg *pg = &postgres_of(db)->pg;
    if (pg_is_transaction_failed(pg)) {
        return err_set(err, ERR_INTERNAL, "a COMMIT behind a statement that failed");
    }
    if (!pg_exec_text(pg, "COMMIT", err)) {
        return err_wrap(err, "commit");
    }
    postgres_of(db)->is_inside = false;
    return true;
}

static void postgres_rollback(struct database *db)
{
    struct pg *pg = &postgres_of(db)->pg;
    struct err ignored = {0};
    postgres_of(db)->is_inside = false;
    if (!pg_is_lost(pg) && pg_is_in_transaction(pg)) {
        bool is_back = pg_exec_text(pg, "ROLLBACK", &ignored);
        (void)is_back; /* else the server does it, when we go */
    }
}

/* --- relations ------------------------------------------------------------------------------- */

/* As the server reads the name: it folds what is not quoted, and knows temporary tables. */
static void add_is_relation(struct buf *sql, const struct relation *relation)
{
    buf_add_text(sql, "c.oid = pg_catalog.to_regclass(");
    pg_add_literal(sql, relation->quoted);
    buf_add_char(sql, ')');
}

static bool postgres_kind(struct database *db, const struct relation *relation,
                          enum relation_kind *ret, struct err *err)
{
    AUTO(buf) sql = buf_growing(LOOK_BYTES_MAX);
    AUTO(pg_rows) rows = {0};
    buf_add_text(&sql, "SELECT c.relkind FROM pg_catalog.pg_class c WHERE ");
    add_is_relation(&sql, relation);
    const char *text = buf_cstr(&sql);
    *ret = RELATION_NONE;
    if (text == NULL) {
        return err_set(err, ERR_INVALID, "the relation's name is too long");
    }
    if (!ensure_session(postgres_of(db), err) ||
        !pg_query(&postgres_of(db)->pg, text, NULL, 0, &rows, err)) {
        return false;
    }
    if (rows.count > 0) {
        char kind = pg_rows_get(&rows, 0, 0).ptr[0];
        *ret = kind == 'v'                  ? RELATION_VIEW
               : kind == 'r' || kind == 'p' ? RELATION_TABLE
                                            : RELATION_OTHER;
    }
    return true;
}

static bool postgres_make_schema(struct database *db, const struct relation *relation,
                                 struct err *err)
{
    struct pg *pg = &postgres_of(db)->pg;
    AUTO(buf) sql = buf_growing(LOOK_BYTES_MAX);
    AUTO(pg_rows) rows = {0};
    buf_add_text(&sql,
                 "SELECT q.schema, n.oid FROM (SELECT p[pg_catalog.cardinality(p) - 1] AS schema "
                 "FROM pg_catalog.parse_ident(");
    pg_add_literal(&sql, relation->quoted);
    buf_add_text(&sql, ") p) q LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = q.schema");
    const char *text = buf_cstr(&sql);
    if (text == NULL) {
        return err_set(err, ERR_INVALID, "the schema's name is too long");
    }
    if (!pg_query(pg, text, NULL, 0, &rows, err)) {
        return false;
    }
    struct str schema = pg_rows_get(&rows, 0, 0);
    if (schema.ptr == NULL || pg_rows_get(&rows, 0, 1).ptr != NULL) {
        return true;
    }
    /* Not this alone: it asks for the right to make schemas even where there is one. */
    buf_reset(&sql);
    buf_add_text(&sql, "CREATE SCHEMA IF NOT EXISTS ");
    pg_add_identifier(&sql, schema);
    return pg_exec(pg, &sql, NULL, err);
}

/* Types as a DDL statement takes them. How many fractions of a second a time has is left out: dbt does
 * not see it either, and would else change columns that it leaves alone. */
static bool postgres_columns(struct database *db, const struct relation *relation,
                             struct arena *arena, struct relation_columns *ret, struct err *err)
{
    AUTO(buf) sql = buf_growing(LOOK_BYTES_MAX);
    AUTO(pg_rows) rows = {0};
    buf_add_text(&sql, "SELECT a.attname, pg_catalog.format_type(a.atttypid, CASE WHEN a.atttypid "
                       "IN (1083, 1114, 1184, 1186, 1266) THEN -1 ELSE a.atttypmod END) FROM "
                       "pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "
                       "WHERE a.attnum > 0 AND NOT a.attisdropped AND ");
    add_is_relation(&sql, relation);
    buf_add_text(&sql, " ORDER BY a.attnum");
    const char *text = buf_cstr(&sql);
    *ret = (struct relation_columns){0};
    if (text == NULL) {
        return err_set(err, ERR_INVALID, "the relation's name is too long");
    }
    if (!pg_query(&postgres_of(db)->pg, text, NULL, 0, &rows, err)) {
        return false;
    }
    ret->items = arena_array(arena, (size_t)rows.count + 1, sizeof(*ret->items));
    for (; ret->items != NULL && ret->count < (size_t)rows.count; ret->count++) {
        struct relation_column *column = &ret->items[ret->count];
        column->name = arena_copy(arena, pg_rows_get(&rows, (int)ret->count, 0));
        column->type = arena_copy(arena, pg_rows_get(&rows, (int)ret->count, 1));
        if (column->name.ptr == NULL || column->type.ptr == NULL) {
            break;
        }
    }
    return ret->count == (size_t)rows.count ||
           err_set(err, ERR_NO_MEMORY, "no memory for the columns of a relation");
}

/* --- life ------------------------------------------------------------------------------------ */

static void postgres_close(struct database *db)
{
    struct postgres *p = postgres_of(db);
    pg_close(&p->pg);
    buf_wipe(&p->dsn);
    free(p);
}

static const struct database_ops postgres_ops = {
    .name = "postgres",
    .materialize = materialize_postgres,
    .change_table = postgres_change_table,
    .dress_table = postgres_dress_table,
    .exec = postgres_exec,
    .query = postgres_query,
    .begin = postgres_begin,
    .commit = postgres_commit,
    .rollback = postgres_rollback,
    .kind = postgres_kind,
    .columns = postgres_columns,
    .make_schema = postgres_make_schema,
    .close = postgres_close,
};

bool database_open_postgres(struct str dsn, const struct database_options *options,
                            struct database **ret, struct err *err)
{
    struct postgres *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a connection");
    }
    *p = (struct postgres){
        .base.ops = &postgres_ops,
        .dsn = buf_growing(DSN_BYTES_MAX),
        .timeout_ms = (options->statement_timeout_ns + NS_PER_MS - 1) / NS_PER_MS,
    };
    buf_add(&p->dsn, dsn);
    if (!open_session(p, err)) {
        postgres_close(&p->base);
        return false;
    }
    *ret = &p->base;
    return true;
}
