#include "agent/store/record.h"

#include "common/base/limits.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"
#include <string.h>

static const struct wall_time at = {INT64_C(1795228200123) * NS_PER_MS};

static void expect_line(const struct record *record, const char *expected)
{
    AUTO(buf) out = buf_growing(RECORD_LINE_BYTES_MAX);
    struct err err = {0};
    assert_true(record_encode(record, 41, &out, &err));
    assert_string_equal(buf_cstr(&out), expected);
    struct event event;
    assert_true(event_parse(str_trim_end(buf_str(&out), '\n'), &event, &err));
    assert_int_equal(event.seq, 41);
    assert_int_equal(event.type, record->type);
}

static void unset_fields_are_left_out(void **state)
{
    (void)state;
    struct record r = {.type = EVENT_DEVICE, .at = at};
    expect_line(&r, "{\"seq\":41,\"at\":\"2026-11-21T02:30:00.123Z\",\"type\":\"device\"}\n");
}

static void every_field_is_said(void **state)
{
    (void)state;
    struct record r = {.type = EVENT_ASSET_CHECK_EVALUATION,
                       .at = at,
                       .run = STR("r1"),
                       .step = STR("pos/sales"),
                       .asset = STR("pos/sales"),
                       .job = STR("nightly"),
                       .cause = STR("schedule"),
                       .cause_name = STR("at night"),
                       .selection = STR("group:\"pos\""),
                       .keys = STR("[\"stays here\"]"),
                       .tags = STR("{\"site\":\"berlin\"}"),
                       .parent = STR("r0"),
                       .root = STR("r00"),
                       .backfill = STR("b1"),
                       .partition = STR("2026-01-01"),
                       .partition_end = STR("2026-01-31"),
                       .set = STR("files"),
                       .kind = STR("schedule"),
                       .name = STR("s"),
                       .status = STR("started"),
                       .run_key = STR("k"),
                       .cursor = STR("stays here"),
                       .data_version = STR("v1"),
                       .code_version = STR("c1"),
                       .inputs = STR("{\"a\":\"v0\"}"),
                       .level = STR("info"),
                       .message = STR("hello"),
                       .nominal = at,
                       .retry_at = at,
                       .not_before = at,
                       .attempt = 2,
                       .steps = 3,
                       .priority = -1,
                       .retry_number = 1,
                       .duration_ms = 4,
                       .error_code = STR("io"),
                       .error_message = STR("no disk"),
                       .error_hint = STR("buy one"),
                       .exit = STR("exit code 3"),
                       .reason = STR("why not"),
                       .check = STR("has_rows"),
                       .severity = STR("error"),
                       .passed = true,
                       .is_partial = true,
                       .messages_end = 77, /* stays here */
                       .metadata = STR("{\"rows\":5}"),
                       .members = STR("\"more\":[1]")};
    expect_line(
        &r, "{\"seq\":41,\"at\":\"2026-11-21T02:30:00.123Z\",\"type\":\"asset_check_evaluation\","
            "\"run\":\"r1\",\"step\":\"pos/sales\",\"asset\":\"pos/sales\",\"job\":\"nightly\","
            "\"cause\":{\"type\":\"schedule\",\"name\":\"at night\"},"
            "\"selection\":\"group:\\\"pos\\\"\",\"tags\":{\"site\":\"berlin\"},\"parent\":\"r0\","
            "\"root\":\"r00\",\"backfill\":\"b1\",\"set\":\"files\",\"partition\":\"2026-01-01\","
            "\"partition_end\":\"2026-01-31\",\"schedule\":\"s\",\"status\":\"started\","
            "\"run_key\":\"k\",\"attempt\":2,\"steps\":3,\"duration_ms\":4,\"priority\":-1,"
            "\"retry_number\":1,\"retry_at\":\"2026-11-21T02:30:00.123Z\","
            "\"not_before\":\"2026-11-21T02:30:00.123Z\",\"nominal\":\"2026-11-21T02:30:00.123Z\","
            "\"data_version\":\"v1\",\"code_version\":\"c1\",\"inputs\":{\"a\":\"v0\"},"
            "\"level\":\"info\",\"message\":\"hello\","
            "\"check\":\"has_rows\",\"passed\":true,\"severity\":\"error\",\"partial\":true,"
            "\"reason\":\"why not\","
            "\"exit\":\"exit code 3\","
            "\"error\":{\"code\":\"io\",\"message\":\"no disk\",\"hint\":\"buy one\"},"
            "\"metadata\":{\"rows\":5},\"more\":[1]}\n");
}

static void what_belongs_to_one_type_is_said_there_alone(void **state)
{
    (void)state;
    struct record r = {.type = EVENT_CLOCK_STEP, .at = at, .passed = true, .delta_ms = -5};
    expect_line(&r, "{\"seq\":41,\"at\":\"2026-11-21T02:30:00.123Z\",\"type\":\"clock_step\","
                    "\"delta_ms\":-5}\n");
    r.type = EVENT_STEP_SKIPPED;
    expect_line(&r, "{\"seq\":41,\"at\":\"2026-11-21T02:30:00.123Z\",\"type\":\"step_skipped\"}\n");
}

/* A JSON object of `len` bytes. */
static struct str metadata_of(struct buf *b, size_t len)
{
    buf_add(b, STR("{\"a\":\""));
    while (b->len < len - 2) {
        buf_add_char(b, 'm');
    }
    buf_add(b, STR("\"}"));
    return buf_str(b);
}

static void large_metadata_is_replaced(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        const char *digits;
    } cases[] = {
        {LIMIT_EVENT_BYTES - 50, "65486"}, {LIMIT_EVENT_BYTES + 1, "65537"}, {1 << 20, "1048576"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(buf) metadata = buf_growing(2 << 20);
        struct record r = {.type = EVENT_ASSET_MATERIALIZATION,
                           .at = at,
                           .asset = STR("a"),
                           .metadata = metadata_of(&metadata, cases[i].len)};
        AUTO(buf) line = buf_growing(400);
        buf_addf(&line,
                 "{\"seq\":41,\"at\":\"2026-11-21T02:30:00.123Z\","
                 "\"type\":\"asset_materialization\",\"asset\":\"a\",\"metadata\":"
                 "{\"selvedge/metadata_dropped_bytes\":{\"type\":\"int\",\"raw_value\":%s}}}\n",
                 cases[i].digits);
        expect_line(&r, buf_cstr(&line));
    }
}

static void metadata_that_fits_is_kept(void **state)
{
    (void)state;
    AUTO(buf) metadata = buf_growing(LIMIT_EVENT_BYTES);
    struct record r = {.type = EVENT_ASSET_MATERIALIZATION,
                       .at = at,
                       .metadata = metadata_of(&metadata, LIMIT_EVENT_BYTES - 200)};
    AUTO(buf) out = buf_growing(RECORD_LINE_BYTES_MAX);
    struct err err = {0};
    assert_true(record_encode(&r, 1, &out, &err));
    assert_true(str_contains(buf_str(&out), r.metadata));
}

static void other_text_that_is_too_large_is_refused(void **state)
{
    (void)state;
    static char text[LIMIT_EVENT_BYTES + 1];
    static const size_t lens[] = {LIMIT_EVENT_BYTES / 6 + 1, LIMIT_EVENT_BYTES, sizeof(text)};
    memset(text, 1, sizeof(text)); /* six bytes each when escaped */
    for (size_t i = 0; i < COUNT_OF(lens); i++) {
        struct record r = {.type = EVENT_STEP_FAILURE, .at = at, .error_message = {text, lens[i]}};
        AUTO(buf) out = buf_growing(RECORD_LINE_BYTES_MAX);
        struct err err = {0};
        buf_add(&out, STR("before"));
        assert_false(record_encode(&r, 1, &out, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_true(str_eq(buf_str(&out), STR("before")));
    }
}

static void out_of_memory_is_said_as_such(void **state)
{
    (void)state;
    struct record r = {.type = EVENT_DEVICE, .at = at};
    AUTO(buf) out = buf_growing(RECORD_LINE_BYTES_MAX);
    struct err err = {0};
    fault_malloc_arm(0);
    bool ok = record_encode(&r, 1, &out, &err);
    assert_true(fault_malloc_disarm());
    assert_false(ok);
    assert_int_equal(err.code, ERR_NO_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unset_fields_are_left_out),
        cmocka_unit_test(every_field_is_said),
        cmocka_unit_test(what_belongs_to_one_type_is_said_there_alone),
        cmocka_unit_test(large_metadata_is_replaced),
        cmocka_unit_test(metadata_that_fits_is_kept),
        cmocka_unit_test(other_text_that_is_too_large_is_refused),
        cmocka_unit_test(out_of_memory_is_said_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
