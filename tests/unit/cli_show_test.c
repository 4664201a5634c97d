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
              "\"int\",\"raw_value\":12},\"schema\":{\"type\":\"json\",\"raw_value\":{}},\"sql\":"
              "{\"raw_value\":\"select 1\\nfrom t\"},\"s\":{\"raw_value\":0.0120778521}}}",
              NULL),
        "02:30:00.123  asset_materialization         pos/sales  row_count=12  s=0.0120779\n");
    assert_string_equal(
        shown(
            "{\"seq\":8,\"at\":\"2026-11-22T02:30:01.000Z\",\"type\":\"step_failure\",\"step\":"
            "\"a\",\"attempt\":2,\"duration_ms\":1500,\"error\":{\"message\":\"no disk\",\"hint\":"
            "\"buy one\"}}",
            NULL),
        "02:30:01.000  step_failure                  a  attempt=2  took 1.5 s  no disk  (buy "
        "one)\n");
}

static void how_a_step_ended_is_said_once(void **state)
{
    (void)state;
    assert_string_equal(
        shown("{\"seq\":8,\"at\":\"2026-11-22T02:30:01.000Z\",\"type\":\"step_failure\",\"step\":"
              "\"a\",\"duration_ms\":1500,\"exit\":\"exit code 3\",\"error\":{\"message\":\"no "
              "disk\"}}",
              NULL),
        "02:30:01.000  step_failure                  a  took 1.5 s  exit code 3  no disk\n");
    assert_string_equal(
        shown("{\"seq\":8,\"at\":\"2026-11-22T02:30:01.000Z\",\"type\":\"step_failure\",\"step\":"
              "\"a\",\"duration_ms\":1500,\"exit\":\"exit code 3\",\"error\":{\"message\":\"exit "
              "code 3\"}}",
              NULL),
        "02:30:01.000  step_failure                  a  took 1.5 s  exit code 3\n");
}

static void an_event_with_nothing_to_say_has_no_blanks_behind(void **state)
{
    (void)state;
    assert_string_equal(
        shown("{\"seq\":8,\"at\":\"2026-11-22T02:30:01.000Z\",\"type\":\"run_start\"}", NULL),
        "02:30:01.000  run_start\n");
}

static void an_event_of_no_step_names_its_asset(void **state)
{
    (void)state;
    assert_string_equal(shown("{\"seq\":1,\"at\":\"2026-11-22T02:30:00Z\",\"type\":"
                              "\"freshness_state_change\",\"asset\":\"a/b\",\"status\":\"warn\"}",
                              NULL),
                        "02:30:00Z  freshness_state_change        a/b  status=warn\n");
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

static const char *marked(const char *selection, size_t at)
{
    static char memory[512];
    struct buf out = buf_fixed(memory, sizeof(memory) - 1);
    buf_add_selection_mark(&out, str_from(selection), at);
    assert_false(out.overflow);
    memory[out.len] = '\0';
    return memory;
}

static void a_caret_stands_under_the_mistake(void **state)
{
    (void)state;
    assert_string_equal(marked("a gruop:x", 2), "    a gruop:x\n      ^\n");
    assert_string_equal(marked("a or", 4), "    a or\n        ^\n");
    assert_string_equal(marked("", 0), "    \n    ^\n");
    assert_string_equal(marked("a", 99), "    a\n     ^\n");
    assert_string_equal(marked("a or\nb c\nd", 7), "    b c\n      ^\n");
    /* columns of the terminal: a tab is shown as one space, wide characters take two */
    assert_string_equal(marked("\t\xc3\xa9\xe6\x97\xa5?", 6),
                        "     \xc3\xa9\xe6\x97\xa5?\n        ^\n");
    assert_string_equal(marked("\033[2J", 0), "     [2J\n    ^\n");
    assert_string_equal(
        marked("0123456789012345678901234567890123456789012345678901234567890123456789"
               "?123456789012345678901234567890",
               70),
        "    ...67890123456789012345678901234567890123456789"
        "?123456789012345678901234567...\n"
        "                                                   ^\n");
}

static const struct err at_column = {
    ERR_INVALID, "selection, column 3: there is no attribute \"gruop\"", "did you mean group:?"};

static void show_selection_error(struct cli *cli)
{
    (void)cli_selection_error(cli, str_from(event_line), &at_column);
}

static const char *refused(const char *selection, const char *option)
{
    struct cli_setting setting = {.body = show_selection_error};
    const char *const words[] = {"call", option, NULL};
    event_line = selection;
    return cli_fixture_run(&weave, setting, words).err;
}

static void a_selection_error_shows_where(void **state)
{
    (void)state;
    assert_string_equal(refused("a gruop:x", NULL),
                        "error: selection, column 3: there is no attribute \"gruop\"\n"
                        "    a gruop:x\n"
                        "      ^\n"
                        "hint: did you mean group:?\n");
    /* an error of something else, without a selection, for a program */
    assert_string_equal(refused("a", NULL),
                        "error: selection, column 3: there is no attribute \"gruop\"\n"
                        "hint: did you mean group:?\n");
    assert_string_equal(refused("", NULL),
                        "error: selection, column 3: there is no attribute \"gruop\"\n"
                        "hint: did you mean group:?\n");
    assert_non_null(strstr(refused("a gruop:x", "--json"), "{\"error\":{\"code\":\"invalid\""));
    assert_null(strchr(refused("a gruop:x", "--json"), '^'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_one_line_of_what_matters),
        cmocka_unit_test(how_a_step_ended_is_said_once),
        cmocka_unit_test(an_event_with_nothing_to_say_has_no_blanks_behind),
        cmocka_unit_test(an_event_of_no_step_names_its_asset),
        cmocka_unit_test(a_first_attempt_is_no_news),
        cmocka_unit_test(an_event_cannot_drive_the_terminal),
        cmocka_unit_test(json_gives_the_line_as_it_is),
        cmocka_unit_test(problems_name_their_place),
        cmocka_unit_test(a_caret_stands_under_the_mistake),
        cmocka_unit_test(a_selection_error_shows_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
