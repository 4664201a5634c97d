/* wire_desired_test.c - common/wire/desired.h */
#include "common/wire/desired.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

#define HEAD                                                                                       \
    "{\"kind\":\"desired\",\"v\":1,\"fleet\":\"main\",\"device\":\"brooklyn\",\"revision\":7,"     \
    "\"issued_at\":\"2026-11-29T17:00:00.000Z\""

static struct buf text;
static struct arena arena;
static struct err err;

static int begin(void **state)
{
    (void)state;
    text = buf_growing(1 << 20);
    arena = arena_new(DESIRED_ARENA_BYTES);
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

static void what_is_said_comes_back(void **state)
{
    (void)state;
    static const char body[] = HEAD
        ",\"schedules\":[{\"name\":\"night\",\"cron\":\"30 2 * * *\",\"job\":\"all\"}],"
        "\"pauses\":{\"schedules\":[\"*\"],\"sensors\":[\"files\"],\"automation\":true},"
        "\"settings\":{\"log_level\":\"debug\",\"sync_linger\":\"5s\",\"reconnect_max\":\"1m\"},"
        "\"bundle\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}";
    struct desired d;
    assert_true(desired_decode(str_from(body), &arena, &d, &err));
    assert_int_equal(d.revision, 7);
    assert_true(str_eq(d.device, STR("brooklyn")));
    assert_int_equal(d.content.schedules->count, 1);
    assert_true(desired_list_has(&d.content.pauses.schedules, STR("any")));
    assert_true(desired_list_has(&d.content.pauses.sensors, STR("files")));
    assert_false(desired_list_has(&d.content.pauses.sensors, STR("other")));
    assert_true(d.content.pauses.automation);
    assert_true(d.content.settings.has_log_level);
    assert_int_equal(d.content.settings.sync_linger_ns, 5 * NS_PER_SEC);
    desired_encode(&d, &text);
    assert_string_equal(buf_cstr(&text), body);
}

static void what_is_empty_takes_no_room(void **state)
{
    (void)state;
    struct desired d;
    assert_true(desired_decode(STR(HEAD "}"), &arena, &d, &err));
    assert_null(d.content.schedules);
    assert_false(d.content.settings.has_sync_linger);
    assert_null(d.content.bundle.ptr);
    desired_encode(&d, &text);
    assert_string_equal(buf_cstr(&text), HEAD "}");
    buf_reset(&text);
    assert_true(desired_decode(STR(HEAD ",\"bundle\":\"\"}"), &arena, &d, &err));
    desired_encode(&d, &text);
    assert_string_equal(buf_cstr(&text), HEAD ",\"bundle\":\"\"}");
}

/* A part of what is wanted is something else than what is wanted: nothing is passed over. */
static void what_is_not_understood_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *says;
    } cases[] = {
        {"", "desired: "},
        {"[]", "desired"},
        {"{\"kind\":\"command\"}", "desired"},
        {"{\"kind\":\"command\",\"v\":1,\"fleet\":\"a\",\"device\":\"b\",\"revision\":1,"
         "\"issued_at\":\"2026-11-29T17:00:00.000Z\"}",
         "desired.kind"},
        {HEAD ",\"sensors\":[]}", "sensors"},
        {HEAD ",\"settings\":{\"state_dir\":\"/tmp\"}}", "state_dir"},
        {HEAD ",\"settings\":{\"log_level\":\"loud\"}}", "log_level"},
        {HEAD ",\"settings\":{\"sync_linger\":\"2h\"}}", "sync_linger"},
        {HEAD ",\"pauses\":{\"jobs\":[\"a\"]}}", "jobs"},
        {HEAD ",\"schedules\":{}}", "schedules: must be a list"},
        {HEAD ",\"schedules\":[{\"cron\":\"* * * * *\"}]}", "schedules[0]: it has no name"},
        {HEAD ",\"schedules\":[{\"name\":\"a\"},{\"name\":\"a\"}]}",
         "schedules[1]: there are two with the name a"},
        {HEAD ",\"bundle\":\"abc\"}", "desired.bundle"},
        {"{\"kind\":\"desired\",\"v\":2,\"fleet\":\"a\",\"device\":\"b\",\"revision\":1,"
         "\"issued_at\":\"2026-11-29T17:00:00.000Z\"}",
         "desired.v"},
        {"{\"kind\":\"desired\",\"v\":1,\"fleet\":\"a\",\"device\":\"b\",\"revision\":0,"
         "\"issued_at\":\"2026-11-29T17:00:00.000Z\"}",
         "desired.revision"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct desired d;
        err = (struct err){0};
        assert_false(desired_decode(str_from(cases[i].body), &arena, &d, &err));
        if (strstr(err.msg, cases[i].says) == NULL) {
            fail_msg("case %zu says \"%s\", not \"%s\"", i, err.msg, cases[i].says);
        }
    }
}

static void too_many_schedules_are_refused(void **state)
{
    (void)state;
    struct desired d;
    buf_add_text(&text, HEAD ",\"schedules\":[");
    for (int i = 0; i <= DESIRED_SCHEDULES_MAX; i++) {
        buf_addf(&text, "%s{\"name\":\"s%d\"}", i == 0 ? "" : ",", i);
    }
    buf_add_text(&text, "]}");
    assert_false(desired_decode(buf_str(&text), &arena, &d, &err));
    assert_non_null(strstr(err.msg, "more than 200"));
}

static void an_answer_comes_back(void **state)
{
    (void)state;
    struct message_reported m = {.revision = 8,
                                 .status = DESIRED_REFUSED,
                                 .reason = STR("schedule night: there is no job \"al\""),
                                 .applied = 7,
                                 .hash = STR("0123456789abcdef"),
                                 .at = {INT64_C(1795314600123) * NS_PER_MS}};
    struct message_reported r;
    message_reported_encode(&m, &text);
    assert_true(message_reported_decode(buf_str(&text), &arena, &r, &err));
    assert_int_equal(r.revision, 8);
    assert_int_equal(r.status, DESIRED_REFUSED);
    assert_int_equal(r.applied, 7);
    assert_int_equal(r.at.ns, m.at.ns);
    assert_true(str_eq(r.reason, m.reason));
    assert_true(str_eq(r.hash, m.hash));
    static const char *const wrong[] = {
        "{}",
        "[]",
        "{\"revision\":1,\"status\":\"done\",\"applied\":1,\"at\":\"2026-11-29T17:00:00Z\"}",
        "{\"revision\":-1,\"status\":\"applied\",\"applied\":1,\"at\":\"2026-11-29T17:00:00Z\"}",
        "{\"revision\":1,\"status\":\"applied\",\"applied\":1,\"at\":\"now\"}",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_false(message_reported_decode(str_from(wrong[i]), &arena, &r, &err));
    }
}

static void a_hash_tells_bodies_apart(void **state)
{
    (void)state;
    char a[DESIRED_HASH_SIZE];
    char b[DESIRED_HASH_SIZE];
    desired_hash(STR("abc"), a);
    assert_string_equal(a, "ba7816bf8f01cfea");
    desired_hash(STR("abd"), b);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_said_comes_back, begin, end),
        cmocka_unit_test_setup_teardown(what_is_empty_takes_no_room, begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_understood_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(too_many_schedules_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(an_answer_comes_back, begin, end),
        cmocka_unit_test_setup_teardown(a_hash_tells_bodies_apart, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
