/* cli_parse_test.c - common/cli/cli.h: from argv to a call, or to one clear line */
#include "tests/support/cmocka_all.h"
#include "tests/unit/cli_fixture.h"
#include <string.h>

static void values_have_defaults(void **state)
{
    (void)state;
    struct cli_outcome o = RUN("runs");
    assert_int_equal(o.code, CLI_OK);
    assert_string_equal(o.out, "limit=20 since=0 cap=1024\n"
                               "mode=append all=0 given=0 dir=/var/lib/weave quiet=0\n");
    assert_string_equal(o.err, "");
}

static void every_form_of_an_option_is_read(void **state)
{
    (void)state;
    static const char expected[] = "limit=5 since=90 cap=64000\n"
                                   "mode=upsert all=1 given=1 dir=/tmp quiet=1\n"
                                   "tag=x\ntag=y\narg=a/*\narg=-b\narg=--c\n";
    struct cli_outcome o =
        RUN("--state-dir", "/tmp", "--quiet", "runs", "-n", "5", "--since=1m30s", "--cap", "64kB",
            "--mode=upsert", "-a", "-tx", "a/*", "--tag", "y", "--", "-b", "--c");
    assert_string_equal(o.out, expected);
    o = RUN("runs", "-n5", "--since", "90s", "--cap=64kB", "-a", "--tag=x", "-t", "y", "--mode",
            "upsert", "-d/tmp", "--quiet", "a/*", "--", "-b", "--c");
    assert_string_equal(o.out, expected);
}

static void the_last_one_wins(void **state)
{
    (void)state;
    struct cli_outcome o = RUN("runs", "-n", "5", "-n", "6", "-");
    assert_non_null(strstr(o.out, "limit=6"));
    assert_non_null(strstr(o.out, "arg=-\n"));
}

static void a_value_may_be_left_out(void **state)
{
    (void)state;
    struct cli_outcome o = RUN("runs", "--try", "two");
    assert_non_null(strstr(o.out, "try=one\narg=two\n"));
    o = RUN("runs", "--try=two");
    assert_non_null(strstr(o.out, "try=two\n"));
    o = RUN("runs", "--try=three");
    assert_int_equal(o.code, CLI_USAGE);
    assert_non_null(strstr(o.err, "\"three\""));
}

static void the_environment_stands_in(void **state)
{
    (void)state;
    struct cli_setting setting = {.name = "WEAVE_LIMIT", .value = "7"};
    struct cli_outcome o = cli_fixture_run(&weave, setting, (const char *const[]){"runs", NULL});
    assert_non_null(strstr(o.out, "limit=7"));
    assert_non_null(strstr(o.out, "given=1"));
    o = cli_fixture_run(&weave, setting, (const char *const[]){"runs", "-n8", NULL});
    assert_non_null(strstr(o.out, "limit=8"));
    setting.value = "many";
    o = cli_fixture_run(&weave, setting, (const char *const[]){"runs", NULL});
    assert_int_equal(o.code, CLI_USAGE);
    assert_non_null(strstr(o.err, "environment variable WEAVE_LIMIT: \"many\" is not an integer"));
    setting = (struct cli_setting){.name = "WEAVE_QUIET", .value = "1"};
    o = cli_fixture_run(&weave, setting, (const char *const[]){"runs", NULL});
    assert_non_null(strstr(o.out, "quiet=1"));
}

/* Each is refused with this line, and nothing is run. */
static void mistakes_get_one_clear_line(void **state)
{
    (void)state;
    static const struct {
        const char *words[6];
        const char *line;
    } cases[] = {
        {{"runs", "--limti", "3"},
         "unknown option --limti for `weave runs`; did you mean --limit?"},
        {{"runs", "--limti=3"}, "unknown option --limti for `weave runs`; did you mean --limit?"},
        {{"runs", "--completely-else"}, "unknown option --completely-else for `weave runs`"},
        {{"runs", "-x"}, "unknown option -x for `weave runs`"},
        {{"runs", "-an"}, "unknown option -an for `weave runs`"},
        {{"runs", "--all=yes"}, "option --all takes no value"},
        {{"runs", "--limit"}, "option --limit needs a value: --limit N"},
        {{"runs", "-n"}, "option --limit needs a value: --limit N"},
        {{"runs", "-n", "0"}, "option --limit: \"0\" is not an integer from 1 to 1000"},
        {{"runs", "-n", "1001"}, "option --limit: \"1001\" is not an integer from 1 to 1000"},
        {{"runs", "--since", "5"},
         "option --since: \"5\" is not a duration such as 10s, 5m or 1h30m"},
        {{"runs", "--cap", "x"}, "option --cap: \"x\" is not a size such as 1024, 500kB or 64MiB"},
        {{"runs", "--mode", "ups"}, "option --mode: \"ups\" is not one of append|upsert"},
        {{"rusn"}, "unknown command rusn for `weave`; did you mean runs?"},
        {{"entirely"}, "unknown command entirely for `weave`"},
        {{"secrte"}, "unknown command secrte for `weave`"},
        {{"--limit", "3", "runs"}, "unknown option --limit for `weave`"},
        {{"token"}, "`weave token` needs one of: create, list"},
        {{"token", "lits"}, "unknown command lits for `weave token`; did you mean token list?"},
        {{"loom", "stpo"}, "unknown command stpo for `weave loom`; did you mean loom stop?"},
        {{"loom", "stop"}, "`weave loom stop` needs LOOM"},
        {{"logs"}, "`weave logs` needs RUN"},
        {{"logs", "r1"}, "`weave logs` needs also STEP"},
        {{"logs", "r1", "s1", "z"}, "unexpected argument \"z\" for `weave logs`"},
        {{"call", "z"}, "unexpected argument \"z\" for `weave call`"},
        {{"help", "nothing"}, "there is no command \"nothing\""},
        {{"completion", "csh"}, "no completion for \"csh\"; there is bash, zsh and fish"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct cli_outcome o = cli_fixture_run(&weave, (struct cli_setting){0}, cases[i].words);
        assert_int_equal(o.code, CLI_USAGE);
        assert_string_equal(o.out, "");
        assert_memory_equal(o.err, "error: ", 7);
        size_t len = strcspn(o.err + 7, "\n");
        o.err[7 + len] = '\0';
        assert_string_equal(o.err + 7, cases[i].line);
    }
}

static void a_group_may_do_something_itself(void **state)
{
    (void)state;
    assert_string_equal(RUN("loom").out, "looms\n");
    assert_string_equal(RUN("loom", "stop", "7").out, "stop 7\n");
    assert_string_equal(RUN("loom", "--quiet", "stop", "7").out, "stop 7\n");
    assert_int_equal(RUN("loom", "--", "stop").code, CLI_USAGE);
}

static void a_group_may_take_arguments(void **state)
{
    (void)state;
    assert_string_equal(RUN("yarn", "wool").out, "spin wool \n");
    assert_string_equal(RUN("yarn", "list").out, "looms\n");
    assert_string_equal(RUN("yarn", "wool", "list").out, "spin wool list\n");
    assert_string_equal(RUN("yarn", "--quiet", "list").out, "looms\n");
    assert_string_equal(RUN("yarn", "--", "list").out, "spin list \n");
    assert_int_equal(RUN("yarn").code, CLI_USAGE);
}

static void a_long_command_word_is_refused(void **state)
{
    (void)state;
    char word[5000];
    memset(word, 'x', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    assert_int_equal(RUN(word).code, CLI_USAGE);
    assert_int_equal(RUN("help", word).code, CLI_USAGE);
    assert_int_equal(RUN("runs", "--mode", word).code, CLI_USAGE);
}

static void no_command_shows_help_on_stderr(void **state)
{
    (void)state;
    struct cli_outcome o =
        cli_fixture_run(&weave, (struct cli_setting){0}, (const char *const[]){NULL});
    assert_int_equal(o.code, CLI_USAGE);
    assert_string_equal(o.out, "");
    assert_non_null(strstr(o.err, "Usage: weave COMMAND"));
}

static void errors_are_json_when_asked(void **state)
{
    (void)state;
    struct cli_outcome o = RUN("fail");
    assert_int_equal(o.code, CLI_UNREACHABLE);
    assert_string_equal(o.err, "error: connect to \"hub\": refused\nhint: is it running?\n");
    o = RUN("fail", "--json");
    assert_int_equal(o.code, CLI_UNREACHABLE);
    assert_string_equal(o.err,
                        "{\"error\":{\"code\":\"offline\",\"message\":\"connect to \\\"hub\\\": "
                        "refused\",\"hint\":\"is it running?\"}}\n");
    o = RUN("runs", "--limti", "--json");
    assert_string_equal(o.err,
                        "{\"error\":{\"code\":\"usage\",\"message\":\"unknown option --limti for "
                        "`weave runs`; did you mean --limit?\"}}\n");
}

static void classes_become_exit_codes(void **state)
{
    (void)state;
    assert_int_equal(cli_exit_from(ERR_INVALID), CLI_BAD_INPUT);
    assert_int_equal(cli_exit_from(ERR_NOT_FOUND), CLI_NOT_FOUND);
    assert_int_equal(cli_exit_from(ERR_OFFLINE), CLI_UNREACHABLE);
    assert_int_equal(cli_exit_from(ERR_TIMEOUT), CLI_UNREACHABLE);
    assert_int_equal(cli_exit_from(ERR_DENIED), CLI_DENIED);
    assert_int_equal(cli_exit_from(ERR_FULL), CLI_FAILED);
    assert_int_equal(cli_exit_from(ERR_INTERNAL), CLI_FAILED);
}

static const char *getenv_none(const char *name)
{
    (void)name;
    return NULL;
}

static void a_full_disk_is_a_failure(void **state)
{
    (void)state;
    char text[1000];
    FILE *full = fopen("/dev/full", "w");
    FILE *err = fmemopen(text, sizeof(text), "w");
    assert_non_null(full);
    char name[] = "weave";
    char word[] = "--version";
    char *argv[] = {name, word, NULL};
    struct cli_io io = {.out = full, .err = err, .getenv = getenv_none};
    assert_int_equal(cli_run(&weave, &io, 2, argv, NULL), CLI_FAILED);
    (void)fclose(full);
    (void)fclose(err);
    assert_non_null(strstr(text, "error: write the output: No space left on device"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_defaults),
        cmocka_unit_test(every_form_of_an_option_is_read),
        cmocka_unit_test(the_last_one_wins),
        cmocka_unit_test(a_value_may_be_left_out),
        cmocka_unit_test(the_environment_stands_in),
        cmocka_unit_test(mistakes_get_one_clear_line),
        cmocka_unit_test(a_group_may_do_something_itself),
        cmocka_unit_test(a_group_may_take_arguments),
        cmocka_unit_test(a_long_command_word_is_refused),
        cmocka_unit_test(no_command_shows_help_on_stderr),
        cmocka_unit_test(errors_are_json_when_asked),
        cmocka_unit_test(classes_become_exit_codes),
        cmocka_unit_test(a_full_disk_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
