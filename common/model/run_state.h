/* run_state.h - the states of a run and of a step, and which may follow which. Names are Dagster's,
 * in lower case. Pure. */
#pragma once
#include "common/base/str.h"

/*  queued -> not_started -> starting -> started -> success
 *     |           |            |           |--> failure
 *     |           |            |           '--> canceling -> canceled
 *     '-----------+------------+--> canceled | failure                    */
enum run_state {
    RUN_QUEUED,
    RUN_NOT_STARTED,
    RUN_STARTING,
    RUN_STARTED,
    RUN_CANCELING,
    RUN_SUCCESS,
    RUN_FAILURE,
    RUN_CANCELED,
    RUN_STATE_COUNT
};

/*  waiting -> started -> success
 *     |          |--> up_for_retry -> started ...
 *     |          |--> failure
 *     |          '--> canceled
 *     '--> skipped | canceled       (up_for_retry may end as failure or canceled too) */
enum step_state {
    STEP_WAITING,
    STEP_STARTED,
    STEP_UP_FOR_RETRY,
    STEP_SUCCESS,
    STEP_FAILURE,
    STEP_SKIPPED,
    STEP_CANCELED,
    STEP_STATE_COUNT
};

const char *run_state_name(enum run_state state); /* "started" */
MUST_CHECK bool run_state_from(struct str name, enum run_state *ret);
bool run_state_may_become(enum run_state from, enum run_state to);
bool run_state_is_finished(enum run_state state);
/* The only way to move: asserts that the move is allowed. */
void run_state_enter(enum run_state *state, enum run_state next);

const char *step_state_name(enum step_state state);
MUST_CHECK bool step_state_from(struct str name, enum step_state *ret);
bool step_state_may_become(enum step_state from, enum step_state to);
bool step_state_is_finished(enum step_state state);
void step_state_enter(enum step_state *state, enum step_state next);
