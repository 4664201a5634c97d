/* el_number_test.c - agent/el/number.h */
#include "agent/el/number.h"
#include "tests/support/cmocka_all.h"

static void kinds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum column_kind kind;
    } rows[] = {
        {"0", COLUMN_INTEGER},
        {"-1", COLUMN_INTEGER},
        {"9223372036854775807", COLUMN_INTEGER},
        {"-9223372036854775808", COLUMN_INTEGER},
        {"9223372036854775808", COLUMN_TEXT},
        {"99999999999999999999", COLUMN_TEXT},
        {"007", COLUMN_TEXT},
        {"-0", COLUMN_TEXT},
        {"+1", COLUMN_TEXT},
        {"00.5", COLUMN_TEXT},
        {"0.5", COLUMN_REAL},
        {"-0.5", COLUMN_REAL},
        {"1.50", COLUMN_REAL},
        {"1e5", COLUMN_TEXT}, /* as likely a product code as a number */
        {"1.5e5", COLUMN_REAL},
        {"1.5e999", COLUMN_TEXT},
        {"0.30000000000000004", COLUMN_REAL},
        {"0.300000000000000041", COLUMN_TEXT},
        {".5", COLUMN_TEXT},
        {"5.", COLUMN_TEXT},
        {"1.2.3", COLUMN_TEXT},
        {"0x10", COLUMN_TEXT},
        {"nan", COLUMN_TEXT},
        {"1 ", COLUMN_TEXT},
        {"-", COLUMN_TEXT},
        {"", COLUMN_TEXT},
        {"2026-01-01", COLUMN_TEXT},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (number_kind(str_from(rows[i].text)) != rows[i].kind) {
            fail_msg("\"%s\" is %d, not %d", rows[i].text, (int)number_kind(str_from(rows[i].text)),
                     (int)rows[i].kind);
        }
    }
}

static void values(void **state)
{
    (void)state;
    struct value v;
    assert_true(number_parse(STR("-9223372036854775808"), &v));
    assert_int_equal(v.type, VALUE_INTEGER);
    assert_true(v.as.integer == INT64_MIN);
    assert_true(number_parse(STR("1e5"), &v) && v.type == VALUE_REAL);
    assert_true(number_parse(STR("12345678901234567890"), &v) && v.type == VALUE_REAL);
    assert_false(number_parse(STR("007"), &v));
    assert_false(number_parse(STR("-00.5"), &v));
    assert_false(number_parse(STR("1e999"), &v));
    assert_true(number_parse(STR("0.0625"), &v));
    assert_int_equal(v.type, VALUE_REAL);
    assert_true(v.as.real >= 0.0625 && v.as.real <= 0.0625);
}

static void what_a_double_keeps(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_exact;
    } cases[] = {
        {"0", true},
        {"-0.000", true},
        {"0.1", true},
        {"123456789012345", true},
        {"0.30000000000000004", true}, /* what 0.1 + 0.2 is written as */
        {"0.30000000000000005", false},
        {"9007199254740992", true},
        {"9007199254740993", false},
        {"18446744073709551616", true}, /* 2^64 */
        {"18446744073709551617", false},
        {"1e300", true},
        {"1.7976931348623157e308", true},
        {"5e-324", true},
        {"4e-324", false},
        {"1e-400", false}, /* 0 to a double */
        {"3.141592653589793", true},
        {"3.14159265358979323846", false},
        {"100000000000000000000000000000000000000000000", true},
        {"1.00000000000000000000000000000000000000000001", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        double real = 0;
        assert_true(str_to_double(str_from(cases[i].text), &real));
        if (number_is_exact(str_from(cases[i].text), real) != cases[i].is_exact) {
            fail_msg("%s", cases[i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(kinds), cmocka_unit_test(values),
                                       cmocka_unit_test(what_a_double_keeps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
