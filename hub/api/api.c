/* api.c - see api.h. Here: opening, who may ask, and what handlers share. */
#include "hub/api/api_internal.h"

#include "common/log/log.h"
#include "hub/delivery/delivery_rows.h"
#include "hub/deploy/deployments.h"
#include "hub/store/store.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { OWN_CACHE_KIB = 8 << 10 };
#define STAMP_NS (2 * NS_PER_MS) /* how long the database's version is not asked again */

static const char cookie_name[] = "selvedge_session=";
static const struct str local_secret = STR_INIT("(local)"); /* no session's and no token's */

/* --- the database ----------------------------------------------------------------------------- */

static int64_t stamp(void *ctx)
{
    struct api *api = ctx;
    struct mono_time now = loop_now(api->loop);
    struct err err = {0};
    bool row = false;
    if (now.ns - api->stamp_at.ns < STAMP_NS) {
        return api->stamp;
    }
    api->stamp_at = now;
    if (db_next(&api->data_version, &row, &err) && row) {
        api->stamp = db_col_i64(&api->data_version, 0);
        db_reset(&api->data_version);
    } else {
        api->stamp++; /* nothing that is kept holds */
    }
    return api->stamp;
}

/* A question that takes too long is given up: others wait behind it. */
static bool is_late(void *ctx)
{
    struct api *api = ctx;
    return clock_mono(loop_clock(api->loop)).ns > api->deadline.ns;
}

static void begin(void *ctx)
{
    struct api *api = ctx;
    api->deadline =
        (struct mono_time){clock_mono(loop_clock(api->loop)).ns + api->query_ms * NS_PER_MS};
}

/* --- who asks --------------------------------------------------------------------------------- */

static struct str cookie_value(struct str cookies)
{
    struct str part = STR_NONE;
    for (bool has_more = !str_is_empty(cookies); has_more;) {
        has_more = str_cut(cookies, ';', &part, &cookies);
        part = str_trim(part);
        if (str_starts(part, str_from(cookie_name))) {
            return str_slice(part, sizeof(cookie_name) - 1, part.len);
        }
    }
    return STR_NONE;
}

static enum http_role role_of(enum account_role role)
{
    static const enum http_role roles[] = {
        [ACCOUNT_NONE] = HTTP_PUBLIC,   [ACCOUNT_METRICS] = HTTP_LOCAL,
        [ACCOUNT_VIEWER] = HTTP_VIEWER, [ACCOUNT_OPERATOR] = HTTP_OPERATOR,
        [ACCOUNT_ADMIN] = HTTP_ADMIN,
    };
    return roles[role];
}

/* A page of another site can send a form with our cookie, but cannot read our token. */
static bool has_csrf(const struct http_request *rq, const struct account_caller *caller)
{
    return rq->method == HTTP_GET || str_eq(rq->headers.csrf_token, str_from(caller->csrf));
}

/* STR_NONE: none was sent. */
static struct str token_of(const struct http_headers *headers)
{
    struct str bearer = headers->authorization;
    return str_starts(bearer, STR("Bearer ")) ? str_trim(str_slice(bearer, 7, bearer.len))
                                              : headers->dagster_token;
}

struct str api_secret_of(const struct http_request *rq, bool *ret_token)
{
    if (!str_is_empty(rq->local_user)) {
        return local_secret;
    }
    *ret_token = str_is_empty(rq->session);
    return *ret_token ? token_of(&rq->headers) : rq->session;
}

static bool identify(struct api *api, struct http_request *rq, struct http_response *rs)
{
    struct account_caller caller = {0};
    struct err err = {0};
    bool is_found = false;
    if (!str_is_empty(rq->local_user)) {
        rq->role = HTTP_ADMIN;
        rq->user = rq->local_user;
        return true;
    }
    struct str token = token_of(&rq->headers);
    struct str cookie = cookie_value(rq->headers.cookie);
    bool is_token = !str_is_empty(token);
    if (is_token && !accounts_by_token(api->accounts, token, rq->now, &caller, &is_found, &err)) {
        http_problem_from(rs, &err);
        return false;
    }
    if (!is_token && !str_is_empty(cookie) &&
        !accounts_by_session(api->accounts, cookie, rq->now, &caller, &is_found, &err)) {
        http_problem_from(rs, &err);
        return false;
    }
    if (is_token && !is_found) {
        http_problem(rs, 401, "the token is unknown, over or revoked", NULL);
        return false;
    }
    if (is_found && !is_token && !has_csrf(rq, &caller)) {
        http_problem(rs, 403, "the header X-CSRF-Token is missing or not of this session",
                     "take csrf_token of GET /api/v1/session");
        return false;
    }
    rq->role = is_found ? role_of(caller.role) : HTTP_PUBLIC;
    rq->user = is_found ? arena_copy(rq->arena, str_from(caller.name)) : STR_NONE;
    rq->token = is_found && is_token ? arena_copy(rq->arena, str_from(caller.label)) : STR_NONE;
    rq->session = is_found && !is_token ? cookie : STR_NONE;
    return true;
}

static bool admit(void *ctx, struct http_request *rq, const struct http_route *route,
                  struct http_response *rs)
{
    struct api *api = ctx;
    if (!identify(api, rq, rs)) {
        return false;
    }
    bool is_here = route->role == HTTP_LOCAL && (rq->is_loopback || api->config->http.is_open);
    if (rq->role >= route->role || is_here) {
        return true;
    }
    if (str_is_empty(rq->user)) {
        http_add_header(rs, "WWW-Authenticate", "Bearer");
        http_problem(rs, 401, "nobody is logged in",
                     "POST /api/v1/session, or a token: Authorization: Bearer ...");
    } else {
        http_problem(rs, 403, "your role does not allow it", "ask an admin of this hub");
    }
    return false;
}

/* --- live --------------------------------------------------------------------------------------- */

static void on_change(void *ctx)
{
    struct api *api = ctx;
    api->stamp_at = (struct mono_time){0}; /* who is told, and asks, must not get what was kept */
}

static void wake(void *ctx)
{
    struct api *api = ctx;
    for (size_t i = 0; i < api->server_count; i++) {
        http_server_wake(api->servers[i]);
    }
}

static bool is_welcome(void *ctx, struct str secret, bool is_token)
{
    struct api *api = ctx;
    struct account_caller caller = {0};
    struct err err = {0};
    bool is_found = false;
    struct wall_time now = clock_wall(loop_clock(api->loop));
    if (str_eq(secret, local_secret)) {
        return true;
    }
    bool ok = is_token ? accounts_by_token(api->accounts, secret, now, &caller, &is_found, &err)
                       : accounts_by_session(api->accounts, secret, now, &caller, &is_found, &err);
    return !ok || is_found; /* what cannot be told now is asked again */
}

/* --- life ------------------------------------------------------------------------------------- */

bool api_open(struct api **ret, const struct api_options *options, struct err *err)
{
    struct api *api = calloc(1, sizeof(*api));
    struct hub_store_options store = {.path = options->database, .flags = DB_READ_ONLY};
    if (api == NULL) {
        return err_set(err, ERR_NO_MEMORY, "open the API: out of memory");
    }
    api->config = options->config;
    api->loop = options->loop;
    api->rng = options->rng;
    api->accounts = options->accounts;
    api->query_ms = options->query_ms > 0 ? options->query_ms : API_QUERY_MS;
    api->nobody_from.ns = -NS_PER_SEC * API_AUDIT_NOBODY_BURST * API_AUDIT_NOBODY_EVERY_S;
    api->metrics.text = buf_growing(API_METRICS_BYTES);
    api->started = clock_mono(loop_clock(options->loop));
    api->service = (struct http_service){.routes = api_routes,
                                         .route_count = api_route_count,
                                         .admit = admit,
                                         .begin = begin,
                                         .stamp = stamp,
                                         .ctx = api};
    const struct db_options own = {.path = options->database,
                                   .flags = DB_READ_ONLY,
                                   .application_id = HUB_STORE_APPLICATION_ID,
                                   .sql = hub_api_sql,
                                   .sql_count = HUB_API_SQL_COUNT,
                                   .cache_kib = OWN_CACHE_KIB};
    const struct live_options live = {.loop = options->loop,
                                      .rng = options->rng,
                                      .database = options->database,
                                      .on_change = on_change,
                                      .wake = wake,
                                      .is_welcome = is_welcome,
                                      .ctx = api};
    const struct report_jobs_options jobs = {
        .loop = options->loop, .config = options->config, .on_ready = wake, .ctx = api};
    (void)snprintf(api->database, sizeof(api->database), "%s", options->database);
    if (!hub_store_open(&api->db, &store, err) || !db_open(&api->own, &own, err) ||
        !orders_open(&api->orders, options->database, err) ||
        !alert_rows_open(&api->alerts, options->database, err) ||
        !pool_rows_open(&api->pools, options->database, err) ||
        !delivery_rows_open(&api->deliveries, options->database, err) ||
        !report_jobs_open(&api->report_jobs, &jobs, err) ||
        !deployments_open(&api->deployments, options->database, err) ||
        !registry_open(&api->registry, options->database, err) ||
        !desired_rows_open(&api->desired, options->database, err) ||
        !live_open(&api->live, &live, err) ||
        !outside_open(&api->outside, options->database, err) ||
        !summary_open(&api->summary, options->loop, options->database, err) ||
        !db_prepare(api->db, STR("PRAGMA data_version"), &api->data_version, err) ||
        (options->is_serving && !api_graph_start(api, err))) {
        api_close(api);
        return false;
    }
    summary_on_ready(api->summary, wake, api);
    db_on_progress(api->db, is_late, api);
    db_on_progress(api->own, is_late, api);
    *ret = api;
    return true;
}

void api_close(struct api *api)
{
    if (api == NULL) {
        return;
    }
    outside_close(api->outside);
    buf_release(&api->metrics.text);
    db_finish(&api->data_version);
    live_close(api->live);
    desired_rows_close(api->desired);
    registry_close(api->registry);
    deployments_close(api->deployments);
    report_jobs_close(api->report_jobs);
    db_close(api->deliveries);
    pool_rows_close(&api->pools);
    alert_rows_close(&api->alerts);
    orders_close(api->orders);
    db_close(api->own);
    graph_build_close(api->build);
    graph_free(api->graph);
    summary_close(api->summary);
    db_close(api->db);
    free(api);
}

const struct http_service *api_service(struct api *api)
{
    return &api->service;
}

void api_use_server(struct api *api, struct http_server *server)
{
    assert(api->server_count < API_SERVERS_MAX);
    api->servers[api->server_count++] = server;
}

void api_http_counts(const struct api *api, struct http_counts *ret)
{
    *ret = (struct http_counts){0};
    for (size_t i = 0; i < api->server_count; i++) {
        struct http_counts one;
        http_server_counts(api->servers[i], &one);
        http_counts_add(ret, &one);
    }
}

bool api_number(const struct http_request *rq, const char *name, int64_t fallback, int64_t *ret,
                struct err *err)
{
    struct str text = http_target_get(&rq->target, name);
    *ret = fallback;
    return str_is_empty(text) || str_to_i64(text, 0, INT64_MAX, ret) ||
           err_set(err, ERR_INVALID, "%s is a number", name);
}

bool api_time(const struct http_request *rq, const char *name, struct wall_time fallback,
              struct wall_time *ret, struct err *err)
{
    struct str text = http_target_get(&rq->target, name);
    *ret = fallback;
    return str_is_empty(text) || wall_parse(text, ret) ||
           err_set(err, ERR_INVALID, "%s is a time such as 2026-11-29T08:00:00Z", name);
}

bool api_counts(struct api *api, struct counts **ret, struct err *err)
{
    const struct clock *clock = loop_clock(api->loop);
    struct mono_time begun = clock_mono(clock);
    bool ok = summary_get(api->summary, ret, err);
    api->deadline.ns += clock_mono(clock).ns - begun.ns;
    return ok;
}

/* --- what handlers share ------------------------------------------------------------------------ */

struct wall_time api_col_at(const struct db_query *q, int col)
{
    return (struct wall_time){db_col_is_null(q, col) ? 0 : db_col_i64(q, col) * NS_PER_MS};
}

bool api_body(struct http_request *rq, const struct json **ret, struct err *err)
{
    struct json *body = NULL;
    if (!str_starts(rq->headers.content_type, STR("application/json"))) {
        return err_set(err, ERR_INVALID, "the body must be application/json");
    }
    if (!json_parse(rq->body, API_BODY_BYTES, rq->arena, &body, err)) {
        err->code = ERR_INVALID;
        return err_wrap(err, "body");
    }
    *ret = body;
    return body->type == JSON_OBJECT || err_set(err, ERR_INVALID, "the body is no object");
}

struct str api_member(const struct json *body, const char *name)
{
    const struct json *member = json_get(body, name);
    return member != NULL && member->type == JSON_STRING ? member->as.string : STR_NONE;
}

static bool may_nobody_be_audited(struct api *api, struct mono_time now)
{
    int64_t every_ns = API_AUDIT_NOBODY_EVERY_S * NS_PER_SEC;
    int64_t earliest = now.ns - API_AUDIT_NOBODY_BURST * every_ns;
    int64_t from = api->nobody_from.ns > earliest ? api->nobody_from.ns : earliest;
    if (from + every_ns > now.ns) {
        api->nobody_unsaid++;
        return false;
    }
    api->nobody_from.ns = from + every_ns;
    return true;
}

/* With how many were not written before it. */
static struct str detail_of(struct api *api, const struct http_request *rq, struct str detail)
{
    int64_t unsaid = str_is_empty(rq->user) ? api->nobody_unsaid : 0;
    struct str clipped = str_clip(detail, API_AUDIT_DETAIL_BYTES);
    if (unsaid == 0) {
        return clipped;
    }
    api->nobody_unsaid = 0;
    return arena_printf(rq->arena, STR_FMT "; %lld others were not written down", STR_ARG(clipped),
                        (long long)unsaid);
}

void api_audit(struct api *api, const struct http_request *rq, const char *action,
               struct str subject, const char *result, struct str detail)
{
    struct err err = {0};
    api->stamp_at = (struct mono_time){0}; /* who asks next sees what was done */
    if (str_is_empty(rq->user) && !may_nobody_be_audited(api, rq->mono)) {
        return;
    }
    const struct account_audit row = {.at = rq->now,
                                      .account = rq->user,
                                      .peer = rq->peer,
                                      .action = str_from(action),
                                      .subject = str_clip(subject, API_AUDIT_SUBJECT_BYTES),
                                      .result = str_from(result),
                                      .detail = detail_of(api, rq, detail)};
    LOG(INFO, "web.audit", F_T("action", action), F_S("user", rq->user), F_S("peer", rq->peer),
        F_S("subject", row.subject), F_T("result", result));
    if (!accounts_audit(api->accounts, &row, &err)) {
        LOG(WARN, "web.audit_failed", F_ERR(&err), F_T("action", "it stands in this log alone"));
    }
}

struct str api_who(const struct http_request *rq)
{
    return str_is_empty(rq->token) ? rq->user
                                   : arena_printf(rq->arena, STR_FMT " (token " STR_FMT ")",
                                                  STR_ARG(rq->user), STR_ARG(rq->token));
}

void api_no_content(struct http_response *rs)
{
    buf_reset(&rs->body);
    rs->status = 204;
}
