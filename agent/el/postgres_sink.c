#include "agent/el/postgres_sink.h"

#include "agent/el/merge_sql.h"
#include "agent/el/pg_type.h"
#include "agent/el/postgres_batch.h"
#include "agent/el/postgres_refused.h"
#include "agent/el/postgres_shape.h"
#include "common/base/limits.h"

#include <stdio.h>

enum {
    CHUNK_BYTES = 64 << 10,
    BATCH_BYTES = 512 << 10, /* of rows that may be refused */
    BATCH_LINES_MAX = 4096,
    LINES_BYTES_MAX = LIMIT_SINGER_LINE_BYTES * 4 + CHUNK_BYTES, /* escaping doubles at most */
};

/* --- rows to the server ---------------------------------------------------------------------- */

bool postgres_link_begin(struct postgres_link *link, struct err *err)
{
    link->is_open = link->is_open || pg_exec_text(&link->pg, "BEGIN", err);
    return link->is_open;
}

static bool is_staged(const struct postgres_sink *t)
{
    return t->link->load->mode == MODE_OVERWRITE || t->key.names.count > 0;
}

static bool explain(const struct postgres_sink *t, struct err *err)
{
    if (err->code == ERR_INVALID && err->hint[0] == '\0') {
        err_hint(err, "correct the row at its source, or change the table's columns");
    }
    if (err->code == ERR_EXISTS && err->hint[0] == '\0') {
        err_hint(err, "the table has a unique column that is not the primary_key; use mode upsert "
                      "or overwrite");
    }
    return err_wrap(err, "target postgres: table \"" STR_FMT "\"", STR_ARG(t->table.name));
}

/* The error is the server's alone. */
static bool end_copy(struct postgres_link *link, struct err *err)
{
    struct postgres_sink *t = link->copying;
    int64_t rows = 0;
    link->copying = NULL;
    if (t == NULL) {
        return true;
    }
    if (!pg_copy_end(&link->pg, &rows, err)) {
        return false;
    }
    *(is_staged(t) ? &t->staged_rows : &t->new_rows) += rows;
    return true;
}

bool postgres_link_end_copy(struct postgres_link *link, struct err *err)
{
    const struct postgres_sink *t = link->copying;
    return end_copy(link, err) || explain(t, err);
}

static void add_staging(const struct postgres_sink *t, struct buf *sql)
{
    buf_add_text(sql, "pg_temp.");
    buf_add_text(sql, t->staging);
}

static void add_names(const struct postgres_sink *t, struct buf *sql)
{
    for (size_t i = 0; i < t->count; i++) {
        buf_add_text(sql, i == 0 ? "" : ", ");
        pg_add_identifier(sql, t->names[i]);
    }
}

/* Of an upsert it has the types of the table's columns; of an overwrite those that the rows ask for.
 */
static bool make_staging(struct postgres_sink *t, struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    buf_addf(&sql, "CREATE TEMPORARY TABLE %s", t->staging);
    if (t->link->load->mode != MODE_OVERWRITE) {
        buf_add_text(&sql, " ON COMMIT DELETE ROWS AS SELECT ");
        add_names(t, &sql);
        buf_add_text(&sql, " FROM ");
        pg_add_table(&sql, &t->table);
        buf_add_text(&sql, " WITH NO DATA");
        return pg_exec(&t->link->pg, &sql, NULL, err);
    }
    for (size_t i = 0; i < t->there.count; i++) {
        buf_add_text(&sql, i == 0 ? " (" : ", ");
        pg_add_identifier(&sql, t->there.columns[i].name);
        buf_add_char(&sql, ' ');
        buf_add_text(&sql, pg_type_for(&t->there.columns[i]));
    }
    buf_add_text(&sql, ") ON COMMIT DROP");
    return pg_exec(&t->link->pg, &sql, NULL, err);
}

static bool prepare_staging(struct postgres_sink *t, struct err *err)
{
    if (is_staged(t) && !t->has_staging && !make_staging(t, err)) {
        return false;
    }
    t->has_staging = is_staged(t);
    return true;
}

static bool begin_copy(struct postgres_sink *t, struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    buf_add_text(&sql, "COPY ");
    if (is_staged(t)) {
        add_staging(t, &sql);
    } else {
        pg_add_table(&sql, &t->table);
    }
    buf_add_text(&sql, " (");
    add_names(t, &sql);
    buf_add_text(&sql, ") FROM STDIN");
    if (!pg_copy_begin(&t->link->pg, &sql, err)) {
        return false;
    }
    t->link->copying = t;
    return true;
}

/* --- merging --------------------------------------------------------------------------------- */

typedef void (*merge_builder)(const struct merge_sql *m, struct buf *sql);

/* Most loads repeat no key, and finding the last row of each costs a sort: tried without first.
 * `repeats` is the SQLSTATE that says that some do. */
static bool run_merge(struct postgres_sink *t, struct merge_sql *m, merge_builder build,
                      const char *repeats, struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    int64_t rows = 0;
    m->has_repeats = t->has_repeats;
    buf_add_text(&sql, "SAVEPOINT _selvedge_merge; ");
    build(m, &sql);
    bool ok = pg_exec(&t->link->pg, &sql, &rows, err);
    if (!ok && !t->has_repeats && m->key->names.count > 0 &&
        pg_failed_with(&t->link->pg, repeats)) {
        *err = (struct err){0};
        t->has_repeats = true;
        m->has_repeats = true;
        buf_reset(&sql);
        buf_add_text(&sql, "ROLLBACK TO SAVEPOINT _selvedge_merge; ");
        build(m, &sql);
        ok = pg_exec(&t->link->pg, &sql, &rows, err);
    }
    t->new_rows += rows;
    t->staged_rows = 0;
    return ok && pg_exec_text(&t->link->pg, "RELEASE SAVEPOINT _selvedge_merge", err);
}

static bool merge_staged(struct postgres_sink *t, struct err *err)
{
    AUTO(buf) staging = buf_growing(PG_SQL_BYTES_MAX);
    add_staging(t, &staging);
    struct merge_sql m = {.table = &t->table,
                          .staging = buf_str(&staging),
                          .names = t->names,
                          .types = t->types,
                          .count = t->count,
                          .key = &t->key};
    return run_merge(t, &m, merge_sql_upsert, "21000", err);
}

/* --- rows that may be refused ----------------------------------------------------------------- */

/* The staging table is empty again: the next range is another one. */
static bool empty_staging(struct postgres_sink *t, struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    buf_add_text(&sql, "TRUNCATE ");
    add_staging(t, &sql);
    return pg_exec(&t->link->pg, &sql, NULL, err);
}

static bool apply_lines(void *ctx, struct str lines, struct err *err)
{
    struct postgres_sink *t = ctx;
    bool is_merged = is_staged(t) && t->link->load->mode != MODE_OVERWRITE;
    return begin_copy(t, err) && pg_copy_put(&t->link->pg, lines, err) && end_copy(t->link, err) &&
           (!is_merged || (merge_staged(t, err) && empty_staging(t, err)));
}

static bool send_batch(struct postgres_sink *t, struct err *err)
{
    const struct postgres_batch batch = {
        .pg = &t->link->pg, .apply = apply_lines, .refuse = postgres_refused_line, .ctx = t};
    if (!postgres_link_begin(t->link, err) || !prepare_staging(t, err)) {
        return explain(t, err);
    }
    bool ok = postgres_batch_run(&batch, buf_str(&t->lines), err);
    buf_reset(&t->lines);
    t->line_count = 0;
    return ok || t->link->rejects->is_passed || explain(t, err);
}

static bool flush(struct postgres_sink *t, struct err *err)
{
    if (t->lines.len == 0) {
        return true;
    }
    if (rejects_are_on(t->link->rejects)) {
        return send_batch(t, err);
    }
    if (t->link->copying != t && !postgres_link_end_copy(t->link, err)) {
        return false;
    }
    if (t->link->copying != t &&
        (!postgres_link_begin(t->link, err) || !prepare_staging(t, err) || !begin_copy(t, err))) {
        return explain(t, err);
    }
    if (!pg_copy_put(&t->link->pg, buf_str(&t->lines), err)) {
        return explain(t, err);
    }
    buf_reset(&t->lines);
    return true;
}

static bool take_row(struct postgres_sink *t, const struct value *row, struct err *err)
{
    const struct copy_columns columns = {
        .schema = t->schema, .forms = t->forms, .nul_rule = t->link->nul_rule};
    t->row++;
    if (!load_key_check(&t->key, row, err) || !held_columns_check(&t->held, row, err) ||
        !copy_text_add(&columns, row, &t->lines, err)) {
        return postgres_refused_row(t, row, err);
    }
    if (!rejects_are_on(t->link->rejects)) {
        return t->lines.len < CHUNK_BYTES || flush(t, err);
    }
    t->first_row = t->line_count == 0 ? t->row : t->first_row;
    t->line_rows[t->line_count++] = (uint32_t)(t->row - t->first_row);
    return (t->lines.len < BATCH_BYTES && t->line_count < BATCH_LINES_MAX) || flush(t, err);
}

bool postgres_sink_load(struct postgres_sink *t, const struct row_source *source, struct err *err)
{
    for (;;) {
        const struct value *row = NULL;
        if (!source->next(source->ctx, &row, err)) {
            return false;
        }
        if (row == NULL) {
            return true;
        }
        if (!take_row(t, row, err)) {
            return false;
        }
    }
}

bool postgres_sink_merge(struct postgres_sink *t, struct err *err)
{
    if (!flush(t, err) || !postgres_link_end_copy(t->link, err)) {
        return false;
    }
    if (t->staged_rows == 0 || t->link->load->mode == MODE_OVERWRITE) {
        return true;
    }
    return merge_staged(t, err) || explain(t, err);
}

/* --- the table ------------------------------------------------------------------------------- */

static bool ensure_unique(struct postgres_sink *t, struct err *err)
{
    struct str *columns = arena_array(t->link->arena, t->key.names.count + 1, sizeof(*columns));
    if (columns == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the primary key");
    }
    for (size_t i = 0; i < t->key.names.count; i++) {
        columns[i] = t->names[t->key.columns[i]];
    }
    return t->key.names.count == 0 ||
           pg_table_ensure_unique(&t->link->pg, &t->table, columns, t->key.names.count, err);
}

/* Rows of other columns follow: what came so far is merged as it came. */
static bool end_schema(struct postgres_sink *t, struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    if (!postgres_sink_merge(t, err)) {
        return false;
    }
    if (!t->has_staging || t->link->load->mode == MODE_OVERWRITE) {
        return true;
    }
    t->has_staging = false;
    buf_add_text(&sql, "DROP TABLE ");
    add_staging(t, &sql);
    return pg_exec(&t->link->pg, &sql, NULL, err);
}

bool postgres_sink_set_schema(struct postgres_sink *t, const struct schema *schema,
                              const struct str_list *key, struct err *err)
{
    bool is_overwrite = t->link->load->mode == MODE_OVERWRITE;
    if (schema->count == 0) {
        return err_set(err, ERR_INVALID, "target postgres: table \"" STR_FMT "\" has no columns",
                       STR_ARG(t->table.name));
    }
    if (!postgres_link_begin(t->link, err) || !postgres_link_end_copy(t->link, err) ||
        !end_schema(t, err)) {
        return false;
    }
    bool ok = load_key_choose(t->link->load, key, schema, t->link->arena, &t->key, err) &&
              postgres_shape(t, schema, err) && postgres_map_columns(t, schema, err) &&
              (is_overwrite || ensure_unique(t, err));
    t->schema = schema;
    return ok || err_wrap(err, "target postgres: table \"" STR_FMT "\"", STR_ARG(t->table.name));
}

/* --- rows that go ---------------------------------------------------------------------------- */

/* Columns that the table has not are made, but where no row could go for that: of what is staged, and
 * where rows of unknown versions stay. */
static bool add_removal_columns(struct postgres_sink *t, const struct removal *removal,
                                bool *ret_has_all, struct err *err)
{
    struct column columns[2];
    size_t count = removal_columns(removal, columns);
    *ret_has_all = true;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        if (schema_find(&t->there, columns[i].name, &at)) {
            continue;
        }
        *ret_has_all = t->link->load->mode != MODE_OVERWRITE && !removal->keeps_unknown;
        if (*ret_has_all && (!pg_table_add_column(&t->link->pg, &t->table, &columns[i], err) ||
                             !schema_add(&t->there, &columns[i], err))) {
            return false;
        }
    }
    return true;
}

bool postgres_sink_remove(struct postgres_sink *t, const struct removal *removal, struct err *err)
{
    bool is_overwrite = t->link->load->mode == MODE_OVERWRITE;
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    AUTO(buf) table = buf_growing(PG_SQL_BYTES_MAX);
    int64_t rows = 0;
    bool has_columns = false;
    if (!postgres_sink_merge(t, err) || !postgres_link_begin(t->link, err)) {
        return false;
    }
    bool ok = add_removal_columns(t, removal, &has_columns, err);
    if (ok && has_columns && (!is_overwrite || t->has_staging)) {
        if (is_overwrite) {
            add_staging(t, &table);
        } else {
            pg_add_table(&table, &t->table);
        }
        removal_sql(removal, buf_str(&table), &sql);
        ok = pg_exec(&t->link->pg, &sql, &rows, err);
        t->base.rows_removed += rows;
    }
    return ok || explain(t, err);
}

/* --- mode overwrite -------------------------------------------------------------------------- */

static bool takes(struct str type, const char *wanted)
{
    bool is_numeric = str_starts(type, STR("numeric"));
    bool is_numeric_wanted = str_eq(str_from(wanted), STR("numeric"));
    enum column_kind kind = pg_type_kind(str_from(wanted));
    if (is_numeric || is_numeric_wanted) {
        return is_numeric && (is_numeric_wanted || kind == COLUMN_INTEGER || kind == COLUMN_REAL);
    }
    return pg_type_kind(type) == kind;
}

/* The table takes the rows as it is: the same columns of the same kinds. It stays then, with its
 * indexes, grants, triggers and the views over it. */
static bool is_alike(const struct schema *old, const struct schema *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        size_t at = 0;
        if (!schema_find_nocase(old, rows->columns[i].name, &at) ||
            !takes(old->columns[at].type, pg_type_for(&rows->columns[i]))) {
            return false;
        }
    }
    return old->count == rows->count;
}

static bool drop_old(struct postgres_sink *t, struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    buf_add_text(&sql, "DROP TABLE ");
    pg_add_table(&sql, &t->table);
    if (pg_exec(&t->link->pg, &sql, NULL, err)) {
        return true;
    }
    if (pg_failed_with(&t->link->pg, "2BP01")) {
        err->code = ERR_INVALID;
        err_hint(err, "the columns changed, so the table would be made anew, and views or keys "
                      "depend on it: drop those first, or use mode upsert");
    }
    return false;
}

static bool truncate_old(struct postgres_sink *t, struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    buf_add_text(&sql, "TRUNCATE ");
    pg_add_table(&sql, &t->table);
    if (pg_exec(&t->link->pg, &sql, NULL, err)) {
        return true;
    }
    if (pg_failed_with(&t->link->pg, "0A000")) {
        err_hint(err, "other tables' foreign keys refer to it: drop those, or use mode upsert");
    }
    return false;
}

/* The old table without its rows, or a new one, with its columns in t->there. */
static bool make_room(struct postgres_sink *t, struct err *err)
{
    struct schema old = schema_new(t->link->arena);
    char kind = '\0';
    if (!pg_table_describe(&t->link->pg, &t->table, &old, &kind, NULL, err)) {
        return false;
    }
    if (kind != '\0' && is_alike(&old, &t->there)) {
        return truncate_old(t, err);
    }
    return (kind == '\0' || drop_old(t, err)) &&
           pg_table_create(&t->link->pg, &t->table, &t->there, &t->key, err);
}

static bool fill(struct postgres_sink *t, struct err *err)
{
    AUTO(buf) staging = buf_growing(PG_SQL_BYTES_MAX);
    add_staging(t, &staging);
    struct merge_sql m = {.table = &t->table,
                          .staging = buf_str(&staging),
                          .names = t->names,
                          .types = t->types,
                          .count = t->count,
                          .key = &t->key};
    return !t->has_staging || run_merge(t, &m, merge_sql_fill, "23505", err);
}

/* From here on the rows are those of the staging table, with all columns that any row had. */
bool postgres_sink_finish(struct postgres_sink *t, struct err *err)
{
    const struct str_list key = t->key.names;
    if (t->schema == NULL) {
        return true;
    }
    struct schema *table = arena_alloc(t->link->arena, sizeof(*table));
    if (table == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the table");
    }
    *table = schema_new(t->link->arena);
    t->schema = &t->there;
    bool ok = load_key_choose(t->link->load, &key, t->schema, t->link->arena, &t->key, err) &&
              make_room(t, err) &&
              pg_table_describe(&t->link->pg, &t->table, table, &(char){0}, NULL, err);
    if (ok) {
        t->there = *table;
        t->schema = table;
    }
    ok = ok && load_key_choose(t->link->load, &key, t->schema, t->link->arena, &t->key, err) &&
         postgres_map_columns(t, t->schema, err) && ensure_unique(t, err) && fill(t, err);
    return ok || explain(t, err);
}

/* --- from the first look to the end ---------------------------------------------------------- */

static bool look_at_table(struct postgres_sink *t, struct schema *into, char *ret_kind,
                          struct err *err)
{
    if (!pg_table_describe(&t->link->pg, &t->table, into, ret_kind, NULL, err)) {
        return false;
    }
    if (*ret_kind == '\0' || *ret_kind == 'r' || *ret_kind == 'p') {
        return true;
    }
    err_set(err, ERR_INVALID, "\"" STR_FMT "\" is a %s, not a table", STR_ARG(t->table.name),
            *ret_kind == 'f' ? "foreign table" : "view");
    return err_hint(err, "choose another name for the target's table");
}

static bool describe(struct postgres_sink *t, struct err *err)
{
    char kind = '\0';
    if (!look_at_table(t, &t->base.existing, &kind, err)) {
        return false;
    }
    t->base.is_new = kind == '\0';
    return t->link->load->mode == MODE_OVERWRITE || schema_copy(&t->base.existing, &t->there, err);
}

bool postgres_sink_open(struct postgres_sink **ret, struct postgres_link *link, struct str table,
                        size_t number, struct err *err)
{
    if (table.len == 0 || str_starts(table, STR("_selvedge_"))) {
        return err_set(err, ERR_INVALID, "\"table\" is missing, or a reserved name");
    }
    struct postgres_sink *t = arena_alloc(link->arena, sizeof(*t));
    if (!pg_check_name("table", table, err)) {
        return false;
    }
    struct str database = pg_database(&link->pg);
    struct str name = arena_copy(link->arena, table);
    struct str whole = arena_printf(link->arena, STR_FMT "." STR_FMT "." STR_FMT, STR_ARG(database),
                                    STR_ARG(link->schema), STR_ARG(table));
    if (t == NULL || name.ptr == NULL || whole.ptr == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the target's table");
    }
    *t = (struct postgres_sink){.link = link,
                                .base = {.name = whole,
                                         .existing = schema_new(link->arena),
                                         .columns = schema_new(link->arena),
                                         .row_count = -1},
                                .table = {link->schema, name},
                                .there = schema_new(link->arena),
                                .lines = buf_growing(LINES_BYTES_MAX),
                                .record = buf_growing((size_t)LIMIT_SINGER_LINE_BYTES * 2)};
    if (rejects_are_on(link->rejects)) {
        t->line_rows = arena_array(link->arena, BATCH_LINES_MAX, sizeof(*t->line_rows));
        if (t->line_rows == NULL) {
            return err_set(err, ERR_NO_MEMORY, "no memory for the target's rows");
        }
    }
    (void)snprintf(t->staging, sizeof(t->staging), "_selvedge_rows_%zu", number);
    *ret = t;
    return describe(t, err);
}

void postgres_sink_committed(struct postgres_sink *t)
{
    t->base.rows_written += t->new_rows;
    t->new_rows = 0;
}

bool postgres_sink_look(struct postgres_sink *t, struct err *err)
{
    char kind = '\0';
    t->base.columns = schema_new(t->link->arena);
    t->base.row_count = 0;
    return look_at_table(t, &t->base.columns, &kind, err) &&
           (kind == '\0' || pg_table_row_count(&t->link->pg, &t->table, &t->base.row_count, err));
}

void postgres_sink_close(struct postgres_sink *t)
{
    buf_release(&t->lines);
    buf_release(&t->record);
}
