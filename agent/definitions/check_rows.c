/* check_rows.c - assets made of rows: extract and load, and SQL. */
#include "agent/definitions/loader.h"

#include "common/base/limits.h"
#include "common/model/asset_key.h"

enum { TABLE_NAME_BYTES_MAX = 255, QUERY_BYTES_MAX = 1 << 20, CONFIG_BYTES_MAX = 256 << 10 };

static bool contains(const struct str_list *list, struct str text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_eq(list->items[i], text)) {
            return true;
        }
    }
    return false;
}

/* A table or view; what was not given is the key's last part. */
static void check_table(const struct subject *s, const struct json *node, const char *key,
                        struct str *name)
{
    if (name->ptr == NULL) {
        *name = asset_key_last(s->raw->asset.key);
        return;
    }
    if (name->len == 0 || name->len > TABLE_NAME_BYTES_MAX) {
        asset_problem(s, place_of(node, key), NULL, "%s is not 1 to %d bytes long", key,
                      TABLE_NAME_BYTES_MAX);
    }
}

static void check_columns(const struct subject *s, const struct json *node, const char *key,
                          const struct str_list *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        struct str column = columns->items[i];
        if (column.ptr != NULL && column.len == 0) {
            asset_problem(s, place_of_item(node, key, i), NULL, "%s: a column's name is empty",
                          key);
        }
        for (size_t earlier = 0; earlier < i; earlier++) {
            if (column.len > 0 && str_eq(columns->items[earlier], column)) {
                asset_problem(s, place_of_item(node, key, i), NULL,
                              "%s: column " STR_FMT " is named twice", key, STR_ARG(column));
                break;
            }
        }
    }
}

/* A key that was given but goes with another source or target. */
static void check_needs(const struct subject *s, const struct json *node, const char *key,
                        bool is_fitting, const char *fitting)
{
    if (json_get(node, key) != NULL && !is_fitting) {
        asset_problem(s, place_of(node, key), NULL, "%s goes with %s only", key, fitting);
    }
}

/* Exactly one of the keys, two or three, must be there. Its index, or -1 with a problem. */
static int choose(const struct subject *s, const struct json *node, const char *what,
                  const char *const *keys, size_t count)
{
    int chosen = -1;
    for (size_t i = 0; i < count; i++) {
        if (json_get(node, keys[i]) == NULL) {
            continue;
        }
        if (chosen >= 0) {
            asset_problem(s, place_of(node, keys[i]), NULL, "%s has both %s and %s", what,
                          keys[chosen], keys[i]);
            return -1;
        }
        chosen = (int)i;
    }
    struct location at = place_of_node(node);
    if (chosen < 0 && count == 2) {
        asset_problem(s, at, NULL, "%s needs %s or %s", what, keys[0], keys[1]);
    } else if (chosen < 0) {
        asset_problem(s, at, NULL, "%s needs %s, %s, %s or %s", what, keys[0], keys[1], keys[2],
                      keys[3]);
    }
    return chosen;
}

/* --- a Singer tap ---------------------------------------------------------------------------- */

/* Every text in the tree is a template. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the reader lets a file be */
static void check_config_texts(const struct item *item, const struct json *node)
{
    if (node->type == JSON_STRING) {
        item_template(item, place_of_node(node), "config", node->as.string, SECRETS_ALLOWED);
    }
    if (node->type == JSON_OBJECT || node->type == JSON_ARRAY) {
        for (const struct json *child = node->child; child != NULL; child = child->next) {
            check_config_texts(item, child);
        }
    }
}

/* The text of the tree in the arena of the definitions; STR_NONE with a problem. */
static struct str config_text(const struct subject *s, const struct json *node)
{
    AUTO(buf) text = buf_growing(CONFIG_BYTES_MAX);
    json_write(&text, node);
    if (text.overflow) {
        asset_problem(s, place_of_node(node), "give large parts by a file that the tap reads",
                      "extract: the config takes more than %d KiB as JSON", CONFIG_BYTES_MAX >> 10);
        return STR_NONE;
    }
    return arena_copy(&s->l->defs->arena, buf_str(&text));
}

static void check_tap(const struct subject *s, const struct json *node)
{
    struct raw_extract *raw = &s->raw->extract;
    struct item item = item_of_asset(s);
    for (size_t i = 0; i < raw->extract.tap.count; i++) {
        struct str word = raw->extract.tap.items[i];
        if (i == 0 && word.ptr != NULL && word.len == 0) {
            asset_problem(s, place_of_item(node, "tap", i), NULL, "extract: the program is empty");
        }
        item_template(&item, place_of_item(node, "tap", i), "tap", word, SECRETS_REFUSED);
    }
    if (raw->config != NULL) {
        check_config_texts(&item, raw->config);
        raw->extract.config = config_text(s, raw->config);
    }
    if (raw->extract.stream.ptr != NULL && raw->extract.stream.len == 0) {
        asset_problem(s, place_of(node, "stream"), NULL, "extract: the stream's name is empty");
    }
}

/* --- extract and load ------------------------------------------------------------------------ */

static void check_extract(const struct subject *s)
{
    static const char *const keys[] = {"resource", "csv", "jsonl", "tap"};
    const struct json *node = json_get(s->node, "extract");
    struct extract *extract = &s->raw->extract.extract;
    int type = choose(s, node, "extract", keys, COUNT_OF(keys));
    if (type < 0) {
        return;
    }
    extract->type = (enum extract_type)type;
    bool is_sqlite = extract->type == EXTRACT_SQLITE;
    bool is_csv = extract->type == EXTRACT_CSV;
    bool is_program = extract->type == EXTRACT_PROGRAM;
    check_needs(s, node, "config", is_program, "tap");
    check_needs(s, node, "stream", is_program, "tap");
    check_needs(s, node, "columns", !is_program, "resource, csv and jsonl");
    if (is_program) {
        check_tap(s, node);
        return;
    }
    check_needs(s, node, "table", is_sqlite, "resource");
    check_needs(s, node, "replication_key", is_sqlite, "resource");
    check_needs(s, node, "delimiter", is_csv, "csv");
    check_needs(s, node, "header", is_csv, "csv");
    if (is_sqlite && extract->resource_name.ptr != NULL) {
        extract->resource = find_database(s, node, extract->resource_name);
        check_table(s, node, "table", &extract->table);
    }
    struct str path = is_csv ? extract->csv : extract->jsonl;
    if (!is_sqlite && path.ptr != NULL && path.len == 0) {
        asset_problem(s, place_of(node, keys[type]), NULL, "extract: the path is empty");
    }
    struct item item = item_of_asset(s);
    item_template(&item, place_of(node, keys[type]), "extract", path, SECRETS_REFUSED);
    if (s->raw->extract.has_delimiter &&
        (extract->delimiter.len != 1 || str_contains(STR("\"\r\n"), extract->delimiter))) {
        asset_problem(s, place_of(node, "delimiter"), "\"\\t\" in double quotes is a tab",
                      "extract: the delimiter is not one plain character");
    }
    check_columns(s, node, "columns", &extract->columns);
    bool has_column = extract->columns.count == 0 || extract->replication_key.len == 0 ||
                      contains(&extract->columns, extract->replication_key);
    if (!has_column) {
        asset_problem(s, place_of(node, "columns"), NULL,
                      "extract: replication_key " STR_FMT " is not among the columns",
                      STR_ARG(extract->replication_key));
    }
}

static void check_mode(const struct subject *s, const struct json *node)
{
    struct raw_load *raw = &s->raw->load;
    struct load *load = &raw->load;
    bool has_key = load->primary_key.count > 0;
    bool is_program = s->raw->extract.extract.type == EXTRACT_PROGRAM;
    if (!raw->has_mode) {
        load->mode =
            has_key || (is_program && load->type == LOAD_SQLITE) ? LOAD_UPSERT : LOAD_APPEND;
    }
    if (load->mode == LOAD_UPSERT && load->type == LOAD_JSONL) {
        asset_problem(s, place_of(node, "mode"), "append or overwrite",
                      "load: mode upsert does not go with jsonl");
    } else if (load->mode == LOAD_UPSERT && !has_key && !is_program) {
        asset_problem(s, place_of(node, "mode"), "name the columns: primary_key: [id]",
                      "load: mode upsert needs a primary_key");
    } else if (load->mode == LOAD_APPEND && has_key) {
        asset_problem(s, place_of(node, "mode"), "upsert replaces rows with the same key",
                      "load: a primary_key means nothing with mode append");
    } else if (load->mode == LOAD_OVERWRITE && s->raw->extract.extract.replication_key.len > 0) {
        asset_problem(s, place_of(node, "mode"), "use upsert, or take replication_key away",
                      "load: mode overwrite would drop the rows that extract does not read again");
    }
}

static void check_load(const struct subject *s)
{
    static const char *const keys[] = {"resource", "jsonl"};
    const struct json *node = json_get(s->node, "load");
    struct load *load = &s->raw->load.load;
    int type = choose(s, node, "load", keys, COUNT_OF(keys));
    if (type < 0) {
        return;
    }
    load->type = (enum load_type)type;
    bool is_sqlite = load->type == LOAD_SQLITE;
    check_needs(s, node, "table", is_sqlite, "resource");
    check_needs(s, node, "primary_key", is_sqlite, "resource");
    if (is_sqlite && load->resource_name.ptr != NULL) {
        load->resource = find_database(s, node, load->resource_name);
        if (load->table.ptr != NULL || s->raw->extract.extract.type != EXTRACT_PROGRAM) {
            check_table(s, node, "table", &load->table);
        }
    }
    if (!is_sqlite && load->jsonl.ptr != NULL && load->jsonl.len == 0) {
        asset_problem(s, place_of(node, "jsonl"), NULL, "load: the path is empty");
    }
    struct item item = item_of_asset(s);
    item_template(&item, place_of(node, "jsonl"), "load", load->jsonl, SECRETS_REFUSED);
    check_columns(s, node, "primary_key", &load->primary_key);
    check_mode(s, node);
}

/* What only both together show. */
static void check_pair(const struct subject *s)
{
    const struct extract *extract = &s->raw->extract.extract;
    const struct load *load = &s->raw->load.load;
    const struct json *node = json_get(s->node, "load");
    for (size_t i = 0; i < load->primary_key.count; i++) {
        struct str column = load->primary_key.items[i];
        if (extract->columns.count > 0 && !contains(&extract->columns, column)) {
            asset_problem(s, place_of_item(node, "primary_key", i), "add it to extract.columns",
                          "load: primary_key " STR_FMT " is not among the columns extracted",
                          STR_ARG(column));
        }
    }
    if (extract->resource != NULL && extract->resource == load->resource &&
        str_eq(extract->table, load->table)) {
        asset_problem(s, place_of(node, "table"), NULL,
                      "it would read and write the same table " STR_FMT, STR_ARG(load->table));
    }
}

void check_extract_load(const struct subject *s)
{
    const struct raw_asset *raw = s->raw;
    if (raw->has_extract && json_get(s->node, "extract")->type == JSON_OBJECT) {
        check_extract(s);
    }
    if (raw->has_load && json_get(s->node, "load")->type == JSON_OBJECT) {
        check_load(s);
    }
    if (raw->has_extract && raw->has_load) {
        check_pair(s);
    } else {
        const char *given = raw->has_extract ? "extract" : "load";
        asset_problem(s, place_of(s->node, given), NULL, "%s needs %s beside it", given,
                      raw->has_extract ? "load" : "extract");
    }
    s->raw->asset.extract = raw->extract.extract;
    s->raw->asset.load = raw->load.load;
}

static bool is_query(struct str text)
{
    return str_trim(text).len > 0 && str_is_utf8(text) && !str_contains(text, (struct str){"", 1});
}

/* The file's content, in the arena of the definitions. */
static bool read_query(const struct subject *s, struct str file, struct str *ret, struct err *err)
{
    struct definitions *defs = s->l->defs;
    if (str_contains(file, STR("${"))) {
        (void)err_set(err, ERR_INVALID, "variables are not filled in here");
        return err_hint(err, "the file is read when the definitions are loaded");
    }
    /* A path without variables; "$$" in it is the file's business here. */
    struct str path = file;
    if (file.len > 0 && file.ptr[0] != '/') {
        path = arena_printf(&s->l->scratch, "%s/" STR_FMT, defs->dir, STR_ARG(file));
    }
    if (path.ptr == NULL || path.len == 0 || path.len > LIMIT_PATH_BYTES) {
        return err_set(err, ERR_INVALID, "the path is empty or too long");
    }
    AUTO(buf) content = buf_growing(QUERY_BYTES_MAX);
    if (!s->l->files->read_file(s->l->files->ctx, path.ptr, &content, err)) {
        return false;
    }
    if (!is_query(buf_str(&content))) {
        return err_set(err, ERR_INVALID, "the file is empty or not text");
    }
    *ret = arena_copy(&defs->arena, buf_str(&content));
    return ret->ptr != NULL || err_set(err, ERR_NO_MEMORY, "not enough memory for the query");
}

void check_sql(const struct subject *s)
{
    static const char *const keys[] = {"query", "file"};
    const struct json *node = json_get(s->node, "sql");
    struct sql *sql = &s->raw->sql.sql;
    if (node->type != JSON_OBJECT) {
        return;
    }
    if (sql->resource_name.ptr != NULL) {
        sql->resource = find_database(s, node, sql->resource_name);
    }
    check_table(s, node, "name", &sql->name);
    if (sql->partition_by.ptr != NULL && sql->partition_by.len == 0) {
        asset_problem(s, place_of(node, "partition_by"), NULL, "sql: a column's name is empty");
    }
    int source = choose(s, node, "sql", keys, COUNT_OF(keys));
    struct err err = {0};
    if (source == 0 && sql->query.ptr != NULL && !is_query(sql->query)) {
        asset_problem(s, place_of(node, "query"), NULL, "sql: the query is empty");
    } else if (source == 1 && sql->file.ptr != NULL &&
               !read_query(s, sql->file, &sql->query, &err)) {
        asset_problem(s, place_of(node, "file"), err.hint, "sql: file " STR_FMT ": %s",
                      STR_ARG(sql->file), err.msg);
    }
    s->raw->asset.sql = *sql;
}
