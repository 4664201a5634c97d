/* api_internal.h - what the files of this folder share. */
#pragma once
#include "common/json/json.h"
#include "hub/api/api.h"
#include "hub/api/page.h"
#include "hub/rows/freshness_list.h"
#include "hub/rows/rows.h"
#include "hub/store/queries.h"

enum {
    API_QUERY_MS = 3000,       /* a question to the database may take so long */
    API_BODY_BYTES = 64 << 10, /* of a request */
};

struct api {
    const struct hub_config *config;
    struct loop *loop;
    const struct rng *rng;
    struct accounts *accounts;
    struct http_server *server;
    struct db *db; /* read only */
    struct db_query data_version;
    int64_t stamp;
    struct mono_time stamp_at;
    struct mono_time deadline; /* of the request at hand */
    struct mono_time started;
    struct http_service service;
};

/* The member of a request's JSON body; STR_NONE when it is not there. */
MUST_CHECK bool api_body(struct http_request *rq, const struct json **ret, struct err *err);
struct str api_member(const struct json *body, const char *name);
/* Writes it down; what cannot be written is logged. */
void api_audit(struct api *api, const struct http_request *rq, const char *action,
               struct str subject, const char *result, struct str detail);
/* {"ok":true}-like answers. */
void api_no_content(struct http_response *rs);

http_handler api_health, api_ready, api_metrics;
http_handler api_session_get, api_session_post, api_session_delete, api_setup;
http_handler api_devices, api_device;
http_handler api_assets, api_asset, api_asset_history;
http_handler api_runs, api_run, api_run_events;
