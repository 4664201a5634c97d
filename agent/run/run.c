#include "agent/run/run.h"

static bool is_due(const struct run_step *step, struct mono_time now)
{
    return step->retry_at.ns <= now.ns;
}

/* Turns "who do I wait for" around: `children` of asset i stand from first_child[i] on. */
static void link_children(struct run *run)
{
    const struct plan *plan = run->plan;
    for (size_t i = 0; i < plan->count; i++) {
        for (size_t w = 0; w < plan->steps[i].wait_count; w++) {
            run->first_child[plan->steps[i].waits[w] + 1]++;
        }
    }
    for (size_t i = 0; i < plan->asset_count; i++) {
        run->first_child[i + 1] += run->first_child[i];
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        for (size_t w = 0; w < plan->steps[i].wait_count; w++) {
            uint32_t parent = plan->steps[i].waits[w];
            run->children[run->first_child[parent] + run->fallen[parent]++] = i;
        }
    }
}

bool run_init(struct run *run, const struct definitions *defs, const struct plan *plan,
              struct arena *arena, struct err *err)
{
    size_t count = plan->count;
    size_t edges = 0;
    for (size_t i = 0; i < count; i++) {
        edges += plan->steps[i].wait_count;
    }
    *run = (struct run){.defs = defs,
                        .plan = plan,
                        .steps = arena_array(arena, count, sizeof(*run->steps)),
                        .made = arena_array(arena, plan->asset_count, sizeof(*run->made)),
                        .first_child =
                            arena_array(arena, plan->asset_count + 1, sizeof(*run->first_child)),
                        .children = arena_array(arena, edges, sizeof(*run->children)),
                        .ready = arena_array(arena, count, sizeof(*run->ready)),
                        .fallen = arena_array(arena, plan->asset_count, sizeof(*run->fallen)),
                        .unfinished = count};
    if (run->steps == NULL || run->made == NULL || run->first_child == NULL ||
        run->children == NULL || run->ready == NULL || run->fallen == NULL) {
        return err_set(err, ERR_NO_MEMORY, "plan %zu steps: out of memory", count);
    }
    link_children(run); /* `fallen` counts meanwhile; what it holds means nothing yet */
    for (uint32_t i = 0; i < count; i++) {
        run->steps[i].waits_left = (uint32_t)plan->steps[i].wait_count;
        if (run->steps[i].waits_left == 0) {
            run->ready[run->ready_count++] = i;
        }
    }
    return true;
}

const struct asset *run_asset(const struct run *run, uint32_t step)
{
    return run_plan_asset(run, run->plan->steps[step].first);
}

const struct asset *run_plan_asset(const struct run *run, uint32_t place)
{
    return &run->defs->assets[run->plan->assets[place].asset];
}

struct str run_step_key(const struct run *run, uint32_t step)
{
    return asset_step_key(run_asset(run, step));
}

void run_carry_over(struct run *run, uint32_t step, int64_t attempt, struct mono_time retry_at)
{
    run->steps[step].attempt = attempt;
    run->steps[step].retry_at = retry_at;
}

bool run_next(const struct run *run, struct mono_time now, size_t *cursor, uint32_t *ret_step)
{
    while (run->stop == RUN_GOES_ON && *cursor < run->ready_count) {
        uint32_t step = run->ready[(*cursor)++];
        if (is_due(&run->steps[step], now)) {
            *ret_step = step;
            return true;
        }
    }
    return false;
}

bool run_next_retry(const struct run *run, struct mono_time *ret)
{
    bool found = false;
    for (size_t i = 0; i < run->ready_count; i++) {
        struct mono_time at = run->steps[run->ready[i]].retry_at;
        if (at.ns > 0 && (!found || at.ns < ret->ns)) {
            *ret = at;
            found = true;
        }
    }
    return found;
}

static void leave_ready(struct run *run, uint32_t step)
{
    size_t kept = 0;
    for (size_t i = 0; i < run->ready_count; i++) {
        if (run->ready[i] != step) {
            run->ready[kept++] = run->ready[i];
        }
    }
    run->ready_count = kept;
}

void run_step_started(struct run *run, uint32_t step)
{
    leave_ready(run, step);
    step_state_enter(&run->steps[step].state, STEP_STARTED);
    run->steps[step].attempt++;
    run->steps[step].retry_at.ns = 0;
}

static void make(struct run *run, uint32_t place)
{
    run->made[place] = RUN_ASSET_MADE;
    for (uint32_t c = run->first_child[place]; c < run->first_child[place + 1]; c++) {
        uint32_t child = run->children[c];
        if (--run->steps[child].waits_left == 0 && run->steps[child].state == STEP_WAITING) {
            run->ready[run->ready_count++] = child;
        }
    }
}

static void lose(struct run *run, uint32_t place)
{
    run->made[place] = RUN_ASSET_FALLEN;
    run->fallen[run->fallen_count++] = place;
}

void run_asset_made(struct run *run, uint32_t place, bool may_go_on)
{
    if (may_go_on) {
        make(run, place);
    } else {
        lose(run, place);
    }
}

/* The step is over: its assets that are pending are made, or never will be. */
static void settle(struct run *run, uint32_t step, void (*each)(struct run *run, uint32_t place))
{
    const struct plan_step *planned = &run->plan->steps[step];
    run->unfinished--;
    for (uint32_t i = planned->first; i < planned->first + planned->asset_count; i++) {
        if (run->made[i] == RUN_ASSET_PENDING) {
            each(run, i);
        }
    }
}

static bool has_any(const struct run *run, uint32_t step, enum run_made made)
{
    const struct plan_step *planned = &run->plan->steps[step];
    for (uint32_t i = planned->first; i < planned->first + planned->asset_count; i++) {
        if (run->made[i] == made) {
            return true;
        }
    }
    return false;
}

enum step_state run_step_ended(struct run *run, uint32_t step, enum step_outcome outcome,
                               struct mono_time now, uint64_t random)
{
    struct run_step *state = &run->steps[step];
    const struct retry_policy *policy = &run_asset(run, step)->retry;
    bool has_fallen = has_any(run, step, RUN_ASSET_FALLEN);
    if (outcome == STEP_DID_WELL) {
        step_state_enter(&state->state, has_fallen ? STEP_FAILURE : STEP_SUCCESS);
        settle(run, step, make);
    } else if (run->stop != RUN_GOES_ON) {
        step_state_enter(&state->state, STEP_CANCELED);
        settle(run, step, lose);
    } else if (outcome == STEP_DID_FAIL && state->attempt <= policy->max &&
               has_any(run, step, RUN_ASSET_PENDING)) {
        step_state_enter(&state->state, STEP_UP_FOR_RETRY);
        state->retry_at.ns = now.ns + retry_delay_ns(policy, state->attempt, random);
        run->ready[run->ready_count++] = step;
    } else {
        step_state_enter(&state->state, STEP_FAILURE);
        settle(run, step, lose);
    }
    return state->state;
}

/* Of a stopped run: whatever does not run, in the plan's order. */
static bool skip_rest(struct run *run, uint32_t *ret_step)
{
    while (run->stop_next < run->plan->count) {
        uint32_t step = run->stop_next++;
        enum step_state *state = &run->steps[step].state;
        if (*state == STEP_WAITING || *state == STEP_UP_FOR_RETRY) {
            step_state_enter(state, *state == STEP_WAITING ? STEP_SKIPPED : STEP_CANCELED);
            run->unfinished--;
            *ret_step = step;
            return true;
        }
    }
    return false;
}

bool run_skip_blocked(struct run *run, uint32_t *ret_step, uint32_t *ret_because)
{
    if (run->stop != RUN_GOES_ON) {
        *ret_because = RUN_NO_ASSET;
        return skip_rest(run, ret_step);
    }
    while (run->fallen_next < run->fallen_count) {
        uint32_t parent = run->fallen[run->fallen_next];
        uint32_t at = run->first_child[parent] + run->child_next++;
        if (at >= run->first_child[parent + 1]) {
            run->fallen_next++;
            run->child_next = 0;
            continue;
        }
        uint32_t child = run->children[at];
        if (run->steps[child].state == STEP_WAITING) {
            step_state_enter(&run->steps[child].state, STEP_SKIPPED);
            settle(run, child, lose);
            *ret_step = child;
            *ret_because = parent;
            return true;
        }
    }
    return false;
}

void run_stop(struct run *run, enum run_stop why)
{
    if (run->stop == RUN_GOES_ON) {
        run->stop = why;
    }
}

bool run_is_finished(const struct run *run)
{
    return run->unfinished == 0;
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
    switch (run->stop) {
    case RUN_STOP_CANCELED:
        return RUN_CANCELED;
    case RUN_STOP_TIMEOUT:
    case RUN_STOP_INTERRUPTED:
        return RUN_FAILURE;
    case RUN_GOES_ON:
        break;
    }
    return run_first_failure(run, &failed) ? RUN_FAILURE : RUN_SUCCESS;
}
