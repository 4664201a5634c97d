#include "common/base/buf.h"
#include "hub/fleet/targets.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static const struct target_label berlin[] = {{STR_INIT("site"), STR_INIT("berlin")},
                                             {STR_INIT("line"), STR_INIT("2")}};
static const struct target_device devices[] = {
    {.name = STR_INIT("brooklyn"), .is_online = true, .display_name = STR_INIT("till-1")},
    {.name = STR_INIT("press-1"), .labels = berlin, .label_count = 2, .is_online = true},
    {.name = STR_INIT("press-2"), .labels = berlin, .label_count = 1},
};

static const struct {
    const char *text;
    const char *matched; /* one letter a device */
} cases[] = {
    {"*", "yyy"},
    {"brooklyn", "ynn"},
    {"brook", "nnn"},
    {"till-*", "ynn"},
    {"not till-1", "nyy"},
    {"press-*", "nyy"},
    {"brooklyn,press-2", "yny"},
    {"label:site", "nyy"},
    {"label:site=berlin", "nyy"},
    {"label:site=b*", "nyy"},
    {"label:site=bonn", "nnn"},
    {"label:line", "nyn"},
    {"not label:site", "ynn"},
    {"label:site=berlin and not is:away", "nyn"},
    {"is:away", "nny"},
    {"brooklyn or label:site and is:away", "yny"},
    {"(brooklyn or label:site) and is:online", "yyn"},
    {"  label:site  and(is:away) , brooklyn ", "yny"},
    {"not not brooklyn", "ynn"},
};

static void which_devices_are_meant(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) arena = arena_new(1 << 20);
        struct targets *t = NULL;
        struct err err = {0};
        print_message("%s\n", cases[i].text);
        assert_true(targets_parse(str_from(cases[i].text), &arena, &t, &err));
        for (size_t d = 0; d < COUNT_OF(devices); d++) {
            assert_int_equal(targets_match(t, &devices[d]), cases[i].matched[d] == 'y');
        }
    }
}

static const struct {
    const char *text;
    const char *error;
} mistakes[] = {
    {"", "targets, column 1: expected a device"},
    {"label:", "targets, column 1: a label is label:KEY"},
    {"label:Site=x", "targets, column 1: a label is label:KEY"},
    {"label:site=", "targets, column 1: a label is label:KEY"},
    {"site=berlin", "targets, column 1: expected a device"},
    {"group:pos", "targets, column 1: expected a device"},
    {"a and", "targets, column 6: expected a device"},
    {"a b", "targets, column 3: expected and, or"},
    {"(a", "targets, column 3: a ')' is missing"},
    {"a,", "targets, column 3: expected a device"},
    {"a;b", "targets, column 2: expected and, or"},
    {"((((((((((((((((((((((((((((((((((a))))))))))))))))))))))))))))))))))",
     "targets, column 33: nested too deep"},
};

static void mistakes_are_told_with_their_column(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(mistakes); i++) {
        AUTO(arena) arena = arena_new(1 << 20);
        struct targets *t = NULL;
        struct err err = {0};
        assert_false(targets_parse(str_from(mistakes[i].text), &arena, &t, &err));
        assert_int_equal(err.code, ERR_INVALID);
        print_message("%s: %s\n", mistakes[i].text, err.msg);
        assert_true(str_starts(str_from(err.msg), str_from(mistakes[i].error)));
    }
}

/* As long as it may be, and with no more stack than a short one. */
static void chains_are_as_long_as_the_text(void **state)
{
    (void)state;
    static const char *const between[] = {",", " or ", " and "};
    for (size_t i = 0; i < COUNT_OF(between); i++) {
        struct err err = {0};
        struct targets *t = NULL;
        AUTO(arena) arena = arena_new(16 << 20);
        AUTO(buf) text = buf_growing(TARGETS_BYTES_MAX);
        size_t link = strlen(between[i]) + 1;
        buf_add_char(&text, i == 2 ? '*' : 'x');
        while (text.len + (2 * link) + sizeof("brooklyn") < TARGETS_BYTES_MAX) {
            buf_addf(&text, "%s%c", between[i], i == 2 ? '*' : 'x');
        }
        buf_addf(&text, "%sbrooklyn", between[i]);
        assert_true(targets_parse(buf_str(&text), &arena, &t, &err));
        assert_true(targets_match(t, &devices[0]));
        assert_false(targets_match(t, &devices[1]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_devices_are_meant),
        cmocka_unit_test(mistakes_are_told_with_their_column),
        cmocka_unit_test(chains_are_as_long_as_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
