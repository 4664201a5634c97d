/* dbt_indirect_test.c - which tests run with some nodes; and how nodes ended, kept for the next time. */
#include "agent/dbt/indirect.h"
#include "agent/dbt/results.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/dbt_sketch.h"

#include <string.h>

static const char *const nodes[] = {
    "model.a:",         "model.b: model.a",         "model.c: model.b",
    "test.a1: model.a", "test.ab: model.a model.b", "test.bc: model.b model.c",
    "test.c1: model.c", "test.off: model.b"};

/* Names of the tests that run with the named nodes. */
static void assert_tests(enum dbt_indirect indirect, const char *with, const char *expected)
{
    AUTO(arena) arena = arena_new(1 << 20);
    AUTO(buf) found = buf_growing(1024);
    struct dbt_project *project = dbt_sketch(&arena, nodes, COUNT_OF(nodes));
    bool allowed[SKETCH_NODES_MAX];
    bool set[SKETCH_NODES_MAX] = {0};
    struct err err = {0};
    memset(allowed, 1, sizeof(allowed));
    allowed[dbt_sketch_node(project, "test.off")] = false;
    for (struct str rest = str_from(with), one = STR_NONE; rest.len > 0;) {
        char name[64];
        (void)str_cut(rest, ' ', &one, &rest);
        struct buf text = buf_fixed(name, sizeof(name));
        buf_add(&text, one);
        set[dbt_sketch_node(project, buf_cstr(&text))] = true;
    }
    assert_true(dbt_add_tests(project, indirect, allowed, set, &arena, &err));
    for (uint32_t i = 0; i < project->count; i++) {
        if (set[i] && project->nodes[i].type == DBT_TEST) {
            buf_add_text(&found, found.len > 0 ? " " : "");
            dbt_sketch_name(project, i, &found);
        }
    }
    assert_string_equal(buf_cstr(&found), expected);
}

static void tests_run_with_their_nodes(void **state)
{
    (void)state;
    assert_tests(DBT_EAGER, "model.b", "test.ab test.bc");
    assert_tests(DBT_CAUTIOUS, "model.b", "");
    assert_tests(DBT_CAUTIOUS, "model.a model.b", "test.a1 test.ab");
    /* What b is made from may be asked too. */
    assert_tests(DBT_BUILDABLE, "model.b", "test.ab");
    assert_tests(DBT_BUILDABLE, "model.c", "test.bc test.c1");
    assert_tests(DBT_EMPTY, "model.a model.b model.c", "");
    assert_tests(DBT_EAGER, "", "");
}

static void results_are_put_over_those_before(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    AUTO(arena) arena = arena_new(1 << 20);
    struct dbt_project *project = dbt_sketch(&arena, nodes, COUNT_OF(nodes));
    uint8_t statuses[SKETCH_NODES_MAX] = {0};
    struct dbt_results results;
    struct err err = {0};
    char path[256];
    assert_true(dbt_results_path(str_from(dir.path), STR("dbt/shop"), path, sizeof(path), &err));
    assert_true(strstr(path, "/dbt~shop.results") != NULL);
    assert_true(dbt_results_read(path, &arena, &results, &err)); /* there are none */
    assert_int_equal(dbt_results_status(&results, STR("model.p.a")).len, 0);
    statuses[dbt_sketch_node(project, "model.a")] = DBT_SUCCESS;
    statuses[dbt_sketch_node(project, "model.b")] = DBT_ERROR;
    statuses[dbt_sketch_node(project, "test.a1")] = DBT_WARN;
    assert_true(dbt_results_write(path, project, statuses, &err));
    memset(statuses, 0, sizeof(statuses));
    statuses[dbt_sketch_node(project, "model.b")] = DBT_SUCCESS;
    assert_true(dbt_results_write(path, project, statuses, &err));
    assert_true(dbt_results_read(path, &arena, &results, &err));
    assert_true(str_eq(dbt_results_status(&results, STR("model.p.a")), STR("success")));
    assert_true(str_eq(dbt_results_status(&results, STR("model.p.b")), STR("success")));
    assert_true(str_eq(dbt_results_status(&results, STR("test.p.a1")), STR("warn")));
    assert_int_equal(dbt_results_status(&results, STR("model.p.c")).len, 0);
    /* What stands there and is none is passed over. */
    assert_true(
        files_write(path, STR("nonsense\nsuccess\tmodel.p.a\nwell\tmodel.p.b\n"), 0640, &err));
    assert_true(dbt_results_read(path, &arena, &results, &err));
    assert_true(str_eq(dbt_results_status(&results, STR("model.p.a")), STR("success")));
    assert_int_equal(dbt_results_status(&results, STR("model.p.b")).len, 0);
    char small[8];
    assert_false(dbt_results_path(str_from(dir.path), STR("x"), small, sizeof(small), &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tests_run_with_their_nodes),
        cmocka_unit_test(results_are_put_over_those_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
