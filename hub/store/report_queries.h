/* report_queries.h - what only the report asks of the store: sums over a time and over the time before
 * it. As queries.h: typed rows, text borrowed for the callback, HUB_UNKNOWN where nothing is known.
 * Times are by the devices' clocks. These read every materialization, run or step there is: seconds
 * on a large store, so not for the loop of the hub. */
#pragma once
#include "hub/store/queries.h"

struct hub_span { /* [since, until), and what is compared with it: [before, since) */
    struct wall_time before, since, until;
};

struct hub_load {
    int64_t materializations, rows, bytes;
};
struct hub_asset_load { /* by asset, device */
    struct str asset, device;
    struct hub_load now, before;
    int64_t timed, duration_ms, duration_max_ms; /* steps whose duration is known; of them */
};
MUST_CHECK bool hub_each_load(struct db *db, const struct hub_span *span,
                              void (*on_row)(void *ctx, const struct hub_asset_load *row),
                              void *ctx, struct err *err);

struct hub_device_runs { /* by device */
    struct str device, status;
    int64_t now, before; /* runs; those that have not ended count as now */
};
MUST_CHECK bool hub_each_device_runs(struct db *db, const struct hub_span *span,
                                     void (*on_row)(void *ctx, const struct hub_device_runs *row),
                                     void *ctx, struct err *err);

/* Slices of 24 hours back from `until`; 0 is the newest. */
struct hub_slice {
    int64_t slice;
    struct str status; /* of runs; empty: the load */
    int64_t runs;
    struct hub_load load;
};
MUST_CHECK bool hub_each_slice(struct db *db, struct wall_time from, struct wall_time until,
                               void (*on_row)(void *ctx, const struct hub_slice *row), void *ctx,
                               struct err *err);

struct hub_attempts { /* of steps that began, in runs that ended in the time */
    struct str asset; /* or the step, when it makes several */
    int64_t steps, attempts, failed, succeeded;
};
MUST_CHECK bool hub_each_attempts(struct db *db, const struct hub_span *span,
                                  void (*on_row)(void *ctx, const struct hub_attempts *row),
                                  void *ctx, struct err *err);

struct hub_failing_since {
    struct str device, asset;
    struct wall_time since;
};
MUST_CHECK bool hub_each_failing_since(struct db *db,
                                       void (*on_row)(void *ctx,
                                                      const struct hub_failing_since *row),
                                       void *ctx, struct err *err);

struct hub_gap { /* by device, reason */
    struct str device, reason;
    int64_t gaps, events;
    struct wall_time at; /* the last one */
};
MUST_CHECK bool hub_each_gap(struct db *db, const struct hub_span *span,
                             void (*on_row)(void *ctx, const struct hub_gap *row), void *ctx,
                             struct err *err);

struct hub_alert {
    int64_t id;
    struct str kind;
    bool is_group;
    struct str subject;
    struct wall_time opened, told, resolved; /* resolved 0 = open */
    int64_t devices, troubles;
    struct str detail;
};
/* That somebody was told of: open ones first, then those that ended in the time. */
MUST_CHECK bool hub_each_alert(struct db *db, const struct hub_span *span,
                               void (*on_row)(void *ctx, const struct hub_alert *row), void *ctx,
                               struct err *err);

MUST_CHECK bool hub_each_label(struct db *db, struct str key,
                               void (*on_row)(void *ctx, struct str device, struct str value),
                               void *ctx, struct err *err);
