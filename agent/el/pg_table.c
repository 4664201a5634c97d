#include "agent/el/pg_table.h"

#include "agent/el/pg_type.h"

#include <string.h>

#define PG_COUNT_BYTES_MAX "268435456"

void pg_add_table(struct buf *sql, const struct pg_table *table)
{
    pg_add_identifier(sql, table->schema);
    buf_add_char(sql, '.');
    pg_add_identifier(sql, table->name);
}

bool pg_find_schema(struct pg *pg, struct str wanted, struct arena *arena, struct str *ret,
                    struct err *err)
{
    AUTO(pg_rows) rows = {0};
    const char *name = wanted.len > 0 ? arena_cstr(arena, wanted) : NULL;
    const char *params[] = {name};
    if (wanted.len > 0 && !pg_check_name("schema", wanted, err)) {
        return false;
    }
    if (wanted.len > 0 && name == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a name");
    }
    if (!pg_query(pg,
                  "SELECT CASE WHEN $1::text IS NULL THEN current_schema()::text ELSE (SELECT "
                  "nspname::text FROM pg_catalog.pg_namespace WHERE nspname = $1::text) END",
                  params, 1, &rows, err)) {
        return false;
    }
    struct str found = pg_rows_get(&rows, 0, 0);
    if (found.ptr == NULL) {
        if (wanted.len == 0) {
            err_set(err, ERR_NOT_FOUND, "no schema of the search_path is there for this user");
            return err_hint(err, "GRANT USAGE on one to the user, or choose one with \"schema\"");
        }
        err_set(err, ERR_NOT_FOUND, "there is no schema \"" STR_FMT "\"", STR_ARG(wanted));
        return err_hint(err, "CREATE SCHEMA it, or choose another with \"schema\"");
    }
    *ret = arena_copy(arena, found);
    return ret->ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for a name");
}

/* A NUL-terminated copy of the names as parameters. */
struct table_params {
    char schema[PG_NAME_BYTES_MAX + 1];
    char name[PG_NAME_BYTES_MAX + 1];
    const char *values[2];
};

static void fill_params(struct table_params *p, const struct pg_table *table)
{
    *p = (struct table_params){.values = {p->schema, p->name}};
    struct str schema = str_slice(table->schema, 0, PG_NAME_BYTES_MAX);
    struct str name = str_slice(table->name, 0, PG_NAME_BYTES_MAX);
    memcpy(p->schema, schema.ptr, schema.len);
    memcpy(p->name, name.ptr, name.len);
}

bool pg_table_describe(struct pg *pg, const struct pg_table *table, struct schema *into,
                       char *ret_kind, bool *ret_not_null, struct err *err)
{
    /* A domain is what its base type is. */
    static const char sql[] =
        "SELECT c.relkind, a.attname, CASE WHEN t.typtype = 'd' THEN "
        "pg_catalog.format_type(t.typbasetype, t.typtypmod) ELSE "
        "pg_catalog.format_type(a.atttypid, a.atttypmod) END, a.attnotnull "
        "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT "
        "a.attisdropped LEFT JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
        "WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') "
        "ORDER BY a.attnum";
    AUTO(pg_rows) rows = {0};
    struct table_params params;
    fill_params(&params, table);
    *ret_kind = '\0';
    if (!pg_query(pg, sql, params.values, COUNT_OF(params.values), &rows, err)) {
        return false;
    }
    for (int i = 0; i < rows.count; i++) {
        struct str type = pg_rows_get(&rows, i, 2);
        const struct column column = {
            .name = pg_rows_get(&rows, i, 1), .type = type, .kind = pg_type_kind(type)};
        *ret_kind = pg_rows_get(&rows, i, 0).ptr[0];
        if (column.name.ptr != NULL && !schema_add(into, &column, err)) {
            return false;
        }
        if (ret_not_null != NULL && column.name.ptr != NULL) {
            ret_not_null[i] = str_eq(pg_rows_get(&rows, i, 3), STR("t"));
        }
    }
    return true;
}

bool pg_table_not_found(struct pg *pg, const struct pg_table *table, struct err *err)
{
    AUTO(pg_rows) rows = {0};
    struct table_params params;
    struct str best = STR_NONE;
    size_t best_distance = table->name.len / 3 + 2; /* further away is no resemblance */
    fill_params(&params, table);
    if (!pg_query(pg,
                  "SELECT relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON "
                  "n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', "
                  "'m', 'f') ORDER BY 1 LIMIT 1000",
                  params.values, 1, &rows, err)) {
        return false;
    }
    for (int i = 0; i < rows.count; i++) {
        struct str name = pg_rows_get(&rows, i, 0);
        size_t distance = str_distance(table->name, name);
        if (distance < best_distance) {
            best_distance = distance;
            best = name;
        }
    }
    err_set(err, ERR_NOT_FOUND,
            "there is no table or view \"" STR_FMT "\" in schema \"" STR_FMT "\"",
            STR_ARG(table->name), STR_ARG(table->schema));
    if (best.len > 0) {
        err_hint(err, "did you mean \"" STR_FMT "\"?", STR_ARG(best));
    }
    return false;
}

static void add_column(struct buf *sql, const struct column *column)
{
    pg_add_identifier(sql, column->name);
    buf_add_char(sql, ' ');
    buf_add_text(sql, pg_type_for(column));
}

bool pg_table_create(struct pg *pg, const struct pg_table *table, const struct schema *schema,
                     const struct load_key *key, struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    buf_add_text(&sql, "CREATE TABLE ");
    pg_add_table(&sql, table);
    for (size_t i = 0; i < schema->count; i++) {
        if (!pg_check_name("column", schema->columns[i].name, err)) {
            return false;
        }
        buf_add_text(&sql, i == 0 ? " (" : ", ");
        add_column(&sql, &schema->columns[i]);
    }
    for (size_t i = 0; i < key->names.count; i++) {
        buf_add_text(&sql, i == 0 ? ", PRIMARY KEY (" : ", ");
        pg_add_identifier(&sql, schema->columns[key->columns[i]].name);
    }
    buf_add_text(&sql, key->names.count > 0 ? "))" : ")");
    return pg_exec(pg, &sql, NULL, err);
}

bool pg_table_add_column(struct pg *pg, const struct pg_table *table, const struct column *column,
                         struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    if (!pg_check_name("column", column->name, err)) {
        return false;
    }
    buf_add_text(&sql, "ALTER TABLE ");
    pg_add_table(&sql, table);
    buf_add_text(&sql, " ADD COLUMN ");
    add_column(&sql, column);
    return pg_exec(pg, &sql, NULL, err);
}

struct column pg_changed_column(const struct column *column, enum schema_change change)
{
    static const struct str types[SCHEMA_CHANGES] = {
        [CHANGE_TO_INTEGER] = STR_INIT("bigint"),
        [CHANGE_TO_NUMBER] = STR_INIT("numeric"), /* where double precision rounds bigint */
        [CHANGE_TO_TEXT] = STR_INIT("text"),
        [CHANGE_TO_JSON] = STR_INIT("jsonb"),
    };
    return schema_changed_column(column, change, types);
}

/* to_jsonb(column), or column::type; a boolean is cast to numbers by way of integer only. */
static void add_using(struct buf *sql, const struct column *column, enum schema_change change,
                      struct str type)
{
    bool is_json = change == CHANGE_TO_JSON;
    bool is_number = change == CHANGE_TO_INTEGER || change == CHANGE_TO_NUMBER;
    buf_add_text(sql, is_json ? " USING to_jsonb(" : " USING ");
    pg_add_identifier(sql, column->name);
    buf_add_text(sql, is_json ? ")" : "");
    if (!is_json) {
        buf_add_text(sql, column->kind == COLUMN_BOOLEAN && is_number ? "::integer::" : "::");
        buf_add(sql, type);
    }
}

bool pg_table_change_column(struct pg *pg, const struct pg_table *table,
                            const struct column *column, enum schema_change change, struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    struct str type = pg_changed_column(column, change).type;
    buf_add_text(&sql, "ALTER TABLE ");
    pg_add_table(&sql, table);
    buf_add_text(&sql, " ALTER COLUMN ");
    pg_add_identifier(&sql, column->name);
    buf_add_text(&sql, " TYPE ");
    buf_add(&sql, type);
    add_using(&sql, column, change, type);
    if (pg_exec(pg, &sql, NULL, err)) {
        return true;
    }
    err_wrap(err, "column \"" STR_FMT "\" cannot become " STR_FMT, STR_ARG(column->name),
             STR_ARG(type));
    return err_hint(err, "a view, a default or a key depends on its type: load once with mode "
                         "overwrite, or change the table yourself");
}

static void add_list(struct buf *sql, const struct str *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_add_text(sql, i == 0 ? "" : ", ");
        pg_add_identifier(sql, columns[i]);
    }
}

static bool make_unique(struct pg *pg, const struct pg_table *table, const struct str *columns,
                        size_t count, struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    buf_add_text(&sql, "ROLLBACK TO SAVEPOINT _selvedge_unique; CREATE UNIQUE INDEX ON ");
    pg_add_table(&sql, table);
    buf_add_text(&sql, " (");
    add_list(&sql, columns, count);
    buf_add_char(&sql, ')');
    if (pg_exec(pg, &sql, NULL, err)) {
        return true;
    }
    err_wrap(err, "a primary_key has to be unique");
    return err_hint(err, "remove rows that repeat the key, or choose another primary_key");
}

/* The planner knows best whether an ON CONFLICT over these columns can work. */
bool pg_table_ensure_unique(struct pg *pg, const struct pg_table *table, const struct str *columns,
                            size_t count, struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    buf_add_text(&sql, "SAVEPOINT _selvedge_unique; EXPLAIN INSERT INTO ");
    pg_add_table(&sql, table);
    buf_add_text(&sql, " (");
    add_list(&sql, columns, count);
    buf_add_text(&sql, ") SELECT ");
    add_list(&sql, columns, count);
    buf_add_text(&sql, " FROM ");
    pg_add_table(&sql, table);
    buf_add_text(&sql, " ON CONFLICT (");
    add_list(&sql, columns, count);
    buf_add_text(&sql, ") DO NOTHING");
    if (pg_exec(pg, &sql, NULL, err)) {
        return pg_exec_text(pg, "RELEASE SAVEPOINT _selvedge_unique", err);
    }
    if (!pg_failed_with(pg, "42P10")) { /* no constraint matches */
        return false;
    }
    *err = (struct err){0};
    return make_unique(pg, table, columns, count, err) &&
           pg_exec_text(pg, "RELEASE SAVEPOINT _selvedge_unique", err);
}

bool pg_table_row_count(struct pg *pg, const struct pg_table *table, int64_t *ret, struct err *err)
{
    AUTO(buf) name = buf_growing(PG_SQL_BYTES_MAX);
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    AUTO(pg_rows) size = {0};
    AUTO(pg_rows) rows = {0};
    pg_add_table(&name, table);
    const char *params[] = {buf_cstr(&name)};
    if (!pg_query(pg, "SELECT pg_catalog.pg_relation_size($1::regclass) <= " PG_COUNT_BYTES_MAX,
                  params, 1, &size, err)) {
        return false;
    }
    *ret = -1;
    if (!str_eq(pg_rows_get(&size, 0, 0), STR("t"))) {
        return true;
    }
    buf_add_text(&sql, "SELECT count(*) FROM ");
    pg_add_table(&sql, table);
    const char *text = buf_cstr(&sql);
    if (text == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a statement");
    }
    return pg_query(pg, text, NULL, 0, &rows, err) &&
           (str_to_i64(pg_rows_get(&rows, 0, 0), 0, INT64_MAX, ret) ||
            err_set(err, ERR_INTERNAL, "PostgreSQL: a count that is none"));
}
