#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/model/graph.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "a: b c" = a is made from b and c. */
struct sketch {
    struct str deps[16][16];
    struct graph_input input[16];
    size_t count;
};

static void draw(struct sketch *s, const char *const *lines, size_t count)
{
    s->count = count;
    for (size_t i = 0; i < count; i++) {
        struct str rest;
        (void)str_cut(str_from(lines[i]), ':', &s->input[i].key, &rest);
        s->input[i].deps = s->deps[i];
        s->input[i].dep_count = 0;
        for (rest = str_trim(rest); rest.len > 0; rest = str_trim(rest)) {
            struct str dep;
            (void)str_cut(rest, ' ', &dep, &rest);
            s->deps[i][s->input[i].dep_count++] = dep;
        }
    }
}

struct heard {
    int kinds[8];
    char text[8][200];
    char hint[8][200];
    size_t count;
};

static void hear(void *ctx, const struct graph_fault *fault)
{
    struct heard *heard = ctx;
    assert_true(heard->count < 8);
    heard->kinds[heard->count] = (int)fault->kind;
    (void)snprintf(heard->text[heard->count], 200, STR_FMT, STR_ARG(fault->text));
    (void)snprintf(heard->hint[heard->count], 200, STR_FMT, STR_ARG(fault->hint));
    heard->count++;
}

#define BUILD(arena, g, err, heard, ...)                                                           \
    build(arena, g, err, heard, (const char *const[]){__VA_ARGS__},                                \
          COUNT_OF(((const char *const[]){__VA_ARGS__})))

static bool build(struct arena *arena, struct graph *g, struct err *err, struct heard *heard,
                  const char *const *lines, size_t count)
{
    struct sketch *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    draw(s, lines, count);
    struct graph_listener listener = {hear, heard};
    bool ok = graph_build(arena, s->input, s->count, heard == NULL ? NULL : &listener, g, err);
    free(s);
    return ok;
}

static void assert_order(const struct graph *g, const char *expected)
{
    char memory[256];
    struct buf text = buf_fixed(memory, sizeof(memory));
    for (size_t i = 0; i < g->count; i++) {
        buf_addf(&text, "%s" STR_FMT, i == 0 ? "" : " ", STR_ARG(g->nodes[g->order[i]].key));
    }
    assert_string_equal(buf_cstr(&text), expected);
}

static void order_is_by_definition_where_deps_allow(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct graph g;
    struct err err = {0};
    assert_true(BUILD(&arena, &g, &err, NULL, "d: c", "c: a", "x:", "a:", "b: a d", "y: x"));
    assert_order(&g, "x a c d b y");
    assert_true(BUILD(&arena, &g, &err, NULL, "a:", "b:", "c:"));
    assert_order(&g, "a b c");
    assert_true(graph_build(&arena, NULL, 0, NULL, &g, &err));
    assert_int_equal(g.count, 0);
}

static void deps_and_children_mirror_each_other(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct graph g;
    struct err err = {0};
    assert_true(BUILD(&arena, &g, &err, NULL, "a:", "b: a a", "c: b a"));
    assert_int_equal(g.nodes[1].dep_count, 1); /* named twice, counted once */
    assert_int_equal(g.nodes[2].dep_count, 2);
    assert_int_equal(g.nodes[2].deps[0], 1); /* as declared */
    assert_int_equal(g.nodes[0].child_count, 2);
    assert_int_equal(g.nodes[0].children[0], 1);
    assert_int_equal(g.nodes[0].children[1], 2);
    assert_int_equal(g.nodes[2].child_count, 0);
}

static void every_fault_is_told(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct graph g;
    struct err err = {0};
    struct heard heard = {0};
    assert_false(BUILD(&arena, &g, &err, &heard, "pos/sales:", "pos/items:", "pos/sales:",
                       "report: pos/sale items nothing/like/it"));
    assert_int_equal(heard.count, 4);
    assert_int_equal(heard.kinds[0], GRAPH_DUPLICATE_KEY);
    assert_string_equal(heard.text[0], "asset pos/sales is defined twice");
    assert_int_equal(heard.kinds[1], GRAPH_MISSING_DEP);
    assert_string_equal(heard.text[1], "asset report depends on pos/sale, which is not defined");
    assert_string_equal(heard.hint[1], "did you mean pos/sales?");
    assert_string_equal(heard.hint[2], "did you mean pos/items?");
    assert_non_null(strstr(heard.hint[3], "external: true"));
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.msg, "asset pos/sales is defined twice");
}

static void cycles_are_named(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct graph g;
    struct err err = {0};
    struct heard heard = {0};
    assert_false(BUILD(&arena, &g, &err, &heard, "x: a", "a: b", "b: c", "c: a z", "z:", "y: x"));
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.kinds[0], GRAPH_CYCLE);
    assert_string_equal(err.msg, "assets depend on each other: a -> b -> c -> a");
    assert_true(err.hint[0] != '\0');

    assert_false(BUILD(&arena, &g, &err, NULL, "a:", "b: a b"));
    assert_string_equal(err.msg, "assets depend on each other: b -> b");
}

static void long_cycles_are_cut_short(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    enum { N = 500 };
    static char names[N][8];
    static struct str deps[N];
    static struct graph_input input[N];
    for (size_t i = 0; i < N; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "n%zu", i);
        deps[(i + N - 1) % N] = str_from(names[i]);
    }
    for (size_t i = 0; i < N; i++) {
        input[i] = (struct graph_input){str_from(names[i]), &deps[i], 1};
    }
    struct graph g;
    struct err err = {0};
    assert_false(graph_build(&arena, input, N, NULL, &g, &err));
    assert_string_equal(err.msg, "assets depend on each other: n0 -> n1 -> n2 -> n3 -> n4 -> n5 -> "
                                 "n6 -> n7 -> n8 -> n9 -> n10 -> (489 more) -> n0");
}

static void lookup_helps(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct graph g;
    struct err err = {0};
    assert_true(BUILD(&arena, &g, &err, NULL, "pos/sales:", "pos/items:"));
    uint32_t node = 9;
    assert_true(graph_find(&g, STR("pos/items"), &node, &err));
    assert_int_equal(node, 1);
    assert_false(graph_find(&g, STR("pos/slaes"), &node, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.msg, "there is no asset \"pos/slaes\"");
    assert_string_equal(err.hint, "did you mean pos/sales?");
    assert_false(graph_find(&g, STR("weather"), &node, &err));
    assert_string_equal(err.hint, "");
    assert_int_equal(node, 1);
}

static void reach_counts_layers(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct graph g;
    struct err err = {0};
    /* a -> b -> c -> d, and a -> d */
    assert_true(BUILD(&arena, &g, &err, NULL, "a:", "b: a", "c: b", "d: c a"));
    uint32_t scratch[4];
    bool set[4] = {true};
    graph_reach(&g, GRAPH_DOWN, 0, scratch, set);
    assert_memory_equal(set, ((bool[]){true, false, false, false}), 4);
    graph_reach(&g, GRAPH_DOWN, 1, scratch, set);
    assert_memory_equal(set, ((bool[]){true, true, false, true}), 4);
    bool up[4] = {[2] = true};
    graph_reach(&g, GRAPH_UP, 1, scratch, up);
    assert_memory_equal(up, ((bool[]){false, true, true, false}), 4);
    graph_reach(&g, GRAPH_UP, GRAPH_DEPTH_ALL, scratch, up);
    assert_memory_equal(up, ((bool[]){true, true, true, false}), 4);
    bool none[4] = {false};
    graph_reach(&g, GRAPH_UP, GRAPH_DEPTH_ALL, scratch, none);
    assert_memory_equal(none, ((bool[4]){false}), 4);
}

/* 10,000 assets and 50,000 edges: deps among the 50 before, defined backwards to make it hard. */
enum { BIG = 10000, BIG_DEPS = 5 };
struct big {
    char names[BIG][12];
    struct str deps[BIG][BIG_DEPS];
    struct graph_input input[BIG];
};

static void large_graphs_are_no_trouble(void **state)
{
    (void)state;
    struct big *big = calloc(1, sizeof(*big));
    assert_non_null(big);
    for (size_t i = 0; i < BIG; i++) {
        (void)snprintf(big->names[i], sizeof(big->names[i]), "n/%zu", i);
    }
    for (size_t i = 0; i < BIG; i++) {
        size_t count = 0;
        for (size_t d = 1; d <= BIG_DEPS; d++) {
            if (i + d * 9 < BIG) {
                big->deps[i][count++] = str_from(big->names[i + d * 9]);
            }
        }
        big->input[i] = (struct graph_input){str_from(big->names[i]), big->deps[i], count};
    }
    AUTO(arena) arena = arena_new(16 << 20);
    struct graph g;
    struct err err = {0};
    assert_true(graph_build(&arena, big->input, BIG, NULL, &g, &err));
    static uint32_t place[BIG];
    for (uint32_t i = 0; i < BIG; i++) {
        place[g.order[i]] = i;
    }
    for (size_t i = 0; i < BIG; i++) {
        for (size_t d = 0; d < g.nodes[i].dep_count; d++) {
            assert_true(place[g.nodes[i].deps[d]] < place[i]);
        }
    }
    free(big);
}

static void limits_are_kept(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct graph g;
    struct err err = {0};
    assert_false(graph_build(&arena, NULL, LIMIT_ASSETS + 1, NULL, &g, &err));
    assert_int_equal(err.code, ERR_FULL);
    struct graph_input one = {.key = STR("a"), .dep_count = LIMIT_DEPS_PER_ASSET + 1};
    assert_false(graph_build(&arena, &one, 1, NULL, &g, &err));
    assert_int_equal(err.code, ERR_FULL);
    assert_string_equal(err.msg, "asset a has 1001 deps, more than 1000");
}

static void every_lack_of_memory_is_reported(void **state)
{
    (void)state;
    bool done = false;
    size_t failures = 0;
    for (size_t max = 0; !done; max += 16) {
        AUTO(arena) arena = arena_new(max);
        struct graph g = {.count = 99};
        struct err err = {0};
        done = BUILD(&arena, &g, &err, NULL, "a:", "b: a", "c: b a");
        assert_true(done != arena.exhausted);
        assert_true(done || (err.code == ERR_NO_MEMORY && g.count == 99));
        failures += !done;
    }
    assert_true(failures > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_by_definition_where_deps_allow),
        cmocka_unit_test(deps_and_children_mirror_each_other),
        cmocka_unit_test(every_fault_is_told),
        cmocka_unit_test(cycles_are_named),
        cmocka_unit_test(long_cycles_are_cut_short),
        cmocka_unit_test(lookup_helps),
        cmocka_unit_test(reach_counts_layers),
        cmocka_unit_test(large_graphs_are_no_trouble),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(every_lack_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
