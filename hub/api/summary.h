/* summary.h - every asset over all devices, counted by reading each table once from front to back: a million
 * rows take half a second, where asking asset by asset takes many. Kept while the database is the same; when it
 * took long to make, for SUMMARY_SHARE times as long, whatever happens: a fleet so large is seen that much later. */
#pragma once
#include "common/base/strmap.h"
#include "hub/rows/freshness_list.h"
#include "hub/store/queries.h"

enum {
    SUMMARY_ARENA_BYTES = 256 << 20,
    SUMMARY_FAILING = 20,
    SUMMARY_CHEAP_MS = 20, /* what takes less is made anew for each version of the database */
    SUMMARY_SHARE = 10,
    SUMMARY_MS = 30000, /* and may take so long at most */
};
struct summary_failing {
    struct str device, asset, run, error;
    struct wall_time at;
};
struct summary {
    struct arena arena;
    struct hub_fleet_asset *assets; /* by key */
    size_t count, cap;
    struct strmap by_key; /* while it is made; not by place afterwards */
    struct freshness_list freshness;
    int64_t words[FRESH_COUNT]; /* of all assets of all devices that have a policy */
    int64_t failing_assets, failing_pairs, failing_devices, pairs;
    struct summary_failing failing[SUMMARY_FAILING]; /* the newest first */
    size_t failing_count;
    bool is_made, has_failed;
    int64_t stamp;
    struct mono_time at;
    int64_t cost_ns;
};
struct api;
MUST_CHECK bool api_summary_get(struct api *api, struct wall_time now, const struct summary **ret,
                                struct err *err);
/* The first asset behind `after`. */
size_t summary_behind(const struct summary *summary, struct str after);
/* NULL: nobody knows it. */
const struct hub_fleet_asset *summary_find(const struct summary *summary, struct str asset);
