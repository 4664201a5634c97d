#include "agent/plan/plan.h"

#define NO_STEP UINT32_MAX

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "not enough memory to plan a run");
}

/* Numbers the selected assets that can be made in the graph's order. */
static bool add_steps(const struct definitions *defs, const bool *set, struct arena *arena,
                      struct plan *plan, uint32_t *step_of)
{
    plan->steps = arena_array(arena, defs->asset_count, sizeof(*plan->steps));
    if (plan->steps == NULL) {
        return false;
    }
    for (size_t i = 0; i < defs->asset_count; i++) {
        uint32_t asset = defs->graph.order[i];
        bool is_step = set[asset] && defs->assets[asset].work != ASSET_EXTERNAL;
        step_of[asset] = is_step ? (uint32_t)plan->count : NO_STEP;
        if (is_step) {
            plan->steps[plan->count++].asset = asset;
        }
    }
    return true;
}

static bool add_waits(const struct definitions *defs, const uint32_t *step_of, struct arena *arena,
                      struct plan *plan)
{
    size_t total = 0;
    for (size_t i = 0; i < plan->count; i++) {
        total += defs->graph.nodes[plan->steps[i].asset].dep_count;
    }
    uint32_t *next = arena_array(arena, total, sizeof(*next));
    if (next == NULL) {
        return false;
    }
    for (size_t i = 0; i < plan->count; i++) {
        struct plan_step *step = &plan->steps[i];
        const struct graph_node *node = &defs->graph.nodes[step->asset];
        step->waits = next;
        for (size_t d = 0; d < node->dep_count; d++) {
            if (step_of[node->deps[d]] != NO_STEP) {
                next[step->wait_count++] = step_of[node->deps[d]];
            }
        }
        next += step->wait_count;
    }
    return true;
}

/* `what` is the selection as a person knows it. */
static bool nothing_to_do(const struct definitions *defs, const bool *set, struct str what,
                          struct err *err)
{
    for (size_t i = 0; i < defs->asset_count; i++) {
        if (set[i]) {
            (void)err_set(err, ERR_NOT_FOUND, STR_FMT " selects external assets only",
                          STR_ARG(what));
            return err_hint(err,
                            "they are made elsewhere; a + behind selects what is made of them");
        }
    }
    return definitions_none_selected(defs, what, err);
}

static bool plan_set(const struct definitions *defs, const bool *set, struct arena *arena,
                     struct plan *ret, struct err *err)
{
    uint32_t *step_of = arena_array(arena, defs->asset_count, sizeof(*step_of));
    if (step_of == NULL || !add_steps(defs, set, arena, ret, step_of) ||
        !add_waits(defs, step_of, arena, ret)) {
        return out_of_memory(err);
    }
    return true;
}

bool plan_make(const struct definitions *defs, struct str selection, struct arena *arena,
               struct plan *ret, struct err *err)
{
    bool *set = NULL;
    struct plan plan = {0};
    if (!definitions_select(defs, selection, arena, &set, err) ||
        !plan_set(defs, set, arena, &plan, err)) {
        return false;
    }
    if (plan.count == 0) {
        return nothing_to_do(defs, set, selection, err);
    }
    *ret = plan;
    return true;
}

bool plan_make_for(const struct definitions *defs, const uint32_t *assets, size_t count,
                   struct arena *arena, struct plan *ret, struct err *err)
{
    bool *set = arena_array(arena, defs->asset_count, sizeof(*set));
    if (set == NULL) {
        return out_of_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        set[assets[i]] = true;
    }
    struct plan plan = {0};
    if (!plan_set(defs, set, arena, &plan, err)) {
        return false;
    }
    if (plan.count == 0) {
        return nothing_to_do(defs, set, STR("this"), err);
    }
    *ret = plan;
    return true;
}
