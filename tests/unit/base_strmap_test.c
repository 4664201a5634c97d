/* base_strmap_test.c - common/base/strmap.h */
#include "common/base/buf.h"
#include "common/base/strmap.h"
#include "tests/support/cmocka_all.h"

static void an_empty_map_has_nothing(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(1 << 20);
    struct strmap m = strmap_new(&a);
    uint32_t value = 42;
    assert_false(strmap_get(&m, STR("x"), &value));
    assert_int_equal(value, 42);
}

static void values_are_replaced(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(1 << 20);
    struct strmap m = strmap_new(&a);
    assert_true(strmap_put(&m, STR("x"), 1));
    assert_true(strmap_put(&m, STR("x"), 2));
    assert_true(strmap_put(&m, STR(""), 3));
    assert_int_equal(m.count, 2);
    uint32_t value = 0;
    assert_true(strmap_get(&m, STR("x"), &value));
    assert_int_equal(value, 2);
    assert_true(strmap_get(&m, STR_NONE, &value));
    assert_int_equal(value, 3);
}

static void twenty_thousand_keys_are_found(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(16 << 20);
    struct strmap m = strmap_new(&a);
    for (uint32_t i = 0; i < 20000; i++) {
        struct str key = arena_printf(&a, "raw/table_%u", i);
        assert_non_null(key.ptr);
        assert_true(strmap_put(&m, key, i));
    }
    assert_int_equal(m.count, 20000);
    for (uint32_t i = 0; i < 20000; i++) {
        char text[32];
        struct buf key = buf_fixed(text, sizeof(text));
        buf_addf(&key, "raw/table_%u", i);
        uint32_t value = 0;
        assert_true(strmap_get(&m, buf_str(&key), &value));
        assert_int_equal(value, i);
    }
    uint32_t value = 0;
    assert_false(strmap_get(&m, STR("raw/table_20000"), &value));
}

static void an_exhausted_arena_is_reported_and_nothing_is_lost(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(2000);
    struct strmap m = strmap_new(&a);
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    size_t put = 0;
    while (put < 26 && strmap_put(&m, (struct str){letters + put, 1}, (uint32_t)put)) {
        put++;
    }
    assert_in_range(put, 1, 25);
    for (size_t i = 0; i < put; i++) {
        uint32_t value = 99;
        assert_true(strmap_get(&m, (struct str){letters + i, 1}, &value));
        assert_int_equal(value, i);
    }
    uint32_t value = 99;
    assert_false(strmap_get(&m, (struct str){letters + put, 1}, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_has_nothing),
        cmocka_unit_test(values_are_replaced),
        cmocka_unit_test(twenty_thousand_keys_are_found),
        cmocka_unit_test(an_exhausted_arena_is_reported_and_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
