/* Projects on disk: our own in tests/data/meltano, and real ones beside the project where they are
 * there. What each value becomes is compared with Meltano in tests/interop/meltano_test.py. */
#include "tests/unit/meltano_fixture.h"

#include <stdio.h>
#include <string.h>

static void assert_tells(struct meltano_world *w)
{
    const struct meltano_telling telling = {.context = &w->context, .report = &w->report};
    AUTO(buf) out = buf_growing(16 << 20);
    AUTO(arena) arena = arena_new(64 << 20);
    struct json *root = NULL;
    if (!meltano_write_json(&telling, &out, &w->err) ||
        !json_parse(buf_str(&out), 16 << 20, &arena, &root, &w->err)) {
        fail_msg("%s", w->err.msg);
    }
    assert_int_equal(json_get(root, "plugins")->count, w->project->plugin_count);
    struct meltano_report again = {.warnings = {.arena = &w->arena}};
    const struct meltano_telling explaining = {.context = &w->context, .report = &again};
    buf_reset(&out);
    assert_true(meltano_write_explained(&explaining, STR(""), &out, &w->err));
    assert_true(out.len > 0);
}

static void test_own_projects(void **state)
{
    (void)state;
    struct meltano_world w = {0};
    assert_true(world_open_folder(&w, "tests/data/meltano/shop", "prod"));
    assert_int_equal(w.project->file_count, 3);
    assert_int_equal(w.project->environment_count, 2);
    assert_int_equal(w.project->job_count, 4);
    assert_int_equal(w.project->schedule_count, 4);
    assert_int_equal(w.report.warnings.total, 0);
    assert_tells(&w);
    world_close(&w);
    assert_true(world_open_folder(&w, "tests/data/meltano/locked", "test"));
    assert_int_equal(w.report.warnings.total, 0);
    assert_tells(&w);
    assert_warned(&w,
                  "job broken: Meltano would not run it: target-base: there is no tap before it");
    assert_warned(&w,
                  "job recursive: Meltano would not run it: there is no plugin or mapping load");
    assert_int_equal(w.report.warnings.total, 2);
    world_close(&w);
}

static void test_summary(void **state)
{
    (void)state;
    struct meltano_world w = {0};
    AUTO(buf) out = buf_growing(1 << 20);
    world_open_text(&w,
                    "environments: [{name: dev}]\n"
                    "plugins:\n"
                    "  extractors: [{name: tap, namespace: tap}, {name: kid, inherit_from: tap}]\n"
                    "  loaders: [{name: target, namespace: target, variant: v}]\n"
                    "  mappers: [{name: m, namespace: m, mappings: [{name: hide}]}]\n"
                    "jobs: [{name: j, tasks: [kid hide target]}, {name: none, tasks: []}]\n"
                    "schedules:\n"
                    "- {name: s, job: j, interval: '@daily'}\n"
                    "- {name: e, extractor: tap, loader: target, transform: skip, interval: "
                    "'@once'}\n",
                    "dev");
    const struct meltano_telling telling = {.context = &w.context, .report = &w.report};
    assert_true(meltano_write_summary(&telling, &out, &w.err));
    assert_string_equal(buf_cstr(&out),
                        "p/meltano.yml: 5 plugins, 2 jobs, 2 schedules, environment dev\n"
                        "extractor tap: custom\n"
                        "extractor kid: inherited from tap\n"
                        "loader target: custom, variant v\n"
                        "mapper m: custom\n"
                        "mapper m, mapping hide: custom\n"
                        "job j:\n"
                        "  kid > hide > target  (state dev:kid-to-target)  makes target/kid\n"
                        "job none:\n"
                        "  nothing\n"
                        "schedule s: job j, at 0 0 * * *\n"
                        "schedule e: tap > target  (state e), by hand only\n");
    buf_reset(&out);
    assert_true(meltano_write_explained(&telling, STR("s"), &out, &w.err));
    assert_string_equal(buf_cstr(&out), "schedule s:  # p/meltano.yml:8\n  job j, at 0 0 * * *\n");
    assert_false(meltano_write_explained(&telling, STR("gone"), &out, &w.err));
    assert_int_equal(w.err.code, ERR_NOT_FOUND);
    assert_string_equal(w.err.msg,
                        "p/meltano.yml: there is no plugin, mapping, job or schedule gone");
    world_close(&w);
}

static void test_explained(void **state)
{
    (void)state;
    const struct meltano_file files[] = {{"p/meltano.yml",
                                          "plugins:\n"
                                          "  loaders:\n"
                                          "  - name: target\n"
                                          "    namespace: t\n"
                                          "    executable: run\n"
                                          "    settings:\n"
                                          "    - {name: host, value: localhost}\n"
                                          "    - {name: password, sensitive: true}\n"
                                          "    commands: {about: --about}\n"
                                          "    config: {password: x, other: [1]}\n"},
                                         {"p/.env", "TARGET_HOST=there\n"},
                                         {0}};
    struct meltano_world w = {0};
    AUTO(buf) out = buf_growing(1 << 20);
    world_open(&w, files, "");
    const struct meltano_telling telling = {.context = &w.context, .report = &w.report};
    assert_true(meltano_write_explained(&telling, STR("target"), &out, &w.err));
    assert_string_equal(buf_cstr(&out),
                        "loader target: custom  # p/meltano.yml:3\n"
                        "  program: run\n"
                        "  command about: --about\n"
                        "  settings:\n"
                        "    host: \"$TARGET_HOST\"  # dotenv TARGET_HOST\n"
                        "    password: \"(redacted)\"  # meltano_yml, p/meltano.yml:10\n"
                        "    other: [1]  # meltano_yml, p/meltano.yml:10, not declared\n"
                        "    _log_parser: \"singer-sdk\"  # default\n"
                        "    _dialect: \"$MELTANO_LOADER_NAMESPACE\"  # default\n");
    world_close(&w);
}

static void test_real_projects(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *environment;
        size_t plugins;
        size_t jobs;
        size_t schedules;
        const char *warning;
    } projects[] = {
        {"nba-monte-carlo", "dev", 8, 0, 1,
         "schedule spreadsheets-anywhere-to-duckdb: there is no loader target-duckdb"},
        {"pixbyt", "dev", 5, 2, 0, "utility airflow: there is no lock file"},
        {"dagster-meltano", "prod", 3, 1, 1, "loader target-jsonl: there is no lock file"},
        {"meltano-annotations", "staging", 2, 1, 1, "extractor tap-gitlab: there is no lock file"},
        {"meltano-run", "dev", 3, 1, 0, "utility dbt-postgres: there is no lock file"},
        {"multifile-fixture", "test-subconfig-2-yml", 8, 1, 3,
         "job my-job: Meltano would not run it: map-meltano-yml is a mapper"},
        {"lfx-v1-sync-helper", "dev", 3, 0, 0, "extractor tap-dynamodb: there is no lock file"},
    };
    size_t seen = 0;
    for (size_t i = 0; i < COUNT_OF(projects); i++) {
        char folder[512];
        struct meltano_world w = {0};
        (void)snprintf(folder, sizeof(folder), "../shared/data/meltano/%s", projects[i].name);
        if (world_open_folder(&w, folder, projects[i].environment)) {
            seen++;
            assert_int_equal(w.project->plugin_count, projects[i].plugins);
            assert_int_equal(w.project->job_count, projects[i].jobs);
            assert_int_equal(w.project->schedule_count, projects[i].schedules);
            assert_tells(&w);
            assert_warned(&w, projects[i].warning);
        }
        world_close(&w);
    }
    if (seen == 0) {
        print_message("the real projects are not beside this one: not read\n");
        skip();
    }
    assert_int_equal(seen, COUNT_OF(projects));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_projects),
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_explained),
        cmocka_unit_test(test_real_projects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
