/* json_scan_test.c - common/json/json_scan.h */
#include "common/json/json_scan.h"

#include "common/base/limits.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

#define assert_str(s_, text_) assert_true(str_eq((s_), STR(text_)))

static void members_come_in_order_as_raw_slices(void **state)
{
    (void)state;
    struct str text = STR(" {\"type\": \"RECORD\", \"r\\u0065c\" : {\"id\":[1,{\"x\":\"}\"}] } ,\n"
                          "\"n\":-1,\"r\":2.5e1,\"t\":true,\"z\":null,\"s\":\"a\\nb\"} ");
    struct json_scan s;
    struct err err = {0};
    struct json_raw key;
    struct json_raw value;
    assert_true(json_scan_object(&s, text, &err));
    assert_true(json_scan_member(&s, &key, &value));
    assert_true(json_raw_is(key, "type"));
    assert_false(json_raw_is(key, "typ"));
    assert_true(json_raw_is(value, "RECORD"));
    assert_true(json_scan_member(&s, &key, &value));
    assert_true(key.has_escape);
    assert_false(json_raw_is(key, "rec"));
    assert_int_equal(value.type, JSON_OBJECT);
    assert_str(value.text, "{\"id\":[1,{\"x\":\"}\"}] }");
    static const enum json_type types[] = {JSON_INT, JSON_REAL, JSON_BOOL, JSON_NULL, JSON_STRING};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        assert_true(json_scan_member(&s, &key, &value));
        assert_int_equal(value.type, types[i]);
    }
    assert_str(value.text, "a\\nb");
    assert_true(value.has_escape);
    assert_false(json_scan_member(&s, &key, &value));
    assert_false(json_scan_member(&s, &key, &value)); /* stays at the end */
    assert_true(json_scan_end(&s, &err));
}

static void elements_come_in_order(void **state)
{
    (void)state;
    struct json_scan s;
    struct err err = {0};
    struct json_raw value;
    assert_true(json_scan_array(&s, STR("[1 , [], \"x\"]"), &err));
    assert_true(json_scan_element(&s, &value));
    assert_str(value.text, "1");
    assert_true(json_scan_element(&s, &value));
    assert_str(value.text, "[]");
    assert_true(json_scan_element(&s, &value));
    assert_false(json_scan_element(&s, &value));
    assert_true(json_scan_end(&s, &err));
    assert_true(json_scan_array(&s, STR("[]"), &err));
    assert_false(json_scan_element(&s, &value));
    assert_true(json_scan_end(&s, &err));
}

static void assert_scan_fails(struct str text, const char *message)
{
    struct json_scan s;
    struct err err = {0};
    struct json_raw key;
    struct json_raw value;
    if (json_scan_object(&s, text, &err)) {
        while (json_scan_member(&s, &key, &value)) {
        }
        assert_false(json_scan_end(&s, &err));
    }
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.msg, message);
}

static void bad_lines_are_refused_with_their_byte(void **state)
{
    (void)state;
    assert_scan_fails(STR_NONE, "byte 1: expected an object, but the text ends");
    assert_scan_fails(STR("  [1]"), "byte 3: expected an object");
    assert_scan_fails(STR("{"), "byte 2: expected a key in quotes, but the text ends");
    assert_scan_fails(STR("{\"a\":1,}"), "byte 8: expected a key in quotes");
    assert_scan_fails(STR("{\"a\":1;}"), "byte 7: expected ',' or '}'");
    assert_scan_fails(STR("{\"a\":1} {"), "byte 9: text after the end");
    assert_scan_fails(STR("{\"a\":[1,{\"b\":]}"), "byte 14: expected a value");
    assert_scan_fails(STR("{\"a\":[}"), "byte 7: expected a value");
    assert_scan_fails(STR("{\"a\":{\"b\":1]}"), "byte 12: expected ',' or '}'");
    assert_scan_fails(STR("{\"a\":\"0123456789"), "byte 6: a string without its closing quote");
    assert_scan_fails(STR("{\"a\":[\"0123456\xff\"]}"), "byte 15: invalid UTF-8");
    struct json_scan s;
    struct err err = {0};
    assert_false(json_scan_array(&s, STR("{}"), &err));
    assert_string_equal(err.msg, "byte 1: expected a list");
}

static void a_scan_left_early_is_no_success(void **state)
{
    (void)state;
    struct json_scan s;
    struct err err = {0};
    assert_true(json_scan_object(&s, STR("{\"a\":1}"), &err));
    assert_false(json_scan_end(&s, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
}

static void nesting_counts_the_object_around(void **state)
{
    (void)state;
    char text[2 * LIMIT_JSON_DEPTH + 8] = "{\"a\":";
    size_t levels = LIMIT_JSON_DEPTH - 1;
    memset(text + 5, '[', levels);
    memset(text + 5 + levels, ']', levels);
    text[5 + 2 * levels] = '}';
    struct json_scan s;
    struct err err = {0};
    struct json_raw key;
    struct json_raw value;
    assert_true(json_scan_object(&s, str_from(text), &err));
    assert_true(json_scan_member(&s, &key, &value));
    assert_int_equal(value.text.len, 2 * levels);
    memset(text + 5, '[', levels + 1);
    assert_scan_fails(str_from(text), "byte 21: nested too deep");
}

static bool unescape(const char *text, bool lenient, struct buf *into, struct str *ret)
{
    struct json_raw raw = {
        .type = JSON_STRING, .text = str_from(text), .has_escape = strchr(text, '\\') != NULL};
    return json_unescape(raw, lenient, into, ret);
}

static void escapes_become_text(void **state)
{
    (void)state;
    AUTO(buf) into = buf_growing(1000);
    struct str text = STR_NONE;
    assert_true(unescape("plain", false, &into, &text));
    assert_str(text, "plain");
    assert_int_equal(into.len, 0); /* borrowed from the input */
    assert_true(unescape("\\\"\\\\\\/\\b\\f\\n\\r\\t.", false, &into, &text));
    assert_str(text, "\"\\/\b\f\n\r\t.");
    assert_true(unescape("\\u0041\\u00e9\\u20AC\\ud83d\\uDE00", false, &into, &text));
    assert_str(text, "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_true(unescape("\\u0000", false, &into, &text));
    assert_str(text, "\0");
}

static void unpaired_surrogates_are_refused_or_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *lenient;
    } cases[] = {
        {"\\ud800", "\xef\xbf\xbd"},
        {"\\udfff!", "\xef\xbf\xbd!"},
        {"\\ud800\\u0041", "\xef\xbf\xbd"
                           "A"},
        {"\\ud800\\ud800\\udc00", "\xef\xbf\xbd\xf0\x90\x80\x80"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(buf) into = buf_growing(100);
        struct str text = STR("untouched");
        assert_false(unescape(cases[i].text, false, &into, &text));
        assert_str(text, "untouched");
        assert_int_equal(into.len, 0);
        assert_false(into.overflow);
        assert_true(unescape(cases[i].text, true, &into, &text));
        assert_true(str_eq(text, str_from(cases[i].lenient)));
    }
}

static void escapes_cut_short_are_refused_even_when_handed_in(void **state)
{
    (void)state;
    static const char *const texts[] = {"\\", "\\u", "\\u12", "\\u12g4", "\\x"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        AUTO(buf) into = buf_growing(100);
        struct str text;
        assert_false(unescape(texts[i], true, &into, &text));
    }
    struct buf small = buf_fixed((char[4]){0}, 4);
    struct str text;
    assert_false(unescape("\\n1234", false, &small, &text));
    assert_true(small.overflow);
}

static void numbers_are_read_exactly_or_not_at_all(void **state)
{
    (void)state;
    int64_t integer = 7;
    double real = 7;
    struct json_raw raw = {.type = JSON_INT, .text = STR_INIT("-9223372036854775808")};
    assert_true(json_raw_i64(raw, &integer));
    assert_true(integer == INT64_MIN);
    assert_true(json_raw_double(raw, &real));
    raw.text = STR("9223372036854775808");
    assert_false(json_raw_i64(raw, &integer));
    raw = (struct json_raw){.type = JSON_REAL, .text = STR("1.5")};
    assert_false(json_raw_i64(raw, &integer));
    assert_true(json_raw_double(raw, &real));
    assert_true(real == 1.5);
    raw.text = STR("1e999");
    assert_false(json_raw_double(raw, &real));
    raw = (struct json_raw){.type = JSON_STRING, .text = STR("1")};
    assert_false(json_raw_i64(raw, &integer));
    assert_false(json_raw_double(raw, &real));
    assert_true(integer == INT64_MIN && real == 1.5);
}

/* Every byte at every place of a word: the eight-byte steps find what a byte loop finds. */
static void each_byte_is_judged_at_each_offset(void **state)
{
    (void)state;
    for (size_t at = 0; at < 20; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char text[32] = "{\"k\":\"....................\"}";
            text[6 + at] = (char)byte;
            struct json_scan s;
            struct err err = {0};
            struct json_raw key;
            struct json_raw value;
            assert_true(json_scan_object(&s, (struct str){text, 28}, &err));
            while (json_scan_member(&s, &key, &value)) {
            }
            bool is_plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
            assert_int_equal(json_scan_end(&s, &err), is_plain);
            if (!is_plain && byte != '"' && byte != '\\') {
                assert_int_equal(s.pos - text, 6 + at);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_come_in_order_as_raw_slices),
        cmocka_unit_test(elements_come_in_order),
        cmocka_unit_test(bad_lines_are_refused_with_their_byte),
        cmocka_unit_test(a_scan_left_early_is_no_success),
        cmocka_unit_test(nesting_counts_the_object_around),
        cmocka_unit_test(escapes_become_text),
        cmocka_unit_test(unpaired_surrogates_are_refused_or_replaced),
        cmocka_unit_test(escapes_cut_short_are_refused_even_when_handed_in),
        cmocka_unit_test(numbers_are_read_exactly_or_not_at_all),
        cmocka_unit_test(each_byte_is_judged_at_each_offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
