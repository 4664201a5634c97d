/* server.c - see server.h. Here: connections and requests as libmicrohttpd tells of them, and its turns
 * in our loop. What goes out: answer.c. */
#include "hub/http/server_internal.h"

#include "common/base/limits.h"
#include "common/log/log.h"
#include "hub/http/local.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { BACKLOG = 1024, LIBRARY_TEXT_BYTES = 400 };

/* --- turns of libmicrohttpd ---------------------------------------------------------------------- */

static void run(void *ctx)
{
    struct http_server *server = ctx;
    MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
    (void)MHD_run(server->daemon);
    if (MHD_get_timeout(server->daemon, &timeout_ms) == MHD_YES) {
        int64_t wait = timeout_ms < 60000 ? (int64_t)timeout_ms : 60000;
        loop_timer_arm_in(server->loop, &server->timer, wait * NS_PER_MS);
    } else {
        loop_timer_disarm(server->loop, &server->timer);
    }
}

static void on_ready(void *ctx, unsigned events)
{
    (void)events;
    run(ctx);
}

void http_server_wake(struct http_server *server)
{
    bool any = false;
    for (struct http_call *call = server->streams; call != NULL; call = call->next_stream) {
        if (call->is_suspended) {
            call->is_suspended = false;
            MHD_resume_connection(call->connection);
            any = true;
        }
    }
    if (any) {
        loop_defer(server->loop, &server->run);
    }
}

/* --- connections --------------------------------------------------------------------------------- */

static bool is_same_peer(const struct sockaddr_storage *a, const struct sockaddr *b)
{
    if (a->ss_family != b->sa_family) {
        return false;
    }
    if (b->sa_family == AF_INET) {
        const struct sockaddr_in *x = (const void *)a;
        const struct sockaddr_in *y = (const void *)b;
        return x->sin_addr.s_addr == y->sin_addr.s_addr;
    }
    const struct sockaddr_in6 *x = (const void *)a;
    const struct sockaddr_in6 *y = (const void *)b;
    return memcmp(&x->sin6_addr, &y->sin6_addr, sizeof(x->sin6_addr)) == 0;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)address;
        return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;
        return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
    }
    return false;
}

static enum MHD_Result on_accept(void *cls, const struct sockaddr *address, socklen_t len)
{
    struct http_server *server = cls;
    int count = 0;
    (void)len;
    if (server->local != NULL || is_loopback(address)) {
        return MHD_YES;
    }
    for (const struct http_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        count += is_same_peer(&conn->address, address) ? 1 : 0;
    }
    if (count >= HTTP_CONNECTIONS_PER_PEER) {
        server->counts.refused_connections++;
        return MHD_NO;
    }
    return MHD_YES;
}

static void conn_begin(struct http_server *server, struct MHD_Connection *connection,
                       void **socket_context)
{
    struct http_conn *conn = calloc(1, sizeof(*conn));
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *address =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    *socket_context = conn;
    if (conn == NULL) {
        return; /* its requests are refused */
    }
    conn->fd = fd != NULL ? fd->connect_fd : -1;
    conn->since = loop_now(server->loop);
    if (server->local == NULL && address != NULL && address->client_addr != NULL) {
        size_t len = address->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                 : sizeof(struct sockaddr_in);
        memcpy(&conn->address, address->client_addr, len);
    }
    conn->next = server->conns;
    if (server->conns != NULL) {
        server->conns->previous = conn;
    }
    server->conns = conn;
    server->counts.connections++;
    server->counts.connections_total++;
}

static void conn_end(struct http_server *server, struct http_conn *conn)
{
    if (conn == NULL) {
        return;
    }
    if (conn->previous != NULL) {
        conn->previous->next = conn->next;
    } else {
        server->conns = conn->next;
    }
    if (conn->next != NULL) {
        conn->next->previous = conn->previous;
    }
    server->counts.connections--;
    free(conn->target);
    free(conn);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        conn_begin(cls, connection, socket_context);
    } else {
        conn_end(cls, *socket_context);
        *socket_context = NULL;
    }
}

static struct http_conn *conn_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

/* How long a connection may be in its state, in seconds; 0 = as long as it likes. */
static int64_t patience(const struct http_server *server, enum conn_state state)
{
    bool is_crowded = server->counts.connections > HTTP_CONNECTIONS_MAX * 3 / 4;
    switch (state) {
    case CONN_NEW:
        return is_crowded ? HTTP_CROWDED_S : HTTP_FIRST_REQUEST_S;
    case CONN_IDLE:
        return is_crowded ? HTTP_CROWDED_S : HTTP_IDLE_S;
    case CONN_RECEIVING:
        return HTTP_RECEIVE_S;
    case CONN_ANSWERING:
        return HTTP_SEND_S;
    case CONN_STREAM:
        break;
    }
    return 0;
}

/* libmicrohttpd knows silence only: whoever sends a byte now and then would stay for ever. */
static void on_sweep(void *ctx)
{
    struct http_server *server = ctx;
    struct mono_time now = loop_now(server->loop);
    for (struct http_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        int64_t seconds = patience(server, conn->state);
        if (seconds > 0 && !conn->is_cut && now.ns - conn->since.ns > seconds * NS_PER_SEC) {
            conn->is_cut = true;
            server->counts.cut_connections++;
            (void)shutdown(conn->fd, SHUT_RDWR); /* libmicrohttpd sees its end, and closes */
        }
    }
    loop_timer_arm_in(server->loop, &server->sweep, NS_PER_SEC);
    run(server); /* at its limit it stops listening, and sees only in its next turn that there is room */
}

/* --- requests ------------------------------------------------------------------------------------ */

/* Before anything of the request is decoded. */
static void *on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
    struct http_server *server = cls;
    struct http_conn *conn = conn_of(connection);
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

static bool is_name(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

static bool takes_gzip(struct str accepted)
{
    return str_contains(accepted, STR("gzip")) && !str_contains(accepted, STR("gzip;q=0"));
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    struct http_call *call = cls;
    struct http_headers *h = &call->rq.headers;
    struct str text = str_from(value);
    static const struct {
        const char *name;
        size_t offset;
    } kept[] = {
        {"Authorization", offsetof(struct http_headers, authorization)},
        {"Cookie", offsetof(struct http_headers, cookie)},
        {"X-CSRF-Token", offsetof(struct http_headers, csrf_token)},
        {"Content-Type", offsetof(struct http_headers, content_type)},
        {"If-None-Match", offsetof(struct http_headers, if_none_match)},
        {"Last-Event-ID", offsetof(struct http_headers, last_event_id)},
        {"Host", offsetof(struct http_headers, host)},
        {"Dagster-Cloud-Api-Token", offsetof(struct http_headers, dagster_token)},
    };
    (void)kind;
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        if (is_name(name, kept[i].name)) {
            memcpy((char *)h + kept[i].offset, &text, sizeof(text));
            return MHD_YES;
        }
    }
    if (is_name(name, "Accept-Encoding")) {
        h->takes_gzip = takes_gzip(text);
    } else if (is_name(name, "Content-Length")) {
        call->has_body = !str_eq(text, STR("0"));
        if (!str_to_i64(text, 0, INT64_MAX, &call->body_bytes)) {
            call->body_bytes = INT64_MAX;
        }
    } else if (is_name(name, "Transfer-Encoding")) {
        call->has_body = true;
        call->body_bytes = -1;
    } else if (is_name(name, "X-Forwarded-For") || is_name(name, "Forwarded") ||
               is_name(name, "Via") || is_name(name, "X-Real-IP")) {
        h->is_forwarded = true;
    } else if (is_name(name, "X-Forwarded-Proto")) {
        h->is_forwarded = true;
        h->is_secure_before = str_eq(text, STR("https"));
    }
    return MHD_YES;
}

static bool method_from(struct str text, enum http_method *ret, bool *ret_head)
{
    *ret_head = str_eq(text, STR("HEAD"));
    if (*ret_head) {
        *ret = HTTP_GET;
        return true;
    }
    for (int i = 0; i < HTTP_METHOD_COUNT; i++) {
        if (str_eq(text, str_from(http_method_name((enum http_method)i)))) {
            *ret = (enum http_method)i;
            return true;
        }
    }
    return false;
}

/* A page of elsewhere may have its name resolve to this machine, and ask as if it were at home: who is
 * trusted for being here says that it means this machine. */
static bool means_this_machine(struct str host)
{
    struct str name = host;
    struct str port = STR_NONE;
    if (str_starts(host, STR("["))) {
        return str_starts(host, STR("[::1]"));
    }
    (void)str_cut(host, ':', &name, &port);
    struct in_addr address;
    char text[INET_ADDRSTRLEN] = "";
    (void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(name));
    return str_eq(name, STR("localhost")) ||
           (name.len < sizeof(text) && inet_pton(AF_INET, text, &address) == 1 &&
            (ntohl(address.s_addr) >> 24) == 127);
}

static void read_peer(struct http_call *call)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (call->server->local != NULL) {
        call->rq.peer = STR("local");
        call->rq.local_user = http_local_peer(call->conn->fd, &call->arena);
        call->rq.is_secure = true;
        return;
    }
    const struct sockaddr_storage *address = &call->conn->address;
    const void *bytes = address->ss_family == AF_INET6
                            ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
    (void)inet_ntop(address->ss_family, bytes, text, sizeof(text));
    call->rq.peer = arena_copy(&call->arena, str_from(text));
    call->rq.is_loopback = is_loopback((const struct sockaddr *)address) &&
                           !call->rq.headers.is_forwarded &&
                           means_this_machine(call->rq.headers.host);
    call->rq.is_secure = call->server->is_tls || (call->rq.headers.is_secure_before &&
                                                  is_loopback((const struct sockaddr *)address));
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
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, on_header, call);
    read_peer(call);
    return call;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
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
    if (call->previous_stream != NULL) {
        call->previous_stream->next_stream = call->next_stream;
    } else if (server->streams == call) {
        server->streams = call->next_stream;
    }
    if (call->next_stream != NULL) {
        call->next_stream->previous_stream = call->previous_stream;
    }
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
    if (server->local != NULL && str_is_empty(call->rq.local_user)) {
        return refuse(call, 403, "this socket answers root and the hub's own user",
                      "others ask over HTTPS, with a token");
    }
    if (!http_target_parse(target, &call->arena, &call->rq.target, &err)) {
        return refuse(call, 400, err.msg, err.hint);
    }
    if (!method_from(str_from(method), &call->rq.method, &call->is_head)) {
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
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **con_cls)
{
    struct http_server *server = cls;
    struct http_call *call = *con_cls;
    bool is_done = false;
    (void)url;
    (void)version;
    if (call == NULL) {
        struct http_conn *conn = conn_of(connection);
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

/* --- life ---------------------------------------------------------------------------------------- */

PRINTF_LIKE(2, 0)
static void on_library_log(void *cls, const char *fmt, va_list args)
{
    char text[LIBRARY_TEXT_BYTES];
    (void)cls;
    if (log_enabled(LOG_DEBUG)) {
        (void)vsnprintf(text, sizeof(text), fmt, args);
        LOG(DEBUG, "web.library", F_S("says", str_trim(str_from(text))));
    }
}

static bool read_address(struct str bind, int port, struct sockaddr_storage *ret,
                         socklen_t *ret_len, struct err *err)
{
    char text[INET6_ADDRSTRLEN + 1] = "127.0.0.1";
    struct sockaddr_in *in = (void *)ret;
    struct sockaddr_in6 *in6 = (void *)ret;
    if (!str_is_empty(bind)) {
        (void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(bind));
    }
    memset(ret, 0, sizeof(*ret));
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t)port);
        *ret_len = sizeof(*in);
        return true;
    }
    if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((uint16_t)port);
        *ret_len = sizeof(*in6);
        return true;
    }
    (void)err_set(err, ERR_INVALID, "http.bind: \"" STR_FMT "\" is no address", STR_ARG(bind));
    return err_hint(err, "127.0.0.1 for this machine, 0.0.0.0 or :: for all");
}

static bool listen_on(struct http_server *server, const struct http_server_options *options,
                      int *ret_fd, struct err *err)
{
    struct sockaddr_storage address;
    socklen_t len = 0;
    int one = 1;
    if (!read_address(options->bind, options->port, &address, &len, err)) {
        return false;
    }
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
        bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, BACKLOG) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &len) == 0) {
        server->port =
            ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                : ((struct sockaddr_in *)&address)->sin_port);
        *ret_fd = fd;
        return true;
    }
    int reason = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    (void)err_errno(err, reason, "listen on port %d for the web", options->port);
    err->code = reason == EADDRINUSE ? ERR_EXISTS : err->code;
    return err_hint(err, "choose another: http: {port: N} in hub.yaml; or `http: off`");
}

static bool start_daemon(struct http_server *server, const struct http_server_options *options,
                         struct err *err)
{
    int fd = -1;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                     (server->is_tls ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {
        {server->is_tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, NULL},
        {server->is_tls ? MHD_OPTION_HTTPS_MEM_KEY : MHD_OPTION_END, 0, NULL},
        {MHD_OPTION_END, 0, NULL}};
    union {
        const char *in;
        void *out;
    } certificate = {.in = options->certificate_pem}, key = {.in = options->key_pem};
    tls[0].ptr_value = certificate.out;
    tls[1].ptr_value = key.out;
    if (!(server->local != NULL ? http_local_listen(server->local, &fd, err)
                                : listen_on(server, options, &fd, err))) {
        return false;
    }
    server->daemon = MHD_start_daemon(
        flags, 0, on_accept, server, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_library_log,
        NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HTTP_CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, server, MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY,
        tls, MHD_OPTION_END);
    if (server->daemon == NULL) {
        (void)close(fd);
        (void)err_set(err, ERR_INVALID, "the web server does not start");
        return err_hint(err, server->is_tls ? "see whether certificate and key are PEM and belong "
                                              "together; log_level: debug says more"
                                            : "log_level: debug says more");
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    server->source = (struct loop_fd){.fd = info->epoll_fd, .on_ready = on_ready, .ctx = server};
    return loop_fd_watch(server->loop, &server->source, LOOP_READ, err);
}

bool http_server_open(struct http_server **ret, struct loop *loop,
                      const struct http_server_options *options, struct err *err)
{
    struct http_server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        return err_set(err, ERR_NO_MEMORY, "start the web server: out of memory");
    }
    server->loop = loop;
    server->service = *options->service;
    server->local = options->local;
    server->is_tls = options->certificate_pem != NULL;
    server->timer = (struct loop_timer){.on_due = run, .ctx = server};
    server->sweep = (struct loop_timer){.on_due = on_sweep, .ctx = server};
    server->run = (struct loop_task){.run = run, .ctx = server};
    if (!gzip_open(&server->gzip, err) || !http_cache_open(&server->cache, HTTP_CACHE_BYTES, err) ||
        !start_daemon(server, options, err)) {
        http_server_close(server);
        return false;
    }
    loop_timer_arm_in(loop, &server->sweep, NS_PER_SEC);
    *ret = server;
    return true;
}

void http_server_counts(const struct http_server *server, struct http_counts *ret)
{
    *ret = server->counts;
    ret->cache_bytes = (int64_t)http_cache_bytes(server->cache);
}

void http_counts_add(struct http_counts *sum, const struct http_counts *more)
{
    for (size_t i = 0; i < COUNT_OF(sum->requests); i++) {
        sum->requests[i] += more->requests[i];
    }
    sum->connections += more->connections;
    sum->connections_total += more->connections_total;
    sum->refused_connections += more->refused_connections;
    sum->cut_connections += more->cut_connections;
    sum->streams += more->streams;
    sum->streams_total += more->streams_total;
    sum->cache_hits += more->cache_hits;
    sum->cache_bytes += more->cache_bytes;
    sum->bytes_out += more->bytes_out;
    sum->bytes_pending += more->bytes_pending;
    sum->handler_ns += more->handler_ns;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_close(struct http_server *server)
{
    if (server == NULL) {
        return;
    }
    server->is_closing = true;
    loop_timer_disarm(server->loop, &server->timer);
    loop_timer_disarm(server->loop, &server->sweep);
    loop_fd_remove(server->loop, &server->source);
    if (server->daemon != NULL) {
        if (server->local != NULL) {
            (void)unlink(server->local); /* while nobody else can listen on it */
        }
        http_server_wake(server); /* it does not stop with connections that are suspended */
        (void)MHD_run(server->daemon);
        MHD_stop_daemon(server->daemon);
    }
    loop_defer_cancel(server->loop, &server->run);
    http_cache_close(server->cache);
    gzip_close(server->gzip);
    free(server);
}
