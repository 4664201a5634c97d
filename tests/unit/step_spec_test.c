/* step_spec_test.c - what a step's program is given: the tags of a run, and who asks a check. */
#include "agent/run/step_spec.h"

#include "agent/run/tags.h"
#include "definitions_fixture.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static struct arena arena;
static struct err err;
static struct loaded loaded;

static int begin(void **state)
{
    (void)state;
    arena = arena_new(1 << 20);
    err = (struct err){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    loaded_release(&loaded);
    arena_release(&arena);
    return 0;
}

static bool get_env(void *ctx, struct str name, struct str *ret_value)
{
    (void)ctx;
    bool is_set = str_eq(name, STR("SELVEDGE_TAG_OTHER"));
    *ret_value = is_set ? STR("from the agent") : STR_NONE;
    return is_set;
}

static struct str names[] = {STR_INIT("selvedge/file"), STR_INIT("selvedge/some-thing.2"),
                             STR_INIT("team"), STR_INIT("selvedge/payload")};
static struct str values[] = {STR_INIT("/in/a b.csv"), STR_INIT("x"), STR_INIT("me"),
                              STR_INIT("$(reboot) ${HOME}")};
static const struct str_map tags = {names, values, COUNT_OF(names)};

static struct step_context load(const char *asset, const struct str_map *of_run)
{
    static const struct env_lookup env = {.get = get_env};
    load_text(&loaded, asset);
    assert_loaded(&loaded);
    return (struct step_context){.defs = loaded.defs,
                                 .worker = "/worker",
                                 .state_dir = "/state",
                                 .run = STR("r"),
                                 .attempt = 1,
                                 .tags = of_run,
                                 .env = &env};
}

static bool make(const char *asset, const struct str_map *of_run, struct step_spec *ret)
{
    struct step_context context = load(asset, of_run);
    return step_spec_make(&context, &loaded.defs->assets[0], &arena, ret, &err);
}

static const char *variable(const struct step_spec *spec, const char *name)
{
    size_t len = strlen(name);
    for (const char *const *v = spec->envp; *v != NULL; v++) {
        if (strncmp(*v, name, len) == 0 && (*v)[len] == '=') {
            return *v + len + 1;
        }
    }
    return NULL;
}

static void tags_are_in_the_environment(void **state)
{
    (void)state;
    struct step_spec spec;
    assert_true(make("project: p\nassets:\n  - {key: a, run: ['true']}\n", &tags, &spec));
    assert_string_equal(variable(&spec, "SELVEDGE_TAG_FILE"), "/in/a b.csv");
    assert_string_equal(variable(&spec, "SELVEDGE_TAG_SOME_THING_2"), "x");
    assert_null(variable(&spec, "SELVEDGE_TAG_TEAM"));
    assert_string_equal(variable(&spec, "SELVEDGE_TAGS"),
                        "{\"selvedge/file\":\"/in/a b.csv\",\"selvedge/some-thing.2\":\"x\","
                        "\"team\":\"me\",\"selvedge/payload\":\"$(reboot) ${HOME}\"}");
}

static void a_run_without_tags_has_no_such_variables(void **state)
{
    (void)state;
    struct step_spec spec;
    assert_true(make("project: p\nassets:\n  - {key: a, run: ['true']}\n", NULL, &spec));
    assert_null(variable(&spec, "SELVEDGE_TAGS"));
}

static void tags_are_variables_of_the_definitions(void **state)
{
    (void)state;
    struct step_spec spec;
    assert_true(make("project: p\nassets:\n"
                     "  - {key: a, run: [load, '--file=${SELVEDGE_TAG_FILE}', "
                     "'${SELVEDGE_TAG_PAYLOAD}', '${SELVEDGE_TAG_NONE:-none}', "
                     "'${SELVEDGE_TAG_OTHER}']}\n",
                     &tags, &spec));
    assert_string_equal(spec.argv[1], "--file=/in/a b.csv");
    assert_string_equal(spec.argv[2], "$(reboot) ${HOME}"); /* never looked into */
    assert_string_equal(spec.argv[3], "none");
    assert_string_equal(spec.argv[4], "from the agent");
    assert_null(spec.argv[5]);
}

static void the_file_that_arrived_can_be_extracted(void **state)
{
    (void)state;
    struct step_spec spec;
    assert_true(make("project: p\nassets:\n"
                     "  - key: a\n    extract: {csv: '${SELVEDGE_TAG_FILE:-/in/*.csv}'}\n"
                     "    load: {jsonl: /out.jsonl}\n",
                     &tags, &spec));
    assert_true(str_contains(spec.input, STR("\"path\":\"/in/a b.csv\"")));
}

static void a_tap_gets_its_words_and_its_configuration(void **state)
{
    (void)state;
    struct step_spec spec;
    assert_true(make(
        "project: p\nresources: {s: {type: sqlite, path: /s.db}}\nassets:\n"
        "  - key: a\n    extract:\n      tap: [tap-x, '${SELVEDGE_TAG_FILE}']\n"
        "      config: {f: '${SELVEDGE_TAG_FILE}', n: [1, 2.50, true, null, {\"q\\\"\": '$$'}]}\n"
        "      stream: users\n"
        "    load: {resource: s}\n",
        &tags, &spec));
    assert_true(str_contains(
        spec.input,
        STR("\"tap\":{\"type\":\"singer_program\",\"command\":[\"tap-x\",\"/in/a b.csv\"],"
            "\"config\":{\"f\":\"/in/a b.csv\",\"n\":[1,2.5,true,null,{\"q\\\"\":\"$\"}]},"
            "\"stream\":\"users\",\"dir\":\"shop\"}")));
    assert_true(str_contains(spec.input, STR("\"mode\":\"upsert\",\"append_without_key\":true")));
    assert_false(str_contains(spec.input, STR("\"table\"")));
    loaded_release(&loaded);
    assert_false(make("project: p\nresources: {s: {type: sqlite, path: /s.db}}\nassets:\n"
                      "  - {key: a, extract: {tap: [sh, -c, '${SELVEDGE_TAG_FILE}']}, load: "
                      "{resource: s}}\n",
                      &tags, &spec));
    assert_non_null(strstr(err.msg, "asset a: tap[2]: a tag of the run"));
}

static void what_somebody_else_chose_does_not_become_code(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "[sh, -c, 'echo ${SELVEDGE_TAG_PAYLOAD}']",
        "[bash, -lc, '${SELVEDGE_TAG_FILE:-x}']",
        "[perl, -e, '${SELVEDGE_TAG_FILE}']",
    };
    static const char *const fine[] = {
        "[sh, -c, 'echo \"$$SELVEDGE_TAG_PAYLOAD\"']",
        "[sh, -c, 'echo \"$$1\"', sh, '${SELVEDGE_TAG_PAYLOAD}']",
        "[sync, --source, '${SELVEDGE_TAG_FILE}']",
    };
    struct step_spec spec;
    for (size_t i = 0; i < COUNT_OF(refused) + COUNT_OF(fine); i++) {
        bool is_fine = i >= COUNT_OF(refused);
        AUTO(buf) text = buf_growing(1024);
        buf_addf(&text, "project: p\nassets:\n  - {key: a, run: %s}\n",
                 is_fine ? fine[i - COUNT_OF(refused)] : refused[i]);
        loaded_release(&loaded);
        err = (struct err){0};
        assert_int_equal(make(buf_cstr(&text), &tags, &spec), is_fine);
        assert_int_equal(err.code, is_fine ? ERR_NONE : ERR_INVALID);
        assert_true(is_fine || strstr(err.msg, "asset a: run[2]: a tag of the run") != NULL);
    }
}

/* By the worker, as the asset's user, without the limits of its program. */
static void a_query_after_a_command_is_the_workers_to_ask(void **state)
{
    (void)state;
    struct step_spec spec;
    struct step_context context =
        load("project: p\nresources: {db: {type: sqlite, path: '${SELVEDGE_TAG_OTHER}/x.db'}}\n"
             "assets:\n"
             "  - key: a\n    run: ['true']\n    user: nobody\n    limits: {memory: 1MiB}\n"
             "    env: {WORD: x}\n"
             "    checks:\n"
             "      - {name: query, resource: db, sql: 'select \"${X}\"', severity: warn}\n"
             "      - {name: command, run: [look, here]}\n",
             NULL);
    const struct asset *asset = &loaded.defs->assets[0];
    loaded.defs->dir = "/defs";
    assert_true(step_spec_make_check(&context, asset, &asset->checks[0], &arena, &spec, &err));
    assert_string_equal(spec.argv[0], "/worker");
    assert_string_equal(spec.argv[1], "step");
    assert_null(spec.argv[2]);
    assert_string_equal(arena_cstr(&arena, spec.input),
                        "{\"asset\":\"a\",\"run\":\"r\",\"step\":\"a\",\"attempt\":1,"
                        "\"kind\":\"checks\",\"checks\":[{\"name\":\"query\","
                        "\"sql\":\"select \\\"${X}\\\"\","
                        "\"database\":{\"type\":\"sqlite\",\"path\":"
                        "\"/defs/from the agent/x.db\"},\"severity\":\"warn\"}]}");
    assert_string_equal(variable(&spec, "SELVEDGE_CHECK"), "query");
    assert_string_equal(spec.confine.user, "nobody");
    assert_int_equal(spec.confine.memory_bytes, 0);
    assert_true(step_spec_make_check(&context, asset, &asset->checks[1], &arena, &spec, &err));
    assert_string_equal(spec.argv[0], "look");
    assert_int_equal(spec.input.len, 0);
    assert_string_equal(spec.confine.user, "nobody");
    assert_int_equal(spec.confine.memory_bytes, 1 << 20);
}

/* The worker is told which nodes, where they run, and what the run was asked for in dbt's words. */
static void nodes_of_a_dbt_project_are_named(void **state)
{
    (void)state;
    static const char definitions[] =
        "project: p\nresources: {db: {type: sqlite, path: x.db}}\nassets:\n"
        "  - key: dbt/shop\n"
        "    dbt: {manifest: t/m.json, adapter: sqlite, resource: db, select: [a, b], fail_fast: "
        "true}\n"
        "    assets: [{key: a, node: model.s.a, checks: [{name: t, test: test.s.t}]},\n"
        "             {key: m/b, node: model.s.b}]\n";
    struct str tag_names[] = {STR("dbt/select"), STR("dbt/full_refresh"), STR("dbt/fail_fast")};
    struct str tag_values[] = {STR("a+ b"), STR("true"), STR("no")};
    const struct str_map of_run = {tag_names, tag_values, COUNT_OF(tag_names)};
    struct step_context context = load(definitions, &of_run);
    const struct asset *assets[] = {&loaded.defs->assets[0], &loaded.defs->assets[1]};
    struct step_spec spec;
    context.assets = assets;
    context.asset_count = 2;
    assert_true(step_spec_make(&context, assets[0], &arena, &spec, &err));
    assert_string_equal(spec.argv[0], "/worker");
    assert_string_equal(
        arena_cstr(&arena, spec.input),
        "{\"run\":\"r\",\"step\":\"dbt/shop\",\"attempt\":1,\"kind\":\"dbt\",\"assets\":["
        "{\"asset\":\"a\",\"node\":\"model.s.a\"},{\"asset\":\"m/b\",\"node\":\"model.s.b\"}],"
        "\"state_dir\":\"/state/dbt\",\"dbt\":{\"manifest\":\"shop/t/m.json\",\"runner\":\"auto\","
        "\"allow_frozen\":false,\"fail_fast\":true,\"retry\":false,\"source_freshness\":false,"
        "\"full_refresh\":"
        "true,\"select\":[\"a\",\"b\"],"
        "\"asked\":{\"select\":\"a+ b\"},\"log_file\":\"/state/runs/r/dbt/shop/1.nodes\","
        "\"database\":{\"type\":\"sqlite\",\"path\":\"shop/x.db\"}}}");
    assert_string_equal(variable(&spec, "SELVEDGE_ASSETS"), "a m/b");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(tags_are_in_the_environment),
        TEST(a_run_without_tags_has_no_such_variables),
        TEST(tags_are_variables_of_the_definitions),
        TEST(the_file_that_arrived_can_be_extracted),
        TEST(a_tap_gets_its_words_and_its_configuration),
        TEST(what_somebody_else_chose_does_not_become_code),
        TEST(a_query_after_a_command_is_the_workers_to_ask),
        TEST(nodes_of_a_dbt_project_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
