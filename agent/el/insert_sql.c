#include "agent/el/insert_sql.h"

#include "common/db/db.h"

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
        buf_addf(sql, "%s%zu", i == 0 ? ") SELECT c" : ", c", i);
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
