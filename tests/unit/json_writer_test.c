/* json_writer_test.c - common/json/json_writer.h */
#include "common/json/json_writer.h"

#include "common/json/json.h"
#include "tests/support/cmocka_all.h"
#include <float.h>
#include <math.h>

static void commas_stand_where_they_belong(void **state)
{
    (void)state;
    AUTO(buf) out = buf_growing(1000);
    struct json_writer w = json_writer(&out);
    jw_begin_object(&w);
    jw_member_str(&w, "s", STR("x"));
    jw_member_opt(&w, "none", STR_NONE);
    jw_member_opt(&w, "some", STR("y"));
    jw_member_i64(&w, "i", INT64_MIN);
    jw_member_double(&w, "d", 0.5);
    jw_member_bool(&w, "b", true);
    jw_member_wall(&w, "w", (struct wall_time){1500 * NS_PER_MS});
    jw_member_opt_wall(&w, "never", (struct wall_time){0});
    jw_member_opt_wall(&w, "o", (struct wall_time){2 * NS_PER_SEC});
    jw_member_raw(&w, "r", STR("[1]"));
    jw_key(&w, STR("a"));
    jw_begin_array(&w);
    jw_null(&w);
    jw_begin_array(&w);
    jw_end_array(&w);
    jw_begin_object(&w);
    jw_end_object(&w);
    jw_bool(&w, false);
    jw_end_array(&w);
    jw_end_object(&w);
    assert_string_equal(
        buf_cstr(&out),
        "{\"s\":\"x\",\"some\":\"y\",\"i\":-9223372036854775808,\"d\":0.5,\"b\":true,"
        "\"w\":\"1970-01-01T00:00:01.500Z\",\"o\":\"1970-01-01T00:00:02.000Z\",\"r\":[1],\"a\":["
        "null,[],{},false]}");
}

static void assert_written(struct str text, const char *expected)
{
    AUTO(buf) out = buf_growing(1000);
    struct json_writer w = json_writer(&out);
    jw_str(&w, text);
    assert_string_equal(buf_cstr(&out), expected);
}

static void strings_are_escaped_as_needed_only(void **state)
{
    (void)state;
    assert_written(STR_NONE, "\"\"");
    assert_written(STR("\"\\/\b\f\n\r\t"), "\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
    assert_written(STR("a\0b\x1f\x7f"), "\"a\\u0000b\\u001f\x7f\"");
    assert_written(STR("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
                   "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

static void invalid_utf8_is_replaced(void **state)
{
    (void)state;
    assert_written(STR("a\xff"), "\"a\xef\xbf\xbd\"");
    assert_written(STR("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    assert_written(STR("x\xe2\x82"), "\"x\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void doubles_are_short_and_exact(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.1, "0.1"},
        {3.0, "3.0"},
        {-0.0, "-0.0"},
        {1e20, "1e+20"},
        {100.25, "100.25"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {DBL_TRUE_MIN, "5e-324"},
        {(double)NAN, "null"},
        {-HUGE_VAL, "null"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(buf) out = buf_growing(100);
        struct json_writer w = json_writer(&out);
        jw_double(&w, cases[i].value);
        assert_string_equal(buf_cstr(&out), cases[i].text);
    }
}

static void any_bytes_are_read_back(void **state)
{
    (void)state;
    char bytes[127];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)(i + 1);
    }
    AUTO(buf) out = buf_growing(1000);
    struct json_writer w = json_writer(&out);
    jw_str(&w, (struct str){bytes, sizeof(bytes)});
    AUTO(arena) arena = arena_new(10000);
    struct json *node = NULL;
    struct err err = {0};
    assert_true(json_parse(buf_str(&out), 1000, &arena, &node, &err));
    assert_true(str_eq(node->as.string, (struct str){bytes, sizeof(bytes)}));
}

static void overflow_shows_in_the_buffer(void **state)
{
    (void)state;
    char memory[4];
    struct buf out = buf_fixed(memory, sizeof(memory));
    struct json_writer w = json_writer(&out);
    jw_str(&w, STR("12345"));
    assert_true(out.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_stand_where_they_belong),
        cmocka_unit_test(strings_are_escaped_as_needed_only),
        cmocka_unit_test(invalid_utf8_is_replaced),
        cmocka_unit_test(doubles_are_short_and_exact),
        cmocka_unit_test(any_bytes_are_read_back),
        cmocka_unit_test(overflow_shows_in_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
