/* hub_client_test.c - the pure parts of hub/client: addresses, members of items, problems as errors. */
#include "hub/client/client_internal.h"
#include "hub/client/item.h"
#include "hub/client/target.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

static void check_target(struct buf *target, const char *wanted)
{
    assert_string_equal(buf_cstr(target), wanted);
    struct http_target parsed;
    struct err err = {0};
    AUTO(arena) arena = arena_new(64 << 10);
    assert_true(http_target_parse(buf_str(target), &arena, &parsed, &err));
}

static void addresses_are_encoded(void **state)
{
    (void)state;
    AUTO(buf) target = buf_growing(1024);
    target_begin(&target, "/api/v1/runs");
    target_part(&target, STR("shop 1/ä?"), false);
    target_query(&target, "device", STR_NONE);
    check_target(&target, "/api/v1/runs/shop%201%2F%C3%A4%3F");
    target_query(&target, "to", STR("label:site=b* and is:away"));
    target_query_i64(&target, "limit", 5);
    check_target(
        &target,
        "/api/v1/runs/shop%201%2F%C3%A4%3F?to=label%3Asite%3Db%2A%20and%20is%3Aaway&limit=5");
    target_begin(&target, "/api/v1/devices");
    target_part(&target, STR_NONE, false); /* must not become the list */
    check_target(&target, "/api/v1/devices/%20");
    target_begin(&target, "/api/v1/assets");
    target_part(&target, STR("pos/orders+"), true);
    check_target(&target, "/api/v1/assets/pos/orders%2B");
}

static void only_this_machine_is_here(void **state)
{
    (void)state;
    static const char *const here[] = {"http://localhost",      "http://localhost:8880/x?y",
                                       "http://127.0.0.1:8880", "http://127.1.2.3/",
                                       "http://[::1]:8880",     "http://[::1]"};
    static const char *const elsewhere[] = {"https://localhost",
                                            "http://hub.example.org",
                                            "http://127.evil.example",
                                            "http://localhost.evil",
                                            "http://localhost@evil.example",
                                            "http://localhost:80@evil",
                                            "http://[::1]@evil.example",
                                            "http://[::1].evil",
                                            "http://localhost:x",
                                            "http://localhost:80:90",
                                            "http://128.0.0.1",
                                            "http://",
                                            "http://localhost\\@evil",
                                            "http://a:b@localhost"};
    for (size_t i = 0; i < COUNT_OF(here); i++) {
        assert_true(target_stays_here(str_from(here[i])));
    }
    for (size_t i = 0; i < COUNT_OF(elsewhere); i++) {
        assert_false(target_stays_here(str_from(elsewhere[i])));
    }
}

/* What was encoded is what a handler gets. */
static void what_is_asked_for_arrives(void **state)
{
    (void)state;
    AUTO(buf) target = buf_growing(4096);
    AUTO(arena) arena = arena_new(64 << 10);
    struct http_target parsed;
    struct err err = {0};
    char bytes[128];
    for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
        bytes[i] = (char)(i + 1);
    }
    struct str all = {bytes, sizeof(bytes) - 1};
    target_begin(&target, "/x");
    target_part(&target, all, false);
    target_query(&target, "q", all);
    assert_true(http_target_parse(buf_str(&target), &arena, &parsed, &err));
    assert_int_equal(parsed.segment_count, 2);
    assert_true(str_eq(parsed.segments[1], all));
    assert_true(str_eq(http_target_get(&parsed, "q"), all));
}

static void members_that_are_not_there_are_nothing(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(64 << 10);
    AUTO(buf) out = buf_growing(1024);
    struct json *item = NULL;
    struct err err = {0};
    assert_true(json_parse(STR("{\"a\":\"x\",\"n\":3,\"b\":true,\"at\":\"2026-11-30T01:02:03Z\","
                               "\"l\":[\"p\",1,\"q\"],\"o\":{\"k\":\"v\",\"m\":\"w\"}}"),
                           4096, &arena, &item, &err));
    assert_true(str_eq(item_str(item, "a"), STR("x")));
    assert_true(str_is_empty(item_str(item, "n")) && str_is_empty(item_str(NULL, "a")));
    assert_int_equal(item_i64(item, "n"), 3);
    assert_true(item_i64(item, "a") == HUB_UNKNOWN && item_count(item, "none") == 0);
    assert_true(item_bool(item, "b") && !item_bool(item, "a"));
    assert_true(item_wall(item, "at").ns > 0 && item_wall(item, "a").ns == 0);
    item_join(item, "l", ", ", &out);
    assert_string_equal(buf_cstr(&out), "p, q");
    buf_reset(&out);
    item_join(item, "o", " ", &out);
    assert_string_equal(buf_cstr(&out), "k=v m=w");
    assert_null(item_first(item, "a"));
}

static struct err problem_of(int status, const char *body, bool has_token)
{
    struct client_answer answer = {.status = status, .body = buf_growing(4096)};
    struct err err = {0};
    buf_add_text(&answer.body, body);
    bool ok = problem_check(&answer, "https://hub", has_token, &err);
    assert_int_equal(ok, err.code == ERR_NONE);
    buf_release(&answer.body);
    return err;
}

static void problems_become_errors_of_their_class(void **state)
{
    (void)state;
    assert_int_equal(problem_of(204, "", false).code, ERR_NONE);
    struct err err = problem_of(409,
                                "{\"type\":\"about:blank\",\"title\":\"Conflict\",\"status\":409,"
                                "\"detail\":\"no key\",\"hint\":\"sign it\",\"code\":\"busy\"}",
                                true);
    assert_int_equal(err.code, ERR_BUSY); /* as it was where it was found, not what 409 is */
    assert_string_equal(err.msg, "no key");
    assert_string_equal(err.hint, "sign it");
    err = problem_of(404, "{\"title\":\"Not found\",\"status\":404}", true);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.msg, "Not found");
    err =
        problem_of(401, "{\"title\":\"Log in first\",\"status\":401,\"detail\":\"nobody\"}", false);
    assert_int_equal(err.code, ERR_DENIED);
    assert_non_null(strstr(err.hint, "--token-file"));
    err =
        problem_of(404,
                   "{\"title\":\"Not found\",\"status\":404,\"detail\":\"there is nothing at this "
                   "address\",\"hint\":\"what there is: /api/v1/openapi.json\"}",
                   true);
    assert_non_null(strstr(err.hint, "another version"));
    static const char *const others[] = {"<html>502</html>", "", "[]", "{\"status\":502}", "{"};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        err = problem_of(502, others[i], true);
        assert_int_equal(err.code, ERR_OFFLINE);
        assert_non_null(strstr(err.msg, "as no hub does"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_encoded),
        cmocka_unit_test(only_this_machine_is_here),
        cmocka_unit_test(what_is_asked_for_arrives),
        cmocka_unit_test(members_that_are_not_there_are_nothing),
        cmocka_unit_test(problems_become_errors_of_their_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
