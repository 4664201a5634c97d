/* requests.c - requests as libmicrohttpd tells of them, from the first line to the end of the answer. */
#include "hub/http/server_internal.h"

#include <stdlib.h>
#include <string.h>

/* They are ours to read (target.h). libmicrohttpd would take 72 bytes of the connection's memory for each, and
 * hang up without a word when that is used up: it sees none. `target` is its buffer. */
static void hide_arguments(const char *target)
{
    union {
        const char *in;
        char *out;
    } at = {.in = strchr(target, '?')};
    if (at.in != NULL) {
        at.out[1] = '\0';
    }
}

/* Before anything of the request is decoded. */
void *http_on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
    struct http_server *server = cls;
    struct http_conn *conn = http_conn_of(connection);
    if (conn != NULL) {
        size_t len = strlen(target);
        free(conn->target);
        conn->target = malloc(len + 1);
        conn->target_len = 0;
        if (conn->target != NULL) {
            memcpy(conn->target, target, len + 1);
            conn->target_len = len;
        }
        hide_arguments(target);
        http_conn_enter(server, conn, CONN_RECEIVING);
    }
    return NULL;
}

static struct http_call *call_new(struct http_server *server, struct http_conn *conn,
                                  struct MHD_Connection *connection)
{
    struct http_call *call = calloc(1, sizeof(*call));
    const struct clock *clock = loop_clock(server->loop);
    if (call == NULL) {
        return NULL;
    }
    call->server = server;
    call->conn = conn;
    call->connection = connection;
    call->arena = arena_new(HTTP_ARENA_BYTES);
    call->rq.arena = &call->arena;
    call->rq.now = clock_wall(clock);
    call->rq.mono = loop_now(server->loop);
    call->rs.body = buf_growing(HTTP_BODY_BYTES_MAX);
    http_read_head(call);
    return call;
}

void http_on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                       enum MHD_RequestTerminationCode code)
{
    struct http_server *server = cls;
    struct http_call *call = *con_cls;
    (void)connection;
    (void)code;
    if (call == NULL) {
        return;
    }
    *con_cls = NULL;
    http_end_waiting(call);
    http_conn_enter(server, call->conn, CONN_IDLE);
    buf_wipe(&call->body); /* it may hold a password */
    buf_release(&call->rs.body);
    arena_release(&call->arena);
    free(call);
}

static bool is_ours(const struct http_target *t)
{
    return t->segment_count > 0 && str_eq(t->segments[0], STR("api"));
}

/* The answer is a problem, whatever is still to come. */
static bool refuse(struct http_call *call, int status, const char *detail, const char *hint)
{
    http_problem(&call->rs, status, detail, hint);
    return false;
}

/* Everything that can be said before the body is there; false: it is said in the response. */
static bool look(struct http_call *call, const char *method)
{
    struct http_server *server = call->server;
    struct err err = {0};
    struct str target = {call->conn->target, call->conn->target_len};
    const struct http_route *route = NULL;
    if (call->conn->is_over) {
        http_add_header(&call->rs, "Retry-After", "5");
        http_add_header(&call->rs, "Connection", "close");
        return refuse(call, 503, "the hub has as many connections as it takes",
                      "try again in some seconds; http: {connections: N} in hub.yaml takes more");
    }
    if (call->is_unclear) {
        call->has_body = true; /* whatever comes is not to be taken for a next request */
        return refuse(call, 400, "the length of the body is said more than once",
                      "one Content-Length or one Transfer-Encoding");
    }
    if (server->local != NULL && str_is_empty(call->rq.local_user)) {
        return refuse(call, 403, "this socket answers root and the hub's own user",
                      "others ask over HTTPS, with a token");
    }
    if (!http_target_parse(target, &call->arena, &call->rq.target, &err)) {
        return refuse(call, 400, err.msg, err.hint);
    }
    if (!http_method_from(str_from(method), &call->rq.method, &call->is_head)) {
        return refuse(call, 405, "this method is not answered", NULL);
    }
    enum http_match match =
        http_route_find(server->service.routes, server->service.route_count, call->rq.method,
                        &call->rq.target, &call->arena, &route, call->rq.args);
    if (match == HTTP_NO_METHOD) {
        return refuse(call, 405, "this address does not answer this method", NULL);
    }
    if (match == HTTP_NO_PATH && is_ours(&call->rq.target)) {
        return refuse(call, 404, "there is nothing at this address",
                      "what there is: /api/v1/openapi.json");
    }
    if (route != NULL && !server->service.admit(server->service.ctx, &call->rq, route, &call->rs)) {
        return false;
    }
    size_t max_body = route != NULL ? route->max_body : 0;
    if (call->has_body && (call->body_bytes > (int64_t)max_body || max_body == 0)) {
        return refuse(call, 413, "the body is larger than this address takes", NULL);
    }
    call->route = route;
    call->body = buf_growing(max_body + 1);
    return true;
}

/* Answers wait for the second call, though there may be no body: libmicrohttpd closes a connection that
 * is answered in the first. That is right where a refused body is still to come: nothing after it could
 * be told from a next request. */
static enum MHD_Result begin(struct http_call *call, const char *method)
{
    call->is_refused = !look(call, method);
    if (!call->is_refused || !call->has_body) {
        return MHD_YES;
    }
    http_add_header(&call->rs, "Connection", "close");
    return http_send(call);
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are the library's */
enum MHD_Result http_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_len, void **con_cls)
{
    struct http_server *server = cls;
    struct http_call *call = *con_cls;
    (void)url;
    (void)version;
    if (call == NULL) {
        struct http_conn *conn = http_conn_of(connection);
        call = conn != NULL ? call_new(server, conn, connection) : NULL;
        *con_cls = call;
        return call == NULL ? MHD_NO : begin(call, method);
    }
    if (*upload_len > 0) {
        buf_add(&call->body, (struct str){upload, *upload_len});
        *upload_len = 0;
        bool is_large =
            call->route == NULL || call->body.overflow || call->body.len > call->route->max_body;
        return is_large ? MHD_NO : MHD_YES; /* a length that was not announced: cut */
    }
    return call->is_refused ? http_send(call) : http_answer(call);
}
