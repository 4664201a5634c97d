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
    struct http_call *next_stream, *previous_stream;
    bool is_suspended;
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
    struct http_call *streams;
    struct gzip *gzip;
    struct http_cache *cache;
    struct http_counts counts;
    int port;
    const char *local; /* its path is removed at the end; NULL: none */
    bool is_tls;
    bool is_closing;
};

/* Makes the answer to a call whose request is whole (or is refused before) and queues it. */
enum MHD_Result http_answer(struct http_call *call);
/* Sends what is in the response. */
enum MHD_Result http_send(struct http_call *call);
/* The answer is a problem whatever there is of the request. */
enum MHD_Result http_refuse(struct http_call *call, int status, const char *detail,
                            const char *hint);
