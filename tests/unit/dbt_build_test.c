#include "common/dbt/build.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/dbt_sketch.h"
#include <string.h>

/* "model.b=error,test.t=fail": of nodes that end otherwise than well. */
static enum dbt_status result_of(const char *results, const char *name, enum dbt_type type)
{
    struct str rest = str_from(results);
    while (rest.len > 0) {
        struct str one = STR_NONE;
        struct str node = STR_NONE;
        struct str status = STR_NONE;
        (void)str_cut(rest, ',', &one, &rest);
        (void)str_cut(one, '=', &node, &status);
        if (str_eq(node, str_from(name))) {
            enum dbt_status ret = DBT_NOT_RUN;
            assert_true(dbt_status_from(status, &ret));
            return ret;
        }
    }
    return type == DBT_TEST ? DBT_PASS : DBT_SUCCESS;
}

struct plan {
    const char *const *nodes;
    size_t node_count;
    const char *results;
    const char *unselected; /* "model.x test.y " */
    bool fail_fast;
};

/* Builds it, one node after the other: "model.a, model.b error, -model.c model.b". */
static void story(const struct plan *plan, struct buf *out)
{
    struct arena arena = arena_new(1 << 20);
    struct dbt_project *project = dbt_sketch(&arena, plan->nodes, plan->node_count);
    bool selected[SKETCH_NODES_MAX] = {0};
    for (size_t i = 0; i < project->count; i++) {
        char name[64];
        struct buf text = buf_fixed(name, sizeof name);
        dbt_sketch_name(project, (uint32_t)i, &text);
        selected[i] = plan->unselected == NULL || strstr(plan->unselected, buf_cstr(&text)) == NULL;
    }
    const struct dbt_build_options options = {.fail_fast = plan->fail_fast};
    struct dbt_build *build = NULL;
    struct err err = {0};
    assert_true(dbt_build_new(project, selected, &options, &arena, &build, &err));
    struct dbt_turn turn = {0};
    while (dbt_build_next(build, &turn)) {
        char name[64];
        struct buf text = buf_fixed(name, sizeof name);
        dbt_sketch_name(project, turn.node, &text);
        buf_addf(out, "%s%s%s", out->len > 0 ? ", " : "", turn.is_skipped ? "-" : "",
                 buf_cstr(&text));
        if (turn.is_skipped) {
            assert_int_equal(dbt_build_status(build, turn.node), DBT_SKIPPED);
            if (turn.because != DBT_NO_NODE) {
                buf_add_char(out, ' ');
                dbt_sketch_name(project, turn.because, out);
            }
            continue;
        }
        const enum dbt_status status =
            result_of(plan->results, buf_cstr(&text), project->nodes[turn.node].type);
        if (status != DBT_SUCCESS && status != DBT_PASS) {
            buf_addf(out, " %s", dbt_status_name(status));
        }
        assert_false(dbt_build_is_done(build));
        dbt_build_ended(build, turn.node, status);
        assert_int_equal(dbt_build_status(build, turn.node), status);
    }
    assert_true(dbt_build_is_done(build));
    arena_release(&arena);
}

static void assert_story(const struct plan *plan, const char *expected)
{
    char memory[2000];
    struct buf out = buf_fixed(memory, sizeof memory);
    story(plan, &out);
    assert_string_equal(buf_cstr(&out), expected);
}

#define STORY(expected, unselected_, fail_fast_, results_, ...)                                    \
    do {                                                                                           \
        const char *const nodes_[] = {__VA_ARGS__};                                                \
        const struct plan plan_ = {.nodes = nodes_,                                                \
                                   .node_count = COUNT_OF(nodes_),                                 \
                                   .results = results_,                                            \
                                   .unselected = unselected_,                                      \
                                   .fail_fast = fail_fast_};                                       \
        assert_story(&plan_, expected);                                                            \
    } while (0)

static void test_stands_in_line(void **state)
{
    (void)state;
    /* What is let in first runs first, even where another has a lower level. */
    STORY("seed.a, seed.b, model.z, model.y, model.x", NULL, false, "", "model.x: model.z",
          "model.y: seed.b", "model.z: seed.a", "seed.a:", "seed.b:");
    /* Let in together: by id. */
    STORY("model.a, seed.s, model.b, model.m", NULL, false, "",
          "model.a:", "seed.s:", "model.b: seed.s", "model.m: seed.s");
    STORY("", NULL, false, "", "source.s:", "exposure.e: source.s", "analysis.q: source.s",
          "metric.m:", "unit_test.u:", "operation.o:");
}

static void test_tests_come_before_children(void **state)
{
    (void)state;
    STORY("model.a, test.t, model.b, model.c", NULL, false, "", "model.a:", "test.t: model.a",
          "model.b: model.a", "model.c: model.b");
    STORY("model.a, test.t fail, -model.b test.t, -test.u test.t, -model.c test.t", NULL, false,
          "test.t=fail", "model.a:", "test.t: model.a", "test.u: model.b", "model.b: model.a",
          "model.c: model.b");
    STORY("model.a, test.t warn, model.b", NULL, false, "test.t=warn",
          "model.a:", "test.t: model.a", "model.b: model.a");
    STORY("test.t error, -model.b test.t", NULL, false, "test.t=error",
          "source.a:", "test.t: source.a", "model.b: source.a");
    /* Both parents are above d, but not above c. */
    STORY("model.a, model.b, model.c, test.t fail, -model.d test.t, -model.e test.t", NULL, false,
          "test.t=fail", "model.a:", "model.b:", "test.t: model.a model.b", "model.c: model.a",
          "model.d: model.c model.b", "model.e: model.d");
    /* Through a function, too. */
    STORY("model.a, function.f, test.t fail, -model.b test.t", NULL, false, "test.t=fail",
          "model.a:", "test.t: model.a", "function.f: model.a", "model.b: function.f");
}

static void test_skips_across_gaps(void **state)
{
    (void)state;
    STORY("model.a error, -model.c model.a", "model.b", false, "model.a=error",
          "model.a:", "model.b: model.a", "model.c: model.b");
    STORY("model.a, test.t fail, -model.c test.t", "model.b", false, "test.t=fail",
          "model.a:", "test.t: model.a", "model.b: model.a", "model.c: model.b");
    /* A test that is not selected holds nobody up. */
    STORY("model.a, model.b", "test.t", false, "", "model.a:", "test.t: model.a",
          "model.b: model.a");
    STORY("model.a partial success, -model.b model.a", NULL, false, "model.a=partial success",
          "model.a:", "model.b: model.a");
    STORY("model.e error, -model.b model.e", NULL, false, "model.e=error", "model.e: ; ephemeral",
          "model.b: model.e");
}

static void test_on_error_continue(void **state)
{
    (void)state;
    STORY("model.a error, model.b", NULL, false, "model.a=error", "model.a: ; goes_on",
          "model.b: model.a");
    /* Its test stops them all the same, and so does what is above it. */
    STORY("model.a error, test.t error, -model.b test.t", NULL, false, "model.a=error,test.t=error",
          "model.a: ; goes_on", "test.t: model.a", "model.b: model.a");
    STORY("model.a error, -model.b model.a, -model.c model.a", NULL, false, "model.a=error",
          "model.a:", "model.b: model.a; goes_on", "model.c: model.b");
}

static void test_fail_fast(void **state)
{
    (void)state;
    STORY("model.a, model.b error, -test.t, -model.c model.b", NULL, true, "model.b=error",
          "model.a:", "model.b:", "model.c: model.b", "test.t: model.a");
    STORY("model.a, test.t warn, model.b", NULL, true, "test.t=warn", "model.a:", "test.t: model.a",
          "model.b: model.a");
    STORY("model.a error, -model.b", NULL, true, "model.a=error", "model.a: ; goes_on",
          "model.b: model.a");
}

/* Several run at once: what is handed out before a failure ends as it ends. */
static void test_several_at_once(void **state)
{
    (void)state;
    struct arena arena = arena_new(1 << 16);
    const char *const nodes[] = {"model.a:", "model.b:", "model.c: model.a", "model.d: model.b"};
    struct dbt_project *project = dbt_sketch(&arena, nodes, COUNT_OF(nodes));
    const bool selected[] = {true, true, true, true};
    const struct dbt_build_options options = {.fail_fast = true};
    struct dbt_build *build = NULL;
    struct err err = {0};
    assert_true(dbt_build_new(project, selected, &options, &arena, &build, &err));
    assert_int_equal(dbt_build_count(build), 4);
    struct dbt_turn a = {0};
    struct dbt_turn b = {0};
    struct dbt_turn next = {0};
    assert_true(dbt_build_next(build, &a));
    assert_true(dbt_build_next(build, &b));
    assert_false(dbt_build_next(build, &next));
    assert_false(dbt_build_is_done(build));
    dbt_build_ended(build, a.node, DBT_ERROR);
    assert_true(dbt_build_next(build, &next));
    assert_true(next.is_skipped && next.because == a.node);
    assert_false(dbt_build_next(build, &next));
    dbt_build_ended(build, b.node, DBT_SUCCESS);
    assert_true(dbt_build_next(build, &next));
    assert_true(next.is_skipped && next.because == DBT_NO_NODE);
    assert_true(dbt_build_is_done(build));
    arena_release(&arena);
}

static void test_circle_is_refused(void **state)
{
    (void)state;
    struct arena arena = arena_new(1 << 16);
    const char *const nodes[] = {"model.a: model.b", "model.b: model.a"};
    struct dbt_project *project = dbt_sketch(&arena, nodes, COUNT_OF(nodes));
    const bool selected[] = {true, true};
    const struct dbt_build_options options = {0};
    struct dbt_build *build = NULL;
    struct err err = {0};
    assert_false(dbt_build_new(project, selected, &options, &arena, &build, &err));
    assert_int_equal(err.code, ERR_INVALID);
    arena_release(&arena);
}

static void test_retried(void **state)
{
    (void)state;
    static const bool expected[] = {
        [DBT_ERROR] = true, [DBT_SKIPPED] = true, [DBT_PARTIAL] = true,
        [DBT_FAIL] = true,  [DBT_WARN] = false,   [DBT_RUNTIME_ERROR] = true,
    };
    for (size_t status = 0; status < COUNT_OF(expected); status++) {
        assert_int_equal(dbt_status_is_retried((enum dbt_status)status), expected[status]);
    }
}

static void test_memory_runs_out(void **state)
{
    (void)state;
    bool ok = false;
    for (size_t max = 64; !ok; max += 64) {
        struct arena drawing = arena_new(1 << 16);
        const char *const nodes[] = {"model.a:", "test.t: model.a", "model.b: model.a"};
        struct dbt_project *project = dbt_sketch(&drawing, nodes, COUNT_OF(nodes));
        const bool selected[] = {true, true, true};
        const struct dbt_build_options options = {0};
        struct arena arena = arena_new(max);
        struct dbt_build *build = NULL;
        struct err err = {0};
        ok = dbt_build_new(project, selected, &options, &arena, &build, &err);
        assert_true(ok || err.code == ERR_NO_MEMORY);
        assert_true(max < 1 << 16);
        arena_release(&arena);
        arena_release(&drawing);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stands_in_line),    cmocka_unit_test(test_tests_come_before_children),
        cmocka_unit_test(test_skips_across_gaps), cmocka_unit_test(test_on_error_continue),
        cmocka_unit_test(test_fail_fast),         cmocka_unit_test(test_several_at_once),
        cmocka_unit_test(test_circle_is_refused), cmocka_unit_test(test_retried),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
