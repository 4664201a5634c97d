/* health.c - /healthz, /readyz, /metrics */
#include "hub/api/api_internal.h"

bool api_health(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    (void)ctx;
    (void)rq;
    (void)err;
    rs->type = "text/plain; charset=utf-8";
    buf_add(&rs->body, STR("ok\n"));
    return true;
}

static void count_row(void *ctx, struct str status, int64_t runs)
{
    (void)status;
    *(int64_t *)ctx += runs;
}

bool api_ready(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    int64_t runs = 0;
    if (!hub_each_run_count(api->db, rq->now, count_row, &runs, err)) {
        return false;
    }
    rs->type = "text/plain; charset=utf-8";
    buf_add(&rs->body, STR("ready\n"));
    return true;
}
