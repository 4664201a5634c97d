/* wire_command_test.c - common/wire/command.h */
#include "common/wire/command.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

#define ID "01a20425-dd00-753f-8b4a-fd392505ef1c"

static struct buf text;
static struct arena arena;
static struct err err;

static int begin(void **state)
{
    (void)state;
    text = buf_growing(1 << 20);
    arena = arena_new(COMMAND_ARENA_BYTES);
    err = (struct err){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    buf_release(&text);
    arena_release(&arena);
    return 0;
}

static struct command example(void)
{
    static const struct str to[] = {STR_INIT("brooklyn"), STR_INIT("queens")};
    return (struct command){.fleet = STR("main"),
                            .to = to,
                            .to_count = 2,
                            .id = STR(ID),
                            .counter = INT64_MAX,
                            .issued_at = {INT64_C(1795314600123) * NS_PER_MS},
                            .expires_at = {INT64_C(1795318200000) * NS_PER_MS},
                            .verb = STR("materialize"),
                            .args = STR("{\"selection\":\"shop/orders+\"}")};
}

static void a_command_comes_back(void **state)
{
    (void)state;
    struct command c = example();
    struct command r;
    command_encode(&c, &text);
    assert_true(command_decode(buf_str(&text), &arena, &r, &err));
    assert_true(str_eq(r.fleet, c.fleet));
    assert_int_equal(r.to_count, 2);
    assert_true(str_eq(r.to[1], STR("queens")));
    assert_true(str_eq(r.id, c.id));
    assert_true(r.counter == INT64_MAX);
    assert_int_equal(r.issued_at.ns, c.issued_at.ns);
    assert_int_equal(r.expires_at.ns, c.expires_at.ns);
    assert_true(str_eq(r.verb, c.verb));
    assert_true(str_eq(r.args, c.args));
    assert_true(command_is_for(&r, STR("brooklyn")));
    assert_false(command_is_for(&r, STR("harlem")));
}

static void what_is_not_known_is_passed_over(void **state)
{
    (void)state;
    struct command r;
    struct str body =
        STR("{\"kind\":\"command\",\"v\":1,\"fleet\":\"main\",\"to\":[\"*\"],\"id\":\"" ID "\","
            "\"counter\":1,\"issued_at\":\"2026-11-22T02:30:00Z\",\"expires_at\":"
            "\"2026-11-22T02:31:00Z\",\"verb\":\"sing\",\"args\":{\"song\":[1]},\"newer\":{}}");
    struct command_args args;
    assert_true(command_decode(body, &arena, &r, &err));
    assert_true(command_is_for(&r, STR("anybody")));
    assert_false(command_read_args(&r, &arena, &args, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "sing"));
}

/* The example's text with the first `from` replaced by `to`. */
static void decode_changed(const char *from, const char *to, const char *expected)
{
    struct command c = example();
    struct command r;
    AUTO(buf) changed = buf_growing(1 << 20);
    buf_reset(&text);
    command_encode(&c, &text);
    const char *whole = buf_cstr(&text);
    const char *place = strstr(whole, from);
    assert_non_null(place);
    buf_add(&changed, (struct str){whole, (size_t)(place - whole)});
    buf_add_text(&changed, to);
    buf_add_text(&changed, place + strlen(from));
    assert_false(command_decode(buf_str(&changed), &arena, &r, &err));
    assert_int_equal(err.code, ERR_INVALID);
    if (strstr(err.msg, expected) == NULL) {
        fail_msg("\"%s\" does not name %s", err.msg, expected);
    }
}

static void commands_that_cannot_be_are_refused(void **state)
{
    (void)state;
    decode_changed("\"command\"", "\"desired\"", "command.kind");
    decode_changed("\"v\":1", "\"v\":2", "command.v");
    decode_changed("\"main\"", "\"\"", "command.fleet");
    decode_changed("[\"brooklyn\",\"queens\"]", "[]", "command.to");
    decode_changed("[\"brooklyn\",\"queens\"]", "[\"*\",\"queens\"]", "command.to[0]");
    decode_changed("[\"brooklyn\",\"queens\"]", "[\"Brooklyn\"]", "command.to[0]");
    decode_changed("\"" ID "\"", "\"1\"", "command.id");
    decode_changed("9223372036854775807", "0", "command.counter");
    decode_changed("9223372036854775807", "1.5", "command.counter");
    decode_changed("\"2026-11-22T", "\"yesterday ", "command.issued_at");
    decode_changed("\"expires_at\":\"2026", "\"expires_at\":\"2025", "command.expires_at");
    decode_changed("\"materialize\"", "\"Materialize\"", "command.verb");
    decode_changed("{\"selection\":\"shop/orders+\"}", "[]", "command.args");
    decode_changed(",\"args\"", ",\"verb\":\"ping\",\"args\"", "verb");
}

static void more_than_the_limit_is_refused(void **state)
{
    (void)state;
    struct command c = example();
    struct command r;
    static struct str to[COMMAND_DEVICES_MAX + 1];
    for (size_t i = 0; i < COUNT_OF(to); i++) {
        to[i] = STR("brooklyn");
    }
    c.to = to;
    c.to_count = COMMAND_DEVICES_MAX;
    command_encode(&c, &text);
    assert_true(command_decode(buf_str(&text), &arena, &r, &err));
    c.to_count++;
    buf_reset(&text);
    command_encode(&c, &text);
    assert_false(command_decode(buf_str(&text), &arena, &r, &err));
    AUTO(buf) args = buf_growing(1 << 20);
    buf_addf(&args, "{\"selection\":\"%0*d\"}", COMMAND_BYTES_MAX, 1);
    c = example();
    c.args = buf_str(&args);
    buf_reset(&text);
    command_encode(&c, &text);
    assert_false(command_decode(buf_str(&text), &arena, &r, &err));
    assert_int_equal(err.code, ERR_FULL);
}

/* --- arguments -------------------------------------------------------------------------------- */

static bool read_args(const char *verb, const char *args, struct command_args *ret)
{
    struct command c = example();
    c.verb = str_from(verb);
    c.args = str_from(args);
    err = (struct err){0};
    return command_read_args(&c, &arena, ret, &err);
}

static void every_verb_takes_its_arguments(void **state)
{
    (void)state;
    static const struct {
        const char *verb, *args;
    } good[] = {
        {"materialize", "{\"selection\":\"*\",\"partition\":\"2026-01-01\",\"partition_end\":"
                        "\"2026-01-03\",\"tags\":{\"a\":\"b\"},\"priority\":-3}"},
        {"run_job", "{\"job\":\"refresh\"}"},
        {"cancel", "{\"run\":\"" ID "\"}"},
        {"cancel", "{\"backfill\":\"" ID "\"}"},
        {"cancel", "{\"command\":\"" ID "\"}"},
        {"retry", "{\"run\":\"" ID "\"}"},
        {"retry", "{\"command\":\"" ID "\",\"what\":\"all\"}"},
        {"retry", "{\"run\":\"" ID "\",\"what\":\"selected\",\"selection\":\"a+\"}"},
        {"retry", "{\"backfill\":\"" ID "\"}"},
        {"pause", "{\"what\":\"everything\"}"},
        {"resume", "{\"what\":\"schedules\",\"names\":[\"nightly\"]}"},
        {"backfill", "{\"selection\":\"a\",\"from\":\"1\",\"to\":\"2\",\"only\":\"failed\","
                     "\"newest_first\":true,\"per_run\":0,\"runs_max\":2}"},
        {"backfill", "{\"selection\":\"a\",\"partitions\":[\"x\",\"y\"]}"},
        {"logs", "{\"run\":\"" ID "\",\"step\":\"a\",\"attempt\":2,\"stream\":\"stderr\","
                 "\"offset\":10,\"bytes\":20,\"follow\":\"60s\"}"},
        {"describe", "{}"},
        {"describe", "{\"parts\":[\"assets\",\"device\"]}"},
        {"set", "{\"log_level\":\"debug\",\"sync_interval\":\"5s\"}"},
        {"ping", "{}"},
        {"ping", ""},
        {"decommission", "{}"},
        {"deploy", "{\"bundle\":\"x\"}"},
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct command_args args;
        if (!read_args(good[i].verb, good[i].args, &args)) {
            fail_msg("%s %s: %s", good[i].verb, good[i].args, err.msg);
        }
    }
}

static void arguments_are_what_was_written(void **state)
{
    (void)state;
    struct command_args a;
    assert_true(read_args("backfill", "{\"selection\":\"a\",\"only\":\"failed\"}", &a));
    assert_int_equal(a.only, COMMAND_FAILED);
    assert_int_equal(a.per_run, -1);
    assert_true(read_args("logs", "{\"run\":\"r\",\"step\":\"s\"}", &a));
    assert_int_equal(a.bytes, 1 << 20);
    assert_int_equal(a.stream, COMMAND_STDOUT);
    assert_int_equal(a.follow_ns, 0);
    assert_true(read_args("logs", "{\"run\":\"r\",\"step\":\"s\",\"follow\":\"5m\"}", &a));
    assert_int_equal(a.follow_ns, 300 * NS_PER_SEC);
    assert_true(
        read_args("retry", "{\"run\":\"r\",\"what\":\"selected\",\"selection\":\"a+\"}", &a));
    assert_int_equal(a.retry, COMMAND_RETRY_SELECTED);
    assert_true(read_args("pause", "{\"what\":\"automation\"}", &a));
    assert_int_equal(a.what, COMMAND_AUTOMATION);
    assert_true(read_args("set", "{\"sync_interval\":\"5s\"}", &a));
    assert_false(a.has_log_level);
    assert_true(a.has_sync_interval);
    assert_int_equal(a.sync_interval_ns, 5 * NS_PER_SEC);
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *verb, *args, *expected;
    } bad[] = {
        {"materialize", "{}", "selection"},
        {"materialize", "{\"selection\":3}", "selection"},
        {"materialize", "{\"selection\":\"a\",\"dry_run\":true}", "dry_run"},
        {"run_job", "{}", "job"},
        {"cancel", "{}", "one of"},
        {"cancel", "{\"run\":\"a\",\"command\":\"b\"}", "one of"},
        {"retry", "{\"what\":\"all\"}", "one of"},
        {"retry", "{\"run\":\"a\",\"what\":\"some\"}", "what"},
        {"retry", "{\"run\":\"a\",\"what\":\"selected\"}", "selection"},
        {"retry", "{\"run\":\"a\",\"selection\":\"b\"}", "selection"},
        {"retry", "{\"backfill\":\"a\",\"what\":\"all\"}", "what"},
        {"pause", "{}", "what"},
        {"pause", "{\"what\":\"automation\",\"names\":[\"a\"]}", "names"},
        {"backfill", "{\"selection\":\"a\",\"from\":\"1\",\"partitions\":[\"x\"]}", "not both"},
        {"backfill", "{\"selection\":\"a\",\"per_run\":-1}", "per_run"},
        {"logs", "{\"run\":\"a\"}", "step"},
        {"logs", "{\"run\":\"a\",\"step\":\"b\",\"offset\":-1}", "offset"},
        {"logs", "{\"run\":\"a\",\"step\":\"b\",\"follow\":\"6m\"}", "follow"},
        {"describe", "{\"parts\":[\"weather\"]}", "parts"},
        {"set", "{}", "log_level"},
        {"set", "{\"labels\":{\"site\":\"berlin\"}}", "labels"},
        {"set", "{\"sync_interval\":\"1ms\"}", "sync_interval"},
        {"ping", "{\"loud\":true}", "loud"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct command_args args;
        assert_false(read_args(bad[i].verb, bad[i].args, &args));
        assert_int_equal(err.code, ERR_INVALID);
        if (strstr(err.msg, bad[i].expected) == NULL) {
            fail_msg("%s %s: \"%s\" does not name %s", bad[i].verb, bad[i].args, err.msg,
                     bad[i].expected);
        }
    }
}

static void nobody_is_decommissioned_by_a_star(void **state)
{
    (void)state;
    static const struct str all = STR_INIT("*");
    struct command c = example();
    struct command_args args;
    c.verb = STR("decommission");
    c.args = STR("{}");
    assert_true(command_read_args(&c, &arena, &args, &err));
    c.to = &all;
    c.to_count = 1;
    assert_false(command_read_args(&c, &arena, &args, &err));
    assert_non_null(strstr(err.msg, "name each device"));
}

/* --- the rest --------------------------------------------------------------------------------- */

static void a_piece_comes_back(void **state)
{
    (void)state;
    struct command_piece p = {.command = STR(ID),
                              .name = STR("a/b/1.stdout"),
                              .offset = 100,
                              .dropped = 7,
                              .is_last = true,
                              .bytes = {"\0\xff\nx", 4}};
    struct command_piece r;
    command_piece_encode(&p, &text);
    assert_true(command_piece_decode(buf_str(&text), &arena, &r, &err));
    assert_true(str_eq(r.command, p.command));
    assert_true(str_eq(r.name, p.name));
    assert_int_equal(r.offset, 100);
    assert_int_equal(r.dropped, 7);
    assert_true(r.is_last);
    assert_true(str_eq(r.bytes, p.bytes));
    struct str whole = buf_str(&text);
    assert_false(command_piece_decode(str_slice(whole, 0, whole.len - 1), &arena, &r, &err));
    assert_non_null(strstr(err.msg, "log.bytes"));
}

static void states_have_names(void **state)
{
    (void)state;
    for (int i = 0; i < COMMAND_STATUS_COUNT; i++) {
        enum command_status s;
        assert_true(command_status_from(str_from(command_status_name((enum command_status)i)), &s));
        assert_int_equal(s, i);
    }
    enum command_status s;
    assert_false(command_status_from(STR("lost"), &s));
    assert_true(command_status_is_end(COMMAND_REFUSED));
    assert_false(command_status_is_end(COMMAND_STARTED));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_command_comes_back),
        TEST(what_is_not_known_is_passed_over),
        TEST(commands_that_cannot_be_are_refused),
        TEST(more_than_the_limit_is_refused),
        TEST(every_verb_takes_its_arguments),
        TEST(arguments_are_what_was_written),
        TEST(wrong_arguments_are_refused),
        TEST(nobody_is_decommissioned_by_a_star),
        TEST(a_piece_comes_back),
        TEST(states_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
