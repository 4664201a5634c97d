/* check_endpoints.c - extract and load, by the options of the connector that each names. */
#include "agent/definitions/loader.h"

#include "common/base/limits.h"
#include "common/model/asset_key.h"
#include <string.h>

enum { WORK_BYTES_MAX = 8 << 20 };

static const char *const words[] = {[USE_EXTRACT] = "extract", [USE_LOAD] = "load"};

struct end {
    const struct subject *s;
    enum connector_use use;
    const struct json *node;
    struct endpoint *endpoint;
    const struct connector_side *side;
    const struct field_table *table; /* connector_block_table() */
    char *options;                   /* of the struct that it fills */
    struct arena *work;              /* of this asset: many assets would not fit the scratch */
};

/* --- what is read from or written to --------------------------------------------------------- */

/* "extract needs resource, csv or jsonl". */
static void say_choice(const struct end *e)
{
    char memory[200];
    struct buf text = buf_fixed(memory, sizeof(memory));
    buf_add_text(&text, "resource");
    const struct connector *last = NULL;
    for (size_t i = 0; connector_at(i) != NULL; i++) {
        if (connector_at(i)->sides[e->use].key != NULL) {
            if (last != NULL) {
                buf_addf(&text, ", %s", last->sides[e->use].key);
            }
            last = connector_at(i);
        }
    }
    if (last != NULL) {
        buf_addf(&text, " or %s", last->sides[e->use].key);
    }
    asset_problem(e->s, place_of_node(e->node), NULL, "%s needs " STR_FMT, words[e->use],
                  STR_ARG(buf_str(&text)));
}

static const struct connector *connector_of_resource(const struct end *e)
{
    const struct json *name = json_get(e->node, "resource");
    struct endpoint *endpoint = e->endpoint;
    if (name->type != JSON_STRING) {
        asset_problem(e->s, place_of_node(name), NULL, "%s: resource is not a name", words[e->use]);
        return NULL;
    }
    endpoint->resource_name = arena_copy(&e->s->l->defs->arena, name->as.string);
    const struct resource *resource = find_resource(e->s, e->node, name->as.string);
    if (resource == NULL || resource->connector == NULL) {
        return NULL;
    }
    endpoint->resource = resource;
    if (resource->connector->sides[e->use].options != NULL) {
        return resource->connector;
    }
    asset_problem(e->s, place_of_node(name), NULL,
                  "%s: type %s of resource " STR_FMT " cannot be %s", words[e->use],
                  resource->connector->type, STR_ARG(resource->name),
                  e->use == USE_EXTRACT ? "read from" : "written to");
    return NULL;
}

/* Exactly one of `resource` and the keys that stand for a connector. NULL: a problem was added. */
static const struct connector *find_connector(const struct end *e)
{
    const struct connector *found = NULL;
    const char *key = json_get(e->node, "resource") != NULL ? "resource" : NULL;
    for (size_t i = 0; connector_at(i) != NULL; i++) {
        const char *other = connector_at(i)->sides[e->use].key;
        if (other == NULL || json_get(e->node, other) == NULL) {
            continue;
        }
        if (key != NULL) {
            asset_problem(e->s, place_of(e->node, other), NULL, "%s has both %s and %s",
                          words[e->use], key, other);
            return NULL;
        }
        key = other;
        found = connector_at(i);
    }
    if (key == NULL) {
        say_choice(e);
    }
    return key != NULL && found == NULL ? connector_of_resource(e) : found;
}

/* --- its options ----------------------------------------------------------------------------- */

static const struct field_table *block_table(struct loader *l, const struct connector *c,
                                             enum connector_use use)
{
    const struct field_table **known = &l->blocks[use][connector_index(c)];
    if (*known == NULL) {
        *known = use == USE_EXTRACT ? extract_block_table(c, &l->scratch)
                                    : connector_block_table(c, use, &l->scratch);
    }
    return *known;
}

static const struct field_table *connection_table(struct loader *l, const struct connector *c,
                                                  enum connector_use use)
{
    const struct field_table **known = &l->connections[use][connector_index(c)];
    *known = *known == NULL ? connector_connection_table(c, use, &l->scratch) : *known;
    return *known;
}

/* What the resource says fills its part of the options. What is wrong with it was reported. */
static bool read_connection(const struct end *e, const struct connector *c)
{
    struct loader *l = e->s->l;
    const struct resource *resource = e->endpoint->resource;
    const struct raw_resource *raw = l->raw.resources.items;
    const struct field_table *table = connection_table(l, c, e->use);
    struct problems ignored = {.arena = e->work};
    return table != NULL && fields_read(raw[resource - l->defs->resources].node, table, STR_NONE,
                                        e->work, &ignored, e->options);
}

static bool read_options(struct end *e, const struct connector *c)
{
    struct loader *l = e->s->l;
    const struct field_table *known = block_table(l, c, e->use);
    struct field_table *table = arena_alloc(e->work, sizeof(*table));
    char *defaults = known == NULL ? NULL : arena_alloc(e->work, known->size);
    e->options = known == NULL ? NULL : arena_alloc(e->work, known->size);
    struct str path = arena_printf(e->work, "asset " STR_FMT ": %s", STR_ARG(e->s->raw->asset.key),
                                   words[e->use]);
    if (table == NULL || defaults == NULL || e->options == NULL || path.ptr == NULL) {
        return false; /* the arena remembers */
    }
    *table = *known;
    e->table = table;
    if (e->endpoint->resource != NULL) {
        if (!read_connection(e, c)) {
            return false;
        }
        memcpy(defaults, e->options, known->size);
        table->defaults = defaults;
    }
    return fields_read(e->node, table, path, e->work, l->problems, e->options);
}

/* Where the option of that name is in the options; NULL when the connector has none of that type. */
static void *option(const struct end *e, const char *key, enum field_type type)
{
    for (size_t i = 0; e->table != NULL && i < e->table->count; i++) {
        const struct field *field = &e->table->fields[i];
        if (field->type == type && strcmp(field->key, key) == 0) {
            return e->options + field->offset;
        }
    }
    return NULL;
}

static struct str text_option(const struct end *e, const char *key)
{
    const struct str *text = option(e, key, FIELD_STR);
    return text == NULL ? STR_NONE : *text;
}

static struct str_list list_option(const struct end *e, const char *key)
{
    const struct str_list *list = option(e, key, FIELD_STR_LIST);
    return list == NULL ? (struct str_list){0} : *list;
}

static bool contains(const struct str_list *list, struct str text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_eq(list->items[i], text)) {
            return true;
        }
    }
    return false;
}

static void check_columns(const struct end *e, const char *key)
{
    struct str_list columns = list_option(e, key);
    for (size_t i = 0; i < columns.count; i++) {
        struct str column = columns.items[i];
        if (column.len == 0) {
            asset_problem(e->s, place_of_item(e->node, key, i), NULL,
                          "%s: a column's name is empty", key);
        }
        for (size_t earlier = 0; earlier < i; earlier++) {
            if (column.len > 0 && str_eq(columns.items[earlier], column)) {
                asset_problem(e->s, place_of_item(e->node, key, i), NULL,
                              "%s: column " STR_FMT " is named twice", key, STR_ARG(column));
                break;
            }
        }
    }
}

/* The path by which the block was told. */
static void check_path(const struct end *e)
{
    const char *key = e->side->key;
    if (key != NULL && option(e, key, FIELD_STR) != NULL && text_option(e, key).len == 0) {
        asset_problem(e->s, place_of(e->node, key), NULL, "%s: %s is empty", words[e->use], key);
    }
}

static void check_replication_key(const struct end *e)
{
    struct str_list columns = list_option(e, "columns");
    struct str key = text_option(e, "replication_key");
    if (columns.count > 0 && key.len > 0 && !contains(&columns, key)) {
        asset_problem(e->s, place_of(e->node, "columns"), NULL,
                      "extract: replication_key " STR_FMT " is not among the columns",
                      STR_ARG(key));
    }
}

/* False: what there is is not worth looking at further. */
static bool read_end(struct end *e)
{
    if (e->node == NULL || e->node->type != JSON_OBJECT) {
        return false;
    }
    const struct connector *c = find_connector(e);
    if (c == NULL) {
        return false;
    }
    e->side = &c->sides[e->use];
    if (!read_options(e, c)) {
        return false;
    }
    struct item item = item_of_asset(e->s);
    item_options(&item, e->node, c, e->use);
    check_path(e);
    check_columns(e, e->use == USE_EXTRACT ? "columns" : "primary_key");
    check_replication_key(e);
    e->endpoint->connector = c;
    return true;
}

/* --- both ------------------------------------------------------------------------------------ */

static void check_mode(const struct end *from, const struct end *to)
{
    const struct subject *s = to->s;
    struct location at = place_of(to->node, "mode");
    const int *given = option(to, "mode", FIELD_ENUM);
    bool has_key = list_option(to, "primary_key").count > 0;
    bool is_keyed = has_key || from->side->has_streams || from->side->has_key ||
                    list_option(from, "primary_key").count > 0;
    bool is_file = to->side->is_file;
    enum load_mode mode =
        has_key || (from->side->has_streams && !is_file) ? MODE_UPSERT : MODE_APPEND;
    if (given != NULL && json_get(to->node, "mode") != NULL) {
        mode = (enum load_mode) * given;
    }
    if (mode == MODE_UPSERT && is_file) {
        asset_problem(s, at, "append or overwrite", "load: mode upsert does not go with %s",
                      to->side->key);
    } else if (mode == MODE_UPSERT && !is_keyed && !to->side->is_program) {
        asset_problem(s, at, "name the columns: primary_key: [id]",
                      "load: mode upsert needs a primary_key");
    } else if (mode == MODE_APPEND && has_key && !to->side->is_program) {
        asset_problem(s, at, "upsert replaces rows with the same key",
                      "load: a primary_key means nothing with mode append");
    } else if (mode == MODE_OVERWRITE && text_option(from, "replication_key").len > 0) {
        asset_problem(s, at, "use upsert, or take replication_key away",
                      "load: mode overwrite would drop the rows that extract does not read again");
    }
    to->endpoint->mode = mode;
}

/* A stream alone has one table: the key's last part where none is named. */
static void settle_table(const struct end *e, bool has_streams)
{
    struct str *table = option(e, "table", FIELD_STR);
    if (table != NULL && (table->ptr != NULL || !has_streams)) {
        check_table(e->s, e->node, "table", table);
    }
}

static void check_pair(const struct end *from, const struct end *to)
{
    struct str_list columns = list_option(from, "columns");
    struct str_list key = list_option(to, "primary_key");
    for (size_t i = 0; i < key.count; i++) {
        if (columns.count > 0 && !contains(&columns, key.items[i])) {
            asset_problem(to->s, place_of_item(to->node, "primary_key", i),
                          "add it to extract.columns",
                          "load: primary_key " STR_FMT " is not among the columns extracted",
                          STR_ARG(key.items[i]));
        }
    }
    if (from->endpoint->resource != NULL && from->endpoint->resource == to->endpoint->resource &&
        str_eq(text_option(from, "table"), text_option(to, "table")) &&
        str_eq(text_option(from, "schema"), text_option(to, "schema"))) {
        asset_problem(to->s, place_of(to->node, "table"), NULL,
                      "it would read and write the same table " STR_FMT,
                      STR_ARG(text_option(to, "table")));
    }
}

/* What its connector says of the options as a whole. */
static void check_whole(const struct end *e, enum load_mode mode)
{
    struct item item = item_of_asset(e->s);
    struct err err = {0};
    if (e->side->check != NULL && !e->side->check(e->options, mode, &err)) {
        item_option_problem(&item, e->node, words[e->use], e->side, &err);
    }
}

/* The block as JSON text, with what was settled. */
static void keep(const struct end *e)
{
    AUTO(buf) text = buf_growing(WRITTEN_BYTES_MAX);
    struct json_writer w = json_writer(&text);
    struct str table = text_option(e, "table");
    bool is_shared = e->s->raw->asset.step != NULL; /* its streams are those of its assets */
    jw_begin_object(&w);
    for (const struct json *member = e->node->child; member != NULL; member = member->next) {
        bool is_settled = str_eq(member->key, STR("resource")) ||
                          str_eq(member->key, STR("table")) || str_eq(member->key, STR("mode")) ||
                          (is_shared && str_eq(member->key, STR("stream")));
        if (!is_settled) {
            jw_key(&w, member->key);
            json_write(&text, member);
            w.needs_comma = true;
        }
    }
    jw_member_opt(&w, "table", table);
    if (e->use == USE_LOAD) {
        jw_member_str(&w, "mode", str_from(load_mode_names[e->endpoint->mode]));
    }
    jw_end_object(&w);
    if (text.overflow) {
        asset_problem(e->s, place_of_node(e->node), "give large parts by a file",
                      "%s takes more than %d KiB as JSON", words[e->use], WRITTEN_BYTES_MAX >> 10);
        return;
    }
    e->endpoint->written = arena_copy(&e->s->l->defs->arena, buf_str(&text));
}

void check_extract_load(const struct subject *s)
{
    struct raw_asset *raw = s->raw;
    AUTO(arena) work = arena_new(WORK_BYTES_MAX);
    struct end from = {.s = s,
                       .use = USE_EXTRACT,
                       .node = raw->extract.node,
                       .endpoint = &raw->extract.endpoint,
                       .work = &work};
    struct end to = {.s = s,
                     .use = USE_LOAD,
                     .node = raw->load.node,
                     .endpoint = &raw->load.endpoint,
                     .work = &work};
    bool has_from = read_end(&from);
    bool has_to = read_end(&to);
    if (raw->has_extract != raw->has_load) {
        const char *given = raw->has_extract ? "extract" : "load";
        asset_problem(s, place_of(s->node, given), NULL, "%s needs %s beside it", given,
                      raw->has_extract ? "load" : "extract");
    }
    if (has_from && has_to) {
        settle_table(&from, from.side->has_streams);
        settle_table(&to, from.side->has_streams);
        check_mode(&from, &to);
        check_pair(&from, &to);
        check_whole(&from, to.endpoint->mode);
        check_whole(&to, to.endpoint->mode);
        keep(&from);
        keep(&to);
    }
    s->l->scratch.exhausted = s->l->scratch.exhausted || work.exhausted;
    raw->asset.extract = raw->extract.endpoint;
    raw->asset.load = raw->load.endpoint;
}
