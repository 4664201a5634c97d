/* bundle_rows.h - the bundles that this hub has packed, and who needs which. */
#pragma once
#include "hub/deploy/deployments.h"

struct bundle_row {
    struct str hash, source;
    struct wall_time made;
    struct wall_time deleted; /* 0 = its files are here */
    int64_t files, bytes;
    int64_t deployments; /* going on or paused, that give it, or would put a device back to it */
    int64_t targets;     /* devices that are to have it */
    int64_t devices;     /* that have it, had it before, or fetch it, as far as they said */
    int64_t commands;    /* that wait and name it */
    int64_t number;      /* 1: the newest of those whose files are here */
};
/* Whether nobody needs it and it is not among the `kept` newest. */
bool bundle_is_idle(const struct bundle_row *row, int64_t kept);
/* Writes down that its files are here, where they come from; of one that is known, that they are here. */
MUST_CHECK bool bundles_add(struct deployments *d, const struct shelf_packed *bundle,
                            struct str source, struct wall_time now, struct err *err);
/* Newest first; text is borrowed for the call. */
MUST_CHECK bool bundles_each(struct deployments *d,
                             void (*on_row)(void *ctx, const struct bundle_row *row), void *ctx,
                             struct err *err);
/* Writes down that the idle ones are deleted: their files go in a prune (prune.h), which may be cut
 * off and begun again. */
MUST_CHECK bool bundles_let_go(struct deployments *d, int64_t kept, struct wall_time now,
                               int64_t *ret_count, struct err *err);
/* False as well of one that this hub does not know: it is left alone. */
MUST_CHECK bool bundles_is_deleted(struct deployments *d, struct str hash, bool *ret,
                                   struct err *err);
