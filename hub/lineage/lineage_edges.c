/* lineage_edges.c - why two assets are joined: a device says so, or one writes what the other reads.
 * An address that is meant by one device only (a file, localhost) joins what is on the same device,
 * a private one what is on devices of one site. */
#include "hub/lineage/lineage_internal.h"
#include <string.h>

static struct joint *joint_of(struct lineage_builder *b, uint32_t upstream, uint32_t downstream)
{
    const uint32_t ends[2] = {upstream, downstream};
    struct str key = {(const char *)ends, sizeof(ends)};
    uint32_t number = 0;
    if (strmap_get(&b->by_edge, key, &number)) {
        return &b->joints[number];
    }
    struct joint *joints =
        lineage_grow(b->arena, b->joints, b->joint_count, &b->joint_cap, sizeof(struct joint));
    struct str copy = arena_copy(b->arena, key);
    if (b->joint_count >= LINEAGE_EDGES_MAX || joints == NULL || copy.ptr == NULL ||
        !strmap_put(&b->by_edge, copy, (uint32_t)b->joint_count)) {
        b->has_failed = true;
        return NULL;
    }
    b->joints = joints;
    b->joints[b->joint_count] =
        (struct joint){.is = {.upstream = upstream, .downstream = downstream}};
    return &b->joints[b->joint_count++];
}

static void add_reason(struct lineage_builder *b, struct joint *joint,
                       const struct lineage_reason *reason)
{
    struct lineage_reason *r = arena_alloc(b->arena, sizeof(*r));
    if (r == NULL) {
        b->has_failed = true;
        return;
    }
    *r = *reason;
    /* By key first, then by address: those come in the order of `places`. */
    struct lineage_reason **at = &joint->reasons;
    while (*at != NULL && str_cmp((*at)->dataset, r->dataset) <= 0) {
        at = &(*at)->next;
    }
    r->next = *at;
    *at = r;
}

/* --- by key ---------------------------------------------------------------------------------- */

static void add_declared(struct lineage_builder *b, const struct version *v)
{
    for (size_t i = 0; i < v->dep_count; i++) {
        struct joint *joint = joint_of(b, v->deps[i], v->is.asset);
        for (size_t d = 0; joint != NULL && d < v->is.devices.count; d++) {
            lineage_put_device(b, &joint->declared_by, v->is.devices.items[d]);
        }
    }
}

static void join_by_key(struct lineage_builder *b)
{
    for (size_t i = 0; i < b->node_count; i++) {
        for (const struct version *v = b->nodes[i].versions; v != NULL; v = v->next) {
            add_declared(b, v);
        }
    }
    for (size_t i = 0; i < b->joint_count && !b->has_failed; i++) {
        struct joint *joint = &b->joints[i];
        const struct node *upstream = &b->nodes[joint->is.upstream];
        struct lineage_reason reason = {.from = upstream->made_on,
                                        .to = lineage_sorted(&joint->declared_by)};
        for (size_t d = 0; d < reason.to.count && reason.from.count > 0; d++) {
            reason.does_cross =
                reason.does_cross || !lineage_has_device(reason.from, reason.to.items[d]);
        }
        add_reason(b, joint, &reason);
    }
}

/* --- by dataset ------------------------------------------------------------------------------ */

/* The uses of one asset: who writes, or reads, as that asset. */
struct group {
    uint32_t asset;
    struct lineage_devices devices;
};

static size_t group_uses(struct lineage_builder *b, const struct use *uses, struct group **ret)
{
    size_t count = 0;
    size_t room = 0;
    struct group *groups = NULL;
    while (uses != NULL && !b->has_failed) {
        uint32_t asset = uses->version->is.asset;
        struct device_list devices = {0};
        for (; uses != NULL && uses->version->is.asset == asset; uses = uses->next) {
            for (size_t i = 0; i < uses->version->is.devices.count; i++) {
                lineage_put_device(b, &devices, uses->version->is.devices.items[i]);
            }
        }
        struct group *grown = lineage_grow(b->arena, groups, count, &room, sizeof(struct group));
        if (grown == NULL) {
            b->has_failed = true;
            return 0;
        }
        groups = grown;
        groups[count++] = (struct group){asset, lineage_sorted(&devices)};
    }
    *ret = groups;
    return count;
}

/* Of `set` those that are in `other`, or at a site of one of them. */
static struct lineage_devices near(struct lineage_builder *b, struct lineage_devices set,
                                   struct lineage_devices other, enum dataset_scope scope)
{
    struct device_list list = {0};
    bool *has_site = arena_array(b->arena, b->by_site.count + 1, sizeof(bool));
    if (has_site == NULL) {
        b->has_failed = true;
        return (struct lineage_devices){0};
    }
    for (size_t i = 0; i < other.count; i++) {
        has_site[b->site_of[other.items[i]]] = true;
    }
    for (size_t i = 0; i < set.count; i++) {
        bool is_near = scope == DATASET_DEVICE ? lineage_has_device(other, set.items[i])
                                               : has_site[b->site_of[set.items[i]]];
        if (is_near) {
            lineage_put_device(b, &list, set.items[i]);
        }
    }
    return (struct lineage_devices){list.items, list.count};
}

static struct str show_address(struct lineage_builder *b, const struct place *place,
                               struct lineage_devices devices)
{
    char memory[DATASET_BYTES_MAX + 512];
    struct buf text = buf_fixed(memory, sizeof(memory));
    bool is_one = place->dataset.scope == DATASET_DEVICE && devices.count == 1;
    dataset_add(&text, &place->dataset, is_one ? b->devices[devices.items[0]] : STR_NONE);
    struct str copy = arena_copy(b->arena, buf_str(&text));
    b->has_failed = b->has_failed || copy.ptr == NULL;
    return copy;
}

static bool does_cross(struct lineage_devices from, struct lineage_devices to)
{
    return from.count > 1 || to.count > 1 || from.items[0] != to.items[0];
}

static void join_groups(struct lineage_builder *b, const struct place *place,
                        const struct group *writer, const struct group *reader)
{
    enum dataset_scope scope = place->dataset.scope;
    struct lineage_reason reason = {.scope = scope, .from = writer->devices, .to = reader->devices};
    if (writer->asset == reader->asset) {
        return;
    }
    if (scope != DATASET_EVERYWHERE) {
        reason.from = near(b, writer->devices, reader->devices, scope);
        reason.to = near(b, reader->devices, writer->devices, scope);
    }
    if (reason.from.count == 0 || reason.to.count == 0) {
        return;
    }
    reason.does_cross = scope != DATASET_DEVICE && does_cross(reason.from, reason.to);
    reason.dataset = show_address(b, place, reason.from);
    struct joint *joint = joint_of(b, writer->asset, reader->asset);
    if (joint != NULL) {
        add_reason(b, joint, &reason);
    }
}

static void join_place(struct lineage_builder *b, const struct place *place)
{
    struct group *writers = NULL;
    struct group *readers = NULL;
    if (place->writers == NULL || place->readers == NULL) {
        return;
    }
    size_t writer_count = group_uses(b, place->writers, &writers);
    size_t reader_count = group_uses(b, place->readers, &readers);
    for (size_t i = 0; i < writer_count; i++) {
        for (size_t k = 0; k < reader_count && !b->has_failed; k++) {
            join_groups(b, place, &writers[i], &readers[k]);
        }
    }
}

/* --- a host that is called as a device ------------------------------------------------------- */

static struct lineage_devices only(struct lineage_builder *b, struct lineage_devices set,
                                   uint32_t device)
{
    struct device_list list = {0};
    if (lineage_has_device(set, device)) {
        lineage_put_device(b, &list, device);
    }
    return (struct lineage_devices){list.items, list.count};
}

static void join_across(struct lineage_builder *b, const struct place *place,
                        const struct use *writer_uses, const struct use *reader_uses,
                        uint32_t device, bool is_writer_local)
{
    struct group *writers = NULL;
    struct group *readers = NULL;
    size_t writer_count = group_uses(b, writer_uses, &writers);
    size_t reader_count = group_uses(b, reader_uses, &readers);
    for (size_t i = 0; i < writer_count; i++) {
        for (size_t k = 0; k < reader_count && !b->has_failed; k++) {
            struct group writer = writers[i];
            struct group reader = readers[k];
            struct group *local = is_writer_local ? &writer : &reader;
            local->devices = only(b, local->devices, device);
            join_groups(b, place, &writer, &reader);
        }
    }
}

/* Somebody names a device as the host of what that device itself calls its own. */
static void join_with_device(struct lineage_builder *b, const struct place *place)
{
    char memory[DATASET_BYTES_MAX + 16];
    struct buf key = buf_fixed(memory, sizeof(memory));
    struct dataset own = place->dataset;
    uint32_t device = 0;
    uint32_t number = 0;
    if (own.scope != DATASET_EVERYWHERE || !strmap_get(&b->by_device, own.host, &device)) {
        return;
    }
    own.scope = DATASET_DEVICE;
    dataset_add(&key, &own, STR_NONE);
    if (!strmap_get(&b->by_place, buf_str(&key), &number)) {
        return;
    }
    const struct place *local = &b->places[number];
    join_across(b, place, place->writers, local->readers, device, false);
    join_across(b, place, local->writers, place->readers, device, true);
}

void lineage_join(struct lineage_builder *b)
{
    join_by_key(b);
    for (size_t i = 0; i < b->place_count && !b->has_failed; i++) {
        join_place(b, &b->places[i]);
        join_with_device(b, &b->places[i]);
    }
}

/* --- looking --------------------------------------------------------------------------------- */

bool lineage_edge_crosses(const struct lineage_edge *edge)
{
    for (const struct lineage_reason *r = edge->reasons; r != NULL; r = r->next) {
        if (r->does_cross) {
            return true;
        }
    }
    return false;
}

/* Edges by the end that one comes from: those of asset n are items[start[n]..start[n + 1]). */
static bool index_edges(const struct lineage *l, bool is_upstream, struct arena *arena,
                        size_t **ret_start, uint32_t **ret_items)
{
    size_t *start = arena_array(arena, l->asset_count + 2, sizeof(size_t));
    uint32_t *items = arena_array(arena, l->edge_count + 1, sizeof(uint32_t));
    if (start == NULL || items == NULL) {
        return false;
    }
    for (size_t i = 0; i < l->edge_count; i++) {
        start[(is_upstream ? l->edges[i].downstream : l->edges[i].upstream) + 2]++;
    }
    for (size_t i = 2; i < l->asset_count + 2; i++) {
        start[i] += start[i - 1];
    }
    for (size_t i = 0; i < l->edge_count; i++) {
        const struct lineage_edge *e = &l->edges[i];
        uint32_t from = is_upstream ? e->downstream : e->upstream;
        items[start[from + 1]++] = is_upstream ? e->upstream : e->downstream;
    }
    *ret_start = start;
    *ret_items = items;
    return true;
}

bool lineage_reach(const struct lineage *l, uint32_t asset, bool is_upstream, struct arena *arena,
                   bool *set)
{
    size_t *start = NULL;
    uint32_t *items = NULL;
    uint32_t *waiting = arena_array(arena, l->asset_count + 1, sizeof(uint32_t));
    bool *seen = arena_array(arena, l->asset_count + 1, sizeof(bool));
    if (waiting == NULL || seen == NULL || !index_edges(l, is_upstream, arena, &start, &items)) {
        return false;
    }
    size_t count = 0;
    waiting[count++] = asset;
    while (count > 0) {
        uint32_t at = waiting[--count];
        for (size_t i = start[at]; i < start[at + 1]; i++) {
            if (!seen[items[i]]) {
                seen[items[i]] = true;
                set[items[i]] = true;
                waiting[count++] = items[i];
            }
        }
    }
    return true;
}
