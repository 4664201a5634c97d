#include "agent/el/sqlite_discovery.h"

#include "agent/el/table.h"

static bool read_key(struct db *db, struct found_stream *found, struct err *err)
{
    AUTO(db_query) q = {0};
    if (!db_prepare(db, STR("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk"), &q,
                    err)) {
        return false;
    }
    db_bind_at_str(&q, 1, found->name);
    for (;;) {
        bool has_row = false;
        size_t at = 0;
        if (!db_next(&q, &has_row, err)) {
            return false;
        }
        if (!has_row) {
            return true;
        }
        if (schema_find(&found->schema, db_col_str(&q, 0), &at)) {
            found->key.items[found->key.count++] = found->schema.columns[at].name;
        }
    }
}

/* What has an order that the bookmark can follow. */
static void find_replication_keys(struct found_stream *found)
{
    for (size_t i = 0; i < found->schema.count; i++) {
        const struct column *c = &found->schema.columns[i];
        if (c->kind != COLUMN_BLOB && c->kind != COLUMN_BOOLEAN) {
            found->replication_keys.items[found->replication_keys.count++] = c->name;
        }
    }
}

static bool describe(struct db *db, struct str table, struct arena *arena,
                     struct found_stream *found, struct err *err)
{
    bool *not_null = arena_array(arena, LIMIT_COLUMNS, sizeof(*not_null));
    *found = (struct found_stream){.name = arena_copy(arena, table),
                                   .schema = schema_new(arena),
                                   .row_count = -1,
                                   .is_database = true};
    if (not_null == NULL || found->name.ptr == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a table");
    }
    if (!table_columns(db, table, &found->schema, not_null, err)) {
        return false;
    }
    size_t count = found->schema.count;
    found->key.items = arena_array(arena, count + 1, sizeof(struct str));
    found->replication_keys.items = arena_array(arena, count + 1, sizeof(struct str));
    if (found->key.items == NULL || found->replication_keys.items == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a table");
    }
    for (size_t i = 0; i < count; i++) {
        found->schema.columns[i].is_required = not_null[i];
    }
    find_replication_keys(found);
    return read_key(db, found, err);
}

static bool discover_table(struct db *db, struct str table, struct arena *arena,
                           const struct found_taker *taker, struct err *err)
{
    struct found_stream found;
    enum table_type type = TABLE_NONE;
    if (!table_type_of(db, table, &type, err)) {
        return false;
    }
    if (type == TABLE_NONE) {
        return table_not_found(db, table, err);
    }
    if (!describe(db, table, arena, &found, err)) {
        return err_wrap(err, "table \"" STR_FMT "\"", STR_ARG(table));
    }
    found.is_view = type == TABLE_VIEW;
    if (!found.is_view && !table_row_count(db, table, &found.row_count, err)) {
        return false;
    }
    return taker->take(taker->ctx, &found, err);
}

/* SQLite's own tables, those behind virtual tables and ours are nobody's data. */
static bool discover_all(struct db *db, struct arena *arena, const struct found_taker *taker,
                         struct err *err)
{
    AUTO(db_query) q = {0};
    if (!db_prepare(db,
                    STR("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type <> "
                        "'shadow' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE "
                        "'\\_selvedge\\_%' ESCAPE '\\' ORDER BY name"),
                    &q, err)) {
        return false;
    }
    for (;;) {
        bool has_row = false;
        if (!db_next(&q, &has_row, err)) {
            return false;
        }
        if (!has_row) {
            return true;
        }
        struct str table = arena_copy(arena, db_col_str(&q, 0));
        if (table.ptr == NULL) {
            return err_set(err, ERR_NO_MEMORY, "no memory for a table");
        }
        if (!discover_table(db, table, arena, taker, err)) {
            return false;
        }
    }
}

bool sqlite_discover(const struct tap_context *context, const struct found_taker *taker,
                     struct err *err)
{
    const struct tap_options *o = context->options;
    const char *path = NULL;
    struct db *db = NULL;
    if (!options_path(o->path, context->arena, &path, err)) {
        return err_wrap(err, "tap sqlite");
    }
    const struct db_options options = {
        .path = path, .flags = DB_READ_ONLY | DB_FOREIGN_FILE, .busy_timeout_ms = 10000};
    bool ok = db_open(&db, &options, err) && db_add_functions(db, err) &&
              (o->table.len > 0 ? discover_table(db, o->table, context->arena, taker, err)
                                : discover_all(db, context->arena, taker, err));
    db_close(db);
    return ok || err_wrap(err, "tap sqlite");
}

bool sqlite_choose(void *options, const struct stream_choice *choice, enum load_mode *ret_mode,
                   struct err *err)
{
    struct tap_options *o = options;
    struct str configured = o->table.len > 0 ? o->replication_key : STR("");
    o->table = choice->stream;
    if (choice->columns.count > 0) {
        o->columns = choice->columns;
    }
    return discovery_choose_key(choice, configured, &o->replication_key, ret_mode, err);
}
