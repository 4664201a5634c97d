/* event_metadata_test.c - common/wire/event_metadata.h */
#include "common/wire/event_metadata.h"

#include "common/json/json.h"
#include "common/json/strict_json.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static void normalise(const char *object, struct buf *ret)
{
    AUTO(buf) strict = buf_growing(1 << 20);
    AUTO(arena) scratch = arena_new(1 << 20);
    strict_json_write(str_from(object), &strict);
    assert_false(strict.overflow);
    event_metadata_write(buf_str(&strict), &scratch, ret);
    assert_false(ret->overflow);
    assert_true(ret->len <= EVENT_METADATA_BYTES_MAX);
    /* Whatever came in: the event can be read again. */
    AUTO(arena) tree = arena_new(64 << 20);
    struct json *node = NULL;
    struct err err = {0};
    if (!json_parse(buf_str(ret), LIMIT_EVENT_BYTES, &tree, &node, &err)) {
        fail_msg("%s: %s", object, err.msg);
    }
}

static void assert_metadata(const char *object, const char *expected)
{
    AUTO(buf) out = buf_growing(1 << 20);
    normalise(object, &out);
    assert_string_equal(buf_cstr(&out), expected);
}

/* One row: what a client sends as a value, and the event's entry. */
static void assert_value(const char *value, const char *type, const char *raw_value)
{
    AUTO(buf) in = buf_growing(1 << 10);
    AUTO(buf) expected = buf_growing(1 << 10);
    buf_addf(&in, "{\"k\": %s}", value);
    buf_addf(&expected, "{\"k\":{\"type\":\"%s\",\"raw_value\":%s}}", type, raw_value);
    assert_metadata(buf_cstr(&in), buf_cstr(&expected));
}

static void every_type_is_kept(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"text", "\"hello\""},
        {"url", "\"https://dagster.io\""},
        {"path", "\"/dev/null\""},
        {"notebook", "\"notebook.ipynb\""},
        {"json", "{\"quux\": {\"a\": 1}, \"corge\": null, \"qux\": [1, 2, 3]}"},
        {"md", "\"**markdown**\""},
        {"float", "0.1"},
        {"float", "1"},
        {"int", "1"},
        {"bool", "true"},
        {"bool", "false"},
        {"dagster_run", "\"db892d7f-0031-4747-973d-22e8b9095d9d\""},
        {"asset", "\"foo/bar\""},
        {"null", "null"},
        {"table",
         "{\"records\": [{\"a\": 1}], \"schema\": [{\"name\": \"a\", \"type\": \"int\"}]}"},
        {"table_schema", "{\"columns\": [{\"name\": \"a\", \"type\": \"int\"}]}"},
        {"table_column_lineage",
         "{\"deps_by_column\": {\"a\": [{\"asset_key\": \"x/y\", \"column_name\": \"b\"}]}}"},
        {"timestamp", "1700000000.5"},
        {"job", "\"nightly\""},
        {"of_a_newer_client", "[1]"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(buf) value = buf_growing(1 << 10);
        buf_addf(&value, "{\"raw_value\": %s, \"type\": \"%s\"}", rows[i][1], rows[i][0]);
        assert_value(buf_cstr(&value), rows[i][0], rows[i][1]);
    }
}

static void types_are_inferred_as_dagster_does(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"\"x\"", "text"},      {"1", "int"},     {"-1", "int"},    {"1.0", "float"},
        {"1e3", "float"},       {"true", "bool"}, {"null", "null"}, {"[1, 2]", "json"},
        {"{\"a\": 1}", "json"}, {"\"\"", "text"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(buf) wrapped = buf_growing(1 << 10);
        buf_addf(&wrapped, "{\"type\": \"__infer__\", \"raw_value\": %s}", rows[i][0]);
        assert_value(buf_cstr(&wrapped), rows[i][1], rows[i][0]);
        assert_value(rows[i][0], rows[i][1], rows[i][0]); /* a client that does not wrap */
    }
}

static void an_object_that_is_no_typed_value_is_json(void **state)
{
    (void)state;
    static const char *const values[] = {
        "{\"type\": \"int\"}",
        "{\"raw_value\": 1}",
        "{\"type\": \"int\", \"raw_value\": 1, \"more\": 2}",
        "{\"type\": 5, \"raw_value\": 1}",
        "{}",
    };
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        assert_value(values[i], "json", values[i]);
    }
}

static void numbers_beyond_json_keep_their_type_as_text(void **state)
{
    (void)state;
    assert_value("{\"type\": \"__infer__\", \"raw_value\": NaN}", "float", "\"NaN\"");
    assert_value("{\"type\": \"float\", \"raw_value\": -Infinity}", "float", "\"-Infinity\"");
    assert_value("123456789012345678901234567890", "int", "\"123456789012345678901234567890\"");
    assert_value("{\"type\": \"json\", \"raw_value\": [NaN, {\"a\": 18446744073709551616}]}",
                 "json", "[\"NaN\", {\"a\": \"18446744073709551616\"}]");
}

static void a_value_that_the_reader_would_refuse_stands_as_its_text(void **state)
{
    (void)state;
    assert_value("{\"type\": \"json\", \"raw_value\": {\"a\": 1, \"a\": 2}}", "json",
                 "\"{\\\"a\\\": 1, \\\"a\\\": 2}\"");
}

static void names_are_unescaped_and_the_last_of_equals_counts(void **state)
{
    (void)state;
    assert_metadata("{\"a\": 1, \"b\": 2, \"\\u0061\": 3}",
                    "{\"a\":{\"type\":\"int\",\"raw_value\":3},"
                    "\"b\":{\"type\":\"int\",\"raw_value\":2}}");
    assert_metadata("{\"dagster/row_count\": 1, \"\\u00e4\\n\": \"\\ud800\"}",
                    "{\"dagster/row_count\":{\"type\":\"int\",\"raw_value\":1},"
                    "\"\xc3\xa4\\n\":{\"type\":\"text\",\"raw_value\":\"\\ufffd\"}}");
    assert_metadata("{}", "{}");
}

static void what_does_not_fit_is_dropped_and_counted(void **state)
{
    (void)state;
    AUTO(buf) in = buf_growing(1 << 20);
    buf_add_text(&in, "{\"first\": 1, \"large\": \"");
    for (int i = 0; i < 100000; i++) {
        buf_add_char(&in, 'x');
    }
    buf_add_text(&in, "\", \"last\": 2}");
    assert_metadata(buf_cstr(&in),
                    "{\"first\":{\"type\":\"int\",\"raw_value\":1},"
                    "\"last\":{\"type\":\"int\",\"raw_value\":2},"
                    "\"selvedge/metadata_dropped_bytes\":{\"type\":\"int\",\"raw_value\":100005}}");

    /* Many small ones: up to the limit in number, or in bytes. */
    buf_reset(&in);
    for (int i = 0; i < LIMIT_METADATA_ENTRIES + 1; i++) {
        buf_addf(&in, "%s\"%03d\": 5", i == 0 ? "{" : ", ", i);
    }
    buf_add_char(&in, '}');
    AUTO(buf) out = buf_growing(1 << 20);
    normalise(buf_cstr(&in), &out);
    assert_true(str_contains(buf_str(&out), STR("\"063\"")));
    assert_false(str_contains(buf_str(&out), STR("\"064\"")));
    assert_true(str_ends(buf_str(&out), STR("_bytes\":{\"type\":\"int\",\"raw_value\":4}}")));
}

static void the_limit_holds_to_the_byte(void **state)
{
    (void)state;
    for (size_t len = EVENT_METADATA_BYTES_MAX - 300; len < EVENT_METADATA_BYTES_MAX + 20; len++) {
        AUTO(buf) in = buf_growing(1 << 20);
        AUTO(buf) out = buf_growing(1 << 20);
        buf_add_text(&in, "{\"a\": \"");
        char *room = buf_reserve(&in, len);
        assert_non_null(room);
        memset(room, 'x', len);
        in.len += len;
        buf_add_text(&in, "\", \"b\": [1], \"c\": 2}");
        normalise(buf_cstr(&in), &out);
        bool is_whole =
            str_contains(buf_str(&out), STR("\"c\":{\"type\":\"int\",\"raw_value\":2}"));
        assert_true(is_whole || str_contains(buf_str(&out), STR("selvedge/metadata_dropped")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_kept),
        cmocka_unit_test(types_are_inferred_as_dagster_does),
        cmocka_unit_test(an_object_that_is_no_typed_value_is_json),
        cmocka_unit_test(numbers_beyond_json_keep_their_type_as_text),
        cmocka_unit_test(a_value_that_the_reader_would_refuse_stands_as_its_text),
        cmocka_unit_test(names_are_unescaped_and_the_last_of_equals_counts),
        cmocka_unit_test(what_does_not_fit_is_dropped_and_counted),
        cmocka_unit_test(the_limit_holds_to_the_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
