/* DESIGN
 * By default dbt lets a node wait for every test whose parents are all upstream of it. Most of these
 * edges follow from others; its "fast" variant, off by default, leaves them out. We make the few:
 * a test comes before the first nodes, on each way down from its parents, that have all of them as
 * ancestors. (The fast variant also loses edges below sources, as it waits for these as if they were
 * nodes. We keep them, since `dbt build` does.)
 *
 * Tests with one parent: the parent's direct successors. The others, 64 at a time, one bit each:
 * a walk down the graph for each place in their lists of parents finds who descends from all; one
 * more carries each test down until it meets such a node. */
#include "common/dbt/build.h"
#include "common/dbt/build_graph.h"
#include <stdlib.h>
#include <string.h>

enum { TESTS_AT_ONCE = 64 };

struct waiting {
    uint32_t test;
    size_t parents;
};
struct edges {
    const struct dbt_project *project;
    const uint32_t *order;
    struct dbt_edge *items; /* NULL: they are counted only */
    size_t count;
    /* For each node, a bit for each test of the batch: */
    uint64_t *below_all; /* all its parents (of the places so far) are above the node */
    uint64_t *above;     /* what was handed down to the node */
    uint64_t *own;       /* the node is a parent */
};

/* In the manifest's "nodes", and no test: these wait for tests. */
static bool waits_for_tests(const struct dbt_node *node)
{
    return node->type == DBT_MODEL || node->type == DBT_SEED || node->type == DBT_SNAPSHOT ||
           node->type == DBT_ANALYSIS || node->type == DBT_OPERATION;
}

static bool has_children(const struct dbt_project *project, uint32_t node)
{
    return project->first_child[node] < project->first_child[node + 1];
}

static void hand_down(const struct dbt_project *project, uint32_t node, uint64_t *above,
                      uint64_t down)
{
    for (uint32_t i = project->first_child[node]; i < project->first_child[node + 1]; i++) {
        above[project->children[i]] |= down;
    }
}

/* A function may stand between two models, and what comes behind it waits too. */
static bool is_handed_on(const struct dbt_project *project, uint32_t parent)
{
    for (uint32_t i = project->first_child[parent]; i < project->first_child[parent + 1]; i++) {
        const uint32_t child = project->children[i];
        if (!waits_for_tests(&project->nodes[child]) && has_children(project, child)) {
            return true;
        }
    }
    return false;
}

static void add(struct edges *e, uint32_t from, uint32_t to)
{
    if (e->items != NULL) {
        e->items[e->count] = (struct dbt_edge){.from = from, .to = to};
    }
    e->count++;
}

static void add_of_single(struct edges *e, uint32_t test, uint32_t parent)
{
    const struct dbt_project *project = e->project;
    for (uint32_t i = project->first_child[parent]; i < project->first_child[parent + 1]; i++) {
        const uint32_t child = project->children[i];
        if (waits_for_tests(&project->nodes[child])) {
            add(e, test, child);
        }
    }
}

/* Keeps in `below_all` the tests whose parent at `place` is above the node, too. A test with fewer
 * parents has its last one in all later places. */
static void walk_place(struct edges *e, const struct waiting *tests, size_t count, size_t place)
{
    const struct dbt_project *project = e->project;
    memset(e->above, 0, project->count * sizeof *e->above);
    memset(e->own, 0, project->count * sizeof *e->own);
    for (size_t i = 0; i < count; i++) {
        const struct dbt_node *test = &project->nodes[tests[i].test];
        const size_t at = place < test->parent_count ? place : test->parent_count - 1;
        e->own[test->parents[at]] |= (uint64_t)1 << i;
    }
    for (size_t i = 0; i < project->count; i++) {
        const uint32_t node = e->order[i];
        e->below_all[node] &= e->above[node];
        const uint64_t down = e->above[node] | e->own[node];
        if (down != 0) {
            hand_down(project, node, e->above, down);
        }
    }
}

/* Carries each test down from all its parents until nodes that descend from them all. */
static void carry_down(struct edges *e, const struct waiting *tests, size_t count)
{
    const struct dbt_project *project = e->project;
    memset(e->above, 0, project->count * sizeof *e->above);
    memset(e->own, 0, project->count * sizeof *e->own);
    for (size_t i = 0; i < count; i++) {
        const struct dbt_node *test = &project->nodes[tests[i].test];
        for (size_t p = 0; p < test->parent_count; p++) {
            e->own[test->parents[p]] |= (uint64_t)1 << i;
        }
    }
    for (size_t i = 0; i < project->count; i++) {
        const uint32_t node = e->order[i];
        uint64_t down = e->above[node];
        if (waits_for_tests(&project->nodes[node])) {
            uint64_t met = down & e->below_all[node];
            down &= ~met;
            for (size_t t = 0; met != 0; t++, met >>= 1) {
                if ((met & 1) != 0) {
                    add(e, tests[t].test, node);
                }
            }
        }
        down |= e->own[node];
        if (down != 0) {
            hand_down(project, node, e->above, down);
        }
    }
}

static void add_of_batch(struct edges *e, const struct waiting *tests, size_t count)
{
    memset(e->below_all, 0xff, e->project->count * sizeof *e->below_all);
    for (size_t place = 0; place < tests[count - 1].parents; place++) {
        walk_place(e, tests, count, place);
    }
    carry_down(e, tests, count);
}

static int by_parents(const void *a, const void *b)
{
    const struct waiting *x = a;
    const struct waiting *y = b;
    return x->parents < y->parents ? -1 : x->parents > y->parents;
}

static int by_ends(const void *a, const void *b)
{
    const struct dbt_edge *x = a;
    const struct dbt_edge *y = b;
    if (x->from != y->from) {
        return x->from < y->from ? -1 : 1;
    }
    return x->to < y->to ? -1 : x->to > y->to;
}

/* Of all tests: those with one parent at once, the others in batches. */
static void add_all(struct edges *e, const bool *selected, struct waiting *waiting)
{
    size_t count = 0;
    e->count = 0;
    for (uint32_t i = 0; i < e->project->count; i++) {
        const struct dbt_node *node = &e->project->nodes[i];
        if (node->type != DBT_TEST || node->parent_count == 0 ||
            (selected != NULL && !selected[i])) {
            continue;
        }
        if (node->parent_count > 1 || is_handed_on(e->project, node->parents[0])) {
            waiting[count++] = (struct waiting){.test = i, .parents = node->parent_count};
        } else {
            add_of_single(e, i, node->parents[0]);
        }
    }
    /* Like with like, so that no batch walks more often for the sake of one test. */
    qsort(waiting, count, sizeof *waiting, by_parents);
    for (size_t i = 0; i < count; i += TESTS_AT_ONCE) {
        add_of_batch(e, waiting + i, count - i < TESTS_AT_ONCE ? count - i : TESTS_AT_ONCE);
    }
}

bool dbt_test_edges(const struct dbt_project *project, const bool *selected, struct arena *arena,
                    struct dbt_edge **ret, size_t *ret_count, struct err *err)
{
    uint32_t *order = NULL;
    if (!dbt_graph_order(project, arena, &order, err)) {
        return false;
    }
    struct edges e = {.project = project,
                      .order = order,
                      .below_all = arena_array(arena, project->count + 1, sizeof *e.below_all),
                      .above = arena_array(arena, project->count + 1, sizeof *e.above),
                      .own = arena_array(arena, project->count + 1, sizeof *e.own)};
    struct waiting *waiting = arena_array(arena, project->count + 1, sizeof *waiting);
    if (e.below_all == NULL || e.above == NULL || e.own == NULL || waiting == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    add_all(&e, selected, waiting); /* counts them */
    e.items = arena_array(arena, e.count + 1, sizeof *e.items);
    if (e.items == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory for %zu edges of tests", e.count);
    }
    add_all(&e, selected, waiting);
    qsort(e.items, e.count, sizeof *e.items, by_ends);
    *ret = e.items;
    *ret_count = e.count;
    return true;
}
