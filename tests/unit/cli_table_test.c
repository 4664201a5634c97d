/* cli_table_test.c - common/cli/table.h */
#include "common/cli/table.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/cli_fixture.h"
#include <string.h>

static void print_runs(struct cli *cli)
{
    struct wall_time now = {.ns = 1000 * NS_PER_SEC};
    AUTO(table)
    t = table_new(TABLE_COLUMNS({.name = "RUN"}, {.name = "ROWS", .is_right = true},
                                {.name = "ERROR", .is_wide = true}, {.name = "WHEN"}));
    table_text(&t, "r1");
    table_i64(&t, 12345);
    table_text(&t, NULL);
    table_ago(&t, (struct wall_time){now.ns - 60 * NS_PER_SEC}, now);
    table_cell(&t, STR("run-2"));
    table_text(&t, "812 B");
    table_tone(&t, CLI_BAD, STR("disk\033full: no space left"));
    table_ago(&t, (struct wall_time){0}, now);
    table_cellf(&t, "%s", "Zürich");
    table_duration(&t, -1);
    table_cell(&t, STR(""));
    table_duration(&t, 1200 * NS_PER_MS);
    table_print(&t, cli);
}

static const char *const words[] = {"call", NULL};

static void columns_are_aligned_and_whole_in_a_pipe(void **state)
{
    (void)state;
    struct cli_outcome o = cli_fixture_run(&weave, (struct cli_setting){.body = print_runs}, words);
    assert_string_equal(o.out, "RUN      ROWS  ERROR                     WHEN\n"
                               "r1      12345  -                         1 min ago\n"
                               "run-2   812 B  disk full: no space left  -\n"
                               "Zürich      -  -                         1.2 s\n");
}

static void a_narrow_terminal_cuts_the_wide_column(void **state)
{
    (void)state;
    struct cli_setting setting = {
        .body = print_runs, .width = 40, .name = "NO_COLOR", .value = "1"};
    struct cli_outcome o = cli_fixture_run(&weave, setting, words);
    assert_string_equal(o.out, "RUN      ROWS  ERROR           WHEN\n"
                               "r1      12345  -               1 min ago\n"
                               "run-2   812 B  disk full: no…  -\n"
                               "Zürich      -  -               1.2 s\n");
    setting.width = 5; /* nothing sensible is possible, and nothing breaks */
    o = cli_fixture_run(&weave, setting, words);
    assert_non_null(strstr(o.out, "disk fu…"));
}

static void colours_are_for_terminals(void **state)
{
    (void)state;
    struct cli_setting setting = {.body = print_runs, .width = 200};
    struct cli_outcome o = cli_fixture_run(&weave, setting, words);
    assert_non_null(strstr(o.out, "\033[31mdisk full: no space left\033[0m  -"));
    setting.name = "TERM";
    setting.value = "dumb";
    o = cli_fixture_run(&weave, setting, words);
    assert_null(strchr(o.out, '\033'));
    setting.name = "NO_COLOR";
    o = cli_fixture_run(&weave, setting, words);
    assert_null(strchr(o.out, '\033'));
}

static int rows;

static void print_list(struct cli *cli)
{
    AUTO(table) t = table_new(TABLE_COLUMNS({.name = "A"}));
    for (int i = 0; i < rows; i++) {
        table_text(&t, "x");
    }
    table_print_list(&t, cli, "nothing");
}

static void a_list_without_rows_says_so(void **state)
{
    (void)state;
    static const char *const json[] = {"call", "--json", NULL};
    const struct cli_setting setting = {.body = print_list};
    rows = 0;
    assert_string_equal(cli_fixture_run(&weave, setting, words).out, "nothing\n");
    assert_string_equal(cli_fixture_run(&weave, setting, json).out, "");
    rows = 1;
    assert_string_equal(cli_fixture_run(&weave, setting, words).out, "A\nx\n");
    assert_string_equal(cli_fixture_run(&weave, setting, json).out, "");
}

static void print_too_much(struct cli *cli)
{
    AUTO(table) t = table_new(TABLE_COLUMNS({.name = "A"}));
    t.text.max = 1000;
    for (int i = 0; i < 200; i++) {
        table_cell(&t, STR("xxxxxxxx"));
    }
    table_print(&t, cli);
}

static void a_table_beyond_its_maximum_is_an_error(void **state)
{
    (void)state;
    struct cli_outcome o =
        cli_fixture_run(&weave, (struct cli_setting){.body = print_too_much}, words);
    assert_int_equal(o.code, CLI_FAILED);
    assert_string_equal(o.out, "");
    assert_string_equal(o.err, "error: the table takes more than 1000 bytes; use --json\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_aligned_and_whole_in_a_pipe),
        cmocka_unit_test(a_narrow_terminal_cuts_the_wide_column),
        cmocka_unit_test(colours_are_for_terminals),
        cmocka_unit_test(a_list_without_rows_says_so),
        cmocka_unit_test(a_table_beyond_its_maximum_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
