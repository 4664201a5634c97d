/* cli_show_test.c - events and problems as people and programs read them. */
#include "common/cli/show.h"
#include "common/json/fields.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/cli_fixture.h"
#include <stdlib.h>
#include <string.h>

static const char *event_line;

static void show_line(struct cli *cli)
{
    cli_event(cli, str_from(event_line));
}

static const char *shown(const char *line, const char *option)
{
    struct cli_setting setting = {.body = show_line};
    const char *const words[] = {"call", option, NULL};
    event_line = line;
    return cli_fixture_run(&weave, setting, words).out;
}

static void an_event_is_one_line_of_what_matters(void **state)
{
    (void)state;
    assert_string_equal(
        shown("{\"seq\":7,\"at\":\"2026-11-22T02:30:00.123Z\",\"type\":\"asset_materialization\","
              "\"run\":\"r\",\"step\":\"pos/sales\",\"metadata\":{\"dagster/row_count\":{\"type\":"
              "\"int\",\"raw_value\":12},\"schema\":{\"type\":\"json\",\"raw_value\":{}}}}",
              NULL),
        "02:30:00.123  asset_materialization         pos/sales  row_count=12\n");
    assert_string_equal(
        shown(
            "{\"seq\":8,\"at\":\"2026-11-22T02:30:01.000Z\",\"type\":\"step_failure\",\"step\":"
            "\"a\",\"attempt\":2,\"duration_ms\":1500,\"error\":{\"message\":\"no disk\",\"hint\":"
            "\"buy one\"}}",
            NULL),
        "02:30:01.000  step_failure                  a  attempt=2  took 1.5 s  no disk  (buy "
        "one)\n");
}

static void a_first_attempt_is_no_news(void **state)
{
    (void)state;
    assert_string_equal(
        shown("{\"seq\":1,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"step_start\",\"step\":\"a\","
              "\"attempt\":1}",
              NULL),
        "02:30:00Z  step_start                    a\n");
}

/* A device may say anything. */
static void an_event_cannot_drive_the_terminal(void **state)
{
    (void)state;
    const char *out = shown("{\"seq\":1,\"type\":\"tick\",\"reason\":\"\\u001b[2J\",\"step\":"
                            "\"\\u0007\",\"duration_ms\":9223372036854775807,\"metadata\":{"
                            "\"\\u001b\":{\"raw_value\":\"\\u001b\"}},\"error\":{\"message\":"
                            "\"\\u001b\",\"hint\":\"\\u001b\"}}",
                            NULL);
    assert_null(strchr(out, '\033'));
    assert_null(strchr(out, '\007'));
    assert_null(strchr(shown("no event \033[2J", NULL), '\033'));
}

static void json_gives_the_line_as_it_is(void **state)
{
    (void)state;
    assert_string_equal(shown("{\"seq\":1,\"type\":\"tick\"}", "--json"),
                        "{\"seq\":1,\"type\":\"tick\"}\n");
}

static struct problems *problems;
static int exit_code;

static void show_problems(struct cli *cli)
{
    struct err err = {0};
    (void)err_set(&err, ERR_NOT_FOUND, "there is no file");
    exit_code = cli_problems(cli, problems, &err);
}

static void problems_name_their_place(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct problems *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    p->arena = &arena;
    p->file = STR("a.yaml");
    problems = p;
    struct cli_setting setting = {.body = show_problems};
    const char *const text[] = {"call", NULL};
    const char *const json[] = {"call", "--json", NULL};

    assert_string_equal(cli_fixture_run(&weave, setting, text).err, "error: there is no file\n");
    assert_int_equal(exit_code, CLI_NOT_FOUND);

    problems_add(p, (struct location){3, 5, 0}, STR("try b"), "unknown key \"%s\"", "c");
    assert_string_equal(cli_fixture_run(&weave, setting, text).err,
                        "a.yaml:3:5: unknown key \"c\"\n    hint: try b\nerror: 1 problem\n");
    assert_int_equal(exit_code, CLI_BAD_INPUT);
    assert_string_equal(cli_fixture_run(&weave, setting, json).out,
                        "{\"problems\":[{\"file\":\"a.yaml\",\"line\":3,\"column\":5,\"message\":"
                        "\"unknown key \\\"c\\\"\",\"hint\":\"try b\"}],\"total\":1}\n");

    p->total = PROBLEMS_MAX + 2;
    assert_non_null(strstr(cli_fixture_run(&weave, setting, text).err,
                           "... and 51 more\nerror: 52 problems\n"));
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_one_line_of_what_matters),
        cmocka_unit_test(a_first_attempt_is_no_news),
        cmocka_unit_test(an_event_cannot_drive_the_terminal),
        cmocka_unit_test(json_gives_the_line_as_it_is),
        cmocka_unit_test(problems_name_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
