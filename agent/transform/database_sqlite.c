#include "agent/transform/database.h"

#include "agent/el/cancel.h"
#include "agent/transform/materialize_sqlite.h"
#include "agent/transform/table_sqlite.h"
#include "common/db/db.h"
#include "common/platform/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_KIB = 4096, BUSY_TIMEOUT_MS = 30000 };

struct sqlite {
    struct database base; /* first */
    struct db *db;
    struct db_tx tx;
    struct clock clock;
    int64_t timeout_ns; /* of a statement; 0 = none */
    int64_t stop_at_ns; /* of the present one */
    bool is_late;       /* it was stopped for that */
};

static struct sqlite *sqlite_of(struct database *base)
{
    return (struct sqlite *)(void *)base;
}

/* --- a statement, from start to end ---------------------------------------------------------- */

static bool should_stop(void *ctx)
{
    struct sqlite *s = ctx;
    s->is_late = s->timeout_ns > 0 && clock_mono(&s->clock).ns >= s->stop_at_ns;
    return s->is_late || cancel_requested();
}

static void start(struct sqlite *s, enum statement_by by)
{
    s->is_late = false;
    s->stop_at_ns = clock_mono(&s->clock).ns + s->timeout_ns;
    if (by != BY_US) {
        db_restrict(s->db, true);
    }
}

/* SQLite only knows that it was stopped. */
static bool end(struct sqlite *s, enum statement_by by, bool ok, struct err *err)
{
    if (by != BY_US) {
        db_restrict(s->db, false);
    }
    if (ok || err->code != ERR_CANCELLED) {
        return ok;
    }
    if (cancel_requested()) {
        return cancel_error(err);
    }
    if (s->is_late) {
        AUTO(buf) limit = buf_growing(64);
        buf_add_duration(&limit, s->timeout_ns);
        err_set(err, ERR_TIMEOUT, "the statement ran longer than %.*s", (int)limit.len, limit.ptr);
        return err_hint(err, "make the query cheaper, or raise the time-out of a statement");
    }
    return false;
}

static bool run_one(struct sqlite *s, struct str sql, struct err *err)
{
    AUTO(db_query) q = {0};
    return db_prepare(s->db, sql, &q, err) && db_run(&q, err);
}

static bool run_many(struct sqlite *s, struct str sql, struct err *err)
{
    AUTO(buf) text = buf_growing(STATEMENT_BYTES_MAX);
    buf_add(&text, sql);
    const char *cstr = buf_cstr(&text);
    return cstr == NULL ? err_set(err, ERR_NO_MEMORY, "no memory for a statement")
                        : db_exec(s->db, cstr, err);
}

static bool sqlite_exec(struct database *base, struct str sql, enum statement_by by,
                        int64_t *ret_rows, struct err *err)
{
    struct sqlite *s = sqlite_of(base);
    int64_t before = db_total_changes(s->db);
    start(s, by);
    bool ok = end(s, by, by == BY_US ? run_many(s, sql, err) : run_one(s, sql, err), err);
    if (ok && ret_rows != NULL) {
        /* Without what triggers did; of a statement that changes no rows the last count stays. */
        *ret_rows = db_total_changes(s->db) == before ? 0 : db_changes(s->db);
    }
    return ok;
}

/* --- rows ------------------------------------------------------------------------------------ */

struct reading {
    struct arena *arena;
    struct query_rows *rows;
    size_t bytes;
    size_t cap; /* of values */
};

static bool grow(struct reading *r, struct err *err)
{
    size_t used = r->rows->rows * r->rows->columns;
    if (used + r->rows->columns <= r->cap) {
        return true;
    }
    size_t cap = r->cap == 0 ? 4 * r->rows->columns : 2 * r->cap;
    struct str *values = arena_array(r->arena, cap, sizeof(*values));
    if (values == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the rows of a query");
    }
    if (used > 0) {
        memcpy(values, r->rows->values, used * sizeof(*values));
    }
    r->rows->values = values;
    r->cap = cap;
    return true;
}

static bool take_row(struct reading *r, const struct db_query *q, struct err *err)
{
    if (r->rows->rows == QUERY_ROWS_MAX) {
        return err_set(err, ERR_FULL, "a query gave more than %d rows", QUERY_ROWS_MAX);
    }
    if (!grow(r, err)) {
        return false;
    }
    struct str *values = r->rows->values + r->rows->rows * r->rows->columns;
    for (size_t i = 0; i < r->rows->columns; i++) {
        struct str text = db_col_str(q, (int)i);
        r->bytes += text.len;
        if (r->bytes > QUERY_BYTES_MAX) {
            return err_set(err, ERR_FULL, "a query gave more than %d bytes", QUERY_BYTES_MAX);
        }
        values[i] = text.ptr == NULL ? STR_NONE : arena_copy(r->arena, text);
        if (text.ptr != NULL && values[i].ptr == NULL) {
            return err_set(err, ERR_NO_MEMORY, "no memory for the rows of a query");
        }
    }
    r->rows->rows++;
    return true;
}

static bool read_rows(struct db_query *q, struct arena *arena, struct query_rows *ret,
                      struct err *err)
{
    *ret = (struct query_rows){.columns = (size_t)db_col_count(q)};
    struct reading reading = {.arena = arena, .rows = ret};
    bool has_row = false;
    while (db_next(q, &has_row, err)) {
        if (!has_row) {
            return true;
        }
        if (!take_row(&reading, q, err)) {
            break;
        }
    }
    return false;
}

static bool query_one(struct sqlite *s, struct str sql, enum statement_by by, struct arena *arena,
                      struct query_rows *ret, struct err *err)
{
    AUTO(db_query) q = {0};
    if (!db_prepare(s->db, sql, &q, err)) {
        return false;
    }
    if (by == BY_PROJECT && !db_is_read_only_sql(&q)) {
        return err_set(err, ERR_DENIED, "a query may not write");
    }
    return read_rows(&q, arena, ret, err);
}

static bool sqlite_query(struct database *base, struct str sql, enum statement_by by,
                         struct arena *arena, struct query_rows *ret, struct err *err)
{
    struct sqlite *s = sqlite_of(base);
    start(s, by);
    return end(s, by, query_one(s, sql, by, arena, ret, err), err);
}

/* --- transactions ---------------------------------------------------------------------------- */

static bool sqlite_begin(struct database *base, struct err *err)
{
    struct sqlite *s = sqlite_of(base);
    return db_tx_begin(s->db, &s->tx, err);
}

static bool sqlite_commit(struct database *base, struct err *err)
{
    return db_tx_commit(&sqlite_of(base)->tx, err);
}

static void sqlite_rollback(struct database *base)
{
    db_tx_release(&sqlite_of(base)->tx);
}

/* --- what is there --------------------------------------------------------------------------- */

static struct str schema_of(const struct relation *relation)
{
    return relation->schema.len == 0 ? STR("main") : relation->schema;
}

static bool find_kind(struct db_query *q, enum relation_kind *ret, struct err *err)
{
    bool has_row = false;
    if (!db_next(q, &has_row, err)) {
        return false;
    }
    *ret = RELATION_NONE;
    if (has_row) {
        bool is_virtual = db_col_i64(q, 1) != 0;
        bool is_view = str_eq(db_col_str(q, 0), STR("view"));
        *ret = is_virtual ? RELATION_OTHER : is_view ? RELATION_VIEW : RELATION_TABLE;
    }
    return true;
}

static bool look_up_kind(struct database *base, const struct relation *relation,
                         enum relation_kind *ret, struct err *err)
{
    AUTO(buf) sql = buf_growing(4096);
    AUTO(db_query) q = {0};
    buf_add_text(&sql, "select type, coalesce(sql like 'create virtual %', 0) from ");
    db_add_identifier(&sql, schema_of(relation));
    buf_add_text(&sql, ".sqlite_schema where type in ('table', 'view')"
                       " and name = :name collate nocase");
    if (sql.overflow) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a statement");
    }
    if (!db_prepare(sqlite_of(base)->db, buf_str(&sql), &q, err)) {
        return false;
    }
    db_bind_str(&q, ":name", relation->name);
    return find_kind(&q, ret, err);
}

/* SQLite finds a name in its memory; sqlite_schema has no index, and is read from the file. What is there
 * has a column; a view that names what is gone is an error. */
static bool is_certainly_missing(struct database *base, const struct relation *relation)
{
    AUTO(db_query) q = {0};
    struct err ignored = {0};
    bool has_row = false;
    if (!db_prepare(sqlite_of(base)->db, STR("select 1 from pragma_table_xinfo(:name, :schema)"),
                    &q, &ignored)) {
        return false;
    }
    db_bind_str(&q, ":name", relation->name);
    db_bind_str(&q, ":schema", schema_of(relation));
    return db_next(&q, &has_row, &ignored) && !has_row;
}

static bool sqlite_kind(struct database *base, const struct relation *relation,
                        enum relation_kind *ret, struct err *err)
{
    *ret = RELATION_NONE;
    return is_certainly_missing(base, relation) || look_up_kind(base, relation, ret, err);
}

static bool take_column(const struct db_query *q, struct arena *arena, struct relation_column *ret)
{
    *ret = (struct relation_column){.name = arena_copy(arena, db_col_str(q, 0)),
                                    .type = arena_copy(arena, db_col_str(q, 1))};
    return ret->name.ptr != NULL && ret->type.ptr != NULL;
}

enum { FIRST_COLUMNS = 32 };

static bool add_column(const struct db_query *q, struct arena *arena, size_t *cap,
                       struct relation_columns *ret, struct err *err)
{
    if (ret->count == *cap) {
        size_t more = *cap == 0 ? FIRST_COLUMNS : 2 * *cap;
        struct relation_column *items = arena_array(arena, more, sizeof(*items));
        if (items == NULL) {
            return err_set(err, ERR_NO_MEMORY, "no memory for the columns of a relation");
        }
        if (ret->count > 0) {
            memcpy(items, ret->items, ret->count * sizeof(*items));
        }
        ret->items = items;
        *cap = more;
    }
    if (!take_column(q, arena, &ret->items[ret->count])) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the columns of a relation");
    }
    ret->count++;
    return true;
}

static bool sqlite_columns(struct database *base, const struct relation *relation,
                           struct arena *arena, struct relation_columns *ret, struct err *err)
{
    AUTO(db_query) q = {0};
    /* Not the hidden columns of virtual tables, nor those that the table computes itself. In the
     * table's order, which is the pragma's. */
    if (!db_prepare(
            sqlite_of(base)->db,
            STR("select name, type from pragma_table_xinfo(:name, :schema) where hidden = 0"), &q,
            err)) {
        return false;
    }
    db_bind_str(&q, ":name", relation->name);
    db_bind_str(&q, ":schema", schema_of(relation));
    *ret = (struct relation_columns){0};
    size_t cap = 0;
    bool has_row = false;
    while (db_next(&q, &has_row, err)) {
        if (!has_row) {
            return true;
        }
        if (!add_column(&q, arena, &cap, ret, err)) {
            return false;
        }
    }
    return false;
}

/* --- opening --------------------------------------------------------------------------------- */

static void sqlite_close(struct database *base)
{
    struct sqlite *s = sqlite_of(base);
    db_tx_release(&s->tx);
    db_close(s->db);
    free(s);
}

static const struct database_ops sqlite_ops = {
    .name = "sqlite",
    .materialize = materialize_sqlite,
    .change_table = sqlite_change_table,
    .dress_table = sqlite_dress_table,
    .exec = sqlite_exec,
    .query = sqlite_query,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .kind = sqlite_kind,
    .columns = sqlite_columns,
    .make_schema = sqlite_make_schema,
    .close = sqlite_close,
};

static bool open_file(struct sqlite *s, const char *path, struct err *err)
{
    const struct db_options options = {
        .path = path,
        .flags = DB_FOREIGN_FILE,
        .cache_kib = CACHE_KIB,
        .busy_timeout_ms = BUSY_TIMEOUT_MS,
    };
    if (!db_open(&s->db, &options, err) || !db_add_functions(s->db, err)) {
        return false;
    }
    db_on_progress(s->db, should_stop, s);
    return true;
}

bool database_open_sqlite(const char *path, const struct database_options *options,
                          struct database **ret, struct err *err)
{
    struct sqlite *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a connection");
    }
    s->base.ops = &sqlite_ops;
    s->clock = clock_system();
    s->timeout_ns = options->statement_timeout_ns;
    if (options->memory_max_bytes > 0) {
        db_limit_memory(options->memory_max_bytes);
    }
    if (!open_file(s, path, err)) {
        sqlite_close(&s->base);
        return false;
    }
    *ret = &s->base;
    return true;
}
