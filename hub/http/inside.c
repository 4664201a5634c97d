#include "hub/http/inside.h"

static bool find(const struct http_service *service, struct http_request *rq, struct str target,
                 const struct http_route **ret, struct http_response *rs)
{
    struct err err = {0};
    if (!http_target_parse(target, rq->arena, &rq->target, &err)) {
        http_problem_from(rs, &err);
        return false;
    }
    enum http_match match = http_route_find(service->routes, service->route_count, rq->method,
                                            &rq->target, rq->arena, ret, rq->args);
    if (match != HTTP_MATCH) {
        http_problem(rs, match == HTTP_NO_PATH ? 404 : 405, "there is nothing at this address",
                     "what there is: /api/v1/openapi.json");
        return false;
    }
    if (rq->body.len > (*ret)->max_body) {
        http_problem(rs, 413, "the body is larger than this address takes", NULL);
        return false;
    }
    return true;
}

void http_answer_inside(const struct http_service *service, const struct http_question *question,
                        const struct clock *clock, struct arena *arena, struct http_response *rs)
{
    struct http_request rq = {.method = question->method,
                              .body = question->body,
                              .peer = STR("local"),
                              .local_user = question->user,
                              .is_secure = true,
                              .now = clock_wall(clock),
                              .mono = clock_mono(clock),
                              .arena = arena};
    const struct http_route *route = NULL;
    struct err err = {0};
    rq.headers.content_type = str_is_empty(question->body) ? STR_NONE : STR("application/json");
    if (find(service, &rq, question->target, &route, rs) &&
        service->admit(service->ctx, &rq, route, rs) &&
        !route->handler(service->ctx, &rq, rs, &err)) {
        http_problem_from(rs, &err);
    }
    if (rs->body.overflow) {
        http_problem(rs, 507, "the answer is larger than the hub makes them",
                     "ask for less: ?limit=");
    }
}
