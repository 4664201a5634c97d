/* http_test.c - addresses, routes, cursors, and how often a password may be tried. */
#include "hub/accounts/pace.h"
#include "hub/http/cursor.h"
#include "hub/http/peers.h"
#include "hub/http/route.h"
#include "hub/live/ring.h"

#include "tests/support/cmocka_all.h"
#include <arpa/inet.h>
#include <stdio.h>

static bool parse(const char *text, struct arena *arena, struct http_target *t)
{
    struct err err = {0};
    bool ok = http_target_parse(str_from(text), arena, t, &err);
    assert_true(ok || (err.code == ERR_INVALID && err.msg[0] != '\0'));
    return ok;
}

static void addresses_are_decoded(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct http_target t;
    assert_true(parse("/a%20b/c%2Fd?x=1+2&y=%26&z&=w", &arena, &t));
    assert_int_equal(t.segment_count, 2);
    assert_true(str_eq(t.segments[0], STR("a b")));
    assert_true(str_eq(t.segments[1], STR("c/d")));
    assert_true(str_eq(http_target_get(&t, "x"), STR("1 2")));
    assert_true(str_eq(http_target_get(&t, "y"), STR("&")));
    assert_true(str_is_empty(http_target_get(&t, "z")));
    assert_null(http_target_get(&t, "nothing").ptr);
    assert_true(parse("/", &arena, &t));
    assert_int_equal(t.segment_count, 0);
    assert_true(parse("/a/?b=c", &arena, &t));
    assert_int_equal(t.segment_count, 1);
}

static void bad_addresses_are_refused(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct http_target t;
    static const char *const bad[] = {"",     "a",     "/%",   "/%4",     "/%zz",
                                      "/%00", "/a//b", "/a//", "/./a",    "/..",
                                      "/%2e", "/?a=%", "/%ff", "/?%c3=1", "/a/%2e%2e"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(parse(bad[i], &arena, &t));
    }
    char many[4 * HTTP_SEGMENTS_MAX] = "";
    for (size_t i = 0; i <= HTTP_SEGMENTS_MAX; i++) {
        many[2 * i] = '/';
        many[2 * i + 1] = 'a';
        many[2 * i + 2] = '\0';
        assert_true(parse(many, &arena, &t) == (i < HTTP_SEGMENTS_MAX));
    }
}

static bool handler(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    (void)ctx;
    (void)rq;
    (void)rs;
    (void)err;
    return true;
}

static const struct http_route routes[] = {
    {.method = HTTP_GET, .path = "/v1/runs", .handler = handler},
    {.method = HTTP_GET, .path = "/v1/runs/{device}/{run}", .handler = handler},
    {.method = HTTP_GET, .path = "/v1/assets/{key...}/history", .handler = handler},
    {.method = HTTP_GET, .path = "/v1/assets/{key...}", .handler = handler},
    {.method = HTTP_POST, .path = "/v1/runs", .handler = handler},
};

static int find(enum http_method method, const char *text, struct str args[HTTP_ARGS_MAX],
                struct arena *arena)
{
    struct http_target t;
    const struct http_route *route = NULL;
    assert_true(parse(text, arena, &t));
    enum http_match match =
        http_route_find(routes, COUNT_OF(routes), method, &t, arena, &route, args);
    return match == HTTP_MATCH ? (int)(route - routes) : match == HTTP_NO_PATH ? -1 : -2;
}

static void routes_are_found(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct str args[HTTP_ARGS_MAX];
    assert_int_equal(find(HTTP_GET, "/v1/runs", args, &arena), 0);
    assert_int_equal(find(HTTP_POST, "/v1/runs", args, &arena), 4);
    assert_int_equal(find(HTTP_DELETE, "/v1/runs", args, &arena), -2);
    assert_int_equal(find(HTTP_GET, "/v1/runs/a", args, &arena), -1);
    assert_int_equal(find(HTTP_GET, "/v1/runs/a/b", args, &arena), 1);
    assert_true(str_eq(args[0], STR("a")) && str_eq(args[1], STR("b")));
    assert_int_equal(find(HTTP_GET, "/v1/runs/a/b/c", args, &arena), -1);
    assert_int_equal(find(HTTP_GET, "/v1/assets/a/b/c", args, &arena), 3);
    assert_true(str_eq(args[0], STR("a/b/c")));
    assert_int_equal(find(HTTP_GET, "/v1/assets/a/b/history", args, &arena), 2);
    assert_true(str_eq(args[0], STR("a/b")));
    assert_int_equal(find(HTTP_GET, "/v1/assets/history", args, &arena), 3);
    assert_int_equal(find(HTTP_GET, "/v1/assets/a%2Fhistory", args, &arena), 3);
    assert_true(str_eq(args[0], STR("a/history")));
    assert_int_equal(find(HTTP_GET, "/v1/assets", args, &arena), -1);
    assert_int_equal(find(HTTP_GET, "/", args, &arena), -1);
}

static void cursors_come_back_as_they_went(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    const struct str parts[] = {STR("pos/orders"), STR(""), STR("caf\xc3\xa9 1")};
    struct str again[3];
    struct err err = {0};
    AUTO(buf) text = buf_growing(1024);
    http_cursor_write(&text, parts, 3);
    assert_true(http_cursor_read(buf_str(&text), &arena, again, 3, &err));
    for (size_t i = 0; i < 3; i++) {
        assert_true(str_eq(parts[i], again[i]));
    }
    assert_false(http_cursor_read(buf_str(&text), &arena, again, 2, &err));
    assert_false(http_cursor_read(str_slice(buf_str(&text), 0, 5), &arena, again, 3, &err));
    assert_false(http_cursor_read(STR("no cursor!"), &arena, again, 1, &err));
    assert_false(http_cursor_read(STR(""), &arena, again, 1, &err));
}

static int tries(struct pace *pace, const char *peer, int64_t at_s, int count)
{
    int passed = 0;
    for (int i = 0; i < count; i++) {
        int64_t wait = 0;
        bool ok =
            pace_take(pace, str_from(peer), false, (struct mono_time){at_s * NS_PER_SEC}, &wait);
        assert_true(ok || wait > 0);
        passed += ok ? 1 : 0;
    }
    return passed;
}

static void passwords_are_tried_slowly(void **state)
{
    (void)state;
    static struct pace pace;
    assert_int_equal(tries(&pace, "192.0.2.1", 100, 50), PACE_PEER_BURST);
    assert_int_equal(tries(&pace, "192.0.2.1", 100 + PACE_PEER_EVERY_S, 50), 1);
    assert_int_equal(tries(&pace, "192.0.2.2", 106, 50), PACE_PEER_BURST);
    assert_int_equal(tries(&pace, "192.0.2.1", 10000, 50), PACE_PEER_BURST);
    /* Who has one address of IPv6 has many. */
    assert_int_equal(tries(&pace, "2001:db8::1", 20000, 6) +
                         tries(&pace, "2001:db8::2:3", 20000, 50),
                     PACE_PEER_BURST);
    assert_int_equal(tries(&pace, "2001:db8:0:1::1", 20010, 50), PACE_PEER_BURST);
    /* Many addresses together are bounded, too; and more than are remembered do no harm. */
    static struct pace all;
    int passed = 0;
    for (int i = 0; i < 2 * PACE_PEERS; i++) {
        char peer[32];
        (void)snprintf(peer, sizeof(peer), "198.51.100.%d", i);
        passed += tries(&all, peer, 500, 1);
    }
    assert_int_equal(passed, PACE_ALL_BURST);
    /* They do not keep out who is known. */
    int64_t wait = 0;
    assert_true(
        pace_take(&all, STR("192.0.2.1"), true, (struct mono_time){500 * NS_PER_SEC}, &wait));
    assert_false(
        pace_take(&all, STR("192.0.2.1"), false, (struct mono_time){500 * NS_PER_SEC}, &wait));
}

static struct in6_addr address(const char *text)
{
    struct in6_addr result;
    assert_true(http_address_parse(str_from(text), &result));
    return result;
}

static void addresses_are_told_apart(void **state)
{
    static const char *const none[] = {"",
                                       "localhost",
                                       "1.2.3",
                                       "1.2.3.4.5",
                                       "::g",
                                       "1.2.3.4 ",
                                       "11111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"};
    static const char *const same[] = {"192.0.2.7", "::1", "127.0.0.1", "2001:db8::1"};
    (void)state;
    struct in6_addr result;
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        assert_false(http_address_parse(str_from(none[i]), &result));
    }
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        char text[INET6_ADDRSTRLEN];
        result = address(same[i]);
        http_address_write(&result, text);
        assert_string_equal(text, same[i]);
        assert_int_equal(http_address_is_loopback(&result), i == 1 || i == 2);
    }
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(0x7f000001)}};
    struct in6_addr of_in = http_address_of((struct sockaddr *)&in);
    struct in6_addr written = address("::ffff:127.0.0.1");
    assert_memory_equal(&of_in, &written, sizeof(written));
}

static void connections_are_counted_by_address(void **state)
{
    enum { PEERS = 5000 };
    static struct http_peers peers;
    static struct http_peer *entered[PEERS];
    (void)state;
    struct in6_addr a = address("2001:db8::1");
    struct in6_addr same_64 = address("2001:db8::2:3");
    struct in6_addr other = address("2001:db8:0:1::1");
    struct http_peer *first = http_peers_enter(&peers, &a);
    struct http_peer *second = http_peers_enter(&peers, &same_64);
    assert_int_equal(http_peers_count(&peers, &a), 2);
    assert_int_equal(http_peers_count(&peers, &other), 0);
    for (int i = 0; i < PEERS; i++) {
        char text[INET6_ADDRSTRLEN];
        (void)snprintf(text, sizeof(text), "10.1.%d.%d", i / 256, i % 256);
        struct in6_addr v4 = address(text);
        entered[i] = http_peers_enter(&peers, &v4);
        assert_int_equal(http_peers_count(&peers, &v4), 1);
    }
    for (int i = 0; i < PEERS; i++) {
        http_peers_leave(&peers, entered[i]);
    }
    http_peers_leave(&peers, first);
    assert_int_equal(http_peers_count(&peers, &same_64), 1);
    http_peers_leave(&peers, second);
    http_peers_leave(&peers, NULL);
    for (size_t i = 0; i < HTTP_PEER_BUCKETS; i++) {
        assert_null(peers.buckets[i]);
    }
}

static void the_ring_forgets_the_oldest(void **state)
{
    (void)state;
    struct ring *ring = NULL;
    struct err err = {0};
    char text[32];
    assert_true(ring_open(&ring, &err));
    assert_true(ring_oldest(ring) == 1 && ring_next(ring) == 1);
    for (int i = 1; i <= RING_ENTRIES + 10; i++) {
        (void)snprintf(text, sizeof(text), "%d", i);
        ring_add(ring, str_from(text));
    }
    assert_true(ring_next(ring) == RING_ENTRIES + 11 && ring_oldest(ring) == 11);
    assert_true(str_eq(ring_get(ring, 11), STR("11")));
    assert_true(str_eq(ring_get(ring, ring_next(ring) - 1), str_from(text)));
    ring_close(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_decoded),
        cmocka_unit_test(bad_addresses_are_refused),
        cmocka_unit_test(routes_are_found),
        cmocka_unit_test(cursors_come_back_as_they_went),
        cmocka_unit_test(passwords_are_tried_slowly),
        cmocka_unit_test(addresses_are_told_apart),
        cmocka_unit_test(connections_are_counted_by_address),
        cmocka_unit_test(the_ring_forgets_the_oldest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
