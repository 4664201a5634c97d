/* backfills.h - what the database knows of backfills and their parts: for the engine, to go on
 * after a restart, and for the command line. A part is one partition; its status moves with the runs
 * that are recorded for it (project_cause.c). */
#pragma once
#include "agent/store/view.h"

struct stored_backfill { /* text in the arena given, or borrowed for the call of a callback */
    struct str id, selection;
    struct str status; /* "requested", "canceling", "completed_success", "completed_failed",
                          "canceled" */
    struct str after;  /* the backfill that must have succeeded first; may be empty */
    struct str tags;   /* JSON object */
    struct str reason;
    int64_t per_run;  /* partitions in one run; 0 = all of them */
    int64_t runs_max; /* open at the same time; 0 = as the device sees fit */
    int64_t leg;
    int64_t total;    /* parts that were asked for */
    int64_t recorded; /* of them: fewer when the agent stopped while it wrote them down */
    bool newest_first;
    struct wall_time created_at, ended_at;
};
/* Those that have not ended, oldest first. */
enum { BACKFILLS_OPEN_MAX = 100 };
MUST_CHECK bool store_open_backfills(struct store *store, struct arena *arena,
                                     struct stored_backfill **ret, size_t *ret_count,
                                     struct err *err);
MUST_CHECK bool store_load_backfill(struct store *store, struct str id, struct arena *arena,
                                    struct stored_backfill *ret, bool *ret_found, struct err *err);

struct stored_backfill_facts {
    int64_t open_runs;
    bool has_waiting;
    bool has_failed; /* or canceled parts */
};
/* Of what is flushed. Cheap, however many parts there are. */
MUST_CHECK bool store_backfill_facts(struct store *store, struct str id,
                                     struct stored_backfill_facts *ret, struct err *err);
struct stored_part {
    int64_t number; /* neighbouring partitions have neighbouring numbers */
    struct str partition, status, run;
};
/* In the order of their numbers; `status` empty = all. */
MUST_CHECK bool store_backfill_parts(struct store *store, struct str id, struct str status,
                                     bool (*on_part)(void *ctx, const struct stored_part *part),
                                     void *ctx, struct err *err);
/* Whether no run was asked for yet that makes the partition; empty: of assets without any. */
MUST_CHECK bool store_backfill_waits(struct store *store, struct str id, struct str partition,
                                     bool *ret, struct err *err);
/* The ids of its open runs, in `arena`. */
MUST_CHECK bool store_backfill_runs(struct store *store, struct str id, struct arena *arena,
                                    struct str **ret, size_t *ret_count, struct err *err);

/* --- beside a running daemon --- */

struct view_backfill {
    struct stored_backfill facts;
    int64_t waiting, requested, succeeded, failed, canceled; /* parts */
};
/* Newest first. `id` empty = all, else this one. */
MUST_CHECK bool view_backfills(struct view *view, struct str id, int64_t limit,
                               bool (*on_backfill)(void *ctx, const struct view_backfill *b),
                               void *ctx, struct err *err);
/* By the beginning of its id. ERR_NOT_FOUND; ERR_INVALID when several match. */
MUST_CHECK bool view_find_backfill(struct view *view, struct str prefix, struct buf *ret_id,
                                   struct err *err);
MUST_CHECK bool view_backfill_parts(struct view *view, struct str id, struct str status,
                                    bool (*on_part)(void *ctx, const struct stored_part *part),
                                    void *ctx, struct err *err);
