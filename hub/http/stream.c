/* stream.c - answers that are told bit by bit: a stream that has nothing to say is suspended, and asked
 * again when it was woken. */
#include "hub/http/server_internal.h"

enum { STREAM_BLOCK_BYTES = 4096 };

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    (void)MHD_add_response_header(response, name, value);
}

static ssize_t on_room(void *cls, uint64_t position, char *into, size_t cap)
{
    struct http_call *call = cls;
    (void)position;
    if (call->server->is_closing) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    int64_t len = call->rs.stream.fill(call->rs.stream.ctx, into, cap);
    if (len < 0) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (len == 0) {
        call->is_suspended = true;
        MHD_suspend_connection(call->connection);
    }
    return (ssize_t)len;
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
    add(response, "X-Accel-Buffering", "no"); /* proxies pass on what there is */
    http_call_wait(call);
    server->counts.streams++;
    server->counts.streams_total++;
    enum MHD_Result result = http_queue(call, 200, response, 0);
    MHD_destroy_response(response);
    return result;
}
