/* device_acts.c - what is done to a device at the hub: its labels, its name, and that it is shut out. */
#include "hub/api/api_internal.h"

#include "hub/fleet/poke.h"
#include "hub/fleet/targets.h"
#include "hub/rows/enrolment_rows.h"
#include "hub/store/store.h"

#define DAY_NS   (INT64_C(86400) * NS_PER_SEC)
#define LIFE_MAX (365 * DAY_NS)

/* By its own name, or by what people call it. */
bool api_find_device(struct api *api, struct http_request *rq, struct str *ret, struct err *err)
{
    AUTO(buf) id = buf_growing(LIMIT_NAME_BYTES + 1);
    if (!hub_find_device(api->db, rq->args[0], &id, err)) {
        return false;
    }
    *ret = arena_copy(rq->arena, buf_str(&id));
    rq->args[0] = *ret;
    return ret->ptr != NULL || err_set(err, ERR_NO_MEMORY, "find a device: out of memory");
}

/* --- labels ------------------------------------------------------------------------------------ */

struct labelling {
    struct http_request *rq;
    struct label_change changes[2 * LABELS_MAX];
    size_t set_count, count;
};

static bool read_labels(struct labelling *l, const struct json *labels, struct err *err)
{
    if (labels == NULL || labels->type != JSON_OBJECT) {
        return err_set(err, ERR_INVALID, "labels is an object such as {\"site\":\"berlin\"}");
    }
    if (labels->count > LABELS_MAX) {
        return err_set(err, ERR_FULL, "a device has at most %d labels", LABELS_MAX);
    }
    for (const struct json *at = labels->child; at != NULL; at = at->next) {
        bool is_text = at->type == JSON_STRING;
        if (!is_text || !label_key_is_valid(at->key) || !label_value_is_valid(at->as.string)) {
            (void)err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no label", STR_ARG(at->key));
            return err_hint(err, "keys are 1 to 63 of a-z, 0-9, - _ . /, values 1 to 255 of those, "
                                 "A-Z, : @ +");
        }
        l->changes[l->count++] = (struct label_change){.key = at->key, .value = at->as.string};
    }
    l->set_count = l->count;
    return true;
}

/* What it has and is to have no more is taken off. */
static void take_off(void *ctx, const struct hub_device *d)
{
    struct labelling *l = ctx;
    struct str labels = d->labels;
    struct target_label label;
    while (label_next(&labels, &label) && l->count < COUNT_OF(l->changes)) {
        bool stays = false;
        for (size_t i = 0; i < l->set_count && !stays; i++) {
            stays = str_eq(l->changes[i].key, label.key);
        }
        if (!stays) {
            l->changes[l->count++] =
                (struct label_change){.key = arena_copy(l->rq->arena, label.key)};
        }
    }
}

static void write_labels(const struct labelling *l, struct http_response *rs)
{
    struct json_writer w = json_writer(&rs->body);
    jw_begin_object(&w);
    jw_member_str(&w, "device", l->rq->args[0]);
    jw_key(&w, STR("labels"));
    jw_begin_object(&w);
    for (size_t i = 0; i < l->set_count; i++) {
        jw_key(&w, l->changes[i].key);
        jw_str(&w, l->changes[i].value);
    }
    jw_end_object(&w);
    jw_end_object(&w);
}

static struct str describe_labels(const struct labelling *l)
{
    AUTO(buf) text = buf_growing((size_t)LIMIT_NAME_BYTES * LABELS_MAX);
    for (size_t i = 0; i < l->count; i++) {
        bool is_set = i < l->set_count;
        buf_addf(&text, "%s" STR_FMT "%s" STR_FMT, i == 0 ? "" : " ", STR_ARG(l->changes[i].key),
                 is_set ? "=" : "-", STR_ARG(l->changes[i].value));
    }
    return arena_copy(l->rq->arena, buf_str(&text));
}

bool api_device_labels_put(void *ctx, struct http_request *rq, struct http_response *rs,
                           struct err *err)
{
    struct api *api = ctx;
    struct labelling l = {.rq = rq};
    const struct json *body = NULL;
    struct str device;
    if (!api_body(rq, &body, err) || !read_labels(&l, json_get(body, "labels"), err) ||
        !api_find_device(api, rq, &device, err)) {
        return false;
    }
    const struct hub_filter filter = {.device = device};
    bool ok = hub_each_device(api->db, &filter, take_off, &l, err) &&
              registry_change_labels(api->registry, &device, 1, l.changes, l.count, err);
    api_audit(api, rq, "device.label", device, ok ? "ok" : "failed",
              ok ? describe_labels(&l) : str_from(err->msg));
    if (ok) {
        poke_send(api->config);
        write_labels(&l, rs);
    }
    return ok;
}

/* --- shut out ---------------------------------------------------------------------------------- */

static bool optional_body(struct http_request *rq, const struct json **ret, struct err *err)
{
    *ret = NULL;
    return str_is_empty(rq->body) || api_body(rq, ret, err);
}

static void write_status(struct http_response *rs, struct str device, const char *status)
{
    struct json_writer w = json_writer(&rs->body);
    jw_begin_object(&w);
    jw_member_str(&w, "device", device);
    jw_member_str(&w, "status", str_from(status));
    jw_end_object(&w);
}

static bool shut_out(struct api *api, struct http_request *rq, struct http_response *rs,
                     enum shut_out how, struct err *err)
{
    static const char *const actions[] = {"device.revoke", "device.decommission"};
    static const char *const states[] = {"revoked", "decommissioned"};
    const struct json *body = NULL;
    struct str device;
    if (!optional_body(rq, &body, err) || !api_find_device(api, rq, &device, err)) {
        return false;
    }
    struct str reason = str_clip(api_member(body, "reason"), 500);
    bool ok = registry_shut_out(api->registry, device, how, reason, rq->now, err);
    api_audit(api, rq, actions[how], device, ok ? "ok" : "failed",
              ok ? reason : str_from(err->msg));
    if (ok) {
        poke_send(api->config);
        write_status(rs, device, states[how]);
    }
    return ok;
}

bool api_device_revoke(void *ctx, struct http_request *rq, struct http_response *rs,
                       struct err *err)
{
    return shut_out(ctx, rq, rs, SHUT_OUT_REVOKED, err);
}

bool api_device_decommission(void *ctx, struct http_request *rq, struct http_response *rs,
                             struct err *err)
{
    return shut_out(ctx, rq, rs, SHUT_OUT_DECOMMISSIONED, err);
}

/* --- listened to again ------------------------------------------------------------------------- */

static bool clear_cut_off(const struct api *api, struct str device, struct str epoch,
                          struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct db *store = NULL;
    const struct hub_store_options options = {.path = path, .flags = DB_NO_CHECK};
    int64_t count = 0;
    bool ok = hub_path(api->config, "hub.db", path, err) && hub_store_open(&store, &options, err) &&
              hub_clear_cut_off(store, device, epoch, &count, err);
    db_close(store);
    return ok && (count > 0 || err_set(err, ERR_NOT_FOUND, "no database of " STR_FMT " is cut off",
                                       STR_ARG(device)));
}

bool api_device_clones_accept(void *ctx, struct http_request *rq, struct http_response *rs,
                              struct err *err)
{
    struct api *api = ctx;
    const struct json *body = NULL;
    struct str device;
    if (!optional_body(rq, &body, err) || !api_find_device(api, rq, &device, err)) {
        return false;
    }
    struct str epoch = api_member(body, "epoch");
    bool ok = clear_cut_off(api, device, epoch, err);
    api_audit(api, rq, "device.accept", device, ok ? "ok" : "failed",
              ok ? epoch : str_from(err->msg));
    if (ok) {
        poke_send(api->config);
        api_no_content(rs);
    }
    return ok;
}

/* --- another name, other hardware -------------------------------------------------------------- */

bool api_device_rename(void *ctx, struct http_request *rq, struct http_response *rs,
                       struct err *err)
{
    struct api *api = ctx;
    const struct json *body = NULL;
    struct str device;
    if (!api_body(rq, &body, err) || !api_find_device(api, rq, &device, err)) {
        return false;
    }
    struct str name = api_member(body, "name");
    bool ok = registry_rename(api->registry, device, name, err);
    api_audit(api, rq, "device.rename", device, ok ? "ok" : "failed",
              ok ? name : str_from(err->msg));
    if (ok) {
        poke_send(api->config);
        api_no_content(rs);
    }
    return ok;
}

bool api_read_life(const struct json *body, int64_t fallback_ns, int64_t *ret_ns, struct err *err)
{
    struct str text = api_member(body, "expires_in");
    *ret_ns = fallback_ns;
    return str_is_empty(text) ||
           (str_to_duration(text, ret_ns) && *ret_ns > 0 && *ret_ns <= LIFE_MAX) ||
           err_set(err, ERR_INVALID, "expires_in is like 24h, 365d at most");
}

bool api_device_replace(void *ctx, struct http_request *rq, struct http_response *rs,
                        struct err *err)
{
    struct api *api = ctx;
    const struct json *body = NULL;
    struct str device;
    int64_t life = 0;
    if (!optional_body(rq, &body, err) || !api_read_life(body, DAY_NS, &life, err) ||
        !api_find_device(api, rq, &device, err)) {
        return false;
    }
    struct new_token token = {
        .text = buf_growing(NEW_TOKEN_BYTES_MAX),
        .options = {.label = arena_printf(rq->arena, "new hardware of " STR_FMT, STR_ARG(device)),
                    .max_uses = 1,
                    .expires = {rq->now.ns + life}}};
    bool ok = new_token_create(api->config, api->rng, api->registry, &token, rq->now, err) &&
              registry_replace(api->registry, device, str_from(token.id), rq->now, err);
    api_audit(api, rq, "device.replace", device, ok ? "ok" : "failed",
              ok ? str_from(token.id) : str_from(err->msg));
    if (ok) {
        poke_send(api->config);
        struct json_writer w = json_writer(&rs->body);
        jw_begin_object(&w);
        row_new_token(&w, &token);
        jw_end_object(&w);
        rs->status = 201;
    }
    new_token_wipe(&token);
    return ok;
}
