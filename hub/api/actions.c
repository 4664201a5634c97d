/* actions.c - what operators ask of devices: commands, signed with the hub's own key and written down before
 * they are told, as those of the command line are. */
#include "hub/api/api_internal.h"

#include "hub/command/keyring.h"
#include "hub/deploy/deployments.h"
#include "hub/fleet/poke.h"
#include "hub/rows/order_rows.h"

enum { KEY_BYTES_MAX = 64 << 10, ARGS_BYTES_MAX = 64 << 10, AT_ONCE_MAX = 100000 };
#define HOUR_NS       (3600 * NS_PER_SEC)
#define LIFE_MAX      (INT64_C(366) * 24 * HOUR_NS)
#define LIFE_IN_TURNS (INT64_C(7) * 24 * HOUR_NS)

struct giving {
    struct api *api;
    struct http_request *rq;
    struct str verb, targets, args;
    int64_t life_ns;
    struct order_pace pace;
    struct chosen chosen;
    struct order_given given;
    bool has_no_key; /* the hub has none of its own: 409, the address is there */
};

static bool sign_and_keep(struct giving *g, struct err *err)
{
    struct buf key = buf_growing(KEY_BYTES_MAX);
    const struct order order = {.fleet = g->api->config->fleet,
                                .targets = g->targets,
                                .devices = g->chosen.devices,
                                .device_count = g->chosen.count,
                                .verb = g->verb,
                                .args = g->args,
                                .life_ns = g->life_ns,
                                .pace = g->pace,
                                .given_by = api_who(g->rq)};
    bool ok = keyring_read_hub_key(g->api->config, &key, err);
    g->has_no_key = !ok && err->code == ERR_NOT_FOUND;
    ok = ok && orders_give(g->api->orders, g->api->rng, buf_str(&key), &order, g->rq->now,
                           &g->given, err);
    if (!ok && !g->has_no_key && err->code == ERR_NOT_FOUND) {
        err->code = ERR_INVALID; /* a verb that is none: the address is there */
    }
    buf_wipe(&key);
    return ok;
}

static void write_given(const struct giving *g, struct http_response *rs)
{
    struct json_writer w = json_writer(&rs->body);
    row_order_given(&w, &g->given, g->verb, g->targets, &g->chosen);
    rs->status = 201;
}

static bool check_verb(const struct giving *g, struct err *err)
{
    if (str_eq(g->verb, STR("trust"))) {
        (void)err_set(err, ERR_DENIED, "which keys devices trust is not changed from here");
        return err_hint(err, "on the hub: selvedge-hub key");
    }
    if (str_eq(g->verb, STR("decommission")) && g->rq->role < HTTP_ADMIN) {
        return err_set(err, ERR_DENIED, "only an admin decommissions devices");
    }
    return true;
}

static bool give(struct giving *g, struct http_response *rs, struct err *err)
{
    bool ok = check_verb(g, err) && chosen_find(g->api->registry, g->targets, &g->chosen, err);
    ok = ok && (g->chosen.count > 0 ||
                err_set(err, ERR_NOT_FOUND, "no device is meant by " STR_FMT, STR_ARG(g->targets)));
    ok = ok && sign_and_keep(g, err);
    api_audit(
        g->api, g->rq, "command", g->targets,
        ok ? "ok" : (err->code == ERR_DENIED ? "refused" : "failed"),
        ok ? arena_printf(g->rq->arena, STR_FMT " " STR_FMT, STR_ARG(g->verb), STR_ARG(g->args))
           : str_from(err->msg));
    if (ok) {
        poke_send(g->api->config);
        write_given(g, rs);
    }
    chosen_release(&g->chosen);
    if (g->has_no_key) {
        http_problem_as(rs, 409, err);
    }
    return ok || g->has_no_key;
}

/* --- any command -------------------------------------------------------------------------------- */

static bool copy_json(struct http_request *rq, const struct json *node, struct str *ret,
                      struct err *err)
{
    AUTO(buf) text = buf_growing(ARGS_BYTES_MAX);
    json_write(&text, node);
    *ret = arena_copy(rq->arena, buf_str(&text));
    return (!text.overflow && ret->ptr != NULL) || err_set(err, ERR_INVALID, "args are too long");
}

/* A few devices at a time: {"devices_at_once":5,"device_timeout":"1h","abort_if":"failed > 2%"}. */
static bool read_pace(const struct json *body, struct giving *g, struct err *err)
{
    const struct json *at_once = json_get(body, "devices_at_once");
    const struct api_pace pace = {
        .is_given = at_once != NULL,
        .at_once = at_once != NULL && at_once->type == JSON_INT ? at_once->as.integer : 0,
        .device_timeout = api_member(body, "device_timeout"),
        .abort_if = api_member(body, "abort_if")};
    g->life_ns = pace.is_given ? LIFE_IN_TURNS : g->life_ns;
    return api_read_pace(&pace, &g->pace, err);
}

bool api_read_pace(const struct api_pace *pace, struct order_pace *ret, struct err *err)
{
    *ret = (struct order_pace){0};
    if (!pace->is_given) {
        return (str_is_empty(pace->device_timeout) && str_is_empty(pace->abort_if)) ||
               err_set(err, ERR_INVALID, "abort_if and device_timeout go with devices_at_once");
    }
    if (pace->at_once < 1 || pace->at_once > AT_ONCE_MAX) {
        return err_set(err, ERR_INVALID, "devices_at_once is a number from 1 to %d", AT_ONCE_MAX);
    }
    *ret = (struct order_pace){.at_once = pace->at_once, .patience_ns = HOUR_NS};
    if (!str_is_empty(pace->device_timeout) &&
        (!str_to_duration(pace->device_timeout, &ret->patience_ns) || ret->patience_ns <= 0)) {
        return err_set(err, ERR_INVALID, "device_timeout is like 1h");
    }
    return str_is_empty(pace->abort_if) || order_abort_parse(pace->abort_if, ret, err) ||
           err_wrap(err, "abort_if");
}

bool api_commands_post(void *ctx, struct http_request *rq, struct http_response *rs,
                       struct err *err)
{
    struct giving g = {.api = ctx, .rq = rq, .args = STR("{}"), .life_ns = HOUR_NS};
    const struct json *body = NULL;
    if (!api_body(rq, &body, err)) {
        return false;
    }
    const struct json *args = json_get(body, "args");
    struct str expires_in = api_member(body, "expires_in");
    g.verb = api_member(body, "verb");
    g.targets = api_member(body, "targets");
    if (str_is_empty(g.verb) || str_is_empty(g.targets)) {
        return err_set(err, ERR_INVALID, "verb and targets are needed");
    }
    if (args != NULL && (args->type != JSON_OBJECT || !copy_json(rq, args, &g.args, err))) {
        return err_set(err, ERR_INVALID, "args is an object of at most %d KiB",
                       ARGS_BYTES_MAX >> 10);
    }
    if (!read_pace(body, &g, err)) {
        return false;
    }
    if (!str_is_empty(expires_in) &&
        (!str_to_duration(expires_in, &g.life_ns) || g.life_ns <= 0 || g.life_ns > LIFE_MAX)) {
        return err_set(err, ERR_INVALID, "expires_in is like 1h, 366d at most");
    }
    return give(&g, rs, err);
}

bool api_command_cancel(void *ctx, struct http_request *rq, struct http_response *rs,
                        struct err *err)
{
    struct api *api = ctx;
    char id[UUID_TEXT_SIZE];
    int64_t unsent = 0;
    if (!orders_find(api->orders, rq->args[0], id, err) ||
        !orders_withdraw(api->orders, str_from(id), STR_NONE, rq->now, &unsent, err)) {
        return false;
    }
    poke_send(api->config);
    api_audit(api, rq, "command.cancel", str_from(id), "ok", STR_NONE);
    struct json_writer w = json_writer(&rs->body);
    jw_begin_object(&w);
    jw_member_str(&w, "command", str_from(id));
    jw_member_str(&w, "state", STR("withdrawn"));
    jw_member_i64(&w, "never_sent", unsent);
    jw_end_object(&w);
    return true;
}

/* --- of runs ------------------------------------------------------------------------------------- */

static bool optional_body(struct http_request *rq, const struct json **ret, struct err *err)
{
    *ret = NULL;
    return str_is_empty(rq->body) || api_body(rq, ret, err);
}

bool api_run_retry(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct giving g = {
        .api = ctx, .rq = rq, .verb = STR("retry"), .targets = rq->args[0], .life_ns = HOUR_NS};
    const struct json *body = NULL;
    AUTO(buf) args = buf_growing(ARGS_BYTES_MAX);
    struct json_writer w = json_writer(&args);
    if (!optional_body(rq, &body, err)) {
        return false;
    }
    jw_begin_object(&w);
    jw_member_str(&w, "run", rq->args[1]);
    jw_member_opt(&w, "what", api_member(body, "what"));
    jw_member_opt(&w, "selection", api_member(body, "selection"));
    jw_end_object(&w);
    g.args = buf_str(&args);
    return give(&g, rs, err);
}

bool api_run_cancel(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct giving g = {
        .api = ctx, .rq = rq, .verb = STR("cancel"), .targets = rq->args[0], .life_ns = HOUR_NS};
    AUTO(buf) args = buf_growing(ARGS_BYTES_MAX);
    struct json_writer w = json_writer(&args);
    jw_begin_object(&w);
    jw_member_str(&w, "run", rq->args[1]);
    jw_end_object(&w);
    g.args = buf_str(&args);
    return give(&g, rs, err);
}

/* --- of schedules and sensors --------------------------------------------------------------------- */

static bool pause(struct api *api, struct http_request *rq, struct http_response *rs, bool is_pause,
                  const char *what, struct err *err)
{
    struct giving g = {.api = api,
                       .rq = rq,
                       .verb = is_pause ? STR("pause") : STR("resume"),
                       .targets = rq->args[0],
                       .life_ns = HOUR_NS};
    AUTO(buf) args = buf_growing(ARGS_BYTES_MAX);
    struct json_writer w = json_writer(&args);
    jw_begin_object(&w);
    jw_member_str(&w, "what", str_from(what));
    jw_key(&w, STR("names"));
    jw_begin_array(&w);
    jw_str(&w, rq->args[1]);
    jw_end_array(&w);
    jw_end_object(&w);
    g.args = buf_str(&args);
    return give(&g, rs, err);
}

bool api_schedule_pause(void *ctx, struct http_request *rq, struct http_response *rs,
                        struct err *err)
{
    return pause(ctx, rq, rs, true, "schedules", err);
}

bool api_schedule_resume(void *ctx, struct http_request *rq, struct http_response *rs,
                         struct err *err)
{
    return pause(ctx, rq, rs, false, "schedules", err);
}

bool api_sensor_pause(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    return pause(ctx, rq, rs, true, "sensors", err);
}

bool api_sensor_resume(void *ctx, struct http_request *rq, struct http_response *rs,
                       struct err *err)
{
    return pause(ctx, rq, rs, false, "sensors", err);
}

/* --- of deployments ------------------------------------------------------------------------------- */

static bool order_deployment(struct api *api, struct http_request *rq, struct http_response *rs,
                             enum deployment_order order, struct err *err)
{
    static const char *const actions[] = {"deployment.pause", "deployment.resume",
                                          "deployment.abort"};
    if (!deployments_order(api->deployments, rq->args[0], order, rq->now, err)) {
        return false;
    }
    poke_send(api->config);
    api_audit(api, rq, actions[order], rq->args[0], "ok", STR_NONE);
    api_no_content(rs);
    return true;
}

bool api_deployment_pause(void *ctx, struct http_request *rq, struct http_response *rs,
                          struct err *err)
{
    return order_deployment(ctx, rq, rs, DEPLOYMENT_PAUSE, err);
}

bool api_deployment_resume(void *ctx, struct http_request *rq, struct http_response *rs,
                           struct err *err)
{
    return order_deployment(ctx, rq, rs, DEPLOYMENT_RESUME, err);
}

bool api_deployment_abort(void *ctx, struct http_request *rq, struct http_response *rs,
                          struct err *err)
{
    return order_deployment(ctx, rq, rs, DEPLOYMENT_ABORT, err);
}

/* --- of alerts ------------------------------------------------------------------------------------ */

static void add_silence(void *ctx, const struct alert_silence *s)
{
    struct page *page = ctx;
    struct json_writer *w = &page->w;
    if (page_has_room(page)) {
        jw_begin_object(w);
        jw_member_i64(w, "silence", s->id);
        jw_member_str(w, "targets", s->targets);
        jw_member_opt(w, "kind", s->kind);
        jw_member_opt(w, "reason", s->reason);
        jw_member_wall(w, "until", s->until);
        jw_end_object(w);
    }
}

bool api_silences(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    if (!page_begin(&page, rq, rs, 1, err)) {
        return false;
    }
    page.limit = INT64_MAX; /* few, and whole */
    bool ok = alert_rows_each_silence(&api->alerts, rq->now, add_silence, &page, err);
    page_end(&page);
    return ok;
}

bool api_silences_post(void *ctx, struct http_request *rq, struct http_response *rs,
                       struct err *err)
{
    struct api *api = ctx;
    const struct json *body = NULL;
    int64_t length = 0;
    if (!api_body(rq, &body, err)) {
        return false;
    }
    if (!str_to_duration(api_member(body, "for"), &length) || length <= 0 ||
        length > INT64_C(365) * 24 * HOUR_NS) {
        return err_set(err, ERR_INVALID, "for is how long, like 2h; 365d at most");
    }
    const struct alert_silence silence = {.targets = api_member(body, "targets"),
                                          .kind = api_member(body, "kind"),
                                          .reason = str_clip(api_member(body, "reason"), 500),
                                          .until = {rq->now.ns + length}};
    if (!alert_rows_silence(&api->alerts, &silence, rq->now, err)) {
        return false;
    }
    poke_send(api->config);
    api_audit(api, rq, "silence.add", silence.targets, "ok", silence.reason);
    rs->status = 201;
    buf_add(&rs->body, STR("{}"));
    return true;
}

bool api_silence_delete(void *ctx, struct http_request *rq, struct http_response *rs,
                        struct err *err)
{
    struct api *api = ctx;
    int64_t id = 0;
    if (!str_to_i64(rq->args[0], 1, INT64_MAX, &id)) {
        return err_set(err, ERR_NOT_FOUND, "there is no such silence");
    }
    if (!alert_rows_unsilence(&api->alerts, id, err)) {
        return false;
    }
    poke_send(api->config);
    api_audit(api, rq, "silence.end", rq->args[0], "ok", STR_NONE);
    api_no_content(rs);
    return true;
}
