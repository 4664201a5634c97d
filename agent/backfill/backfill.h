/* backfill.h - what a backfill does next, and which of its partitions one run takes. Pure: facts in,
 * a decision out; so it goes on after a restart as if there had been none. States and their names
 * are Dagster's.
 *
 *   REQUESTED --(nothing waits, no run is open)--> COMPLETED_SUCCESS | COMPLETED_FAILED
 *       |  \--(the backfill before it failed)----> CANCELED
 *       +--(a person)--> CANCELING --(no run is open)--> CANCELED
 *
 * A partition that fails stops no other. */
#pragma once
#include "common/base/limits.h"
#include "common/model/partition.h"

enum backfill_status {
    BACKFILL_REQUESTED,
    BACKFILL_CANCELING,
    BACKFILL_COMPLETED_SUCCESS,
    BACKFILL_COMPLETED_FAILED,
    BACKFILL_CANCELED,
    BACKFILL_STATUS_COUNT
};
const char *backfill_status_name(enum backfill_status status); /* "completed_success" */
/* Unknown words: BACKFILL_CANCELED, so that nothing is done for them. */
enum backfill_status backfill_status_from(struct str name);
bool backfill_is_finished(enum backfill_status status);

struct backfill_policy {
    int64_t per_run;  /* neighbouring partitions in one run; 0 = as many as there are */
    int64_t runs_max; /* open at the same time; at least 1 */
    bool newest_first;
};

/* --- what to do next -------------------------------------------------------------------------- */

enum backfill_before { BACKFILL_BEFORE_NONE, BACKFILL_BEFORE_OPEN, BACKFILL_BEFORE_FAILED };
struct backfill_facts {
    enum backfill_status status;
    enum backfill_before before; /* the one that must succeed first: none, or it has */
    int64_t open_runs;
    bool has_waiting; /* parts that no run was asked for */
    bool has_failed;  /* or canceled parts */
    bool is_refused;  /* a run for them cannot be had, now or later */
};
enum backfill_action {
    BACKFILL_WAIT,
    BACKFILL_REQUEST_RUNS, /* at most `runs` */
    BACKFILL_CANCEL_RUNS,  /* those that are open */
    BACKFILL_END,          /* as `status` */
};
struct backfill_decision {
    enum backfill_action action;
    int64_t runs;
    enum backfill_status status;
};
struct backfill_decision backfill_decide(const struct backfill_policy *policy,
                                         const struct backfill_facts *facts);

/* --- the partitions of one run ---------------------------------------------------------------- */

/* Neighbours, in the order of time whatever the order of the runs. Begins as {0}. */
struct backfill_chunk {
    int64_t count;
    size_t key_bytes;
    int64_t last_number;
    char first[PARTITION_KEY_BYTES_MAX + 1];
    char last[PARTITION_KEY_BYTES_MAX + 1];
};
/* The next waiting part, in the order of their numbers (which rise by one between neighbours).
 * False: it begins another run. */
MUST_CHECK bool backfill_chunk_add(struct backfill_chunk *chunk,
                                   const struct backfill_policy *policy, int64_t number,
                                   struct str key);
