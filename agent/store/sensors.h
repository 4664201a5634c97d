/* sensors.h - what sensors ask the database: which run keys had their run, which runs ended and
 * which assets were made since then. Numbers of events are those of store_last_order(). What is not flushed yet is not found. Text in callbacks is
 * borrowed for the call; one that returns false ends the reading. */
#pragma once
#include "agent/store/store.h"
#include "agent/store/view.h"
#include "common/base/uuid.h"

/* The run that the key started; *ret_found false: none did, it may start one. */
MUST_CHECK bool store_run_of_key(struct store *store, struct str sensor, struct str run_key,
                                 char ret_run[UUID_TEXT_SIZE], bool *ret_found, struct err *err);
MUST_CHECK bool view_run_of_key(struct view *view, struct str sensor, struct str run_key,
                                char ret_run[UUID_TEXT_SIZE], bool *ret_found, struct err *err);

struct run_ending {
    int64_t seq; /* of the event that says that it ended */
    struct str run, job, status;
    struct str tags; /* JSON object */
};
/* Runs that ended after the event `after`, first the one that ended first; those that were deleted
 * since are not there. */
MUST_CHECK bool store_runs_ended(struct store *store, int64_t after,
                                 bool (*on_run)(void *ctx, const struct run_ending *run), void *ctx,
                                 struct err *err);
MUST_CHECK bool view_runs_ended(struct view *view, int64_t after,
                                bool (*on_run)(void *ctx, const struct run_ending *run), void *ctx,
                                struct err *err);

struct asset_making {
    int64_t seq; /* of the newest materialization; 0 = never */
    struct str run;
    struct str job;  /* empty when the run had none, or is deleted */
    struct str tags; /* JSON object; the same */
};
/* Text in `arena`. */
MUST_CHECK bool store_asset_making(struct store *store, struct str asset, struct arena *arena,
                                   struct asset_making *ret, struct err *err);
MUST_CHECK bool view_asset_making(struct view *view, struct str asset, struct arena *arena,
                                  struct asset_making *ret, struct err *err);

/* Whether a key is in a set of dynamic partitions. */
MUST_CHECK bool store_has_partition(struct store *store, struct str set, struct str partition,
                                    bool *ret, struct err *err);
