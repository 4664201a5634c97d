/* Trees as Python's dictionaries: merge, flatten, nest, text; and time stamps. */
#include "agent/meltano/timestamp.h"
#include "agent/meltano/tree.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static struct json *parse(struct arena *a, const char *text)
{
    struct json *root = NULL;
    struct err err = {0};
    assert_true(json_parse(str_from(text), 1 << 16, a, &root, &err));
    return root;
}

static void assert_json(const struct json *node, const char *wanted)
{
    AUTO(buf) out = buf_growing(1 << 16);
    assert_non_null(node);
    json_write(&out, node);
    assert_string_equal(buf_cstr(&out), wanted);
}

static void test_merge(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(1 << 20);
    assert_json(tree_merge(&a, parse(&a, "{\"a\":1,\"l\":[1],\"o\":{\"x\":1,\"y\":2}}"),
                           parse(&a, "{\"b\":2,\"l\":[2,3],\"o\":{\"y\":3,\"z\":4},\"a\":null}")),
                "{\"a\":null,\"l\":[1,2,3],\"o\":{\"x\":1,\"y\":3,\"z\":4},\"b\":2}");
    assert_json(tree_merge(&a, parse(&a, "{\"a\":[1]}"), parse(&a, "{\"a\":{\"b\":1}}")),
                "{\"a\":{\"b\":1}}");
    assert_json(tree_merge(&a, NULL, parse(&a, "[1]")), "[1]");
}

static void test_flatten(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(1 << 20);
    struct flat flat = {.arena = &a};
    tree_flatten(parse(&a, "{\"a\":{\"b\":{\"c\":1}},\"d.e\":2,\"f\":{},\"g\":[{\"h\":1}]}"),
                 STR(""), &flat);
    static const char *const keys[] = {"a.b.c", "d.e", "f", "g"};
    assert_int_equal(flat.count, COUNT_OF(keys));
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        assert_true(str_eq(flat.keys[i], str_from(keys[i])));
    }
    assert_json(flat.values[3], "[{\"h\":1}]");
}

static void test_nest(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(1 << 20);
    struct json *object = tree_new(&a, JSON_OBJECT);
    const struct json *one = parse(&a, "1");
    assert_true(tree_nest(&a, object, STR("a.b.c"), one));
    assert_true(tree_nest(&a, object, STR("a.d"), parse(&a, "{\"e\":2}")));
    assert_true(tree_nest(&a, object, STR("a.d.e"), one)); /* it is there: stays */
    assert_true(tree_nest(&a, object, STR("s3\\.url.x"), one));
    assert_false(tree_nest(&a, object, STR("a.b.c.d"), one)); /* into a number */
    assert_json(object, "{\"a\":{\"b\":{\"c\":1},\"d\":{\"e\":2}},\"s3.url\":{\"x\":1}}");
    char deep[2 * TREE_DEPTH_MAX + 2];
    for (size_t i = 0; i < sizeof(deep); i++) {
        deep[i] = i % 2 == 0 ? 'k' : '.';
    }
    assert_false(tree_nest(&a, object, (struct str){deep, sizeof(deep) - 1}, one));
}

static void assert_written(const char *json, const char *python, const char *dumps)
{
    AUTO(arena) a = arena_new(1 << 20);
    AUTO(buf) out = buf_growing(1 << 16);
    const struct json *node = parse(&a, json);
    tree_write_python(&out, node);
    assert_string_equal(buf_cstr(&out), python);
    buf_reset(&out);
    tree_write_dumps(&out, node);
    assert_string_equal(buf_cstr(&out), dumps);
}

static void test_written_as_python_writes(void **state)
{
    (void)state;
    assert_written("null", "None", "null");
    assert_written("true", "True", "true");
    assert_written("\"it's\"", "it's", "\"it's\"");
    assert_written("[1,1.5,2.0,\"a\",\"it's\",\"\\n\\u0001\"]",
                   "[1, 1.5, 2.0, 'a', \"it's\", '\\n\\x01']",
                   "[1, 1.5, 2.0, \"a\", \"it's\", \"\\n\\u0001\"]");
    assert_written("{\"k\":{\"n\":false},\"e\":[]}", "{'k': {'n': False}, 'e': []}",
                   "{\"k\": {\"n\": false}, \"e\": []}");
    assert_written("[\"ü\",\"\xF0\x9F\x98\x80\"]", "['ü', '\xF0\x9F\x98\x80']",
                   "[\"\\u00fc\", \"\\ud83d\\ude00\"]");
}

static void test_equal(void **state)
{
    (void)state;
    AUTO(arena) a = arena_new(1 << 20);
    assert_true(tree_equal(parse(&a, "{\"a\":[1,null],\"b\":\"x\"}"),
                           parse(&a, "{\"b\":\"x\",\"a\":[1,null]}")));
    assert_false(tree_equal(parse(&a, "[1,2]"), parse(&a, "[2,1]")));
    assert_false(tree_equal(parse(&a, "1"), parse(&a, "1.0")));
    assert_false(tree_equal(parse(&a, "1"), NULL));
}

static void test_time_stamps(void **state)
{
    (void)state;
    /* isoformat() of what ruamel.yaml 0.18 reads; NULL: it reads a text, or a date, which stays. */
    static const struct {
        const char *text;
        const char *iso;
    } cases[] = {
        {"2020-08-05T00:00:00Z", "2020-08-05T00:00:00+00:00"},
        {"2020-08-05 01:02:03.5 +02:00", "2020-08-05T01:02:03.500000+02:00"},
        {"2020-08-05t1:02:03", "2020-08-05T01:02:03"},
        {"2020-08-05T00:00:00.123456789Z", "2020-08-05T00:00:00.123457+00:00"},
        {"2020-08-05T00:00:00-05:30", "2020-08-05T00:00:00-05:30"},
        {"2020-08-05T00:00:00+5", "2020-08-05T00:00:00+05:00"},
        {"2020-08-05", NULL},
        {"2020-8-5", NULL},
        {"2020-13-05T00:00:00", NULL},
        {"2020-08-05T24:00:00", NULL},
        {"2020-08-05T00:00", NULL},
        {"2020-08-05T00:00:00X", NULL},
        {"", NULL},
    };
    AUTO(arena) a = arena_new(1 << 16);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str iso = STR("unchanged");
        bool is_stamp = timestamp_iso(&a, str_from(cases[i].text), &iso);
        assert_int_equal(is_stamp, cases[i].iso != NULL);
        assert_true(str_eq(iso, str_from(is_stamp ? cases[i].iso : "unchanged")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge), cmocka_unit_test(test_flatten),
        cmocka_unit_test(test_nest),  cmocka_unit_test(test_written_as_python_writes),
        cmocka_unit_test(test_equal), cmocka_unit_test(test_time_stamps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
