/* http_server_test.c - the server over real connections, with handlers of the test's: what is sent to hurt, what is
 * not taken, and the headers of every kind of answer. */
#include "hub/http/server.h"

#include "tests/support/cmocka_all.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BIG_BYTES = 15 << 18,        /* more than the kernel takes of one connection */
    CACHE_BYTES = 5 * BIG_BYTES, /* which keeps what is less than a quarter of it */
    PENDING_BYTES = 40 << 20,
    /* Nobody's share, what the cache holds, and some: nothing is as even as that. */
    SLOW_MAX = (PENDING_BYTES / 4 + CACHE_BYTES) / BIG_BYTES + 3,
    PATIENCE_TURNS = 10000, /* of 10 ms at most */
};

struct world {
    struct loop *loop;
    struct http_server *server;
    int slow[SLOW_MAX];
    int slow_count;
    char answer[16 << 10];
};

/* --- the service --------------------------------------------------------------------------------- */

static bool admit(void *ctx, struct http_request *rq, const struct http_route *route,
                  struct http_response *rs)
{
    (void)ctx;
    (void)rq;
    (void)route;
    (void)rs;
    return true;
}

static void begin(void *ctx)
{
    (void)ctx;
}

static int64_t stamp(void *ctx)
{
    (void)ctx;
    return 1;
}

static bool small(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    (void)ctx;
    (void)rq;
    (void)err;
    buf_add(&rs->body, STR("{}"));
    return true;
}

static bool big(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    (void)ctx;
    (void)rq;
    char *room = buf_reserve(&rs->body, BIG_BYTES);
    if (room == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory");
    }
    memset(room, 'x', BIG_BYTES);
    rs->body.len += BIG_BYTES;
    return true;
}

static int64_t no_more(void *ctx, char *into, size_t cap)
{
    (void)ctx;
    (void)into;
    (void)cap;
    return -1;
}

static bool stream(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    (void)ctx;
    (void)rq;
    (void)err;
    rs->type = "text/event-stream";
    rs->is_stream = true;
    rs->stream = (struct http_stream){.fill = no_more};
    return true;
}

static const struct http_route routes[] = {
    {.method = HTTP_GET,
     .path = "/api/small",
     .role = HTTP_VIEWER,
     .handler = small,
     .is_cached = true},
    {.method = HTTP_POST, .path = "/api/small", .handler = small, .max_body = 10},
    {.method = HTTP_GET,
     .path = "/api/big",
     .role = HTTP_VIEWER,
     .handler = big,
     .is_cached = true},
    {.method = HTTP_GET,
     .path = "/api/public",
     .role = HTTP_PUBLIC,
     .handler = big,
     .is_cached = true},
    {.method = HTTP_GET,
     .path = "/api/stream",
     .role = HTTP_VIEWER,
     .handler = stream,
     .is_stream = true},
};
static const struct http_service service = {.routes = routes,
                                            .route_count = COUNT_OF(routes),
                                            .admit = admit,
                                            .begin = begin,
                                            .stamp = stamp};

/* --- life ---------------------------------------------------------------------------------------- */

static int set_up(void **state)
{
    static struct world world;
    struct err err = {0};
    const struct http_server_options options = {.connections_max = 256,
                                                .pending_bytes = PENDING_BYTES,
                                                .cache_bytes = CACHE_BYTES,
                                                .service = &service};
    world = (struct world){0};
    assert_true(loop_open(&world.loop, clock_system(), &err));
    assert_true(http_server_open(&world.server, world.loop, &options, &err));
    *state = &world;
    return 0;
}

static void close_slow(struct world *w)
{
    while (w->slow_count > 0) {
        (void)close(w->slow[--w->slow_count]);
    }
}

static int tear_down(void **state)
{
    struct world *w = *state;
    close_slow(w);
    http_server_close(w->server);
    loop_close(w->loop);
    return 0;
}

/* --- a client ------------------------------------------------------------------------------------ */

static void turn(struct world *w)
{
    struct err err = {0};
    assert_true(loop_turn(w->loop, 10 * NS_PER_MS, &err));
}

static int send_request(const struct world *w, const char *request)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)http_server_port(w->server)),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int little = 4096;
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    return fd;
}

/* The beginning of the answer, as far as the end of its head: its status. */
static int read_head(struct world *w, int fd)
{
    size_t len = 0;
    w->answer[0] = '\0';
    for (int i = 0; i < PATIENCE_TURNS && strstr(w->answer, "\r\n\r\n") == NULL; i++) {
        turn(w);
        ssize_t n = recv(fd, w->answer + len, sizeof(w->answer) - 1 - len, MSG_DONTWAIT);
        assert_true(n > 0 || (n < 0 && errno == EAGAIN));
        len += n > 0 ? (size_t)n : 0;
        w->answer[len] = '\0';
    }
    int64_t status = 0;
    assert_true(len > 12 && str_to_i64((struct str){w->answer + 9, 3}, 100, 599, &status));
    return (int)status;
}

static int ask(struct world *w, const char *request)
{
    int fd = send_request(w, request);
    int status = read_head(w, fd);
    (void)close(fd);
    return status;
}

/* --- tests --------------------------------------------------------------------------------------- */

/* One byte of a body that the last of two lengths denies. */
static void a_length_is_said_once(void **state)
{
    static const char *const lengths[] = {
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        "Content-Length: 1\r\nContent-Length: 0\r\n\r\nx",
        "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    };
    static const char *const lines[] = {"GET / HTTP/1.1", "GET /api/nothing HTTP/1.1",
                                        "GET /api/small HTTP/1.1", "POST /api/small HTTP/1.1"};
    struct world *w = *state;
    char request[512];
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        for (size_t j = 0; j < COUNT_OF(lengths); j++) {
            (void)snprintf(request, sizeof(request), "%s\r\nHost: localhost\r\n%s", lines[i],
                           lengths[j]);
            assert_int_equal(ask(w, request), 400);
            assert_non_null(strstr(w->answer, "Connection: close\r\n"));
        }
    }
    assert_int_equal(ask(w, "POST /api/small HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"),
                     200);
    assert_int_equal(ask(w, "POST /api/small HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
                     200);
}

/* A client has an answer kept, and another asks for the same and takes nothing of it. */
static int take_slowly(struct world *w, const char *path)
{
    char request[256];
    (void)snprintf(request, sizeof(request), "HEAD %s?x=%d HTTP/1.1\r\nHost: localhost\r\n\r\n",
                   path, w->slow_count);
    int status = ask(w, request);
    if (status != 200) {
        return status;
    }
    (void)snprintf(request, sizeof(request), "GET %s?x=%d HTTP/1.1\r\nHost: localhost\r\n\r\n",
                   path, w->slow_count);
    assert_true(w->slow_count < SLOW_MAX);
    w->slow[w->slow_count++] = send_request(w, request);
    return read_head(w, w->slow[w->slow_count - 1]);
}

static void kept_answers_that_nobody_takes_are_bounded(void **state)
{
    struct world *w = *state;
    struct http_counts counts;
    int status = 200;
    for (int i = 0; i < SLOW_MAX && status == 200; i++) {
        status = take_slowly(w, "/api/public");
    }
    assert_int_equal(status, 503);
    http_server_counts(w->server, &counts);
    assert_in_range(counts.bytes_pending, PENDING_BYTES / 4, PENDING_BYTES / 4 + 2 * BIG_BYTES);
    /* Who has logged in still has room. */
    assert_int_equal(ask(w, "GET /api/big HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
    close_slow(w);
    for (int i = 0; i < PATIENCE_TURNS && counts.bytes_pending > 0; i++) {
        turn(w);
        http_server_counts(w->server, &counts);
    }
    assert_int_equal(counts.bytes_pending, 0);
    assert_int_equal(ask(w, "GET /api/public HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
}

static void each_answer_has_the_headers(void **state)
{
    static const struct {
        const char *request;
        int status;
    } asked[] = {
        {"GET /api/small HTTP/1.1\r\nHost: a\r\n\r\n", 200},
        {"GET /api/stream HTTP/1.1\r\nHost: a\r\n\r\n", 200},
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200},
        {"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n", 200},
        {"GET /api/%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /api/nothing HTTP/1.1\r\nHost: a\r\n\r\n", 404},
        {"GET /nothing.js HTTP/1.1\r\nHost: a\r\n\r\n", 404},
        {"DELETE /api/small HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        {"POST /api/small HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", 413},
    };
    static const char *const headers[] = {"Content-Security-Policy: default-src 'self'",
                                          "X-Content-Type-Options: nosniff",
                                          "X-Frame-Options: DENY",
                                          "Referrer-Policy: no-referrer",
                                          "Cross-Origin-Resource-Policy: same-origin",
                                          "Cache-Control: "};
    struct world *w = *state;
    char request[256];
    for (size_t i = 0; i < COUNT_OF(asked) + 1; i++) {
        if (i < COUNT_OF(asked)) {
            assert_int_equal(ask(w, asked[i].request), asked[i].status);
        } else {
            assert_int_equal(ask(w, asked[0].request), 200);
            const char *etag = strstr(w->answer, "ETag: ");
            assert_non_null(etag);
            (void)snprintf(request, sizeof(request),
                           "GET /api/small HTTP/1.1\r\nHost: a\r\nIf-None-Match: %.*s\r\n\r\n",
                           (int)strcspn(etag + 6, "\r"), etag + 6);
            assert_int_equal(ask(w, request), 304);
        }
        for (size_t j = 0; j < COUNT_OF(headers); j++) {
            assert_non_null(strstr(w->answer, headers[j]));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_length_is_said_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kept_answers_that_nobody_takes_are_bounded, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(each_answer_has_the_headers, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
