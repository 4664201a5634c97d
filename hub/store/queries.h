/* queries.h - what CLI, reports and API ask the store, as typed rows. Text is borrowed for the
 * callback only and empty where nothing is known; times are 0 then, and numbers HUB_UNKNOWN. JSON
 * members are text as devices sent it. Filters: an empty text means any. Works on a read-only store
 * beside a running hub; each call sees one snapshot. Thread: the handle's. */
#pragma once
#include "common/base/time.h"
#include "common/db/db.h"

#define HUB_UNKNOWN INT64_MIN

struct hub_filter {
    struct str device;
    struct str asset;
    struct str run;
    struct str status;
    struct str job;          /* of a list of runs, as the next */
    struct str since, until; /* ids from the one on, and before the other */
    bool only_failing;
    bool without_counts; /* of devices: `assets` and `failing` stay unknown */
    int64_t limit;       /* newest first where it applies; 0 = no limit */
    /* The list goes on behind this row, by what it is ordered by: devices by id; assets of the fleet
     * by key; of devices by key and device; runs by id, newest first, and device; checks by asset,
     * name and device; ticks by device and schedule. */
    struct str after[3];
};

struct hub_device {
    struct str id;
    struct str status; /* "enrolled", "replacing", "revoked", "decommissioned"; "unknown": in the
                          log only */
    struct str version, board;
    bool is_online;
    struct wall_time since, last_seen;
    struct str offline_reason, refusal;
    int64_t clock_offset_ms; /* device minus hub */
    struct wall_time enrolled, not_after;
    struct str cert_fingerprint;
    struct wall_time last_received; /* of its newest event */
    int64_t waiting;                /* events it said it holds and that are not merged yet */
    int64_t assets, failing, runs_open, events, lost_events;
    struct str definitions_hash;
    struct wall_time definitions_at;
    struct str display_name;
    struct str status_reason;
    struct wall_time status_since;
    struct str serial_number; /* of the hardware */
    struct str labels;        /* "line=2 site=berlin", by key */
};
MUST_CHECK bool hub_each_device(struct db *db, const struct hub_filter *filter,
                                void (*on_row)(void *ctx, const struct hub_device *row), void *ctx,
                                struct err *err);

/* "online", "away", "never seen", or a status other than enrolled. */
struct str hub_device_presence(const struct hub_device *d);
struct wall_time hub_device_last_seen(const struct hub_device *d);

struct hub_fleet_asset { /* one asset over all devices */
    struct str asset;
    int64_t devices, failing; /* that define it; on which it fails */
    bool is_external;
    struct str group, kinds, tags, owners, description;
    int64_t materializations;
    int64_t row_count; /* of the latest on each device, together */
    struct wall_time at;
};

struct hub_device_asset {
    struct str device, asset;
    bool is_defined; /* false: no longer in the device's definitions */
    bool is_external, is_failing;
    struct str group, kinds, tags, owners, checks, description, code_version;
    int64_t materializations, failures;
    struct wall_time at; /* of the latest materialization, as are those down to metadata */
    struct str run;
    int64_t row_count, byte_count, duration_ms;
    struct str data_version, metadata;
    struct wall_time failed_at;
    struct str failed_run, failed_error;
};
MUST_CHECK bool hub_each_device_asset(struct db *db, const struct hub_filter *filter,
                                      void (*on_row)(void *ctx, const struct hub_device_asset *row),
                                      void *ctx, struct err *err);

/* How assets are described, over all devices: each wording once. Of the row, only asset, group, kinds,
 * tags, owners and is_external are set. */
MUST_CHECK bool
hub_each_asset_wording(struct db *db, void (*on_row)(void *ctx, const struct hub_device_asset *row),
                       void *ctx, struct err *err);

struct hub_edge {
    struct str upstream, downstream;
    int64_t devices;
    struct str declared_by; /* device names, separated by spaces */
};
/* Every edge of any device once, without the devices. */
MUST_CHECK bool hub_each_edge_once(struct db *db,
                                   void (*on_row)(void *ctx, const struct hub_edge *row), void *ctx,
                                   struct err *err);
/* Of one device, or merged over the fleet. */
MUST_CHECK bool hub_each_edge(struct db *db, const struct hub_filter *filter,
                              void (*on_row)(void *ctx, const struct hub_edge *row), void *ctx,
                              struct err *err);

struct hub_run {
    struct str device, run, status, job, cause, cause_name, selection, tags;
    struct wall_time enqueued, started, ended;
    struct str error;
    int64_t steps, steps_success, steps_failure, steps_skipped;
};
MUST_CHECK bool hub_each_run(struct db *db, const struct hub_filter *filter,
                             void (*on_row)(void *ctx, const struct hub_run *row), void *ctx,
                             struct err *err);

/* Runs whose id begins like this, newest first. */
MUST_CHECK bool hub_each_run_like(struct db *db, struct str prefix, const struct hub_filter *filter,
                                  void (*on_row)(void *ctx, struct str device, struct str run),
                                  void *ctx, struct err *err);

struct hub_step {
    struct str device, run, step, asset, status;
    int64_t attempt;
    struct wall_time started, ended;
    int64_t duration_ms;
    struct wall_time retry_at;
    struct str error, exit, reason;
};
/* filter->run is needed. */
MUST_CHECK bool hub_each_step(struct db *db, const struct hub_filter *filter,
                              void (*on_row)(void *ctx, const struct hub_step *row), void *ctx,
                              struct err *err);

struct hub_check {
    struct str device, asset, name;
    bool passed;
    struct str severity;
    struct wall_time at;
    struct str run, metadata;
};
MUST_CHECK bool hub_each_check(struct db *db, const struct hub_filter *filter,
                               void (*on_row)(void *ctx, const struct hub_check *row), void *ctx,
                               struct err *err);

struct hub_materialization {
    struct str device, asset;
    int64_t seq;
    struct wall_time at;
    struct str run;
    int64_t row_count, rows_written, byte_count, duration_ms;
    struct str metadata;
};
struct hub_materialized_at {
    struct str asset;
    struct wall_time at; /* the latest until then, by the devices' clocks */
    int64_t materializations;
};
/* Until `at`; `device` empty: of all. Reads every materialization there is. */
MUST_CHECK bool hub_each_materialized_at(struct db *db, struct str device, struct wall_time at,
                                         void (*on_row)(void *ctx,
                                                        const struct hub_materialized_at *row),
                                         void *ctx, struct err *err);

/* Runs that ended since then, and those that have not ended, by status. */
MUST_CHECK bool hub_each_run_count(struct db *db, struct wall_time since,
                                   void (*on_row)(void *ctx, struct str status, int64_t runs),
                                   void *ctx, struct err *err);

struct hub_refusal {
    struct wall_time at;
    struct str peer, what, why;
};
MUST_CHECK bool hub_each_refusal(struct db *db, const struct hub_filter *filter,
                                 void (*on_row)(void *ctx, const struct hub_refusal *row),
                                 void *ctx, struct err *err);

/* A batch that contradicts the log, as it came; ERR_NOT_FOUND. */
MUST_CHECK bool hub_read_quarantined(struct db *db, int64_t id, struct buf *payload,
                                     struct err *err);

/* Databases of devices that are not listened to. */
struct hub_cut_off {
    struct str device, epoch;
    struct wall_time at;
    struct str why;
};
MUST_CHECK bool hub_each_cut_off(struct db *db, const struct hub_filter *filter,
                                 void (*on_row)(void *ctx, const struct hub_cut_off *row),
                                 void *ctx, struct err *err);
/* An empty epoch: all of the device. Needs a writer. */
MUST_CHECK bool hub_clear_cut_off(struct db *db, struct str device, struct str epoch,
                                  int64_t *ret_count, struct err *err);

struct hub_totals {
    int64_t devices, online;
    int64_t assets, device_assets, failing; /* keys; keys times devices; of those failing now */
    int64_t materializations, row_count;
    int64_t runs, runs_success, runs_failure, runs_open;
    int64_t checks_failing, events, lost_events;
};
MUST_CHECK bool hub_read_totals(struct db *db, struct hub_totals *ret, struct err *err);
