/* runner_internal.h - what the files of the runner share. */
#pragma once
#include "agent/run/check_process.h"
#include "agent/run/runner.h"
#include "agent/run/step_partition.h"
#include "agent/run/step_pipes.h"
#include "agent/run/step_process.h"
#include "agent/run/step_versions.h"
#include "agent/run/tags.h"
#include "agent/store/runs.h"
#include "common/base/limits.h"

enum {
    RUN_ARENA_BYTES = 16 << 20,
    ATTEMPT_ARENA_BYTES = 32 << 20, /* of a step that makes LIMIT_STEP_ASSETS */
    KEYS_BYTES_MAX =
        256 << 10,         /* of a run's assets as JSON; longer: planned anew from its selection */
    INTERRUPTIONS_MAX = 3, /* in a row; then a run is not tried again because of one */
};

/* What an attempt makes: all that its step has not made yet. */
struct attempt_asset {
    uint32_t place; /* in plan.assets */
    struct step_versions versions;
    /* Of a step that makes several, at its end. */
    bool is_made;
    struct str data_version;      /* that its materialization has recorded */
    const struct check *blocking; /* that did not pass */
};

/* A step that is started or about to be. */
struct attempt {
    struct active_run *run;
    uint32_t step;
    struct attempt_asset *assets; /* in the plan's order */
    size_t asset_count;
    const struct asset **shared; /* the same of a step that makes several; else NULL */
    size_t checked; /* of a step that makes several: of how many the checks have been asked */
    struct arena arena;
    struct step_partition partition;
    bool has_partition;
    struct step_process *process;     /* NULL until it is started */
    struct attempt_pipes *pipes;      /* NULL: no program that could speak Dagster Pipes */
    const struct step_result *result; /* of the process, while the rest of its messages is read */
    struct step_result judged;        /* with what it told besides, and its checks */
    struct check_process *checks;     /* NULL: none are asked after the step, or not yet */
    bool were_checks_canceled;
    bool has_ended_well; /* of a program that speaks Dagster Pipes: before that was heeded */
    struct attempt *next;
};

/* A run that has not ended. It is planned when it is queued and begins at once; while it waits it
 * is forgotten but for what the queue needs, and read again from the database. */
struct active_run {
    struct runner *runner;
    char id[UUID_TEXT_SIZE];
    char job[LIMIT_NAME_BYTES + 1];
    int64_t priority;
    struct wall_time not_before;
    enum run_state state; /* QUEUED, STARTED, CANCELING, then how it ended */
    bool has_waited;
    /* What follows is there only while is_loaded. */
    bool is_loaded;
    struct arena arena;
    struct definitions *defs;      /* shared */
    const struct job *job_defined; /* in them; NULL = none, or no longer there */
    struct stored_run facts;
    struct str_map tags;
    struct plan plan;
    struct run run;
    struct mono_time deadline; /* of a job with a time-out, once started; 0 = none */
    struct err failure;        /* why it could not begin */
    struct mono_time
        put_off; /* since when it waits to begin, or its end for its retry; 0 = it does not */
    struct active_run *next;
};

/* An asset that was materialized, of which is told when that is durable. */
struct made {
    struct made *next;
    struct str asset, run; /* in the same memory, behind */
};

struct runner {
    struct runner_options options;
    struct definitions *defs; /* shared */
    struct active_run *runs;  /* as they were queued */
    struct active_run *ended; /* recorded as ended, told when that is durable; oldest first */
    size_t queued_count;
    size_t going_count;
    struct attempt *attempts; /* recorded as started: running, or waiting for the flush */
    size_t attempt_count;
    struct loop_task pump_task;
    struct loop_timer flush_timer; /* group commit, or the next try after a failed flush */
    struct wall_time looked;       /* when the queue was last looked at */
    struct loop_timer due_timer;   /* the earliest retry, deadline or queued run's time; what was
                                      put off */
    struct loop_timer expire_timer;
    struct made *made; /* oldest first */
    bool is_stopping;
    bool is_stuck; /* the last flush failed */
    int64_t lost;  /* records, meanwhile */
    int runs_since_expiry;
    bool has_unclosed; /* an earlier agent's runs are open, whose retry could not be queued yet */
    struct mono_time unclosed_since;
};

struct wall_time runner_wall_now(const struct runner *runner);

/* --- runner_record.c --- */
void runner_on_flush_due(void *ctx);
/* What a step's program says, which may be much: takes only a part of the store's memory, and none
 * while nothing can be written. False: not now. */
bool runner_offer(struct runner *runner, const struct record *record);
void runner_forget_made(struct runner *runner);
/* Within a run, which may say more at once than the store's memory holds. Only when that is full
 * and nothing can be written either, something is lost; the log says so once, and later how much. */
void runner_note(struct runner *runner, const struct record *record);
/* The same, for who can do without. False: it is not recorded, and nothing is lost by that. */
MUST_CHECK bool runner_try_note(struct runner *runner, const struct record *record,
                                struct err *err);
struct record run_record(const struct active_run *run, enum event_type type);
/* Names the asset only where the step makes no other. */
struct record step_record(const struct active_run *run, uint32_t step, enum event_type type);
/* The same about one of the plan's assets. */
struct record asset_record(const struct active_run *run, uint32_t place, enum event_type type);

/* --- runner_expire.c --- */
void runner_expire(void *ctx);                  /* a timer's callback; the runner */
void runner_expire_soon(struct runner *runner); /* a run has ended */

/* --- runner_queue.c --- */
/* The run that may begin next, or NULL. */
struct active_run *queue_next(const struct runner *runner, struct wall_time now);
/* When a run that waits for its time may begin; INT64_MAX = none does. */
int64_t queue_next_time(const struct runner *runner, struct wall_time after);
/* Adds a run that is recorded already, not loaded. */
MUST_CHECK bool queue_add(struct runner *runner, const struct stored_run *facts,
                          struct active_run **ret, struct err *err);
/* Takes back a run that was just added: it is not recorded. */
void queue_drop(struct active_run *run);
/* After the plan is there: steps, and what the job says of them. */
MUST_CHECK bool run_prepare(struct active_run *run, struct err *err);
/* Reads and plans it. False: it can never begin; err says why. */
MUST_CHECK bool run_load(struct active_run *run, struct err *err);
void run_park(struct active_run *run); /* forgets what run_load() made */
void run_free(struct active_run *run);
/* JSON array of the keys of the plan's assets, or empty when it would be too long. */
struct str run_keys(const struct definitions *defs, const struct plan *plan, struct arena *arena);

/* --- runner_partition.c --- */
/* Checks the request's partitions against the plan, or chooses them; adds their tags. */
MUST_CHECK bool partition_settle(struct active_run *run, struct run_request *request,
                                 struct err *err);
/* Before the step starts: what it makes. */
MUST_CHECK bool partition_prepare(struct attempt *attempt, struct err *err);
void partition_note(struct attempt *attempt, struct record *record); /* into an asset's event */
/* The same of what is told of a run that an earlier agent left open; `record` names the asset, and
 * the device's table does not change. */
void partition_note_stored(const struct runner *runner, const struct stored_run *run,
                           struct record *record);

/* --- runner_retry.c --- */
/* Records and queues the run that tries `parent` again for the assets in `keys` (JSON array). False:
 * neither; for want of memory or of room in the database, or too many tags. */
struct retry_order {
    struct str keys;
    int64_t steps;
    int64_t retry_number;
    struct wall_time not_before;
    struct str interruptions; /* empty = none: the tag is taken away */
    bool is_asked_for;        /* by `command` of the hub, or by a person; else the line goes on */
    struct str command;
};
/* The assets of a stored run that are to be made again. Of what is flushed. */
MUST_CHECK bool retry_keys_stored(struct runner *runner, struct str run,
                                  enum run_retry_strategy strategy, struct arena *arena,
                                  struct retry_order *order, struct err *err);
/* Before the end of a run that failed is recorded, with which it becomes durable: by its job's
 * policy, or because it was interrupted. False: it should be tried again, but that cannot be queued
 * now. */
MUST_CHECK bool retry_by_policy(struct active_run *run, struct err *err);
/* The run after an interruption, when there may be one. `order` has keys and steps. */
MUST_CHECK bool retry_interrupted(struct runner *runner, const struct stored_run *parent,
                                  const struct str_map *tags, struct retry_order *order,
                                  struct arena *arena, struct err *err);
/* When one of them is false: whether the run stays open for now, to be ended later (runner_pump()
 * comes back to it). No more after PUT_OFF_NS_MAX; *since was 0 before the first time. */
bool retry_put_off(const struct runner *runner, struct str run, struct mono_time *since,
                   const struct err *why);
#define PUT_OFF_NS     (5 * NS_PER_SEC) /* then it is tried again */
#define PUT_OFF_NS_MAX (300 * NS_PER_SEC)

/* --- runner_results.c --- */
void attempt_free(struct attempt *attempt);
void attempt_on_process_end(void *ctx, const struct step_result *result); /* the attempt */
/* Records what the attempt came to, and frees it. */
void attempt_end(struct attempt *attempt, const struct step_result *given);
/* Of the attempt's asset `index`: what was told of it, else what the step is known to have made. */
void attempt_record_materialization(struct attempt *attempt, const struct step_result *result,
                                    size_t index, bool is_partial);
/* NULL: no program that could speak Dagster Pipes. */
const struct step_pipes_asset *attempt_told(const struct attempt *attempt, size_t index);
/* Of what is said about a check of the attempt's asset `index`: a blocking one that did not pass, or
 * NULL. */
const struct check *attempt_blocking_failure(const struct attempt *attempt,
                                             const struct step_result *result, size_t index);

/* --- runner_shared.c: steps that make several assets --- */
bool attempt_is_shared(const struct attempt *attempt);
/* Tells the run what was made, and what of that did not pass its blocking checks; the error says so
 * when the step itself did well. */
enum step_outcome shared_judge(struct attempt *attempt, struct step_result *result);
/* Whether it was made, going by what the worker or the program said. */
bool shared_is_made(const struct attempt *attempt, const struct step_result *result, size_t index);
/* Materializations of what was made; once nothing follows, the failures of the others. */
void shared_record_made(struct attempt *attempt, const struct step_result *result);
void shared_record_failures(struct attempt *attempt, const struct step_result *result);

/* --- runner_steps.c --- */
struct step_context attempt_context(const struct attempt *attempt);
void attempt_output_dir(const struct attempt *attempt, char ret[LIMIT_PATH_BYTES + 1]);
void steps_choose(struct runner *runner); /* records the starts of what may start now */
void steps_start_chosen(struct runner *runner);
void steps_stop(struct runner *runner, const struct active_run *run); /* asks its children to end */

/* --- runner_pipes.c --- */
/* Before the program is started; its output folder is there. What was made is attempt->pipes, also
 * when it fails. */
MUST_CHECK bool attempt_pipes_open(struct attempt *attempt, struct err *err);
/* NULL-terminated; NULL for no pipes. */
const char *const *attempt_pipes_variables(const struct attempt_pipes *pipes);
/* The process has ended: reads the rest of what it said, then calls `then`. */
void attempt_pipes_finish(struct attempt_pipes *pipes, void (*then)(struct attempt *attempt));
const struct step_pipes *attempt_pipes_told(const struct attempt_pipes *pipes);
void attempt_pipes_close(struct attempt_pipes *pipes); /* keeps the files; NULL is allowed */
void pipes_forget_run(const struct active_run *run);   /* its end is durable: deletes the files */
/* Records what the program of a step that was open when the agent died had said and nobody had
 * recorded. */
void pipes_recover_step(struct runner *runner, const struct stored_run *run,
                        const struct stored_step *step);
void pipes_forget_step(const struct runner *runner, const struct stored_run *run,
                       const struct stored_step *step); /* once that is durable */

/* --- runner_recover.c --- */
MUST_CHECK bool runner_recover(struct runner *runner, struct err *err);
void runner_recover_rest(struct runner *runner); /* while runner->has_unclosed */
