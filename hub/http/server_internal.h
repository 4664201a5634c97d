/* server_internal.h - what the files of the server share. */
#pragma once
#include "common/gzip/gzip.h"
#include "hub/http/cache.h"
#include "hub/http/server.h"
#include <microhttpd.h>
#include <sys/socket.h>

enum conn_state { CONN_NEW, CONN_IDLE, CONN_RECEIVING, CONN_ANSWERING, CONN_STREAM };
/* A connection, from accept to close. */
struct http_conn {
    struct http_conn *next, *previous;
    int fd;
    enum conn_state state;
    struct mono_time since; /* of the state */
    struct sockaddr_storage address;
    bool is_cut;
    char *target; /* of the request at hand, as it came */
    size_t target_len;
};
/* A request, from its headers to the end of its answer. */
struct http_call {
    struct http_server *server;
    struct http_conn *conn;
    struct MHD_Connection *connection;
    struct http_call *next_waiting, *previous_waiting;
    bool is_suspended;
    bool is_waiting; /* in the list of the server */
    bool is_head;
    bool has_body;                  /* or may have */
    int64_t body_bytes;             /* announced; -1 = unknown */
    const struct http_route *route; /* NULL: a page */
    int64_t stamp;
    int64_t pending; /* bytes of the answer that are its alone */
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
    struct http_conn *conns;
    struct http_call *waiting; /* streams, and answers that come later */
    struct gzip *gzip;
    struct http_cache *cache;
    struct http_counts counts;
    int port;
    bool is_tls;
    bool is_closing;
};

/* --- connections.c ------------------------------------------------------------------------------ */
bool http_is_loopback(const struct sockaddr *address);
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
/* Headers that every answer has. */
void http_add_common(const struct http_server *server, struct MHD_Response *response);
/* Hands the response to libmicrohttpd and counts it; `bytes` are this answer's alone. */
enum MHD_Result http_queue(struct http_call *call, unsigned status, struct MHD_Response *response,
                           size_t bytes);

/* --- stream.c ----------------------------------------------------------------------------------- */
enum MHD_Result http_send_stream(struct http_call *call);

/* --- later.c ------------------------------------------------------------------------------------ */
/* Answers when the answer is there, and suspends the connection until it is. */
enum MHD_Result http_answer_later(struct http_call *call);
/* From now on http_server_wake() means it, too; until the end of its request. */
void http_call_wait(struct http_call *call);
void http_call_wait_end(struct http_call *call);

/* --- listen.c ----------------------------------------------------------------------------------- */
/* ERR_EXISTS: the port is taken. */
MUST_CHECK bool http_listen(const struct http_server_options *options, int *ret_fd, int *ret_port,
                            struct err *err);

/* --- server.c ----------------------------------------------------------------------------------- */
/* A turn of libmicrohttpd; `ctx` is the server. */
void http_run(void *ctx);
