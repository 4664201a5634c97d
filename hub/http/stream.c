/* stream.c - answers that are told bit by bit, or not at once: a connection that has nothing to say is
 * suspended, and asked again when it was woken. */
#include "hub/http/server_internal.h"

#include <poll.h>
#include <stdlib.h>

enum { STREAM_BLOCK_BYTES = 1024 }; /* to clients of HTTP/1.0; others get what they have room for */

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    (void)MHD_add_response_header(response, name, value);
}

static ssize_t on_room(void *cls, uint64_t position, char *into, size_t cap)
{
    struct http_call *call = cls;
    (void)position;
    http_conn_enter(call->server, call->conn, CONN_STREAM);
    if (call->server->is_closing || call->conn->state == CONN_CUT) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    int64_t len = call->rs.stream.fill(call->rs.stream.ctx, into, cap);
    if (len < 0) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (len == 0) {
        call->conn->is_suspended = true;
        MHD_suspend_connection(call->connection);
    }
    return (ssize_t)len;
}

/* libmicrohttpd does not look at connections that are suspended. */
static void on_readable(void *ctx, unsigned events)
{
    struct http_call *call = ctx;
    struct pollfd end = {.fd = call->conn->fd, .events = POLLRDHUP};
    (void)events;
    loop_fd_remove(call->server->loop, &call->gone); /* whatever it is, there is no more to learn */
    if (poll(&end, 1, 0) == 1) {
        http_conn_cut(call->server, call->conn);
    }
}

static bool list(struct http_call *call)
{
    struct http_server *server = call->server;
    struct err err = {0};
    if (call->is_listed) {
        return true;
    }
    call->next_waiting = server->waiting;
    if (server->waiting != NULL) {
        server->waiting->previous_waiting = call;
    }
    server->waiting = call;
    call->is_listed = true;
    call->gone = (struct loop_fd){.fd = call->conn->fd, .on_ready = on_readable, .ctx = call};
    return loop_fd_watch(server->loop, &call->gone, LOOP_READ, &err);
}

static bool begin_stream(struct http_call *call)
{
    struct http_server *server = call->server;
    int bytes = HTTP_STREAM_SEND_BYTES;
    server->counts.streams++;
    server->counts.streams_total++;
    arena_release(&call->arena); /* nobody asks what was asked for any more */
    free(call->conn->target);
    call->conn->target = NULL;
    call->conn->target_len = 0;
    (void)setsockopt(call->conn->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    return list(call);
}

void http_end_waiting(struct http_call *call)
{
    struct http_server *server = call->server;
    if (call->rs.is_stream && call->rs.stream.close != NULL) {
        call->rs.stream.close(call->rs.stream.ctx);
    }
    if (call->rs.is_later) {
        call->rs.later.close(call->rs.later.ctx);
    }
    if (!call->is_listed) {
        return;
    }
    loop_fd_remove(server->loop, &call->gone);
    if (call->previous_waiting != NULL) {
        call->previous_waiting->next_waiting = call->next_waiting;
    } else {
        server->waiting = call->next_waiting;
    }
    if (call->next_waiting != NULL) {
        call->next_waiting->previous_waiting = call->previous_waiting;
    }
    server->counts.streams -= call->rs.is_stream ? 1 : 0;
}

/* Asked before it is there, and each time that the connection goes on. */
enum MHD_Result http_answer_later(struct http_call *call)
{
    struct http_server *server = call->server;
    const struct http_later *later = &call->rs.later;
    struct err err = {0};
    if (call->conn->state == CONN_CUT) {
        return MHD_NO;
    }
    if (server->is_closing) {
        return http_refuse(call, 503, "the web process ends", "ask again");
    }
    if (!later->is_ready(later->ctx)) {
        http_conn_enter(server, call->conn, CONN_ANSWERING);
        if (!list(call)) {
            return MHD_NO;
        }
        call->conn->is_suspended = true;
        MHD_suspend_connection(call->connection);
        return MHD_YES;
    }
    if (!later->finish(later->ctx, &call->rq, &call->rs, &err)) {
        http_problem_from(&call->rs, &err);
    }
    return http_send(call);
}

enum MHD_Result http_send_stream(struct http_call *call)
{
    struct http_server *server = call->server;
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, on_room, call, NULL);
    if (response == NULL) {
        return MHD_NO;
    }
    http_add_common(server, response);
    add(response, "Content-Type", call->rs.type);
    add(response, "Cache-Control", "no-store");
    add(response, "Connection",
        "close"); /* a stream that ends is cut off: who listens comes back */
    add(response, "X-Accel-Buffering", "no"); /* proxies pass on what there is */
    enum MHD_Result result = begin_stream(call) ? http_queue(call, 200, response, 0) : MHD_NO;
    MHD_destroy_response(response);
    return result;
}

void http_server_wake(struct http_server *server)
{
    for (struct http_call *call = server->waiting; call != NULL; call = call->next_waiting) {
        http_conn_resume(server, call->conn);
    }
}
