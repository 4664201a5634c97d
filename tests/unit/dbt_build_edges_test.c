/* The machine against what dbt itself did: its edges, and the order and the results of its builds. */
#include "common/dbt/build.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DATA "../shared/data/dbt/"
enum { FILE_MAX = 8 << 20 };

static struct str read_all(struct arena *arena, const char *dir, const char *name)
{
    char path[300];
    struct err err = {0};
    AUTO(buf) text = buf_growing(FILE_MAX);
    (void)snprintf(path, sizeof path, DATA "%s/%s", dir, name);
    if (!files_read(path, &text, &err)) {
        fail_msg("%s", err.msg);
    }
    const struct str copy = arena_copy(arena, buf_str(&text));
    assert_non_null(copy.ptr);
    return copy;
}

static struct json *parse(struct arena *arena, struct str text)
{
    struct json *json = NULL;
    struct err err = {0};
    if (!json_parse(text, FILE_MAX, arena, &json, &err)) {
        fail_msg("%s", err.msg);
    }
    return json;
}

static struct dbt_project *open_project(const char *dir, const char *manifest)
{
    char path[300];
    struct err err = {0};
    struct dbt_project *project = NULL;
    (void)snprintf(path, sizeof path, DATA "%s/%s", dir, manifest);
    const struct dbt_open open = {.path = path};
    if (!dbt_project_open(&open, &project, &err)) {
        fail_msg("%s", err.msg);
    }
    return project;
}

/* ---- edges ---- */

/* The oracle comes from dbt's fast variant (add_test_edges_2), which is off by default. Below a source
 * it never ends to wait for the source, and so forgets tests with several parents. This one dbt build
 * itself has (add_test_edges_1): both parents of the test, hourly and sensors, are above daily_site. */
static const char *const more_than_oracle[][2] = {
    {"test.edge_lab.relationships_hourly_sensor_id__sensor_id__ref_sensors_.a79aa6b778",
     "model.edge_lab.daily_site"}};

static bool is_listed(struct str from, struct str to)
{
    for (size_t i = 0; i < COUNT_OF(more_than_oracle); i++) {
        if (str_eq(from, str_from(more_than_oracle[i][0])) &&
            str_eq(to, str_from(more_than_oracle[i][1]))) {
            return true;
        }
    }
    return false;
}

static bool is_in_oracle(const struct json *oracle, struct str from, struct str to)
{
    for (const struct json *pair = oracle->child; pair != NULL; pair = pair->next) {
        if (str_eq(pair->child->as.string, from) && str_eq(pair->child->next->as.string, to)) {
            return true;
        }
    }
    return false;
}

static void compare_edges(const char *dir, const char *manifest, size_t more)
{
    struct arena arena = arena_new(64 << 20);
    struct dbt_project *project = open_project(dir, manifest);
    const struct json *oracle = parse(&arena, read_all(&arena, dir, "build_test_edges.json"));
    struct dbt_edge *edges = NULL;
    size_t count = 0;
    struct err err = {0};
    size_t listed = 0;
    assert_true(dbt_test_edges(project, NULL, &arena, &edges, &count, &err));
    for (size_t i = 0; i < count; i++) {
        const struct str from = project->nodes[edges[i].from].unique_id;
        const struct str to = project->nodes[edges[i].to].unique_id;
        if (!is_in_oracle(oracle, from, to)) {
            if (!is_listed(from, to)) {
                fail_msg("not in dbt's: " STR_FMT " " STR_FMT, STR_ARG(from), STR_ARG(to));
            }
            listed++;
        }
    }
    assert_int_equal(listed, more);
    assert_int_equal(count, oracle->count + more); /* so that none is missing */
    printf("%s: %zu edges\n", dir, count);
    dbt_project_close(project);
    arena_release(&arena);
}

static void test_edges(void **state)
{
    (void)state;
    compare_edges("edge_lab_sqlite", "manifest_full_refresh.json", 1);
    compare_edges("edge_lab_sqlite", "manifest_incremental.json", 1);
    compare_edges("jaffle_shop_classic_sqlite", "manifest.json", 0);
    compare_edges("jaffle_shop_sqlite", "manifest.json", 0);
    compare_edges("fivetran_zendesk_postgres", "manifest.json", 0);
}

/* ---- order and results ---- */

enum { STARTS_MAX = 100 };
struct recorded {
    struct str started[STARTS_MAX];
    size_t count;
    bool has_skipped; /* dbt tells the start of a skipped node at level debug only */
    const struct json *results;
};

struct build_case {
    const char *dir, *manifest, *log, *results;
    bool fail_fast;
    const char
        *failed; /* of fail-fast: the node; dbt had handed out `ahead` more before it ended */
    size_t ahead;
};

/* Between the builds the test's values were changed, and with them its id. */
static struct str id_in_manifest(struct str id)
{
    return str_eq(id, STR("test.edge_lab.accepted_values_stg_sensors_kind__temp.aae2935f24"))
               ? STR("test.edge_lab.accepted_values_stg_sensors_kind__temp__pressure.ce6952e1db")
               : id;
}

static bool is_run(const struct dbt_node *node)
{
    return node->type == DBT_MODEL || node->type == DBT_SEED || node->type == DBT_SNAPSHOT ||
           node->type == DBT_TEST;
}

/* NodeStart is told at level debug, the start line at info. */
static void read_starts(const struct build_case *c, const struct dbt_project *project,
                        struct arena *arena, struct recorded *ret)
{
    struct str rest = read_all(arena, c->dir, c->log);
    ret->has_skipped = str_contains(rest, STR("\"NodeStart\""));
    const struct str wanted = ret->has_skipped ? STR("NodeStart") : STR("LogStartLine");
    while (rest.len > 0) {
        struct str line = STR_NONE;
        (void)str_cut(rest, '\n', &line, &rest);
        if (!str_contains(line, wanted)) {
            continue;
        }
        const struct json *event = parse(arena, line);
        if (!str_eq(json_get(json_get(event, "info"), "name")->as.string, wanted)) {
            continue;
        }
        const struct json *info = json_get(json_get(event, "data"), "node_info");
        const struct str id = id_in_manifest(json_get(info, "unique_id")->as.string);
        const uint32_t node = dbt_project_find(project, id);
        if (node != DBT_NO_NODE && is_run(&project->nodes[node])) {
            assert_true(ret->count < STARTS_MAX);
            ret->started[ret->count++] = id;
        }
    }
}

/* An ephemeral model has no result. */
static enum dbt_status recorded_status(const struct recorded *recorded, struct str id)
{
    for (const struct json *r = recorded->results->child; r != NULL; r = r->next) {
        if (str_eq(id_in_manifest(json_get(r, "unique_id")->as.string), id)) {
            enum dbt_status status = DBT_NOT_RUN;
            assert_true(dbt_status_from(json_get(r, "status")->as.string, &status));
            return status;
        }
    }
    return DBT_SUCCESS;
}

static void compare_start(const struct recorded *recorded, size_t at, struct str id)
{
    if (at >= recorded->count || !str_eq(recorded->started[at], id)) {
        fail_msg("turn %zu is " STR_FMT ", dbt's was " STR_FMT, at, STR_ARG(id),
                 STR_ARG(at < recorded->count ? recorded->started[at] : STR("none")));
    }
}

static void replay(const struct build_case *c, const struct dbt_project *project,
                   struct dbt_build *build, const struct recorded *recorded)
{
    struct dbt_turn turn = {0};
    struct dbt_turn held[4];
    size_t held_count = 0;
    size_t starts = 0;
    size_t hold = 0; /* how many more are handed out before the first of `held` ends */
    while (dbt_build_next(build, &turn)) {
        const struct str id = project->nodes[turn.node].unique_id;
        const bool is_told = !turn.is_skipped || (recorded->has_skipped && !c->fail_fast);
        if (is_told) {
            compare_start(recorded, starts++, id);
        }
        if (turn.is_skipped) {
            assert_int_equal(recorded_status(recorded, id), DBT_SKIPPED);
            continue;
        }
        held[held_count++] = turn;
        if (c->failed != NULL && str_eq(id, str_from(c->failed))) {
            hold = c->ahead + 1;
        }
        hold -= hold > 0 ? 1 : 0;
        for (size_t i = 0; i < held_count && hold == 0; i++) {
            dbt_build_ended(build, held[i].node,
                            recorded_status(recorded, project->nodes[held[i].node].unique_id));
        }
        held_count = hold == 0 ? 0 : held_count;
    }
    assert_true(dbt_build_is_done(build));
    assert_int_equal(starts, recorded->count);
    for (uint32_t i = 0; i < project->count; i++) {
        const struct dbt_node *node = &project->nodes[i];
        if (is_run(node) && !dbt_is_ephemeral(node)) {
            assert_int_equal(dbt_build_status(build, i),
                             recorded_status(recorded, node->unique_id));
        }
    }
}

static void test_order_and_results(void **state)
{
    (void)state;
    static const struct build_case cases[] = {
        {"jaffle_shop_classic_sqlite", "manifest.json", "logs/build.debug.jsonl",
         "run_results.json", false, NULL, 0},
        {"jaffle_shop_sqlite", "manifest.json", "logs/build.info.jsonl", "run_results.json", false,
         NULL, 0},
        {"edge_lab_sqlite", "manifest_full_refresh.json", "logs/build1.debug.jsonl",
         "run_results_build1.json", false, NULL, 0},
        {"edge_lab_sqlite", "manifest_incremental.json", "logs/build2.debug.jsonl",
         "run_results_build2.json", false, NULL, 0},
        {"edge_lab_sqlite", "manifest_incremental.json", "logs/testfail.debug.jsonl",
         "run_results_testfail.json", false, NULL, 0},
        /* dbt hands nodes to its threads before these are free: two were on their way when the
         * snapshot failed. One still ran, the other was cancelled. */
        {"edge_lab_sqlite", "manifest_incremental.json", "logs/failfast.debug.jsonl",
         "run_results_failfast.json", true, "snapshot.edge_lab.snap_sites_newrec", 2},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct build_case *c = &cases[i];
        struct arena arena = arena_new(64 << 20);
        struct dbt_project *project = open_project(c->dir, c->manifest);
        struct recorded *recorded = calloc(1, sizeof *recorded);
        bool *selected = arena_alloc(&arena, project->count);
        assert_true(recorded != NULL && selected != NULL);
        read_starts(c, project, &arena, recorded);
        recorded->results =
            json_get(parse(&arena, read_all(&arena, c->dir, c->results)), "results");
        memset(selected, true, project->count);
        const struct dbt_build_options options = {.fail_fast = c->fail_fast};
        struct dbt_build *build = NULL;
        struct err err = {0};
        assert_true(dbt_build_new(project, selected, &options, &arena, &build, &err));
        replay(c, project, build, recorded);
        printf("%s: %zu nodes in dbt's order\n", c->log, recorded->count);
        free(recorded);
        dbt_project_close(project);
        arena_release(&arena);
    }
}

int main(void)
{
    if (access(DATA "README.md", R_OK) != 0) {
        (void)fprintf(stderr, "skipped: " DATA " is not here\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_order_and_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
