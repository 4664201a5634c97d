/* dbt_select_match_test.c - common/dbt/select_match.h, against what Python's fnmatch.fnmatchcase says. */
#include "common/dbt/select_match.h"
#include "tests/support/cmocka_all.h"
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text, *pattern;
    bool matches;
} cases[] = {
    {"", "", true},
    {"", "*", true},
    {"", "?", false},
    {"abc", "abc", true},
    {"abc", "ABC", false},
    {"abc", "a*", true},
    {"abc", "*c", true},
    {"abc", "*b*", true},
    {"abc", "a*b", false},
    {"abcbc", "a*bc", true},
    {"abc", "a?c", true},
    {"abc", "????", false},
    {"a\nb", "a*b", true},
    {"h\xc3\xa9", "h?", true}, /* by characters */
    {"h\xc3\xa9", "h[\xc3\xa8-\xc3\xaa]", true},
    {"b", "[abc]", true},
    {"b", "[!abc]", false},
    {"d", "[!abc]", true},
    {"b", "[a-c]", true},
    {"-", "[a-]", true},
    {"-", "[!-c]", false},
    {"b", "[!-c]", true},
    {"b", "[c-a]", false},
    {"b", "[!c-a]", true},
    {"]", "[]]", true},
    {"x", "[!]]", true},
    {"]", "[!]]", false},
    {"[", "[", true},
    {"[a", "[a", true},
    {"a", "[]", false},
    {"[]", "[]", true},
    {"d", "[a-c-e]", false},
    {"-", "[a-c-e]", true},
    {"^", "[^a]", true}, /* no negation */
    {"b", "[^a]", false},
    {"\\", "[\\]", true},
    {"\\x", "\\*", true},
};

static void as_fnmatch_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (select_matches(str_from(cases[i].text), str_from(cases[i].pattern)) !=
            cases[i].matches) {
            fail_msg("\"%s\" and \"%s\"", cases[i].text, cases[i].pattern);
        }
    }
}

/* No pattern makes it slow: at most text times pattern. */
static void many_stars(void **state)
{
    enum { LEN = 4000 };
    char text[LEN];
    char pattern[LEN];
    (void)state;
    memset(text, 'a', sizeof(text));
    for (size_t i = 0; i < sizeof(pattern); i++) {
        pattern[i] = i % 2 == 0 ? '*' : 'a';
    }
    pattern[LEN - 1] = 'b';
    assert_false(select_matches((struct str){text, LEN}, (struct str){pattern, LEN}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_fnmatch_does),
        cmocka_unit_test(many_stars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
