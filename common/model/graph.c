#include "common/model/graph.h"

#include "common/base/buf.h"
#include "common/base/limits.h"

enum {
    HINTS_MAX = 20,       /* nearest keys looked up in one build: each one reads every key */
    CYCLE_SHOWN_MAX = 10, /* nodes of a cycle that are named */
    FAULT_TEXT_BYTES = 4096,
};

struct build {
    struct arena *arena;
    const struct graph_input *input;
    const struct graph_listener *listener;
    struct graph g;
    struct err *err;
    size_t faults;
};

static bool out_of_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "not enough memory for the asset graph");
}

static void tell(struct build *b, const struct graph_fault *fault)
{
    if (b->faults++ == 0) {
        (void)err_set(b->err, ERR_INVALID, STR_FMT, STR_ARG(fault->text));
        if (fault->hint.len > 0) {
            (void)err_hint(b->err, STR_FMT, STR_ARG(fault->hint));
        }
    }
    if (b->listener != NULL) {
        b->listener->on_fault(b->listener->ctx, fault);
    }
}

static void tell_duplicate(struct build *b, uint32_t node, uint32_t earlier)
{
    char memory[FAULT_TEXT_BYTES];
    struct buf text = buf_fixed(memory, sizeof(memory));
    buf_addf(&text, "asset " STR_FMT " is defined twice", STR_ARG(b->input[node].key));
    tell(b, &(struct graph_fault){GRAPH_DUPLICATE_KEY, node, earlier, buf_str(&text), STR_NONE});
}

static void tell_missing(struct build *b, uint32_t node, uint32_t dep)
{
    struct str key = b->input[node].deps[dep];
    char memory[FAULT_TEXT_BYTES];
    struct buf text = buf_fixed(memory, sizeof(memory));
    buf_addf(&text, "asset " STR_FMT " depends on " STR_FMT ", which is not defined",
             STR_ARG(b->input[node].key), STR_ARG(key));
    char hint_memory[FAULT_TEXT_BYTES];
    struct buf hint = buf_fixed(hint_memory, sizeof(hint_memory));
    struct str nearest = b->faults < HINTS_MAX ? graph_nearest_key(&b->g, key) : STR_NONE;
    if (nearest.len > 0) {
        buf_addf(&hint, "did you mean " STR_FMT "?", STR_ARG(nearest));
    } else {
        buf_add_text(&hint, "define it, or name it with external: true when it is made elsewhere");
    }
    tell(b, &(struct graph_fault){GRAPH_MISSING_DEP, node, dep, buf_str(&text), buf_str(&hint)});
}

static bool check_limits(const struct graph_input *input, size_t count, struct err *err)
{
    if (count > LIMIT_ASSETS) {
        return err_set(err, ERR_FULL, "%zu assets are more than %d", count, LIMIT_ASSETS);
    }
    for (size_t i = 0; i < count; i++) {
        if (input[i].dep_count > LIMIT_DEPS_PER_ASSET) {
            return err_set(err, ERR_FULL, "asset " STR_FMT " has %zu deps, more than %d",
                           STR_ARG(input[i].key), input[i].dep_count, LIMIT_DEPS_PER_ASSET);
        }
    }
    return true;
}

static bool add_nodes(struct build *b, size_t count)
{
    b->g.nodes = arena_array(b->arena, count, sizeof(*b->g.nodes));
    if (b->g.nodes == NULL) {
        return false;
    }
    b->g.count = count;
    for (uint32_t i = 0; i < count; i++) {
        b->g.nodes[i].key = b->input[i].key;
        uint32_t earlier = 0;
        if (strmap_get(&b->g.by_key, b->input[i].key, &earlier)) {
            tell_duplicate(b, i, earlier);
        } else if (!strmap_put(&b->g.by_key, b->input[i].key, i)) {
            return false;
        }
    }
    return true;
}

/* Fills in nodes[].deps. `seen` holds for each node the last one (plus 1) that named it. */
static bool add_deps(struct build *b)
{
    size_t total = 0;
    for (size_t i = 0; i < b->g.count; i++) {
        total += b->input[i].dep_count;
    }
    uint32_t *seen = arena_array(b->arena, b->g.count, sizeof(*seen));
    uint32_t *next = arena_array(b->arena, total, sizeof(*next));
    if (seen == NULL || next == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < b->g.count; i++) {
        struct graph_node *node = &b->g.nodes[i];
        node->deps = next;
        for (uint32_t d = 0; d < b->input[i].dep_count; d++) {
            uint32_t dep = 0;
            if (!strmap_get(&b->g.by_key, b->input[i].deps[d], &dep)) {
                tell_missing(b, i, d);
            } else if (seen[dep] != i + 1) {
                seen[dep] = i + 1;
                next[node->dep_count++] = dep;
            }
        }
        next += node->dep_count;
    }
    return true;
}

/* The deps turned round. Parents are visited in ascending order, so each list of children ascends.
 */
static bool add_children(struct build *b)
{
    size_t total = 0;
    for (size_t i = 0; i < b->g.count; i++) {
        const struct graph_node *node = &b->g.nodes[i];
        total += node->dep_count;
        for (size_t d = 0; d < node->dep_count; d++) {
            b->g.nodes[node->deps[d]].child_count++;
        }
    }
    uint32_t *children = arena_array(b->arena, total, sizeof(*children));
    uint32_t *filled = arena_array(b->arena, b->g.count, sizeof(*filled));
    if (children == NULL || filled == NULL) {
        return false;
    }
    uint32_t start = 0;
    for (size_t i = 0; i < b->g.count; i++) {
        b->g.nodes[i].children = children + start;
        filled[i] = start;
        start += (uint32_t)b->g.nodes[i].child_count;
    }
    for (uint32_t i = 0; i < b->g.count; i++) {
        for (size_t d = 0; d < b->g.nodes[i].dep_count; d++) {
            children[filled[b->g.nodes[i].deps[d]]++] = i;
        }
    }
    return true;
}

/* A binary heap of node numbers: the smallest first. */
struct heap {
    uint32_t *items;
    size_t count;
};

static void heap_push(struct heap *h, uint32_t value)
{
    size_t at = h->count++;
    while (at > 0 && h->items[(at - 1) / 2] > value) {
        h->items[at] = h->items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    h->items[at] = value;
}

static uint32_t heap_pop(struct heap *h)
{
    uint32_t top = h->items[0];
    uint32_t value = h->items[--h->count];
    size_t at = 0;
    for (size_t child = 1; child < h->count; child = 2 * at + 1) {
        if (child + 1 < h->count && h->items[child + 1] < h->items[child]) {
            child++;
        }
        if (h->items[child] >= value) {
            break;
        }
        h->items[at] = h->items[child];
        at = child;
    }
    h->items[at] = value;
    return top;
}

/* Kahn's algorithm. `waiting` counts the deps that are not in the order yet; what stays above 0 is
 * in a cycle or behind one. */
static size_t sort(const struct graph *g, uint32_t *waiting, struct heap *ready, uint32_t *order)
{
    size_t done = 0;
    for (uint32_t i = 0; i < g->count; i++) {
        waiting[i] = (uint32_t)g->nodes[i].dep_count;
        if (waiting[i] == 0) {
            heap_push(ready, i);
        }
    }
    while (ready->count > 0) {
        uint32_t node = heap_pop(ready);
        order[done++] = node;
        for (size_t c = 0; c < g->nodes[node].child_count; c++) {
            uint32_t child = g->nodes[node].children[c];
            if (--waiting[child] == 0) {
                heap_push(ready, child);
            }
        }
    }
    return done;
}

/* The dep to follow into the cycle: one that waits itself. There always is one. */
static uint32_t waiting_dep(const struct graph *g, const uint32_t *waiting, uint32_t node)
{
    const struct graph_node *n = &g->nodes[node];
    size_t d = 0;
    while (d + 1 < n->dep_count && waiting[n->deps[d]] == 0) {
        d++;
    }
    return n->deps[d];
}

static void tell_cycle(struct build *b, const uint32_t *waiting, uint32_t from)
{
    /* As many moves as there are nodes certainly end inside the cycle. */
    uint32_t node = from;
    for (size_t i = 0; i < b->g.count; i++) {
        node = waiting_dep(&b->g, waiting, node);
    }
    uint32_t first = node;
    size_t length = 0;
    uint32_t at = node;
    do {
        at = waiting_dep(&b->g, waiting, at);
        first = at < first ? at : first;
        length++;
    } while (at != node);

    char memory[FAULT_TEXT_BYTES];
    struct buf text = buf_fixed(memory, sizeof(memory));
    buf_addf(&text, "assets depend on each other: " STR_FMT, STR_ARG(b->g.nodes[first].key));
    at = first;
    for (size_t i = 0; i < length; i++) {
        at = waiting_dep(&b->g, waiting, at);
        if (i < CYCLE_SHOWN_MAX || i + 1 == length) {
            buf_addf(&text, " -> " STR_FMT, STR_ARG(b->g.nodes[at].key));
        } else if (i == CYCLE_SHOWN_MAX) {
            buf_addf(&text, " -> (%zu more)", length - 1 - i);
        }
    }
    tell(b, &(struct graph_fault){GRAPH_CYCLE, first, 0, buf_str(&text),
                                  STR("each asset must be made from others only; drop one dep")});
}

static bool add_order(struct build *b)
{
    uint32_t *waiting = arena_array(b->arena, b->g.count, sizeof(*waiting));
    uint32_t *order = arena_array(b->arena, b->g.count, sizeof(*order));
    struct heap ready = {.items = arena_array(b->arena, b->g.count, sizeof(*ready.items))};
    if (waiting == NULL || order == NULL || ready.items == NULL) {
        return false;
    }
    if (sort(&b->g, waiting, &ready, order) < b->g.count) {
        uint32_t node = 0;
        while (waiting[node] == 0) {
            node++;
        }
        tell_cycle(b, waiting, node);
    }
    b->g.order = order;
    return true;
}

bool graph_build(struct arena *arena, const struct graph_input *input, size_t count,
                 const struct graph_listener *listener, struct graph *ret, struct err *err)
{
    if (!check_limits(input, count, err)) {
        return false;
    }
    struct build b = {.arena = arena, .input = input, .listener = listener, .err = err};
    b.g.by_key = strmap_new(arena);
    if (!add_nodes(&b, count) || !add_deps(&b)) {
        return out_of_memory(err);
    }
    if (b.faults == 0 && (!add_children(&b) || !add_order(&b))) {
        return out_of_memory(err);
    }
    if (b.faults > 0) {
        return false;
    }
    *ret = b.g;
    return true;
}

/* "sales" for "pos/sales": the usual slip is a forgotten prefix. */
static bool is_same_name(struct str a, struct str b)
{
    struct str head;
    struct str last_a;
    struct str last_b;
    (void)str_cut_last(a, '/', &head, &last_a);
    (void)str_cut_last(b, '/', &head, &last_b);
    return str_eq(last_a, last_b);
}

struct str graph_nearest_key(const struct graph *g, struct str key)
{
    struct str best = STR_NONE;
    size_t best_distance = key.len / 3 + 1; /* one slip in three characters */
    for (size_t i = 0; i < g->count; i++) {
        struct str other = g->nodes[i].key;
        size_t difference = other.len > key.len ? other.len - key.len : key.len - other.len;
        /* A lower bound of the distance, so that most keys cost nothing. */
        size_t distance = difference < best_distance ? str_distance(key, other) : SIZE_MAX;
        distance = is_same_name(key, other) ? 0 : distance;
        if (distance < best_distance) {
            best = other;
            best_distance = distance;
        }
    }
    return best;
}

bool graph_find(const struct graph *g, struct str key, uint32_t *ret_node, struct err *err)
{
    if (strmap_get(&g->by_key, key, ret_node)) {
        return true;
    }
    (void)err_set(err, ERR_NOT_FOUND, "there is no asset \"" STR_FMT "\"", STR_ARG(key));
    struct str nearest = graph_nearest_key(g, key);
    if (nearest.len > 0) {
        (void)err_hint(err, "did you mean " STR_FMT "?", STR_ARG(nearest));
    }
    return false;
}

void graph_reach(const struct graph *g, enum graph_direction direction, int32_t depth,
                 uint32_t *scratch, bool *set)
{
    uint32_t *queue = scratch;
    size_t count = 0;
    for (uint32_t i = 0; i < g->count; i++) {
        if (set[i]) {
            queue[count++] = i;
        }
    }
    size_t level_end = count;
    for (size_t at = 0; at < count && depth > 0; at++) {
        const struct graph_node *node = &g->nodes[queue[at]];
        bool is_up = direction == GRAPH_UP;
        const uint32_t *to = is_up ? node->deps : node->children;
        size_t to_count = is_up ? node->dep_count : node->child_count;
        for (size_t i = 0; i < to_count; i++) {
            if (!set[to[i]]) {
                set[to[i]] = true;
                queue[count++] = to[i];
            }
        }
        if (at + 1 == level_end) {
            level_end = count;
            depth--;
        }
    }
}

bool graph_nodes_include(const uint32_t *nodes, size_t count, uint32_t node)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        if (nodes[middle] == node) {
            return true;
        }
        if (nodes[middle] < node) {
            low = middle + 1;
        } else {
            count = middle;
        }
    }
    return false;
}
