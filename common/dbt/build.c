#include "common/dbt/build.h"

#include "common/dbt/build_graph.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*            its last parent ended
 *   WAITING ------------------------> IN_LINE -> RUNNING -> ENDED
 *                                        \--(marked)--------^
 * A node that does not run itself ends as soon as its parents have. */
enum place { WAITING, IN_LINE, RUNNING, ENDED };

struct dbt_build {
    const struct dbt_project *project;
    bool is_fail_fast;
    bool has_failed; /* the first failure of a fail-fast build was there */
    size_t left;     /* nodes that run and have not ended */
    size_t count;
    uint32_t *waits_for; /* how many parents and tests are yet to end */
    uint32_t *because;   /* the node whose failure keeps it from running; DBT_NO_NODE: none */
    uint8_t *place;      /* enum place */
    uint8_t *status;     /* enum dbt_status */
    bool *runs;          /* it is selected, and of a type that is run */
    const uint32_t *first_test_edge; /* count + 1 places in test_edges */
    const struct dbt_edge *test_edges;
    uint32_t *line; /* nodes that were let in; from `served` on not yet handed out */
    size_t line_end, served;
    uint32_t *stack; /* of walks */
};

bool dbt_is_ephemeral(const struct dbt_node *node)
{
    return node->type == DBT_MODEL && str_eq(node->materialized, STR("ephemeral"));
}

bool dbt_status_is_retried(enum dbt_status status)
{
    return status == DBT_ERROR || status == DBT_FAIL || status == DBT_SKIPPED ||
           status == DBT_PARTIAL || status == DBT_RUNTIME_ERROR;
}

static bool is_run(enum dbt_type type)
{
    return type == DBT_MODEL || type == DBT_SEED || type == DBT_SNAPSHOT || type == DBT_TEST ||
           type == DBT_FUNCTION;
}

/* What comes after a node: its children, then, of a test, what waits for it. */
struct after {
    const struct dbt_build *build;
    uint32_t child, child_end, edge, edge_end;
};

static struct after after(const struct dbt_build *build, uint32_t node)
{
    return (struct after){.build = build,
                          .child = build->project->first_child[node],
                          .child_end = build->project->first_child[node + 1],
                          .edge = build->first_test_edge[node],
                          .edge_end = build->first_test_edge[node + 1]};
}

static bool after_next(struct after *a, uint32_t *ret)
{
    if (a->child < a->child_end) {
        *ret = a->build->project->children[a->child++];
        return true;
    }
    if (a->edge < a->edge_end) {
        *ret = a->build->test_edges[a->edge++].to;
        return true;
    }
    return false;
}

/* ---- the graph ---- */

bool dbt_graph_order(const struct dbt_project *project, struct arena *arena, uint32_t **ret,
                     struct err *err)
{
    const size_t count = project->count;
    uint32_t *order = arena_array(arena, count + 1, sizeof *order);
    uint32_t *parents = arena_array(arena, count + 1, sizeof *parents);
    if (order == NULL || parents == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    for (uint32_t i = 0; i < project->first_child[count]; i++) {
        parents[project->children[i]]++;
    }
    size_t known = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (parents[i] == 0) {
            order[known++] = i;
        }
    }
    for (size_t i = 0; i < known; i++) {
        const uint32_t node = order[i];
        for (uint32_t c = project->first_child[node]; c < project->first_child[node + 1]; c++) {
            if (--parents[project->children[c]] == 0) {
                order[known++] = project->children[c];
            }
        }
    }
    if (known < count) {
        return err_set(err, ERR_INVALID,
                       "the project's nodes are made from each other in a circle");
    }
    *ret = order;
    return true;
}

static void count_waits(struct dbt_build *build)
{
    for (uint32_t i = 0; i < build->project->count; i++) {
        uint32_t next = 0;
        for (struct after a = after(build, i); after_next(&a, &next);) {
            build->waits_for[next]++;
        }
    }
}

/* ---- standing in line ---- */

static void let_in(struct dbt_build *build, uint32_t node)
{
    build->place[node] = IN_LINE;
    build->line[build->line_end++] = node;
}

static int by_id(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Those that came after `from` came together. */
static void line_up(struct dbt_build *build, size_t from)
{
    qsort(build->line + from, build->line_end - from, sizeof *build->line, by_id);
}

/* Lets in what waited for the nodes on the stack alone; nodes that do not run end on the way. */
static void end_all(struct dbt_build *build, size_t depth)
{
    const size_t from = build->line_end;
    while (depth > 0) {
        const uint32_t node = build->stack[--depth];
        build->place[node] = ENDED;
        uint32_t next = 0;
        for (struct after a = after(build, node); after_next(&a, &next);) {
            if (--build->waits_for[next] > 0) {
                continue;
            }
            if (build->runs[next]) {
                let_in(build, next);
            } else {
                build->stack[depth++] = next;
            }
        }
    }
    line_up(build, from);
}

static void end_one(struct dbt_build *build, uint32_t node, enum dbt_status status)
{
    build->status[node] = (uint8_t)status;
    build->left--;
    build->stack[0] = node;
    end_all(build, 1);
}

static void start(struct dbt_build *build)
{
    size_t depth = 0;
    for (uint32_t i = 0; i < build->project->count; i++) {
        if (build->waits_for[i] == 0 && build->runs[i]) {
            let_in(build, i);
        } else if (build->waits_for[i] == 0) {
            build->stack[depth++] = i;
        }
    }
    end_all(build, depth);
    line_up(build, 0);
}

/* ---- results ---- */

static bool blocks(const struct dbt_build *build, uint32_t node, enum dbt_status status)
{
    const struct dbt_node *n = &build->project->nodes[node];
    if (n->type == DBT_MODEL && n->goes_on) {
        return false;
    }
    return status == DBT_ERROR || status == DBT_FAIL || status == DBT_SKIPPED ||
           status == DBT_PARTIAL;
}

/* What is marked has all below it marked, so each edge is walked once in a build. */
static void mark_below(struct dbt_build *build, uint32_t because)
{
    size_t depth = 0;
    build->stack[depth++] = because;
    while (depth > 0) {
        const uint32_t node = build->stack[--depth];
        uint32_t next = 0;
        for (struct after a = after(build, node); after_next(&a, &next);) {
            if (build->because[next] == DBT_NO_NODE) {
                build->because[next] = because;
                build->stack[depth++] = next;
            }
        }
    }
}

bool dbt_build_next(struct dbt_build *build, struct dbt_turn *ret)
{
    if (build->served == build->line_end) {
        return false;
    }
    const uint32_t node = build->line[build->served++];
    ret->node = node;
    ret->because = build->because[node];
    ret->is_skipped = ret->because != DBT_NO_NODE || build->has_failed;
    if (ret->is_skipped) {
        end_one(build, node, DBT_SKIPPED);
    } else {
        build->place[node] = RUNNING;
    }
    return true;
}

void dbt_build_ended(struct dbt_build *build, uint32_t node, enum dbt_status status)
{
    assert(node < build->project->count && build->place[node] == RUNNING);
    if (blocks(build, node, status)) {
        mark_below(build, node);
    }
    const bool is_failure = status == DBT_ERROR || status == DBT_FAIL || status == DBT_PARTIAL;
    build->has_failed = build->has_failed || (build->is_fail_fast && is_failure);
    end_one(build, node, status);
}

bool dbt_build_is_done(const struct dbt_build *build)
{
    return build->left == 0;
}

enum dbt_status dbt_build_status(const struct dbt_build *build, uint32_t node)
{
    return (enum dbt_status)build->status[node];
}

size_t dbt_build_count(const struct dbt_build *build)
{
    return build->count;
}

/* ---- making one ---- */

static bool allocate(struct dbt_build *build, size_t count, struct arena *arena,
                     uint32_t **ret_first, struct err *err)
{
    build->waits_for = arena_array(arena, count, sizeof *build->waits_for);
    build->because = arena_array(arena, count, sizeof *build->because);
    build->stack = arena_array(arena, count, sizeof *build->stack);
    build->line = arena_array(arena, count, sizeof *build->line);
    build->place = arena_array(arena, count, sizeof *build->place);
    build->status = arena_array(arena, count, sizeof *build->status);
    build->runs = arena_array(arena, count, sizeof *build->runs);
    *ret_first = arena_array(arena, count + 1, sizeof **ret_first);
    if (arena->exhausted) {
        return err_set(err, ERR_NO_MEMORY, "out of memory for a build of %zu nodes", count);
    }
    return true;
}

/* Where in the edges, which are sorted by test, those of each node begin. */
static void index_edges(const struct dbt_edge *edges, size_t edge_count, uint32_t *first,
                        size_t count)
{
    size_t edge = 0;
    for (size_t node = 0; node <= count; node++) {
        while (edge < edge_count && edges[edge].from < node) {
            edge++;
        }
        first[node] = (uint32_t)edge;
    }
}

bool dbt_build_new(const struct dbt_project *project, const bool *selected,
                   const struct dbt_build_options *options, struct arena *arena,
                   struct dbt_build **ret, struct err *err)
{
    struct dbt_build *build = arena_alloc(arena, sizeof *build);
    struct dbt_edge *edges = NULL;
    size_t edge_count = 0;
    uint32_t *first = NULL;
    if (build == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    *build = (struct dbt_build){.project = project, .is_fail_fast = options->fail_fast};
    if (!allocate(build, project->count + 1, arena, &first, err) ||
        !dbt_test_edges(project, selected, arena, &edges, &edge_count, err)) {
        return false;
    }
    index_edges(edges, edge_count, first, project->count);
    build->first_test_edge = first;
    build->test_edges = edges;
    for (size_t i = 0; i < project->count; i++) {
        const struct dbt_node *node = &project->nodes[i];
        build->because[i] = DBT_NO_NODE;
        build->runs[i] = selected[i] && is_run(node->type);
        build->left += build->runs[i] ? 1 : 0;
        build->count += build->runs[i] && !dbt_is_ephemeral(node) ? 1 : 0;
    }
    count_waits(build);
    start(build);
    *ret = build;
    return true;
}
