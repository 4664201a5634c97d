/* check_resources.c - resources and pools: what assets and sensors name. */
#include "agent/definitions/loader.h"

/* Of a type that is not known nothing more can be said. */
static bool has_known_type(const struct json *node)
{
    const struct json *type = json_get(node, "type");
    return type != NULL && type->type == JSON_STRING &&
           (str_eq(type->as.string, STR("sqlite")) || str_eq(type->as.string, STR("mqtt")));
}

static void check_resource(const struct item *item, const struct resource *resource)
{
    static const char *const broker_keys[] = {"host", "port", "user", "password"};
    bool is_broker = resource->type == RESOURCE_MQTT;
    const char *needed = is_broker ? "host" : "path";
    if (json_get(item->node, needed) == NULL) {
        item_problem(item, place_of_node(item->node), NULL, "type %s needs a %s",
                     is_broker ? "mqtt" : "sqlite", needed);
    }
    for (size_t i = 0; !is_broker && i < COUNT_OF(broker_keys); i++) {
        if (json_get(item->node, broker_keys[i]) != NULL) {
            item_problem(item, item_place(item, broker_keys[i]), NULL,
                         "%s goes with type mqtt only", broker_keys[i]);
        }
    }
    if (is_broker && json_get(item->node, "path") != NULL) {
        item_problem(item, item_place(item, "path"), NULL, "path goes with type sqlite only");
    }
    if (is_broker && resource->password.len > 0 && resource->user.len == 0) {
        item_problem(item, item_place(item, "password"), NULL, "a password needs a user");
    }
    item_template(item, item_place(item, "path"), "path", resource->path, SECRETS_REFUSED);
    item_template(item, item_place(item, "host"), "host", resource->host, SECRETS_REFUSED);
    item_template(item, item_place(item, "user"), "user", resource->user, SECRETS_ALLOWED);
    item_template(item, item_place(item, "password"), "password", resource->password,
                  SECRETS_ALLOWED);
}

void check_resources(struct loader *l)
{
    struct definitions *defs = l->defs;
    const struct json *node = first_of(l->root, "resources");
    struct strmap seen = strmap_new(&l->scratch);
    for (size_t i = 0; i < defs->resource_count; i++, node = next_of(node)) {
        const struct resource *resource = &defs->resources[i];
        const struct item item = {l, node, "resource", resource->name};
        uint32_t earlier = 0;
        (void)check_name(l, place_of_key(node), "resource", resource->name);
        if (strmap_get(&seen, resource->name, &earlier)) {
            item_twice(&item, place_of_key(node), defs->resources[earlier].at);
        } else if (!strmap_put(&seen, resource->name, (uint32_t)i)) {
            return; /* the arena remembers */
        }
        if (has_known_type(node)) {
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
