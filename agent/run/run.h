/* run.h - one run as a pure state machine: which step may start now, and what the end of one means
 * for the others. A failure blocks only what depends on it; the rest goes on, and the run ends as
 * failed. Work is proportional to the edges of the plan, over the whole run. */
#pragma once
#include "agent/plan/plan.h"
#include "common/base/time.h"
#include "common/model/run_state.h"

struct run_step {
    enum step_state state;
    int64_t attempt;           /* of the last start, from 1; 0 = none yet */
    struct mono_time retry_at; /* does not start before */
    uint32_t waits_left;       /* steps before it that have not succeeded */
};

/* Why a run ends before its steps are done. */
enum run_stop { RUN_GOES_ON, RUN_STOP_CANCELED, RUN_STOP_TIMEOUT, RUN_STOP_INTERRUPTED };

enum step_outcome {
    STEP_DID_WELL,
    STEP_DID_FAIL,    /* tried again by the asset's policy */
    STEP_DID_NOT_PASS /* a blocking check failed: made, but what depends on it does not run */
};

struct run {
    const struct definitions *defs; /* borrowed, as is the plan */
    const struct plan *plan;
    struct run_step *steps; /* one for each of plan->steps */
    enum run_stop stop;
    /* The rest is for run.c alone. */
    uint32_t *first_child; /* plan->count + 1 places in `children` */
    uint32_t *children;
    uint32_t *ready; /* nothing to wait for but retry_at, in the order in which they became so */
    size_t ready_count;
    uint32_t *fallen; /* ended without success; their children are to be skipped */
    size_t fallen_count, fallen_next;
    uint32_t child_next;
    uint32_t stop_next;
    size_t unfinished;
};

MUST_CHECK bool run_init(struct run *run, const struct definitions *defs, const struct plan *plan,
                         struct arena *arena, struct err *err);
const struct asset *run_asset(const struct run *run, uint32_t step);
/* Before anything starts: the step goes on where an earlier run was interrupted. */
void run_carry_over(struct run *run, uint32_t step, int64_t attempt, struct mono_time retry_at);

/* The next step from *cursor on (0 at first) that may start now: its waits succeeded, and its retry
 * is due. Starting one sets the cursors of others back to 0. */
bool run_next(const struct run *run, struct mono_time now, size_t *cursor, uint32_t *ret_step);
/* The earliest time at which a step becomes due that waits for nothing else; false when none. */
bool run_next_retry(const struct run *run, struct mono_time *ret);
void run_step_started(struct run *run, uint32_t step); /* counts the attempt */
/* Moves the step to SUCCESS, FAILURE, UP_FOR_RETRY by the asset's policy, or CANCELED, and returns
 * that state. */
enum step_state run_step_ended(struct run *run, uint32_t step, enum step_outcome outcome,
                               struct mono_time now, uint64_t random);
/* One more step that will never start, because `ret_because` did not succeed: it is SKIPPED now.
 * False when there is none. Call until false after each end. Of a run that was stopped: whatever
 * has not started is SKIPPED, what waits for a retry is CANCELED, `ret_because` being itself. */
bool run_skip_blocked(struct run *run, uint32_t *ret_step, uint32_t *ret_because);
void run_stop(struct run *run, enum run_stop why); /* the first reason stays */
bool run_is_finished(const struct run *run);
/* Of a finished run: RUN_SUCCESS, RUN_FAILURE or RUN_CANCELED. */
enum run_state run_result(const struct run *run);
/* The first failed step in plan order, for the run's error; false when none failed. */
bool run_first_failure(const struct run *run, uint32_t *ret_step);
