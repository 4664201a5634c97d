/* runner.h - the queue of runs and their carrying out: starts children, keeps their output, and
 * records everything that happens. The shell around run.h. Every start is recorded durably before
 * the child begins; every end is recorded before anyone is told. When the disk is full, what has
 * happened waits in memory, and nothing new is started until it is written. One thread, one loop.
 *
 * A run waits in the queue until the device has room for it (runs_max), its time has come
 * (not_before), and no other run of its job is going. Higher priority first, then the older; one
 * that may not start holds up no other. What is queued survives restarts. Of the steps of all runs
 * at most steps_max run at a time, one at a time of an asset, and as many as its pool allows: places
 * are counted among the children that live, so that a dead run keeps none. */
#pragma once
#include "agent/run/run.h"
#include "agent/run/step_host.h"
#include "agent/store/retention.h"
#include "common/base/uuid.h"
#include "common/platform/loop.h"

struct runner;
/* Borrowed for the call. */
struct run_end {
    struct str run;
    enum run_state state;
    struct str job;
    struct str backfill;
    struct str partition, partition_end;
    const struct run *steps; /* NULL when it never began */
};
struct runner_options {
    struct loop *loop;
    const struct rng *rng;
    struct store *store;
    struct definitions *defs; /* shared, see definitions_share() */
    const char *state_dir;    /* captured output goes to <state_dir>/runs/<run>/<asset>/ */
    const char *worker;       /* path of selvedge-el */
    const struct env_lookup *env;
    struct step_host *host; /* what steps are held by; NULL = process groups alone */
    int steps_max;          /* children at the same time */
    int runs_max;           /* runs at the same time */
    struct retention retention;
    /* Whether what an earlier agent left in the queue is this runner's to do, and runs that were
     * interrupted are tried again: a daemon's business. */
    bool takes_over;
    /* The newest event of the buffer moved (after a flush). */
    void (*on_recorded)(void *ctx, int64_t last_seq);
    /* An asset was materialized and that is durable; `run` is empty when it was reported. May be
     * NULL. */
    void (*on_materialized)(void *ctx, struct str asset, struct str run);
    /* Whether one more step may begin in a pool that the fleet shares, of which `running` are here.
     * NULL: every pool is the device's own. */
    bool (*may_enter)(void *ctx, const struct pool *pool, int64_t running);
    /* A run has ended and that is durable. */
    void (*on_run_ended)(void *ctx, const struct run_end *end);
    void *ctx;
};
/* Closes what an earlier agent left open (see runner_recover.c) before anything starts. */
MUST_CHECK bool runner_open(struct runner **ret, const struct runner_options *options,
                            struct err *err);
void runner_close(
    struct runner *runner); /* kills what runs, records nothing more; NULL is allowed */
/* For runs that begin from now on; those that are going keep theirs. */
void runner_use_definitions(struct runner *runner, struct definitions *defs);

struct run_request {
    const uint32_t *assets; /* as a job has them; NULL: what `selection` selects */
    size_t asset_count;
    struct str job;        /* of the definitions; may be empty */
    struct str cause;      /* "schedule", "sensor", "automation", "backfill", "command", "manual" */
    struct str cause_name; /* may be empty */
    struct str selection;  /* as the person or the job wrote it */
    enum overlap on_overlap; /* what to do while another run of the job is open */
    struct str_map tags;     /* beside the job's; borrowed */
    int64_t priority;        /* added to the job's */
    struct str partition;    /* key; of a range the first; empty = the newest window, but by hand */
    struct str partition_end;      /* of a range the last */
    struct wall_time partition_at; /* when the newest window is meant; 0 = now */
    struct str backfill;
    int64_t partitions; /* of it that the run makes, where they are counted; else 0 */
};
/* Queues a run and records it (not yet durable: the caller may record more and flush, or let the
 * runner). ERR_BUSY: another run of the job is open, and the request says skip. ERR_NOT_FOUND,
 * ERR_INVALID: of the selection. ERR_FULL: the queue is. */
MUST_CHECK bool runner_enqueue(struct runner *runner, const struct run_request *request,
                               char ret_run[UUID_TEXT_SIZE], struct err *err);

enum retry_what {
    RETRY_WHAT_FAILED, /* all steps that did not succeed */
    RETRY_WHAT_UNMADE, /* the same: an asset counts as made when its step succeeded */
    RETRY_WHAT_ALL,
    RETRY_WHAT_SELECTED, /* what `selection` selects, of the definitions */
};
/* Queues a run that tries an ended one again. `command` of the hub asks for it; empty: a person here.
 * ERR_NOT_FOUND: no such run, or nothing of it failed; ERR_BUSY: it has not ended. */
MUST_CHECK bool runner_retry(struct runner *runner, struct str run, enum retry_what what,
                             struct str selection, struct str command, char ret_run[UUID_TEXT_SIZE],
                             struct err *err);
/* Takes a run from the queue, or stops it: TERM to its steps, KILL after their grace. ERR_NOT_FOUND
 * when it is not open. */
MUST_CHECK bool runner_cancel(struct runner *runner, struct str run, struct err *err);

/* Starts what may start. After enqueueing; never needed otherwise. */
void runner_pump(struct runner *runner);
/* Records something that is not of a run and makes it durable soon (within a second). */
MUST_CHECK bool runner_record(struct runner *runner, const struct record *record, struct err *err);
/* The same for what was given to the store directly. */
void runner_flush_soon(struct runner *runner);
/* Now: true when everything recorded so far is durable. A failure is said once, and tried again until
 * it works. */
bool runner_flush(struct runner *runner);

/* What the running steps of a run say of how far they have come; kept in memory only. */
struct run_progress {
    struct str step;
    int64_t attempt;
    int64_t elapsed_ns;
    bool has_counts; /* it tells what follows */
    int64_t rows, bytes;
};
void runner_each_progress(const struct runner *runner, struct str run,
                          void (*take)(void *ctx, const struct run_progress *progress), void *ctx);

bool runner_job_is_open(const struct runner *runner, struct str job); /* queued or going */
size_t runner_active_runs(const struct runner *runner);               /* going */
size_t runner_queued_runs(const struct runner *runner);
size_t runner_active_steps(const struct runner *runner);
int64_t runner_pool_steps(const struct runner *runner, struct str pool); /* of them, in it */
/* Starts nothing more and stops what goes on; on_run_ended follows for each as its children end.
 * RUN_STOP_INTERRUPTED: they are queued again, to go on from where they were; what is queued
 * stays. RUN_STOP_CANCELED: they are canceled. */
void runner_shut_down(struct runner *runner, enum run_stop why);
