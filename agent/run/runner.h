/* runner.h - carries out runs: starts children, keeps their output, and records everything that
 * happens. The shell around run.h. Every start is recorded durably before the child begins; every
 * end is recorded before anyone is told. When the disk is full, what has happened waits in memory,
 * and nothing new is started until it is written. One thread, one loop. */
#pragma once
#include "agent/run/run.h"
#include "agent/run/step_host.h"
#include "agent/store/store.h"
#include "common/base/uuid.h"
#include "common/platform/loop.h"

struct runner;
struct runner_options {
    struct loop *loop;
    const struct rng *rng;
    struct store *store;
    const struct definitions *defs; /* borrowed until runner_close() */
    const char *state_dir;          /* captured output goes to <state_dir>/runs/<run>/<asset>/ */
    const char *worker;             /* path of selvedge-el */
    const struct env_lookup *env;
    struct step_host *host; /* what steps are held by; NULL = process groups alone */
    int steps_max;          /* children at the same time */
    int64_t runs_kept;      /* ended runs with their output; older ones are deleted */
    /* The newest event of the buffer moved (after a flush). */
    void (*on_recorded)(void *ctx, int64_t last_seq);
    /* A run has ended and that is durable. */
    void (*on_run_ended)(void *ctx, struct str run, enum run_state state);
    void *ctx;
};
MUST_CHECK bool runner_open(struct runner **ret, const struct runner_options *options,
                            struct err *err);
void runner_close(
    struct runner *runner); /* kills what runs, records nothing more; NULL is allowed */

struct run_request {
    const uint32_t *assets; /* as a job has them; NULL: what `selection` selects */
    size_t asset_count;
    struct str job;        /* may be empty */
    struct str cause;      /* "schedule", "manual" */
    struct str cause_name; /* may be empty */
    struct str selection;  /* as the person or the job wrote it */
};
/* Queues a run and records it (not yet durable: the caller may record more and flush, or let the
 * runner). */
MUST_CHECK bool runner_enqueue(struct runner *runner, const struct run_request *request,
                               char ret_run[UUID_TEXT_SIZE], struct err *err);
/* Starts what may start. After enqueueing; never needed otherwise. */
void runner_pump(struct runner *runner);
/* Records something that is not of a run and makes it durable soon (within a second). */
MUST_CHECK bool runner_record(struct runner *runner, const struct record *record, struct err *err);

bool runner_job_is_active(const struct runner *runner, struct str job);
size_t runner_active_runs(const struct runner *runner);
size_t runner_active_steps(const struct runner *runner);
/* Cancels every run; on_run_ended follows for each as its children end. */
void runner_cancel_all(struct runner *runner);
/* Closes runs that a stopped or killed agent left open: ends what their steps left running, records
 * them as failed. Before anything is enqueued. */
MUST_CHECK bool runner_close_interrupted(struct runner *runner, struct err *err);
