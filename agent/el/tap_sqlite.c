/* Tap sqlite: one table or view of somebody else's database, read-only.
 *
 * DESIGN. With a write-ahead log a reader hinders nobody: one read transaction, one snapshot. With
 * a rollback journal a reader keeps the writer from committing, so the read is cut into parts of
 * LEASE_NS: the transaction ends, the writer has its turn, and reading goes on behind the last key
 * (the replication key, else the rowid). A table that is read within one lease is still one
 * snapshot. Views and tables WITHOUT ROWID that have no replication key cannot be cut; nor does it
 * pay when the first row alone takes longer than a lease (a sort: index the replication key).
 *
 * Incremental: rows are read ordered by the key, from the bookmark on (>=), since rows with the
 * bookmark's own value may have been added after it was taken. Upserts make that harmless; for
 * appends the state holds the rows at the bookmark (boundary.h). Rows whose key is NULL have no
 * place in that order: they are counted and reported, not loaded. */
#include "agent/el/bookmark.h"
#include "agent/el/connectors.h"
#include "agent/el/sqlite_discovery.h"
#include "agent/el/table.h"
#include "common/base/limits.h"
#include "common/base/time.h"
#include "common/db/db_rows.h"
#include "common/platform/clock.h"

#include <string.h>

#define LEASE_NS (100 * NS_PER_MS)
enum { LEASE_CHECK_ROWS = 64 };

struct tap_sqlite {
    struct tap base;
    struct stream stream;
    const struct tap_context *context;
    const struct tap_options *options;
    struct clock clock;
    struct db *db;
    struct db_tx tx;
    struct db_query query;
    bool not_null[LIMIT_COLUMNS];
    int key_column; /* of the query: orders it; -1 = not ordered */
    bool may_yield; /* other programs wait for us: read in parts */
    struct mono_time lease_end;
    struct bookmark mark;
};

static struct tap_sqlite *sqlite_of(struct tap *tap)
{
    return (struct tap_sqlite *)(void *)tap;
}

static bool choose_columns(struct tap_sqlite *t, const struct schema *all, struct err *err)
{
    const struct tap_options *o = t->options;
    for (size_t i = 0; i < o->columns.count; i++) {
        size_t column = 0;
        if (!schema_find_nocase(all, o->columns.items[i], &column)) {
            return column_not_found(all, o->table, o->columns.items[i], err);
        }
        if (!schema_add(&t->stream.schema, &all->columns[column], err)) {
            return false;
        }
    }
    return o->columns.count > 0 || schema_copy(all, &t->stream.schema, err);
}

static bool find_table(struct tap_sqlite *t, enum table_type *ret_type, struct schema *all,
                       struct err *err)
{
    struct str table = t->options->table;
    if (table.len == 0) {
        return err_set(err, ERR_INVALID, "tap sqlite: \"table\" is missing");
    }
    if (!table_type_of(t->db, table, ret_type, err)) {
        return false;
    }
    if (*ret_type == TABLE_NONE) {
        return table_not_found(t->db, table, err);
    }
    return table_columns(t->db, table, all, t->not_null, err) && choose_columns(t, all, err);
}

static bool count_rows_without_key(struct tap_sqlite *t, struct err *err)
{
    AUTO(buf) sql = buf_growing(SQL_BYTES_MAX);
    bool found = false;
    buf_add_text(&sql, "SELECT count(*) FROM ");
    db_add_identifier(&sql, t->options->table);
    buf_add_text(&sql, " WHERE ");
    db_add_identifier(&sql, t->options->replication_key);
    buf_add_text(&sql, " IS NULL");
    const char *text = buf_cstr(&sql);
    if (text == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a statement");
    }
    return db_scalar_i64(t->db, text, &t->stream.rows_without_key, &found, err);
}

static bool set_up_key(struct tap_sqlite *t, const struct schema *all, struct err *err)
{
    const struct tap_options *o = t->options;
    const struct bookmark_options options = {.table = o->table,
                                             .key = o->replication_key,
                                             .mode = t->context->mode,
                                             .state = t->context->state,
                                             .schema = &t->stream.schema,
                                             .arena = t->context->arena};
    size_t column = 0;
    if (!bookmark_init(&t->mark, &options, err)) {
        return false;
    }
    if (!t->mark.is_incremental) {
        return true;
    }
    if (!schema_find_nocase(all, o->replication_key, &column)) {
        return column_not_found(all, o->table, o->replication_key, err) ||
               err_wrap(err, "replication_key");
    }
    return t->not_null[column] || count_rows_without_key(t, err);
}

/* In a rollback journal's mode readers and the writer exclude each other. */
static bool find_journal_mode(struct tap_sqlite *t, enum table_type type, const struct schema *all,
                              struct err *err)
{
    AUTO(db_query) q = {0};
    bool has_row = false;
    size_t column = 0;
    if (!db_prepare(t->db, STR("PRAGMA journal_mode"), &q, err) || !db_next(&q, &has_row, err)) {
        return false;
    }
    bool is_wal = has_row && str_eq(db_col_str(&q, 0), STR("wal"));
    bool has_rowid = type == TABLE_ORDINARY && !schema_find_nocase(all, STR("_rowid_"), &column);
    t->may_yield = !is_wal && (t->mark.is_incremental || has_rowid);
    return true;
}

/* `is_resumed`: behind the last key, in a later part; else from the bookmark on. */
static bool build_query(struct tap_sqlite *t, bool is_resumed, struct buf *sql)
{
    const struct schema *schema = &t->stream.schema;
    bool is_ordered = t->mark.is_incremental || t->may_yield;
    struct str key = t->mark.is_incremental ? t->options->replication_key : STR("_rowid_");
    buf_add_text(sql, "SELECT ");
    for (size_t i = 0; i < schema->count; i++) {
        db_add_identifier(sql, schema->columns[i].name);
        buf_add_text(sql, i + 1 < schema->count || is_ordered ? ", " : "");
    }
    if (is_ordered) {
        db_add_identifier(sql, key);
    }
    buf_add_text(sql, " FROM ");
    db_add_identifier(sql, t->options->table);
    bool has_start = is_resumed || t->mark.start.type != VALUE_NULL;
    if (is_ordered && (has_start || t->mark.is_incremental)) {
        buf_add_text(sql, " WHERE ");
        db_add_identifier(sql, key);
        buf_add_text(sql, !has_start   ? " IS NOT NULL"
                          : is_resumed ? " COLLATE BINARY > ?1"
                                       : " COLLATE BINARY >= ?1");
    }
    if (is_ordered) {
        buf_add_text(sql, " ORDER BY ");
        db_add_identifier(sql, key);
        buf_add_text(sql, " COLLATE BINARY");
    }
    t->key_column = is_ordered ? (int)schema->count : -1;
    return has_start && is_ordered;
}

static void bind_key(struct db_query *q, const struct key_value *k)
{
    struct value v = key_value_get(k);
    if (v.type == VALUE_INTEGER) {
        db_bind_at_i64(q, 1, v.as.integer);
    } else if (v.type == VALUE_REAL) {
        db_bind_at_double(q, 1, v.as.real);
    } else {
        db_bind_at_str(q, 1, v.as.text);
    }
}

/* Begins a read transaction and the query in it. */
static bool begin_part(struct tap_sqlite *t, bool is_resumed, struct err *err)
{
    AUTO(buf) sql = buf_growing(SQL_BYTES_MAX);
    bool has_start = build_query(t, is_resumed, &sql);
    if (!sql_prepare(t->db, &sql, &t->query, err)) {
        return false;
    }
    if (has_start) {
        bind_key(&t->query, is_resumed ? &t->mark.last : &t->mark.start);
    }
    t->base.snapshots++;
    t->lease_end = (struct mono_time){clock_mono(&t->clock).ns + LEASE_NS};
    return true;
}

static struct value read_value(const struct db_query *q, int col)
{
    const struct db_value v = db_col_value(q, col);
    switch (v.type) {
    case DB_INTEGER:
        return (struct value){.type = VALUE_INTEGER, .as.integer = v.as.integer};
    case DB_REAL:
        return (struct value){.type = VALUE_REAL, .as.real = v.as.real};
    case DB_TEXT:
        return (struct value){.type = VALUE_TEXT, .as.text = v.as.text};
    case DB_BLOB:
        return (struct value){.type = VALUE_BLOB, .as.text = v.as.text};
    case DB_NULL:
    default:
        return (struct value){.type = VALUE_NULL};
    }
}

/* Reads the row of the query into tap->row. */
static void fill_row(struct tap_sqlite *t)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < t->stream.schema.count; i++) {
        struct value v = read_value(&t->query, (int)i);
        t->base.row[i] = v;
        bytes += v.type >= VALUE_TEXT ? (int64_t)v.as.text.len : v.type == VALUE_NULL ? 1 : 8;
    }
    t->base.bytes_read += bytes;
}

/* Time to let the writer in? Never between rows that share a key: the rest of them would be lost.
 */
static bool is_part_over(struct tap_sqlite *t, const struct value *key)
{
    if (!t->may_yield || t->base.rows_read == 0 || t->base.rows_read % LEASE_CHECK_ROWS != 0 ||
        key_value_equals(&t->mark.last, key)) {
        return false;
    }
    return clock_mono(&t->clock).ns > t->lease_end.ns;
}

static bool begin_next_part(struct tap_sqlite *t, struct err *err)
{
    db_finish(&t->query);
    db_tx_release(&t->tx);
    return db_tx_begin_read(t->db, &t->tx, err) && begin_part(t, true, err);
}

static bool step(struct tap_sqlite *t, bool *ret_row, struct err *err)
{
    if (!db_next(&t->query, ret_row, err)) {
        return false;
    }
    if (!*ret_row || t->key_column < 0) {
        return true;
    }
    struct value key = read_value(&t->query, t->key_column);
    if (is_part_over(t, &key)) {
        return begin_next_part(t, err) && db_next(&t->query, ret_row, err);
    }
    return true;
}

static bool sqlite_tap_next(struct tap *tap, enum tap_result *ret, struct err *err)
{
    struct tap_sqlite *t = sqlite_of(tap);
    bool is_loaded = true;
    while (is_loaded) {
        bool has_row = false;
        if (!step(t, &has_row, err)) {
            return false;
        }
        if (!has_row) {
            *ret = TAP_END;
            return bookmark_note_keys(&t->mark, &t->stream, t->context->arena, err);
        }
        fill_row(t);
        is_loaded = false;
        if (t->key_column >= 0) {
            struct value key = read_value(&t->query, t->key_column);
            if (!bookmark_take(&t->mark, &key, t->base.row, t->stream.schema.count, &is_loaded,
                               err)) {
                return false;
            }
        }
    }
    if (t->base.rows_read == 0) {
        t->may_yield = t->may_yield && clock_mono(&t->clock).ns < t->lease_end.ns;
    }
    tap->rows_read++;
    *ret = TAP_ROW;
    return true;
}

static bool sqlite_tap_state(struct tap *tap, struct buf *out, struct err *err)
{
    return bookmark_write(&sqlite_of(tap)->mark, out, err);
}

static void sqlite_tap_close(struct tap *tap)
{
    if (tap != NULL) {
        struct tap_sqlite *t = sqlite_of(tap);
        db_finish(&t->query);
        db_tx_release(&t->tx);
        db_close(t->db);
        t->db = NULL;
    }
}

static bool open_source(struct tap_sqlite *t, struct err *err)
{
    const char *path = NULL;
    if (!options_path(t->options->path, t->context->arena, &path, err)) {
        return false;
    }
    struct db_options options = {
        .path = path, .flags = DB_READ_ONLY | DB_FOREIGN_FILE, .busy_timeout_ms = 10000};
    if (!db_open(&t->db, &options, err)) {
        if (err->code == ERR_NOT_FOUND || err->code == ERR_IO) {
            err_hint(
                err,
                "check the resource's path, and that this user may read the file and its folder");
        }
        return false;
    }
    /* Views of dbt call them. */
    return db_add_functions(t->db, err) && db_tx_begin_read(t->db, &t->tx, err);
}

static bool set_up(struct tap_sqlite *t, struct err *err)
{
    enum table_type type = TABLE_NONE;
    struct schema all = schema_new(t->context->arena);
    if (!open_source(t, err) || !find_table(t, &type, &all, err) || !set_up_key(t, &all, err) ||
        !find_journal_mode(t, type, &all, err)) {
        return false;
    }
    t->base.row = arena_array(t->context->arena, t->stream.schema.count + 1, sizeof(*t->base.row));
    if (t->base.row == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a row");
    }
    return begin_part(t, false, err);
}

static bool sqlite_tap_open(struct tap **ret, const struct tap_context *context, struct err *err)
{
    struct tap_sqlite *t = arena_alloc(context->arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the tap");
    }
    t->context = context;
    t->options = context->options;
    t->clock = clock_system();
    t->base.ops = &tap_sqlite;
    t->base.stream = &t->stream;
    t->stream = (struct stream){.name = t->options->table, .schema = schema_new(context->arena)};
    if (!set_up(t, err)) {
        sqlite_tap_close(&t->base);
        return err_wrap(err, "tap sqlite");
    }
    *ret = &t->base;
    return true;
}

const struct tap_ops tap_sqlite = {
    .type = "sqlite",
    .options = &tap_sqlite_options,
    .open = sqlite_tap_open,
    .next = sqlite_tap_next,
    .state = sqlite_tap_state,
    .close = sqlite_tap_close,
    .discover = sqlite_discover,
    .choose = sqlite_choose,
    .has_bookmarks = true,
};
