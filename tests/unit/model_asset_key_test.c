#include "common/base/limits.h"
#include "common/model/asset_key.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static void good_keys_pass(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "a", "pos/sales", "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p", "raw.v2/x-y_z", "2024/01/..x", "..."};
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        struct err err = {0};
        assert_true(asset_key_check(str_from(keys[i]), &err));
    }
}

static void bad_keys_say_why(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        const char *msg;
        const char *hint;
    } cases[] = {
        {"", "an asset key is empty", ""},
        {"/a", "asset key \"/a\": a part is empty", "write \"a\""},
        {"a//b/", "asset key \"a//b/\": a part is empty", "write \"a/b\""},
        {"a/../b", "asset key \"a/../b\": \"..\" is no name for a part", ""},
        {"./b", "asset key \"./b\": \".\" is no name for a part", ""},
        {"my sales", "asset key \"my sales\": byte 0x20 is not allowed", "write \"my_sales\""},
        {"a:b", "asset key \"a:b\": ':' is not allowed", "write \"a_b\""},
        {"caf\xc3\xa9", "asset key \"caf\xc3\xa9\": byte 0xc3 is not allowed", "write \"caf__\""},
        {"*", "asset key \"*\": '*' is not allowed", "write \"_\""},
        {"a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q",
         "asset key \"a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q\" has more than 16 parts", ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        assert_false(asset_key_check(str_from(cases[i].key), &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_string_equal(err.msg, cases[i].msg);
        assert_string_equal(err.hint, cases[i].hint);
    }
}

static void length_has_a_limit(void **state)
{
    (void)state;
    char text[LIMIT_ASSET_KEY_BYTES + 1];
    memset(text, 'x', sizeof(text));
    struct err err = {0};
    assert_true(asset_key_check((struct str){text, LIMIT_ASSET_KEY_BYTES}, &err));
    assert_false(asset_key_check((struct str){text, LIMIT_ASSET_KEY_BYTES + 1}, &err));
    assert_non_null(strstr(err.msg, "longer than 255 bytes"));
}

static void typed_keys_become_stored_ones(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 16);
    struct err err = {0};
    struct str key = STR_NONE;
    assert_true(asset_key_normalise(STR("  /pos//sales/ "), &arena, &key, &err));
    assert_true(str_eq(key, STR("pos/sales")));
    assert_false(asset_key_normalise(STR(" // "), &arena, &key, &err));
    assert_string_equal(err.msg, "an asset key is empty");

    char text[LIMIT_ASSET_KEY_BYTES * 3];
    memset(text, '/', sizeof(text));
    assert_false(asset_key_normalise((struct str){text, sizeof(text)}, &arena, &key, &err));

    AUTO(arena) none = arena_new(0);
    assert_false(asset_key_normalise(STR("a"), &none, &key, &err));
    assert_int_equal(err.code, ERR_NO_MEMORY);
    assert_true(str_eq(key, STR("pos/sales"))); /* untouched by failures */
}

static void last_part(void **state)
{
    (void)state;
    assert_true(str_eq(asset_key_last(STR("a/b/c")), STR("c")));
    assert_true(str_eq(asset_key_last(STR("a")), STR("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_keys_pass),     cmocka_unit_test(bad_keys_say_why),
        cmocka_unit_test(length_has_a_limit), cmocka_unit_test(typed_keys_become_stored_ones),
        cmocka_unit_test(last_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
