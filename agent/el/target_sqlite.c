/* Target sqlite: rows into one table; the state of the extract is a row of the same database, so
 * data and state are in one transaction. Mode overwrite fills a staging table, which takes the
 * table's place in the last transaction. One INSERT ... SELECT takes all rows of a slice, from a
 * virtual table that asks the source. */
#include "agent/el/connectors.h"
#include "agent/el/insert_sql.h"
#include "agent/el/table.h"
#include "common/base/limits.h"
#include "common/db/db_rows.h"
#include "common/platform/clock.h"

#include <string.h>

enum {
    TARGET_CACHE_KIB = 2048,
    TARGET_BUSY_TIMEOUT_MS = 30000, /* another step may be loading into the same file */
};
#define STATE_TABLE "_selvedge_state"
#define ROWS_TABLE  "_selvedge_rows"

struct target_sqlite {
    struct target base;
    const struct target_context *context;
    struct db *db;
    struct db_tx tx;
    struct db_query insert;
    struct str table;    /* where rows go: the table, or its staging table */
    struct schema there; /* columns of that table now */
    struct str_list key;
    size_t *key_columns; /* in the rows */
    const struct schema *schema;
    struct db_rows rows; /* what the INSERT reads */
    const struct row_source *source;
    const struct value *present; /* row */
    struct err source_err;       /* why it gave none */
    int64_t row;                 /* number of the row, for errors */
    int64_t changes_before;
    bool is_changed;  /* the schema, in this transaction */
    bool is_staged;   /* part of the staging table is committed */
    struct buf state; /* what base.state borrows after a commit */
};

static struct target_sqlite *sqlite_of(struct target *target)
{
    return (struct target_sqlite *)(void *)target;
}

static bool has_table(struct db *db, struct str name, bool *ret, struct err *err)
{
    enum table_type type = TABLE_NONE;
    if (!table_type_of(db, name, &type, err)) {
        return false;
    }
    *ret = type != TABLE_NONE;
    return true;
}

static bool read_state(struct target_sqlite *t, struct err *err)
{
    bool has_state_table = false;
    bool has_row = false;
    if (!has_table(t->db, STR(STATE_TABLE), &has_state_table, err)) {
        return false;
    }
    if (!has_state_table) {
        return true;
    }
    AUTO(db_query) q = {0};
    if (!db_prepare(t->db, STR("SELECT value FROM " STATE_TABLE " WHERE state_id = ?1"), &q, err)) {
        return false;
    }
    db_bind_at_str(&q, 1, t->context->state_id);
    if (!db_next(&q, &has_row, err)) {
        return false;
    }
    if (has_row) {
        t->base.state = arena_copy(t->context->arena, db_col_str(&q, 0));
        if (t->base.state.ptr == NULL) {
            return err_set(err, ERR_NO_MEMORY, "no memory for the state");
        }
    }
    return true;
}

static bool write_state(struct target_sqlite *t, struct str state, struct err *err)
{
    AUTO(db_query) q = {0};
    char now[WALL_TEXT_SIZE];
    struct clock clock = clock_system();
    if (!db_exec(t->db,
                 "CREATE TABLE IF NOT EXISTS " STATE_TABLE
                 " (state_id TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, updated_at TEXT NOT "
                 "NULL) STRICT",
                 err) ||
        !db_prepare(t->db,
                    STR("INSERT INTO " STATE_TABLE
                        " (state_id, value, updated_at) VALUES (?1, ?2, ?3) "
                        "ON CONFLICT (state_id) DO UPDATE SET value = excluded.value, updated_at = "
                        "excluded.updated_at"),
                    &q, err)) {
        return false;
    }
    db_bind_at_str(&q, 1, t->context->state_id);
    db_bind_at_str(&q, 2, state);
    db_bind_at_str(&q, 3, str_from(wall_format(clock_wall(&clock), now)));
    return db_run(&q, err);
}

/* --- rows, as SQLite asks for them ----------------------------------------------------------- */

static bool check_key(struct target_sqlite *t)
{
    for (size_t i = 0; i < t->key.count; i++) {
        if (t->present[t->key_columns[i]].type != VALUE_NULL) {
            continue;
        }
        err_set(&t->source_err, ERR_INVALID,
                "target sqlite: row %lld: column \"" STR_FMT "\" of the primary key is NULL",
                (long long)t->row, STR_ARG(t->key.items[i]));
        return err_hint(&t->source_err,
                        "correct the row at its source, or choose another primary_key");
    }
    return true;
}

static bool next_row(void *ctx, bool *ret_row)
{
    struct target_sqlite *t = ctx;
    t->present = NULL;
    if (!t->source->next(t->source->ctx, &t->present, &t->source_err)) {
        return false;
    }
    *ret_row = t->present != NULL;
    t->row += *ret_row;
    return !*ret_row || check_key(t);
}

static struct db_value row_value(void *ctx, int column)
{
    const struct target_sqlite *t = ctx;
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

static bool explain(const struct target_sqlite *t, struct err *err)
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

static bool sqlite_target_load(struct target *target, const struct row_source *source,
                               struct err *err)
{
    struct target_sqlite *t = sqlite_of(target);
    t->source = source;
    t->source_err = (struct err){0};
    return db_run(&t->insert, err) || explain(t, err);
}

/* --- the table ------------------------------------------------------------------------------- */

static bool check_types(const struct schema *schema, const struct schema *there, struct err *err)
{
    for (size_t i = 0; i < schema->count; i++) {
        const struct column *c = &schema->columns[i];
        size_t at = 0;
        bool is_text = c->kind == COLUMN_TEXT || c->kind == COLUMN_JSON || c->kind == COLUMN_BLOB;
        if (!is_text || !schema_find_nocase(there, c->name, &at) ||
            !column_kind_is_number(there->columns[at].kind)) {
            continue;
        }
        struct str type = there->columns[at].type;
        err_set(err, ERR_INVALID,
                "column \"" STR_FMT "\" holds text now, but the table has it as " STR_FMT,
                STR_ARG(c->name), STR_ARG(type));
        return err_hint(err,
                        "load once with mode overwrite, or give the table a column of type TEXT");
    }
    return true;
}

/* Makes the table, or adds the columns it has not. */
static bool shape_table(struct target_sqlite *t, const struct schema *schema, struct err *err)
{
    if (t->there.count == 0) {
        t->is_changed = true;
        return table_create(t->db, t->table, schema, &t->key, err) &&
               schema_copy(schema, &t->there, err);
    }
    if (!check_types(schema, &t->there, err)) {
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

static bool find_key_columns(struct target_sqlite *t, const struct schema *schema, struct err *err)
{
    t->key_columns = arena_array(t->context->arena, t->key.count + 1, sizeof(*t->key_columns));
    if (t->key_columns == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the primary key");
    }
    for (size_t i = 0; i < t->key.count; i++) {
        if (!schema_find_nocase(schema, t->key.items[i], &t->key_columns[i])) {
            return column_not_found(schema, STR("the source"), t->key.items[i], err) ||
                   err_wrap(err, "primary_key");
        }
    }
    return true;
}

/* A table that was made without this key gets a unique index for it: an upsert needs one. */
static bool add_unique_index(struct target_sqlite *t, const struct insert_sql *plan,
                             struct err *err)
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

static bool prepare_insert(struct target_sqlite *t, const struct schema *schema, struct err *err)
{
    AUTO(buf) sql = buf_growing(SQL_BYTES_MAX);
    const struct insert_sql plan = {.table = t->table,
                                    .rows = STR(ROWS_TABLE),
                                    .schema = schema,
                                    .key = t->key,
                                    .key_columns = t->key_columns};
    db_finish(&t->insert);
    t->rows = (struct db_rows){
        .columns = (int)schema->count, .next = next_row, .value = row_value, .ctx = t};
    insert_sql_build(&plan, &sql);
    if (!db_add_rows(t->db, ROWS_TABLE, &t->rows, err)) {
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

static bool choose_key(struct target_sqlite *t, const struct str_list *key, struct err *err)
{
    const struct target_options *o = t->context->options;
    t->key = o->primary_key.count > 0 ? o->primary_key : *key;
    if (o->mode == MODE_UPSERT && t->key.count == 0) {
        err_set(err, ERR_INVALID, "mode upsert needs a \"primary_key\"");
        return err_hint(err, "name the columns that identify a row, for example primary_key: [id]");
    }
    if (o->mode == MODE_APPEND) {
        t->key = (struct str_list){0}; /* the same key may come again */
    }
    return true;
}

static bool begin(struct target_sqlite *t, struct err *err)
{
    t->changes_before = db_total_changes(t->db);
    return db_tx_begin(t->db, &t->tx, err);
}

static bool sqlite_target_set_schema(struct target *target, const struct schema *schema,
                                     const struct str_list *key, struct err *err)
{
    struct target_sqlite *t = sqlite_of(target);
    bool is_first = t->schema == NULL;
    if (!choose_key(t, key, err) || !find_key_columns(t, schema, err) ||
        (t->tx.db == NULL && !begin(t, err))) {
        return false;
    }
    if (is_first && t->context->options->mode == MODE_OVERWRITE &&
        !table_drop(t->db, t->table, err)) {
        return false; /* what a run that was killed left */
    }
    t->schema = schema;
    bool ok = shape_table(t, schema, err) && prepare_insert(t, schema, err);
    return ok || err_wrap(err, "target sqlite: table \"" STR_FMT "\"",
                          STR_ARG(t->context->options->table));
}

/* --- ending ---------------------------------------------------------------------------------- */

static bool finish_table(struct target_sqlite *t, struct err *err)
{
    if (t->context->options->mode != MODE_OVERWRITE || t->schema == NULL) {
        return true;
    }
    db_finish(&t->insert); /* SQLite renames no table that a statement uses */
    return table_swap(t->db, t->table, t->context->options->table, err);
}

/* What the target has now, for the report; after the commit, so that a long count holds up nobody.
 */
static bool look_at_result(struct target_sqlite *t, struct err *err)
{
    struct str table = t->context->options->table;
    t->base.columns = schema_new(t->context->arena);
    t->base.row_count = 0;
    bool is_there = false;
    return table_columns(t->db, table, &t->base.columns, NULL, err) &&
           has_table(t->db, table, &is_there, err) &&
           (!is_there || table_row_count(t->db, table, &t->base.row_count, err));
}

/* Nothing is committed when nothing changed: a run without news writes no byte. */
static bool commit_state(struct target_sqlite *t, struct str state, bool is_last, struct err *err)
{
    bool is_state_due = is_last || t->context->options->mode != MODE_OVERWRITE;
    bool has_rows = t->tx.db != NULL && db_total_changes(t->db) != t->changes_before;
    if (is_state_due && !str_eq(state, t->base.state)) {
        if ((t->tx.db == NULL && !begin(t, err)) || !write_state(t, state, err)) {
            return false;
        }
        buf_reset(&t->state);
        buf_add(&t->state, state);
        t->base.state = buf_str(&t->state);
    } else if (!has_rows && !t->is_changed) {
        db_tx_release(&t->tx);
        return true;
    }
    return t->tx.db == NULL || db_tx_commit(&t->tx, err);
}

static bool sqlite_target_commit(struct target *target, struct str state, bool is_last,
                                 struct err *err)
{
    struct target_sqlite *t = sqlite_of(target);
    bool has_tx = t->tx.db != NULL;
    int64_t rows = has_tx ? db_total_changes(t->db) - t->changes_before : 0;
    if (is_last && has_tx && !finish_table(t, err)) {
        return err_wrap(err, "target sqlite");
    }
    if (!commit_state(t, state, is_last, err)) {
        return err_wrap(err, "target sqlite: commit");
    }
    t->base.rows_written += rows;
    t->is_changed = false;
    t->is_staged = !is_last && t->context->options->mode == MODE_OVERWRITE;
    return is_last ? look_at_result(t, err) : begin(t, err);
}

static void sqlite_target_close(struct target *target)
{
    if (target != NULL) {
        struct target_sqlite *t = sqlite_of(target);
        struct err ignored; /* the next run drops it first, if this fails */
        db_finish(&t->insert);
        db_tx_release(&t->tx);
        if (t->is_staged && !table_drop(t->db, t->table, &ignored)) {
            t->is_staged = false;
        }
        db_close(t->db);
        t->db = NULL;
        buf_release(&t->state);
    }
}

static bool describe(struct target_sqlite *t, struct err *err)
{
    struct str table = t->context->options->table;
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
    t->table = table;
    if (t->context->options->mode == MODE_OVERWRITE) {
        t->table = table_staging_name(table, t->context->arena);
        return t->table.ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for a name");
    }
    return schema_copy(&t->base.existing, &t->there, err);
}

static bool set_up(struct target_sqlite *t, struct err *err)
{
    const struct target_options *o = t->context->options;
    const char *path = NULL;
    if (o->table.len == 0 || str_starts(o->table, STR("sqlite_")) ||
        str_starts(o->table, STR("_selvedge_"))) {
        return err_set(err, ERR_INVALID, "\"table\" is missing, or a reserved name");
    }
    if (!request_path(o->path, t->context->arena, &path, err)) {
        return false;
    }
    struct db_options options = {
        .path = path,
        .flags = DB_FOREIGN_FILE,
        .cache_kib = TARGET_CACHE_KIB,
        .busy_timeout_ms = TARGET_BUSY_TIMEOUT_MS,
    };
    if (!db_open(&t->db, &options, err)) {
        if (err->code == ERR_NOT_FOUND || err->code == ERR_DENIED) {
            err_hint(err, "the folder must be there, and this user must be allowed to write in it");
        }
        return false;
    }
    /* A table that is gone takes its state with it: everything is loaded again. */
    return describe(t, err) && (t->base.existing.count == 0 || read_state(t, err));
}

static bool sqlite_target_open(struct target **ret, const struct target_context *context,
                               struct err *err)
{
    struct target_sqlite *t = arena_alloc(context->arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the target");
    }
    t->context = context;
    t->base.ops = &target_sqlite;
    t->base.existing = schema_new(context->arena);
    t->there = schema_new(context->arena);
    t->base.row_count = -1;
    t->state = buf_growing(LIMIT_JSON_BYTES);
    if (!set_up(t, err)) {
        sqlite_target_close(&t->base);
        return err_wrap(err, "target sqlite");
    }
    *ret = &t->base;
    return true;
}

const struct target_ops target_sqlite = {
    .type = "sqlite",
    .open = sqlite_target_open,
    .set_schema = sqlite_target_set_schema,
    .load = sqlite_target_load,
    .commit = sqlite_target_commit,
    .close = sqlite_target_close,
};
