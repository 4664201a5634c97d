/* requests.c - requests as libmicrohttpd tells of them, from the first line to the end of the answer. */
#include "hub/http/server_internal.h"

#include <stdlib.h>
#include <string.h>

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
        conn->state = CONN_RECEIVING;
        conn->since = loop_now(server->loop);
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
    if (call->rs.is_stream && call->rs.stream.close != NULL) {
        call->rs.stream.close(call->rs.stream.ctx);
    }
    if (call->rs.is_later) {
        call->rs.later.close(call->rs.later.ctx);
    }
    http_call_wait_end(call);
    server->counts.bytes_pending -= call->pending;
    server->counts.streams -= call->conn->state == CONN_STREAM ? 1 : 0;
    call->conn->state = CONN_IDLE;
    call->conn->since = loop_now(server->loop);
    buf_wipe(&call->body); /* it may hold a password */
    buf_release(&call->rs.body);
    arena_release(&call->arena);
    free(call);
}

static bool is_ours(const struct http_target *t)
{
    return t->segment_count > 0 && str_eq(t->segments[0], STR("api"));
}

/* Refused with a body still to come: nothing after it could be told from a next request. */
static enum MHD_Result refuse(struct http_call *call, int status, const char *detail,
                              const char *hint)
{
    if (call->has_body) {
        http_add_header(&call->rs, "Connection", "close");
    }
    return http_refuse(call, status, detail, hint);
}

static enum MHD_Result refuse_as_said(struct http_call *call)
{
    struct http_response *rs = &call->rs;
    if (call->has_body) {
        http_add_header(rs, "Connection", "close");
    }
    call->route = NULL; /* not kept */
    return http_send(call);
}

/* Everything that can be said before the body is there. *ret_done: it is answered. */
static enum MHD_Result look(struct http_call *call, const char *method, bool *ret_done)
{
    struct http_server *server = call->server;
    struct err err = {0};
    struct str target = {call->conn->target, call->conn->target_len};
    enum http_match match = HTTP_NO_PATH;
    *ret_done = true;
    if (!http_target_parse(target, &call->arena, &call->rq.target, &err)) {
        return refuse(call, 400, err.msg, err.hint);
    }
    if (!http_method_from(str_from(method), &call->rq.method, &call->is_head)) {
        return refuse(call, 405, "this method is not answered", NULL);
    }
    match = http_route_find(server->service.routes, server->service.route_count, call->rq.method,
                            &call->rq.target, &call->arena, &call->route, call->rq.args);
    if (match == HTTP_NO_METHOD) {
        return refuse(call, 405, "this address does not answer this method", NULL);
    }
    if (match == HTTP_NO_PATH && is_ours(&call->rq.target)) {
        return refuse(call, 404, "there is nothing at this address",
                      "what there is: /api/v1/openapi.json");
    }
    if (call->route != NULL &&
        !server->service.admit(server->service.ctx, &call->rq, call->route, &call->rs)) {
        return refuse_as_said(call);
    }
    size_t max_body = call->route != NULL ? call->route->max_body : 0;
    if (call->has_body && (call->body_bytes > (int64_t)max_body || max_body == 0)) {
        return refuse(call, 413, "the body is larger than this address takes", NULL);
    }
    call->body = buf_growing(max_body + 1);
    *ret_done = !call->has_body;
    return call->has_body ? MHD_YES : http_answer(call);
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are the library's */
enum MHD_Result http_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_len, void **con_cls)
{
    struct http_server *server = cls;
    struct http_call *call = *con_cls;
    bool is_done = false;
    (void)url;
    (void)version;
    if (call == NULL) {
        struct http_conn *conn = http_conn_of(connection);
        call = conn != NULL ? call_new(server, conn, connection) : NULL;
        *con_cls = call;
        return call == NULL ? MHD_NO : look(call, method, &is_done);
    }
    if (*upload_len > 0) {
        buf_add(&call->body, (struct str){upload, *upload_len});
        *upload_len = 0;
        bool is_large = call->body.overflow || call->body.len > call->route->max_body;
        return is_large ? MHD_NO : MHD_YES; /* a length that was not announced: cut */
    }
    return http_answer(call);
}
