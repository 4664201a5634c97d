#include "agent/run/run.h"

bool run_init(struct run *run, const struct definitions *defs, const struct plan *plan,
              struct arena *arena, struct err *err)
{
    struct run_step *steps = arena_array(arena, plan->count, sizeof(*steps));
    if (steps == NULL) {
        return err_set(err, ERR_NO_MEMORY, "plan %zu steps: out of memory", plan->count);
    }
    *run = (struct run){.defs = defs, .plan = plan, .steps = steps};
    return true;
}

const struct asset *run_asset(const struct run *run, uint32_t step)
{
    return &run->defs->assets[run->plan->steps[step].asset];
}

static bool waits_are_done(const struct run *run, uint32_t step)
{
    const struct plan_step *planned = &run->plan->steps[step];
    for (size_t i = 0; i < planned->wait_count; i++) {
        if (run->steps[planned->waits[i]].state != STEP_SUCCESS) {
            return false;
        }
    }
    return true;
}

bool run_next(const struct run *run, struct mono_time now, uint32_t *ret_step)
{
    for (uint32_t i = 0; i < run->plan->count; i++) {
        const struct run_step *step = &run->steps[i];
        bool may_start = step->state == STEP_WAITING && waits_are_done(run, i);
        bool may_retry = step->state == STEP_UP_FOR_RETRY && step->retry_at.ns <= now.ns;
        if (!run->is_canceling && (may_start || may_retry)) {
            *ret_step = i;
            return true;
        }
    }
    return false;
}

bool run_next_retry(const struct run *run, struct mono_time *ret)
{
    bool found = false;
    for (size_t i = 0; i < run->plan->count; i++) {
        const struct run_step *step = &run->steps[i];
        if (step->state == STEP_UP_FOR_RETRY && (!found || step->retry_at.ns < ret->ns)) {
            *ret = step->retry_at;
            found = true;
        }
    }
    return found;
}

void run_step_started(struct run *run, uint32_t step)
{
    step_state_enter(&run->steps[step].state, STEP_STARTED);
    run->steps[step].attempt++;
}

enum step_state run_step_ended(struct run *run, uint32_t step, bool ok, struct mono_time now,
                               uint64_t random)
{
    struct run_step *state = &run->steps[step];
    const struct retry_policy *policy = &run_asset(run, step)->retry;
    if (ok) {
        step_state_enter(&state->state, STEP_SUCCESS);
    } else if (run->is_canceling) {
        step_state_enter(&state->state, STEP_CANCELED);
    } else if (state->attempt <= policy->max) {
        step_state_enter(&state->state, STEP_UP_FOR_RETRY);
        state->retry_at.ns = now.ns + retry_delay_ns(policy, state->attempt, random);
    } else {
        step_state_enter(&state->state, STEP_FAILURE);
    }
    return state->state;
}

static bool is_blocked(const struct run *run, uint32_t step, uint32_t *ret_because)
{
    const struct plan_step *planned = &run->plan->steps[step];
    for (size_t i = 0; i < planned->wait_count; i++) {
        enum step_state state = run->steps[planned->waits[i]].state;
        if (step_state_is_finished(state) && state != STEP_SUCCESS) {
            *ret_because = planned->waits[i];
            return true;
        }
    }
    return false;
}

bool run_skip_blocked(struct run *run, uint32_t *ret_step, uint32_t *ret_because)
{
    for (uint32_t i = 0; i < run->plan->count; i++) {
        enum step_state state = run->steps[i].state;
        uint32_t because = i;
        if (state == STEP_WAITING && (run->is_canceling || is_blocked(run, i, &because))) {
            step_state_enter(&run->steps[i].state, STEP_SKIPPED);
            *ret_step = i;
            *ret_because = because;
            return true;
        }
        if (state == STEP_UP_FOR_RETRY && run->is_canceling) {
            step_state_enter(&run->steps[i].state, STEP_CANCELED);
        }
    }
    return false;
}

void run_cancel(struct run *run)
{
    run->is_canceling = true;
}

bool run_is_finished(const struct run *run)
{
    for (size_t i = 0; i < run->plan->count; i++) {
        if (!step_state_is_finished(run->steps[i].state)) {
            return false;
        }
    }
    return true;
}

bool run_first_failure(const struct run *run, uint32_t *ret_step)
{
    for (uint32_t i = 0; i < run->plan->count; i++) {
        if (run->steps[i].state == STEP_FAILURE) {
            *ret_step = i;
            return true;
        }
    }
    return false;
}

enum run_state run_result(const struct run *run)
{
    uint32_t failed = 0;
    if (run->is_canceling) {
        return RUN_CANCELED;
    }
    return run_first_failure(run, &failed) ? RUN_FAILURE : RUN_SUCCESS;
}
