/* server_internal.h - what the files of the server share. */
#pragma once
#include "common/gzip/gzip.h"
#include "hub/http/cache.h"
#include "hub/http/peers.h"
#include "hub/http/server.h"
#include <microhttpd.h>

#define HTTP_SAY_AGAIN_NS (60 * NS_PER_SEC) /* what would fill the log is said so often */

/* NEW -> RECEIVING -> ANSWERING or STREAM -> IDLE -> RECEIVING ...; from each to CUT. */
enum conn_state {
    CONN_NEW,
    CONN_IDLE,
    CONN_RECEIVING,
    CONN_ANSWERING,
    CONN_STREAM,
    CONN_CUT,
    CONN_STATES
};
/* A connection, from accept to close. */
struct http_conn {
    struct http_conn *next, *previous; /* in the same state, and later or earlier than this one */
    struct http_peer *peer;            /* NULL: it has no share that it could use up */
    struct mono_time since;            /* of the state; of a stream: when it last took something */
    struct in6_addr address;
    struct MHD_Connection *connection;
    int fd;
    enum conn_state state; /* http_conn_enter() */
    bool is_proxy;
    bool is_over;      /* one too many: its request is refused */
    bool is_suspended; /* http_conn_resume() */
    char *target;      /* of the request at hand, as it came */
    size_t target_len;
};
struct http_conns {
    struct http_conn *first, *last;
};
/* A request, from its headers to the end of its answer. */
struct http_call {
    struct http_server *server;
    struct http_conn *conn;
    struct MHD_Connection *connection;
    struct http_call *next_waiting, *previous_waiting;
    struct loop_fd gone; /* while it is listed: tells that the client is */
    bool is_listed;      /* among those that may be woken */
    bool is_head;
    bool has_length, is_unclear;    /* its length was said; more than once */
    bool has_body;                  /* or may have */
    bool is_refused;                /* the response is there already */
    int64_t body_bytes;             /* announced; -1 = unknown */
    const struct http_route *route; /* NULL: a page, or refused */
    int64_t stamp;
    struct arena arena;
    struct http_request rq;
    struct http_response rs;
    struct buf body;
};
struct http_server {
    struct loop *loop;
    struct http_service service;
    struct MHD_Daemon *daemon;
    struct loop_fd source;
    struct loop_timer timer; /* what libmicrohttpd waits for */
    struct loop_timer sweep;
    struct loop_task run;
    struct http_conns conns[CONN_STATES];
    int64_t leaving; /* those that are cut and not yet closed */
    struct http_peers peers;
    int share; /* connections of one address */
    struct in6_addr *proxies;
    size_t proxy_count;
    int64_t said_displaced, said_refused;
    struct mono_time say_at; /* not before */
    int64_t unsaid_failures; /* of requests, since the last that was told */
    struct mono_time say_failure_at;
    struct mono_time swept_at;
    struct http_call *waiting; /* streams, and answers that come later */
    struct gzip *gzip;
    struct http_cache *cache;
    int64_t body_bytes; /* of answers that are kept, or not taken yet */
    int64_t pending_max;
    struct http_counts counts;
    int port;
    const char *local; /* its path is removed at the end; NULL: none */
    bool is_tls;
    bool is_closing;
};

/* --- connections.c ------------------------------------------------------------------------------ */
/* The only way into a state; out of CONN_CUT there is none. */
void http_conn_enter(struct http_server *server, struct http_conn *conn, enum conn_state state);
void http_conn_cut(struct http_server *server, struct http_conn *conn);
void http_conn_resume(struct http_server *server, struct http_conn *conn);
struct http_conn *http_conn_of(struct MHD_Connection *connection);
enum MHD_Result http_on_accept(void *cls, const struct sockaddr *address, socklen_t len);
void http_on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                        enum MHD_ConnectionNotificationCode what);
void http_on_sweep(void *ctx);

/* --- head.c ------------------------------------------------------------------------------------- */
/* Headers, and who asks. */
void http_read_head(struct http_call *call);
bool http_method_from(struct str text, enum http_method *ret, bool *ret_head);

/* --- requests.c --------------------------------------------------------------------------------- */
/* Before anything of the request is decoded. */
void *http_on_target(void *cls, const char *target, struct MHD_Connection *connection);
/* NOLINTNEXTLINE(readability-function-size): the parameters are the library's */
enum MHD_Result http_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_len, void **con_cls);
void http_on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                       enum MHD_RequestTerminationCode code);

/* --- answer.c ----------------------------------------------------------------------------------- */
/* Makes the answer to a call whose request is whole (or is refused before) and queues it. */
enum MHD_Result http_answer(struct http_call *call);
/* Sends what is in the response. */
enum MHD_Result http_send(struct http_call *call);
/* The answer is a problem whatever there is of the request. */
enum MHD_Result http_refuse(struct http_call *call, int status, const char *detail,
                            const char *hint);
/* Bytes of answers that clients have not taken yet. */
int64_t http_pending(const struct http_server *server);
/* Headers that every answer has. */
void http_add_common(const struct http_server *server, struct MHD_Response *response);
/* Hands the response to libmicrohttpd and counts it. */
enum MHD_Result http_queue(struct http_call *call, unsigned status, struct MHD_Response *response,
                           size_t bytes);

/* --- stream.c ----------------------------------------------------------------------------------- */
enum MHD_Result http_send_stream(struct http_call *call);
enum MHD_Result http_answer_later(struct http_call *call);
void http_end_waiting(struct http_call *call); /* what does not wait may be ended */

/* --- listen.c ----------------------------------------------------------------------------------- */
/* ERR_EXISTS: the port or the socket is taken. */
MUST_CHECK bool http_listen(const struct http_server_options *options, int *ret_fd, int *ret_port,
                            struct err *err);

/* --- server.c ----------------------------------------------------------------------------------- */
/* A turn of libmicrohttpd; `ctx` is the server. */
void http_run(void *ctx);
