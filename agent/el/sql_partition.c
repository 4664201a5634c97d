#include "agent/el/sql_partition.h"

#include "agent/el/table.h"
#include "common/json/json_writer.h"

enum { KEYS_BYTES_MAX = 1 << 20 };

struct replacer {
    struct db *db;
    const struct request *request;
    struct str staging;
    struct str column; /* as the staging table spells it */
    struct buf keys;   /* JSON array */
    struct arena *arena;
    struct err *err;
};

static bool describe(struct replacer *r, struct str table, struct schema *ret)
{
    *ret = schema_new(r->arena);
    return table_columns(r->db, table, ret, NULL, r->err);
}

static bool find_column(struct replacer *r, const struct schema *columns)
{
    struct str wanted = r->request->partition.column;
    size_t at = 0;
    if (schema_find_nocase(columns, wanted, &at)) {
        r->column = columns->columns[at].name;
        return true;
    }
    struct str nearest = schema_nearest(columns, wanted);
    (void)err_set(r->err, ERR_NOT_FOUND,
                  "the SELECT gives no column \"" STR_FMT "\", which tells the partitions apart",
                  STR_ARG(wanted));
    return nearest.len > 0
               ? err_hint(r->err, "did you mean \"" STR_FMT "\"?", STR_ARG(nearest))
               : err_hint(r->err, "add it: select {{ partition_key }} as " STR_FMT ", ...",
                          STR_ARG(wanted));
}

static void write_keys(struct replacer *r)
{
    struct json_writer w = json_writer(&r->keys);
    jw_begin_array(&w);
    for (size_t i = 0; i < r->request->partition.keys.count; i++) {
        jw_str(&w, r->request->partition.keys.items[i]);
    }
    jw_end_array(&w);
}

/* " WHERE <column> IN the keys", which are bound as ?1. */
static void add_where(const struct replacer *r, struct buf *sql, bool is_in)
{
    buf_add_text(sql, " WHERE ");
    db_add_identifier(sql, r->column);
    buf_add_text(sql, is_in ? " IN" : " NOT IN");
    buf_add_text(sql, " (SELECT value FROM json_each(?1))");
}

static bool refuse_rows(struct replacer *r, bool is_null, struct str key)
{
    struct str column = r->column;
    if (is_null) {
        (void)err_set(r->err, ERR_INVALID, "the SELECT gives rows whose " STR_FMT " is NULL",
                      STR_ARG(column));
    } else {
        (void)err_set(r->err, ERR_INVALID,
                      "the SELECT gives rows of partition \"" STR_FMT
                      "\", which this run does not make",
                      STR_ARG(key));
    }
    return err_hint(r->err, "restrict it: where " STR_FMT " in {{ partition_keys }}",
                    STR_ARG(column));
}

/* What belongs to another partition would stand there twice once that one is made. */
static bool check_rows(struct replacer *r)
{
    AUTO(buf) sql = buf_growing(SQL_BYTES_MAX);
    AUTO(db_query) q = {0};
    bool is_stray = false;
    buf_add_text(&sql, "SELECT ");
    db_add_identifier(&sql, r->column);
    buf_add_text(&sql, " FROM ");
    db_add_identifier(&sql, r->staging);
    add_where(r, &sql, false);
    buf_add_text(&sql, " OR ");
    db_add_identifier(&sql, r->column);
    buf_add_text(&sql, " IS NULL ORDER BY 1 LIMIT 1");
    if (!sql_prepare(r->db, &sql, &q, r->err)) {
        return false;
    }
    db_bind_at_str(&q, 1, buf_str(&r->keys));
    if (!db_next(&q, &is_stray, r->err)) {
        return false;
    }
    return !is_stray || refuse_rows(r, db_col_is_null(&q, 0), db_col_str(&q, 0));
}

/* A column that the SELECT gained since the table was made. */
static bool add_columns(struct replacer *r, const struct schema *from)
{
    struct schema there;
    size_t at = 0;
    if (!describe(r, r->request->name, &there)) {
        return false;
    }
    if (!schema_find_nocase(&there, r->column, &at)) {
        (void)err_set(r->err, ERR_INVALID,
                      "table \"" STR_FMT "\" is there already, without the column \"" STR_FMT "\"",
                      STR_ARG(r->request->name), STR_ARG(r->column));
        return err_hint(r->err, "it was made without partitions: drop it, or give the asset's "
                                "table another name");
    }
    for (size_t i = 0; i < from->count; i++) {
        const struct column *column = &from->columns[i];
        if (!schema_find_nocase(&there, column->name, &at) &&
            !table_add_column(r->db, r->request->name, column, r->err)) {
            return false;
        }
    }
    return true;
}

static void add_names(struct buf *sql, const struct schema *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        buf_add_text(sql, i > 0 ? ", " : "");
        db_add_identifier(sql, columns->columns[i].name);
    }
}

static bool delete_rows(struct replacer *r)
{
    AUTO(buf) sql = buf_growing(SQL_BYTES_MAX);
    AUTO(db_query) q = {0};
    buf_add_text(&sql, "DELETE FROM ");
    db_add_identifier(&sql, r->request->name);
    add_where(r, &sql, true);
    if (!sql_prepare(r->db, &sql, &q, r->err)) {
        return false;
    }
    db_bind_at_str(&q, 1, buf_str(&r->keys));
    return db_run(&q, r->err);
}

static bool insert_rows(struct replacer *r, const struct schema *columns)
{
    AUTO(buf) sql = buf_growing(SQL_BYTES_MAX);
    buf_add_text(&sql, "INSERT INTO ");
    db_add_identifier(&sql, r->request->name);
    buf_add_text(&sql, " (");
    add_names(&sql, columns);
    buf_add_text(&sql, ") SELECT ");
    add_names(&sql, columns);
    buf_add_text(&sql, " FROM ");
    db_add_identifier(&sql, r->staging);
    return sql_exec(r->db, &sql, r->err);
}

static bool count_rows(struct replacer *r, int64_t *ret)
{
    AUTO(buf) sql = buf_growing(SQL_BYTES_MAX);
    AUTO(db_query) q = {0};
    bool has_row = false;
    buf_add_text(&sql, "SELECT count(*) FROM ");
    db_add_identifier(&sql, r->staging);
    if (!sql_prepare(r->db, &sql, &q, r->err) || !db_next(&q, &has_row, r->err)) {
        return false;
    }
    *ret = db_col_i64(&q, 0);
    return true;
}

static bool replace(struct replacer *r, int64_t *ret_rows)
{
    struct schema columns;
    enum table_type type = TABLE_NONE;
    write_keys(r);
    if (r->keys.overflow) {
        return err_set(r->err, ERR_NO_MEMORY, "no memory for the partitions' keys");
    }
    if (!describe(r, r->staging, &columns) || !find_column(r, &columns) || !check_rows(r) ||
        !count_rows(r, ret_rows) || !table_type_of(r->db, r->request->name, &type, r->err)) {
        return false;
    }
    if (type == TABLE_NONE || type == TABLE_VIEW) {
        return table_swap(r->db, r->staging, r->request->name, r->err);
    }
    return add_columns(r, &columns) && delete_rows(r) && insert_rows(r, &columns) &&
           table_drop(r->db, r->staging, r->err);
}

bool sql_partition_replace(struct db *db, const struct request *request, struct str staging,
                           struct arena *arena, int64_t *ret_rows, struct err *err)
{
    struct replacer r = {.db = db,
                         .request = request,
                         .staging = staging,
                         .keys = buf_growing(KEYS_BYTES_MAX),
                         .arena = arena,
                         .err = err};
    bool ok = replace(&r, ret_rows);
    buf_release(&r.keys);
    return ok;
}
