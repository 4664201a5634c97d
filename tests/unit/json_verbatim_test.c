/* What goes through stays as it was; what is no JSON is refused with its place. */
#include "common/json/json_verbatim.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static void assert_kept(const char *text)
{
    AUTO(arena) a = arena_new(1 << 20);
    AUTO(buf) out = buf_growing(1 << 16);
    struct json *root = NULL;
    struct err err = {0};
    if (!json_verbatim_read(str_from(text), 1 << 16, &a, &root, &err) ||
        !json_verbatim_write(&out, root, &err)) {
        fail_msg("%s: %s", text, err.msg);
    }
    assert_string_equal(buf_cstr(&out), text);
}

static void assert_refused(const char *text, const char *why)
{
    AUTO(arena) a = arena_new(1 << 20);
    struct json *root = NULL;
    struct err err = {0};
    assert_false(json_verbatim_read(str_from(text), 1 << 16, &a, &root, &err));
    assert_string_equal(err.msg, why);
}

static void test_kept(void **state)
{
    (void)state;
    assert_kept("{}");
    assert_kept("[]");
    assert_kept("[[],{},[{\"a\":[]}],\"\",null,true,false]");
    assert_kept(
        "{\"maximum\":18446744073709551615,\"multipleOf\":1e-38,\"minimum\":-1E+400,\"n\":1.10}");
    assert_kept("{\"größe\":\"\\\\ \\\" \\n\",\"\":7}");
    assert_kept("12");
}

static void test_numbers(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(1 << 20);
    struct json *root = NULL;
    struct err err = {0};
    assert_true(
        json_verbatim_read(STR(" [ 7 , 18446744073709551615 , 1e999 ] "), 100, &a, &root, &err));
    assert_int_equal(root->child->type, JSON_INT);
    assert_int_equal(root->child->as.integer, 7);
    assert_int_equal(root->child->next->type, JSON_REAL);
    assert_true(root->child->next->as.real > 1.8e19);
    assert_true(root->child->next->next->as.real < 1);
}

static void test_refused(void **state)
{
    (void)state;
    assert_refused("", "byte 1: expected a value");
    assert_refused("{\"a\":1 \"b\":2}", "byte 8: expected ',' or '}'");
    assert_refused("[1,]", "byte 4: expected a value");
    assert_refused("[,1]", "byte 2: expected a value");
    assert_refused("{,}", "byte 2: expected a key in quotes");
    assert_refused("{\"a\":1,}", "byte 8: expected a key in quotes");
    assert_refused("[1", "byte 3: expected ',' or ']'");
    assert_refused("[1}", "byte 3: expected ',' or ']'");
    assert_refused("{} {}", "byte 4: text after the end");
    assert_refused("{\"a\":1,\"b\":2,\"a\":3}",
                   "byte 20: the object that ends here has a key twice");
}

static void test_limits(void **state)
{
    (void)state;
    AUTO(buf) deep = buf_growing(1 << 12);
    struct json *root = NULL;
    struct err err = {0};
    for (int depth = JSON_VERBATIM_DEPTH; depth <= JSON_VERBATIM_DEPTH + 1; depth++) {
        AUTO(arena) a = arena_new(1 << 20);
        buf_reset(&deep);
        for (int i = 0; i < 2 * depth; i++) {
            buf_add_char(&deep, i < depth ? '[' : ']');
        }
        bool ok = json_verbatim_read(buf_str(&deep), 1 << 12, &a, &root, &err);
        assert_int_equal(ok, depth == JSON_VERBATIM_DEPTH);
    }
    assert_non_null(strstr(err.msg, "nested too deep"));
    AUTO(arena) small = arena_new(512);
    assert_false(json_verbatim_read(STR("[1,2,3,4,5,6,7,8,9,10]"), 100, &small, &root, &err));
    assert_int_equal(err.code, ERR_FULL);
    AUTO(arena) a = arena_new(1 << 20);
    assert_false(json_verbatim_read(STR("[1,2]"), 4, &a, &root, &err));
    assert_int_equal(err.code, ERR_FULL);
    assert_true(json_verbatim_read(STR("[1,2]"), 5, &a, &root, &err));
    char memory[4];
    struct buf out = buf_fixed(memory, sizeof(memory));
    assert_false(json_verbatim_write(&out, root, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
