/* server.h - HTTP/1.1 over libmicrohttpd, driven by our loop: what comes in is bounded and parsed here,
 * who may ask is the service's business, what is answered the handlers'. One thread.
 * Design: docs/decisions/0020-http.md. */
#pragma once
#include "common/platform/loop.h"
#include "hub/http/assets.h"
#include "hub/http/route.h"

enum {
    HTTP_CONNECTIONS_SPARE = 64,     /* above the limit, while others are being closed */
    HTTP_CONNECTIONS_PER_PEER = 512, /* and at most a quarter of all: of an IPv4 address or a /64 */
    HTTP_CONNECTION_MEMORY = 12 << 10, /* request line and headers fit into it, else 431 */
    HTTP_PROXIES_MAX = 16,
    HTTP_STREAMS_MAX = 1024,
    HTTP_IDLE_S = 60,           /* before a request, the first or a later one */
    HTTP_TIME_TO_ASK_MS = 1000, /* before that, an idle one gives way no sooner than a slow one */
    HTTP_RECEIVE_S = 30,        /* from its first line to the end of headers and body */
    HTTP_SEND_S = 300,          /* an answer that is no stream must be taken by then */
    HTTP_STALLED_S = 60, /* a stream takes nothing; it is told something more often than that */
    HTTP_STREAM_SEND_BYTES = 64 << 10, /* of a stream in the kernel */
    HTTP_ARENA_BYTES = 1 << 20,
    HTTP_BODY_BYTES_MAX = 48 << 20, /* of an answer */
    HTTP_PENDING_BYTES = 256 << 20, /* of answers that clients have not taken yet, the same for many
                                       counted once; then 503. At a quarter, for who is nobody */
    HTTP_CACHE_BYTES = 32 << 20,
    HTTP_CACHE_AGE_MS = 1000,
    HTTP_GZIP_BYTES_MIN = 1024,
};

struct http_service {
    const struct http_route *routes;
    size_t route_count;
    /* Who asks, and whether they may ask `route`. False: `rs` has the problem. */
    bool (*admit)(void *ctx, struct http_request *rq, const struct http_route *route,
                  struct http_response *rs);
    /* A handler is about to run: the request, and its body, are here. */
    void (*begin)(void *ctx);
    /* Another number: answers that were kept are not to be given again. */
    int64_t (*stamp)(void *ctx);
    void *ctx; /* theirs and the handlers' */
};
struct http_server_options {
    const char *local;         /* path of a socket, in place of address and port; NULL: none */
    struct str bind;           /* an address; empty = 127.0.0.1 */
    int port;                  /* 0 = any */
    int connections_max;       /* at that many the longest idle one gives way */
    int64_t pending_bytes;     /* 0 = HTTP_PENDING_BYTES */
    size_t cache_bytes;        /* 0 = HTTP_CACHE_BYTES */
    const struct str *proxies; /* addresses: no share, and believed who asks them */
    size_t proxy_count;
    const char *certificate_pem, *key_pem; /* both: TLS. Not kept */
    const struct http_service *service;    /* stays */
};
struct http_counts {     /* for metrics */
    int64_t requests[6]; /* by hundreds of the status */
    int64_t connections, connections_max, connections_total;
    int64_t refused_connections;   /* their address had its share, or nobody could give way */
    int64_t displaced_connections; /* gave way */
    int64_t cut_connections;       /* were too slow or idle */
    int64_t streams, streams_total;
    int64_t cache_hits, cache_bytes;
    int64_t bytes_out;
    int64_t bytes_pending; /* of answers that are being taken */
    int64_t handler_ns;    /* time in handlers, all together */
};

struct http_server;
/* ERR_EXISTS: the port is taken; ERR_INVALID: an address is none. */
MUST_CHECK bool http_server_open(struct http_server **ret, struct loop *loop,
                                 const struct http_server_options *options, struct err *err);
/* Streams and answers that wait are asked again, in this turn of the loop. */
void http_server_wake(struct http_server *server);
void http_server_counts(const struct http_server *server, struct http_counts *ret);
void http_counts_add(struct http_counts *sum, const struct http_counts *more);
int http_server_port(const struct http_server *server); /* 0 of one with a path */
void http_server_close(struct http_server *server);     /* NULL is allowed */
