/* inside.h - a request that comes from no connection: answered by the same table of routes, in this
 * process. */
#pragma once
#include "hub/http/server.h"

struct http_question {
    enum http_method method;
    struct str target; /* "/api/v1/runs?limit=5" */
    struct str body;   /* JSON; empty: none */
    bool is_bytes;     /* the body is HTTP_BYTES */
    struct str user;   /* who asks, as the audit log names it */
};
/* What is wrong stands in the answer, as a problem. An answer that comes later is waited for, in turns of the
 * loop. Text lives in `arena`; rs->body is the caller's to
 * release. */
void http_answer_inside(const struct http_service *service, const struct http_question *question,
                        struct loop *loop, struct arena *arena, struct http_response *rs);
