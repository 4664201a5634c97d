/* store_internal.h - what the files of agent/store share. */
#pragma once
#include "agent/store/instigators.h"
#include "agent/store/store.h"
#include "agent/store/ticks.h"
#include "agent/store/view.h"
#include "agent_store_sql.h"
#include "common/base/arena.h"
#include "common/db/db.h"

/* The row of table `buffer`, kept in memory and written with every transaction that moves it. */
struct buffer_state {
    char epoch[EPOCH_TEXT_SIZE];
    int64_t last_seq;
    int64_t acked_seq;
    int64_t waiting_bytes;
    int64_t history_bytes;
    int64_t dropped;
    int64_t renumbered; /* by which seq went back with new epochs, all together */
};

struct store {
    struct db *db;
    struct buffer_state state;
    int64_t quota_bytes;
    int64_t history_bytes_max;
    size_t pending_bytes_max;
    struct arena arena;      /* copies of the pending records */
    struct pending *pending; /* oldest first */
    struct pending *newest;
    size_t pending_count;
    struct buf line; /* one encoded event */
};

/* What the command line looks through: the same database, opened read-only. */
struct view {
    struct store store;
};

struct pending {
    struct record record;
    bool is_event; /* false: project_kept() only */
    struct pending *next;
};

bool buffer_read_state(struct store *store, struct buffer_state *ret, bool *ret_found,
                       struct err *err);
bool buffer_write_state(struct store *store, const struct buffer_state *state, struct err *err);
/* One row, its line left in store->line. Inside the caller's transaction, as all that follow. */
bool buffer_insert(struct store *store, int64_t seq, int64_t from_seq, const struct record *record,
                   struct err *err);
/* Appends one event and moves `state`. */
bool buffer_append(struct store *store, struct buffer_state *state, const struct record *record,
                   struct err *err);
/* The rows after < seq <= upto. */
bool buffer_delete(struct store *store, int64_t after, int64_t upto, struct err *err);
bool buffer_measure(struct store *store, int64_t after, int64_t upto, int64_t *ret_bytes,
                    struct err *err);
/* Deletes acknowledged events beyond the history's quota: rarely, and many at once. */
bool buffer_trim_history(struct store *store, struct buffer_state *state, struct err *err);
/* The same, and gives up the oldest waiting events beyond theirs. */
bool buffer_apply_quota(struct store *store, struct buffer_state *state, struct wall_time now,
                        struct err *err);
/* The rows that the event at `seq` changes. */
bool project_record(struct store *store, const struct record *record, int64_t seq, struct err *err);
struct str project_object(struct str json); /* "{}" for none */
bool project_run_enqueued(struct store *store, const struct record *r, int64_t seq,
                          struct err *err);
bool project_run_start(struct store *store, const struct record *r, int64_t seq, struct err *err);
bool project_run_status(struct store *store, const struct record *r, const char *status,
                        int64_t seq, struct err *err);
bool project_run_end(struct store *store, const struct record *r, const char *status, int64_t seq,
                     struct err *err);
bool project_output(struct store *store, const struct record *r, struct err *err);
bool project_step_planned(struct store *store, const struct record *r, struct err *err);
/* Of a step that makes several; nothing else has a row to change. */
bool project_step_asset_made(struct store *store, const struct record *r, struct err *err);
bool project_step_start(struct store *store, const struct record *r, struct err *err);
bool project_step_messages(struct store *store, const struct record *r, struct err *err);
bool project_step_end(struct store *store, const struct record *r, const char *status,
                      struct err *err);
bool project_materialization(struct store *store, const struct record *r, int64_t seq,
                             struct err *err);
bool project_asset_failed(struct store *store, const struct record *r, struct err *err);
bool project_observation(struct store *store, const struct record *r, int64_t seq, struct err *err);
bool project_check(struct store *store, const struct record *r, struct err *err);
bool project_freshness(struct store *store, const struct record *r, struct err *err);
bool project_tick(struct store *store, const struct record *r, struct err *err);
bool project_instigator(struct store *store, const struct record *r, struct err *err);
bool project_dynamic_partition(struct store *store, const struct record *r, struct err *err);
bool project_backfill(struct store *store, const struct record *r, struct err *err);
/* Parts of a backfill move with the run that they are asked for in. */
bool project_backfill_requested(struct store *store, const struct record *r, struct err *err);
bool project_backfill_ended(struct store *store, const struct record *r, const char *status,
                            struct err *err);
bool project_bundle(struct store *store, const struct record *r, struct err *err);
bool project_command(struct store *store, const struct record *r, struct err *err);
bool project_desired(struct store *store, const struct record *r, struct err *err);
bool project_automation(struct store *store, const struct record *r, struct err *err);
/* What changes rows without being an event: the cursor of an evaluation that asked for nothing. */
bool project_kept(struct store *store, const struct record *r, struct err *err);
/* store_record() of what is no event. */
bool store_keep(struct store *store, const struct record *record, struct err *err);
