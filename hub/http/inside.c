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

static bool finish_later(struct http_request *rq, struct loop *loop, struct http_response *rs,
                         struct err *err)
{
    const struct http_later later = rs->later;
    bool ok = true;
    while (ok && !later.is_ready(later.ctx)) {
        ok = loop_turn(loop, -1, err);
    }
    ok = ok && later.finish(later.ctx, rq, rs, err);
    later.close(later.ctx);
    return ok;
}

static bool handle(const struct http_service *service, const struct http_route *route,
                   struct http_request *rq, struct loop *loop, struct http_response *rs,
                   struct err *err)
{
    service->begin(service->ctx);
    return route->handler(service->ctx, rq, rs, err) &&
           (!rs->is_later || finish_later(rq, loop, rs, err));
}

void http_answer_inside(const struct http_service *service, const struct http_question *question,
                        struct loop *loop, struct arena *arena, struct http_response *rs)
{
    struct http_request rq = {.method = question->method,
                              .body = question->body,
                              .peer = STR("local"),
                              .local_user = question->user,
                              .is_secure = true,
                              .now = clock_wall(loop_clock(loop)),
                              .mono = loop_now(loop),
                              .arena = arena};
    const struct http_route *route = NULL;
    struct err err = {0};
    rq.headers.content_type = str_is_empty(question->body) ? STR_NONE
                              : question->is_bytes         ? STR(HTTP_BYTES)
                                                           : STR("application/json");
    if (find(service, &rq, question->target, &route, rs) &&
        service->admit(service->ctx, &rq, route, rs) &&
        !handle(service, route, &rq, loop, rs, &err)) {
        http_problem_from(rs, &err);
    }
    if (rs->body.overflow) {
        http_problem(rs, 507, "the answer is larger than the hub makes them",
                     "ask for less: ?limit=");
    }
}
