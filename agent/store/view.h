/* view.h - the device's database as the command line reads it: read-only, beside a running daemon.
 * Text in callbacks is borrowed for the call. A callback that returns false ends the reading. */
#pragma once
#include "agent/store/store.h"

struct view;
/* ERR_NOT_FOUND when nothing was ever run here. */
MUST_CHECK bool view_open(struct view **ret, const char *path, struct err *err);
void view_close(struct view *view);
/* The same database for functions that only read. */
struct store *view_store(struct view *view);

MUST_CHECK bool view_position(struct view *view, struct store_position *ret, struct err *err);

struct view_run {
    struct str id, job, cause, cause_name, selection, status, error, error_code;
    struct str parent, root, partition, partition_end, backfill;
    struct str tags; /* JSON object */
    int64_t steps, succeeded, failed, priority, retry_number;
    struct wall_time created_at, started_at, ended_at; /* 0 = not yet */
    struct wall_time not_before;                       /* it stays queued until then; 0 = no wait */
};
struct view_run_filter {
    struct str run; /* whole id; empty = any, as all that follow */
    struct str status;
    struct str asset;
    struct str job;
    struct str backfill;
    int64_t limit;
};
MUST_CHECK bool view_runs(struct view *view, const struct view_run_filter *filter,
                          bool (*on_run)(void *ctx, const struct view_run *run), void *ctx,
                          struct err *err);

struct view_run_span {
    char id[40];
    char status[16];
    char error[400];
    int64_t first_seq, last_seq;
    int64_t steps;
};
/* By id, by the beginning of one, or the newest when `prefix` is empty. ERR_NOT_FOUND; ERR_INVALID
 * when several match. */
bool view_run_is_over(const struct view_run_span *run);
MUST_CHECK bool view_find_run(struct view *view, struct str prefix, struct view_run_span *ret,
                              struct err *err);

struct view_step {
    struct str step, asset, status, error;
    int64_t attempt;
    struct wall_time started_at, ended_at, retry_at; /* 0 = not yet, or not at all */
};
MUST_CHECK bool view_steps(struct view *view, struct str run,
                           bool (*on_step)(void *ctx, const struct view_step *step), void *ctx,
                           struct err *err);
/* The events of a run that are still here, oldest first, each as its line without the newline. */
MUST_CHECK bool view_events(struct view *view, const struct view_run_span *run,
                            bool (*on_event)(void *ctx, struct str line), void *ctx,
                            struct err *err);
/* Events that wait for the hub. */
MUST_CHECK bool view_waiting(struct view *view, int64_t limit,
                             bool (*on_event)(void *ctx, struct str line), void *ctx,
                             struct err *err);

struct view_asset { /* text in `arena` */
    struct wall_time materialized_at, failed_at;
    struct str run, metadata, error;
    int64_t materializations;
};
MUST_CHECK bool view_asset(struct view *view, struct str key, struct arena *arena,
                           struct view_asset *ret, bool *ret_found, struct err *err);
