/* server.c - see server.h. Here: life, and libmicrohttpd's turns in our loop. Its callbacks: connections.c,
 * requests.c; what goes out: answer.c, stream.c. */
#include "hub/http/server_internal.h"

#include "common/log/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LIBRARY_TEXT_BYTES = 400 };

/* GnuTLS's own choice, but not TLS 1.0 and 1.1 (RFC 8996). */
static const char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

/* --- turns of libmicrohttpd ---------------------------------------------------------------------- */

void http_run(void *ctx)
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
    http_run(ctx);
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

static bool start_daemon(struct http_server *server, const struct http_server_options *options,
                         struct err *err)
{
    int fd = -1;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                     (server->is_tls ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {
        {server->is_tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, NULL},
        {server->is_tls ? MHD_OPTION_HTTPS_MEM_KEY : MHD_OPTION_END, 0, NULL},
        {server->is_tls ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END, 0, NULL},
        {MHD_OPTION_END, 0, NULL}};
    union {
        const char *in;
        void *out;
    } certificate = {.in = options->certificate_pem}, key = {.in = options->key_pem},
      priorities = {.in = tls_priorities};
    tls[0].ptr_value = certificate.out;
    tls[1].ptr_value = key.out;
    tls[2].ptr_value = priorities.out;
    if (!http_listen(options, &fd, &server->port, err)) {
        return false;
    }
    server->daemon = MHD_start_daemon(
        flags, 0, http_on_accept, server, http_on_request, server, MHD_OPTION_EXTERNAL_LOGGER,
        on_library_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)options->connections_max + HTTP_CONNECTIONS_SPARE,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_CONNECTION_MEMORY,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S, MHD_OPTION_NOTIFY_COMPLETED,
        http_on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, http_on_connection, server,
        MHD_OPTION_URI_LOG_CALLBACK, http_on_target, server, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
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

static bool read_proxies(struct http_server *server, const struct http_server_options *options,
                         struct err *err)
{
    if (options->proxy_count > HTTP_PROXIES_MAX) {
        return err_set(err, ERR_INVALID, "http.proxies: at most %d", HTTP_PROXIES_MAX);
    }
    server->proxies = calloc(options->proxy_count + 1, sizeof(*server->proxies));
    if (server->proxies == NULL) {
        return err_set(err, ERR_NO_MEMORY, "start the web server: out of memory");
    }
    for (size_t i = 0; i < options->proxy_count; i++) {
        if (!http_address_parse(options->proxies[i], &server->proxies[server->proxy_count++])) {
            (void)err_set(err, ERR_INVALID, "http.proxies: \"" STR_FMT "\" is no address",
                          STR_ARG(options->proxies[i]));
            return err_hint(err, "addresses as the hub sees them, such as 10.0.0.7; no names");
        }
    }
    return true;
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
    server->timer = (struct loop_timer){.on_due = http_run, .ctx = server};
    server->sweep = (struct loop_timer){.on_due = http_on_sweep, .ctx = server};
    server->run = (struct loop_task){.run = http_run, .ctx = server};
    server->counts.connections_max = options->connections_max;
    server->share = options->connections_max / 4 < HTTP_CONNECTIONS_PER_PEER
                        ? options->connections_max / 4
                        : HTTP_CONNECTIONS_PER_PEER;
    server->pending_max = options->pending_bytes == 0 ? HTTP_PENDING_BYTES : options->pending_bytes;
    size_t cache = options->cache_bytes == 0 ? HTTP_CACHE_BYTES : options->cache_bytes;
    if (!gzip_open(&server->gzip, err) || !http_cache_open(&server->cache, cache, err) ||
        !read_proxies(server, options, err) || !start_daemon(server, options, err)) {
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
    ret->bytes_pending = http_pending(server);
    if (server->local != NULL) {
        ret->connections_max = 0; /* that figure is about who comes over the network */
    }
}

void http_counts_add(struct http_counts *sum, const struct http_counts *more)
{
    for (size_t i = 0; i < COUNT_OF(sum->requests); i++) {
        sum->requests[i] += more->requests[i];
    }
    sum->connections += more->connections;
    sum->connections_max += more->connections_max;
    sum->connections_total += more->connections_total;
    sum->refused_connections += more->refused_connections;
    sum->displaced_connections += more->displaced_connections;
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
    free(server->proxies);
    free(server);
}
