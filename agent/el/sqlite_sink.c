#include "agent/el/sqlite_sink.h"

#include "agent/el/insert_sql.h"

#include <stdio.h>

/* --- rows, as SQLite asks for them ----------------------------------------------------------- */

static bool is_rounded(const struct exact_column *column, const struct value *v)
{
    const int64_t exact = INT64_C(1) << 53; /* every integer up to it is a double */
    return v->type == VALUE_TEXT || (column->is_real && v->type == VALUE_INTEGER &&
                                     (v->as.integer > exact || v->as.integer < -exact) &&
                                     ((double)v->as.integer >= 9223372036854775808.0 ||
                                      (int64_t)(double)v->as.integer != v->as.integer));
}

/* SQLite would round what 64 bits do not hold when its column is one of numbers. */
static bool check_exact(struct sqlite_sink *t, struct err *err)
{
    for (size_t i = 0; i < t->exact_count; i++) {
        size_t column = t->exact[i].column;
        const struct value *v = &t->present[column];
        if (!is_rounded(&t->exact[i], v)) {
            continue;
        }
        char digits[80];
        struct buf number = buf_fixed(digits, sizeof(digits));
        if (v->type == VALUE_INTEGER) {
            buf_add_i64(&number, v->as.integer);
        } else {
            buf_add(&number, str_slice(v->as.text, 0, 60));
        }
        err_set(err, ERR_INVALID,
                "target sqlite: row %lld: column \"" STR_FMT "\": " STR_FMT
                " does not fit into SQLite's numbers without loss",
                (long long)t->row, STR_ARG(t->schema->columns[column].name), (int)number.len,
                number.ptr);
        return err_hint(err, "let the tap give it as a string, or give the table's column the type "
                             "TEXT");
    }
    return true;
}

static bool next_row(void *ctx, bool *ret_row)
{
    struct sqlite_sink *t = ctx;
    t->present = NULL;
    if (!t->source->next(t->source->ctx, &t->present, &t->source_err)) {
        return false;
    }
    *ret_row = t->present != NULL;
    t->row += *ret_row;
    return !*ret_row || (load_key_check(&t->key, t->present, "sqlite", t->row, &t->source_err) &&
                         check_exact(t, &t->source_err));
}

static struct db_value row_value(void *ctx, int column)
{
    const struct sqlite_sink *t = ctx;
    const struct value *v = &t->present[column];
    switch (v->type) {
    case VALUE_INTEGER:
        return (struct db_value){.type = DB_INTEGER, .as.integer = v->as.integer};
    case VALUE_REAL:
        return (struct db_value){.type = DB_REAL, .as.real = v->as.real};
    case VALUE_TEXT:
        return (struct db_value){.type = DB_TEXT, .as.text = v->as.text};
    case VALUE_BLOB:
        return (struct db_value){.type = DB_BLOB, .as.text = v->as.text};
    case VALUE_NULL:
    default:
        return (struct db_value){.type = DB_NULL};
    }
}

static bool explain(const struct sqlite_sink *t, struct err *err)
{
    if (t->source_err.code != ERR_NONE) {
        *err = t->source_err; /* SQLite only knows that it was stopped */
        return false;
    }
    if (err->code == ERR_INVALID && err->hint[0] == '\0') {
        err_hint(err, "correct the row at its source, or change the table's columns");
    }
    if (err->code == ERR_EXISTS) {
        err_hint(err, "the table has a unique column that is not the primary_key; use mode upsert "
                      "or overwrite");
    }
    return err_wrap(err, "target sqlite: row %lld", (long long)t->row);
}

bool sqlite_sink_load(struct sqlite_sink *t, const struct row_source *source, struct err *err)
{
    int64_t before = db_total_changes(t->db);
    t->source = source;
    t->source_err = (struct err){0};
    if (!db_run(&t->insert, err)) {
        return explain(t, err);
    }
    t->new_rows += db_total_changes(t->db) - before;
    return true;
}

/* --- the table ------------------------------------------------------------------------------- */

/* Makes the table, or adds the columns it has not. */
static bool shape_table(struct sqlite_sink *t, const struct schema *schema, struct err *err)
{
    if (t->there.count == 0) {
        t->is_changed = true;
        return table_create(t->db, t->table, schema, &t->key.names, err) &&
               schema_copy(schema, &t->there, err);
    }
    if (!load_check_types(schema, &t->there, err)) {
        return false;
    }
    for (size_t i = 0; i < schema->count; i++) {
        const struct column *c = &schema->columns[i];
        size_t at = 0;
        if (schema_find_nocase(&t->there, c->name, &at)) {
            continue;
        }
        t->is_changed = true;
        if (!table_add_column(t->db, t->table, c, err) || !schema_add(&t->there, c, err)) {
            return false;
        }
    }
    return true;
}

/* A table that was made without this key gets a unique index for it: an upsert needs one. */
static bool add_unique_index(struct sqlite_sink *t, const struct insert_sql *plan, struct err *err)
{
    AUTO(buf) sql = buf_growing(SQL_BYTES_MAX);
    insert_sql_unique_index(plan, &sql);
    if (!sql_exec(t->db, &sql, err)) {
        err_wrap(err, "mode upsert needs a unique primary_key");
        return err_hint(err, "remove rows that repeat the key, or choose another primary_key");
    }
    t->is_changed = true;
    return true;
}

static bool prepare_insert(struct sqlite_sink *t, const struct schema *schema, struct err *err)
{
    AUTO(buf) sql = buf_growing(SQL_BYTES_MAX);
    const struct insert_sql plan = {.table = t->table,
                                    .rows = str_from(t->rows_name),
                                    .schema = schema,
                                    .key = t->key.names,
                                    .key_columns = t->key.columns};
    db_finish(&t->insert);
    t->rows = (struct db_rows){
        .columns = (int)schema->count, .next = next_row, .value = row_value, .ctx = t};
    insert_sql_build(&plan, &sql);
    if (!db_add_rows(t->db, t->rows_name, &t->rows, err)) {
        return false;
    }
    if (sql_prepare(t->db, &sql, &t->insert, err)) {
        return true;
    }
    if (!str_contains(str_from(err->msg), STR("ON CONFLICT clause does not match"))) {
        return false;
    }
    *err = (struct err){0};
    return add_unique_index(t, &plan, err) && sql_prepare(t->db, &sql, &t->insert, err);
}

static bool find_exact(struct sqlite_sink *t, const struct schema *schema, struct err *err)
{
    t->exact_count = 0;
    t->exact = arena_array(t->arena, schema->count + 1, sizeof(*t->exact));
    if (t->exact == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for %zu columns", schema->count);
    }
    for (size_t i = 0; i < schema->count; i++) {
        size_t at = 0;
        if (schema->columns[i].is_exact &&
            schema_find_nocase(&t->there, schema->columns[i].name, &at) &&
            column_kind_is_number(t->there.columns[at].kind)) {
            t->exact[t->exact_count++] = (struct exact_column){
                .column = i,
                .is_real = sql_type_has_real_affinity(column_sql_type(&t->there.columns[at]))};
        }
    }
    return true;
}

bool sqlite_sink_set_schema(struct sqlite_sink *t, const struct schema *schema,
                            const struct str_list *key, struct err *err)
{
    bool is_first = t->schema == NULL;
    if (!load_key_choose(t->load, key, schema, t->arena, &t->key, err)) {
        return false;
    }
    if (is_first && t->load->mode == MODE_OVERWRITE && !table_drop(t->db, t->table, err)) {
        return false; /* what a run that was killed left */
    }
    t->schema = schema;
    bool ok =
        shape_table(t, schema, err) && find_exact(t, schema, err) && prepare_insert(t, schema, err);
    return ok || err_wrap(err, "target sqlite: table \"" STR_FMT "\"", STR_ARG(t->name));
}

/* Columns that the table has not are made, but where no row could go for that: of what is staged, and
 * where rows of unknown versions stay. */
static bool add_removal_columns(struct sqlite_sink *t, const struct removal *removal,
                                bool *ret_has_all, struct err *err)
{
    struct column columns[2];
    size_t count = removal_columns(removal, columns);
    *ret_has_all = true;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        if (schema_find_nocase(&t->there, columns[i].name, &at)) {
            continue;
        }
        *ret_has_all = t->load->mode != MODE_OVERWRITE && !removal->keeps_unknown;
        if (*ret_has_all && (!table_add_column(t->db, t->table, &columns[i], err) ||
                             !schema_add(&t->there, &columns[i], err))) {
            return false;
        }
    }
    return true;
}

bool sqlite_sink_remove(struct sqlite_sink *t, const struct removal *removal, struct err *err)
{
    AUTO(buf) sql = buf_growing(SQL_BYTES_MAX);
    AUTO(buf) table = buf_growing(SQL_BYTES_MAX);
    bool has_columns = false;
    bool ok = add_removal_columns(t, removal, &has_columns, err);
    if (ok && has_columns) {
        int64_t before = db_total_changes(t->db);
        db_add_identifier(&table, t->table);
        removal_sql(removal, buf_str(&table), &sql);
        ok = sql_exec(t->db, &sql, err);
        t->base.rows_removed += db_total_changes(t->db) - before;
        t->is_changed = true;
    }
    return ok ||
           err_wrap(err, "target sqlite: table \"" STR_FMT "\": remove old rows", STR_ARG(t->name));
}

/* --- from the first look to the end ---------------------------------------------------------- */

static bool describe(struct sqlite_sink *t, struct err *err)
{
    struct str table = t->name;
    enum table_type type = TABLE_NONE;
    if (!table_type_of(t->db, table, &type, err)) {
        return false;
    }
    if (type == TABLE_VIEW || type == TABLE_VIRTUAL) {
        err_set(err, ERR_INVALID, "\"" STR_FMT "\" is a %s, not a table", STR_ARG(table),
                type == TABLE_VIEW ? "view" : "virtual table");
        return err_hint(err, "choose another name for the target's table");
    }
    if (!table_columns(t->db, table, &t->base.existing, NULL, err)) {
        return false;
    }
    t->base.is_new = t->base.existing.count == 0;
    t->table = table;
    if (t->load->mode == MODE_OVERWRITE) {
        t->table = table_staging_name(table, t->arena);
        return t->table.ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for a name");
    }
    return schema_copy(&t->base.existing, &t->there, err);
}

bool sqlite_sink_open(struct sqlite_sink **ret, const struct sqlite_sink_options *options,
                      struct err *err)
{
    struct str table = options->table;
    if (table.len == 0 || str_starts(table, STR("sqlite_")) ||
        str_starts(table, STR("_selvedge_"))) {
        return err_set(err, ERR_INVALID, "\"table\" is missing, or a reserved name");
    }
    struct sqlite_sink *t = arena_alloc(options->arena, sizeof(*t));
    struct str name = arena_copy(options->arena, table);
    if (t == NULL || name.ptr == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the target's table");
    }
    t->db = options->db;
    t->load = options->load;
    t->arena = options->arena;
    t->name = name;
    t->base = (struct sink){.name = table_display_name(options->path, name, options->arena),
                            .existing = schema_new(options->arena),
                            .columns = schema_new(options->arena),
                            .row_count = -1};
    t->there = schema_new(options->arena);
    (void)snprintf(t->rows_name, sizeof(t->rows_name), "_selvedge_rows_%zu", options->number);
    *ret = t;
    return describe(t, err);
}

bool sqlite_sink_finish(struct sqlite_sink *t, struct err *err)
{
    if (t->load->mode != MODE_OVERWRITE || t->schema == NULL) {
        return true;
    }
    db_finish(&t->insert); /* SQLite renames no table that a statement uses */
    return table_swap(t->db, t->table, t->name, err);
}

void sqlite_sink_committed(struct sqlite_sink *t, bool is_last)
{
    t->base.rows_written += t->new_rows;
    t->new_rows = 0;
    t->is_changed = false;
    t->is_staged = !is_last && t->load->mode == MODE_OVERWRITE && t->schema != NULL;
}

bool sqlite_sink_look(struct sqlite_sink *t, struct err *err)
{
    enum table_type type = TABLE_NONE;
    t->base.columns = schema_new(t->arena);
    t->base.row_count = 0;
    return table_columns(t->db, t->name, &t->base.columns, NULL, err) &&
           table_type_of(t->db, t->name, &type, err) &&
           (type == TABLE_NONE || table_row_count(t->db, t->name, &t->base.row_count, err));
}

void sqlite_sink_close(struct sqlite_sink *t)
{
    struct err ignored; /* the next run drops it first, if this fails */
    db_finish(&t->insert);
    if (t->is_staged && !table_drop(t->db, t->table, &ignored)) {
        t->is_staged = false;
    }
}
