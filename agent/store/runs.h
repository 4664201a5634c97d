/* runs.h - what the database knows of runs, for the engine: to go on after a restart, and to try
 * again. Text lives in the arena given. */
#pragma once
#include "agent/store/store.h"

struct stored_run {
    struct str id, job, cause, cause_name, selection;
    struct str status;
    struct str keys; /* JSON array of the assets of its steps; empty = what `selection` selects */
    struct str tags; /* JSON object */
    struct str partition, partition_end;
    struct str parent, root;
    struct str backfill;
    int64_t priority;
    int64_t retry_number;
    int64_t steps;
    struct wall_time created_at, not_before;
};
/* By its whole id. */
MUST_CHECK bool store_load_run(struct store *store, struct str id, struct arena *arena,
                               struct stored_run *ret, bool *ret_found, struct err *err);
/* Runs that have not ended, oldest first; at most RUNS_OPEN_MAX, the others wait for the next
 * start. */
enum { RUNS_OPEN_MAX = 1000 };
MUST_CHECK bool store_open_runs(struct store *store, struct arena *arena, struct stored_run **ret,
                                size_t *ret_count, struct err *err);

struct stored_step {
    struct str step;
    struct str asset; /* empty: it makes several */
    struct str status;
    int64_t attempt;
    struct wall_time retry_at; /* 0 = it was not about to be tried again */
    int64_t messages_read;     /* bytes of the attempt's Dagster Pipes messages that are recorded */
};
/* What a run that has started was to make. */
struct stored_run_asset {
    struct str asset, step;
    bool is_made; /* and no blocking check of it was not passed */
};
/* In no order, but those of one step stand together. */
MUST_CHECK bool store_run_assets(struct store *store, struct str run, struct arena *arena,
                                 struct stored_run_asset **ret, size_t *ret_count, struct err *err);
/* Of a run that has started, in no order. */
MUST_CHECK bool store_run_steps(struct store *store, struct str run, struct arena *arena,
                                struct stored_step **ret, size_t *ret_count, struct err *err);
