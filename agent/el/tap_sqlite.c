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
#include "agent/el/boundary.h"
#include "agent/el/connectors.h"
#include "agent/el/key_value.h"
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
    bool is_incremental;
    bool not_null[LIMIT_COLUMNS];
    int key_column; /* of the query: orders it; -1 = not ordered */
    bool may_yield; /* other programs wait for us: read in parts */
    struct mono_time lease_end;
    struct key_value start; /* the state's bookmark */
    struct key_value last;  /* key of the last row */
    struct key_value first;
    bool is_append;
    struct boundary boundary;
    uint64_t columns_hash;
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

static uint64_t hash_columns(const struct schema *schema)
{
    struct hash64 h = hash64_new();
    for (size_t i = 0; i < schema->count; i++) {
        hash64_add(&h, schema->columns[i].name);
        hash64_add(&h, STR("\0"));
    }
    return hash64_value(&h);
}

/* The part of the state that is about this table and key, or NULL. Singer's usual form:
 * {"bookmarks": {"sales": {"replication_key": "updated_at", "replication_key_value": "2026-01-02"}}} */
static bool find_bookmark(struct tap_sqlite *t, const struct json **ret, struct err *err)
{
    const struct tap_options *o = t->options;
    struct json *state = NULL;
    *ret = NULL;
    if (t->context->state.len == 0) {
        return true;
    }
    if (!json_parse(t->context->state, LIMIT_JSON_BYTES, t->context->arena, &state, err)) {
        return err_wrap(err, "stored state");
    }
    const struct json *bookmarks = json_get(state, "bookmarks");
    const char *table = arena_cstr(t->context->arena, o->table);
    const struct json *mark = NULL;
    if (bookmarks != NULL && table != NULL) {
        mark = json_get(bookmarks, table);
    }
    const struct json *key = mark == NULL ? NULL : json_get(mark, "replication_key");
    if (key != NULL && key->type == JSON_STRING && str_eq(key->as.string, o->replication_key)) {
        *ret = mark;
    }
    return true;
}

/* Other columns than last time: an upsert starts again, so that rows loaded before get them too. */
static bool read_bookmark(struct tap_sqlite *t, struct err *err)
{
    const struct json *mark = NULL;
    if (!find_bookmark(t, &mark, err)) {
        return false;
    }
    const struct json *columns = mark == NULL ? NULL : json_get(mark, "columns_hash");
    bool has_other_columns = columns != NULL && columns->type == JSON_INT &&
                             (uint64_t)columns->as.integer != t->columns_hash;
    const struct json *rows = mark == NULL ? NULL : json_get(mark, "rows_at_value");
    if (mark != NULL && (t->is_append || !has_other_columns) &&
        !key_value_read(&t->start, json_get(mark, "replication_key_value"), err)) {
        return false;
    }
    t->last = t->start;
    return !t->is_append ||
           boundary_init(&t->boundary, rows, !has_other_columns, t->context->arena, err);
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
    size_t column = 0;
    t->is_incremental = o->replication_key.len > 0 && t->context->mode != MODE_OVERWRITE;
    t->is_append = t->context->mode == MODE_APPEND;
    if (!t->is_incremental) {
        if (t->is_append) {
            err_set(err, ERR_INVALID,
                    "mode append needs the tap's \"replication_key\", or every run would add all "
                    "rows again");
            return err_hint(err, "add \"replication_key\", or use mode upsert or overwrite");
        }
        return true;
    }
    if (!schema_find_nocase(all, o->replication_key, &column)) {
        return column_not_found(all, o->table, o->replication_key, err) ||
               err_wrap(err, "replication_key");
    }
    t->columns_hash = hash_columns(&t->stream.schema);
    return read_bookmark(t, err) && (t->not_null[column] || count_rows_without_key(t, err));
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
    t->may_yield = !is_wal && (t->is_incremental || has_rowid);
    return true;
}

/* `is_resumed`: behind the last key, in a later part; else from the bookmark on. */
static bool build_query(struct tap_sqlite *t, bool is_resumed, struct buf *sql)
{
    const struct schema *schema = &t->stream.schema;
    bool is_ordered = t->is_incremental || t->may_yield;
    struct str key = t->is_incremental ? t->options->replication_key : STR("_rowid_");
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
    bool has_start = is_resumed || t->start.type != VALUE_NULL;
    if (is_ordered && (has_start || t->is_incremental)) {
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
        bind_key(&t->query, is_resumed ? &t->last : &t->start);
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
        key_value_equals(&t->last, key)) {
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

/* Takes note of the row's key. *ret_is_loaded: an earlier run appended the row. */
static bool take_key(struct tap_sqlite *t, const struct value *key, bool *ret_is_loaded,
                     struct err *err)
{
    *ret_is_loaded = false;
    bool is_same = key_value_equals(&t->last, key);
    if (!is_same && !key_value_set(&t->last, key, err)) {
        return err_wrap(err, "column \"" STR_FMT "\"", STR_ARG(t->options->replication_key));
    }
    if (t->is_incremental && t->is_append) {
        if (!is_same) {
            boundary_next_key(&t->boundary);
        }
        return boundary_add(&t->boundary, t->base.row, t->stream.schema.count, ret_is_loaded, err);
    }
    return true;
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

/* For the report. */
static bool note_keys(struct tap_sqlite *t, struct err *err)
{
    AUTO(buf) text = buf_growing((size_t)KEY_VALUE_BYTES_MAX * 2);
    if (!t->is_incremental || t->base.rows_read == 0) {
        return true;
    }
    key_value_print(&t->first, &text);
    t->stream.key_min = arena_copy(t->context->arena, buf_str(&text));
    buf_reset(&text);
    key_value_print(&t->last, &text);
    t->stream.key_max = arena_copy(t->context->arena, buf_str(&text));
    bool ok = t->stream.key_min.ptr != NULL && t->stream.key_max.ptr != NULL;
    return ok || err_set(err, ERR_NO_MEMORY, "no memory for the report");
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
            return note_keys(t, err);
        }
        fill_row(t);
        is_loaded = false;
        if (t->key_column >= 0) {
            struct value key = read_value(&t->query, t->key_column);
            if (!take_key(t, &key, &is_loaded, err)) {
                return false;
            }
        }
    }
    if (t->base.rows_read == 0) {
        t->first = t->last;
        t->may_yield = t->may_yield && clock_mono(&t->clock).ns < t->lease_end.ns;
    }
    tap->rows_read++;
    *ret = TAP_ROW;
    return true;
}

static bool sqlite_tap_state(struct tap *tap, struct buf *out, struct err *err)
{
    struct tap_sqlite *t = sqlite_of(tap);
    const struct tap_options *o = t->options;
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_key(&w, STR("bookmarks"));
    jw_begin_object(&w);
    if (t->is_incremental && t->last.type != VALUE_NULL) {
        if (!key_value_check(&t->last, err)) {
            return err_wrap(err, "column \"" STR_FMT "\"", STR_ARG(o->replication_key));
        }
        jw_key(&w, o->table);
        jw_begin_object(&w);
        jw_member_str(&w, "replication_key", o->replication_key);
        jw_key(&w, STR("replication_key_value"));
        key_value_write(&t->last, &w);
        jw_member_i64(&w, "columns_hash", (int64_t)t->columns_hash);
        if (t->is_append) {
            jw_key(&w, STR("rows_at_value"));
            boundary_write(&t->boundary, &w);
        }
        jw_end_object(&w);
    }
    jw_end_object(&w);
    jw_end_object(&w);
    return !out->overflow || err_set(err, ERR_NO_MEMORY, "no memory for the state");
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
    return db_tx_begin_read(t->db, &t->tx, err);
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
