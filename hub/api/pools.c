/* pools.c - what is done with /pools: made, changed, paused, resumed, removed. */
#include "hub/api/api_internal.h"

#include "common/wire/topics.h"
#include "hub/fleet/poke.h"

enum { PLACES_MAX = 10000 };
#define LEASE_NS (300 * NS_PER_SEC) /* when nothing is said */

static bool was_done(struct api *api, struct http_request *rq, struct http_response *rs,
                     const char *action, struct str detail)
{
    poke_send(api->config);
    api_audit(api, rq, action, rq->args[0], "ok", detail);
    api_no_content(rs);
    return true;
}

bool api_pool_put(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    const struct json *body = NULL;
    int64_t lease = LEASE_NS;
    if (!api_body(rq, &body, err)) {
        return false;
    }
    const struct json *places = json_get(body, "places");
    struct str text = api_member(body, "lease");
    if (!device_name_is_valid(rq->args[0])) {
        return err_set(err, ERR_INVALID, "a pool's name has 1 to 63 of a-z, 0-9 and '-'");
    }
    if (places == NULL || places->type != JSON_INT || places->as.integer < 1 ||
        places->as.integer > PLACES_MAX) {
        return err_set(err, ERR_INVALID, "places must be a number from 1 to %d", PLACES_MAX);
    }
    if (!str_is_empty(text) && !str_to_duration(text, &lease)) {
        return err_set(err, ERR_INVALID, "lease is how long, like 5m");
    }
    return pool_rows_set(&api->pools, rq->args[0], places->as.integer, lease, err) &&
           was_done(api, rq, rs, "pool.set",
                    arena_printf(rq->arena, "%lld places", (long long)places->as.integer));
}

bool api_pool_pause(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    return pool_rows_pause(&api->pools, rq->args[0], api_who(rq), rq->now, err) &&
           was_done(api, rq, rs, "pool.pause", STR_NONE);
}

bool api_pool_resume(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    return pool_rows_resume(&api->pools, rq->args[0], err) &&
           was_done(api, rq, rs, "pool.resume", STR_NONE);
}

bool api_pool_delete(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    return pool_rows_remove(&api->pools, rq->args[0], err) &&
           was_done(api, rq, rs, "pool.remove", STR_NONE);
}
