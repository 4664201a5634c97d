/* step_pipes_test.c - agent/run/step_pipes.h: messages in, records out. */
#include "agent/run/step_pipes.h"

#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

#define MESSAGE(method, params)                                                                    \
    "{\"__dagster_pipes_version\": \"0.1\", \"method\": \"" method "\", \"params\": " params "}\n"
#define CHECK(name, passed, severity)                                                              \
    MESSAGE("report_asset_check", "{\"asset_key\": \"a\", \"check_name\": \"" name                 \
                                  "\", \"passed\": " passed ", \"severity\": \"" severity "\"}")
#define MADE(version)                                                                              \
    MESSAGE("report_asset_materialization",                                                        \
            "{\"asset_key\": \"a\", \"data_version\": \"" version "\", \"metadata\": {\"n\": 1}}")

struct world {
    struct step_pipes pipes;
    struct pipes_stream stream;
    struct asset asset;
    struct check checks[3];
    struct buf lines; /* records as events, without seq and at */
    struct buf output;
    int records;
    int refusals; /* records that are refused first */
    int64_t last_end;
};

static bool on_record(void *ctx, const struct record *record)
{
    struct world *w = ctx;
    struct err err = {0};
    if (w->refusals > 0) {
        w->refusals--;
        return false;
    }
    AUTO(buf) line = buf_growing(RECORD_LINE_BYTES_MAX);
    if (!record_encode(record, 1, &line, &err)) {
        fail_msg("%s", err.msg);
    }
    struct str text = buf_str(&line);
    const char *from = memmem(text.ptr, text.len, "\"type\"", 6);
    buf_add(&w->lines, str_slice(text, (size_t)(from - text.ptr), text.len));
    w->records++;
    w->last_end = record->messages_end;
    return true;
}

static void on_output(void *ctx, bool is_stderr, struct str text)
{
    struct world *w = ctx;
    buf_addf(&w->output, "%s:" STR_FMT, is_stderr ? "err" : "out", STR_ARG(text));
}

static void begin_pipes(struct world *w, int64_t recorded)
{
    struct err err = {0};
    const struct step_pipes_asset asset = {.key = STR("a"), .asset = &w->asset};
    struct step_pipes_options options = {
        .base = {.run = STR("r"), .step = STR("a"), .asset = STR("a"), .attempt = 1},
        .assets = &asset,
        .asset_count = 1,
        .recorded = recorded,
        .record = on_record,
        .output = on_output,
        .ctx = w};
    step_pipes_release(&w->pipes);
    pipes_stream_release(&w->stream);
    pipes_stream_init(&w->stream);
    assert_true(step_pipes_init(&w->pipes, &options, &err));
}

static int set_up(void **state)
{
    static struct world world;
    world = (struct world){.lines = buf_growing(1 << 20), .output = buf_growing(1 << 20)};
    world.checks[0] = (struct check){.name = STR("told"), .is_blocking = true};
    world.checks[1] = (struct check){.name = STR("asked"), .sql = STR("select 1")};
    world.checks[2] = (struct check){.name = STR("run"), .run = {.count = 1}};
    world.asset = (struct asset){.key = STR("a"), .checks = world.checks, .check_count = 3};
    begin_pipes(&world, 0);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    step_pipes_release(&w->pipes);
    pipes_stream_release(&w->stream);
    buf_release(&w->lines);
    buf_release(&w->output);
    return 0;
}

/* Every message until it is taken. Returns how often one was refused. */
static int say(struct world *w, const char *text)
{
    struct pipes_message message;
    int refused = 0;
    assert_true(pipes_stream_feed(&w->stream, str_from(text)));
    while (pipes_stream_peek(&w->stream, &message)) {
        if (step_pipes_take(&w->pipes, &message, (struct wall_time){7})) {
            pipes_stream_drop(&w->stream);
        } else {
            refused++;
        }
    }
    return refused;
}

static void expect_lines(struct world *w, const char *expected)
{
    assert_string_equal(buf_cstr(&w->lines), expected);
    buf_reset(&w->lines);
}

static void logs_are_recorded_at_once(void **state)
{
    struct world *w = *state;
    (void)say(w, MESSAGE("opened", "{}")
                     MESSAGE("log", "{\"message\": \"loading\", \"level\": \"WARNING\"}"));
    expect_lines(w, "\"type\":\"log\",\"run\":\"r\",\"step\":\"a\",\"asset\":\"a\",\"attempt\":1,"
                    "\"level\":\"warning\",\"message\":\"loading\"}\n");
    assert_int_equal(w->last_end, w->stream.dropped);
    (void)say(w, MESSAGE("log", "{\"message\": \"x\", \"level\": \"Level 5\"}"));
    expect_lines(w, "\"type\":\"log\",\"run\":\"r\",\"step\":\"a\",\"asset\":\"a\",\"attempt\":1,"
                    "\"level\":\"info\",\"message\":\"x\",\"level_name\":\"Level 5\"}\n");
    (void)say(w, MESSAGE("closed", "{}"));
    step_pipes_end(&w->pipes, (struct wall_time){8});
    expect_lines(w, "");
}

static void a_long_log_is_cut_and_says_so(void **state)
{
    struct world *w = *state;
    AUTO(buf) text = buf_growing(1 << 20);
    buf_add_text(&text, "{\"__dagster_pipes_version\": \"0.1\", \"method\": \"log\", \"params\": "
                        "{\"message\": \"");
    for (int i = 0; i < LIMIT_STEP_LINE_BYTES; i++) {
        buf_add_text(&text, "\\u0001"); /* six bytes each in the event too */
    }
    buf_add_text(&text, "12345\"}}\n");
    (void)say(w, buf_cstr(&text));
    assert_int_equal(w->records, 1);
    assert_true(str_ends(buf_str(&w->lines), STR("\\u0001... (5 bytes more)\"}\n")));
}

static void a_materialization_waits_for_the_end(void **state)
{
    struct world *w = *state;
    (void)say(w, MESSAGE("opened", "{}") MADE("v1"));
    expect_lines(w, "");
    assert_true(w->pipes.assets[0].has_materialized);
    assert_int_equal(w->pipes.assets[0].materialized_at.ns, 7);
    assert_string_equal(buf_cstr(&w->pipes.assets[0].data_version), "v1");
    assert_string_equal(buf_cstr(&w->pipes.assets[0].metadata),
                        "{\"n\":{\"type\":\"int\",\"raw_value\":1}}");
    (void)say(w, MADE("v2") MADE("v3"));
    assert_string_equal(buf_cstr(&w->pipes.assets[0].data_version), "v3");
    expect_lines(w,
                 "\"type\":\"engine_event\",\"run\":\"r\",\"step\":\"a\",\"asset\":\"a\","
                 "\"attempt\":1,\"level\":\"warning\",\"message\":\"Dagster Pipes: the asset was "
                 "reported again; the last report counts\"}\n");
}

static void checks_are_recorded_at_once(void **state)
{
    struct world *w = *state;
    assert_true(step_pipes_missing_check(&w->pipes.assets[0]) == &w->checks[0]);
    (void)say(w, CHECK("told", "false", "ERROR"));
    expect_lines(w, "\"type\":\"asset_check_evaluation\",\"run\":\"r\",\"step\":\"a\","
                    "\"asset\":\"a\",\"attempt\":1,\"check\":\"told\",\"passed\":false,"
                    "\"severity\":\"error\"}\n");
    assert_null(step_pipes_missing_check(&w->pipes.assets[0]));
    assert_true(w->pipes.assets[0].blocking == &w->checks[0]);
    (void)say(w, CHECK("told", "false", "WARN")); /* the last evaluation counts */
    assert_null(w->pipes.assets[0].blocking);
    (void)say(w, CHECK("told", "false", "ERROR") CHECK("told", "true", "ERROR"));
    assert_null(w->pipes.assets[0].blocking);
    (void)say(w, CHECK("not defined", "false", "ERROR")); /* recorded all the same */
    assert_null(w->pipes.assets[0].blocking);
    assert_int_equal(w->records, 5);
}

static void exceptions_are_engine_events(void **state)
{
    struct world *w = *state;
    (void)say(w, MESSAGE("opened", "{}")
                     MESSAGE("closed", "{\"exception\": {\"message\": \"ValueError: bad\\n\", "
                                       "\"stack\": [\"x\"], \"name\": \"ValueError\"}}"));
    expect_lines(w,
                 "\"type\":\"engine_event\",\"run\":\"r\",\"step\":\"a\",\"asset\":\"a\","
                 "\"attempt\":1,\"level\":\"error\",\"message\":\"the step's program told of an "
                 "exception\",\"error\":{\"code\":\"exception\",\"message\":\"ValueError: bad\"},"
                 "\"exception\":{\"message\": \"ValueError: bad\\n\", \"stack\": [\"x\"], "
                 "\"name\": \"ValueError\"}}\n");
    assert_string_equal(buf_cstr(&w->pipes.exception), "ValueError: bad");
    (void)say(w, MESSAGE("closed", "null")); /* Rust says it twice */
    step_pipes_end(&w->pipes, (struct wall_time){8});
    expect_lines(w, "");
}

static void custom_messages_are_kept_as_they_are(void **state)
{
    struct world *w = *state;
    (void)say(w, MESSAGE("report_custom_message", "{\"payload\": {\"foo\": [1, null]}}"));
    expect_lines(w, "\"type\":\"engine_event\",\"run\":\"r\",\"step\":\"a\",\"asset\":\"a\","
                    "\"attempt\":1,\"level\":\"info\",\"message\":\"the step sent a custom "
                    "message\",\"payload\":{\"foo\": [1, null]}}\n");
    AUTO(buf) text = buf_growing(1 << 20);
    buf_add_text(&text, "{\"__dagster_pipes_version\": \"0.1\", \"method\": "
                        "\"report_custom_message\", \"params\": {\"payload\": \"");
    for (int i = 0; i < LIMIT_EVENT_BYTES; i++) {
        buf_add_char(&text, 'x');
    }
    buf_add_text(&text, "\"}}\n");
    buf_reset(&w->lines);
    (void)say(w, buf_cstr(&text));
    assert_true(str_ends(buf_str(&w->lines),
                         STR("\"the step sent a custom message of 65538 bytes, more than is "
                             "kept\"}\n")));
}

static void output_of_others_goes_to_the_captured_output(void **state)
{
    struct world *w = *state;
    (void)say(w, MESSAGE("log_external_stream", "{\"stream\": \"stdout\", \"text\": \"a\"}")
                     MESSAGE("log_external_stream", "{\"stream\": \"stderr\", \"text\": \"b\"}"));
    assert_string_equal(buf_cstr(&w->output), "out:aerr:b");
    expect_lines(w, "");
}

static void oddities_are_told_once_and_counted(void **state)
{
    struct world *w = *state;
    (void)say(w, MESSAGE("opened", "{}") "bad\nbad\nbad\n" MESSAGE("newer", "{}"));
    (void)say(w, MESSAGE("report_asset_materialization", "{\"asset_key\": \"b\"}"));
    (void)say(w, MESSAGE("report_asset_check",
                         "{\"asset_key\": \"b/c\", \"check_name\": \"x\", \"passed\": true}"));
    assert_int_equal(w->records, 3);
    assert_true(str_contains(buf_str(&w->lines),
                             STR("passed over what is no message: a line is not JSON: byte 1")));
    assert_true(str_contains(buf_str(&w->lines), STR("method that is not known here: newer")));
    assert_true(str_contains(buf_str(&w->lines), STR("asset that is not this step's: b\"")));
    assert_false(w->pipes.assets[0].has_materialized);
    buf_reset(&w->lines);
    step_pipes_end(&w->pipes, (struct wall_time){8});
    assert_int_equal(w->records, 6);
    assert_true(str_contains(buf_str(&w->lines), STR("what is no message: 3 times\"")));
    assert_true(str_contains(buf_str(&w->lines), STR("not this step's: 2 times\"")));
    assert_true(str_contains(buf_str(&w->lines), STR("was opened and not closed")));
}

static void what_comes_after_closed_is_heeded(void **state)
{
    struct world *w = *state;
    (void)say(w, MESSAGE("opened", "{}") MESSAGE("closed", "{}") MADE("v1")
                     CHECK("told", "true", "WARN"));
    assert_true(w->pipes.assets[0].has_materialized);
    assert_int_equal(w->records, 2); /* one warning, one check */
    assert_true(str_contains(buf_str(&w->lines), STR("came after the program said")));
}

static void never_opened_is_nothing(void **state)
{
    struct world *w = *state;
    step_pipes_end(&w->pipes, (struct wall_time){8});
    assert_int_equal(w->records, 0);
}

static void a_refused_record_changes_nothing(void **state)
{
    struct world *w = *state;
    static const char *const messages[] = {
        MESSAGE("log", "{\"message\": \"x\"}"),
        CHECK("told", "false", "ERROR"),
        MESSAGE("report_custom_message", "{\"payload\": 1}"),
        "bad\n",
        MESSAGE("newer", "{}"),
        MESSAGE("report_asset_materialization", "{\"asset_key\": \"b\"}"),
        MESSAGE("closed", "{\"exception\": {\"message\": \"x\"}}"),
    };
    for (size_t i = 0; i < COUNT_OF(messages); i++) {
        w->records = 0;
        w->refusals = 2;
        assert_int_equal(say(w, messages[i]), 2);
        assert_int_equal(w->records, 1);
    }
}

/* After a crash the messages are read from the beginning; what was recorded is not recorded again,
 * and the state is the same. */
static void reading_again_records_only_the_rest(void **state)
{
    struct world *w = *state;
    static const char text[] = MESSAGE("opened", "{}") MESSAGE("log", "{\"message\": \"1\"}") MADE(
        "v1") CHECK("told", "false", "ERROR")
        MESSAGE("log_external_stream", "{\"stream\": \"stdout\", \"text\": \"a\"}") "bad\n" MESSAGE(
            "log", "{\"message\": \"2\"}") MADE("v2") MESSAGE("log", "{\"message\": \"3\"}");
    (void)say(w, text);
    int all = w->records;
    assert_int_equal(all, 6);
    for (int n = 0; n <= all; n++) {
        /* The agent died when n records were durable. */
        begin_pipes(w, 0);
        w->records = 0;
        struct pipes_message message;
        assert_true(pipes_stream_feed(&w->stream, str_from(text)));
        while (w->records < n && pipes_stream_peek(&w->stream, &message)) {
            assert_true(step_pipes_take(&w->pipes, &message, (struct wall_time){7}));
            pipes_stream_drop(&w->stream);
        }
        begin_pipes(w, n == 0 ? 0 : w->last_end);
        w->records = 0;
        (void)say(w, text);
        assert_int_equal(w->records, all - n);
        assert_string_equal(buf_cstr(&w->pipes.assets[0].data_version), "v2");
        assert_true(w->pipes.assets[0].blocking == &w->checks[0]);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(logs_are_recorded_at_once),
        TEST(a_long_log_is_cut_and_says_so),
        TEST(a_materialization_waits_for_the_end),
        TEST(checks_are_recorded_at_once),
        TEST(exceptions_are_engine_events),
        TEST(custom_messages_are_kept_as_they_are),
        TEST(output_of_others_goes_to_the_captured_output),
        TEST(oddities_are_told_once_and_counted),
        TEST(what_comes_after_closed_is_heeded),
        TEST(never_opened_is_nothing),
        TEST(a_refused_record_changes_nothing),
        TEST(reading_again_records_only_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
