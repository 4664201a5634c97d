/* What dbt's agate makes of fields: each line was asked of dbt-common 1.39 with agate 1.9.1. Thousands
 * of random ones: tests/interop/dbt_seed_types_test.py */
#include <string.h>

#include "common/base/compiler.h"
#include "common/dbt/seed_types.h"
#include "tests/support/cmocka_all.h"

struct value_case {
    const char *field;
    enum seed_type type; /* of a column with this field alone */
    const char *value;   /* NULL: null */
};

static const struct value_case value_cases[] = {
    {"5", SEED_NUMBER, "5"},
    {"$1,000", SEED_NUMBER, "1000"},
    {"-$5", SEED_NUMBER, "-5"},
    {"--5", SEED_NUMBER, "5"},
    {"5 %", SEED_NUMBER, "5"},
    {"005", SEED_NUMBER, "5"},
    {"1e3", SEED_NUMBER, "1E+3"},
    {"1_000", SEED_NUMBER, "1000"},
    {"\xef\xbc\x91\xef\xbc\x92", SEED_NUMBER, "12"}, /* full-width digits */
    {"\xc2\xa0"
     "5",
     SEED_NUMBER, "5"}, /* a no-break space */
    {"5\xe2\x82\xac", SEED_NUMBER, "5"},
    {"1.50", SEED_NUMBER, "1.50"},
    {".5", SEED_NUMBER, "0.5"},
    {"0.0000001", SEED_NUMBER, "1E-7"},
    {"nan", SEED_NUMBER, "NaN"},
    {"-inf", SEED_NUMBER, "-Infinity"},
    {"123456789012345678901234567890.5", SEED_NUMBER, "1.234567890123456789012345679E+29"},
    {"9999999999999999999999999999.5", SEED_NUMBER, "1.000000000000000000000000000E+28"},
    {"5-", SEED_TEXT, "5-"},
    {"1 2", SEED_TEXT, "1 2"},
    {"0x10", SEED_TEXT, "0x10"},
    {"", SEED_NUMBER, NULL},
    {" Null ", SEED_NUMBER, NULL},
    {"none", SEED_TEXT, "none"},
    {",", SEED_BOOLEAN, NULL},
    {"tr,ue", SEED_BOOLEAN, "true"},
    {"FALSE", SEED_BOOLEAN, "false"},
    {"yes", SEED_TEXT, "yes"},
    {"2020-1-5", SEED_DATE, "2020-01-05"},
    {"2020-02-30", SEED_TEXT, "2020-02-30"},
    {"0000-01-01", SEED_TEXT, "0000-01-01"},
    {"2020-01-01  1:2:3", SEED_DATETIME, "2020-01-01 01:02:03"},
    {"2020-01-01 23:59:60", SEED_TEXT, "2020-01-01 23:59:60"},
    {"2020-01-01T00:00:00", SEED_ISO_DATETIME, "2020-01-01 00:00:00"},
    {"2020-01-01T00:00:00Z", SEED_ISO_DATETIME, "2020-01-01 00:00:00+00:00"},
    {"2020-01-01T00:00:00.1234567-0530", SEED_ISO_DATETIME, "2020-01-01 00:00:00.123456-05:30"},
    {"20200101T101112", SEED_ISO_DATETIME, "2020-01-01 10:11:12"},
    {"2020-W01-1T10,5", SEED_ISO_DATETIME, "2019-12-30 10:30:00"},
    {"2020-001T10:30.5", SEED_ISO_DATETIME, "2020-01-01 10:30:30"},
    {"2020-01-01T24:00:00", SEED_TEXT, "2020-01-01T24:00:00"},
    {" x y ", SEED_TEXT, " x y "},
};

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(value_cases); i++) {
        const struct value_case *c = &value_cases[i];
        struct seed_column column = seed_column_new(false);
        seed_column_see(&column, str_from(c->field));
        struct seed_value value;
        print_message("%s\n", c->field);
        assert_int_equal(seed_column_type(&column), c->type);
        assert_true(seed_value_read(c->type, str_from(c->field), &value));
        assert_int_equal(value.is_null, c->value == NULL);
        if (c->value != NULL) {
            assert_true(str_eq(value.text, str_from(c->value)));
        }
    }
}

/* The type of a column with these fields; NULL in `fields`: a row that does not reach so far. */
static struct seed_column column_of(const char *const *fields, size_t count)
{
    struct seed_column column = seed_column_new(false);
    for (size_t i = 0; i < count; i++) {
        seed_column_see(&column, str_from(fields[i]));
    }
    return column;
}

static void test_a_column_has_what_all_its_fields_have(void **state)
{
    (void)state;
    static const struct {
        const char *fields[3];
        enum seed_type type;
        bool has_decimals;
    } cases[] = {
        {{NULL, NULL, NULL}, SEED_INTEGER, false},
        {{"", "null", NULL}, SEED_NUMBER, false},
        {{"1", "2.0", ""}, SEED_NUMBER, false},
        {{"1", "2.5", ""}, SEED_NUMBER, true},
        {{"1", "x", "2.5"}, SEED_TEXT, true},
        {{"2020-01-01", "", "2020-01-02"}, SEED_DATE, false},
        {{"2020-01-01", "2020-01-02 10:00:00", NULL}, SEED_TEXT, false},
        {{"true", "1", NULL}, SEED_TEXT, false},
        {{"true", "", "FALSE"}, SEED_BOOLEAN, false},
        /* Over 28 places in all, dbt counts what is left of 28 for those behind the point. */
        {{"1234567890123456789012345678", "0.5", NULL}, SEED_NUMBER, false},
        {{"1e30", "1", NULL}, SEED_NUMBER, true},
        {{"1e400", "1", NULL}, SEED_NUMBER, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct seed_column column = column_of(cases[i].fields, 3);
        assert_int_equal(seed_column_type(&column), cases[i].type);
        if (cases[i].type == SEED_NUMBER) {
            assert_int_equal(seed_column_has_decimals(&column), cases[i].has_decimals);
        }
    }
}

static void test_a_declared_column_is_text(void **state)
{
    (void)state;
    struct seed_column column = seed_column_new(true);
    seed_column_see(&column, STR("005"));
    assert_int_equal(seed_column_type(&column), SEED_TEXT);
    struct seed_value value;
    assert_true(seed_value_read(SEED_TEXT, STR("null"), &value));
    assert_true(value.is_null);
}

static void test_a_value_of_another_type_is_none(void **state)
{
    (void)state;
    struct seed_value value;
    assert_false(seed_value_read(SEED_NUMBER, STR("x"), &value));
    assert_false(seed_value_read(SEED_INTEGER, STR(""), &value));
    assert_false(seed_value_read(SEED_DATE, STR("2020-01-01T00"), &value));
    assert_false(seed_value_read(SEED_NUMBER, STR("1e9999999"), &value)); /* dbt fails on it */
    assert_false(seed_value_read(SEED_NUMBER, STR("snan"), &value));
    assert_true(seed_value_read(SEED_NUMBER, STR("NaN"), &value));
    assert_false(value.is_finite);
}

static void test_names(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct str names[30] = {STR("a"), STR(""), STR("a"), STR("b_2"), STR("b")};
    static const char *const expected[] = {"a", "b", "a_2", "b_2", "b_3"};
    for (size_t i = 5; i < COUNT_OF(names); i++) {
        names[i] = STR("");
    }
    assert_true(seed_names(names, COUNT_OF(names), &arena));
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_true(str_eq(names[i], str_from(expected[i])));
    }
    assert_true(str_eq(names[25], STR("z")));
    assert_true(str_eq(names[27], STR("bb")));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_a_column_has_what_all_its_fields_have),
        cmocka_unit_test(test_a_declared_column_is_text),
        cmocka_unit_test(test_a_value_of_another_type_is_none),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
