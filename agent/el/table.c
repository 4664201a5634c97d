#include "agent/el/table.h"

#include <string.h>

/* A count reads the table (or an index) from end to end: not worth it on flash for big ones. */
#define TABLE_COUNT_BYTES_MAX (INT64_C(256) << 20)

bool sql_exec(struct db *db, struct buf *sql, struct err *err)
{
    const char *text = buf_cstr(sql);
    if (text == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a statement of more than %zu bytes",
                       sql->max);
    }
    return db_exec(db, text, err);
}

bool sql_prepare(struct db *db, struct buf *sql, struct db_query *ret, struct err *err)
{
    if (sql->overflow) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a statement of more than %zu bytes",
                       sql->max);
    }
    return db_prepare(db, buf_str(sql), ret, err);
}

bool table_type_of(struct db *db, struct str table, enum table_type *ret, struct err *err)
{
    AUTO(db_query) q = {0};
    if (!db_prepare(db,
                    STR("SELECT type, wr FROM pragma_table_list WHERE schema = 'main' "
                        "AND name = ?1 COLLATE NOCASE"),
                    &q, err)) {
        return false;
    }
    db_bind_at_str(&q, 1, table);
    bool has_row = false;
    if (!db_next(&q, &has_row, err)) {
        return false;
    }
    if (!has_row) {
        *ret = TABLE_NONE;
    } else if (str_eq(db_col_str(&q, 0), STR("view"))) {
        *ret = TABLE_VIEW;
    } else if (str_eq(db_col_str(&q, 0), STR("virtual"))) {
        *ret = TABLE_VIRTUAL;
    } else {
        *ret = db_col_i64(&q, 1) != 0 ? TABLE_WITHOUT_ROWID : TABLE_ORDINARY;
    }
    return true;
}

bool table_columns(struct db *db, struct str table, struct schema *into, bool *ret_not_null,
                   struct err *err)
{
    AUTO(db_query) q = {0};
    /* hidden 1 is a virtual table's hidden column; 2 and 3 are generated columns, which can be
     * read. */
    if (!db_prepare(
            db, STR("SELECT name, type, \"notnull\" FROM pragma_table_xinfo(?1) WHERE hidden <> 1"),
            &q, err)) {
        return false;
    }
    db_bind_at_str(&q, 1, table);
    for (;;) {
        bool has_row = false;
        if (!db_next(&q, &has_row, err)) {
            return false;
        }
        if (!has_row) {
            return true;
        }
        struct str type = db_col_str(&q, 1);
        struct column column = {
            .name = db_col_str(&q, 0),
            .type = type,
            .kind = column_kind_from_sql(type),
        };
        if (ret_not_null != NULL && into->count < LIMIT_COLUMNS) {
            ret_not_null[into->count] = db_col_i64(&q, 2) != 0;
        }
        if (!schema_add(into, &column, err)) {
            return err_wrap(err, "table \"" STR_FMT "\"", STR_ARG(table));
        }
    }
}

bool table_not_found(struct db *db, struct str table, struct err *err)
{
    err_set(err, ERR_NOT_FOUND, "there is no table \"" STR_FMT "\"", STR_ARG(table));
    struct err ignored;
    AUTO(db_query) q = {0};
    if (!db_prepare(db, STR("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')"), &q,
                    &ignored)) {
        return false;
    }
    size_t best = table.len / 3 + 2;
    bool has_row = true;
    while (db_next(&q, &has_row, &ignored) && has_row) {
        struct str name = db_col_str(&q, 0);
        size_t distance = str_distance(name, table);
        if (distance < best) {
            best = distance;
            err_hint(err, "did you mean \"" STR_FMT "\"?", STR_ARG(name));
        }
    }
    return false;
}

bool column_not_found(const struct schema *schema, struct str table, struct str column,
                      struct err *err)
{
    err_set(err, ERR_NOT_FOUND, "\"" STR_FMT "\" has no column \"" STR_FMT "\"", STR_ARG(table),
            STR_ARG(column));
    struct str nearest = schema_nearest(schema, column);
    if (nearest.len > 0) {
        err_hint(err, "did you mean \"" STR_FMT "\"?", STR_ARG(nearest));
    }
    return false;
}

static void add_column(struct buf *sql, const struct column *column)
{
    db_add_identifier(sql, column->name);
    struct str type = column_sql_type(column);
    if (type.len > 0) {
        buf_add_char(sql, ' ');
        buf_add(sql, type);
    }
}

bool table_create(struct db *db, struct str table, const struct schema *schema,
                  const struct str_list *key, struct err *err)
{
    AUTO(buf) sql = buf_growing(SQL_BYTES_MAX);
    buf_add_text(&sql, "CREATE TABLE ");
    db_add_identifier(&sql, table);
    for (size_t i = 0; i < schema->count; i++) {
        buf_add_text(&sql, i == 0 ? " (" : ", ");
        add_column(&sql, &schema->columns[i]);
    }
    for (size_t i = 0; i < key->count; i++) {
        buf_add_text(&sql, i == 0 ? ", PRIMARY KEY (" : ", ");
        db_add_identifier(&sql, key->items[i]);
    }
    buf_add_text(&sql, key->count > 0 ? "))" : ")");
    return sql_exec(db, &sql, err);
}

bool table_add_column(struct db *db, struct str table, const struct column *column, struct err *err)
{
    AUTO(buf) sql = buf_growing(SQL_BYTES_MAX);
    buf_add_text(&sql, "ALTER TABLE ");
    db_add_identifier(&sql, table);
    buf_add_text(&sql, " ADD COLUMN ");
    add_column(&sql, column);
    return sql_exec(db, &sql, err);
}

bool table_has_rules(struct db *db, struct str table, const struct str_list *key, bool *ret,
                     struct err *err)
{
    static const struct str sql = STR_INIT(
        "SELECT (SELECT max(strict) FROM pragma_table_list WHERE schema = 'main' AND name = ?1 "
        "COLLATE NOCASE) OR EXISTS (SELECT 1 FROM sqlite_schema WHERE tbl_name = ?1 COLLATE NOCASE "
        "AND (type = 'trigger' OR (type = 'table' AND sql LIKE '%CHECK%'))) OR EXISTS (SELECT 1 "
        "FROM pragma_foreign_key_list(?1)) OR EXISTS (SELECT 1 FROM pragma_table_info(?1) WHERE "
        "\"notnull\" AND pk = 0) OR ?2 < (SELECT count(*) FROM pragma_index_list(?1) WHERE "
        "\"unique\") + EXISTS (SELECT 1 FROM pragma_table_info(?1) WHERE pk = 1 AND type = "
        "'INTEGER' COLLATE NOCASE AND NOT EXISTS (SELECT 1 FROM pragma_index_list(?1) WHERE origin "
        "= 'pk'))");
    AUTO(db_query) q = {0};
    bool has_row = false;
    if (!db_prepare(db, sql, &q, err)) {
        return false;
    }
    db_bind_at_str(&q, 1, table);
    db_bind_at_i64(&q, 2, key->count > 0 ? 1 : 0);
    if (!db_next(&q, &has_row, err)) {
        return false;
    }
    *ret = !has_row || db_col_i64(&q, 0) != 0;
    return true;
}

bool table_drop(struct db *db, struct str table, struct err *err)
{
    enum table_type type = TABLE_NONE;
    if (!table_type_of(db, table, &type, err)) {
        return false;
    }
    if (type == TABLE_NONE) {
        return true;
    }
    AUTO(buf) sql = buf_growing(SQL_BYTES_MAX);
    buf_add_text(&sql, type == TABLE_VIEW ? "DROP VIEW " : "DROP TABLE ");
    db_add_identifier(&sql, table);
    return sql_exec(db, &sql, err);
}

/* The statements that made the table's indexes and triggers, one after another. */
static bool dependents_sql(struct db *db, struct str table, struct buf *out, struct err *err)
{
    AUTO(db_query) q = {0};
    if (!db_prepare(db,
                    STR("SELECT sql FROM sqlite_schema WHERE tbl_name = ?1 COLLATE NOCASE "
                        "AND type IN ('index', 'trigger') AND sql IS NOT NULL"),
                    &q, err)) {
        return false;
    }
    db_bind_at_str(&q, 1, table);
    bool has_row = true;
    while (has_row) {
        if (!db_next(&q, &has_row, err)) {
            return false;
        }
        if (has_row) {
            buf_add(out, db_col_str(&q, 0));
            buf_add_text(out, "\n;"); /* the text may end in a comment */
        }
    }
    return true;
}

bool table_swap(struct db *db, struct str from, struct str to, struct err *err)
{
    AUTO(buf) dependents = buf_growing(SQL_BYTES_MAX);
    AUTO(buf) rename = buf_growing(SQL_BYTES_MAX);
    buf_add_text(&rename, "ALTER TABLE ");
    db_add_identifier(&rename, from);
    buf_add_text(&rename, " RENAME TO ");
    db_add_identifier(&rename, to);
    /* Old style renaming leaves views that name the table alone, where the new style refuses to
     * rename because for a moment they name nothing. */
    return dependents_sql(db, to, &dependents, err) && table_drop(db, to, err) &&
           db_exec(db, "PRAGMA legacy_alter_table = ON", err) && sql_exec(db, &rename, err) &&
           (sql_exec(db, &dependents, err) || err_wrap(err, "make the indexes of the table again"));
}

bool table_row_count(struct db *db, struct str table, int64_t *ret, struct err *err)
{
    int64_t pages = 0;
    int64_t page_bytes = 0;
    bool found = false;
    if (!db_scalar_i64(db, "PRAGMA page_count", &pages, &found, err) ||
        !db_scalar_i64(db, "PRAGMA page_size", &page_bytes, &found, err)) {
        return false;
    }
    if (pages > TABLE_COUNT_BYTES_MAX / (page_bytes > 0 ? page_bytes : 1)) {
        *ret = -1;
        return true;
    }
    AUTO(buf) sql = buf_growing(SQL_BYTES_MAX);
    buf_add_text(&sql, "SELECT count(*) FROM ");
    db_add_identifier(&sql, table);
    const char *text = buf_cstr(&sql);
    if (text == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory to count rows");
    }
    return db_scalar_i64(db, text, ret, &found, err);
}

struct str table_staging_name(struct str table, struct arena *arena)
{
    return arena_printf(arena, "_selvedge_new_" STR_FMT, STR_ARG(table));
}

struct str table_display_name(struct str path, struct str table, struct arena *arena)
{
    struct str folder;
    struct str file;
    struct str stem;
    struct str extension;
    (void)str_cut_last(path, '/', &folder, &file);
    if (table.len == 0) {
        return file;
    }
    if (!str_cut_last(file, '.', &stem, &extension) || stem.len == 0) {
        stem = file;
    }
    return arena_printf(arena, STR_FMT "." STR_FMT, STR_ARG(stem), STR_ARG(table));
}
