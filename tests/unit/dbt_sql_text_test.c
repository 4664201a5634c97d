#include "agent/transform/sql_text.h"
#include "tests/support/cmocka_all.h"

static void only_what_is_behind_the_last_token_goes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {" \n\t", ""},
        {";;", ""},
        {"-- nothing", ""},
        {"/* nothing", ""},
        {"/* nothing */ ; -- at all\n", ""},
        {"select 1", "select 1"},
        {"\n select 1 ;\n", "\n select 1"},
        {"select 1; -- done; really", "select 1"},
        {"select 1 /* a; */ ; /* b */", "select 1"},
        {"select 1; select 2;", "select 1; select 2"},
        {"select 'a; -- b' ;", "select 'a; -- b'"},
        {"select 'it''s; ' ;", "select 'it''s; '"},
        {"select \"a;\" ;", "select \"a;\""},
        {"select `a--` ;", "select `a--`"},
        {"select [a--b] ;", "select [a--b]"},
        {"select a[1] ;", "select a[1]"},
        {"select $$a; -- $$ ;", "select $$a; -- $$"},
        {"select $x$ ' $$ $x$ ;", "select $x$ ' $$ $x$"},
        {"select $1 ;", "select $1"},
        {"select $a ;", "select $a"},
        {"select 5 - -3;", "select 5 - -3"},
        {"select 6 / 3 * 2;", "select 6 / 3 * 2"},
        {"select 1 -- a\n, 2 -- b", "select 1 -- a\n, 2"},
        {"select 'never ends; -- ", "select 'never ends; -- "},
        {"-", "-"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str is = sql_statement(str_from(cases[i][0]));
        if (!str_eq(is, str_from(cases[i][1]))) {
            fail_msg("%s gave " STR_FMT, cases[i][0], STR_ARG(is));
        }
    }
}

static void statements_one_after_the_other(void **state)
{
    (void)state;
    static const char *const cases[][4] = {
        {"", ""},
        {";; -- nothing;\n;", ""},
        {"a", "a", ""},
        {"a; b ; c;", "a", "b", "c"},
        {"select ';' ; /* ; */ do $x$ a; b; $x$;\n-- end;", "select ';'", "do $x$ a; b; $x$", ""},
        {"select \";\"; a", "select \";\"", "a", ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str rest = str_from(cases[i][0]);
        for (size_t k = 1; k < COUNT_OF(cases[i]) && cases[i][k] != NULL; k++) {
            struct str is = str_trim(sql_next(&rest));
            if (!str_eq(is, str_from(cases[i][k]))) {
                fail_msg("%s gave " STR_FMT, cases[i][0], STR_ARG(is));
            }
        }
        assert_int_equal(sql_next(&rest).len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_behind_the_last_token_goes),
        cmocka_unit_test(statements_one_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
