/* json_test.c - common/json/json.h: what the edge takes, what it refuses, and that trees survive a
 * round trip. */
#include "common/json/json.h"

#include "common/base/limits.h"
#include "common/json/json_scan.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"
#include <math.h>
#include <string.h>

enum { ARENA = 1 << 20 };

static const struct json *parse(struct arena *arena, const char *text)
{
    struct json *root = NULL;
    struct err err = {0};
    if (!json_parse(str_from(text), LIMIT_JSON_BYTES, arena, &root, &err)) {
        fail_msg("%s: %s", text, err.msg);
    }
    return root;
}

static void assert_refused(struct str text, enum err_code code, const char *message)
{
    AUTO(arena) arena = arena_new(ARENA);
    struct json untouched;
    struct json *root = &untouched;
    struct err err = {0};
    if (json_parse(text, LIMIT_JSON_BYTES, &arena, &root, &err)) {
        fail_msg("taken: " STR_FMT, STR_ARG(text));
    }
    if (err.code != code) {
        fail_msg(STR_FMT ": code %d, %s", STR_ARG(text), err.code, err.msg);
    }
    assert_ptr_equal(root, &untouched);
    if (strstr(err.msg, message) == NULL) {
        fail_msg(STR_FMT ": \"%s\" does not say \"%s\"", STR_ARG(text), err.msg, message);
    }
}

static void a_tree_has_the_types_and_order_of_the_text(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(ARENA);
    const struct json *root =
        parse(&arena, " {\"a\" : [1, -2.5e3, \"x\\u00e9\\ud83d\\ude00\\n\", true, false, null],\r\n"
                      "\t\"b\":{}, \"\":[]} ");
    assert_int_equal(root->type, JSON_OBJECT);
    assert_int_equal(root->count, 3);
    const struct json *item = json_get(root, "a")->child;
    assert_int_equal(item->type, JSON_INT);
    assert_int_equal(item->as.integer, 1);
    item = item->next;
    assert_int_equal(item->type, JSON_REAL);
    assert_true(item->as.real == -2500.0);
    assert_true(str_eq(item->written, STR("-2.5e3")));
    item = item->next;
    assert_true(str_eq(item->as.string, STR("x\xc3\xa9\xf0\x9f\x98\x80\n")));
    item = item->next;
    assert_true(item->type == JSON_BOOL && item->as.boolean);
    item = item->next;
    assert_true(item->type == JSON_BOOL && !item->as.boolean);
    item = item->next;
    assert_int_equal(item->type, JSON_NULL);
    assert_null(item->next);
    assert_int_equal(json_get(root, "b")->type, JSON_OBJECT);
    assert_int_equal(json_get(root, "")->type, JSON_ARRAY);
    assert_null(json_get(root, "A")); /* case counts */
    assert_null(json_get(json_get(root, "a"), "a"));
    assert_null(json_get(NULL, "a"));
}

static void integers_are_exact_to_the_last(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(ARENA);
    const struct json *root =
        parse(&arena, "[9223372036854775807,-9223372036854775808,9007199254740993,-0,1E2,\"7\",0]");
    static const int64_t expected[] = {INT64_MAX, INT64_MIN, INT64_C(9007199254740993), 0};
    const struct json *item = root->child;
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_int_equal(item->type, JSON_INT);
        assert_true(item->as.integer == expected[i]);
        item = item->next;
    }
    assert_int_equal(item->type, JSON_REAL);
    assert_int_equal(item->next->next->type, JSON_INT);
}

static void any_value_may_stand_at_the_top(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(ARENA);
    assert_int_equal(parse(&arena, "12")->as.integer, 12);
    assert_int_equal(parse(&arena, "null")->type, JSON_NULL);
    assert_true(str_eq(parse(&arena, "\"\"")->as.string, STR("")));
    assert_int_equal(parse(&arena, "[]")->count, 0);
}

static void bad_syntax_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        const char *message;
    } cases[] = {
        {STR_INIT(""), "line 1, column 1: expected a value, but the text ends"},
        {STR_INIT("  \n"), "line 2, column 1: expected a value, but the text ends"},
        {STR_INIT("{\n \"a\": 1,\n}"), "line 3, column 1: expected a key in quotes"},
        {STR_INIT("{\"a\" 1}"), "line 1, column 6: expected ':' after the key"},
        {STR_INIT("{\"a\":}"), "column 6: expected a value"},
        {STR_INIT("{\"a\":1 \"b\":2}"), "column 8: expected ',' or '}'"},
        {STR_INIT("{a:1}"), "column 2: expected a key in quotes"},
        {STR_INIT("{,}"), "column 2: expected a key in quotes"},
        {STR_INIT("[1 2]"), "column 4: expected ',' or ']'"},
        {STR_INIT("[1,]"), "column 4: expected a value"},
        {STR_INIT("[,1]"), "column 2: expected a value"},
        {STR_INIT("[1}"), "column 3: expected ',' or ']'"},
        {STR_INIT("[1"), "expected ',' or ']', but the text ends"},
        {STR_INIT("[] x"), "column 4: text after the end"},
        {STR_INIT("1 2"), "column 3: text after the end"},
        {STR_INIT("nul"), "column 1: expected a value"},
        {STR_INIT("True"), "column 1: expected a value"},
        {STR_INIT("NaN"), "column 1: expected a value"},
        {STR_INIT("-Infinity"), "column 2: a digit is missing"},
        {STR_INIT("01"), "column 2: text after the end"},
        {STR_INIT("[-01]"), "expected ',' or ']'"},
        {STR_INIT("+1"), "expected a value"},
        {STR_INIT(".5"), "expected a value"},
        {STR_INIT("1."), "a digit is missing in a number, but the text ends"},
        {STR_INIT("[1.e3]"), "column 4: a digit is missing"},
        {STR_INIT("1e"), "a digit is missing"},
        {STR_INIT("1e+"), "a digit is missing"},
        {STR_INIT("-"), "a digit is missing"},
        {STR_INIT("0x10"), "text after the end"},
        {STR_INIT("\"abc"), "column 1: a string without its closing quote"},
        {STR_INIT("\"a\\"), "column 3: invalid escape"},
        {STR_INIT("\"\\x41\""), "column 2: invalid escape"},
        {STR_INIT("\"\\u12g4\""), "column 2: invalid escape"},
        {STR_INIT("\"\\u12"), "column 2: invalid escape"},
        {STR_INIT("\"a\tb\""), "column 3: control character"},
        {STR_INIT("\"12345678\x01\""), "column 10: control character"},
        {STR_INIT("\"a\0b\""), "column 3: control character"},
        {STR_INIT("[1]\0"), "text after the end"},
        {STR_INIT("\xef\xbb\xbf{}"), "column 1: expected a value"}, /* cJSON skips the mark */
        {STR_INIT("'a'"), "expected a value"},
        {STR_INIT("[1] // no"), "text after the end"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_refused(cases[i].text, ERR_INVALID, cases[i].message);
    }
}

static void what_cjson_would_let_pass_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        const char *message;
    } cases[] = {
        {STR_INIT("[\"\xff\"]"), "column 3: invalid UTF-8"},
        {STR_INIT("[\"\xc0\xaf\"]"), "invalid UTF-8"},         /* overlong */
        {STR_INIT("[\"\xe0\x9f\xbf\"]"), "invalid UTF-8"},     /* overlong */
        {STR_INIT("[\"\xf0\x8f\xbf\xbf\"]"), "invalid UTF-8"}, /* overlong */
        {STR_INIT("[\"\xed\xa0\x80\"]"), "invalid UTF-8"},     /* surrogate */
        {STR_INIT("[\"\xf4\x90\x80\x80\"]"), "invalid UTF-8"}, /* above U+10FFFF */
        {STR_INIT("[\"\xf5\x80\x80\x80\"]"), "invalid UTF-8"},
        {STR_INIT("[\"\xe2\x82\"]"), "invalid UTF-8"},
        {STR_INIT("\"\xe2\x82"), "invalid UTF-8"},
        {STR_INIT("[\"a\\u0000b\"]"), "\\u0000"},
        {STR_INIT("{\"a\\u0000b\":1}"), "\\u0000"},
        {STR_INIT("[\"\\ud800\"]"), "unpaired surrogate"},
        {STR_INIT("[\"\\ud800\\u0041\"]"), "unpaired surrogate"},
        {STR_INIT("[\"\\udc00\"]"), "unpaired surrogate"},
        {STR_INIT("{\"a\":1,\"b\":2,\"a\":3}"), "duplicate key \"a\""},
        {STR_INIT("[{\"x\":{\"\\u0061\":1,\"a\":3}}]"), "duplicate key \"a\""},
        {STR_INIT("9223372036854775808"), "column 1: integer beyond 64 bits"},
        {STR_INIT("[-9223372036854775809]"), "column 2: integer beyond 64 bits"},
        {STR_INIT("1e999"), "number too large"},
        {STR_INIT("-1e999"), "number too large"},
        {STR_INIT("0.00000000000000000000000000000000000000000000000000000000000000001"),
         "number too large or too long"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_refused(cases[i].text, ERR_INVALID, cases[i].message);
    }
}

static void keys_that_differ_in_case_are_two(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(ARENA);
    const struct json *root = parse(&arena, "{\"a\":1,\"A\":2}");
    assert_int_equal(json_get(root, "A")->as.integer, 2);
}

static void duplicates_are_found_among_many(void **state)
{
    (void)state;
    AUTO(buf) text = buf_growing(1 << 20);
    buf_add_char(&text, '{');
    for (int i = 0; i < 5000; i++) {
        buf_addf(&text, "\"key%d\":%d,", i, i);
    }
    size_t without = text.len;
    buf_add_text(&text, "\"last\":0}");
    AUTO(arena) arena = arena_new(4 << 20);
    struct json *root = NULL;
    struct err err = {0};
    assert_true(json_parse(buf_str(&text), text.len, &arena, &root, &err));
    assert_int_equal(root->count, 5001);
    assert_int_equal(json_get(root, "key4321")->as.integer, 4321);
    text.len = without;
    buf_add_text(&text, "\"key77\":0}");
    arena_reset(&arena);
    assert_false(json_parse(buf_str(&text), text.len, &arena, &root, &err));
    assert_non_null(strstr(err.msg, "duplicate key \"key77\""));
}

/* `depth` brackets around nothing. */
static struct str nested(char *memory, size_t depth, const char *brackets)
{
    memset(memory, brackets[0], depth);
    memset(memory + depth, brackets[1], depth);
    return (struct str){memory, 2 * depth};
}

static void nesting_ends_at_its_limit(void **state)
{
    (void)state;
    char memory[400000];
    AUTO(arena) arena = arena_new(ARENA);
    struct json *root = NULL;
    struct err err = {0};
    struct str text = nested(memory, LIMIT_JSON_DEPTH, "[]");
    assert_true(json_parse(text, LIMIT_JSON_BYTES, &arena, &root, &err));
    assert_refused(nested(memory, LIMIT_JSON_DEPTH + 1, "[]"), ERR_INVALID, "nested too deep");
    assert_refused(nested(memory, 200000, "[]"), ERR_INVALID, "nested too deep");
}

static void the_limits_of_bytes_and_memory_hold(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(20 * sizeof(struct json));
    struct json *root = NULL;
    struct err err = {0};
    assert_false(json_parse(STR("[1,2]"), 4, &arena, &root, &err));
    assert_int_equal(err.code, ERR_FULL);
    assert_true(json_parse(STR("[1,2]"), 5, &arena, &root, &err));
    /* Refused before cJSON sees it. */
    arena_reset(&arena);
    assert_false(json_parse(STR("[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]"),
                            LIMIT_JSON_BYTES, &arena, &root, &err));
    assert_int_equal(err.code, ERR_FULL);
    assert_int_equal(arena.used, 0);
    /* The nodes would fit, their text does not. */
    AUTO(buf) text = buf_growing(4000);
    buf_add_char(&text, '"');
    for (int i = 0; i < 3000; i++) {
        buf_add_char(&text, 'x');
    }
    buf_add_char(&text, '"');
    assert_false(json_parse(buf_str(&text), LIMIT_JSON_BYTES, &arena, &root, &err));
    assert_int_equal(err.code, ERR_FULL);
}

static void a_tree_is_written_as_it_was_read(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        "null",
        "\"x\"",
        "{\"a\":[1,-2,3.5,\"x\\\"\\\\\\n\\u0001\",true,false,null]}",
        "{\"b\":{\"c\":[[],{}]},\"d\":1e+300}",
        "[[[[[[[[[[[[[[[[9223372036854775807]]]]]]]]]]]]]]]]",
        "[0.1,1.0,-0.0,5e-324,1.7976931348623157e+308]",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        AUTO(arena) arena = arena_new(ARENA);
        AUTO(buf) out = buf_growing(1000);
        json_write(&out, parse(&arena, texts[i]));
        assert_string_equal(buf_cstr(&out), texts[i]);
    }
}

static void a_part_of_a_tree_can_be_written(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(ARENA);
    AUTO(buf) out = buf_growing(1000);
    json_write(&out, json_get(parse(&arena, "{\"a\":{\"b\":[1]},\"c\":2}"), "a"));
    assert_string_equal(buf_cstr(&out), "{\"b\":[1]}");
}

static void each_failed_allocation_is_reported(void **state)
{
    (void)state;
    struct str text = STR("{\"a\\n\":[1,2.5,\"text \\u00e9\",null],\"b\":{\"c\":true}}");
    for (int nth = 0;; nth++) {
        AUTO(arena) arena = arena_new(ARENA);
        struct json *root = NULL;
        struct err err = {0};
        fault_malloc_arm(nth);
        bool ok = json_parse(text, LIMIT_JSON_BYTES, &arena, &root, &err);
        bool fired = fault_malloc_disarm();
        assert_int_equal(ok, !fired);
        if (!fired) {
            assert_true(nth >= 2); /* scratch and arena, at least */
            break;
        }
        assert_true(err.code == ERR_FULL || err.code == ERR_NO_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_has_the_types_and_order_of_the_text),
        cmocka_unit_test(integers_are_exact_to_the_last),
        cmocka_unit_test(any_value_may_stand_at_the_top),
        cmocka_unit_test(bad_syntax_is_refused_with_its_place),
        cmocka_unit_test(what_cjson_would_let_pass_is_refused),
        cmocka_unit_test(keys_that_differ_in_case_are_two),
        cmocka_unit_test(duplicates_are_found_among_many),
        cmocka_unit_test(nesting_ends_at_its_limit),
        cmocka_unit_test(the_limits_of_bytes_and_memory_hold),
        cmocka_unit_test(a_tree_is_written_as_it_was_read),
        cmocka_unit_test(a_part_of_a_tree_can_be_written),
        cmocka_unit_test(each_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
