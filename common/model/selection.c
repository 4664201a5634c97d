#include "common/model/selection.h"

#include "common/model/selection_ops.h"
#include <string.h>

struct evaluation {
    const struct graph *g;
    const struct selection_attributes *attributes;
    struct arena *arena;
    bool **sets; /* the stack; a set is allocated when its place is first used */
    size_t count;
    bool *below; /* for reach() and keep_ends(): allocated once */
    uint32_t *queue;
};

/* A set on top of the stack, its content left over from an earlier use. */
static bool *push(struct evaluation *e)
{
    bool **place = &e->sets[e->count];
    if (*place == NULL) {
        *place = arena_array(e->arena, e->g->count, sizeof(**place));
    }
    if (*place != NULL) {
        e->count++;
    }
    return *place;
}

static bool push_keys(struct evaluation *e, const struct selection_op *op)
{
    bool *set = push(e);
    if (set == NULL) {
        return false;
    }
    if (op->type == OP_ALL || !op->is_exact) {
        for (size_t i = 0; i < e->g->count; i++) {
            set[i] = op->type == OP_ALL || str_matches(e->g->nodes[i].key, op->value);
        }
        return true;
    }
    memset(set, 0, e->g->count * sizeof(*set));
    uint32_t node = 0;
    if (strmap_get(&e->g->by_key, op->value, &node)) {
        set[node] = true;
    }
    return true;
}

static bool push_attribute(struct evaluation *e, const struct selection_op *op)
{
    const struct selection_attributes *a = e->attributes;
    bool *set = push(e);
    if (set == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < e->g->count; i++) {
        set[i] = a != NULL && a->has(a->ctx, i, op->attribute, op->name, op->value);
    }
    return true;
}

static void negate(struct evaluation *e)
{
    bool *top = e->sets[e->count - 1];
    for (size_t i = 0; i < e->g->count; i++) {
        top[i] = !top[i];
    }
}

static void combine(struct evaluation *e, bool is_and)
{
    const bool *right = e->sets[--e->count];
    bool *left = e->sets[e->count - 1];
    for (size_t i = 0; i < e->g->count; i++) {
        left[i] = is_and ? left[i] && right[i] : left[i] || right[i];
    }
}

static bool reserve_scratch(struct evaluation *e)
{
    if (e->below == NULL) {
        e->below = arena_array(e->arena, e->g->count, sizeof(*e->below));
        e->queue = arena_array(e->arena, e->g->count, sizeof(*e->queue));
    }
    return e->below != NULL && e->queue != NULL;
}

/* Ancestors and descendants each of the set as it was: not the descendants of its ancestors. */
static bool reach(struct evaluation *e, const struct selection_op *op)
{
    size_t count = e->g->count;
    if (!reserve_scratch(e)) {
        return false;
    }
    bool *top = e->sets[e->count - 1];
    memcpy(e->below, top, count * sizeof(*top));
    graph_reach(e->g, GRAPH_UP, op->up, e->queue, top);
    graph_reach(e->g, GRAPH_DOWN, op->down, e->queue, e->below);
    for (size_t i = 0; i < count; i++) {
        top[i] = top[i] || e->below[i];
    }
    return true;
}

/* Whether anything `next` to the node, directly or farther on, is in the set; `near` holds that for
 * all that comes before the node in the order walked. */
static bool leads_into(const uint32_t *next, size_t count, const bool *set, const bool *near)
{
    for (size_t i = 0; i < count; i++) {
        if (set[next[i]] || near[next[i]]) {
            return true;
        }
    }
    return false;
}

/* Keeps the members that no way leads from to another member: upwards for roots, else downwards. */
static bool keep_ends(struct evaluation *e, bool is_up)
{
    size_t count = e->g->count;
    if (!reserve_scratch(e)) {
        return false;
    }
    bool *top = e->sets[e->count - 1];
    for (size_t i = 0; i < count; i++) {
        uint32_t node = e->g->order[is_up ? i : count - 1 - i];
        const struct graph_node *n = &e->g->nodes[node];
        e->below[node] = is_up ? leads_into(n->deps, n->dep_count, top, e->below)
                               : leads_into(n->children, n->child_count, top, e->below);
    }
    for (size_t i = 0; i < count; i++) {
        top[i] = top[i] && !e->below[i];
    }
    return true;
}

static bool carry_out(struct evaluation *e, const struct selection_op *op)
{
    switch (op->type) {
    case OP_ALL:
    case OP_KEY:
        return push_keys(e, op);
    case OP_ATTRIBUTE:
        return push_attribute(e, op);
    case OP_NOT:
        negate(e);
        return true;
    case OP_AND:
    case OP_OR:
        combine(e, op->type == OP_AND);
        return true;
    case OP_REACH:
        return reach(e, op);
    case OP_ROOTS:
    case OP_SINKS:
        return keep_ends(e, op->type == OP_ROOTS);
    }
    return false;
}

bool selection_evaluate(const struct selection *s, const struct graph *g,
                        const struct selection_attributes *attributes, struct arena *arena,
                        bool **ret_set, struct err *err)
{
    struct evaluation e = {.g = g, .attributes = attributes, .arena = arena};
    e.sets = arena_array(arena, s->stack_max, sizeof(*e.sets));
    bool ok = e.sets != NULL;
    for (const struct selection_op *op = s->first; ok && op != NULL; op = op->next) {
        ok = carry_out(&e, op);
    }
    if (!ok) {
        return err_set(err, ERR_NO_MEMORY, "not enough memory to evaluate a selection");
    }
    *ret_set = e.sets[0];
    return true;
}
