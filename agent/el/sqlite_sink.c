#include "agent/el/sqlite_sink.h"

#include "agent/el/insert_sql.h"
#include "agent/el/table_change.h"

#include <math.h>
#include <stdio.h>

/* --- rows, as SQLite asks for them ----------------------------------------------------------- */

/* The row is left out, and why goes with it; `err` is void then. */
static bool reject(struct sqlite_sink *t, const struct value *row, struct err *err)
{
    struct bad_record bad;
    buf_reset(&t->record);
    reject_write_row(t->schema, row, &t->record);
    bad_record_set(&bad, STR(""), t->row, buf_str(&t->record), err);
    bad.reject.stream = t->name;
    return rejects_add(t->rejects, &bad.reject, err);
}

/* A rowid that is none ends the statement in a way that takes other rows with it. */
static bool check_rowid(const struct sqlite_sink *t, struct err *err)
{
    int64_t number = 0;
    const struct value *v = &t->present[t->key.columns[0]];
    bool is_integer =
        v->type == VALUE_INTEGER ||
        (v->type == VALUE_REAL && v->as.real == nearbyint(v->as.real)) ||
        (v->type == VALUE_TEXT && str_to_i64(v->as.text, INT64_MIN, INT64_MAX, &number));
    return is_integer || err_set(err, ERR_INVALID, "column \"" STR_FMT "\" is no integer",
                                 STR_ARG(t->key.names.items[0]));
}

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
                "column \"" STR_FMT "\": " STR_FMT
                " does not fit into SQLite's numbers without loss",
                STR_ARG(t->schema->columns[column].name), (int)number.len, number.ptr);
        return err_hint(err, "let the tap give it as a string, or give the table's column the type "
                             "TEXT");
    }
    return true;
}

static bool check_row(struct sqlite_sink *t, struct err *err)
{
    if (!load_key_check(&t->key, t->present, err) ||
        !held_columns_check(&t->held, t->present, err) || !check_exact(t, err)) {
        return false;
    }
    return !t->has_rowid_key || !rejects_are_on(t->rejects) || check_rowid(t, err);
}

static bool next_row(void *ctx, bool *ret_row)
{
    struct sqlite_sink *t = ctx;
    struct err *err = &t->source_err;
    t->present = NULL;
    while (t->alone == NULL) {
        if (!t->source->next(t->source->ctx, &t->present, err)) {
            return false;
        }
        t->row += t->present != NULL;
        if (t->present == NULL || check_row(t, err)) {
            break;
        }
        if (!rejects_are_on(t->rejects)) {
            return err_wrap(err, "target sqlite: row %lld", (long long)t->row);
        }
        if (!reject(t, t->present, err)) {
            return false;
        }
    }
    *ret_row = t->present != NULL;
    if (t->is_careful && t->present != NULL) {
        t->alone = t->present;
    }
    return true;
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

/* What the table itself has against a row, and no more than that. */
static bool is_refusal(const struct sqlite_sink *t, const struct err *err)
{
    return t->alone != NULL && t->source_err.code == ERR_NONE &&
           (err->code == ERR_INVALID || err->code == ERR_EXISTS) && rejects_are_on(t->rejects) &&
           db_in_transaction(t->db);
}

static bool insert_rows(struct sqlite_sink *t, struct err *err)
{
    int64_t before = db_total_changes(t->db);
    if (!db_run(&t->insert, err)) {
        return is_refusal(t, err) ? reject(t, t->alone, err) : explain(t, err);
    }
    t->new_rows += db_total_changes(t->db) - before;
    return true;
}

bool sqlite_sink_load(struct sqlite_sink *t, const struct row_source *source, struct err *err)
{
    t->source = source;
    t->source_err = (struct err){0};
    do {
        t->alone = NULL;
        if (!insert_rows(t, err)) {
            return false;
        }
    } while (t->alone != NULL); /* it was taken, or refused, and more may come */
    return true;
}

/* --- the table ------------------------------------------------------------------------------- */

/* The table's column takes the rows' values, or rows are held to what it takes. */
static bool change_column(struct sqlite_sink *t, size_t at, const struct schema *schema,
                          size_t column, struct err *err)
{
    struct column *there = &t->there.columns[at];
    enum schema_change change = CHANGE_NONE;
    if (!schema_change_choose(there, &schema->columns[column],
                              (enum schema_policy)t->load->on_schema_change, &change, err)) {
        return false;
    }
    if (change == CHANGE_HELD) {
        t->held.items[column] = there;
    }
    if (change == CHANGE_NONE || change == CHANGE_HELD) {
        return true;
    }
    t->is_changed = true;
    db_finish(&t->insert); /* SQLite drops no column that a statement uses */
    if (!table_change_column(t->db, t->table, there, change, err)) {
        return false;
    }
    *there = table_changed_column(there, change);
    return true;
}

static bool add_column(struct sqlite_sink *t, const struct column *column, struct err *err)
{
    t->is_changed = true;
    return table_add_column(t->db, t->table, column, err) && schema_add(&t->there, column, err);
}

/* Makes the table, or gives it what it needs to take the rows. */
static bool shape_table(struct sqlite_sink *t, const struct schema *schema, struct err *err)
{
    if (!held_columns_init(&t->held, schema->count, t->arena, err)) {
        return false;
    }
    if (t->there.count == 0) {
        t->is_changed = true;
        return table_create(t->db, t->table, schema, &t->key.names, err) &&
               table_columns(t->db, t->table, &t->there, NULL, err);
    }
    for (size_t i = 0; i < schema->count; i++) {
        size_t at = 0;
        bool is_there = schema_find_nocase(&t->there, schema->columns[i].name, &at);
        if (!(is_there ? change_column(t, at, schema, i, err)
                       : add_column(t, &schema->columns[i], err))) {
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
                                    .there = &t->there,
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

/* What the table may refuse; looked for only where a refusal is not the end. */
static bool look_for_rules(struct sqlite_sink *t, struct err *err)
{
    size_t at = 0;
    t->has_rowid_key = t->key.names.count == 1 &&
                       schema_find_nocase(&t->there, t->key.names.items[0], &at) &&
                       names_equal_nocase(t->there.columns[at].type, STR("INTEGER"));
    return table_has_rules(t->db, t->table, &t->key.names, &t->is_careful, err);
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
    bool ok = shape_table(t, schema, err) && find_exact(t, schema, err) &&
              prepare_insert(t, schema, err) &&
              (!rejects_are_on(t->rejects) || look_for_rules(t, err));
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
    t->rejects = options->rejects;
    t->record = buf_growing((size_t)LIMIT_SINGER_LINE_BYTES * 2);
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
    buf_release(&t->record);
    if (t->is_staged && !table_drop(t->db, t->table, &ignored)) {
        t->is_staged = false;
    }
}
