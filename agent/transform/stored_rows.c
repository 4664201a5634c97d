#include "agent/transform/stored_rows.h"

#include "agent/transform/relation.h"
#include "common/base/limits.h"
#include "common/json/json_writer.h"

static void write_row(struct json_writer *w, const struct relation_columns *columns,
                      const struct query_rows *rows, size_t row)
{
    jw_begin_object(w);
    for (size_t i = 0; i < rows->columns && i < columns->count; i++) {
        const struct str value = rows->values[row * rows->columns + i];
        jw_key(w, columns->items[i].name);
        if (value.ptr == NULL) {
            jw_null(w);
        } else {
            jw_str(w, value);
        }
    }
    jw_end_object(w);
}

static bool ask(struct database *db, struct str name, int rows_max, struct arena *arena,
                struct relation_columns *ret_columns, struct query_rows *ret_rows, struct err *err)
{
    const struct dbt_node node = {.relation_name = name};
    struct relation relation;
    AUTO(buf) sql = buf_growing(STATEMENT_BYTES_MAX);
    if (!relation_of(&node, arena, &relation, err) ||
        !db->ops->columns(db, &relation, arena, ret_columns, err)) {
        return false;
    }
    buf_addf(&sql, "select * from " STR_FMT " limit %d", STR_ARG(relation.quoted), rows_max);
    return database_query(db, &sql, BY_US, arena, ret_rows, err);
}

bool stored_rows_write(struct database *db, struct str relation, int rows_max, size_t bytes_max,
                       struct buf *out, struct err *err)
{
    AUTO(arena) arena = arena_new(LIMIT_DBT_NODE_ARENA);
    struct relation_columns columns = {0};
    struct query_rows rows = {0};
    if (!ask(db, relation, rows_max, &arena, &columns, &rows, err)) {
        return false;
    }
    struct json_writer w = json_writer(out);
    jw_begin_array(&w);
    for (size_t row = 0; row < rows.rows; row++) {
        const struct buf before = *out;
        const struct json_writer writer_before = w;
        write_row(&w, &columns, &rows, row);
        if (out->len > bytes_max) {
            out->len = before.len;
            w = writer_before;
            break;
        }
    }
    jw_end_array(&w);
    return !out->overflow || err_set(err, ERR_NO_MEMORY, "no memory for failing rows");
}
