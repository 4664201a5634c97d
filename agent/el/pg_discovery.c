#include "agent/el/pg_discovery.h"

#include "agent/connectors/postgres_options.h"
#include "agent/el/pg_table.h"
#include "agent/el/pg_type.h"
#include "common/base/limits.h"

struct discovery {
    struct pg pg;
    struct pg_table table; /* the schema, and one table after the other */
    struct arena *arena;
    const struct found_taker *taker;
};

static bool read_key(struct discovery *d, struct found_stream *found, struct err *err)
{
    AUTO(pg_rows) rows = {0};
    const char *params[] = {arena_cstr(d->arena, d->table.schema),
                            arena_cstr(d->arena, d->table.name)};
    if (params[0] == NULL || params[1] == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a name");
    }
    if (!pg_query(&d->pg,
                  "SELECT a.attname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON "
                  "c.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                  "JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY "
                  "(i.indkey) WHERE n.nspname = $1 AND c.relname = $2 AND i.indisprimary ORDER BY "
                  "pg_catalog.array_position(i.indkey::int2[], a.attnum)",
                  params, COUNT_OF(params), &rows, err)) {
        return false;
    }
    for (int i = 0; i < rows.count; i++) {
        size_t at = 0;
        if (schema_find(&found->schema, pg_rows_get(&rows, i, 0), &at)) {
            found->key.items[found->key.count++] = found->schema.columns[at].name;
        }
    }
    return true;
}

/* What has an order that the bookmark can follow. */
static void find_replication_keys(struct found_stream *found)
{
    for (size_t i = 0; i < found->schema.count; i++) {
        const struct column *c = &found->schema.columns[i];
        if (c->kind != COLUMN_BLOB && c->kind != COLUMN_BOOLEAN && c->kind != COLUMN_JSON) {
            found->replication_keys.items[found->replication_keys.count++] = c->name;
        }
    }
}

static bool make_room(struct discovery *d, struct found_stream *found, const bool *not_null,
                      struct err *err)
{
    size_t count = found->schema.count;
    found->key.items = arena_array(d->arena, count + 1, sizeof(struct str));
    found->replication_keys.items = arena_array(d->arena, count + 1, sizeof(struct str));
    if (found->key.items == NULL || found->replication_keys.items == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a table");
    }
    for (size_t i = 0; i < count; i++) {
        found->schema.columns[i].is_required = not_null[i];
        pg_type_settle(&found->schema.columns[i]);
    }
    return true;
}

static bool discover_table(struct discovery *d, struct err *err)
{
    struct found_stream found = {.name = d->table.name,
                                 .schema = schema_new(d->arena),
                                 .row_count = -1,
                                 .is_database = true};
    bool *not_null = arena_array(d->arena, LIMIT_COLUMNS, sizeof(*not_null));
    char kind = '\0';
    if (not_null == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a table");
    }
    if (!pg_check_name("table", d->table.name, err) ||
        !pg_table_describe(&d->pg, &d->table, &found.schema, &kind, not_null, err)) {
        return false;
    }
    if (kind == '\0') {
        return pg_table_not_found(&d->pg, &d->table, err);
    }
    found.is_view = kind == 'v' || kind == 'm';
    if (!make_room(d, &found, not_null, err) || !read_key(d, &found, err)) {
        return false;
    }
    find_replication_keys(&found);
    return d->taker->take(d->taker->ctx, &found, err);
}

/* Ours are nobody's data. */
static bool discover_all(struct discovery *d, struct err *err)
{
    AUTO(pg_rows) rows = {0};
    const char *params[] = {arena_cstr(d->arena, d->table.schema)};
    if (params[0] == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a name");
    }
    if (!pg_query(&d->pg,
                  "SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON "
                  "n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', "
                  "'m', 'f') AND NOT c.relispartition AND c.relname !~ '^_selvedge_' ORDER BY 1",
                  params, COUNT_OF(params), &rows, err)) {
        return false;
    }
    for (int i = 0; i < rows.count; i++) {
        d->table.name = arena_copy(d->arena, pg_rows_get(&rows, i, 0));
        if (d->table.name.ptr == NULL) {
            return err_set(err, ERR_NO_MEMORY, "no memory for a table");
        }
        if (!discover_table(d, err)) {
            return false;
        }
    }
    return true;
}

bool postgres_discover(const struct tap_context *context, const struct found_taker *taker,
                       struct err *err)
{
    const struct postgres_tap_options *o = context->options;
    struct discovery d = {.table.name = o->table, .arena = context->arena, .taker = taker};
    bool ok = postgres_check_connection(&o->connection, err) &&
              pg_open(&d.pg, o->connection.dsn, err) &&
              pg_exec_text(&d.pg, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", err) &&
              pg_find_schema(&d.pg, o->schema, d.arena, &d.table.schema, err) &&
              (o->table.len > 0 ? discover_table(&d, err) : discover_all(&d, err));
    pg_close(&d.pg);
    return ok || err_wrap(err, "tap postgres");
}

bool postgres_choose(void *options, const struct stream_choice *choice, enum load_mode *ret_mode,
                     struct err *err)
{
    struct postgres_tap_options *o = options;
    struct str configured = o->table.len > 0 ? o->replication_key : STR("");
    o->table = choice->stream;
    if (choice->columns.count > 0) {
        o->columns = choice->columns;
    }
    return discovery_choose_key(choice, configured, &o->replication_key, ret_mode, err);
}
