/* bundles.h - what became of bundles on this device, and which one is in force: a projection of
 * `bundle` events, written with them. */
#pragma once
#include "agent/store/store.h"
#include "common/wire/bundle.h"

struct bundle_place {
    char current[BUNDLE_HASH_SIZE]; /* empty = the local file */
    char previous[BUNDLE_HASH_SIZE];
    int64_t starts; /* of the agent since the last event about a bundle */
};
MUST_CHECK bool store_bundle_place(struct store *store, struct bundle_place *ret, struct err *err);
/* The agent has started. Durable. */
MUST_CHECK bool store_bundle_started(struct store *store, struct err *err);

struct bundle_row { /* borrowed for the call */
    struct str hash;
    struct str status; /* "fetching", "applied", "healthy", "failed", "rolled_back", "left" */
    struct str reason; /* may be empty */
    struct wall_time at;
};
/* The newest 100 are known. `status` and `reason` are copied into `arena`. */
MUST_CHECK bool store_bundle_find(struct store *store, struct str hash, struct arena *arena,
                                  struct bundle_row *ret, bool *ret_found, struct err *err);
/* The keys of assets that failed after they were last made. */
MUST_CHECK bool store_each_failing(struct store *store, bool (*on_asset)(void *ctx, struct str key),
                                   void *ctx, struct err *err);
MUST_CHECK bool store_each_bundle(struct store *store,
                                  void (*on_bundle)(void *ctx, const struct bundle_row *row),
                                  void *ctx, struct err *err);
