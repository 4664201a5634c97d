#include "agent/el/insert_sql.h"

#include "agent/el/sql_value.h"
#include "common/db/db.h"

#include <stdio.h>

static bool is_key_column(const struct insert_sql *plan, size_t column)
{
    for (size_t i = 0; i < plan->key.count; i++) {
        if (plan->key_columns[i] == column) {
            return true;
        }
    }
    return false;
}

/* SET "a" = excluded."a", ... WHERE the row differs: rows that are there already are not written
 * again (flash). */
static void add_update(const struct insert_sql *plan, struct buf *sql)
{
    const struct schema *schema = plan->schema;
    const char *separator = " DO UPDATE SET ";
    for (size_t i = 0; i < schema->count; i++) {
        if (!is_key_column(plan, i)) {
            buf_add_text(sql, separator);
            db_add_identifier(sql, schema->columns[i].name);
            buf_add_text(sql, " = excluded.");
            db_add_identifier(sql, schema->columns[i].name);
            separator = ", ";
        }
    }
    separator = " WHERE ";
    for (size_t i = 0; i < schema->count; i++) {
        if (!is_key_column(plan, i)) {
            buf_add_text(sql, separator);
            db_add_identifier(sql, plan->table);
            buf_add_char(sql, '.');
            db_add_identifier(sql, schema->columns[i].name);
            buf_add_text(sql, " IS NOT excluded.");
            db_add_identifier(sql, schema->columns[i].name);
            separator = " OR ";
        }
    }
}

static void add_key(const struct insert_sql *plan, struct buf *sql)
{
    for (size_t i = 0; i < plan->key.count; i++) {
        buf_add_text(sql, i == 0 ? " (" : ", ");
        db_add_identifier(sql, plan->key.items[i]);
    }
    buf_add_char(sql, ')');
}

/* What a row's value is in the table's column, where SQLite's own conversion would lose some of it. */
static void add_value(const struct insert_sql *plan, size_t column, struct buf *sql)
{
    char name[32];
    size_t at = 0;
    const struct column *row = &plan->schema->columns[column];
    (void)snprintf(name, sizeof(name), "c%zu", column);
    bool is_there = schema_find_nocase(plan->there, row->name, &at);
    enum column_kind kind = is_there ? plan->there->columns[at].kind : COLUMN_ANY;
    bool may_be_real = row->kind == COLUMN_REAL || row->kind == COLUMN_ANY;
    if (kind == COLUMN_JSON) {
        sql_value_as_json(sql, str_from(name), row->kind);
    } else if (kind == COLUMN_TEXT && may_be_real) {
        sql_value_as_text(sql, str_from(name));
    } else {
        buf_add_text(sql, name);
    }
}

/* OR FAIL: an error ends the whole transaction anyway, so SQLite need not keep what would undo the
 * statement alone. "WHERE true" tells ON CONFLICT from a join's ON. */
void insert_sql_build(const struct insert_sql *plan, struct buf *sql)
{
    const struct schema *schema = plan->schema;
    buf_add_text(sql, "INSERT OR FAIL INTO ");
    db_add_identifier(sql, plan->table);
    for (size_t i = 0; i < schema->count; i++) {
        buf_add_text(sql, i == 0 ? " (" : ", ");
        db_add_identifier(sql, schema->columns[i].name);
    }
    for (size_t i = 0; i < schema->count; i++) {
        buf_add_text(sql, i == 0 ? ") SELECT " : ", ");
        add_value(plan, i, sql);
    }
    buf_add_text(sql, " FROM ");
    db_add_identifier(sql, plan->rows);
    buf_add_text(sql, " WHERE true");
    if (plan->key.count == 0) {
        return;
    }
    buf_add_text(sql, " ON CONFLICT");
    add_key(plan, sql);
    if (plan->key.count == schema->count) {
        buf_add_text(sql, " DO NOTHING");
    } else {
        add_update(plan, sql);
    }
}

void insert_sql_unique_index(const struct insert_sql *plan, struct buf *sql)
{
    AUTO(buf) name = buf_growing(sql->max);
    buf_add(&name, plan->table);
    for (size_t i = 0; i < plan->key.count; i++) {
        buf_add_char(&name, '_');
        buf_add(&name, plan->key.items[i]);
    }
    buf_add_text(&name, "_key");
    buf_add_text(sql, "CREATE UNIQUE INDEX ");
    db_add_identifier(sql, buf_str(&name));
    buf_add_text(sql, " ON ");
    db_add_identifier(sql, plan->table);
    add_key(plan, sql);
}
