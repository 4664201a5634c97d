#include "hub/rows/fleet_graph.h"

#include "common/json/json_scan.h"
#include <string.h>

/* What one device says of an asset; equal words of several devices are kept once. */
struct description {
    struct str group, kinds, tags, owners; /* the last three are JSON */
    bool is_external;
    const struct description *next;
};

struct fleet_asset {
    struct str key;
    struct str *deps; /* grows by doubling */
    size_t dep_count;
    size_t dep_cap;
    const struct description *descriptions;
};

struct loading {
    struct arena *arena;
    struct strmap by_key;
    struct fleet_asset *assets;
    size_t count;
    size_t cap;
    bool has_failed; /* out of memory, or too many */
};

static void *grow(struct arena *arena, void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap) {
        return items;
    }
    size_t wanted = *cap == 0 ? 16 : *cap * 2;
    void *larger = arena_array(arena, wanted, size);
    if (larger != NULL && count > 0) {
        memcpy(larger, items, count * size);
    }
    *cap = larger != NULL ? wanted : *cap;
    return larger;
}

/* The asset's number; SIZE_MAX when there is no room for a new one. */
static size_t number_of(struct loading *l, struct str key)
{
    uint32_t number = 0;
    if (strmap_get(&l->by_key, key, &number)) {
        return number;
    }
    struct fleet_asset *assets =
        grow(l->arena, l->assets, l->count, &l->cap, sizeof(struct fleet_asset));
    struct str copy = arena_copy(l->arena, key);
    if (assets == NULL || copy.ptr == NULL || !strmap_put(&l->by_key, copy, (uint32_t)l->count)) {
        l->has_failed = true;
        return SIZE_MAX;
    }
    l->assets = assets;
    l->assets[l->count] = (struct fleet_asset){.key = copy};
    return l->count++;
}

static bool is_known(const struct fleet_asset *asset, const struct hub_device_asset *row)
{
    for (const struct description *d = asset->descriptions; d != NULL; d = d->next) {
        if (str_eq(d->group, row->group) && str_eq(d->kinds, row->kinds) &&
            str_eq(d->tags, row->tags) && str_eq(d->owners, row->owners) &&
            d->is_external == row->is_external) {
            return true;
        }
    }
    return false;
}

static struct str copy_opt(struct loading *l, struct str text)
{
    if (str_is_empty(text)) {
        return STR_NONE;
    }
    struct str copy = arena_copy(l->arena, text);
    l->has_failed = l->has_failed || copy.ptr == NULL;
    return copy;
}

static void add_asset(void *ctx, const struct hub_device_asset *row)
{
    struct loading *l = ctx;
    size_t number = number_of(l, row->asset);
    if (number == SIZE_MAX || is_known(&l->assets[number], row)) {
        return;
    }
    struct description *d = arena_alloc(l->arena, sizeof(*d));
    if (d == NULL) {
        l->has_failed = true;
        return;
    }
    *d = (struct description){.group = copy_opt(l, row->group),
                              .kinds = copy_opt(l, row->kinds),
                              .tags = copy_opt(l, row->tags),
                              .owners = copy_opt(l, row->owners),
                              .is_external = row->is_external,
                              .next = l->assets[number].descriptions};
    l->assets[number].descriptions = d;
}

static void add_edge(void *ctx, const struct hub_edge *edge)
{
    struct loading *l = ctx;
    size_t upstream = number_of(l, edge->upstream);
    size_t downstream = number_of(l, edge->downstream);
    if (upstream == SIZE_MAX || downstream == SIZE_MAX) {
        return;
    }
    struct fleet_asset *asset = &l->assets[downstream];
    struct str *deps =
        grow(l->arena, asset->deps, asset->dep_count, &asset->dep_cap, sizeof(struct str));
    if (deps == NULL) {
        l->has_failed = true;
        return;
    }
    asset->deps = deps;
    asset->deps[asset->dep_count++] = l->assets[upstream].key;
}

static bool build(struct loading *l, struct fleet_graph *ret, struct err *err)
{
    struct graph_input *input = arena_array(l->arena, l->count + 1, sizeof(*input));
    if (l->has_failed || input == NULL) {
        return err_set(err, ERR_FULL, "the fleet's assets do not fit into %zu MiB of memory",
                       l->arena->max >> 20);
    }
    for (size_t i = 0; i < l->count; i++) {
        input[i] = (struct graph_input){.key = l->assets[i].key,
                                        .deps = l->assets[i].deps,
                                        .dep_count = l->assets[i].dep_count};
    }
    if (!graph_build(l->arena, input, l->count, NULL, &ret->graph, err)) {
        return err->code != ERR_INVALID
                   ? false
                   : err_hint(err, "devices disagree on what depends on what; look at one: "
                                   "--device NAME");
    }
    ret->assets = l->assets;
    return true;
}

bool fleet_graph_load(struct db *db, struct str device, struct arena *arena,
                      struct fleet_graph *ret, struct err *err)
{
    struct loading l = {.arena = arena, .by_key = strmap_new(arena)};
    struct hub_filter filter = {.device = device};
    bool is_fleet = str_is_empty(device); /* a million rows say a few hundred things */
    bool ok = is_fleet ? hub_each_asset_wording(db, add_asset, &l, err) &&
                             hub_each_edge_once(db, add_edge, &l, err)
                       : hub_each_device_asset(db, &filter, add_asset, &l, err) &&
                             hub_each_edge(db, &filter, add_edge, &l, err);
    return ok && build(&l, ret, err);
}

/* --- selecting ---------------------------------------------------------------------------- */

/* JSON text of a device is compared as it is escaped: names of groups, tags and owners need no
 * escapes. */
static bool array_has(struct str array, struct str value)
{
    struct json_scan scan;
    struct json_raw element;
    struct err err;
    if (str_is_empty(array) || !json_scan_array(&scan, array, &err)) {
        return false;
    }
    while (json_scan_element(&scan, &element)) {
        if (element.type == JSON_STRING && str_eq(element.text, value)) {
            return true;
        }
    }
    return false;
}

/* Also a text that is no array has no element. */
static bool array_is_empty(struct str array)
{
    struct json_scan scan;
    struct json_raw element;
    struct err err;
    return str_is_empty(array) || !json_scan_array(&scan, array, &err) ||
           !json_scan_element(&scan, &element);
}

static bool object_has(struct str object, struct str name, struct str value)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw member;
    struct err err;
    if (str_is_empty(object) || !json_scan_object(&scan, object, &err)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &member)) {
        if (str_eq(key.text, name)) {
            return member.type == JSON_STRING && str_eq(member.text, value);
        }
    }
    return false;
}

static bool says(const struct description *d, enum selection_attribute attribute, struct str name,
                 struct str value)
{
    switch (attribute) {
    case SELECT_GROUP:
        return str_eq(d->group, value);
    case SELECT_GROUP_LIKE:
        return str_matches(d->group, value);
    case SELECT_KIND:
        return array_has(d->kinds, value);
    case SELECT_KINDLESS:
        return array_is_empty(d->kinds);
    case SELECT_TAG:
        return object_has(d->tags, name, value);
    case SELECT_OWNER:
        return array_has(d->owners, value);
    case SELECT_OWNERLESS:
        return array_is_empty(d->owners);
    case SELECT_EXTERNAL: /* has() answers it over all devices */
        break;
    }
    return false;
}

static bool has(const void *ctx, uint32_t node, enum selection_attribute attribute, struct str name,
                struct str value)
{
    const struct fleet_graph *fleet = ctx;
    const struct description *d = fleet->assets[node].descriptions;
    if (attribute == SELECT_EXTERNAL) {
        /* One device that makes it is enough for it not to be. */
        while (d != NULL && d->is_external) {
            d = d->next;
        }
        return d == NULL && fleet->assets[node].descriptions != NULL;
    }
    while (d != NULL && !says(d, attribute, name, value)) {
        d = d->next;
    }
    return d != NULL;
}

bool fleet_graph_select(const struct fleet_graph *fleet, struct str selection, struct arena *arena,
                        bool **ret_set, struct err *err)
{
    const struct selection_attributes attributes = {.has = has, .ctx = fleet};
    struct selection *parsed = NULL;
    return selection_parse(selection, arena, &parsed, err) &&
           selection_evaluate(parsed, &fleet->graph, &attributes, arena, ret_set, err);
}
