/* strict_json_test.c - common/json/strict_json.h */
#include "common/json/strict_json.h"

#include "common/base/limits.h"
#include "tests/support/cmocka_all.h"

static void assert_strict(const char *line, const char *expected)
{
    AUTO(buf) out = buf_growing(1 << 20);
    strict_json_write(str_from(line), &out);
    assert_false(out.overflow);
    assert_string_equal(buf_cstr(&out), expected);
}

static void strict_json_stays_as_it_is(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "{\"a\": [1, -2.5e3, true, null, \"x\\n\\u00e4\\ud83d\\ude00\"], \"\": {}}",
        "{\"a\":9223372036854775807,\"b\":-9223372036854775808}",
        "[\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\"]",
        "[]",
        "",
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        assert_strict(lines[i], lines[i]);
    }
}

static void numbers_that_json_cannot_hold_become_marked_strings(void **state)
{
    (void)state;
    assert_strict("[NaN, Infinity,-Infinity]",
                  "[\"\\u0000NaN\", \"\\u0000Infinity\",\"\\u0000-Infinity\"]");
    assert_strict("{\"n\": 9223372036854775808}", "{\"n\": \"\\u00009223372036854775808\"}");
    assert_strict("{\"n\": -1e400}", "{\"n\": \"\\u0000-1e400\"}");
    assert_strict("[\"NaN\"]", "[\"NaN\"]");
}

static void what_utf8_cannot_hold_is_replaced(void **state)
{
    (void)state;
    assert_strict("[\"a\\ud800b\"]", "[\"a\\ufffdb\"]");
    assert_strict("[\"\\ude00\\ud83d\"]", "[\"\\ufffd\\ufffd\"]");
    assert_strict("[\"\\ud83d\\u0041\"]", "[\"\\ufffd\\u0041\"]");
    assert_strict("[\"\\u0000\"]", "[\"\\ufffd\"]");
    assert_strict("[\"\xff\xc0\x80 \xed\xa0\x80\"]",
                  "[\"\\ufffd\\ufffd\\ufffd \\ufffd\\ufffd\\ufffd\"]");
    assert_strict("[\"\xe2\x82", "[\"\\ufffd\\ufffd");
    assert_strict("[\"tab\there\"]", "[\"tab\\u0009here\"]");
}

static void wrong_json_stays_wrong(void **state)
{
    (void)state;
    static const char *const lines[] = {"{\"a\"",   "nan",  "[01]", "[1.]", "[--1]", "[\"\\",
                                        "[\"\\u12", "[\\]", "]]]",  "{a}",  "[-]",   "[-Inf]"};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        AUTO(buf) out = buf_growing(1 << 20);
        strict_json_write(str_from(lines[i]), &out);
        struct json_scan scan;
        struct json_raw value;
        struct err err = {0};
        bool ok = json_scan_array(&scan, buf_str(&out), &err);
        while (ok && json_scan_element(&scan, &value)) {
        }
        if (ok && json_scan_end(&scan, &err)) {
            fail_msg("%s became %s", lines[i], buf_cstr(&out));
        }
    }
}

/* [[[...1...]]] with `depth` brackets. */
static void add_nested(struct buf *out, int depth, const char *inner)
{
    for (int i = 0; i < depth; i++) {
        buf_add_char(out, '[');
    }
    buf_add_text(out, inner);
    for (int i = 0; i < depth; i++) {
        buf_add_char(out, ']');
    }
}

static void what_is_nested_too_deep_becomes_its_text(void **state)
{
    (void)state;
    enum { DEPTH = LIMIT_JSON_DEPTH - 2 };
    AUTO(buf) line = buf_growing(1 << 16);
    AUTO(buf) expected = buf_growing(1 << 16);
    add_nested(&line, DEPTH, "1");
    assert_strict(buf_cstr(&line), buf_cstr(&line));

    buf_reset(&line);
    add_nested(&line, DEPTH, "[NaN, {\"a\\n\": []}], [], 2");
    add_nested(&expected, DEPTH, "\"[NaN, {\\\"a\\\\n\\\": []}]\", \"[]\", 2");
    assert_strict(buf_cstr(&line), buf_cstr(&expected));

    /* However deep: no recursion, no stack. */
    buf_reset(&line);
    buf_reset(&expected);
    add_nested(&line, 10000, "");
    strict_json_write(buf_str(&line), &expected);
    struct json_scan scan;
    struct json_raw value;
    struct err err = {0};
    assert_true(json_scan_array(&scan, buf_str(&expected), &err));
    assert_true(json_scan_element(&scan, &value));
    assert_false(json_scan_element(&scan, &value));
    assert_true(json_scan_end(&scan, &err));
}

static void the_mark_is_seen_and_taken_away(void **state)
{
    (void)state;
    AUTO(buf) line = buf_growing(1 << 10);
    AUTO(buf) plain = buf_growing(1 << 10);
    strict_json_write(STR("[NaN, 18446744073709551616, 1e999, \"x\\\"\\\\u0000\", \"NaN\"]"),
                      &line);
    struct json_scan scan;
    struct json_raw value;
    struct err err = {0};
    assert_true(json_scan_array(&scan, buf_str(&line), &err));
    static const int expected[] = {1, 0, 1, -1, -1}; /* real, integer, no number */
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        bool is_real = false;
        assert_true(json_scan_element(&scan, &value));
        int seen = strict_json_number(value, &is_real) ? is_real : -1;
        assert_int_equal(seen, expected[i]);
    }
    strict_json_value(buf_str(&line), &plain);
    assert_string_equal(
        buf_cstr(&plain),
        "[\"NaN\", \"18446744073709551616\", \"1e999\", \"x\\\"\\\\u0000\", \"NaN\"]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strict_json_stays_as_it_is),
        cmocka_unit_test(numbers_that_json_cannot_hold_become_marked_strings),
        cmocka_unit_test(what_utf8_cannot_hold_is_replaced),
        cmocka_unit_test(wrong_json_stays_wrong),
        cmocka_unit_test(what_is_nested_too_deep_becomes_its_text),
        cmocka_unit_test(the_mark_is_seen_and_taken_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
