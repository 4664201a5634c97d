#include "hub/web/web.h"

#include "common/base/limits.h"
#include "common/log/log.h"
#include "common/platform/files.h"
#include "hub/accounts/accounts.h"
#include "hub/api/api.h"
#include "hub/http/server.h"
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum {
    PEM_BYTES_MAX = 256 << 10,
    OWN_FILES = 128, /* databases, log, the loop's own: what is not for connections */
    CONNECTIONS_MIN = 64,
    LARGE_BYTES = 256 << 10,
};

enum { LOCAL_CONNECTIONS_MAX = 256 }; /* of command lines */
#define CERTIFICATE_LOOK_NS (60 * NS_PER_SEC)

struct web {
    struct loop *loop;
    struct loop_timer look;
    char certificate[LIMIT_PATH_BYTES + 1];
    struct timespec certificate_time; /* when the file was last changed */
    struct accounts *accounts;
    struct api *api;
    struct http_server *server; /* NULL: `http: off` */
    struct http_server *local;  /* the command line's */
    char socket[LIMIT_PATH_BYTES + 1];
    bool is_tls;
};

static bool is_local(struct str bind)
{
    return str_is_empty(bind) || str_starts(bind, STR("127.")) || str_eq(bind, STR("::1"));
}

/* A connection is a descriptor. What was asked for, or what can be had. */
static int open_files(int64_t connections)
{
    struct rlimit files;
    int64_t wanted = connections + HTTP_CONNECTIONS_SPARE + OWN_FILES;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) {
        return (int)connections;
    }
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    (void)getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur != RLIM_INFINITY && (int64_t)files.rlim_cur < wanted) {
        int64_t fit = (int64_t)files.rlim_cur - HTTP_CONNECTIONS_SPARE - OWN_FILES;
        fit = fit < CONNECTIONS_MIN ? CONNECTIONS_MIN : fit;
        LOG(WARN, "web.few_files", F_I("open_files", (int64_t)files.rlim_cur),
            F_I("wanted", wanted), F_I("connections", fit),
            F_T("action", "taking so many connections at once; LimitNOFILE= of the service or "
                          "ulimit -n allows more"));
        return (int)fit;
    }
    return (int)connections;
}

/* What is large (a password's 19 MiB, an answer) goes back when it is freed. glibc would keep as much as was
 * ever freed at once for the next of that size, and the process stay as large as it ever was. */
static void give_memory_back(void)
{
#ifdef M_MMAP_THRESHOLD
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES); /* NOLINT(concurrency-mt-unsafe): one thread */
#endif
}

/* --- TLS -------------------------------------------------------------------------------------- */

struct pem {
    struct buf certificate, key;
};

static bool read_given(const struct hub_http_config *http, struct pem *pem, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    if (str_is_empty(http->certificate) || str_is_empty(http->key)) {
        return err_set(err, ERR_INVALID, "http: certificate and key go together");
    }
    (void)snprintf(path, sizeof(path), STR_FMT, STR_ARG(http->certificate));
    if (!files_read(path, &pem->certificate, err)) {
        return err_wrap(err, "http.certificate");
    }
    (void)snprintf(path, sizeof(path), STR_FMT, STR_ARG(http->key));
    return files_read(path, &pem->key, err) || err_wrap(err, "http.key");
}

/* The broker's, made by the hub's own CA for the names by which the hub is reached. */
static bool read_own(const struct hub_config *config, struct pem *pem, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    return hub_path(config, "broker/server.pem", path, err) &&
           files_read(path, &pem->certificate, err) &&
           hub_path(config, "broker/server.key", path, err) && files_read(path, &pem->key, err);
}

static bool read_pem(const struct hub_config *config, struct pem *pem, bool *ret_tls,
                     struct err *err)
{
    const struct hub_http_config *http = &config->http;
    bool is_given = !str_is_empty(http->certificate) || !str_is_empty(http->key);
    *ret_tls = http->tls == HUB_TLS_ON ||
               (http->tls == HUB_TLS_AUTO && (is_given || !is_local(http->bind)));
    if (!*ret_tls) {
        return true;
    }
    return is_given ? read_given(http, pem, err) : read_own(config, pem, err);
}

static struct timespec changed_at(const char *path)
{
    struct stat info = {0};
    (void)stat(path, &info);
    return info.st_mtim;
}

/* A certificate that was renewed is taken by a new process: `serve` starts one when this one ends. */
static void on_look(void *ctx)
{
    struct web *web = ctx;
    struct timespec now = changed_at(web->certificate);
    if (now.tv_sec != web->certificate_time.tv_sec ||
        now.tv_nsec != web->certificate_time.tv_nsec) {
        LOG(INFO, "web.certificate_changed", F_T("file", web->certificate),
            F_T("action", "beginning again with it"));
        loop_stop(web->loop);
        return;
    }
    loop_timer_arm_in(web->loop, &web->look, CERTIFICATE_LOOK_NS);
}

static bool watch_certificate(struct web *web, const struct hub_config *config, struct err *err)
{
    struct str given = config->http.certificate;
    if (!web->is_tls) {
        return true;
    }
    if (str_is_empty(given) && !hub_path(config, "broker/server.pem", web->certificate, err)) {
        return false;
    }
    if (!str_is_empty(given)) {
        (void)snprintf(web->certificate, sizeof(web->certificate), STR_FMT, STR_ARG(given));
    }
    web->certificate_time = changed_at(web->certificate);
    web->look = (struct loop_timer){.on_due = on_look, .ctx = web};
    loop_timer_arm_in(web->loop, &web->look, CERTIFICATE_LOOK_NS);
    return true;
}

/* --- life ------------------------------------------------------------------------------------- */

static void say_who_may_listen_in(const struct web *web, const struct hub_http_config *http)
{
    if (!web->is_tls && !is_local(http->bind) && http->proxies.count == 0) {
        LOG(WARN, "web.not_private", F_S("bind", http->bind),
            F_T("action", "answering all the same; everybody on the way can read passwords and "
                          "cookies: http: {tls: on}, or name the proxy that does HTTPS in "
                          "http: {proxies: [...]}"));
    }
}

static bool open_server(struct web *web, struct loop *loop, const struct hub_config *config,
                        struct err *err)
{
    struct pem pem = {.certificate = buf_growing(PEM_BYTES_MAX), .key = buf_growing(PEM_BYTES_MAX)};
    bool ok = read_pem(config, &pem, &web->is_tls, err);
    const struct http_server_options options = {
        .bind = config->http.bind,
        .port = (int)config->http.port,
        .connections_max = open_files(config->http.connections),
        .proxies = config->http.proxies.items,
        .proxy_count = config->http.proxies.count,
        .certificate_pem = ok && web->is_tls ? buf_cstr(&pem.certificate) : NULL,
        .key_pem = ok && web->is_tls ? buf_cstr(&pem.key) : NULL,
        .service = api_service(web->api)};
    ok = ok && http_server_open(&web->server, loop, &options, err);
    buf_release(&pem.certificate);
    buf_wipe(&pem.key);
    if (ok) {
        api_use_server(web->api, web->server);
        say_who_may_listen_in(web, &config->http);
    }
    return ok;
}

/* For who is root here, or the hub's user: over a file, without a password. */
static bool open_local(struct web *web, struct loop *loop, const struct hub_config *config,
                       struct err *err)
{
    const struct http_server_options options = {.local = web->socket,
                                                .connections_max = LOCAL_CONNECTIONS_MAX,
                                                .service = api_service(web->api)};
    bool ok = hub_path(config, WEB_SOCKET, web->socket, err) &&
              http_server_open(&web->local, loop, &options, err);
    if (ok) {
        LOG(INFO, "web.local", F_T("socket", web->socket));
        api_use_server(web->api, web->local);
    }
    return ok;
}

static bool say_where(const struct web *web, const struct hub_config *config, struct wall_time now,
                      struct err *err)
{
    char secret[ACCOUNT_SECRET_SIZE] = "";
    char link[512];
    bool is_needed = false;
    struct str host = is_local(config->http.bind) ? STR("127.0.0.1") : config->host;
    int port = http_server_port(web->server);
    const char *scheme = web->is_tls ? "https" : "http";
    (void)snprintf(link, sizeof(link), "%s://" STR_FMT ":%d/", scheme, STR_ARG(host), port);
    LOG(INFO, "web.listening", F_T("url", link));
    if (!accounts_setup_make(web->accounts, now, secret, &is_needed, err)) {
        return false;
    }
    if (is_needed) {
        (void)snprintf(link, sizeof(link), "%s://" STR_FMT ":%d/setup#%s", scheme, STR_ARG(host),
                       port, secret);
        LOG(INFO, "web.setup", F_T("open", link),
            F_T("action", "set the admin's password there, within a day; it works once"));
        explicit_bzero(link, sizeof(link));
    }
    explicit_bzero(secret, sizeof(secret));
    return true;
}

static bool open_outside(struct web *web, struct loop *loop, const struct hub_config *config,
                         struct err *err)
{
    return config->http.state != 0 ||
           (open_server(web, loop, config, err) && watch_certificate(web, config, err) &&
            say_where(web, config, clock_wall(loop_clock(loop)), err));
}

bool web_open(struct web **ret, struct loop *loop, const struct rng *rng,
              const struct hub_config *config, struct err *err)
{
    char database[LIMIT_PATH_BYTES + 1];
    struct web *web = calloc(1, sizeof(*web));
    if (web == NULL) {
        return err_set(err, ERR_NO_MEMORY, "start the web process: out of memory");
    }
    web->loop = loop;
    give_memory_back();
    bool ok = hub_path(config, "hub.db", database, err) &&
              accounts_open(&web->accounts, database, rng, err);
    const struct api_options options = {.config = config,
                                        .database = database,
                                        .loop = loop,
                                        .rng = rng,
                                        .accounts = web->accounts,
                                        .is_serving = true};
    ok = ok && api_open(&web->api, &options, err) && open_local(web, loop, config, err) &&
         open_outside(web, loop, config, err);
    if (!ok) {
        web_close(web);
        return false;
    }
    *ret = web;
    return true;
}

void web_close(struct web *web)
{
    if (web == NULL) {
        return;
    }
    loop_timer_disarm(web->loop, &web->look);
    http_server_close(web->server);
    http_server_close(web->local);
    api_close(web->api);
    accounts_close(web->accounts);
    free(web);
}
