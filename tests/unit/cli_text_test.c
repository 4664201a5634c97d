/* cli_text_test.c - common/cli/text.h */
#include "common/cli/text.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static void widths_are_terminal_columns(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t width;
    } cases[] = {
        {"", 0},     {"abc", 3},      {"Zürich", 6},           {"e\u0301", 1},
        {"日本", 4}, {"🧵", 2},     {"\xff\xfe", 2},         {"\xe2\x82", 2},
        {"€", 1},    {"\xc0\x80", 2}, {"\xf5\x80\x80\x80", 4},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(text_width(str_from(cases[i].text)), cases[i].width);
    }
}

static void data_cannot_drive_the_terminal(void **state)
{
    (void)state;
    char text[64];
    struct buf b = buf_fixed(text, sizeof(text));
    /* NOLINTNEXTLINE(misc-misleading-bidirectional): what it is about */
    buf_add_harmless(&b, STR("a\033[2Jb\nc\xC2\x9B\xE2\x80\xAE\xff\0z"));
    assert_string_equal(buf_cstr(&b), "a [2Jb c  \xEF\xBF\xBD z");
}

static void cutting_counts_columns(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t width;
        const char *cut;
    } cases[] = {
        {"abcdef", 6, "abcdef"}, {"abcdef", 5, "abcd…"}, {"日本語", 5, "日本…"},
        {"日本語", 4, "日…"},    {"abc", 1, "…"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[64];
        struct buf b = buf_fixed(text, sizeof(text));
        buf_add_cut(&b, str_from(cases[i].text), cases[i].width);
        assert_string_equal(buf_cstr(&b), cases[i].cut);
    }
}

static void times_are_told_from_now(void **state)
{
    (void)state;
    static const struct {
        int64_t ago_s;
        const char *text;
    } cases[] = {
        {0, "just now"},    {1, "just now"},          {2, "2 s ago"},          {59, "59 s ago"},
        {60, "1 min ago"},  {3599, "59 min ago"},     {3600, "1 h ago"},       {86399, "23 h ago"},
        {86400, "1 d ago"}, {2591999, "29 d ago"},    {2592000, "2026-10-23"}, {-1, "just now"},
        {-180, "in 3 min"}, {-2592000, "2026-12-22"},
    };
    struct wall_time now;
    assert_true(wall_parse(STR("2026-11-22T12:00:00Z"), &now));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[64];
        struct buf b = buf_fixed(text, sizeof(text));
        buf_add_ago(&b, (struct wall_time){now.ns - cases[i].ago_s * NS_PER_SEC}, now);
        assert_string_equal(buf_cstr(&b), cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths_are_terminal_columns),
        cmocka_unit_test(data_cannot_drive_the_terminal),
        cmocka_unit_test(cutting_counts_columns),
        cmocka_unit_test(times_are_told_from_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
