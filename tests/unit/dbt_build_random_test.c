/* Random projects, built by the machine and by a naive one that follows dbt's default word by word:
 * every node waits for all tests whose parents are all above it, nodes that are not selected are
 * taken out with edges drawn across, and what is ready is handed out first come, first served. */
#include "common/dbt/build.h"
#include "common/platform/clock.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/seeded_rng.h"
#include "tests/unit/dbt_sketch.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = SKETCH_NODES_MAX };
typedef bool matrix[N][N]; /* [a][b]: a is above b */

struct world {
    struct arena arena;
    struct dbt_project *project;
    size_t count;
    bool selected[N];
    enum dbt_status result[N];
    bool fail_fast;
    matrix parent, above;
    matrix waits; /* parents, and dbt's edges from tests */
    matrix waits_above;
};

static bool may_have_children(enum dbt_type type)
{
    return type != DBT_TEST && type != DBT_EXPOSURE && type != DBT_ANALYSIS;
}

static bool is_executable(enum dbt_type type)
{
    return type == DBT_MODEL || type == DBT_SEED || type == DBT_SNAPSHOT || type == DBT_ANALYSIS;
}

static bool is_run(enum dbt_type type)
{
    return type == DBT_MODEL || type == DBT_SEED || type == DBT_SNAPSHOT || type == DBT_TEST ||
           type == DBT_FUNCTION;
}

/* Names are drawn, so that the order of ids is not that of the graph. */
static void draw(struct world *w, const struct rng *rng)
{
    static const enum dbt_type types[] = {DBT_MODEL,    DBT_MODEL,    DBT_MODEL,    DBT_SEED,
                                          DBT_TEST,     DBT_TEST,     DBT_TEST,     DBT_SOURCE,
                                          DBT_SNAPSHOT, DBT_FUNCTION, DBT_EXPOSURE, DBT_ANALYSIS};
    char drawn[N][40];
    enum dbt_type type[N];
    const char *lines[N];
    const size_t count = 1 + rng_below(rng, N);
    for (size_t i = 0; i < count; i++) {
        type[i] = types[rng_below(rng, COUNT_OF(types))];
        (void)snprintf(drawn[i], sizeof drawn[i], "%s.%c%c%zu", dbt_type_name(type[i]),
                       (char)('a' + rng_below(rng, 26)), (char)('a' + rng_below(rng, 26)), i);
        struct buf line = buf_growing(4096);
        buf_addf(&line, "%s:", drawn[i]);
        const bool is_root = type[i] == DBT_SOURCE || type[i] == DBT_SEED;
        size_t parents = is_root ? 0 : rng_below(rng, 4);
        for (size_t p = i; p > 0 && parents > 0; p--) {
            if (may_have_children(type[p - 1]) && rng_below(rng, 3) == 0) {
                buf_addf(&line, " %s", drawn[p - 1]);
                parents--;
            }
        }
        buf_add_text(&line, rng_below(rng, 6) == 0 ? "; goes_on" : "");
        lines[i] = arena_cstr(&w->arena, buf_str(&line));
        assert_non_null(lines[i]);
        buf_release(&line);
    }
    w->project = dbt_sketch(&w->arena, lines, count);
    w->count = count;
}

static void close_over(const struct world *w, matrix of, matrix ret)
{
    memcpy(ret, of, sizeof(matrix));
    for (size_t k = 0; k < w->count; k++) {
        for (size_t i = 0; i < w->count; i++) {
            for (size_t j = 0; j < w->count && ret[i][k]; j++) {
                ret[i][j] = ret[i][j] || ret[k][j];
            }
        }
    }
}

static bool are_all_above(const struct world *w, uint32_t test, size_t node)
{
    const struct dbt_node *t = &w->project->nodes[test];
    for (size_t p = 0; p < t->parent_count; p++) {
        if (!w->above[t->parents[p]][node]) {
            return false;
        }
    }
    return t->parent_count > 0;
}

static struct world *world_new(uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->arena = arena_new(1 << 20);
    struct seeded_rng seeded = seeded_rng_new(seed);
    const struct rng rng = seeded_rng_port(&seeded);
    draw(w, &rng);
    const uint64_t unselected = rng_below(&rng, 3);
    const uint64_t bad = 4 + rng_below(&rng, 20);
    w->fail_fast = rng_below(&rng, 4) == 0;
    for (uint32_t i = 0; i < w->count; i++) {
        const struct dbt_node *node = &w->project->nodes[i];
        w->selected[i] = rng_below(&rng, 4) >= unselected;
        static const enum dbt_status of_test[] = {DBT_FAIL, DBT_ERROR, DBT_WARN};
        static const enum dbt_status of_model[] = {DBT_ERROR, DBT_PARTIAL, DBT_NO_OP};
        const bool is_test = node->type == DBT_TEST;
        w->result[i] = is_test ? DBT_PASS : DBT_SUCCESS;
        if (rng_below(&rng, bad) == 0) {
            w->result[i] = is_test ? of_test[rng_below(&rng, 3)] : of_model[rng_below(&rng, 3)];
        }
        for (size_t p = 0; p < node->parent_count; p++) {
            w->parent[node->parents[p]][i] = true;
        }
    }
    close_over(w, w->parent, w->above);
    memcpy(w->waits, w->parent, sizeof w->waits);
    for (uint32_t test = 0; test < w->count; test++) {
        for (size_t node = 0; node < w->count && w->project->nodes[test].type == DBT_TEST; node++) {
            if (is_executable(w->project->nodes[node].type) && are_all_above(w, test, node)) {
                w->waits[test][node] = true;
            }
        }
    }
    close_over(w, w->waits, w->waits_above);
    return w;
}

static void world_free(struct world *w)
{
    arena_release(&w->arena);
    free(w);
}

/* ---- edges ---- */

/* The same nodes wait for the same tests, and no edge is there that dbt would not draw. */
static void test_edges_mean_the_same(void **state)
{
    (void)state;
    size_t edges_seen = 0;
    for (uint64_t seed = 1; seed <= 1500; seed++) {
        struct world *w = world_new(seed);
        struct dbt_edge *edges = NULL;
        size_t count = 0;
        struct err err = {0};
        assert_true(dbt_test_edges(w->project, NULL, &w->arena, &edges, &count, &err));
        matrix ours;
        memcpy(ours, w->parent, sizeof ours);
        for (size_t i = 0; i < count; i++) {
            assert_true(w->waits[edges[i].from][edges[i].to]);
            ours[edges[i].from][edges[i].to] = true;
            assert_true(i == 0 || edges[i - 1].from < edges[i].from ||
                        (edges[i - 1].from == edges[i].from && edges[i - 1].to < edges[i].to));
        }
        matrix above;
        close_over(w, ours, above);
        if (memcmp(above, w->waits_above, sizeof above) != 0) {
            fail_msg("seed %llu: other waits", (unsigned long long)seed);
        }
        edges_seen += count;
        world_free(w);
    }
    assert_true(edges_seen > 3000);
}

/* ---- a whole build ---- */

struct told {
    uint32_t node;
    bool is_skipped;
};

static bool is_in_queue(const struct world *w, size_t node)
{
    return w->selected[node] && is_run(w->project->nodes[node].type);
}

/* A way from one to the other with none of the queue between. */
static bool is_behind(const struct world *w, size_t from, size_t to, bool *seen)
{
    for (size_t next = 0; next < w->count; next++) {
        if (!w->waits[from][next] || seen[next]) {
            continue;
        }
        if (next == to) {
            return true;
        }
        seen[next] = true;
        if (!is_in_queue(w, next) && is_behind(w, next, to, seen)) {
            return true;
        }
    }
    return false;
}

struct naive {
    matrix behind;
    size_t line[N], line_count;
    bool known[N], done[N], marked[N];
    bool has_failed;
};

static void let_in_ready(const struct world *w, struct naive *n)
{
    for (size_t node = 0; node < w->count; node++) {
        bool is_ready = is_in_queue(w, node) && !n->known[node];
        for (size_t before = 0; before < w->count; before++) {
            is_ready = is_ready && (!n->behind[before][node] || n->done[before]);
        }
        if (is_ready) {
            n->known[node] = true;
            n->line[n->line_count++] = node;
        }
    }
}

static size_t build_naively(const struct world *w, struct told *ret)
{
    struct naive n = {0};
    for (size_t a = 0; a < w->count; a++) {
        for (size_t b = 0; b < w->count && is_in_queue(w, a); b++) {
            bool seen[N] = {0};
            n.behind[a][b] = is_in_queue(w, b) && is_behind(w, a, b, seen);
        }
    }
    let_in_ready(w, &n);
    for (size_t i = 0; i < n.line_count; i++) {
        const size_t node = n.line[i];
        const struct dbt_node *of = &w->project->nodes[node];
        const bool is_skipped = n.marked[node] || n.has_failed;
        const enum dbt_status status = is_skipped ? DBT_SKIPPED : w->result[node];
        ret[i] = (struct told){.node = (uint32_t)node, .is_skipped = is_skipped};
        const bool is_bad = status == DBT_ERROR || status == DBT_FAIL || status == DBT_PARTIAL;
        n.has_failed = n.has_failed || (w->fail_fast && is_bad);
        n.done[node] = true;
        for (size_t b = 0; b < w->count; b++) {
            const bool goes_on = of->type == DBT_MODEL && of->goes_on;
            n.marked[b] = n.marked[b] || (!goes_on && (is_bad || status == DBT_SKIPPED) &&
                                          w->waits_above[node][b]);
        }
        let_in_ready(w, &n);
    }
    return n.line_count;
}

static void test_builds_as_the_naive_one(void **state)
{
    (void)state;
    size_t skips = 0;
    size_t runs = 0;
    for (uint64_t seed = 1; seed <= 1500; seed++) {
        struct world *w = world_new(seed);
        struct told expected[N];
        const size_t count = build_naively(w, expected);
        const struct dbt_build_options options = {.fail_fast = w->fail_fast};
        struct dbt_build *build = NULL;
        struct err err = {0};
        assert_true(dbt_build_new(w->project, w->selected, &options, &w->arena, &build, &err));
        assert_true(dbt_build_count(build) == count);
        struct dbt_turn turn = {0};
        size_t i = 0;
        for (; dbt_build_next(build, &turn); i++) {
            if (i >= count || turn.node != expected[i].node ||
                turn.is_skipped != expected[i].is_skipped) {
                fail_msg("seed %llu: another turn %zu", (unsigned long long)seed, i);
            }
            skips += turn.is_skipped ? 1 : 0;
            if (turn.is_skipped && turn.because != DBT_NO_NODE) {
                assert_true(w->waits_above[turn.because][turn.node]);
                assert_int_not_equal(dbt_build_status(build, turn.because), DBT_SKIPPED);
            } else if (!turn.is_skipped) {
                runs++;
                dbt_build_ended(build, turn.node, w->result[turn.node]);
            }
        }
        assert_int_equal(i, count);
        assert_true(dbt_build_is_done(build));
        world_free(w);
    }
    assert_true(skips > 1000 && runs > 5000);
}

/* ---- size ---- */

/* `models` models in layers of 50, each made from three of the layer above; three tests on each,
 * and one that compares it with its first parent. */
static struct dbt_project *large(struct arena *arena, size_t models)
{
    const size_t count = 5 * models;
    struct dbt_project *project = arena_alloc(arena, sizeof *project);
    assert_non_null(project);
    project->nodes = arena_array(arena, count, sizeof *project->nodes);
    assert_non_null(project->nodes);
    project->count = count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t *parents = arena_array(arena, 3, sizeof *parents);
        assert_non_null(parents);
        struct dbt_node *node = &project->nodes[i];
        node->unique_id = arena_printf(arena, "%08u", i);
        node->type = i < models ? DBT_MODEL : DBT_TEST;
        node->parents = parents;
        if (i < models) {
            node->parent_count = i < 50 ? 0 : 3;
            for (uint32_t p = 0; p < node->parent_count; p++) {
                parents[p] = i - i % 50 - 50 + (i * 7 + p * 13) % 50;
            }
            continue;
        }
        parents[0] = i % (uint32_t)models;
        node->parent_count = 1;
        if (i >= 4 * models && parents[0] >= 50) {
            parents[1] = project->nodes[parents[0]].parents[0];
            node->parent_count = 2;
        }
    }
    dbt_sketch_link(project, arena);
    return project;
}

static void test_large_projects(void **state)
{
    (void)state;
    struct arena arena = arena_new(64 << 20);
    struct dbt_project *project = large(&arena, 2000);
    bool *selected = arena_alloc(&arena, project->count);
    assert_non_null(selected);
    memset(selected, true, project->count);
    const struct clock clock = clock_system();
    const struct mono_time before = clock_mono(&clock);
    const size_t used = arena.used;
    const struct dbt_build_options options = {0};
    struct dbt_build *build = NULL;
    struct err err = {0};
    assert_true(dbt_build_new(project, selected, &options, &arena, &build, &err));
    struct dbt_turn turn = {0};
    size_t turns = 0;
    for (; dbt_build_next(build, &turn); turns++) {
        assert_false(turn.is_skipped);
        dbt_build_ended(build, turn.node,
                        project->nodes[turn.node].type == DBT_TEST ? DBT_PASS : DBT_SUCCESS);
    }
    assert_int_equal(turns, project->count);
    const int64_t ms = (clock_mono(&clock).ns - before.ns) / 1000000;
    printf("2000 models, 8000 tests: %lld ms, %zu KiB\n", (long long)ms, (arena.used - used) >> 10);
    assert_true(ms < 2000); /* a quadratic one takes minutes here */
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges_mean_the_same),
        cmocka_unit_test(test_builds_as_the_naive_one),
        cmocka_unit_test(test_large_projects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
