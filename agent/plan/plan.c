#include "agent/plan/plan.h"

#define NOT_MADE UINT32_MAX

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "not enough memory to plan a run");
}

/* Whether the asset is made by the plan's last step. */
static bool joins_last(const struct definitions *defs, const struct plan *plan, uint32_t asset)
{
    const struct shared_step *step = defs->assets[asset].step;
    return step != NULL && plan->asset_count > 0 &&
           defs->assets[plan->assets[plan->asset_count - 1].asset].step == step;
}

/* Numbers the selected assets that can be made in the order of the definitions. */
static bool add_steps(const struct definitions *defs, const bool *set, struct arena *arena,
                      struct plan *plan, uint32_t *place_of)
{
    plan->steps = arena_array(arena, defs->asset_count, sizeof(*plan->steps));
    plan->assets = arena_array(arena, defs->asset_count, sizeof(*plan->assets));
    if (plan->steps == NULL || plan->assets == NULL) {
        return false;
    }
    for (size_t i = 0; i < defs->asset_count; i++) {
        uint32_t asset = defs->order[i];
        if (!set[asset] || defs->assets[asset].work == ASSET_EXTERNAL) {
            place_of[asset] = NOT_MADE;
            continue;
        }
        if (!joins_last(defs, plan, asset)) {
            plan->steps[plan->count++].first = (uint32_t)plan->asset_count;
        }
        place_of[asset] = (uint32_t)plan->asset_count;
        plan->assets[plan->asset_count++] =
            (struct plan_asset){.asset = asset, .step = (uint32_t)plan->count - 1};
        plan->steps[plan->count - 1].asset_count++;
    }
    return true;
}

/* Of a step that makes one asset: no dep is named twice. */
static uint32_t *add_waits_of(const struct graph_node *node, const uint32_t *place_of,
                              struct plan_step *step, uint32_t *next)
{
    step->waits = next;
    for (size_t d = 0; d < node->dep_count; d++) {
        if (place_of[node->deps[d]] != NOT_MADE) {
            next[step->wait_count++] = place_of[node->deps[d]];
        }
    }
    return next + step->wait_count;
}

/* Of several. `seen` has for each asset of the plan the last step (plus 1) that waits for it. */
static uint32_t *add_union_of_waits(const struct definitions *defs, const struct plan *plan,
                                    const uint32_t *place_of, uint32_t *seen, uint32_t index,
                                    uint32_t *next)
{
    struct plan_step *step = &plan->steps[index];
    step->waits = next;
    for (uint32_t i = step->first; i < step->first + step->asset_count; i++) {
        const struct graph_node *node = &defs->graph.nodes[plan->assets[i].asset];
        for (size_t d = 0; d < node->dep_count; d++) {
            uint32_t place = place_of[node->deps[d]];
            bool is_before = place != NOT_MADE && plan->assets[place].step != index;
            if (is_before && seen[place] != index + 1) {
                seen[place] = index + 1;
                next[step->wait_count++] = place;
            }
        }
    }
    return next + step->wait_count;
}

static bool add_waits(const struct definitions *defs, const uint32_t *place_of, struct arena *arena,
                      struct plan *plan)
{
    size_t total = 0;
    for (size_t i = 0; i < plan->asset_count; i++) {
        total += defs->graph.nodes[plan->assets[i].asset].dep_count;
    }
    bool has_shared = plan->asset_count > plan->count;
    uint32_t *next = arena_array(arena, total, sizeof(*next));
    uint32_t *seen = arena_array(arena, has_shared ? plan->asset_count : 0, sizeof(*seen));
    if (next == NULL || seen == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        struct plan_step *step = &plan->steps[i];
        const struct graph_node *node = &defs->graph.nodes[plan->assets[step->first].asset];
        next = step->asset_count == 1 ? add_waits_of(node, place_of, step, next)
                                      : add_union_of_waits(defs, plan, place_of, seen, i, next);
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
    uint32_t *place_of = arena_array(arena, defs->asset_count, sizeof(*place_of));
    if (place_of == NULL || !add_steps(defs, set, arena, ret, place_of) ||
        !add_waits(defs, place_of, arena, ret)) {
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
