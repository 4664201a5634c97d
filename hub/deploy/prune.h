/* prune.h - deletes the files of bundles that were let go of (bundle_rows.h), a little at a time: their
 * manifests, then each file that no manifest names any more, and what has come
 * of one in part and is a day old. Whenever it is cut off, what is left is
 * whole, and the next one goes on. While one is open nothing can be packed (shelf_hold). */
#pragma once
#include "hub/deploy/bundle_rows.h"

struct prune;
/* Lets go of what is idle, too. ERR_BUSY: something is being packed, or pruned. */
MUST_CHECK bool prune_open(struct prune **ret, const struct hub_config *config,
                           struct deployments *deployments, int64_t kept, struct wall_time now,
                           struct err *err);
/* A manifest, or up to 100 files. A manifest that cannot be read ends it: what it names is not known. */
MUST_CHECK bool prune_step(struct prune *p, bool *ret_is_over, struct err *err);
struct prune_counts {
    int64_t bundles, files, bytes;
};
struct prune_counts prune_counts(const struct prune *p);
void prune_close(struct prune *p); /* NULL is allowed */
