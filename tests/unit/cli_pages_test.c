/* cli_pages_test.c - common/cli/cli.h: help, man page, Markdown and completion, made from one table
 */
#include "tests/support/cmocka_all.h"
#include "tests/unit/cli_fixture.h"
#include <stdlib.h>
#include <string.h>

static void help_of_a_command_says_all(void **state)
{
    (void)state;
    struct cli_outcome o = RUN("runs", "--help", "--nonsense");
    assert_int_equal(o.code, CLI_OK);
    assert_string_equal(
        o.out, "weave runs - list runs, newest first\n"
               "\n"
               "Usage: weave runs [OPTION...] [SELECTION [DEVICE...]]\n"
               "\n"
               "Shows what this device did. In one paragraph.\n"
               "\n"
               "  a.b: 'kept' \\ as - it is\n"
               "  second line\n"
               "\n"
               ".starts with a dot\n"
               "\n"
               "Options:\n"
               "  -n, --limit N           how many runs to show (1 to 1000; default 20;\n"
               "                          environment WEAVE_LIMIT)\n"
               "      --since TIME        only the last TIME\n"
               "      --cap SIZE          at most (default 1KiB)\n"
               "      --mode MODE         how to write (one of append|upsert; default append)\n"
               "  -t, --tag TAG           only with this tag (may be given again)\n"
               "      --try[=WHAT]        only pretend (one of one|two)\n"
               "  -a, --all               the hidden ones too\n"
               "\n"
               "Options of every command:\n"
               "  -d, --state-dir DIR     where state is (default /var/lib/weave)\n"
               "      --quiet             say less (environment WEAVE_QUIET)\n"
               "      --json              results and errors as JSON\n"
               "  -h, --help              show this help\n"
               "  -V, --version           show the version\n"
               "\n"
               "Examples:\n"
               "  weave runs -n 5\n"
               "      the last five runs\n"
               "  weave runs 'a/*'\n"
               "\n"
               "Exit codes:\n"
               "  0  done\n"
               "  1  the operation failed\n"
               "  2  the command line is wrong; nothing was done\n"
               "  3  the named thing does not exist\n"
               "  4  the other side is not running or cannot be reached\n"
               "  5  refused\n"
               "  6  definitions or other input are wrong\n"
               "\n"
               "Exits with 3 when the selection is empty.\n");
    char *first = strdup(o.out);
    o = RUN("help", "runs");
    assert_string_equal(o.out, first);
    free(first);
}

static void help_of_program_and_group_lists_commands(void **state)
{
    (void)state;
    struct cli_outcome o = RUN("--help");
    assert_non_null(strstr(o.out, "\nUsage: weave COMMAND [OPTION...] [ARGUMENT...]\n"));
    assert_non_null(strstr(o.out, "  token create            make a token\n"));
    assert_non_null(strstr(o.out, "  help                    say what a command does\n"));
    assert_null(strstr(o.out, "secret"));
    o = RUN("token", "--help");
    assert_non_null(strstr(o.out, "Usage: weave token COMMAND [OPTION...]\n"));
    assert_non_null(strstr(o.out, "  token list              list tokens\n"));
    assert_null(strstr(o.out, "  runs "));
    o = RUN("loom", "--help");
    assert_non_null(strstr(o.out, "Usage: weave loom [COMMAND] [OPTION...]\n"));
    assert_non_null(strstr(o.out, "  loom stop               stop a loom\n"));
    o = RUN("help", "token", "create");
    assert_memory_equal(o.out, "weave token create - make a token\n", 34);
}

static int do_nothing(struct cli *cli, void *ctx)
{
    (void)ctx;
    cli_printf(cli, "%s\n", cli_arg(cli, 0));
    return CLI_OK;
}

static const struct cli_command sole[] = {
    {.name = "",
     .args = "FILE",
     .summary = "cut",
     .options = CLI_OPTIONS({.name = "fast", .type = CLI_BOOL, .help = "hurry"}),
     .run = do_nothing},
    {0},
};
static const struct cli_program shears = {
    .name = "shears", .summary = "cut cloth", .commands = sole};

static void a_program_may_have_no_commands(void **state)
{
    (void)state;
    struct cli_setting none = {0};
    struct cli_outcome o = cli_fixture_run(&shears, none, (const char *const[]){"runs", NULL});
    assert_string_equal(o.out, "runs\n");
    o = cli_fixture_run(&shears, none, (const char *const[]){NULL});
    assert_int_equal(o.code, CLI_USAGE);
    assert_string_equal(o.err, "error: `shears` needs FILE\nhint: see `shears --help`\n");
    o = cli_fixture_run(&shears, none, (const char *const[]){"--help", NULL});
    assert_non_null(strstr(o.out, "Usage: shears [OPTION...] FILE\n\nOptions:\n      --fast "));
}

static void version_is_told(void **state)
{
    (void)state;
    struct cli_outcome o = RUN("--version");
    assert_string_equal(o.out, "weave " SELVEDGE_VERSION "\n");
}

static void the_man_page_escapes_what_roff_reads(void **state)
{
    (void)state;
    struct cli_outcome o = RUN("help", "--man");
    assert_non_null(strstr(o.out, ".TH WEAVE 1 "));
    assert_non_null(strstr(o.out, ".SH NAME\nweave \\- test the command line\n"));
    assert_non_null(strstr(o.out, "\n\\&.starts with a dot\n"));
    assert_non_null(strstr(o.out, "  a.b: 'kept' \\e as \\- it is\n"));
    assert_non_null(strstr(o.out, ".SS token create\n"));
    assert_non_null(strstr(o.out, ".B WEAVE_LIMIT\n"));
    assert_non_null(strstr(o.out, ".I /etc/weave.yaml\nthe configuration\n"));
    assert_null(strstr(o.out, "secret"));
}

static void the_reference_is_markdown(void **state)
{
    (void)state;
    struct cli_outcome o = RUN("help", "--markdown");
    assert_non_null(strstr(o.out, "# weave: test the command line\n"));
    assert_non_null(strstr(o.out, "## `token create`: make a token\n"));
    assert_non_null(
        strstr(o.out, "| `--mode MODE` | how to write (one of append\\|upsert; default append) |"));
    assert_non_null(strstr(o.out, "| 6 | definitions or other input are wrong |"));
}

static void shells_get_words_from_the_table(void **state)
{
    (void)state;
    struct cli_outcome o = RUN("completion", "bash");
    assert_non_null(strstr(o.out, "'token') offers=' create list' options=' --state-dir"));
    assert_non_null(strstr(o.out, "'runs --mode') offers='append upsert' ;;"));
    assert_non_null(strstr(o.out, "complete -o default -F _weave weave\n"));
    assert_null(strstr(o.out, "secret"));
    o = RUN("completion", "zsh");
    assert_non_null(strstr(o.out, "bashcompinit\n"));
    o = RUN("completion", "fish");
    assert_non_null(strstr(o.out, "complete -c weave -f -n __fish_use_subcommand -a runs -d "
                                  "'list runs, newest first'\n"));
    assert_non_null(strstr(o.out, "-n '__fish_seen_subcommand_from completion' -a ' bash zsh "
                                  "fish'\n"));
    assert_non_null(strstr(o.out, "-n '__fish_seen_subcommand_from help' -a ' runs "));
    assert_null(strstr(o.out, "secret"));
}

static bool is_refused(const struct cli_command *commands, const char *part)
{
    struct cli_program program = {.name = "p", .summary = "s", .commands = commands};
    struct err err = {0};
    return !cli_check_program(&program, &err) && strstr(err.msg, part) != NULL;
}

#define ONE_OPTION(...)                                                                            \
    (const struct cli_command[])                                                                   \
    {                                                                                              \
        {.name = "c", .summary = "s", .run = do_nothing, .options = CLI_OPTIONS(__VA_ARGS__)},     \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

static void mistakes_in_a_table_are_found(void **state)
{
    (void)state;
    struct err err = {0};
    assert_true(cli_check_program(&weave, &err));
    assert_true(cli_check_program(&shears, &err));
    assert_true(is_refused((const struct cli_command[]){{.name = "c", .run = do_nothing}, {0}},
                           "p c: no summary"));
    assert_true(is_refused(
        (const struct cli_command[]){{.name = "g c", .summary = "s", .run = do_nothing}, {0}},
        "p g c: there is no group g"));
    assert_true(is_refused((const struct cli_command[]){{.name = "c", .summary = "s"},
                                                        {.name = "c", .summary = "s"},
                                                        {0}},
                           "p c: there is another"));
    assert_true(is_refused(ONE_OPTION({.name = "o"}), "p c: option --o: help"));
    assert_true(is_refused(ONE_OPTION({.name = "o", .type = CLI_INT, .help = "h"}), "value name"));
    assert_true(is_refused(ONE_OPTION({.name = "json", .help = "h"}), "--json and --json"));
    assert_true(
        is_refused(ONE_OPTION({.name = "hat", .letter = 'h', .help = "h"}), "--hat and --help"));
    assert_true(is_refused(
        ONE_OPTION(
            {.name = "o", .type = CLI_INT, .value_name = "N", .default_text = "x", .help = "h"}),
        "its own default"));
    assert_true(is_refused(
        ONE_OPTION(
            {.name = "o", .type = CLI_INT, .value_name = "N", .bare_text = "x", .help = "h"}),
        "cannot stand alone"));
    assert_true(is_refused(ONE_OPTION({.name = "o",
                                       .letter = 'o',
                                       .type = CLI_STRING,
                                       .value_name = "N",
                                       .bare_text = "x",
                                       .help = "h"}),
                           "cannot stand alone"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_of_a_command_says_all),
        cmocka_unit_test(help_of_program_and_group_lists_commands),
        cmocka_unit_test(a_program_may_have_no_commands),
        cmocka_unit_test(version_is_told),
        cmocka_unit_test(the_man_page_escapes_what_roff_reads),
        cmocka_unit_test(the_reference_is_markdown),
        cmocka_unit_test(mistakes_in_a_table_are_found),
        cmocka_unit_test(shells_get_words_from_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
