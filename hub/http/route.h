/* route.h - which handler answers what: a table, matched by method and path. Pure. */
#pragma once
#include "hub/http/message.h"

/* False: `err` becomes a problem. */
typedef bool http_handler(void *ctx, struct http_request *rq, struct http_response *rs,
                          struct err *err);

struct http_route {
    enum http_method method;
    /* "/api/v1/runs/{device}/{run}": a part in braces stands for any one part of a path and is handed
     * to the handler; "{key...}" for one or more of them, as one text with '/' between. */
    const char *path;
    enum http_role role;
    http_handler *handler;
    size_t max_body; /* 0: it takes none */
    bool is_cached;  /* the answer depends on address and database alone */
    bool is_stream;
    /* For people and machines (OpenAPI): what it is; what its query takes, "device failing:boolean
     * order:up|down"; the
     * names of the schemas of its body and of its answer, "[Run]" for a list in pages; or the body's
     * content type where it is no JSON. */
    const char *summary, *query, *body, *answer;
    const char
        *forms; /* content types that the answer may have beside JSON: "text/plain text/csv" */
};

enum http_match { HTTP_MATCH, HTTP_NO_PATH, HTTP_NO_METHOD };
/* The first route that fits; `args` are what its braces stand for. HTTP_NO_METHOD: a route has the
 * path, and none the method. Joined parts are in `arena`. */
enum http_match http_route_find(const struct http_route *routes, size_t count,
                                enum http_method method, const struct http_target *target,
                                struct arena *arena, const struct http_route **ret,
                                struct str args[HTTP_ARGS_MAX]);
