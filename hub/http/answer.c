/* answer.c - from what a handler wrote, or what was kept, to what goes out. */
#include "hub/http/server_internal.h"

#include "common/base/md5.h"
#include "common/log/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNPACK_BYTES = 64 << 10, ETAG_SIZE = MD5_HEX_BYTES + 8 };

static const char policy[] = "default-src 'self'; img-src 'self' data:; style-src 'self'; "
                             "object-src 'none'; base-uri 'none'; form-action 'self'; "
                             "frame-ancestors 'none'";

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    (void)MHD_add_response_header(response, name, value);
}

void http_add_common(const struct http_server *server, struct MHD_Response *response)
{
    add(response, "Content-Security-Policy", policy);
    add(response, "X-Content-Type-Options", "nosniff");
    add(response, "X-Frame-Options", "DENY");
    add(response, "Referrer-Policy", "no-referrer");
    add(response, "Cross-Origin-Resource-Policy", "same-origin");
    if (server->is_tls) {
        add(response, "Strict-Transport-Security", "max-age=31536000");
    }
}

enum MHD_Result http_queue(struct http_call *call, unsigned status, struct MHD_Response *response,
                           size_t bytes)
{
    struct http_server *server = call->server;
    enum MHD_Result result = MHD_queue_response(call->connection, status, response);
    server->counts.requests[status / 100 < 6 ? status / 100 : 0]++;
    server->counts.bytes_out += (int64_t)bytes;
    http_conn_enter(server, call->conn, call->is_listed ? CONN_STREAM : CONN_ANSWERING);
    return result;
}

/* --- what handlers wrote ------------------------------------------------------------------------ */

/* Packed in place when that is wanted and worth it. */
static bool pack(struct http_call *call)
{
    struct http_server *server = call->server;
    struct http_response *rs = &call->rs;
    struct err err = {0};
    if (!call->rq.headers.takes_gzip || rs->body.len < HTTP_GZIP_BYTES_MIN) {
        return false;
    }
    struct buf packed = buf_growing(HTTP_BODY_BYTES_MAX);
    if (!gzip_add(server->gzip, buf_str(&rs->body), &packed, &err) ||
        !gzip_end(server->gzip, &packed, &err) || packed.overflow) {
        buf_release(&packed);
        return false;
    }
    buf_release(&rs->body);
    rs->body = packed;
    return true;
}

/* Of an answer, until the last client that takes it is done and the cache has dropped it. */
struct body {
    struct http_server *server;
    char *ptr;
    size_t len;
};

static void on_taken(void *cls)
{
    struct body *body = cls;
    body->server->body_bytes -= (int64_t)body->len;
    free(body->ptr);
    free(body);
}

/* The body becomes libmicrohttpd's. */
static struct MHD_Response *take_body(struct http_server *server, struct http_response *rs)
{
    if (rs->body.len == 0) {
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    }
    struct body *body = malloc(sizeof(*body));
    if (body == NULL) {
        return NULL;
    }
    *body = (struct body){.server = server, .ptr = rs->body.ptr, .len = rs->body.len};
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
        body->len, body->ptr, on_taken, body);
    if (response == NULL) {
        free(body);
        return NULL;
    }
    server->body_bytes += (int64_t)body->len;
    rs->body = buf_growing(HTTP_BODY_BYTES_MAX);
    return response;
}

int64_t http_pending(const struct http_server *server)
{
    int64_t kept = (int64_t)http_cache_bytes(server->cache);
    return server->body_bytes > kept ? server->body_bytes - kept : 0;
}

/* Who is nobody may not take the room of who has logged in. */
static bool is_too_much(const struct http_call *call)
{
    bool is_for_all = call->route == NULL || call->route->role <= HTTP_LOCAL;
    int64_t max = call->server->pending_max;
    return http_pending(call->server) > (is_for_all ? max / 4 : max);
}

static enum MHD_Result refuse_too_much(struct http_call *call)
{
    http_add_header(&call->rs, "Retry-After", "5");
    return http_refuse(call, 503, "too much that was asked for has not been taken yet", NULL);
}

static void etag_of(struct str body, char etag[ETAG_SIZE])
{
    char hex[MD5_HEX_BYTES];
    md5_hex(body, hex);
    (void)snprintf(etag, ETAG_SIZE, "W/\"%.*s\"", MD5_HEX_BYTES, hex);
}

static enum MHD_Result answer_unchanged(struct http_call *call, const char *etag)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (response == NULL) {
        return MHD_NO;
    }
    http_add_common(call->server, response);
    add(response, "ETag", etag);
    add(response, "Cache-Control", "private, no-cache");
    enum MHD_Result result = http_queue(call, 304, response, 0);
    MHD_destroy_response(response);
    return result;
}

static void become_problem(struct http_call *call, int status, const char *detail, const char *hint)
{
    buf_release(&call->rs.body);
    call->rs.body = buf_growing(HTTP_BODY_BYTES_MAX);
    http_problem(&call->rs, status, detail, hint);
}

enum MHD_Result http_refuse(struct http_call *call, int status, const char *detail,
                            const char *hint)
{
    become_problem(call, status, detail, hint);
    return http_send(call);
}

/* Answers that hold as long as the database is the same are kept. */
static enum MHD_Result keep(struct http_call *call, struct MHD_Response *response, const char *etag,
                            size_t bytes)
{
    struct http_server *server = call->server;
    add(response, "ETag", etag);
    add(response, "Cache-Control", "private, no-cache");
    bool is_same = str_contains(call->rq.headers.if_none_match, str_from(etag));
    enum MHD_Result result =
        is_same ? answer_unchanged(call, etag) : http_queue(call, 200, response, bytes);
    const struct http_cache_item item = {.key = call->rq.target.raw,
                                         .is_packed = call->rq.headers.takes_gzip,
                                         .stamp = call->stamp,
                                         .now = loop_now(server->loop),
                                         .etag = etag,
                                         .bytes = bytes};
    http_cache_take(server->cache, &item, response);
    return result;
}

enum MHD_Result http_send(struct http_call *call)
{
    struct http_server *server = call->server;
    struct http_response *rs = &call->rs;
    char etag[ETAG_SIZE];
    if (rs->body.overflow) {
        become_problem(call, 507, "the answer is larger than the hub makes them",
                       "ask for less: ?limit=");
    }
    unsigned status = rs->status == 0 ? 200 : (unsigned)rs->status;
    bool is_kept = call->route != NULL && call->route->is_cached && status == 200;
    etag_of(is_kept ? buf_str(&rs->body) : STR_NONE, etag);
    bool is_packed = pack(call);
    size_t bytes = rs->body.len;
    struct MHD_Response *response = take_body(server, rs);
    if (response == NULL) {
        return MHD_NO;
    }
    http_add_common(server, response);
    add(response, "Content-Type", rs->type != NULL ? rs->type : "application/json");
    add(response, "Vary", "Accept-Encoding");
    if (is_packed) {
        add(response, "Content-Encoding", "gzip");
    }
    for (size_t i = 0; i < rs->header_count; i++) {
        add(response, rs->headers[i].name, rs->headers[i].value);
    }
    if (is_kept) {
        return keep(call, response, etag, bytes);
    }
    add(response, "Cache-Control", "no-store");
    enum MHD_Result result = http_queue(call, status, response, bytes);
    MHD_destroy_response(response);
    return result;
}

/* --- files ------------------------------------------------------------------------------------- */

static bool unpack(const struct http_asset *file, struct buf *out, struct err *err)
{
    struct gunzip *g = NULL;
    struct str rest = {(const char *)file->gzip, file->size};
    size_t len = 1;
    bool ok = gunzip_open(&g, err);
    while (ok && len > 0) {
        char *room = buf_reserve(out, UNPACK_BYTES);
        ok = room != NULL && gunzip_take(g, &rest, room, UNPACK_BYTES, &len, err);
        out->len += ok ? len : 0;
    }
    gunzip_close(g);
    return ok;
}

static enum MHD_Result send_file(struct http_call *call, const struct http_asset *file)
{
    struct err err = {0};
    bool is_same = str_contains(call->rq.headers.if_none_match, str_from(file->etag));
    if (!is_same && !call->rq.headers.takes_gzip) {
        if (is_too_much(call)) {
            return refuse_too_much(call);
        }
        call->rs.type = file->type;
        return unpack(file, &call->rs.body, &err)
                   ? http_send(call)
                   : http_refuse(call, 500, "the file cannot be unpacked", NULL);
    }
    /* The table is in the program; libmicrohttpd takes memory without const. */
    union {
        const unsigned char *in;
        void *out;
    } memory = {.in = file->gzip};
    size_t bytes = is_same ? 0 : file->size;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(bytes, memory.out, MHD_RESPMEM_PERSISTENT);
    if (response == NULL) {
        return MHD_NO;
    }
    http_add_common(call->server, response);
    add(response, "Content-Type", file->type);
    add(response, "ETag", file->etag);
    add(response, "Vary", "Accept-Encoding");
    add(response, "Cache-Control",
        file->is_immutable ? "public, max-age=31536000, immutable" : "no-cache");
    if (!is_same) {
        add(response, "Content-Encoding", "gzip");
    }
    enum MHD_Result result = http_queue(call, is_same ? 304 : 200, response, bytes);
    MHD_destroy_response(response);
    return result;
}

static const char no_ui[] =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Selvedge hub</title>"
    "<h1>Selvedge hub</h1><p>This hub was built without its web UI. Its API answers under "
    "<a href=\"/api/v1/overview\">/api/v1</a>; the command line shows the same: "
    "<code>selvedge-hub report</code>.</p></html>\n";

/* Does the path name a file? A page of the UI has no dot in its last part but in names of devices and
 * assets; what browsers fetch as part of a page has one of these endings. */
static bool is_file_name(struct str path)
{
    static const struct str endings[] = {STR_INIT(".js"),  STR_INIT(".css"),   STR_INIT(".map"),
                                         STR_INIT(".svg"), STR_INIT(".woff2"), STR_INIT(".png"),
                                         STR_INIT(".ico"), STR_INIT(".txt")};
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        if (str_ends(path, endings[i])) {
            return true;
        }
    }
    return false;
}

/* A file of the UI; where there is none of that name, the UI itself, which knows its own addresses. */
static enum MHD_Result answer_page(struct http_call *call)
{
    const struct http_asset *file = http_asset_find(call->rq.target.path);
    if (call->rq.method != HTTP_GET) {
        return http_refuse(call, 405, "only GET is answered here", NULL);
    }
    if (file == NULL && !is_file_name(call->rq.target.path)) {
        file = http_asset_find(STR("/index.html"));
        if (file == NULL) {
            buf_add_text(&call->rs.body, no_ui);
            call->rs.type = "text/html; charset=utf-8";
            return http_send(call);
        }
    }
    return file != NULL ? send_file(call, file)
                        : http_refuse(call, 404, "there is no such file", NULL);
}

/* --- all together ------------------------------------------------------------------------------- */

static bool answer_kept(struct http_call *call, enum MHD_Result *ret)
{
    struct http_server *server = call->server;
    struct http_cached kept;
    struct mono_time oldest = {loop_now(server->loop).ns - HTTP_CACHE_AGE_MS * NS_PER_MS};
    if (!http_cache_get(server->cache, call->rq.target.raw, call->rq.headers.takes_gzip,
                        call->stamp, oldest, &kept)) {
        return false;
    }
    server->counts.cache_hits++;
    if (str_contains(call->rq.headers.if_none_match, str_from(kept.etag))) {
        *ret = answer_unchanged(call, kept.etag);
    } else {
        *ret = http_queue(call, 200, kept.response, 0);
    }
    return true;
}

/* One in a minute: whoever asks again and again is not to fill the log. */
static void say_that_it_failed(struct http_call *call, const struct err *err)
{
    struct http_server *server = call->server;
    struct mono_time now = loop_now(server->loop);
    if (now.ns < server->say_failure_at.ns) {
        server->unsaid_failures++;
        return;
    }
    LOG(WARN, "web.request_failed", F_T("route", call->route->path), F_ERR(err),
        F_I("others_since", server->unsaid_failures), F_T("action", "told to who asked"));
    server->unsaid_failures = 0;
    server->say_failure_at = (struct mono_time){now.ns + HTTP_SAY_AGAIN_NS};
}

static void handle(struct http_call *call)
{
    struct http_server *server = call->server;
    const struct clock *clock = loop_clock(server->loop);
    struct err err = {0};
    struct mono_time begun = clock_mono(clock);
    server->service.begin(server->service.ctx);
    if (!call->route->handler(server->service.ctx, &call->rq, &call->rs, &err)) {
        if (err.code != ERR_INVALID && err.code != ERR_NOT_FOUND && err.code != ERR_EXISTS &&
            err.code != ERR_DENIED) {
            say_that_it_failed(call, &err);
        }
        http_problem_from(&call->rs, &err);
    }
    server->counts.handler_ns += clock_mono(clock).ns - begun.ns;
}

enum MHD_Result http_answer(struct http_call *call)
{
    enum MHD_Result result = MHD_NO;
    if (call->route == NULL) {
        return answer_page(call);
    }
    if (call->rs.is_later) {
        return http_answer_later(call);
    }
    if (call->route->is_cached) {
        call->stamp = call->server->service.stamp(call->server->service.ctx);
        if (answer_kept(call, &result)) {
            return result;
        }
    }
    if ((call->route->is_cached || call->route->role > HTTP_LOCAL) && is_too_much(call)) {
        return refuse_too_much(call);
    }
    call->rq.body = buf_str(&call->body);
    handle(call);
    if (call->rs.is_later && call->rs.status == 0) {
        return http_answer_later(call);
    }
    return call->rs.is_stream && call->rs.status == 0 ? http_send_stream(call) : http_send(call);
}
