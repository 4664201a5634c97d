/* api.h - the endpoints: what the hub knows as JSON under /api/v1. docs/reference/api.md; one table says
 * method, address, role and limits of each (routes.c). Reads hub.db over a connection of its own,
 * beside the running hub. One thread. */
#pragma once
#include "common/platform/loop.h"
#include "hub/accounts/accounts.h"
#include "hub/config/config.h"
#include "hub/http/server.h"

struct api;
struct api_options {
    const struct hub_config *config; /* stays */
    const char *database;
    struct loop *loop;
    const struct rng *rng;
    struct accounts *accounts; /* stays */
    int64_t query_ms;          /* a question to the database may take so long; 0 = API_QUERY_MS */
    bool is_serving;           /* many will ask: what takes long is made before it is asked for */
};
MUST_CHECK bool api_open(struct api **ret, const struct api_options *options, struct err *err);
void api_close(struct api *api); /* NULL is allowed */
/* For http_server_open(); valid until api_close(). */
const struct http_service *api_service(struct api *api);
/* Whose figures /metrics tells, together; at most API_SERVERS_MAX. */
enum { API_SERVERS_MAX = 2 };
void api_use_server(struct api *api, struct http_server *server);

/* The OpenAPI document of the table below. */
void api_write_openapi(struct buf *out);

extern const struct http_route api_routes[];
extern const size_t api_route_count;
