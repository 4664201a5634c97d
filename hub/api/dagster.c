/* dagster.c - the three addresses by which programs report to Dagster what happened to an asset, with the
 * same parameters and answers (its external assets REST API; docs/reference/api.md says where we
 * differ): the key from the path, else the JSON body, else the query; each other parameter from the
 * body, else the query; {} or {"error":"..."}. */
#include "hub/api/api_internal.h"

#include "common/json/json_scan.h"
#include "common/json/strict_json.h"
#include "common/wire/event_metadata.h"
#include "hub/fleet/poke.h"
#include "hub/outside/outside.h"

enum { FORM_BYTES_MAX = 2 * API_BODY_BYTES, KEY_BYTES_MAX = 2048 };

/* What the request says, of the body and the query. */
struct form {
    struct http_request *rq;
    struct buf strict; /* the body, as JSON that our scanner takes */
};

static bool dagster_error(struct err *err, const char *text)
{
    return err_set(err, ERR_INVALID, "%s", text);
}

/* `text` is one object, whole. */
static bool check_object(struct str text, const char *what, struct err *err)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    bool ok = json_scan_object(&scan, text, err);
    while (ok && json_scan_member(&scan, &key, &value)) {
    }
    return (ok && json_scan_end(&scan, err)) || err_wrap(err, "Error parsing %s", what);
}

/* Dagster takes no body without a content type, and none but JSON. */
static bool open_form(struct http_request *rq, struct form *ret, struct err *err)
{
    struct str type = rq->headers.content_type;
    struct str parameters = STR_NONE;
    *ret = (struct form){.rq = rq, .strict = buf_growing(FORM_BYTES_MAX)};
    if (str_is_empty(type)) {
        return true;
    }
    (void)str_cut(type, ';', &type, &parameters);
    if (!str_eq(str_trim(type), STR("application/json"))) {
        return err_set(err, ERR_INVALID,
                       "Unhandled content type " STR_FMT ", expect no body or application/json",
                       STR_ARG(str_clip(rq->headers.content_type, 100)));
    }
    strict_json_write(rq->body, &ret->strict);
    return !ret->strict.overflow ? check_object(buf_str(&ret->strict), "the JSON body", err)
                                 : dagster_error(err, "the body is too long");
}

/* The last of that name counts, as in Python. */
static bool body_member(const struct form *form, const char *name, struct json_raw *ret)
{
    struct err err = {0};
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    bool is_found = false;
    if (form->strict.len == 0 || !json_scan_object(&scan, buf_str(&form->strict), &err)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, name)) {
            *ret = value;
            is_found = true;
        }
    }
    return is_found;
}

static bool text_of(const struct form *form, struct json_raw value, struct str *ret)
{
    AUTO(buf) text = buf_growing(FORM_BYTES_MAX);
    struct str unescaped = value.text;
    if (value.has_escape && !json_unescape(value, true, &text, &unescaped)) {
        return false;
    }
    *ret = arena_copy(form->rq->arena, unescaped);
    return true;
}

/* STR_NONE where it is not there, or null. */
static bool read_text(const struct form *form, const char *name, struct str *ret, struct err *err)
{
    struct json_raw value;
    *ret = STR_NONE;
    if (!body_member(form, name, &value)) {
        *ret = http_target_get(&form->rq->target, name);
        return true;
    }
    if (value.type == JSON_NULL) {
        return true;
    }
    bool is_real = false;
    if (value.type != JSON_STRING || strict_json_number(value, &is_real)) {
        return err_set(err, ERR_INVALID, "Error constructing the event: %s is no text", name);
    }
    return text_of(form, value, ret) || dagster_error(err, "out of memory");
}

/* --- the key ---------------------------------------------------------------------------------- */

static bool key_from_array(const struct form *form, struct str array, struct buf *out,
                           struct err *err)
{
    struct json_scan scan;
    struct json_raw part;
    if (!json_scan_array(&scan, array, err)) {
        return false;
    }
    while (json_scan_element(&scan, &part)) {
        struct str text = STR_NONE;
        if (part.type != JSON_STRING || !text_of(form, part, &text)) {
            return dagster_error(err, "asset_key: a part is no text");
        }
        buf_add(out, out->len == 0 ? STR("") : STR("/"));
        buf_add(out, text);
    }
    return json_scan_end(&scan, err);
}

static bool key_from_query(const struct form *form, struct buf *out, struct err *err)
{
    struct str text = http_target_get(&form->rq->target, "asset_key");
    if (!str_starts(text, STR("["))) {
        buf_add(out, text);
        return true;
    }
    AUTO(buf) strict = buf_growing(FORM_BYTES_MAX);
    strict_json_write(text, &strict);
    return key_from_array(form, buf_str(&strict), out, err);
}

static bool read_key(const struct form *form, struct str *ret, struct err *err)
{
    AUTO(buf) key = buf_growing(KEY_BYTES_MAX);
    struct json_raw value;
    if (!str_is_empty(form->rq->args[0])) {
        *ret = form->rq->args[0];
        return true;
    }
    if (!body_member(form, "asset_key", &value)) {
        if (!key_from_query(form, &key, err)) {
            return err_wrap(err, "asset_key");
        }
    } else if (value.type == JSON_ARRAY) {
        if (!key_from_array(form, value.text, &key, err)) {
            return err_wrap(err, "asset_key");
        }
    } else if (value.type == JSON_STRING) {
        struct str text = STR_NONE;
        if (!text_of(form, value, &text)) {
            return dagster_error(err, "out of memory");
        }
        buf_add(&key, text);
    }
    if (key.len == 0 || key.overflow) {
        return dagster_error(err, "Empty asset key, must provide asset key as url path, in the "
                                  "body, or query param asset_key.");
    }
    *ret = arena_copy(form->rq->arena, buf_str(&key));
    return true;
}

/* --- what else is told ------------------------------------------------------------------------ */

static bool read_metadata(const struct form *form, struct str *ret, struct err *err)
{
    AUTO(buf) strict = buf_growing(FORM_BYTES_MAX);
    AUTO(buf) out = buf_growing(EVENT_METADATA_BYTES_MAX + 1024);
    struct json_raw value = {.type = JSON_OBJECT};
    if (!body_member(form, "metadata", &value)) {
        struct str text = http_target_get(&form->rq->target, "metadata");
        if (str_is_empty(text)) {
            return true;
        }
        strict_json_write(text, &strict);
        value.text = buf_str(&strict);
        if (!check_object(value.text, "metadata json", err)) {
            return false;
        }
    }
    if (value.type == JSON_NULL) {
        return true;
    }
    if (value.type != JSON_OBJECT) {
        return dagster_error(err, "Error constructing the event: metadata is no object");
    }
    event_metadata_write(value.text, form->rq->arena, &out);
    *ret = arena_copy(form->rq->arena, buf_str(&out));
    return !out.overflow || dagster_error(err, "the metadata is too long");
}

static bool read_passed(const struct form *form, bool *ret, struct err *err)
{
    struct json_raw value;
    struct str text = STR_NONE;
    if (body_member(form, "passed", &value)) {
        if (value.type != JSON_BOOL) {
            return dagster_error(err, "Error constructing AssetCheckEvaluation: passed is no bool");
        }
        text = value.text;
    } else {
        text = http_target_get(&form->rq->target, "passed");
    }
    if (str_is_empty(text)) {
        return dagster_error(err, "Missing required parameter 'passed'.");
    }
    *ret = str_eq(text, STR("true"));
    return *ret || str_eq(text, STR("false")) ||
           dagster_error(err, "Error parsing 'passed': true or false is expected");
}

static bool read_check(const struct form *form, struct outside_report *ret, struct err *err)
{
    struct str severity = STR_NONE;
    if (!read_text(form, "check_name", &ret->check, err) ||
        !read_text(form, "severity", &severity, err)) {
        return false;
    }
    if (str_is_empty(ret->check)) {
        return dagster_error(err, "Missing required parameter 'check_name'.");
    }
    ret->is_warning = str_eq(severity, STR("WARN"));
    if (!str_is_empty(severity) && !ret->is_warning && !str_eq(severity, STR("ERROR"))) {
        return dagster_error(err, "Error constructing AssetCheckEvaluation: severity is neither "
                                  "WARN nor ERROR");
    }
    return read_passed(form, &ret->has_passed, err);
}

static bool read_report(const struct form *form, struct outside_report *ret, struct err *err)
{
    if (!read_key(form, &ret->asset, err) || !read_metadata(form, &ret->metadata, err)) {
        return false;
    }
    if (!read_text(form, "partition", &ret->partition, err)) {
        return false;
    }
    if (ret->kind == OUTSIDE_CHECK) {
        return read_check(form, ret, err);
    }
    return read_text(form, "data_version", &ret->data_version, err) &&
           read_text(form, "description", &ret->description, err);
}

/* --- the addresses ---------------------------------------------------------------------------- */

/* What Dagster refuses has its form of an error; what is wrong with us has ours. */
static bool refuse(struct http_response *rs, const struct err *err)
{
    if (err->code != ERR_INVALID) {
        return false;
    }
    struct json_writer w = json_writer(&rs->body);
    rs->status = 400;
    jw_begin_object(&w);
    jw_member_str(&w, "error", str_from(err->msg));
    jw_end_object(&w);
    return true;
}

static bool report(struct api *api, enum outside_kind kind, struct http_request *rq,
                   struct http_response *rs, struct err *err)
{
    struct outside_report said = {.kind = kind, .by = rq->user};
    struct form form;
    bool ok = open_form(rq, &form, err) && read_report(&form, &said, err) &&
              outside_add(api->outside, &said, rq->now, err);
    buf_release(&form.strict);
    if (!ok) {
        return refuse(rs, err);
    }
    poke_send(api->config); /* not audited: the event says who, and is kept for longer */
    buf_add(&rs->body, STR("{}"));
    return true;
}

bool api_report_materialization(void *ctx, struct http_request *rq, struct http_response *rs,
                                struct err *err)
{
    return report(ctx, OUTSIDE_MATERIALIZATION, rq, rs, err);
}

bool api_report_observation(void *ctx, struct http_request *rq, struct http_response *rs,
                            struct err *err)
{
    return report(ctx, OUTSIDE_OBSERVATION, rq, rs, err);
}

bool api_report_check(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    return report(ctx, OUTSIDE_CHECK, rq, rs, err);
}
