#include "common/model/run_state.h"

#include <assert.h>

#define TO(s) (1U << (s))

static const char *const run_names[RUN_STATE_COUNT] = {
    [RUN_QUEUED] = "queued",   [RUN_NOT_STARTED] = "not_started", [RUN_STARTING] = "starting",
    [RUN_STARTED] = "started", [RUN_CANCELING] = "canceling",     [RUN_SUCCESS] = "success",
    [RUN_FAILURE] = "failure", [RUN_CANCELED] = "canceled",
};

/* A crash may end a run in any state before its end: hence FAILURE from everywhere. */
static const unsigned run_allowed[RUN_STATE_COUNT] = {
    [RUN_QUEUED] = TO(RUN_NOT_STARTED) | TO(RUN_STARTING) | TO(RUN_STARTED) | TO(RUN_CANCELED) |
                   TO(RUN_FAILURE),
    [RUN_NOT_STARTED] =
        TO(RUN_QUEUED) | TO(RUN_STARTING) | TO(RUN_STARTED) | TO(RUN_CANCELED) | TO(RUN_FAILURE),
    [RUN_STARTING] = TO(RUN_STARTED) | TO(RUN_CANCELING) | TO(RUN_CANCELED) | TO(RUN_FAILURE),
    [RUN_STARTED] = TO(RUN_SUCCESS) | TO(RUN_FAILURE) | TO(RUN_CANCELING),
    [RUN_CANCELING] = TO(RUN_CANCELED) | TO(RUN_FAILURE),
};

static const char *const step_names[STEP_STATE_COUNT] = {
    [STEP_WAITING] = "waiting",   [STEP_STARTED] = "started", [STEP_UP_FOR_RETRY] = "up_for_retry",
    [STEP_SUCCESS] = "success",   [STEP_FAILURE] = "failure", [STEP_SKIPPED] = "skipped",
    [STEP_CANCELED] = "canceled",
};

static const unsigned step_allowed[STEP_STATE_COUNT] = {
    [STEP_WAITING] = TO(STEP_STARTED) | TO(STEP_SKIPPED) | TO(STEP_CANCELED),
    [STEP_STARTED] =
        TO(STEP_SUCCESS) | TO(STEP_FAILURE) | TO(STEP_UP_FOR_RETRY) | TO(STEP_CANCELED),
    [STEP_UP_FOR_RETRY] = TO(STEP_STARTED) | TO(STEP_FAILURE) | TO(STEP_CANCELED),
};

static bool find(const char *const *names, size_t count, struct str name, size_t *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(str_from(names[i]), name)) {
            *ret = i;
            return true;
        }
    }
    return false;
}

const char *run_state_name(enum run_state state)
{
    assert(state < RUN_STATE_COUNT);
    return run_names[state];
}

bool run_state_from(struct str name, enum run_state *ret)
{
    size_t index = 0;
    if (!find(run_names, RUN_STATE_COUNT, name, &index)) {
        return false;
    }
    *ret = (enum run_state)index;
    return true;
}

bool run_state_may_become(enum run_state from, enum run_state to)
{
    assert(from < RUN_STATE_COUNT && to < RUN_STATE_COUNT);
    return (run_allowed[from] & TO(to)) != 0;
}

bool run_state_is_finished(enum run_state state)
{
    assert(state < RUN_STATE_COUNT);
    return run_allowed[state] == 0;
}

void run_state_enter(enum run_state *state, enum run_state next)
{
    assert(run_state_may_become(*state, next));
    *state = next;
}

const char *step_state_name(enum step_state state)
{
    assert(state < STEP_STATE_COUNT);
    return step_names[state];
}

bool step_state_from(struct str name, enum step_state *ret)
{
    size_t index = 0;
    if (!find(step_names, STEP_STATE_COUNT, name, &index)) {
        return false;
    }
    *ret = (enum step_state)index;
    return true;
}

bool step_state_may_become(enum step_state from, enum step_state to)
{
    assert(from < STEP_STATE_COUNT && to < STEP_STATE_COUNT);
    return (step_allowed[from] & TO(to)) != 0;
}

bool step_state_is_finished(enum step_state state)
{
    assert(state < STEP_STATE_COUNT);
    return step_allowed[state] == 0;
}

void step_state_enter(enum step_state *state, enum step_state next)
{
    assert(step_state_may_become(*state, next));
    *state = next;
}
