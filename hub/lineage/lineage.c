/* lineage.c - rows to assets, versions and addresses, and all of it in order; see lineage.h. */
#include "common/base/limits.h"
#include "common/json/json_scan.h"
#include "hub/lineage/lineage_internal.h"
#include <stdlib.h>
#include <string.h>

enum { ASSET_KEY_BYTES_MAX = 255, DIFFERENCES_BYTES_MAX = 200 };

void *lineage_grow(struct arena *arena, void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap) {
        return items;
    }
    size_t wanted = *cap == 0 ? 4 : *cap * 2;
    void *larger = arena_array(arena, wanted, size);
    if (larger != NULL && count > 0) {
        memcpy(larger, items, count * size);
    }
    *cap = larger != NULL ? wanted : *cap;
    return larger;
}

void lineage_put_device(struct lineage_builder *b, struct device_list *list, uint32_t device)
{
    uint32_t *items =
        lineage_grow(b->arena, list->items, list->count, &list->cap, sizeof(uint32_t));
    if (items == NULL) {
        b->has_failed = true;
        return;
    }
    list->items = items;
    list->items[list->count++] = device;
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

struct lineage_devices lineage_sorted(const struct device_list *list)
{
    size_t count = 0;
    if (list->count > 1) {
        qsort(list->items, list->count, sizeof(uint32_t), compare_numbers);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (count == 0 || list->items[count - 1] != list->items[i]) {
            list->items[count++] = list->items[i];
        }
    }
    return (struct lineage_devices){list->items, count};
}

bool lineage_has_device(struct lineage_devices set, uint32_t device)
{
    return set.count > 0 &&
           bsearch(&device, set.items, set.count, sizeof(uint32_t), compare_numbers) != NULL;
}

/* --- rows ------------------------------------------------------------------------------------ */

struct lineage_builder *lineage_begin(struct arena *arena)
{
    struct lineage_builder *b = arena_alloc(arena, sizeof(*b));
    if (b != NULL) {
        b->arena = arena;
        b->by_asset = strmap_new(arena);
        b->by_device = strmap_new(arena);
        b->by_place = strmap_new(arena);
        b->by_edge = strmap_new(arena);
        b->by_site = strmap_new(arena);
    }
    return b;
}

/* UINT32_MAX: no memory. */
static uint32_t node_of(struct lineage_builder *b, struct str key)
{
    uint32_t number = 0;
    if (strmap_get(&b->by_asset, key, &number)) {
        return number;
    }
    struct node *nodes =
        lineage_grow(b->arena, b->nodes, b->node_count, &b->node_cap, sizeof(struct node));
    struct str copy = arena_copy(b->arena, key);
    if (nodes == NULL || copy.ptr == NULL ||
        !strmap_put(&b->by_asset, copy, (uint32_t)b->node_count)) {
        b->has_failed = true;
        return UINT32_MAX;
    }
    b->nodes = nodes;
    b->nodes[b->node_count] = (struct node){.key = copy};
    return (uint32_t)b->node_count++;
}

static uint32_t device_of(struct lineage_builder *b, struct str name, struct str site)
{
    uint32_t number = 0;
    if (strmap_get(&b->by_device, name, &number)) {
        return number;
    }
    struct str *devices =
        lineage_grow(b->arena, b->devices, b->device_count, &b->device_cap, sizeof(struct str));
    struct str *sites =
        lineage_grow(b->arena, b->sites, b->device_count, &b->site_cap, sizeof(struct str));
    struct str copy = arena_copy(b->arena, name);
    struct str site_copy = arena_copy(b->arena, site);
    if (devices == NULL || sites == NULL || copy.ptr == NULL || site_copy.ptr == NULL ||
        !strmap_put(&b->by_device, copy, (uint32_t)b->device_count)) {
        b->has_failed = true;
        return UINT32_MAX;
    }
    b->devices = devices;
    b->sites = sites;
    b->devices[b->device_count] = copy;
    b->sites[b->device_count] = site_copy;
    return (uint32_t)b->device_count++;
}

static struct place *place_of(struct lineage_builder *b, const struct dataset *d)
{
    char memory[DATASET_BYTES_MAX + 16];
    struct buf key = buf_fixed(memory, sizeof(memory));
    dataset_add(&key, d, STR_NONE);
    uint32_t number = 0;
    if (strmap_get(&b->by_place, buf_str(&key), &number)) {
        return &b->places[number];
    }
    struct place *places =
        lineage_grow(b->arena, b->places, b->place_count, &b->place_cap, sizeof(struct place));
    struct str copy = arena_copy(b->arena, buf_str(&key));
    if (places == NULL || copy.ptr == NULL ||
        !strmap_put(&b->by_place, copy, (uint32_t)b->place_count)) {
        b->has_failed = true;
        return NULL;
    }
    b->places = places;
    b->places[b->place_count] = (struct place){.key = copy, .dataset = *d};
    return &b->places[b->place_count++];
}

static void add_address(struct lineage_builder *b, const struct version *version,
                        struct str address, bool is_written)
{
    struct dataset d;
    struct use *use = arena_alloc(b->arena, sizeof(*use));
    struct str copy = arena_copy(b->arena, address);
    if (use == NULL || copy.ptr == NULL) {
        b->has_failed = true;
        return;
    }
    struct place *place = dataset_parse(copy, &d) ? place_of(b, &d) : NULL;
    if (place == NULL) {
        return;
    }
    struct use **list = is_written ? &place->writers : &place->readers;
    if (*list != NULL && (*list)->version == version) {
        return; /* said twice */
    }
    *use = (struct use){.version = version, .next = *list};
    *list = use;
}

static void add_dep(struct lineage_builder *b, struct version *version, struct str key)
{
    uint32_t *deps = lineage_grow(b->arena, version->deps, version->dep_count, &version->dep_cap,
                                  sizeof(uint32_t));
    uint32_t node = node_of(b, key);
    if (deps == NULL || node == UINT32_MAX) {
        b->has_failed = true;
        return;
    }
    version->deps = deps;
    version->deps[version->dep_count++] = node;
}

enum list_use { LIST_DEPS, LIST_READS, LIST_WRITES };

/* A device's text: what is no list of texts is passed over. */
static void read_list(struct lineage_builder *b, struct version *version, struct json_raw list,
                      enum list_use use)
{
    struct json_scan scan;
    struct json_raw item;
    struct err bad;
    char memory[DATASET_BYTES_MAX + 1];
    if (list.type != JSON_ARRAY || !json_scan_array(&scan, list.text, &bad)) {
        return;
    }
    while (json_scan_element(&scan, &item)) {
        struct buf text = buf_fixed(memory, sizeof(memory));
        struct str plain;
        if (item.type != JSON_STRING || !json_unescape(item, false, &text, &plain)) {
            continue;
        }
        if (use != LIST_DEPS) {
            add_address(b, version, plain, use == LIST_WRITES);
        } else if (plain.len > 0 && plain.len <= ASSET_KEY_BYTES_MAX && !item.has_escape) {
            add_dep(b, version, plain);
        }
    }
}

static void read_body(struct lineage_builder *b, struct version *version)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err bad;
    if (!json_scan_object(&scan, version->is.body, &bad)) {
        return;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "deps")) {
            read_list(b, version, value, LIST_DEPS);
        } else if (json_raw_is(key, "reads")) {
            read_list(b, version, value, LIST_READS);
        } else if (json_raw_is(key, "writes")) {
            read_list(b, version, value, LIST_WRITES);
        } else if (json_raw_is(key, "external")) {
            version->is.is_external = value.type == JSON_BOOL && str_eq(value.text, STR("true"));
        } else if (json_raw_is(key, "code_version") && value.type == JSON_STRING) {
            version->is.code_version = value.text;
        }
    }
}

/* Rows come version by version: it is the newest or none. */
static struct version *find_version(const struct lineage_builder *b, struct str asset,
                                    struct str id)
{
    uint32_t number = 0;
    struct version *v = strmap_get(&b->by_asset, asset, &number) ? b->nodes[number].versions : NULL;
    return v != NULL && str_eq(v->is.id, id) ? v : NULL;
}

bool lineage_knows(const struct lineage_builder *b, struct str asset, struct str version)
{
    return find_version(b, asset, version) != NULL;
}

static struct version *new_version(struct lineage_builder *b, const struct lineage_row *row)
{
    uint32_t node = node_of(b, row->asset);
    struct version *v = arena_alloc(b->arena, sizeof(*v));
    struct str id = arena_copy(b->arena, row->version);
    struct str body = arena_copy(b->arena, row->body);
    if (node == UINT32_MAX || v == NULL || id.ptr == NULL || body.ptr == NULL) {
        b->has_failed = true;
        return NULL;
    }
    v->is = (struct lineage_version){.id = id, .asset = node, .body = body, .since = row->since};
    v->next = b->nodes[node].versions;
    b->nodes[node].versions = v;
    read_body(b, v);
    return v;
}

void lineage_add(struct lineage_builder *b, const struct lineage_row *row)
{
    uint32_t device = device_of(b, row->device, row->site);
    struct version *v = find_version(b, row->asset, row->version);
    v = v != NULL ? v : new_version(b, row);
    if (v == NULL || device == UINT32_MAX) {
        return;
    }
    lineage_put_device(b, &v->devices, device);
    v->is.since = row->since.ns < v->is.since.ns ? row->since : v->is.since;
}

/* --- in order -------------------------------------------------------------------------------- */

struct named {
    struct str name;
    uint32_t number;
};

static int compare_names(const void *a, const void *b)
{
    return str_cmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

/* In `ret_place` the place in the order of each; in `ret_sorted` who is there. */
static bool sort_names(struct arena *arena, struct named *items, size_t count, uint32_t **ret_place)
{
    uint32_t *place = arena_array(arena, count + 1, sizeof(uint32_t));
    if (items == NULL || place == NULL) {
        return false;
    }
    qsort(items, count, sizeof(struct named), compare_names);
    for (size_t i = 0; i < count; i++) {
        place[items[i].number] = (uint32_t)i;
    }
    *ret_place = place;
    return true;
}

static bool order_devices(struct lineage_builder *b)
{
    struct named *items = arena_array(b->arena, b->device_count + 1, sizeof(struct named));
    struct str *names = arena_array(b->arena, b->device_count + 1, sizeof(struct str));
    struct str *sites = arena_array(b->arena, b->device_count + 1, sizeof(struct str));
    b->site_of = arena_array(b->arena, b->device_count + 1, sizeof(uint32_t));
    uint32_t *place = NULL;
    for (size_t i = 0; items != NULL && i < b->device_count; i++) {
        items[i] = (struct named){b->devices[i], (uint32_t)i};
    }
    if (names == NULL || sites == NULL || b->site_of == NULL ||
        !sort_names(b->arena, items, b->device_count, &place)) {
        return false;
    }
    for (size_t i = 0; i < b->device_count; i++) {
        names[place[i]] = b->devices[i];
        sites[place[i]] = b->sites[i];
    }
    for (size_t i = 0; i < b->node_count; i++) {
        for (struct version *v = b->nodes[i].versions; v != NULL; v = v->next) {
            for (size_t d = 0; d < v->devices.count; d++) {
                v->devices.items[d] = place[v->devices.items[d]];
            }
            v->is.devices = lineage_sorted(&v->devices);
        }
    }
    b->devices = names;
    b->sites = sites;
    return true;
}

static bool number_sites(struct lineage_builder *b)
{
    b->by_device = strmap_new(b->arena);
    for (uint32_t i = 0; i < b->device_count; i++) {
        uint32_t number = (uint32_t)b->by_site.count;
        if (!strmap_get(&b->by_site, b->sites[i], &number) &&
            !strmap_put(&b->by_site, b->sites[i], number)) {
            return false;
        }
        b->site_of[i] = number;
        if (!strmap_put(&b->by_device, b->devices[i], i)) {
            return false;
        }
    }
    return true;
}

/* Where it is made, and where it is taken as made elsewhere. */
static void set_homes(struct lineage_builder *b, struct node *node)
{
    struct device_list made = {0};
    struct device_list external = {0};
    for (const struct version *v = node->versions; v != NULL; v = v->next) {
        for (size_t i = 0; i < v->is.devices.count; i++) {
            lineage_put_device(b, v->is.is_external ? &external : &made, v->is.devices.items[i]);
        }
    }
    node->made_on = lineage_sorted(&made);
    node->external_on = lineage_sorted(&external);
}

/* The version that most devices have first; then by id. */
static bool stands_before(const struct lineage_version *a, const struct lineage_version *b)
{
    if (a->devices.count != b->devices.count) {
        return a->devices.count > b->devices.count;
    }
    return str_cmp(a->id, b->id) < 0;
}

static int compare_versions(const void *a, const void *b)
{
    const struct version *left = *(struct version *const *)a;
    const struct version *right = *(struct version *const *)b;
    return stands_before(&left->is, &right->is) ? -1 : 1;
}

static bool take_versions(struct lineage_builder *b, const struct node *node, uint32_t asset,
                          struct lineage_asset *ret)
{
    size_t count = 0;
    for (const struct version *v = node->versions; v != NULL; v = v->next) {
        count++;
    }
    struct version **sorted = arena_array(b->arena, count + 1, sizeof(*sorted));
    if (sorted == NULL) {
        return false;
    }
    size_t i = 0;
    for (struct version *v = node->versions; v != NULL; v = v->next) {
        sorted[i++] = v;
    }
    qsort(sorted, count, sizeof(*sorted), compare_versions);
    for (i = 0; i < count; i++) {
        sorted[i]->is.asset = asset;
        sorted[i]->is.next = i + 1 < count ? &sorted[i + 1]->is : NULL;
    }
    ret->versions = count > 0 ? &sorted[0]->is : NULL;
    ret->version_count = count;
    return true;
}

static int compare_edges(const void *a, const void *b)
{
    const struct lineage_edge *left = a;
    const struct lineage_edge *right = b;
    int order = (left->upstream > right->upstream) - (left->upstream < right->upstream);
    return order != 0
               ? order
               : (left->downstream > right->downstream) - (left->downstream < right->downstream);
}

static bool take_all(struct lineage_builder *b, struct lineage *ret)
{
    struct named *items = arena_array(b->arena, b->node_count + 1, sizeof(struct named));
    uint32_t *place = NULL;
    for (size_t i = 0; items != NULL && i < b->node_count; i++) {
        items[i] = (struct named){b->nodes[i].key, (uint32_t)i};
    }
    ret->assets = arena_array(b->arena, b->node_count + 1, sizeof(*ret->assets));
    ret->edges = arena_array(b->arena, b->joint_count + 1, sizeof(*ret->edges));
    ret->by_key = strmap_new(b->arena);
    if (ret->assets == NULL || ret->edges == NULL ||
        !sort_names(b->arena, items, b->node_count, &place)) {
        return false;
    }
    for (uint32_t i = 0; i < b->node_count; i++) {
        const struct node *node = &b->nodes[items[i].number];
        ret->assets[i] = (struct lineage_asset){
            .key = node->key, .made_on = node->made_on, .external_on = node->external_on};
        if (!take_versions(b, node, i, &ret->assets[i]) ||
            !strmap_put(&ret->by_key, node->key, i)) {
            return false;
        }
    }
    for (size_t i = 0; i < b->joint_count; i++) {
        ret->edges[i] = (struct lineage_edge){.upstream = place[b->joints[i].is.upstream],
                                              .downstream = place[b->joints[i].is.downstream],
                                              .reasons = b->joints[i].reasons};
    }
    qsort(ret->edges, b->joint_count, sizeof(*ret->edges), compare_edges);
    return true;
}

bool lineage_end(struct lineage_builder *b, struct lineage *ret, struct err *err)
{
    struct lineage l = {0};
    bool ok = !b->has_failed && order_devices(b) && number_sites(b);
    for (size_t i = 0; ok && i < b->node_count; i++) {
        set_homes(b, &b->nodes[i]);
    }
    if (ok) {
        lineage_join(b);
    }
    if (!ok || b->has_failed || b->joint_count > LINEAGE_EDGES_MAX || !take_all(b, &l) ||
        b->arena->exhausted) {
        return err_set(err, ERR_FULL,
                       "the fleet's lineage does not fit into %zu MiB of memory and %d edges",
                       b->arena->max >> 20, LINEAGE_EDGES_MAX);
    }
    l.asset_count = b->node_count;
    l.edge_count = b->joint_count;
    l.devices = b->devices;
    l.sites = b->sites;
    l.device_count = b->device_count;
    *ret = l;
    return true;
}

/* --- looking --------------------------------------------------------------------------------- */

static bool same_member(struct str object, struct json_raw key, struct json_raw value)
{
    struct json_scan scan;
    struct json_raw other_key;
    struct json_raw other;
    struct err bad;
    if (!json_scan_object(&scan, object, &bad)) {
        return false;
    }
    while (json_scan_member(&scan, &other_key, &other)) {
        if (str_eq(other_key.text, key.text)) {
            return other.type == value.type && str_eq(other.text, value.text);
        }
    }
    return false;
}

static bool has_member(struct str object, struct str name)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err bad;
    if (!json_scan_object(&scan, object, &bad)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (str_eq(key.text, name)) {
            return true;
        }
    }
    return false;
}

static void add_differing(struct buf *out, struct str object, struct str other, bool only_missing)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err bad;
    if (!json_scan_object(&scan, object, &bad)) {
        return;
    }
    while (json_scan_member(&scan, &key, &value) && out->len < DIFFERENCES_BYTES_MAX) {
        bool differs =
            only_missing ? !has_member(other, key.text) : !same_member(other, key, value);
        if (differs) {
            buf_add(out, out->len > 0 ? STR(", ") : STR(""));
            buf_add(out, key.text);
        }
    }
}

void lineage_add_differences(struct buf *out, struct str body, struct str other)
{
    add_differing(out, body, other, false);
    add_differing(out, other, body, true);
}

bool lineage_differs(struct str body, struct str other)
{
    char memory[DIFFERENCES_BYTES_MAX + LIMIT_NAME_BYTES];
    struct buf names = buf_fixed(memory, sizeof(memory));
    lineage_add_differences(&names, body, other);
    struct str rest = buf_str(&names);
    struct str name;
    while (!str_is_empty(rest)) {
        (void)str_cut(rest, ',', &name, &rest);
        name = str_trim(name);
        if (!str_eq(name, STR("reads")) && !str_eq(name, STR("writes"))) {
            return true;
        }
    }
    return names.overflow;
}
