/* run.h - one run as a pure state machine: which step may start now, and what the end of one means
 * for the others. A failure blocks only what depends on it; the rest goes on, and the run ends as
 * failed. A step that makes several assets blocks what depends on those that it did not make. Work is proportional to the edges of the plan, over the whole run. */
#pragma once
#include "agent/plan/plan.h"
#include "common/base/time.h"
#include "common/model/run_state.h"

struct run_step {
    enum step_state state;
    int64_t attempt;           /* of the last start, from 1; 0 = none yet */
    struct mono_time retry_at; /* does not start before */
    uint32_t waits_left;       /* assets of steps before it that are not made */
};

/* Of each asset of the plan. */
enum run_made {
    RUN_ASSET_PENDING,
    RUN_ASSET_MADE,
    RUN_ASSET_FALLEN, /* will not be made by this run, or a blocking check of it did not pass */
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
    uint8_t *made;          /* enum run_made, one for each of plan->assets */
    enum run_stop stop;
    /* The rest is for run.c alone. */
    uint32_t *first_child; /* plan->asset_count + 1 places in `children` */
    uint32_t *children;    /* steps */
    uint32_t *ready; /* nothing to wait for but retry_at, in the order in which they became so */
    size_t ready_count;
    uint32_t *fallen; /* assets of the plan; their children are to be skipped */
    size_t fallen_count, fallen_next;
    uint32_t child_next;
    uint32_t stop_next;
    size_t unfinished;
};

MUST_CHECK bool run_init(struct run *run, const struct definitions *defs, const struct plan *plan,
                         struct arena *arena, struct err *err);
/* The first of those that the step makes: what is equal in all of them is asked of it. */
const struct asset *run_asset(const struct run *run, uint32_t step);
/* Of plan->assets. */
const struct asset *run_plan_asset(const struct run *run, uint32_t place);
struct str run_step_key(const struct run *run, uint32_t step);
/* Before anything starts: the step goes on where an earlier run was interrupted. */
void run_carry_over(struct run *run, uint32_t step, int64_t attempt, struct mono_time retry_at);

/* The next step from *cursor on (0 at first) that may start now: its waits succeeded, and its retry
 * is due. Starting one sets the cursors of others back to 0. */
bool run_next(const struct run *run, struct mono_time now, size_t *cursor, uint32_t *ret_step);
/* The earliest time at which a step becomes due that waits for nothing else; false when none. */
bool run_next_retry(const struct run *run, struct mono_time *ret);
void run_step_started(struct run *run, uint32_t step); /* counts the attempt */
/* Of a step that makes several, before its end or in an attempt that is tried again: `place` is made,
 * and what is made from it may start; without `may_go_on` a blocking check of it did not pass, and
 * that may not. */
void run_asset_made(struct run *run, uint32_t place, bool may_go_on);
/* Moves the step to SUCCESS, FAILURE, UP_FOR_RETRY by the asset's policy, or CANCELED, and returns
 * that state. Its assets that were pending are made when it did well; without any of them left it is
 * not tried again. It is no success when a blocking check of one of its assets did not pass. */
enum step_state run_step_ended(struct run *run, uint32_t step, enum step_outcome outcome,
                               struct mono_time now, uint64_t random);
/* One more step that will never start, because `ret_because`, of plan->assets, has fallen: it is
 * SKIPPED now. False when there is none. Call until false after each end. Of a run that was stopped:
 * whatever has not started is SKIPPED, what waits for a retry is CANCELED, `ret_because` being
 * RUN_NO_ASSET. */
#define RUN_NO_ASSET UINT32_MAX
bool run_skip_blocked(struct run *run, uint32_t *ret_step, uint32_t *ret_because);
void run_stop(struct run *run, enum run_stop why); /* the first reason stays */
bool run_is_finished(const struct run *run);
/* Of a finished run: RUN_SUCCESS, RUN_FAILURE or RUN_CANCELED. */
enum run_state run_result(const struct run *run);
/* The first failed step in plan order, for the run's error; false when none failed. */
bool run_first_failure(const struct run *run, uint32_t *ret_step);
