/* lineage_internal.h - the graph while it is being put together (lineage.c), and what joins assets
 * (lineage_edges.c). Indexes are in the order of arrival until lineage_end() puts all in order. */
#pragma once
#include "hub/lineage/lineage.h"

struct device_list { /* grows by doubling */
    uint32_t *items;
    size_t count, cap;
};
struct version {
    struct lineage_version is;
    struct device_list devices;
    uint32_t *deps; /* assets */
    size_t dep_count, dep_cap;
    struct version *next; /* of the asset */
};
struct use { /* of an address, by a version of an asset */
    const struct version *version;
    struct use *next;
};
struct place {      /* an address that somebody uses */
    struct str key; /* dataset_add() */
    struct dataset dataset;
    struct use *writers, *readers; /* newest first: those of one asset stand together */
};
struct node {
    struct str key;
    struct version *versions; /* newest first */
    struct lineage_devices made_on, external_on;
};
struct joint {
    struct lineage_edge is;
    struct device_list declared_by;
    struct lineage_reason *reasons;
};
struct lineage_builder {
    struct arena *arena;
    struct strmap by_asset, by_device, by_place, by_edge, by_site;
    struct node *nodes;
    size_t node_count, node_cap;
    struct str *devices;
    struct str *sites;
    size_t device_count, device_cap, site_cap;
    struct place *places;
    size_t place_count, place_cap;
    struct joint *joints;
    size_t joint_count, joint_cap;
    uint32_t *site_of; /* by device, once all are known: the number of its site */
    bool has_failed;   /* out of memory, or too many */
};

/* `items` with room for one more; NULL: no memory. */
void *lineage_grow(struct arena *arena, void *items, size_t count, size_t *cap, size_t size);
void lineage_put_device(struct lineage_builder *b, struct device_list *list, uint32_t device);
/* Ascending, each once. */
struct lineage_devices lineage_sorted(const struct device_list *list);
bool lineage_has_device(struct lineage_devices set, uint32_t device);
/* Once devices are in order and sets of nodes are known. */
void lineage_join(struct lineage_builder *b);
