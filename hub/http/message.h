/* message.h - a request as handlers see it, and the answer they make. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/time.h"
#include "hub/http/target.h"

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_METHOD_COUNT };
const char *http_method_name(enum http_method method);

/* Who may ask: each may all that the ones before it may. */
enum http_role { HTTP_PUBLIC, HTTP_LOCAL, HTTP_VIEWER, HTTP_OPERATOR, HTTP_ADMIN };

#define HTTP_BYTES "application/octet-stream" /* a body that is no JSON */

struct http_headers { /* of a request: the few that matter; borrowed, may be empty */
    struct str authorization, cookie, csrf_token, content_type, if_none_match, last_event_id, host;
    struct str dagster_token; /* Dagster-Cloud-Api-Token: what clients of Dagster send for Bearer */
    struct str forwarded_for;
    bool takes_gzip;
    bool is_forwarded;     /* a proxy stands between */
    bool is_secure_before; /* and it was asked by https */
};

enum { HTTP_ARGS_MAX = 4 };
struct http_request {
    enum http_method method;
    struct http_target target;
    struct http_headers headers;
    struct str args[HTTP_ARGS_MAX]; /* the parts of the path that the route names, in its order */
    struct str body;
    struct str peer;       /* address, as text */
    bool is_loopback;      /* asked from this machine, by no proxy */
    struct str local_user; /* who asks over the hub's own socket, or in its process: an admin, and
                              known by the kernel; empty: none of these */
    bool is_secure;        /* TLS, here or before a proxy */
    struct wall_time now;
    struct mono_time mono;
    struct arena *arena; /* for the time of the request */
    /* Filled in by the service's admit(): */
    enum http_role role;
    struct str user;    /* empty: nobody */
    struct str token;   /* the label of the token that was shown */
    struct str session; /* the cookie's, when it was one */
};

/* What is told bit by bit. `fill` writes at most `cap` bytes and returns how many: 0 means that there
 * is nothing now, and the connection waits until http_server_wake(); -1 ends it. */
struct http_stream {
    int64_t (*fill)(void *ctx, char *into, size_t cap);
    void (*close)(void *ctx);
    void *ctx;
};

struct http_request;
struct http_response;
/* What takes longer than a turn of the loop may: others are answered meanwhile. The connection waits
 * until is_ready(), which is asked again after each http_server_wake(); then `finish` answers as a
 * handler does, with `ctx` for its own. `close` is called in any case, once. */
struct http_later {
    bool (*is_ready)(void *ctx);
    bool (*finish)(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err);
    void (*close)(void *ctx);
    void *ctx;
};

enum { HTTP_HEADERS_MAX = 6 };
struct http_response {
    int status;       /* 200 when nothing else was said */
    const char *type; /* of the body; application/json by default */
    struct buf body;
    struct {
        const char *name, *value; /* in the request's arena */
    } headers[HTTP_HEADERS_MAX];
    size_t header_count;
    struct http_stream stream;
    bool is_stream;
    struct http_later later;
    bool is_later;
};
void http_add_header(struct http_response *rs, const char *name, const char *value);

/* A problem (RFC 9457) in place of what was written so far. */
void http_problem(struct http_response *rs, int status, const char *detail, const char *hint);
/* The same out of an error: its class makes the status, and is told as "code". */
void http_problem_from(struct http_response *rs, const struct err *err);
/* With another status than the class has. */
void http_problem_as(struct http_response *rs, int status, const struct err *err);
int http_status_of(enum err_code code);
