/* stream.c - answers that are told bit by bit: a stream that has nothing to say is suspended, and asked
 * again when it was woken. */
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

static bool begin(struct http_call *call)
{
    struct http_server *server = call->server;
    struct err err = {0};
    int bytes = HTTP_STREAM_SEND_BYTES;
    call->next_stream = server->streams;
    if (server->streams != NULL) {
        server->streams->previous_stream = call;
    }
    server->streams = call;
    server->counts.streams++;
    server->counts.streams_total++;
    call->is_listed = true;
    arena_release(&call->arena); /* nobody asks what was asked for any more */
    free(call->conn->target);
    call->conn->target = NULL;
    call->conn->target_len = 0;
    call->gone = (struct loop_fd){.fd = call->conn->fd, .on_ready = on_readable, .ctx = call};
    (void)setsockopt(call->conn->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    return loop_fd_watch(server->loop, &call->gone, LOOP_READ, &err);
}

void http_end_stream(struct http_call *call)
{
    struct http_server *server = call->server;
    if (call->rs.is_stream && call->rs.stream.close != NULL) {
        call->rs.stream.close(call->rs.stream.ctx);
    }
    if (!call->is_listed) {
        return;
    }
    loop_fd_remove(server->loop, &call->gone);
    if (call->previous_stream != NULL) {
        call->previous_stream->next_stream = call->next_stream;
    } else {
        server->streams = call->next_stream;
    }
    if (call->next_stream != NULL) {
        call->next_stream->previous_stream = call->previous_stream;
    }
    server->counts.streams--;
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
    enum MHD_Result result = begin(call) ? http_queue(call, 200, response, 0) : MHD_NO;
    MHD_destroy_response(response);
    return result;
}

void http_server_wake(struct http_server *server)
{
    for (struct http_call *call = server->streams; call != NULL; call = call->next_stream) {
        http_conn_resume(server, call->conn);
    }
}
