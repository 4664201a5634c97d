#include "agent/el/merge_sql.h"

#include "agent/el/pg_type.h"

static void add_names(const struct merge_sql *m, struct buf *sql)
{
    for (size_t i = 0; i < m->count; i++) {
        buf_add_text(sql, i == 0 ? "" : ", ");
        pg_add_identifier(sql, m->names[i]);
    }
}

static void add_key(const struct merge_sql *m, struct buf *sql)
{
    for (size_t i = 0; i < m->key->names.count; i++) {
        buf_add_text(sql, i == 0 ? "" : ", ");
        pg_add_identifier(sql, m->names[m->key->columns[i]]);
    }
}

/* Rows stand in the staging table in the order they came: it is filled by COPY alone, from empty. */
static void add_source(const struct merge_sql *m, struct buf *sql)
{
    buf_add_text(sql, " FROM ");
    if (!m->has_repeats) {
        buf_add(sql, m->staging);
        return;
    }
    buf_add_text(sql, "(SELECT DISTINCT ON (");
    add_key(m, sql);
    buf_add_text(sql, ") * FROM ");
    buf_add(sql, m->staging);
    buf_add_text(sql, " ORDER BY ");
    add_key(m, sql);
    buf_add_text(sql, ", ctid DESC) AS last");
}

/* One side of the comparison. */
static void add_compared(const struct merge_sql *m, const char *prefix, struct buf *sql)
{
    const char *separator = "(";
    for (size_t i = 0; i < m->count; i++) {
        if (load_key_has(m->key, i)) {
            continue;
        }
        buf_add_text(sql, separator);
        buf_add_text(sql, prefix);
        pg_add_identifier(sql, m->names[i]);
        buf_add_text(sql, pg_type_lacks_equality(m->types[i]) ? "::text" : "");
        separator = ", ";
    }
    buf_add_char(sql, ')');
}

static void add_update(const struct merge_sql *m, struct buf *sql)
{
    const char *separator = " DO UPDATE SET ";
    for (size_t i = 0; i < m->count; i++) {
        if (load_key_has(m->key, i)) {
            continue;
        }
        buf_add_text(sql, separator);
        pg_add_identifier(sql, m->names[i]);
        buf_add_text(sql, " = EXCLUDED.");
        pg_add_identifier(sql, m->names[i]);
        separator = ", ";
    }
    buf_add_text(sql, " WHERE ");
    add_compared(m, "present.", sql);
    buf_add_text(sql, " IS DISTINCT FROM ");
    add_compared(m, "EXCLUDED.", sql);
}

void merge_sql_upsert(const struct merge_sql *m, struct buf *sql)
{
    buf_add_text(sql, "INSERT INTO ");
    pg_add_table(sql, m->table);
    buf_add_text(sql, " AS present (");
    add_names(m, sql);
    buf_add_text(sql, ") SELECT ");
    add_names(m, sql);
    add_source(m, sql);
    buf_add_text(sql, " ON CONFLICT (");
    add_key(m, sql);
    buf_add_char(sql, ')');
    if (m->key->names.count == m->count) {
        buf_add_text(sql, " DO NOTHING");
    } else {
        add_update(m, sql);
    }
}

void merge_sql_fill(const struct merge_sql *m, struct buf *sql)
{
    buf_add_text(sql, "INSERT INTO ");
    pg_add_table(sql, m->table);
    buf_add_text(sql, " (");
    add_names(m, sql);
    buf_add_text(sql, ") SELECT ");
    for (size_t i = 0; i < m->count; i++) {
        buf_add_text(sql, i == 0 ? "" : ", ");
        pg_add_identifier(sql, m->names[i]);
        buf_add_text(sql, "::");
        buf_add(sql, m->types[i]);
    }
    add_source(m, sql);
}
