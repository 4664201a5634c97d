/* counts_internal.h - rows (counts.c) and their sums by asset (counts_sum.c). */
#pragma once
#include "common/base/buf.h"
#include "hub/summary/counts.h"

enum told { TOLD_NOTHING, TOLD_PASS, TOLD_WARN, TOLD_FAIL, TOLD_OTHER };

struct pair { /* an asset on a device */
    int64_t at_ms, failed_at_ms, row_count, fail_after_ms;
    uint32_t asset, wording, materializations;
    uint8_t told; /* enum told */
    uint8_t word; /* enum freshness_word; FRESH_COUNT: no policy */
    bool is_defined : 1, is_external : 1, is_failing : 1;
    bool is_old : 1; /* was not put again yet */
};
_Static_assert(sizeof(struct pair) == 48, "there are a million");
struct counted_device {
    struct str name;
    struct pair *pairs; /* by asset's number */
    size_t count, cap;
    struct counts_connection connection;
    int64_t assets, failing, newest_failed_ms;
    int64_t due_ms; /* when it is to be judged again; INT64_MAX: never */
    struct counts_fresh fresh;
};
/* How devices describe an asset: what equals is kept once. */
struct wording {
    struct str group, kinds, tags, owners, description;
    uint32_t next; /* of the asset, from 1; 0: no more */
    int64_t devices;
};
struct counted_asset {
    struct str key;
    uint32_t wordings; /* from 1; 0: none */
    int64_t rows;      /* on how many devices there is a row of it */
    int64_t devices, external, failing;
    int64_t materializations;
    __extension__ __int128 row_sum;
    int64_t row_known; /* how many know their row_count */
    int64_t at_ms;
    bool is_at_stale; /* the device with the latest time is gone: to be looked for */
    bool is_dirty;
    uint32_t place; /* in the fleet's list */
    struct counts_fresh fresh;
};
struct counts {
    struct arena arena; /* texts and maps */
    struct buf text;    /* of a wording that is looked for */
    struct strmap device_by_name, asset_by_key, wording_by_text;
    struct counted_device *devices;
    size_t device_count, device_cap;
    struct counted_asset *assets;
    size_t asset_count, asset_cap;
    struct wording *wordings; /* number n is at n - 1 */
    size_t wording_count, wording_cap;
    size_t bytes; /* of what is not in the arena */
    bool has_failed;
    int64_t due_ms; /* the first of the devices' */
    /* the fleet's list */
    struct counts_fleet fleet;
    struct hub_fleet_asset *list;
    struct counts_fresh *list_fresh;
    uint32_t *dirty;
    size_t dirty_count, dirty_cap;
    bool is_list_stale; /* an asset came or went */
};

/* `items` with room for one more of `size`; NULL, and they stay: no memory. */
void *counts_grow(struct counts *c, void *items, size_t count, size_t *cap, size_t size);
struct pair *counts_pair(const struct counted_device *d, uint32_t asset);
/* Adds the pair to its asset's and its device's sums, or with -1 takes it away. */
void counts_sum(struct counts *c, struct counted_device *d, const struct pair *p, int sign);
