/* wire_event_test.c - common/wire/event.h */
#include "common/base/limits.h"
#include "common/wire/event.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static void members_are_sliced_out(void **state)
{
    (void)state;
    struct err err = {0};
    struct event ev;
    struct str line =
        STR("{\"seq\":41,\"at\":\"2026-11-22T02:30:00.123Z\",\"type\":\"asset_materialization\","
            "\"run\":\"r1\",\"step\":\"s1\",\"asset\":\"pos/sales\",\"from\":7,"
            "\"metadata\":{\"seq\":{\"type\":\"int\"}}}");
    assert_true(event_parse(line, &ev, &err));
    assert_int_equal(ev.seq, 41);
    assert_int_equal(ev.at.ns, INT64_C(1795314600123) * NS_PER_MS);
    assert_int_equal(ev.type, EVENT_ASSET_MATERIALIZATION);
    assert_true(str_eq(ev.type_name, STR("asset_materialization")));
    assert_true(str_eq(ev.run, STR("r1")));
    assert_true(str_eq(ev.step, STR("s1")));
    assert_true(str_eq(ev.asset, STR("pos/sales")));
    assert_int_equal(ev.from, 0); /* only of a buffer_gap */
    assert_true(str_eq(ev.body, line));
}

static void further_members_are_given_as_they_were_met(void **state)
{
    (void)state;
    struct err err = {0};
    struct event ev;
    struct json_member item[2];
    struct json_members further = {.items = item, .room = COUNT_OF(item)};
    assert_true(event_parse_all(
        STR("{\"seq\":41,\"at\":\"2026-11-22T02:30:00.123Z\",\"a\":{\"b\":[1]},\"type\":\"tick\","
            "\"run\":\"r1\",\"c\":\"\\u00e4\",\"d\":null}"),
        &ev, &further, &err));
    assert_int_equal(further.count, 3); /* one of them counted only */
    assert_true(json_raw_is(item[0].key, "a"));
    assert_true(str_eq(item[0].value.text, STR("{\"b\":[1]}")));
    assert_true(json_raw_is(item[1].key, "c"));
    assert_true(item[1].value.has_escape);
    assert_true(str_eq(ev.run, STR("r1")));
    assert_true(event_parse_all(
        STR("{\"seq\":1,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"tick\"}"), &ev, &further, &err));
    assert_int_equal(further.count, 0);
}

static void every_type_is_known_by_its_name(void **state)
{
    (void)state;
    for (unsigned t = EVENT_UNKNOWN + 1; t < EVENT_TYPE_COUNT; t++) {
        struct str name = str_from(event_type_name((enum event_type)t));
        assert_true(name.len > 0);
        assert_int_equal(event_type_from(name), t);
    }
    assert_int_equal(event_type_from(STR("")), EVENT_UNKNOWN);
    assert_int_equal(event_type_from(STR("run_star")), EVENT_UNKNOWN);
    assert_string_equal(event_type_name(EVENT_TYPE_COUNT), "");
}

static void unknown_types_are_carried(void **state)
{
    (void)state;
    struct err err = {0};
    struct event ev;
    assert_true(event_parse(
        STR("{\"seq\":1,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"of_tomorrow\",\"from\":{}}"),
        &ev, &err));
    assert_int_equal(ev.type, EVENT_UNKNOWN);
    assert_true(str_eq(ev.type_name, STR("of_tomorrow")));
    assert_null(ev.run.ptr);
}

static void a_gap_stands_for_its_range(void **state)
{
    (void)state;
    struct err err = {0};
    struct event ev;
    assert_true(event_parse(
        STR("{\"seq\":9,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"buffer_gap\",\"from\":4}"), &ev,
        &err));
    assert_int_equal(ev.from, 4);
    assert_false(event_parse(
        STR("{\"seq\":9,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"buffer_gap\",\"from\":10}"), &ev,
        &err));
    assert_false(event_parse(
        STR("{\"seq\":9,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"buffer_gap\",\"from\":0}"), &ev,
        &err));
    assert_false(event_parse(
        STR("{\"seq\":9,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"buffer_gap\"}"), &ev, &err));
    assert_non_null(strstr(err.msg, "from"));
}

static void what_is_no_event_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"seq\":1,\"at\":\"2026-11-22T02:30:00Z\"}",
        "{\"seq\":1,\"type\":\"tick\"}",
        "{\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"tick\"}",
        "{\"seq\":0,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"tick\"}",
        "{\"seq\":-1,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"tick\"}",
        "{\"seq\":1.0,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"tick\"}",
        "{\"seq\":\"1\",\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"tick\"}",
        "{\"seq\":9223372036854775808,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"tick\"}",
        "{\"seq\":1,\"at\":\"yesterday\",\"type\":\"tick\"}",
        "{\"seq\":1,\"at\":12,\"type\":\"tick\"}",
        "{\"seq\":1,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"Tick\"}",
        "{\"seq\":1,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"\"}",
        "{\"seq\":1,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"t\\u0069ck\"}",
        "{\"seq\":1,\"seq\":1,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"tick\"}",
        "{\"seq\":1,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"tick\",\"run\":7}",
        "{\"seq\":1,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"tick\",\"asset\":\"a\\\"b\"}",
        "{\"seq\":1,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"tick\",\"step\":\"\"}",
        "{\"seq\":1,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"tick\"} x",
        "{\"seq\":1,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"tick\",}",
        "{\"seq\":1,\"at\":\"2026-11-22T02:30:00Z\",\n\"type\":\"tick\"}",
        "{\"seq\":1,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"tick\",\"x\":\"\xff\"}",
        "{\"seq\":1,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"tick\",\"x\":[1,}",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct err err = {0};
        struct event ev = {.seq = 77};
        assert_false(event_parse(str_from(wrong[i]), &ev, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_int_equal(ev.seq, 77);
    }
}

static void sizes_have_limits(void **state)
{
    (void)state;
    struct err err = {0};
    struct event ev;
    AUTO(buf) line = buf_growing((size_t)2 * LIMIT_EVENT_BYTES);
    buf_add(&line, STR("{\"seq\":1,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"tick\",\"x\":\""));
    while (line.len < LIMIT_EVENT_BYTES - 2) {
        buf_add_char(&line, 'x');
    }
    buf_add(&line, STR("\"}"));
    assert_true(event_parse(buf_str(&line), &ev, &err));
    line.len -= 2;
    buf_add(&line, STR("x\"}"));
    assert_false(event_parse(buf_str(&line), &ev, &err));

    buf_reset(&line);
    buf_add(&line, STR("{\"seq\":1,\"at\":\"2026-11-22T02:30:00Z\",\"type\":\""));
    for (int i = 0; i < 64; i++) {
        buf_add_char(&line, 'x');
    }
    buf_add(&line, STR("\"}"));
    assert_false(event_parse(buf_str(&line), &ev, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_sliced_out),
        cmocka_unit_test(further_members_are_given_as_they_were_met),
        cmocka_unit_test(every_type_is_known_by_its_name),
        cmocka_unit_test(unknown_types_are_carried),
        cmocka_unit_test(a_gap_stands_for_its_range),
        cmocka_unit_test(what_is_no_event_is_refused),
        cmocka_unit_test(sizes_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
