/* Where the value of a setting comes from, what becomes of it, and what may be shown of it. The same
 * rules stand against Meltano itself in tests/interop/meltano_test.py. */
#include "tests/unit/meltano_fixture.h"

#include <string.h>

#define VARIABLE(name, value)                                                                      \
    {                                                                                              \
        STR_INIT(name), STR_INIT(value)                                                            \
    }

/* One setting, given in more and more places. */
static const char *order_yml(bool in_project, bool in_environment)
{
    if (in_environment) {
        return "environments:\n"
               "- name: dev\n"
               "  config: {plugins: {extractors: [{name: tap, config: {x: environment}}]}}\n"
               "plugins:\n"
               "  extractors:\n"
               "  - {name: tap, namespace: space, settings: [{name: x, value: default}],"
               " config: {x: project}}\n";
    }
    return in_project
               ? "plugins:\n"
                 "  extractors:\n"
                 "  - {name: tap, namespace: space, settings: [{name: x, value: default}],"
                 " config: {x: project}}\n"
               : "plugins:\n"
                 "  extractors:\n"
                 "  - {name: tap, namespace: space, settings: [{name: x, value: default}]}\n";
}

static void assert_order(const char *yml, const char *environment, const char *dotenv,
                         const struct meltano_variable *terminal, const char *value,
                         enum meltano_source source)
{
    const struct meltano_file files[] = {{"p/meltano.yml", yml}, {"p/.env", dotenv}, {0}};
    struct meltano_world w = {.variables = terminal};
    world_open(&w, files, environment);
    struct meltano_setup setup = world_set_up(&w, "tap");
    assert_string_equal(world_value(&w, &setup, "x"), value);
    assert_int_equal(meltano_find_value(&setup, STR("x"))->source, source);
    assert_int_equal(w.report.warnings.total, 0);
    world_close(&w);
}

static void test_order_of_sources(void **state)
{
    (void)state;
    static const struct meltano_variable by_name[] = {VARIABLE("TAP_X", "terminal"), {{0}, {0}}};
    static const struct meltano_variable by_space[] = {VARIABLE("SPACE_X", "space"), {{0}, {0}}};
    assert_order(order_yml(false, false), "", "", NULL, "\"default\"", MELTANO_FROM_DEFAULT);
    assert_order(order_yml(true, false), "", "", NULL, "\"project\"", MELTANO_FROM_PROJECT);
    assert_order(order_yml(true, true), "", "", NULL, "\"project\"", MELTANO_FROM_PROJECT);
    assert_order(order_yml(true, true), "dev", "", NULL, "\"environment\"",
                 MELTANO_FROM_ENVIRONMENT);
    assert_order(order_yml(true, true), "dev", "TAP_X=dotenv", NULL, "\"dotenv\"",
                 MELTANO_FROM_DOTENV);
    assert_order(order_yml(true, true), "dev", "TAP_X=dotenv", by_name, "\"terminal\"",
                 MELTANO_FROM_ENV);
    assert_order(order_yml(true, true), "dev", "", by_space, "\"space\"", MELTANO_FROM_ENV);
}

static void test_env_keys_count_as_environment(void **state)
{
    (void)state;
    assert_order("env: {TAP_X: root}\n"
                 "plugins: {extractors: [{name: tap, namespace: t, config: {x: project}}]}",
                 "", "", NULL, "\"root\"", MELTANO_FROM_ENV);
    assert_order("env: {TAP_X: root}\n"
                 "environments: [{name: dev, env: {TAP_X: environment}}]\n"
                 "plugins: {extractors: [{name: tap, namespace: t, settings: [{name: x}],"
                 " env: {TAP_X: plugin}}]}\n",
                 "", "", NULL, "\"plugin\"", MELTANO_FROM_ENV);
}

static void test_inherited_values(void **state)
{
    (void)state;
    struct meltano_world w = {0};
    world_open_text(&w,
                    "env: {WHERE: here}\n"
                    "environments:\n"
                    "- name: dev\n"
                    "  config: {plugins: {extractors: [{name: parent, config: {b: dev-$WHERE}}]}}\n"
                    "plugins:\n"
                    "  extractors:\n"
                    "  - name: parent\n"
                    "    namespace: parent\n"
                    "    settings: [{name: a, value: 1, kind: integer}, {name: d, value: old}]\n"
                    "    config: {b: $WHERE, c: {deep: 1}}\n"
                    "    select: [orders.*]\n"
                    "  - name: child\n"
                    "    inherit_from: parent\n"
                    "    env: {WHERE: there}\n"
                    "    settings: [{name: d, value: new}]\n"
                    "    config: {c: {more: 2}}\n",
                    "dev");
    struct meltano_setup setup = world_set_up(&w, "child");
    assert_string_equal(
        world_config(&w, &setup),
        "{\"a\":1,\"b\":\"dev-there\",\"c\":{\"deep\":1,\"more\":2},\"d\":\"new\"}");
    assert_string_equal(world_value(&w, &setup, "_select"), "[\"orders.*\"]");
    assert_int_equal(meltano_find_value(&setup, STR("b"))->source, MELTANO_FROM_PARENT);
    world_close(&w);
}

/* tap's settings as given, its config as given; its whole config. */
static void assert_made(const char *settings, const char *config, const char *wanted)
{
    struct meltano_world w = {0};
    AUTO(arena) arena = arena_new(1 << 16);
    const char *yml = arena_printf(&arena,
                                   "env: {ONE: '1', WORD: w}\n"
                                   "plugins:\n  extractors:\n  - name: tap\n    namespace: tap\n"
                                   "    settings: %s\n    config: %s\n",
                                   settings, config)
                          .ptr;
    world_open_text(&w, yml, "");
    struct meltano_setup setup = world_set_up(&w, "tap");
    assert_string_equal(world_config(&w, &setup), wanted);
    assert_int_equal(w.report.warnings.total, 0);
    world_close(&w);
}

static void test_kinds(void **state)
{
    (void)state;
    assert_made("[{name: a, kind: integer}]", "{a: ' +12 '}", "{\"a\":12}");
    assert_made("[{name: a, kind: integer}]", "{a: $ONE}", "{\"a\":1}");
    assert_made("[{name: a, kind: boolean}]", "{a: 'Yes'}", "{\"a\":true}");
    assert_made("[{name: a, kind: boolean}]", "{a: 'y'}", "{\"a\":false}");
    assert_made("[{name: a, kind: boolean}]", "{a: false}", "{\"a\":false}");
    assert_made("[{name: a, kind: decimal}]", "{a: '1.5'}", "{\"a\":1.5}");
    assert_made("[{name: a, kind: array}]", "{a: '[1, \"x\"]'}", "{\"a\":[1,\"x\"]}");
    assert_made("[{name: a, kind: object}]", "{a: '{\"b\": {\"c\": 1}}'}",
                "{\"a\":{\"b\":{\"c\":1}}}");
    assert_made("[{name: a, kind: string}]", "{a: 5}", "{\"a\":5}"); /* texts alone are cast */
    assert_made("[{name: a, kind: options, options: [{value: x}, {value: y}]}]", "{a: y}",
                "{\"a\":\"y\"}");
    assert_made("[{name: a, kind: date_iso8601}]", "{a: 2020-01-02}", "{\"a\":\"2020-01-02\"}");
    assert_made("[{name: a, value_processor: upcase_string}]", "{a: up}", "{\"a\":\"UP\"}");
    assert_made("[{name: a, kind: object, value_processor: nest_object}]", "{a: '{\"b.c\": 1}'}",
                "{\"a\":{\"b\":{\"c\":1}}}");
    assert_made("[{name: a, kind: array, value_post_processor: stringify}]", "{a: [1, x]}",
                "{\"a\":\"[1, \\\"x\\\"]\"}");
}

static void test_shapes(void **state)
{
    (void)state;
    assert_made("[]", "{a: {b: 1}, a.c: 2}", "{\"a\":{\"b\":1,\"c\":2}}");
    assert_made("[{name: a.b, value: 1}]", "{a.c: 2}", "{\"a\":{\"b\":1,\"c\":2}}");
    assert_made("[{name: a, kind: object, value: {}}, {name: a.b, value: 1}]", "{}",
                "{\"a\":{\"b\":1}}");
    assert_made("[]", "{'s3\\.url': x}", "{\"s3.url\":\"x\"}");
    assert_made("[]", "{a: null, b: ~, c: ''}", "{\"c\":\"\"}");
    assert_made("[{name: a, value: x}]", "{a: null}", "{\"a\":\"x\"}");
    assert_made("[]", "{a: $NOT_SET, b: x$NOT_SET, c: [$NOT_SET, $WORD]}",
                "{\"b\":\"x\",\"c\":[\"\",\"w\"]}");
    assert_made("[]", "{a: '\\$WORD'}", "{\"a\":\"$WORD\"}");
    assert_made("[{name: a, aliases: [old]}]", "{old: 1}", "{\"a\":1,\"old\":1}");
    assert_made("[]", "{a: {}, l: [{x.y: 1}]}", "{\"a\":{},\"l\":[{\"x.y\":1}]}");
    assert_made("[]", "{when: 2020-01-02 03:04:05, text: '2020-01-02 03:04:05'}",
                "{\"when\":\"2020-01-02T03:04:05\",\"text\":\"2020-01-02 03:04:05\"}");
}

static void assert_wrong(const char *settings, const char *config, const char *wanted)
{
    struct meltano_world w = {0};
    AUTO(arena) arena = arena_new(1 << 16);
    const char *yml = arena_printf(&arena,
                                   "plugins:\n  extractors:\n  - name: tap\n    namespace: tap\n"
                                   "    settings: %s\n    config: %s\n",
                                   settings, config)
                          .ptr;
    world_open_text(&w, yml, "");
    (void)world_set_up(&w, "tap");
    assert_warned(&w, wanted);
    assert_int_equal(w.report.warnings.total, 1);
    world_close(&w);
}

static void test_wrong_values(void **state)
{
    (void)state;
    assert_wrong("[{name: a, kind: integer}]", "{a: many}",
                 "p/meltano.yml:6: tap: a: its value is no integer");
    assert_wrong("[{name: a, kind: decimal}]", "{a: many}", "tap: a: its value is no number");
    assert_wrong("[{name: a, kind: array}]", "{a: '{}'}", "tap: a: its value is no JSON array");
    assert_wrong("[{name: a, kind: object}]", "{a: '{'}", "tap: a: its value is no JSON object");
    assert_wrong("[{name: a, kind: options, options: [{value: x}]}]", "{a: z}",
                 "tap: a: its value is none of its options");
    assert_wrong("[{name: a, aliases: [b]}]", "{a: 1, b: 2}",
                 "tap: a: it has another value under the name b");
    assert_wrong("[{name: a, kind: date_iso8601}]", "{a: yesterday}",
                 "tap: a: a date in words is passed on as it is");
    assert_wrong("[{name: a}, {name: a.b}]", "{a: x, a.b: y}",
                 "tap: a.b: it nests into something that is no object, or too deep");
}

static void test_two_variables(void **state)
{
    (void)state;
    static const struct meltano_variable both[] = {
        VARIABLE("TAP_X", "1"), VARIABLE("SPACE_X", "1"), {{0}, {0}}};
    struct meltano_world w = {.variables = both};
    world_open_text(&w, order_yml(true, false), "");
    (void)world_set_up(&w, "tap");
    assert_warned(&w, "tap: x: it is set by two variables, TAP_X and SPACE_X");
    world_close(&w);
}

static void test_strict_variables(void **state)
{
    (void)state;
    struct meltano_world w = {0};
    world_open_text(&w,
                    "ff: {strict_env_var_mode: true}\n"
                    "plugins: {extractors: [{name: tap, namespace: t, config: {a: $GONE}}]}",
                    "");
    (void)world_set_up(&w, "tap");
    assert_warned(&w, "tap: a: the variable GONE is not set");
    world_close(&w);
}

static void test_extras_in_three_spellings(void **state)
{
    (void)state;
    static const char yml[] =
        "plugins:\n"
        "  extractors:\n"
        "  - {name: beside, namespace: b, select: [a.*], load_schema: raw}\n"
        "  - {name: under, namespace: u, config: {_select: [b.*],"
        " _metadata: {s: {k: v}}}}\n"
        "  - {name: tap, namespace: t, metadata: {s: {k: v}, 'x.y': {z: 1}}}\n";
    static const struct meltano_variable terminal[] = {VARIABLE("TAP__SELECT", "[\"c.*\"]"),
                                                       {{0}, {0}}};
    struct meltano_world w = {.variables = terminal};
    world_open_text(&w, yml, "");
    struct meltano_setup setup = world_set_up(&w, "beside");
    assert_string_equal(world_value(&w, &setup, "_select"), "[\"a.*\"]");
    assert_string_equal(world_value(&w, &setup, "_load_schema"), "\"raw\"");
    assert_string_equal(world_config(&w, &setup), "{}");
    setup = world_set_up(&w, "under");
    assert_string_equal(world_value(&w, &setup, "_select"), "[\"b.*\"]");
    assert_string_equal(world_value(&w, &setup, "_metadata"), "{\"s\":{\"k\":\"v\"}}");
    assert_string_equal(world_value(&w, &setup, "_load_schema"), "\"u\"");
    setup = world_set_up(&w, "tap");
    assert_string_equal(world_value(&w, &setup, "_select"), "[\"c.*\"]");
    assert_string_equal(world_value(&w, &setup, "_metadata"),
                        "{\"s\":{\"k\":\"v\"},\"x\":{\"y\":{\"z\":1}}}");
    assert_string_equal(world_value(&w, &setup, "_use_cached_catalog"), "true");
    world_close(&w);
}

static void test_environment_of_the_process(void **state)
{
    (void)state;
    const struct meltano_file files[] = {
        {"p/meltano.yml", "env: {A: root, B: root, R: $A}\n"
                          "environments:\n"
                          "- name: dev\n"
                          "  env: {B: active, C: active, D: '${A}-$B'}\n"
                          "  config:\n"
                          "    plugins:\n"
                          "      extractors: [{name: tap, env: {E: last-$P}}]\n"
                          "plugins:\n"
                          "  extractors:\n"
                          "  - name: tap\n"
                          "    namespace: space\n"
                          "    env: {B: plugin, P: p-$C}\n"
                          "    settings: [{name: x, env: OWN_X, value: [1], kind: array},"
                          " {name: none}]\n"},
        {"p/.env", "A=dotenv\nF=dotenv\nG=dotenv\n"},
        {0}};
    static const struct meltano_variable terminal[] = {VARIABLE("G", "terminal"), {{0}, {0}}};
    struct meltano_world w = {.variables = terminal};
    world_open(&w, files, "dev");
    struct meltano_setup setup = world_set_up(&w, "tap");
    static const struct {
        const char *name;
        const char *value;
    } wanted[] = {
        {"A", "root"}, /* the project's file beats .env */
        {"B", "active"},
        {"C", "active"},
        {"D", "dotenv-root"}, /* but not where an environment refers to it */
        {"E", "last-p-active"},
        {"F", "dotenv"},
        {"G", "-"}, /* the terminal's stays what it is */
        {"R", "$A"},
        {"OWN_X", "[1]"},
        {"TAP_X", "[1]"},
        {"SPACE_X", "[1]"},
        {"MELTANO_EXTRACT_X", "[1]"},
        {"TAP_NONE", "-"},
        {"MELTANO_EXTRACT__LOAD_SCHEMA", "space"},
        {"MELTANO_EXTRACTOR_NAME", "tap"},
        {"MELTANO_EXTRACTOR_NAMESPACE", "space"},
        {"MELTANO_EXTRACTOR_VARIANT", "default"},
        {"MELTANO_PROJECT_ROOT", "/srv/p"},
        {"MELTANO_SYS_DIR_ROOT", "/srv/p/.meltano"},
        {"MELTANO_ENVIRONMENT", "dev"},
        {"MELTANO_DATABASE_URI", "sqlite:////srv/p/.meltano/meltano.db"},
    };
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        const char *value = world_variable(&w, &setup, wanted[i].name);
        if (strcmp(value, wanted[i].value) != 0) {
            fail_msg("%s: %s instead of %s", wanted[i].name, value, wanted[i].value);
        }
    }
    world_close(&w);
}

static void test_variables_of_a_schedule(void **state)
{
    (void)state;
    const struct meltano_file files[] = {
        {"p/meltano.yml",
         "env: {A: root}\n"
         "plugins:\n"
         "  extractors:\n"
         "  - {name: tap, namespace: t, settings: [{name: x}], config: {a: $A, b: $B}}\n"
         "schedules:\n"
         "- {name: s, job: j, env: {A: schedule, B: 7, TAP_X: schedule}}\n"},
        {"p/.env", "B=dotenv\nTAP_X=dotenv\n"},
        {0}};
    static const struct meltano_variable terminal[] = {VARIABLE("B", "terminal"), {{0}, {0}}};
    struct meltano_world w = {.variables = terminal};
    world_open(&w, files, "");
    w.context.schedule = &w.project->schedules[0];
    struct meltano_setup setup = world_set_up(&w, "tap");
    assert_string_equal(world_config(&w, &setup),
                        "{\"x\":\"schedule\",\"a\":\"root\",\"b\":\"7\"}");
    assert_string_equal(world_variable(&w, &setup, "A"), "root");
    assert_string_equal(world_variable(&w, &setup, "B"), "7");
    w.context.schedule = NULL;
    setup = world_set_up(&w, "tap");
    assert_string_equal(world_config(&w, &setup),
                        "{\"x\":\"dotenv\",\"a\":\"root\",\"b\":\"terminal\"}");
    world_close(&w);
}

/* Settings below settings below settings: the work must not double with each. */
static void test_deep_names_end(void **state)
{
    (void)state;
    enum { LEVELS = 64 };
    AUTO(buf) yml = buf_growing(1 << 16);
    AUTO(buf) name = buf_growing(1 << 10);
    buf_add(&yml, STR("plugins:\n  extractors:\n  - name: tap\n    namespace: t\n"
                      "    settings:\n"));
    for (int i = 0; i < LEVELS; i++) {
        buf_add(&name, i == 0 ? STR("a") : STR(".a"));
        buf_addf(&yml, "    - {name: " STR_FMT ", kind: object, value: {}}\n",
                 STR_ARG(buf_str(&name)));
    }
    struct meltano_world w = {0};
    struct meltano_setup setup = {0};
    world_open_text(&w, buf_cstr(&yml), "");
    bool ok = meltano_set_up(&w.context, meltano_find_plugin(w.project, STR("tap")), NULL, &w.arena,
                             &setup, &w.err);
    assert_true(ok || w.err.code == ERR_FULL); /* and it is over at once */
    world_close(&w);
}

static void test_target_sees_its_tap(void **state)
{
    (void)state;
    struct meltano_world w = {0};
    world_open_text(&w,
                    "plugins:\n"
                    "  extractors: [{name: tap, namespace: space, config: {u: v}}]\n"
                    "  loaders: [{name: target, namespace: t,"
                    " config: {s: $MELTANO_EXTRACT__LOAD_SCHEMA, u: $TAP_U}}]\n",
                    "");
    struct meltano_setup tap = world_set_up(&w, "tap");
    struct meltano_setup alone = world_set_up(&w, "target");
    struct meltano_setup behind = {0};
    assert_string_equal(world_config(&w, &alone), "{}");
    assert_true(meltano_set_up(&w.context, meltano_find_plugin(w.project, STR("target")), &tap,
                               &w.arena, &behind, &w.err));
    assert_string_equal(world_config(&w, &behind), "{\"s\":\"space\",\"u\":\"v\"}");
    world_close(&w);
}

static void test_mapping_config(void **state)
{
    (void)state;
    struct meltano_world w = {0};
    world_open_text(&w,
                    "env: {A: root}\n"
                    "plugins:\n"
                    "  mappers:\n"
                    "  - name: m\n"
                    "    namespace: m\n"
                    "    settings: [{name: keep, value: 1}]\n"
                    "    config: {of_the_mapper: 1}\n"
                    "    mappings: [{name: one, config: {maps: {s: $A}}}, {name: two}]\n",
                    "");
    struct meltano_setup setup = world_set_up(&w, "one");
    assert_string_equal(world_config(&w, &setup), "{\"keep\":1,\"maps\":{\"s\":\"root\"}}");
    setup = world_set_up(&w, "two");
    assert_string_equal(world_config(&w, &setup), "{\"keep\":1}");
    world_close(&w);
}

static void test_nothing_secret_is_shown(void **state)
{
    (void)state;
    const struct meltano_file files[] = {
        {"p/meltano.yml", "plugins:\n"
                          "  extractors:\n"
                          "  - name: tap\n"
                          "    namespace: tap\n"
                          "    settings:\n"
                          "    - {name: marked, sensitive: true}\n"
                          "    - {name: old, kind: password}\n"
                          "    - {name: by_variable, sensitive: true}\n"
                          "    - {name: from_env}\n"
                          "    - {name: pin, sensitive: true, aliases: [number]}\n"
                          "    - {name: box, sensitive: true, kind: object}\n"
                          "    config:\n"
                          "      marked: GEHEIM-1\n"
                          "      old: GEHEIM-2\n"
                          "      by_variable: $SOME_TOKEN\n"
                          "      client-Secret: GEHEIM-3\n"
                          "      number: GEHEIM-10\n"
                          "      box: {inside: GEHEIM-11}\n"
                          "      dsn: postgres://u:GEHEIM-4@h\n"
                          "      nested: {auth: {Password: GEHEIM-5, user: u}}\n"
                          "      list: [{api_key: GEHEIM-6, n: 1}]\n"
                          "      url: https://$HOST/x\n"
                          "      token_wanted: true\n"},
        {"p/.env", "TAP_FROM_ENV=GEHEIM-7\nHOST=GEHEIM-8\nSOME_TOKEN=GEHEIM-9\n"},
        {0}};
    struct meltano_world w = {0};
    world_open(&w, files, "");
    struct meltano_setup setup = world_set_up(&w, "tap");
    assert_string_equal(world_shown(&w, &setup),
                        "{\"marked\":\"(redacted)\",\"old\":\"(redacted)\","
                        "\"by_variable\":\"$SOME_TOKEN\",\"from_env\":\"$TAP_FROM_ENV\","
                        "\"pin\":\"(redacted)\","
                        "\"client-Secret\":\"(redacted)\",\"number\":\"(redacted)\",\"box\":{"
                        "\"inside\":\"(redacted)\"},\"dsn\":\"(redacted)\","
                        "\"nested\":{\"auth\":{\"Password\":\"(redacted)\",\"user\":\"u\"}},"
                        "\"list\":[{\"api_key\":\"(redacted)\",\"n\":1}],"
                        "\"url\":\"https://$HOST/x\",\"token_wanted\":true}");
    assert_non_null(strstr(world_config(&w, &setup), "GEHEIM-5")); /* the plugin gets it */
    const struct meltano_telling telling = {.context = &w.context, .report = &w.report};
    AUTO(buf) out = buf_growing(1 << 20);
    assert_true(meltano_write_json(&telling, &out, &w.err));
    assert_true(meltano_write_summary(&telling, &out, &w.err));
    assert_true(meltano_write_explained(&telling, STR(""), &out, &w.err));
    assert_null(strstr(buf_cstr(&out), "GEHEIM"));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_sources),
        cmocka_unit_test(test_env_keys_count_as_environment),
        cmocka_unit_test(test_inherited_values),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_wrong_values),
        cmocka_unit_test(test_two_variables),
        cmocka_unit_test(test_strict_variables),
        cmocka_unit_test(test_extras_in_three_spellings),
        cmocka_unit_test(test_environment_of_the_process),
        cmocka_unit_test(test_variables_of_a_schedule),
        cmocka_unit_test(test_deep_names_end),
        cmocka_unit_test(test_target_sees_its_tap),
        cmocka_unit_test(test_mapping_config),
        cmocka_unit_test(test_nothing_secret_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
