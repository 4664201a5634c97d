/* check_resources.c - resources and pools: what assets and sensors name. */
#include "agent/definitions/loader.h"

#include <string.h>

/* --- the texts of a connector's options ------------------------------------------------------ */

/* Every text in the tree is a template. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the reader lets a file be */
static void check_texts(const struct item *item, const struct json *node, const char *key,
                        enum secrets secrets)
{
    if (node->type == JSON_STRING) {
        item_template(item, place_of_node(node), key, node->as.string, secrets);
    }
    if (node->type == JSON_OBJECT || node->type == JSON_ARRAY) {
        for (const struct json *child = node->child; child != NULL; child = child->next) {
            check_texts(item, child, key, secrets);
        }
    }
}

void item_options(const struct item *item, const struct json *node, const struct connector *c,
                  enum connector_use use)
{
    for (const struct json *member = node->child; member != NULL; member = member->next) {
        const struct field *field = connector_option(c, use, member->key);
        char key[HINT_SIZE];
        struct buf text = buf_fixed(key, sizeof(key));
        buf_add(&text, str_slice(member->key, 0, sizeof(key) - 1));
        if (field != NULL && buf_cstr(&text) != NULL) {
            bool has_secrets = (field->marks & (OPTION_SECRET | OPTION_PRIVATE)) != 0;
            check_texts(item, member, key, has_secrets ? SECRETS_ALLOWED : SECRETS_REFUSED);
        }
    }
}

void item_option_problem(const struct item *item, const struct json *node, const char *what,
                         const struct connector_side *side, const struct err *err)
{
    struct str text = str_from(err->msg);
    struct str key = STR_NONE;
    struct str rest = STR_NONE;
    bool is_quoted =
        str_starts(text, STR("\"")) && str_cut(str_slice(text, 1, text.len), '"', &key, &rest);
    if (is_quoted && side != NULL && side->key != NULL && str_eq(key, str_from(side->option))) {
        key = str_from(side->key);
    }
    struct location at = place_of_node(node);
    for (const struct json *member = node->child; member != NULL; member = member->next) {
        if (is_quoted && str_eq(member->key, key)) {
            at = place_of_node(member);
        }
    }
    const char *separator = what[0] == '\0' ? "" : ": ";
    if (is_quoted) {
        item_problem(item, at, err->hint, "%s%s\"" STR_FMT "\"" STR_FMT, what, separator,
                     STR_ARG(key), STR_ARG(rest));
    } else {
        item_problem(item, at, err->hint, "%s%s%s", what, separator, err->msg);
    }
}

/* --- resources ------------------------------------------------------------------------------- */

/* What stands behind `type`; NULL with a problem. */
static const struct connector *find_type(const struct item *item, struct str path)
{
    struct loader *l = item->l;
    const char *names[CONNECTORS_MAX + 1] = {NULL};
    size_t count = 0;
    for (size_t i = 0; connector_at(i) != NULL; i++) {
        if (connector_has_resource(connector_at(i))) {
            names[count++] = connector_at(i)->type;
        }
    }
    const struct field type = {.key = "type", .type = FIELD_ENUM, .required = true, .names = names};
    const struct field_table table = {.name = "resource",
                                      .size = sizeof(int),
                                      .fields = &type,
                                      .count = 1,
                                      .ignore_unknown = true};
    int index = 0;
    if (!fields_read(item->node, &table, path, &l->scratch, l->problems, &index)) {
        return NULL;
    }
    return connector_find(str_from(names[index]));
}

static bool keep(const struct item *item, struct resource *resource)
{
    AUTO(buf) text = buf_growing(WRITTEN_BYTES_MAX);
    json_write(&text, item->node);
    if (text.overflow) {
        item_problem(item, place_of_node(item->node), NULL, "it takes more than %d KiB as JSON",
                     WRITTEN_BYTES_MAX >> 10);
        return false;
    }
    resource->written = arena_copy(&item->l->defs->arena, buf_str(&text));
    return resource->written.ptr != NULL;
}

static void check_resource(const struct item *item, struct resource *resource)
{
    struct loader *l = item->l;
    struct str path = arena_printf(&l->scratch, "resources." STR_FMT, STR_ARG(resource->name));
    const struct connector *c = path.ptr == NULL ? NULL : find_type(item, path);
    const struct field_table *table = c == NULL ? NULL : connector_resource_table(c, &l->scratch);
    void *options = table == NULL ? NULL : arena_alloc(&l->defs->arena, table->size);
    struct err err = {0};
    if (options == NULL ||
        !fields_read(item->node, table, path, &l->defs->arena, l->problems, options)) {
        return; /* the arena remembers, or the problems */
    }
    enum connector_use use = c->sides[USE_EXTRACT].options != NULL ? USE_EXTRACT : USE_LOAD;
    item_options(item, item->node, c, use);
    if (c->check_connection != NULL && !c->check_connection(options, &err)) {
        item_option_problem(item, item->node, "", NULL, &err);
        return;
    }
    if (own_texts(&l->defs->arena, table, options) && keep(item, resource)) {
        resource->options = options;
        resource->connector = c;
    }
}

void check_resources(struct loader *l)
{
    struct definitions *defs = l->defs;
    const struct raw_resource *raw = l->raw.resources.items;
    const struct json *node = first_of(l->root, "resources");
    struct strmap seen = strmap_new(&l->scratch);
    for (size_t i = 0; i < defs->resource_count; i++, node = next_of(node)) {
        struct resource *resource = &defs->resources[i];
        *resource = raw[i].resource;
        const struct item item = {l, node, "resource", resource->name};
        uint32_t earlier = 0;
        (void)check_name(l, place_of_key(node), "resource", resource->name);
        if (strmap_get(&seen, resource->name, &earlier)) {
            item_twice(&item, place_of_key(node), defs->resources[earlier].at);
        } else if (!strmap_put(&seen, resource->name, (uint32_t)i)) {
            return; /* the arena remembers */
        }
        if (raw[i].node != NULL) {
            check_resource(&item, resource);
        }
    }
}

void check_pools(struct loader *l)
{
    struct definitions *defs = l->defs;
    const struct json *node = first_of(l->root, "pools");
    for (size_t i = 0; i < defs->pool_count; i++, node = next_of(node)) {
        const struct item item = {l, node, "pool", defs->pools[i].name};
        (void)check_name(l, place_of_key(node), "pool", item.name);
        for (size_t earlier = 0; earlier < i; earlier++) {
            if (str_eq(defs->pools[earlier].name, item.name)) {
                item_twice(&item, place_of_key(node), defs->pools[earlier].at);
                break;
            }
        }
    }
}
