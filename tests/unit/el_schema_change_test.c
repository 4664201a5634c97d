#include "agent/el/schema_change.h"
#include "tests/support/cmocka_all.h"

#include <string.h>

enum {
    A = COLUMN_ANY,
    I = COLUMN_INTEGER,
    R = COLUMN_REAL,
    B = COLUMN_BOOLEAN,
    T = COLUMN_TEXT,
    J = COLUMN_JSON,
    X = COLUMN_BLOB
};

static bool choose(int there, int now, enum schema_policy policy, enum schema_change *ret,
                   struct err *err)
{
    const struct column of_table = {.name = STR_INIT("c"), .kind = (enum column_kind)there};
    const struct column of_rows = {.name = STR_INIT("c"), .kind = (enum column_kind)now};
    return schema_change_choose(&of_table, &of_rows, policy, ret, err);
}

static void what_fits_changes_nothing(void **state)
{
    (void)state;
    static const int pairs[][2] = {{A, I}, {A, X}, {I, I}, {I, B}, {R, R}, {R, I}, {R, B},
                                   {B, B}, {T, I}, {T, R}, {T, X}, {T, J}, {J, T}, {J, R},
                                   {X, T}, {X, I}, {I, A}, {B, A}, {R, A}};
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        for (int policy = SCHEMA_ERROR; policy <= SCHEMA_QUARANTINE; policy++) {
            struct err err = {0};
            enum schema_change change = CHANGE_HELD;
            assert_true(
                choose(pairs[i][0], pairs[i][1], (enum schema_policy)policy, &change, &err));
            assert_int_equal(change, CHANGE_NONE);
        }
    }
}

static void numbers_become_wider_by_any_policy(void **state)
{
    (void)state;
    static const struct {
        int there, now;
        enum schema_change change;
    } cases[] = {{B, I, CHANGE_TO_INTEGER}, {B, R, CHANGE_TO_NUMBER}, {I, R, CHANGE_TO_NUMBER}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (int policy = SCHEMA_ERROR; policy <= SCHEMA_QUARANTINE; policy++) {
            struct err err = {0};
            enum schema_change change = CHANGE_NONE;
            assert_true(
                choose(cases[i].there, cases[i].now, (enum schema_policy)policy, &change, &err));
            assert_int_equal(change, cases[i].change);
        }
    }
}

static void a_type_that_somebody_chose_stays(void **state)
{
    (void)state;
    const struct column there = {
        .name = STR_INIT("c"), .type = STR_INIT("smallint"), .kind = COLUMN_INTEGER};
    const struct column now = {.name = STR_INIT("c"), .kind = COLUMN_REAL};
    enum schema_change change = CHANGE_HELD;
    struct err err = {0};
    assert_true(schema_change_choose(&there, &now, SCHEMA_ERROR, &change, &err));
    assert_int_equal(change, CHANGE_NONE);
}

static void what_does_not_fit_goes_by_the_policy(void **state)
{
    (void)state;
    static const int numbers[] = {I, R, B};
    static const int others[] = {T, J, X};
    for (size_t n = 0; n < 3; n++) {
        for (size_t o = 0; o < 3; o++) {
            bool is_blob = others[o] == X;
            struct err err = {0};
            enum schema_change change = CHANGE_NONE;
            assert_false(choose(numbers[n], others[o], SCHEMA_ERROR, &change, &err));
            assert_int_equal(err.code, ERR_INVALID);
            assert_non_null(strstr(err.hint, "on_schema_change"));
            assert_int_equal(choose(numbers[n], others[o], SCHEMA_WIDEN, &change, &err), !is_blob);
            assert_true(is_blob || change == CHANGE_TO_TEXT);
            assert_int_equal(choose(numbers[n], others[o], SCHEMA_JSON, &change, &err), !is_blob);
            assert_true(is_blob || change == CHANGE_TO_JSON);
            assert_true(choose(numbers[n], others[o], SCHEMA_QUARANTINE, &change, &err));
            assert_int_equal(change, CHANGE_HELD);
        }
    }
}

static void decimals_are_numbers(void **state)
{
    (void)state;
    static const struct column numeric = {
        .name = STR_INIT("c"), .type = STR_INIT("numeric"), .kind = COLUMN_TEXT};
    static const struct column from_postgres = {
        .name = STR_INIT("c"), .type = STR_INIT("numeric text"), .kind = COLUMN_TEXT};
    static const struct column text = {.name = STR_INIT("c"), .kind = COLUMN_TEXT};
    static const struct column real = {.name = STR_INIT("c"), .kind = COLUMN_REAL};
    static const struct column bigint = {
        .name = STR_INIT("c"), .type = STR_INIT("bigint"), .kind = COLUMN_INTEGER};
    struct err err = {0};
    enum schema_change change = CHANGE_HELD;
    assert_true(schema_change_choose(&numeric, &from_postgres, SCHEMA_ERROR, &change, &err));
    assert_int_equal(change, CHANGE_NONE);
    assert_true(schema_change_choose(&numeric, &real, SCHEMA_ERROR, &change, &err));
    assert_int_equal(change, CHANGE_NONE);
    assert_true(schema_change_choose(&bigint, &from_postgres, SCHEMA_ERROR, &change, &err));
    assert_int_equal(change, CHANGE_TO_NUMBER);
    assert_true(schema_change_choose(&numeric, &text, SCHEMA_WIDEN, &change, &err));
    assert_int_equal(change, CHANGE_TO_TEXT);
    assert_false(schema_change_choose(&numeric, &text, SCHEMA_ERROR, &change, &err));
    assert_true(schema_change_choose(&from_postgres, &text, SCHEMA_ERROR, &change, &err));
    assert_int_equal(change, CHANGE_NONE);
}

static bool check(int kind, struct value v)
{
    struct err err = {0};
    const struct column there = {.name = STR_INIT("c"), .kind = (enum column_kind)kind};
    return schema_change_check(&there, &v, &err);
}

#define INT(n_)  ((struct value){.type = VALUE_INTEGER, .as.integer = (n_)})
#define REAL(n_) ((struct value){.type = VALUE_REAL, .as.real = (n_)})
#define TEXT(t_) ((struct value){.type = VALUE_TEXT, .as.text = STR(t_)})

static void a_held_column_takes_what_it_always_took(void **state)
{
    (void)state;
    static const int kinds[] = {I, R, B};
    for (size_t i = 0; i < 3; i++) {
        assert_true(check(kinds[i], (struct value){.type = VALUE_NULL}));
        assert_true(check(kinds[i], INT(1)));
        assert_true(check(kinds[i], TEXT("1")));
        assert_false(check(kinds[i], TEXT("one")));
        assert_false(check(kinds[i], TEXT("")));
        assert_false(check(kinds[i], (struct value){.type = VALUE_BLOB, .as.text = STR("1")}));
    }
    assert_true(check(I, REAL(5)));
    assert_false(check(I, REAL(5.5)));
    assert_false(check(I, TEXT("5.5")));
    assert_true(check(R, REAL(5.5)));
    assert_true(check(R, TEXT("-5.5e3")));
    assert_false(check(B, INT(2)));
    assert_false(check(B, REAL(1)));
}

static struct schema schema_of(struct arena *arena, const char *names, const char *const *types)
{
    struct schema s = schema_new(arena);
    struct err err = {0};
    for (size_t i = 0; names[i] != '\0'; i++) {
        const struct column c = {.name = {names + i, 1},
                                 .type = str_from(types[i]),
                                 .kind = column_kind_from_sql(str_from(types[i]))};
        assert_true(schema_add(&s, &c, &err));
    }
    return s;
}

static void changes_are_told_once_each(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    AUTO(buf) out = buf_growing(1 << 16);
    struct schema before =
        schema_of(&arena, "abc", (const char *const[]){"INTEGER", "TEXT", "REAL"});
    struct schema same = schema_of(&arena, "abc", (const char *const[]){"INTEGER", "TEXT", "REAL"});
    struct schema after = schema_of(&arena, "acd", (const char *const[]){"TEXT", "REAL", ""});
    assert_false(schema_write_changes(&before, &same, &out));
    assert_int_equal(out.len, 0);
    assert_true(schema_write_changes(&before, &after, &out));
    assert_true(
        str_eq(buf_str(&out),
               STR("[{\"column\":\"a\",\"change\":\"type\",\"from\":\"INTEGER\",\"to\":\"TEXT\"},"
                   "{\"column\":\"b\",\"change\":\"gone\",\"from\":\"TEXT\"},"
                   "{\"column\":\"d\",\"change\":\"added\",\"to\":\"ANY\"}]")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_changes_nothing),
        cmocka_unit_test(numbers_become_wider_by_any_policy),
        cmocka_unit_test(a_type_that_somebody_chose_stays),
        cmocka_unit_test(what_does_not_fit_goes_by_the_policy),
        cmocka_unit_test(decimals_are_numbers),
        cmocka_unit_test(a_held_column_takes_what_it_always_took),
        cmocka_unit_test(changes_are_told_once_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
