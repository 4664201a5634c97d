/* drive_nodes.h - what is known of each node while dbt builds: events of its log come in, starts and
 * ends go to the listener as they happen; at the end run_results.json is held against what was told.
 * Pure.
 *
 * Rules: a start is told when dbt says that it runs the node (what it skips has no start), an end
 * when it is told in full. Ephemeral models, which dbt compiles and does not count, are told only
 * when they fail. run_results.json counts where it says otherwise than the log, but for one case: with
 * --fail-fast dbt calls the test that failed "skipped" there. A node that started and of which
 * neither says how it ended has failed. */
#pragma once
#include "agent/transform/dbt_log.h"
#include "agent/transform/listener.h"

enum {
    DRIVE_NODES_MAX = 200000,
    DRIVE_SQL_BYTES_MAX = 64 << 10, /* of one node; the rest is left out */
    DRIVE_TEXT_BYTES_MAX = 4 << 10, /* of a message or a relation's name */
};

struct drive_counts {
    int64_t started, ended;
    int64_t failed; /* of them: error, fail, runtime error, partial success */
    int64_t warned, skipped;
    int64_t lost; /* started, and nobody says how it ended */
};
struct drive_nodes;
MUST_CHECK bool drive_nodes_new(const struct node_listener *listener, struct drive_nodes **ret,
                                struct err *err);
void drive_nodes_free(struct drive_nodes *n); /* NULL is allowed */

/* Tells the event's words too, from level info up. ERR_FULL over DRIVE_NODES_MAX; ERR_NO_MEMORY. */
MUST_CHECK bool drive_nodes_take(struct drive_nodes *n, const struct dbt_log_event *event,
                                 struct mono_time now, struct err *err);
/* One result of run_results.json, after the last line of the log. */
MUST_CHECK bool drive_nodes_reconcile(struct drive_nodes *n, const struct dbt_outcome *result,
                                      struct err *err);
/* No more comes: ends are told of all that started and have none. `why` is what ended dbt, when it
 * did not end by itself; NULL: it did. */
void drive_nodes_end(struct drive_nodes *n, const struct err *why, struct mono_time now);
struct drive_counts drive_nodes_counts(const struct drive_nodes *n);
