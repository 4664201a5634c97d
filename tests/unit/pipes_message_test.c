/* pipes_message_test.c - agent/pipes/pipes_message.h: one line, and the stream of lines. */
#include "agent/pipes/pipes_message.h"

#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"
#include <stdio.h>
#include <string.h>

#define assert_str(s_, text_) assert_str_at((s_), STR(text_), __LINE__)
static void assert_str_at(struct str seen, struct str expected, int line)
{
    if (!str_eq(seen, expected)) {
        fail_msg("line %d: \"" STR_FMT "\" is not \"" STR_FMT "\"", line, STR_ARG(seen),
                 STR_ARG(expected));
    }
}

#define MESSAGE(method, params)                                                                    \
    "{\"__dagster_pipes_version\": \"0.1\", \"method\": \"" method "\", \"params\": " params "}"

struct reading {
    struct pipes_stream stream;
    struct pipes_message m;
};

/* The one message of a line. */
static void read_line(struct reading *r, const char *line)
{
    pipes_stream_release(&r->stream);
    pipes_stream_init(&r->stream);
    assert_true(pipes_stream_feed(&r->stream, str_from(line)));
    assert_true(pipes_stream_feed(&r->stream, STR("\n")));
    assert_true(pipes_stream_peek(&r->stream, &r->m));
    assert_int_equal(r->m.end, strlen(line) + 1);
}

static int set_up(void **state)
{
    static struct reading reading;
    pipes_stream_init(&reading.stream);
    *state = &reading;
    return 0;
}

static int tear_down(void **state)
{
    struct reading *r = *state;
    pipes_stream_release(&r->stream);
    return 0;
}

static void assert_malformed(struct reading *r, const char *line, const char *why)
{
    read_line(r, line);
    if (r->m.method != PIPES_MALFORMED || !str_contains(r->m.text, str_from(why))) {
        fail_msg("%s: method %d, \"" STR_FMT "\"", line, (int)r->m.method, STR_ARG(r->m.text));
    }
}

static void opened_and_closed(void **state)
{
    struct reading *r = *state;
    read_line(r, MESSAGE("opened", "{\"extras\": {}}"));
    assert_int_equal(r->m.method, PIPES_OPENED);
    read_line(r, MESSAGE("closed", "{}"));
    assert_int_equal(r->m.method, PIPES_CLOSED);
    assert_str(r->m.exception, "");
    read_line(r, MESSAGE("closed", "null")); /* the Rust client */
    assert_int_equal(r->m.method, PIPES_CLOSED);
    assert_str(r->m.exception, "");
}

static void logs_have_levels_of_ours(void **state)
{
    struct reading *r = *state;
    static const char *const levels[][2] = {
        {"DEBUG", "debug"}, {"INFO", "info"},      {"WARNING", "warning"},   {"WARN", "warning"},
        {"ERROR", "error"}, {"FATAL", "critical"}, {"CRITICAL", "critical"}, {"info", "info"},
    };
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        char line[200];
        (void)snprintf(line, sizeof(line),
                       MESSAGE("log", "{\"message\": \"a\\nb\", \"level\": \"%s\"}"), levels[i][0]);
        read_line(r, line);
        assert_int_equal(r->m.method, PIPES_LOG);
        assert_str(r->m.text, "a\nb");
        assert_true(str_eq(r->m.level, str_from(levels[i][1])));
        assert_str(r->m.level_name, "");
    }
    read_line(r, MESSAGE("log", "{\"message\": \"x\", \"level\": \"Level 5\"}"));
    assert_str(r->m.level, "info");
    assert_str(r->m.level_name, "Level 5");
    read_line(r, MESSAGE("log", "{\"message\": \"x\"}"));
    assert_str(r->m.level, "info");
    assert_str(r->m.level_name, "");
    read_line(r, MESSAGE("log", "{\"message\": {\"a\": NaN}, \"level\": null}"));
    assert_str(r->m.text, "{\"a\": \"NaN\"}");
    assert_malformed(r, MESSAGE("log", "{}"), "\"message\" is missing");
}

static void materializations(void **state)
{
    struct reading *r = *state;
    read_line(r, MESSAGE("report_asset_materialization",
                         "{\"asset_key\": \"raw/orders\", \"data_version\": \"sha256:ab12\", "
                         "\"metadata\": {\"dagster/row_count\": {\"raw_value\": 42, \"type\": "
                         "\"__infer__\"}}}"));
    assert_int_equal(r->m.method, PIPES_MATERIALIZATION);
    assert_str(r->m.asset, "raw/orders");
    assert_str(r->m.data_version, "sha256:ab12");
    assert_str(r->m.metadata, "{\"dagster/row_count\":{\"type\":\"int\",\"raw_value\":42}}");
    static const char *const nothing_more[] = {
        MESSAGE("report_asset_materialization",
                "{\"asset_key\": \"a\", \"data_version\": null, \"metadata\": null}"),
        MESSAGE("report_asset_materialization", "{\"asset_key\": \"a\", \"metadata\": {}}"),
        MESSAGE("report_asset_materialization", "{\"asset_key\": \"a\"}"),
    };
    for (size_t i = 0; i < COUNT_OF(nothing_more); i++) {
        read_line(r, nothing_more[i]);
        assert_int_equal(r->m.method, PIPES_MATERIALIZATION);
        assert_str(r->m.data_version, "");
        assert_str(r->m.metadata, "");
    }
    assert_malformed(r, MESSAGE("report_asset_materialization", "{}"), "\"asset_key\"");
    assert_malformed(r, MESSAGE("report_asset_materialization", "{\"asset_key\": 5}"),
                     "\"asset_key\"");
    assert_malformed(
        r, MESSAGE("report_asset_materialization", "{\"asset_key\": \"a\", \"data_version\": 5}"),
        "\"data_version\"");
}

static void checks(void **state)
{
    struct reading *r = *state;
    read_line(r, MESSAGE("report_asset_check",
                         "{\"asset_key\": \"a\", \"check_name\": \"no_nulls\", \"passed\": true, "
                         "\"metadata\": null, \"severity\": \"WARN\"}"));
    assert_int_equal(r->m.method, PIPES_CHECK);
    assert_str(r->m.asset, "a");
    assert_str(r->m.check, "no_nulls");
    assert_str(r->m.severity, "warn");
    assert_true(r->m.passed);
    read_line(r, MESSAGE("report_asset_check", "{\"asset_key\": \"a\", \"check_name\": \"c\", "
                                               "\"passed\": false, \"metadata\": {\"n\": 1}}"));
    assert_false(r->m.passed);
    assert_str(r->m.severity, "error");
    assert_str(r->m.metadata, "{\"n\":{\"type\":\"int\",\"raw_value\":1}}");
    assert_malformed(r, MESSAGE("report_asset_check", "{\"check_name\": \"c\", \"passed\": true}"),
                     "\"asset_key\"");
    assert_malformed(r, MESSAGE("report_asset_check", "{\"asset_key\": \"a\", \"passed\": true}"),
                     "\"check_name\"");
    assert_malformed(r,
                     MESSAGE("report_asset_check",
                             "{\"asset_key\": \"a\", \"check_name\": \"c\", \"passed\": 1}"),
                     "\"passed\"");
}

static void custom_messages_are_any_json(void **state)
{
    struct reading *r = *state;
    static const char *const rows[][2] = {
        {"{\"foo\": \"bar\", \"qux\": [1, 2, 3], \"corge\": null}",
         "{\"foo\": \"bar\", \"qux\": [1, 2, 3], \"corge\": null}"},
        {"1", "1"},
        {"1.0", "1.0"},
        {"\"fo\\n\"", "\"fo\\n\""},
        {"[1, 2, 3]", "[1, 2, 3]"},
        {"null", "null"},
        {"NaN", "\"NaN\""},
        {"[18446744073709551616]", "[\"18446744073709551616\"]"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char line[400];
        (void)snprintf(line, sizeof(line), MESSAGE("report_custom_message", "{\"payload\": %s}"),
                       rows[i][0]);
        read_line(r, line);
        assert_int_equal(r->m.method, PIPES_CUSTOM);
        assert_true(str_eq(r->m.payload, str_from(rows[i][1])));
    }
    assert_malformed(r, MESSAGE("report_custom_message", "{}"), "\"payload\" is missing");
}

static void external_streams(void **state)
{
    struct reading *r = *state;
    read_line(r, MESSAGE("log_external_stream",
                         "{\"stream\": \"stderr\", \"text\": \"a\\n\", \"extras\": {}}"));
    assert_int_equal(r->m.method, PIPES_EXTERNAL_STREAM);
    assert_true(r->m.is_stderr);
    assert_str(r->m.text, "a\n");
    read_line(r, MESSAGE("log_external_stream", "{\"stream\": \"stdout\", \"text\": \"\"}"));
    assert_false(r->m.is_stderr);
    assert_malformed(r, MESSAGE("log_external_stream", "{\"stream\": \"stdout\"}"), "\"text\"");
}

static void exceptions_wrapped_and_flat(void **state)
{
    struct reading *r = *state;
    /* Python: the name is in the message, which ends its line. */
    read_line(r, MESSAGE("closed", "{\"exception\": {\"message\": \"ValueError: bad\\n\", "
                                   "\"stack\": [\"  File\\n\"], \"name\": \"ValueError\", "
                                   "\"cause\": null, \"context\": null}}"));
    assert_int_equal(r->m.method, PIPES_CLOSED);
    assert_str(r->m.exception_text, "ValueError: bad");
    assert_true(str_starts(r->m.exception, STR("{\"message\": \"ValueError: bad\\n\"")));
    /* TypeScript: it is not. */
    read_line(r, MESSAGE("closed", "{\"exception\": {\"name\": \"AnError\", "
                                   "\"message\": \"Very bad: error\", \"stack\": []}}"));
    assert_str(r->m.exception_text, "AnError: Very bad: error");
    /* Rust: without the wrapper. */
    read_line(r, MESSAGE("closed", "{\"name\": null, \"message\": \"two\\nlines\", "
                                   "\"stack\": [], \"cause\": null, \"context\": null}"));
    assert_str(r->m.exception_text, "two lines");
    assert_true(str_contains(r->m.exception, STR("\"message\": \"two\\nlines\"")));
    read_line(r, MESSAGE("closed", "{\"exception\": \"odd\"}"));
    assert_str(r->m.exception, "");
    read_line(r, MESSAGE("closed", "{\"exception\": {}}"));
    assert_str(r->m.exception, "{}");
    assert_str(r->m.exception_text, "");
}

static void versions_and_methods(void **state)
{
    struct reading *r = *state;
    read_line(r, "{\"__dagster_pipes_version\": \"0.2\", \"method\": \"opened\", \"params\": {}}");
    assert_int_equal(r->m.method, PIPES_OPENED);
    assert_malformed(
        r, "{\"__dagster_pipes_version\": \"1.0\", \"method\": \"opened\", \"params\": {}}",
        "Pipes version \"1.0\"; this agent speaks 0.1");
    assert_malformed(r, "{\"__dagster_pipes_version\": \"00\", \"method\": \"opened\"}", "\"00\"");
    assert_malformed(r, "{\"method\": \"opened\", \"params\": {}}", "__dagster_pipes_version");
    read_line(r, MESSAGE("report_asset_observation", "{}"));
    assert_int_equal(r->m.method, PIPES_UNKNOWN);
    assert_str(r->m.text, "report_asset_observation");
    read_line(r, "{\"__dagster_pipes_version\": \"0.1\"}");
    assert_int_equal(r->m.method, PIPES_UNKNOWN);
}

static void what_is_no_json_is_named(void **state)
{
    struct reading *r = *state;
    assert_malformed(r, "hello", "a line is not JSON: byte 1");
    assert_malformed(r, "[1]", "a line is not JSON: byte 1: expected an object");
    assert_malformed(r, "{\"a\": 1} {\"b\": 2}", "byte 10: text after the end");
    assert_malformed(r, "{\"a\": ", "but the text ends");
    assert_malformed(r, "{} ", "__dagster_pipes_version");
}

/* Feeds in pieces of `step` bytes and counts the messages. */
static size_t count_messages(struct reading *r, struct str text, size_t step, size_t *ret_bad)
{
    size_t count = 0;
    *ret_bad = 0;
    pipes_stream_release(&r->stream);
    pipes_stream_init(&r->stream);
    for (size_t i = 0; i < text.len; i += step) {
        assert_true(pipes_stream_feed(&r->stream, str_slice(text, i, i + step)));
        while (pipes_stream_peek(&r->stream, &r->m)) {
            struct pipes_message again;
            assert_true(pipes_stream_peek(&r->stream, &again)); /* the same until it is dropped */
            assert_int_equal(again.end, r->m.end);
            assert_int_equal(again.method, r->m.method);
            count++;
            *ret_bad += r->m.method == PIPES_MALFORMED ? 1 : 0;
            pipes_stream_drop(&r->stream);
        }
    }
    return count;
}

static void pieces_of_any_size_give_the_same_messages(void **state)
{
    struct reading *r = *state;
    struct str text = STR(MESSAGE("opened", "{\"extras\": {}}") "\n\n  \n" MESSAGE(
        "log", "{\"message\": \"x\", \"level\": \"INFO\"}") "\r\nbad\n" MESSAGE("closed",
                                                                                "{}") "\n");
    for (size_t step = 1; step <= text.len; step++) {
        size_t bad = 0;
        assert_int_equal(count_messages(r, text, step, &bad), 4);
        assert_int_equal(bad, 1);
        assert_int_equal(r->m.method, PIPES_CLOSED);
        assert_int_equal(r->m.end, text.len);
    }
}

static void an_unfinished_last_line_is_cut_off(void **state)
{
    struct reading *r = *state;
    assert_true(pipes_stream_feed(&r->stream, STR("{\"__dagster")));
    assert_false(pipes_stream_peek(&r->stream, &r->m));
    pipes_stream_end(&r->stream);
    assert_true(pipes_stream_peek(&r->stream, &r->m));
    assert_int_equal(r->m.method, PIPES_MALFORMED);
    assert_str(r->m.text, "the last line has no end (11 bytes)");
    pipes_stream_drop(&r->stream);
    assert_false(pipes_stream_peek(&r->stream, &r->m));
}

static void feed_many(struct reading *r, char c, size_t count)
{
    static char chunk[PIPES_CHUNK_BYTES];
    memset(chunk, c, sizeof(chunk));
    while (count > 0) {
        size_t len = count < sizeof(chunk) ? count : sizeof(chunk);
        assert_true(pipes_stream_feed(&r->stream, (struct str){chunk, len}));
        assert_false(pipes_stream_peek(&r->stream, &r->m));
        count -= len;
    }
}

static void a_line_that_is_too_long_is_passed_over(void **state)
{
    struct reading *r = *state;
    enum { LONG = 3 * LIMIT_PIPES_LINE_BYTES };
    feed_many(r, 'x', LONG);
    assert_true(r->stream.bytes.cap <= LIMIT_PIPES_LINE_BYTES + PIPES_CHUNK_BYTES);
    assert_true(pipes_stream_feed(&r->stream, STR("x\n" MESSAGE("closed", "{}") "\n")));
    assert_true(pipes_stream_peek(&r->stream, &r->m));
    assert_int_equal(r->m.method, PIPES_MALFORMED);
    assert_str(r->m.text, "a line is too long (6291457 bytes)");
    assert_int_equal(r->m.end, LONG + 2);
    pipes_stream_drop(&r->stream);
    assert_true(pipes_stream_peek(&r->stream, &r->m));
    assert_int_equal(r->m.method, PIPES_CLOSED);
    pipes_stream_drop(&r->stream);

    /* Cut off while it is passed over. */
    feed_many(r, 'x', LIMIT_PIPES_LINE_BYTES + 1);
    pipes_stream_end(&r->stream);
    assert_true(pipes_stream_peek(&r->stream, &r->m));
    assert_str(r->m.text, "the last line has no end (2097153 bytes)");
    pipes_stream_drop(&r->stream);
    assert_false(pipes_stream_peek(&r->stream, &r->m));
}

static void a_message_of_a_mebibyte_is_read_and_its_memory_given_back(void **state)
{
    enum { KEPT = 2 * PIPES_CHUNK_BYTES };
    struct reading *r = *state;
    assert_true(pipes_stream_feed(&r->stream,
                                  STR("{\"__dagster_pipes_version\": \"0.1\", \"method\": \"log\", "
                                      "\"params\": {\"message\": \"\\n")));
    feed_many(r, 'y', 1 << 20);
    assert_true(pipes_stream_feed(&r->stream, STR("\", \"level\": \"INFO\"}}\n")));
    assert_true(pipes_stream_peek(&r->stream, &r->m));
    assert_int_equal(r->m.method, PIPES_LOG);
    assert_int_equal(r->m.text.len, (1 << 20) + 1);
    pipes_stream_drop(&r->stream);
    assert_false(pipes_stream_peek(&r->stream, &r->m));
    assert_true(pipes_stream_feed(&r->stream, STR("\n")));
    assert_true(r->stream.bytes.cap <= KEPT);
    assert_true(r->stream.memory.strict.cap <= KEPT);
}

/* Out of memory costs a message, never its neighbours, and is said. */
static void no_memory(void **state)
{
    struct reading *r = *state;
    for (int nth = 0;; nth++) {
        pipes_stream_release(&r->stream);
        pipes_stream_init(&r->stream);
        fault_malloc_arm(nth);
        bool fed = pipes_stream_feed(
            &r->stream,
            STR(MESSAGE("report_asset_materialization",
                        "{\"asset_key\": \"\\u0061\", \"metadata\": {\"\\u0062\": [1]}}") "\n"));
        bool is_message = fed && pipes_stream_peek(&r->stream, &r->m);
        bool has_failed = fault_malloc_disarm();
        assert_int_equal(fed, is_message);
        if (is_message && r->m.method == PIPES_MATERIALIZATION) {
            assert_str(r->m.asset, "a");
        }
        if (!has_failed) {
            assert_true(is_message);
            assert_str(r->m.metadata, "{\"b\":{\"type\":\"json\",\"raw_value\":[1]}}");
            break;
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(opened_and_closed),
        TEST(logs_have_levels_of_ours),
        TEST(materializations),
        TEST(checks),
        TEST(custom_messages_are_any_json),
        TEST(external_streams),
        TEST(exceptions_wrapped_and_flat),
        TEST(versions_and_methods),
        TEST(what_is_no_json_is_named),
        TEST(pieces_of_any_size_give_the_same_messages),
        TEST(an_unfinished_last_line_is_cut_off),
        TEST(a_line_that_is_too_long_is_passed_over),
        TEST(a_message_of_a_mebibyte_is_read_and_its_memory_given_back),
        TEST(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
