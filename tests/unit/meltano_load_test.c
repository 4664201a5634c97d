/* What is read of a project, and what is said of a wrong one, with file and line. */
#include "tests/unit/meltano_fixture.h"

#include <string.h>

static const struct meltano_plugin *plugin(const struct meltano_world *w, const char *name)
{
    const struct meltano_plugin *found = meltano_find_plugin(w->project, str_from(name));
    assert_non_null(found);
    return found;
}

static void test_plugins_of_every_type(void **state)
{
    (void)state;
    struct meltano_world w = {0};
    world_open_text(&w,
                    "plugins:\n"
                    "  mappers: [{name: m, namespace: m, mappings: [{name: m1, config: {a: 1}}]}]\n"
                    "  utilities: [{name: u, namespace: u}]\n"
                    "  files: [{name: f, namespace: f}]\n"
                    "  transformers: [{name: tr, namespace: tr}]\n"
                    "  orchestrators: [{name: o, namespace: o}]\n"
                    "  transforms: [{name: t, namespace: t}]\n"
                    "  loaders: [{name: l, namespace: l}]\n"
                    "  extractors: [{name: e, namespace: e}]\n",
                    "");
    static const char *const order[] = {"e", "l", "t", "o", "tr", "f", "u", "m", "m"};
    assert_int_equal(w.project->plugin_count, COUNT_OF(order));
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        assert_true(str_eq(w.project->plugins[i].name, str_from(order[i])));
    }
    assert_ptr_equal(plugin(&w, "m"), &w.project->plugins[7]);
    assert_ptr_equal(plugin(&w, "m1"), &w.project->plugins[8]);
    assert_int_equal(plugin(&w, "u")->at.line, 3);
    assert_int_equal(w.report.warnings.total, 0);
    world_close(&w);
}

static const char lock[] = "{\"name\": \"tap-x\", \"namespace\": \"ns_x\", \"variant\": \"v\","
                           "\"pip_url\": \"tap-x\", \"executable\": \"run-x\","
                           "\"capabilities\": [\"state\"]}";

static void test_where_definitions_come_from(void **state)
{
    (void)state;
    const struct meltano_file files[] = {{"p/meltano.yml",
                                          "plugins:\n"
                                          "  extractors:\n"
                                          "  - {name: tap-x, variant: v}\n"
                                          "  - {name: based, inherit_from: tap-x, variant: v}\n"
                                          "  - {name: child, inherit_from: tap-x}\n"
                                          "  - {name: fork, inherit_from: child, pip_url: other}\n"
                                          "  - {name: own, namespace: its_own, pip_url: own-1}\n"
                                          "  - {name: lost, variant: v}\n"
                                          "  - {name: same, inherit_from: same, namespace: s}\n"},
                                         {"p/plugins/extractors/tap-x--v.lock", lock},
                                         {0}};
    struct meltano_world w = {0};
    world_open(&w, files, "");
    static const struct {
        const char *name;
        enum meltano_origin origin;
        const char *namespace;
        const char *pip_url;
        const char *executable;
        const char *folder;
    } wanted[] = {
        {"tap-x", MELTANO_LOCKED, "ns_x", "tap-x", "run-x", "tap-x"},
        {"based", MELTANO_LOCKED, "based", "tap-x", "run-x", "tap-x"},
        {"child", MELTANO_INHERITED, "child", "tap-x", "run-x", "tap-x"},
        {"fork", MELTANO_INHERITED, "fork", "other", "run-x", "fork"},
        {"own", MELTANO_CUSTOM, "its_own", "own-1", "own", "own"},
        {"lost", MELTANO_UNDEFINED, "lost", "", "lost", "lost"},
        {"same", MELTANO_CUSTOM, "s", "", "same", "same"},
    };
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        const struct meltano_plugin *p = plugin(&w, wanted[i].name);
        assert_string_equal(meltano_origin_name(p->origin), meltano_origin_name(wanted[i].origin));
        assert_true(str_eq(p->namespace, str_from(wanted[i].namespace)));
        assert_true(str_eq(p->pip_url, str_from(wanted[i].pip_url)));
        assert_true(str_eq(p->executable, str_from(wanted[i].executable)));
        assert_true(str_eq(p->folder, str_from(wanted[i].folder)));
    }
    struct str_list capabilities = meltano_capabilities_of(plugin(&w, "fork"), &w.arena);
    assert_int_equal(capabilities.count, 1);
    assert_true(str_eq(capabilities.items[0], STR("state")));
    assert_int_equal(w.report.warnings.total, 1);
    assert_warned(&w, "p/meltano.yml:8: extractor lost: there is no lock file "
                      "plugins/extractors/lost--v.lock");
    world_close(&w);
}

static void test_lock_without_variant(void **state)
{
    (void)state;
    static const char yml[] = "plugins: {extractors: [{name: tap-x}]}";
    static const char *const names[] = {"p/plugins/extractors/tap-x--default.lock",
                                        "p/plugins/extractors/tap-x.lock",
                                        "p/plugins/extractors/tap-x--v.lock"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct meltano_file files[] = {{"p/meltano.yml", yml}, {names[i], lock}, {0}};
        struct meltano_world w = {0};
        world_open(&w, files, "");
        assert_int_equal(plugin(&w, "tap-x")->origin, MELTANO_LOCKED);
        world_close(&w);
    }
    const struct meltano_file two[] = {{"p/meltano.yml", yml},
                                       {"p/plugins/extractors/tap-x--v.lock", lock},
                                       {"p/plugins/extractors/tap-x--w.lock", lock},
                                       {0}};
    struct meltano_world w = {0};
    world_open(&w, two, "");
    assert_int_equal(plugin(&w, "tap-x")->origin, MELTANO_UNDEFINED);
    world_close(&w);
}

static void test_included_files(void **state)
{
    (void)state;
    const struct meltano_file files[] = {{"p/meltano.yml", "include_paths: [more.yml]\n"
                                                           "env: {A: main, B: main}\n"
                                                           "jobs: [{name: one, tasks: []}]\n"},
                                         {"p/more.yml", "env: {B: more, C: more}\n"
                                                        "jobs:\n"
                                                        "- {name: two, tasks: []}\n"
                                                        "include_paths: [never.yml]\n"},
                                         {"p/never.yml", "jobs: [{name: three, tasks: []}]"},
                                         {0}};
    struct meltano_world w = {0};
    world_open(&w, files, "");
    assert_int_equal(w.project->job_count, 2);
    assert_int_equal(w.project->jobs[1].at.file, 1);
    assert_int_equal(w.project->jobs[1].at.line, 3);
    assert_true(str_eq(w.project->files[1], STR("p/more.yml")));
    const struct json *env = json_get(w.project->tree, "env");
    assert_true(str_eq(json_get(env, "B")->as.string, STR("more")));
    assert_int_equal(env->count, 3);
    assert_warned(&w, "p/more.yml:4: include_paths of an included file are not followed");
    world_close(&w);
}

static void assert_bad(const char *yml, const char *wanted)
{
    const struct meltano_file files[] = {{"p/meltano.yml", yml},
                                         {"p/broken.yml", "a: [1\nb: 2\n"},
                                         {"p/list.yml", "[1]"},
                                         {"p/taken.yml", "jobs:\n- {name: one, tasks: []}\n"
                                                         "plugins: {loaders: [{name: x}]}\n"},
                                         {"p/plugins/loaders/bad--v.lock", "{\"name\": "},
                                         {"p/plugins/loaders/odd--v.lock", "[]"},
                                         {0}};
    struct meltano_world w = {0};
    if (world_load(&w, files)) {
        fail_msg("accepted: %s", yml);
    }
    assert_refused(&w, wanted);
    assert_int_not_equal(w.err.code, ERR_NONE);
    world_close(&w);
}

static void test_refused(void **state)
{
    (void)state;
    assert_bad("a: [", "p/meltano.yml:2: expected a value");
    assert_bad("- a", "p/meltano.yml:1: expected keys, got a list");
    assert_bad("x: 1\nx: 2", "p/meltano.yml:2: duplicate key");
    assert_bad("include_paths: [broken.yml]", "p/broken.yml:");
    assert_bad("include_paths: [list.yml]", "p/list.yml:1: expected keys, got a list");
    assert_bad("jobs: [{name: one, tasks: []}]\ninclude_paths: [taken.yml]",
               "p/taken.yml:2: job one is in p/meltano.yml:1 already (take one of the two away)");
    assert_bad("plugins: {loaders: [{name: x}]}\ninclude_paths: [taken.yml]",
               "p/taken.yml:3: loader x is in p/meltano.yml:1 already");
    assert_bad("plugins: [a]", "p/meltano.yml:1: plugins: expected lists by type, got a list");
    assert_bad("plugins: {loaders: x}", "p/meltano.yml:1: loaders: expected a list, got a string");
    assert_bad("plugins:\n  loaders:\n  - x",
               "p/meltano.yml:3: loaders: expected an object with a name, got a string");
    assert_bad("plugins: {loaders: [{variant: x}]}", "p/meltano.yml:1: a loader has no name");
    assert_bad("plugins: {loaders: [{name: 'a:b'}]}", "loader a:b: a name has no ':'");
    assert_bad("plugins: {loaders: [{name: a, config: [1]}]}",
               "loader a: config: expected an object, got a list");
    assert_bad("plugins: {loaders: [{name: a, settings: {}}]}",
               "loader a: settings: expected a list, got an object");
    assert_bad("plugins: {loaders: [{name: bad, variant: v}]}",
               "p/meltano.yml:1: p/plugins/loaders/bad--v.lock: line 1");
    assert_bad("plugins: {loaders: [{name: odd, variant: v}]}",
               "p/plugins/loaders/odd--v.lock: expected an object (write it anew");
    assert_bad("plugins: {loaders: [{name: a, inherit_from: b}, {name: b, inherit_from: a}]}",
               "loader a inherits from itself");
    assert_bad("environments: [{name: 'a:b'}]", "environment a:b: a name has no ':'");
    assert_bad("environments: {}", "environments: expected a list, got an object");
    assert_bad("jobs: [{tasks: []}]", "a job has no name");
    assert_bad("jobs: [{name: j, tasks: [{a: 1}]}]", "job j: a task is a text, not an object");
    assert_bad("schedules: [{job: x}]", "a schedule has no name");
    assert_bad("schedules: [{name: s, interval: '@once'}]", "schedule s has no extractor");
    assert_bad("schedules: [{name: s, job: j, env: 1}]", "schedule s: env: expected names");
    assert_bad("env: [1]", "env: expected names and values");
    assert_bad("a: &x [*x]", "p/meltano.yml:1:");
}

static void test_missing_file(void **state)
{
    (void)state;
    const struct meltano_file files[] = {{0}};
    struct meltano_world w = {0};
    assert_false(world_load(&w, files));
    assert_refused(&w, "open p/meltano.yml: No such file or directory");
    world_close(&w);
}

static void test_warned(void **state)
{
    (void)state;
    struct meltano_world w = {0};
    world_open_text(&w,
                    "verzion: 1\n"
                    "default_environment: nowhere\n"
                    "environments:\n"
                    "- {name: dev, config: {plugins: {loaders: [{name: gone}]}}}\n"
                    "- {name: dev}\n"
                    "plugins:\n"
                    "  extractor: []\n"
                    "  extractors:\n"
                    "  - {name: a, namespace: a, selekt: [x.*], docs: url, annotations: {b: 1}}\n"
                    "  - {name: a, namespace: b}\n"
                    "jobs:\n"
                    "- {name: j, taskz: []}\n"
                    "- {name: j, tasks: []}\n"
                    "schedules:\n"
                    "- {name: s, job: none, interval: sometimes}\n"
                    "- {name: s, job: j}\n"
                    "- {name: e, extractor: a, loader: gone, interval: '@daily', start_date: "
                    "2020-01-01}\n",
                    "");
    assert_warned(&w, "p/meltano.yml:1: meltano.yml: nobody reads the key verzion (did you mean "
                      "version?)");
    assert_warned(&w, "p/meltano.yml:2: default_environment: there is no environment nowhere "
                      "(there are: dev)");
    assert_warned(&w, "p/meltano.yml:4: environment dev: there is no loader gone");
    assert_warned(&w, "p/meltano.yml:5: environment dev is defined twice; the first counts");
    assert_warned(&w, "p/meltano.yml:7: plugins: nobody reads the key extractor (did you mean "
                      "extractors?)");
    assert_warned(&w, "p/meltano.yml:9: extractor: nobody reads the key selekt (did you mean "
                      "select?)");
    assert_warned(&w, "p/meltano.yml:10: extractor a is defined twice; the one in line 9 counts");
    assert_warned(&w, "p/meltano.yml:12: job: nobody reads the key taskz (did you mean tasks?)");
    assert_warned(&w, "p/meltano.yml:12: job j has no tasks");
    assert_warned(&w, "p/meltano.yml:13: job j is defined twice");
    assert_warned(&w,
                  "p/meltano.yml:15: schedule s: there is no job none (declare it below jobs:)");
    assert_warned(&w, "p/meltano.yml:15: schedule s: interval \"sometimes\" is none; it runs by "
                      "hand only");
    assert_warned(&w, "p/meltano.yml:16: schedule s is defined twice");
    assert_warned(&w, "p/meltano.yml:17: schedule e: there is no loader gone");
    assert_int_equal(w.report.warnings.total, 14);
    world_close(&w);
}

static void test_find_environment(void **state)
{
    (void)state;
    const struct meltano_environment *found = NULL;
    struct err err = {0};
    struct meltano_world w = {0};
    world_open_text(&w, "default_environment: dev\nenvironments: [{name: dev}, {name: prod}]", "");
    assert_true(meltano_find_environment(w.project, STR(""), &found, &err));
    assert_true(str_eq(found->name, STR("dev")));
    assert_true(meltano_find_environment(w.project, STR("prod"), &found, &err));
    assert_true(str_eq(found->name, STR("prod")));
    assert_false(meltano_find_environment(w.project, STR("test"), &found, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.msg, "p/meltano.yml: there is no environment test");
    assert_string_equal(err.hint, "there are: dev, prod");
    world_close(&w);
    world_open_text(&w, "{}", "");
    assert_true(meltano_find_environment(w.project, STR(""), &found, &err));
    assert_null(found);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plugins_of_every_type),
        cmocka_unit_test(test_where_definitions_come_from),
        cmocka_unit_test(test_lock_without_variant),
        cmocka_unit_test(test_included_files),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_warned),
        cmocka_unit_test(test_find_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
