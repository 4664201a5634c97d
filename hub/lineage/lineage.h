/* lineage.h - one graph from what all devices define: which asset is made from which, on which
 * devices, and why we think so. docs/reference/lineage.md
 *
 * An asset is its key: what several devices define under one key is one node. Two assets are joined
 * because a device says so (`deps`), or because one writes the data that the other reads (dataset.h),
 * wherever they are. Circles may come of that, since devices need not agree. Pure but for
 * lineage_load(). */
#pragma once
#include "common/base/arena.h"
#include "common/base/strmap.h"
#include "common/base/time.h"
#include "common/db/db.h"
#include "hub/lineage/dataset.h"

enum { LINEAGE_EDGES_MAX = 1000000 };

struct lineage_devices { /* by index, ascending, each once */
    const uint32_t *items;
    size_t count;
};
/* What one or more devices say of an asset in the same words. */
struct lineage_version {
    struct str id;
    uint32_t asset;
    struct str body; /* JSON: docs/reference/protocol.md, "Definitions" */
    struct str code_version;
    bool is_external;
    struct lineage_devices devices;
    struct wall_time since; /* the earliest of its devices to have it, by their clocks */
    const struct lineage_version *next; /* of the asset, fewer devices */
};
struct lineage_reason {
    struct str dataset; /* as shown; empty: a device says so */
    enum dataset_scope scope;
    struct lineage_devices from; /* by key: where the upstream is made; else who writes it */
    struct lineage_devices to;   /* who says so; who reads it */
    bool does_cross;             /* from one device to another */
    struct lineage_reason *next;
};
struct lineage_edge {
    uint32_t upstream, downstream; /* of assets */
    const struct lineage_reason *reasons;
};
struct lineage_asset {
    struct str key;
    const struct lineage_version
        *versions; /* the one that most devices have first; NULL: only named
                                               as a dependency */
    size_t version_count;
    struct lineage_devices made_on;     /* who defines how it is made */
    struct lineage_devices external_on; /* who takes it as made elsewhere */
};
struct lineage {
    struct lineage_asset *assets; /* by key */
    size_t asset_count;
    struct strmap by_key;
    struct str *devices;
    struct str *sites; /* label `site` of each; may be empty */
    size_t device_count;
    struct lineage_edge *edges; /* by upstream's key, then downstream's */
    size_t edge_count;
};

struct lineage_filter {
    struct str device;   /* empty = all */
    struct wall_time at; /* as of then, by each device's clock; 0 = now */
};
/* Everything lives in `arena`; ERR_FULL when it does not fit, or has more than LINEAGE_EDGES_MAX. */
MUST_CHECK bool lineage_load(struct db *store, const struct lineage_filter *filter,
                             struct arena *arena, struct lineage *ret, struct err *err);

/* The same from rows, which come by asset, version, device: for lineage_load(), and tests. */
struct lineage_row {
    struct str asset, version, device, site;
    struct wall_time since;
    struct str body; /* of the version */
};
struct lineage_builder;
MUST_CHECK struct lineage_builder *lineage_begin(struct arena *arena); /* NULL: no memory */
/* Whether the body of this version is known: then a row needs none. */
bool lineage_knows(const struct lineage_builder *b, struct str asset, struct str version);
void lineage_add(struct lineage_builder *b, const struct lineage_row *row);
MUST_CHECK bool lineage_end(struct lineage_builder *b, struct lineage *ret, struct err *err);

/* All that the asset is made from, directly or not, or with `is_upstream` false all that is made from
 * it; `set` has a place per asset, and keeps what is set already. */
MUST_CHECK bool lineage_reach(const struct lineage *l, uint32_t asset, bool is_upstream,
                              struct arena *arena, bool *set);

bool lineage_edge_crosses(const struct lineage_edge *edge);
/* "deps, code_version": the members in which two bodies differ; at most `max` bytes. */
void lineage_add_differences(struct buf *out, struct str body, struct str other);
/* Whether they differ in more than where the data is: that may be each device's own. */
bool lineage_differs(struct str body, struct str other);
