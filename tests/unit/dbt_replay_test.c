/* Models and data tests of real projects in SQLite, against what dbt left: tables row by row, tests by
 * status and failures. Seeds and snapshots are there as dbt left them. */
#include "common/json/json.h"
#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/dbt_world.h"

#include <unistd.h>

#define SHARED "../shared/data/dbt/"
enum { FILE_BYTES_MAX = 4 << 20 };

struct replay {
    const char *manifest;
    const char *incremental; /* of the second compilation, or NULL */
    const char *state;       /* what dbt left, as SQL */
    const char *results;
};

static void read_file(const char *path, struct buf *into)
{
    struct err err = {0};
    if (!files_read(path, into, &err)) {
        fail_msg("%s", err.msg);
    }
}

static void exec_file(struct dbt_world *w, const char *path)
{
    AUTO(buf) sql = buf_growing(FILE_BYTES_MAX);
    read_file(path, &sql);
    dbt_world_exec(w, buf_cstr(&sql));
}

static const struct json *results_of(const char *path, struct arena *arena)
{
    AUTO(buf) text = buf_growing(FILE_BYTES_MAX);
    struct json *root = NULL;
    struct err err = {0};
    read_file(path, &text);
    if (!json_parse(buf_str(&text), FILE_BYTES_MAX, arena, &root, &err)) {
        fail_msg("%s: %s", path, err.msg);
    }
    return json_get(root, "results");
}

static const struct json *result_of(const struct json *results, struct str unique_id)
{
    for (const struct json *r = results->child; r != NULL; r = r->next) {
        if (str_eq(json_get(r, "unique_id")->as.string, unique_id)) {
            return r;
        }
    }
    return NULL;
}

/* What dbt made but for the models: these are to be made again. */
static void drop_models(struct dbt_world *w, const struct dbt_project *project)
{
    for (uint32_t i = 0; i < project->count; i++) {
        const struct dbt_node *node = &project->nodes[i];
        if (node->type == DBT_MODEL && node->relation_name.len > 0) {
            struct str name = node->alias;
            struct str kind = dbt_world_rows(
                w,
                arena_printf(&w->arena, "select type from sqlite_schema where name = '" STR_FMT "'",
                             STR_ARG(name))
                    .ptr);
            assert_true(kind.len > 0);
            dbt_world_exec(w, arena_printf(&w->arena, "drop " STR_FMT " \"" STR_FMT "\"",
                                           STR_ARG(kind), STR_ARG(name))
                                  .ptr);
        }
    }
}

static bool is_run(const struct dbt_node *node)
{
    return (node->type == DBT_MODEL && !dbt_is_ephemeral(node)) || node->type == DBT_TEST;
}

static enum dbt_status run_node(struct dbt_world *w, const struct dbt_project *project, uint32_t at)
{
    struct dbt_spec spec;
    if (!is_run(&project->nodes[at])) {
        return DBT_SUCCESS;
    }
    if (!dbt_spec_read(project, at, &w->arena, &spec, &w->err)) {
        fail_msg(STR_FMT ": %s", STR_ARG(project->nodes[at].unique_id), w->err.msg);
    }
    bool ok = spec.materialization == DBT_AS_TEST
                  ? data_test_run(&w->t, &spec, &w->arena, &w->result, &w->err)
                  : model_run(&w->t, &spec, &w->arena, &w->result, &w->err);
    if (!ok) {
        fail_msg(STR_FMT ": %s", STR_ARG(project->nodes[at].unique_id), w->err.msg);
    }
    return w->result.status;
}

static void check_result(struct dbt_world *w, const struct dbt_node *node,
                         const struct json *results)
{
    const struct json *expected = result_of(results, node->unique_id);
    if (expected == NULL) {
        fail_msg("dbt did not run " STR_FMT, STR_ARG(node->unique_id));
        return;
    }
    struct str status = json_get(expected, "status")->as.string;
    const struct json *failures = json_get(expected, "failures");
    int64_t count = failures->type == JSON_INT ? failures->as.integer : -1;
    if (!str_eq(status, str_from(dbt_status_name(w->result.status))) ||
        count != w->result.failures) {
        fail_msg(STR_FMT ": %s, %lld", STR_ARG(node->unique_id), dbt_status_name(w->result.status),
                 (long long)w->result.failures);
    }
}

static int build(struct dbt_world *w, const struct dbt_project *project, const struct json *results)
{
    AUTO(arena) arena = arena_new(16 << 20);
    struct dbt_build *building = NULL;
    const struct dbt_build_options options = {0};
    bool *selected = arena_array(&arena, project->count, sizeof(bool));
    int count = 0;
    struct dbt_turn turn;
    assert_non_null(selected);
    for (uint32_t i = 0; i < project->count; i++) {
        selected[i] = true;
    }
    if (!dbt_build_new(project, selected, &options, &arena, &building, &w->err)) {
        fail_msg("%s", w->err.msg);
    }
    while (dbt_build_next(building, &turn)) {
        assert_false(turn.is_skipped);
        dbt_build_ended(building, turn.node, run_node(w, project, turn.node));
        if (is_run(&project->nodes[turn.node])) {
            check_result(w, &project->nodes[turn.node], results);
            count++;
        }
    }
    assert_true(dbt_build_is_done(building));
    return count;
}

static void check_tables(struct dbt_world *w, const struct dbt_project *project, const char *state)
{
    AUTO(dbt_world) expected;
    dbt_world_init(&expected, NULL);
    exec_file(&expected, state);
    for (uint32_t i = 0; i < project->count; i++) {
        const struct dbt_node *node = &project->nodes[i];
        if (node->type != DBT_MODEL || node->relation_name.len == 0) {
            continue;
        }
        struct str is = dbt_world_digest(w, node->alias);
        struct str should_be = dbt_world_digest(&expected, node->alias);
        if (!str_eq(is, should_be)) {
            fail_msg(STR_FMT ": " STR_FMT " and not " STR_FMT, STR_ARG(node->unique_id),
                     STR_ARG(is), STR_ARG(should_be));
        }
    }
}

static void replay(struct dbt_world *w, const struct replay *r, int nodes)
{
    struct dbt_project *project = NULL;
    const struct dbt_open open = {.path = r->manifest, .incremental = r->incremental};
    if (!dbt_project_open(&open, &project, &w->err)) {
        fail_msg("%s", w->err.msg);
    }
    if (r->incremental == NULL) {
        drop_models(w, project);
    }
    assert_int_equal(build(w, project, results_of(r->results, &w->arena)), nodes);
    check_tables(w, project, r->state);
    dbt_project_close(project);
}

static void a_shop(void **state)
{
    (void)state;
    static const struct replay r = {SHARED "jaffle_shop_classic_sqlite/manifest.json", NULL,
                                    SHARED "jaffle_shop_classic_sqlite/state_after_build.sql",
                                    SHARED "jaffle_shop_classic_sqlite/run_results.json"};
    if (access(r.manifest, R_OK) != 0) {
        print_message("no shared data\n");
        skip();
    }
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    exec_file(&w, r.state);
    replay(&w, &r, 25);
}

/* The second build finds what the first left, new rows in the sources, and the seeds and snapshots of
 * dbt's second. */
static void an_edge_project_twice(void **state)
{
    (void)state;
#define EDGE SHARED "edge_lab_sqlite/"
    static const struct replay first = {EDGE "manifest_full_refresh.json", NULL,
                                        EDGE "state_after_build1.sql",
                                        EDGE "run_results_build1.json"};
    static const struct replay second = {
        EDGE "manifest_full_refresh.json", EDGE "manifest_incremental.json",
        EDGE "state_after_build2.sql", EDGE "run_results_build2.json"};
    if (access(first.manifest, R_OK) != 0) {
        print_message("no shared data\n");
        skip();
    }
    AUTO(dbt_world) w;
    dbt_world_init(&w, NULL);
    exec_file(&w, first.state);
    replay(&w, &first, 18);
    AUTO(dbt_world) later;
    dbt_world_init(&later, NULL);
    exec_file(&later, second.state);
    /* SQLite attaches no file whose views name "main". */
    dbt_world_exec(&later, "drop view sensor_dim; drop view stg_readings");
    dbt_world_open(&later, NULL, NULL);
    exec_file(&w, EDGE "mutate.sql");
    dbt_world_exec(&w, arena_printf(&w.arena, "attach '%s/shop.db' as later", later.dir.path).ptr);
    static const char *const taken[] = {"sensors",          "sites",
                                        "empty_seed",       "snap_sensors_ts",
                                        "snap_sites_check", "snap_sites_newrec"};
    for (size_t i = 0; i < COUNT_OF(taken); i++) {
        dbt_world_exec(&w, arena_printf(&w.arena,
                                        "delete from main.%s; insert into main.%s select * from "
                                        "later.%s",
                                        taken[i], taken[i], taken[i])
                               .ptr);
    }
    dbt_world_exec(&w, "detach later");
    replay(&w, &second, 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shop),
        cmocka_unit_test(an_edge_project_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
