/* versions.h - what the database knows of assets: how and from what they were made, what was seen
 * of them, what is being made, and what automation remembers. For the daemon, and for the command
 * line through view_store(). All of it is of what was flushed. Text in callbacks is borrowed for the
 * call; one that returns false ends the reading. */
#pragma once
#include "agent/store/view.h"
#include "common/model/staleness.h"

struct stored_asset {
    struct str key;
    struct wall_time materialized_at; /* 0 = never */
    int64_t materialized_seq;         /* see store_last_order() */
    struct str run;                   /* that materialized it; empty: it was reported */
    int64_t materializations;
    struct str data_version;
    bool is_version_given; /* data_version was told, not computed */
    struct str code_version;
    struct wall_time observed_at;
    int64_t observed_seq;
    int64_t changed_seq; /* of the last observation with another data version than before */
    struct str observed_version;
    struct wall_time failed_at; /* 0 = not since it was materialized */
    struct str error;
    struct str freshness; /* the state last told; empty = none was */
    struct wall_time freshness_at;
};
/* Of every asset of which anything is known, in no order; also those that are defined no more. */
MUST_CHECK bool store_each_asset(struct store *store,
                                 bool (*on_asset)(void *ctx, const struct stored_asset *asset),
                                 void *ctx, struct err *err);
/* One of them; its text is in `arena`. */
MUST_CHECK bool store_find_asset(struct store *store, struct str key, struct arena *arena,
                                 struct stored_asset *ret, bool *ret_found, struct err *err);
/* What it was made from the last time; none when nothing is known of that. */
MUST_CHECK bool store_asset_inputs(struct store *store, struct str key, struct arena *arena,
                                   const struct asset_input **ret, size_t *ret_count,
                                   struct err *err);
/* As the model of staleness takes it, without the inputs; of an external asset the later one of
 * materialization and observation. Borrows the asset's text. */
struct asset_version stored_asset_version(const struct stored_asset *asset, bool is_external);
/* The event that updated it last, for automation; 0 = none did. */
int64_t stored_asset_updated_seq(const struct stored_asset *asset, bool is_external);

/* --- what is being made --- */

/* What an open run has yet to make. */
struct stored_open {
    struct str asset;     /* empty: all that `selection` selects */
    struct str selection; /* of a run that is queued and too large for a list of its assets */
    struct str partition, partition_end;
    struct str run, status; /* of the run: "queued", "started", ... */
};
MUST_CHECK bool store_each_open(struct store *store,
                                bool (*on_open)(void *ctx, const struct stored_open *open),
                                void *ctx, struct err *err);

/* --- partitions --- */

struct stored_slice {
    struct wall_time materialized_at; /* 0 = never */
    int64_t materialized_seq;
    struct str run; /* in `arena` */
};
MUST_CHECK bool store_find_slice(struct store *store, struct str asset, struct str partition,
                                 struct arena *arena, struct stored_slice *ret, struct err *err);
/* All partitions of an asset together. */
struct stored_slices {
    int64_t made;
    int64_t failed; /* those that failed since they were made, or never were */
    struct wall_time materialized_at;
    int64_t materialized_seq;
};
MUST_CHECK bool store_sum_slices(struct store *store, struct str asset, struct stored_slices *ret,
                                 struct err *err);

/* --- checks --- */

struct stored_check {
    struct str asset, name, severity, run, metadata;
    struct wall_time at;
    bool passed;
};
/* The last evaluation of each, by asset. */
MUST_CHECK bool store_each_check(struct store *store,
                                 bool (*on_check)(void *ctx, const struct stored_check *check),
                                 void *ctx, struct err *err);
MUST_CHECK bool store_asset_checks(struct store *store, struct str asset,
                                   bool (*on_check)(void *ctx, const struct stored_check *check),
                                   void *ctx, struct err *err);

/* --- automation --- */

/* Keeps where an asset's condition stands, with the next flush; no event says so. What asks for a
 * run is a record of EVENT_AUTOMATION_EVALUATION. ERR_FULL as store_record(). */
MUST_CHECK bool store_keep_automation(struct store *store, struct str asset, struct str cursor,
                                      struct wall_time now, struct err *err);
MUST_CHECK bool store_each_automation(struct store *store,
                                      bool (*on_cursor)(void *ctx, struct str asset,
                                                        struct str cursor),
                                      void *ctx, struct err *err);
struct stored_automation { /* text in the arena */
    struct str cursor;
    struct wall_time evaluated_at; /* when the cursor moved */
    struct wall_time requested_at; /* 0 = it never asked for a run */
    struct str run;                /* the last it asked for */
    struct str tree;               /* JSON of why; "{}" when it was too large to be kept */
};
MUST_CHECK bool store_find_automation(struct store *store, struct str asset, struct arena *arena,
                                      struct stored_automation *ret, bool *ret_found,
                                      struct err *err);
/* Somebody paused automation as a whole: the instigator of that kind and name (record.h). */
MUST_CHECK bool store_automation_is_paused(struct store *store, bool *ret, struct err *err);
