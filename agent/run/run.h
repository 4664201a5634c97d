/* run.h - one run as a pure state machine: which step may start now, and what the end of one means
 * for the others. A failure blocks only what depends on it; the rest goes on, and the run ends as
 * failed. */
#pragma once
#include "agent/plan/plan.h"
#include "common/base/time.h"
#include "common/model/run_state.h"

struct run_step {
    enum step_state state;
    int64_t attempt;           /* of the last start, from 1 */
    struct mono_time retry_at; /* STEP_UP_FOR_RETRY */
};
struct run {
    const struct definitions *defs; /* borrowed, as is the plan */
    const struct plan *plan;
    struct run_step *steps; /* one for each of plan->steps */
    bool is_canceling;
};

MUST_CHECK bool run_init(struct run *run, const struct definitions *defs, const struct plan *plan,
                         struct arena *arena, struct err *err);
const struct asset *run_asset(const struct run *run, uint32_t step);

/* A step that may start now: its waits succeeded, or its retry is due. */
bool run_next(const struct run *run, struct mono_time now, uint32_t *ret_step);
/* The earliest time at which a retry becomes due; false when none waits. */
bool run_next_retry(const struct run *run, struct mono_time *ret);
void run_step_started(struct run *run, uint32_t step); /* counts the attempt */
/* Moves the step to SUCCESS, FAILURE, or UP_FOR_RETRY by the asset's policy, and returns that
 * state. */
enum step_state run_step_ended(struct run *run, uint32_t step, bool ok, struct mono_time now,
                               uint64_t random);
/* One more step that can never start, because `ret_because` did not succeed: it is skipped now.
 * False when there is none. Call until false after each end. While canceling, whatever has not
 * started is skipped, `ret_because` being itself. */
bool run_skip_blocked(struct run *run, uint32_t *ret_step, uint32_t *ret_because);
void run_cancel(struct run *run);
bool run_is_finished(const struct run *run);
/* Of a finished run: RUN_SUCCESS, RUN_FAILURE or RUN_CANCELED. */
enum run_state run_result(const struct run *run);
/* The first failed step in plan order, for the run's error; false when none failed. */
bool run_first_failure(const struct run *run, uint32_t *ret_step);
