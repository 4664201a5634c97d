/* Tap postgres: one table or view, in one read-only snapshot (REPEATABLE READ), its rows by COPY TO
 * STDOUT, one at a time, so that memory is bounded.
 *
 * Incremental: ordered by the key, from the bookmark on (bookmark.h). Text keys are ordered by bytes
 * (COLLATE "C"): another order may change with the server's libraries, and rows would be missed.
 * A transaction that commits late with a key below the bookmark is never seen: keys that grow in the
 * order of commits, or an overlap that upserts make harmless, are the source's to give.
 *
 * Values go over as text. What no 64-bit number holds stays text: numeric of many digits, NaN and
 * infinities. Times are ISO 8601, with time zone in UTC; lists are JSON. */
#include "agent/connectors/postgres_options.h"
#include "agent/el/bookmark.h"
#include "agent/el/connectors.h"
#include "agent/el/copy_text.h"
#include "agent/el/pg_discovery.h"
#include "agent/el/pg_table.h"
#include "agent/el/pg_type.h"
#include "agent/el/table.h"
#include "common/base/limits.h"

#include <string.h>

/* How a column's text is read. */
enum form { FORM_TEXT, FORM_INTEGER, FORM_REAL, FORM_BOOLEAN, FORM_BYTES, FORM_TIME };

struct tap_postgres {
    struct tap base;
    struct stream stream;
    const struct tap_context *context;
    const struct postgres_tap_options *options;
    struct pg pg;
    struct pg_table table;
    bool is_copying;
    bool not_null[LIMIT_COLUMNS];
    enum form forms[LIMIT_COLUMNS + 1]; /* of the columns, and of the key behind them */
    struct bookmark mark;
    struct value key; /* of the row */
};

static struct tap_postgres *postgres_of(struct tap *tap)
{
    return (struct tap_postgres *)(void *)tap;
}

/* --- values ---------------------------------------------------------------------------------- */

static enum form form_of(const struct column *c)
{
    switch (c->kind) {
    case COLUMN_INTEGER:
        return FORM_INTEGER;
    case COLUMN_REAL:
        return FORM_REAL;
    case COLUMN_BOOLEAN:
        return FORM_BOOLEAN;
    case COLUMN_BLOB:
        return FORM_BYTES;
    case COLUMN_TEXT:
    case COLUMN_JSON:
    case COLUMN_ANY:
    default:
        return str_starts(c->type, STR("timestamp")) ? FORM_TIME : FORM_TEXT;
    }
}

/* "\x6162" in its place. */
static struct str read_bytes(struct copy_field field)
{
    size_t count = field.len < 2 ? 0 : (field.len - 2) / 2;
    for (size_t i = 0; i < count; i++) {
        int high = str_hex_digit(field.ptr[2 + 2 * i]);
        field.ptr[i] = (char)(high << 4 | str_hex_digit(field.ptr[3 + 2 * i]));
    }
    return (struct str){field.ptr, count};
}

/* "2026-01-02 03:04:05.5+00" is "2026-01-02T03:04:05.5Z"; "infinity" and years before Christ stay
 * as they are. PostgreSQL reads all of them. */
static struct str read_time(struct copy_field field)
{
    struct str text = {field.ptr, field.len};
    char *space = memchr(field.ptr, ' ', field.len);
    if (space == NULL || str_ends(text, STR(" BC"))) {
        return text;
    }
    *space = 'T';
    if (str_ends(text, STR("+00"))) {
        field.ptr[field.len - 3] = 'Z';
        text.len -= 2;
    }
    return text;
}

/* Numbers that are none to us (NaN, Infinity) stay text. */
static struct value read_value(struct copy_field field, enum form form)
{
    struct str text = {field.ptr, field.len};
    struct value v = {.type = VALUE_TEXT, .as.text = text};
    int64_t integer = 0;
    double number = 0;
    switch (form) {
    case FORM_INTEGER:
        if (str_to_i64(text, INT64_MIN, INT64_MAX, &integer)) {
            v = (struct value){.type = VALUE_INTEGER, .as.integer = integer};
        }
        return v;
    case FORM_REAL:
        if (str_to_double(text, &number)) {
            v = (struct value){.type = VALUE_REAL, .as.real = number};
        }
        return v;
    case FORM_BOOLEAN:
        return (struct value){.type = VALUE_INTEGER, .as.integer = str_eq(text, STR("t"))};
    case FORM_BYTES:
        return (struct value){.type = VALUE_BLOB, .as.text = read_bytes(field)};
    case FORM_TIME:
        v.as.text = read_time(field);
        return v;
    case FORM_TEXT:
    default:
        return v;
    }
}

/* --- the query ------------------------------------------------------------------------------- */

static bool choose_columns(struct tap_postgres *t, const struct schema *all, struct err *err)
{
    const struct postgres_tap_options *o = t->options;
    for (size_t i = 0; i < o->columns.count; i++) {
        size_t at = 0;
        if (!schema_find_nocase(all, o->columns.items[i], &at)) {
            return column_not_found(all, o->table, o->columns.items[i], err);
        }
        if (!schema_add(&t->stream.schema, &all->columns[at], err)) {
            return false;
        }
    }
    return o->columns.count > 0 || schema_copy(all, &t->stream.schema, err);
}

static void settle_columns(struct tap_postgres *t)
{
    for (size_t i = 0; i < t->stream.schema.count; i++) {
        struct column *c = &t->stream.schema.columns[i];
        t->forms[i] = form_of(c);
        pg_type_settle(c);
    }
}

static bool is_text(struct str type)
{
    return str_eq(type, STR("text")) || str_starts(type, STR("character"));
}

static void add_key(const struct column *key, struct buf *sql)
{
    pg_add_identifier(sql, key->name);
    buf_add_text(sql, is_text(key->type) ? " COLLATE \"C\"" : "");
}

/* Text of the bookmark as a literal of the key's type: the server reads what it once wrote. */
static void add_start(const struct tap_postgres *t, struct buf *sql)
{
    AUTO(buf) text = buf_growing((size_t)KEY_VALUE_BYTES_MAX * 2);
    key_value_print(&t->mark.start, &text);
    pg_add_literal(sql, buf_str(&text));
}

static void build_query(const struct tap_postgres *t, const struct schema *all,
                        const struct column *key, struct buf *sql)
{
    const struct schema *schema = &t->stream.schema;
    buf_add_text(sql, "COPY (SELECT ");
    for (size_t i = 0; i < schema->count; i++) {
        size_t at = 0;
        bool is_list = schema_find(all, schema->columns[i].name, &at) &&
                       pg_type_is_list(all->columns[at].type);
        buf_add_text(sql, i == 0 ? "" : ", ");
        buf_add_text(sql, is_list ? "pg_catalog.to_json(" : "");
        pg_add_identifier(sql, schema->columns[i].name);
        buf_add_text(sql, is_list ? ")" : "");
    }
    if (key != NULL) {
        buf_add_text(sql, ", ");
        pg_add_identifier(sql, key->name);
    }
    buf_add_text(sql, " FROM ");
    pg_add_table(sql, &t->table);
    if (key != NULL) {
        buf_add_text(sql, " WHERE ");
        add_key(key, sql);
        buf_add_text(sql, t->mark.start.type == VALUE_NULL ? " IS NOT NULL" : " >= ");
        if (t->mark.start.type != VALUE_NULL) {
            add_start(t, sql);
        }
        buf_add_text(sql, " ORDER BY ");
        add_key(key, sql);
    }
    buf_add_text(sql, ") TO STDOUT");
}

static bool count_rows_without_key(struct tap_postgres *t, const struct column *key,
                                   struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    AUTO(pg_rows) rows = {0};
    buf_add_text(&sql, "SELECT count(*) FROM ");
    pg_add_table(&sql, &t->table);
    buf_add_text(&sql, " WHERE ");
    pg_add_identifier(&sql, key->name);
    buf_add_text(&sql, " IS NULL");
    const char *text = buf_cstr(&sql);
    if (text == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a statement");
    }
    return pg_query(&t->pg, text, NULL, 0, &rows, err) &&
           (str_to_i64(pg_rows_get(&rows, 0, 0), 0, INT64_MAX, &t->stream.rows_without_key) ||
            err_set(err, ERR_INTERNAL, "PostgreSQL: a count that is none"));
}

/* *ret_key: the column that orders the rows; NULL: they have no order. */
static bool set_up_key(struct tap_postgres *t, const struct schema *all, struct column *key_memory,
                       const struct column **ret_key, struct err *err)
{
    const struct postgres_tap_options *o = t->options;
    const struct bookmark_options options = {.table = o->table,
                                             .key = o->replication_key,
                                             .mode = t->context->mode,
                                             .state = t->context->state,
                                             .schema = &t->stream.schema,
                                             .arena = t->context->arena};
    size_t at = 0;
    *ret_key = NULL;
    if (!bookmark_init(&t->mark, &options, err)) {
        return false;
    }
    if (!t->mark.is_incremental) {
        return true;
    }
    if (!schema_find_nocase(all, o->replication_key, &at)) {
        return column_not_found(all, o->table, o->replication_key, err) ||
               err_wrap(err, "replication_key");
    }
    *key_memory = all->columns[at];
    *ret_key = key_memory;
    t->forms[t->stream.schema.count] = form_of(key_memory);
    return t->not_null[at] || count_rows_without_key(t, key_memory, err);
}

static bool find_table(struct tap_postgres *t, struct schema *all, struct err *err)
{
    const struct postgres_tap_options *o = t->options;
    char kind = '\0';
    t->table.name = o->table;
    if (o->table.len == 0) {
        return err_set(err, ERR_INVALID, "\"table\" is missing");
    }
    if (!pg_check_name("table", o->table, err) ||
        !pg_find_schema(&t->pg, o->schema, t->context->arena, &t->table.schema, err) ||
        !pg_table_describe(&t->pg, &t->table, all, &kind, t->not_null, err)) {
        return false;
    }
    return kind != '\0' || pg_table_not_found(&t->pg, &t->table, err);
}

static bool set_up(struct tap_postgres *t, struct err *err)
{
    AUTO(buf) sql = buf_growing(PG_SQL_BYTES_MAX);
    struct schema all = schema_new(t->context->arena);
    struct column key_memory;
    const struct column *key = NULL;
    if (!postgres_check_connection(&t->options->connection, err) ||
        !pg_open(&t->pg, t->options->connection.dsn, err) ||
        !pg_exec_text(&t->pg, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", err) ||
        !find_table(t, &all, err) || !choose_columns(t, &all, err)) {
        return false;
    }
    settle_columns(t);
    t->base.row = arena_array(t->context->arena, t->stream.schema.count + 1, sizeof(*t->base.row));
    if (t->base.row == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a row");
    }
    if (!set_up_key(t, &all, &key_memory, &key, err)) {
        return false;
    }
    build_query(t, &all, key, &sql);
    t->is_copying = pg_copy_begin(&t->pg, &sql, err);
    t->base.snapshots = 1;
    return t->is_copying;
}

/* --- the interface --------------------------------------------------------------------------- */

static bool fill_row(struct tap_postgres *t, char *line, size_t len, struct err *err)
{
    size_t count = t->stream.schema.count + t->mark.is_incremental;
    struct copy_reader r = copy_reader(line, len);
    for (size_t i = 0; i < count; i++) {
        struct copy_field field;
        if (!copy_reader_next(&r, &field)) {
            return err_set(err, ERR_CORRUPT, "PostgreSQL: a row of fewer than %zu fields", count);
        }
        struct value *v = i < t->stream.schema.count ? &t->base.row[i] : &t->key;
        *v = field.is_null ? (struct value){.type = VALUE_NULL} : read_value(field, t->forms[i]);
    }
    t->base.bytes_read += (int64_t)len;
    return true;
}

static bool postgres_tap_next(struct tap *tap, enum tap_result *ret, struct err *err)
{
    struct tap_postgres *t = postgres_of(tap);
    bool is_loaded = true;
    while (is_loaded) {
        char *line = NULL;
        size_t len = 0;
        if (!pg_copy_next(&t->pg, &line, &len, err)) {
            return err_wrap(err, "tap postgres");
        }
        if (line == NULL) {
            *ret = TAP_END;
            return bookmark_note_keys(&t->mark, &t->stream, t->context->arena, err);
        }
        if (!fill_row(t, line, len, err)) {
            return false;
        }
        is_loaded = false;
        if (t->mark.is_incremental && !bookmark_take(&t->mark, &t->key, t->base.row,
                                                     t->stream.schema.count, &is_loaded, err)) {
            return err_wrap(err, "tap postgres");
        }
    }
    tap->rows_read++;
    *ret = TAP_ROW;
    return true;
}

static bool postgres_tap_state(struct tap *tap, struct buf *out, struct err *err)
{
    return bookmark_write(&postgres_of(tap)->mark, out, err);
}

static void postgres_tap_close(struct tap *tap)
{
    if (tap != NULL) {
        pg_close(&postgres_of(tap)->pg);
    }
}

static bool postgres_tap_open(struct tap **ret, const struct tap_context *context, struct err *err)
{
    struct tap_postgres *t = arena_alloc(context->arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the tap");
    }
    t->context = context;
    t->options = context->options;
    t->base.ops = &tap_postgres;
    t->base.stream = &t->stream;
    t->stream = (struct stream){.name = t->options->table, .schema = schema_new(context->arena)};
    if (!set_up(t, err)) {
        postgres_tap_close(&t->base);
        return err_wrap(err, "tap postgres");
    }
    *ret = &t->base;
    return true;
}

const struct tap_ops tap_postgres = {
    .type = "postgres",
    .options = &tap_postgres_options,
    .open = postgres_tap_open,
    .next = postgres_tap_next,
    .state = postgres_tap_state,
    .close = postgres_tap_close,
    .discover = postgres_discover,
    .choose = postgres_choose,
    .has_bookmarks = true,
};
