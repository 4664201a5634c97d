/* enrolment.c - who asks to join without a token and what a person says to it; the tokens by which others do, and
 * hardware that may by its serial number. */
#include "hub/api/api_internal.h"

#include "hub/fleet/hardware_sheet.h"
#include "hub/fleet/targets.h"
#include "hub/rows/enrolment_rows.h"

enum { USES_MAX = 100000 };
#define LIFE_NS (INT64_C(24) * 3600 * NS_PER_SEC)

struct join_list {
    struct page page;
    struct http_request *rq;
};

static bool begin(struct join_list *list, struct http_request *rq, struct http_response *rs,
                  struct err *err)
{
    *list = (struct join_list){.rq = rq};
    return page_begin(&list->page, rq, rs, 1, err);
}

/* --- a person's word --------------------------------------------------------------------------- */

static void add_pending(void *ctx, const struct registry_pending *row)
{
    struct join_list *list = ctx;
    if (page_takes(&list->page, row->key_fingerprint)) {
        jw_begin_object(&list->page.w);
        row_pending(&list->page.w, row);
        jw_end_object(&list->page.w);
    }
}

bool api_enrolments(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct join_list list;
    if (!begin(&list, rq, rs, err)) {
        return false;
    }
    bool ok = registry_each_pending(api->registry, rq->now, add_pending, &list, err);
    page_end(&list.page);
    return ok;
}

static bool decide(struct api *api, struct http_request *rq, struct http_response *rs,
                   bool is_accepted, struct err *err)
{
    const struct json *body = NULL;
    char key[FINGERPRINT_TEXT_SIZE];
    if (!api_body(rq, &body, err) || !fingerprint_read(api_member(body, "fingerprint"), key, err)) {
        return false;
    }
    bool ok = registry_decide_pending(api->registry, rq->args[0], str_from(key), is_accepted, err);
    api_audit(api, rq, is_accepted ? "enrolment.accept" : "enrolment.reject", rq->args[0],
              ok ? "ok" : "failed", ok ? arena_copy(rq->arena, str_from(key)) : str_from(err->msg));
    if (ok) {
        api_no_content(rs);
    }
    return ok;
}

bool api_enrolment_accept(void *ctx, struct http_request *rq, struct http_response *rs,
                          struct err *err)
{
    return decide(ctx, rq, rs, true, err);
}

bool api_enrolment_reject(void *ctx, struct http_request *rq, struct http_response *rs,
                          struct err *err)
{
    return decide(ctx, rq, rs, false, err);
}

/* --- tokens ------------------------------------------------------------------------------------ */

static void add_token(void *ctx, const struct token_row *row)
{
    struct join_list *list = ctx;
    if (page_takes(&list->page, row->id)) {
        jw_begin_object(&list->page.w);
        row_enrolment_token(&list->page.w, row, list->rq->now);
        jw_end_object(&list->page.w);
    }
}

bool api_enrolment_tokens(void *ctx, struct http_request *rq, struct http_response *rs,
                          struct err *err)
{
    struct api *api = ctx;
    struct join_list list;
    if (!begin(&list, rq, rs, err)) {
        return false;
    }
    bool ok = registry_each_token(api->registry, add_token, &list, err);
    page_end(&list.page);
    return ok;
}

static bool read_labels(struct new_token *token, const struct json *labels, struct err *err)
{
    if (labels == NULL) {
        return true;
    }
    if (labels->type != JSON_OBJECT || labels->count > LABELS_MAX) {
        return err_set(err, ERR_INVALID, "labels is an object of at most %d texts", LABELS_MAX);
    }
    size_t count = 0;
    for (const struct json *at = labels->child; at != NULL; at = at->next) {
        if (at->type != JSON_STRING || !label_key_is_valid(at->key) ||
            !label_value_is_valid(at->as.string)) {
            return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no label", STR_ARG(at->key));
        }
        token->labels[count++] = (struct label_change){.key = at->key, .value = at->as.string};
    }
    token->options.labels = token->labels;
    token->options.label_count = count;
    return true;
}

static bool read_token(const struct http_request *rq, const struct json *body,
                       struct new_token *token, struct err *err)
{
    const struct json *uses = json_get(body, "max_uses");
    int64_t life = 0;
    if (!api_read_life(body, LIFE_NS, &life, err)) {
        return false;
    }
    if (uses != NULL &&
        (uses->type != JSON_INT || uses->as.integer < 1 || uses->as.integer > USES_MAX)) {
        return err_set(err, ERR_INVALID, "max_uses is a number from 1 to %d", USES_MAX);
    }
    token->options = (struct token_options){.label = str_clip(api_member(body, "label"), 200),
                                            .max_uses = uses == NULL ? 1 : uses->as.integer,
                                            .expires = {rq->now.ns + life},
                                            .name_pattern = api_member(body, "names")};
    return read_labels(token, json_get(body, "labels"), err);
}

bool api_enrolment_tokens_post(void *ctx, struct http_request *rq, struct http_response *rs,
                               struct err *err)
{
    struct api *api = ctx;
    const struct json *body = NULL;
    struct new_token token = {.text = buf_growing(NEW_TOKEN_BYTES_MAX)};
    bool ok = api_body(rq, &body, err) && read_token(rq, body, &token, err) &&
              new_token_create(api->config, api->rng, api->registry, &token, rq->now, err);
    if (ok) {
        api_audit(api, rq, "enrolment_token.add", str_from(token.id), "ok", token.options.label);
        struct json_writer w = json_writer(&rs->body);
        jw_begin_object(&w);
        row_new_token(&w, &token); /* said once, here */
        jw_end_object(&w);
        rs->status = 201;
    }
    new_token_wipe(&token);
    return ok;
}

bool api_enrolment_token_delete(void *ctx, struct http_request *rq, struct http_response *rs,
                                struct err *err)
{
    struct api *api = ctx;
    if (!registry_revoke_token(api->registry, rq->args[0], rq->now, err)) {
        return false;
    }
    api_audit(api, rq, "enrolment_token.revoke", rq->args[0], "ok", STR_NONE);
    api_no_content(rs);
    return true;
}

/* --- hardware that may join -------------------------------------------------------------------- */

static void add_preauthorised(void *ctx, const struct preauthorised *row)
{
    struct join_list *list = ctx;
    if (page_has_room(&list->page)) {
        jw_begin_object(&list->page.w);
        row_preauthorised(&list->page.w, row);
        jw_end_object(&list->page.w);
        page_is_at(&list->page, &row->is.serial_number);
    }
}

bool api_preauthorisations(void *ctx, struct http_request *rq, struct http_response *rs,
                           struct err *err)
{
    struct api *api = ctx;
    struct join_list list;
    if (!begin(&list, rq, rs, err)) {
        return false;
    }
    const struct preauthorised_list wanted = {.after = list.page.after[0],
                                              .limit = page_wants(&list.page),
                                              .on_row = add_preauthorised,
                                              .ctx = &list};
    bool ok = registry_each_preauthorised(api->registry, &wanted, err);
    page_end(&list.page);
    return ok;
}

bool api_preauthorisations_post(void *ctx, struct http_request *rq, struct http_response *rs,
                                struct err *err)
{
    struct api *api = ctx;
    const struct json *body = NULL;
    struct hardware_sheet sheet;
    if (!api_body(rq, &body, err) ||
        !hardware_sheet_read(api_member(body, "sheet"), rq->arena, &sheet, err) ||
        !registry_preauthorise(api->registry, sheet.rows, sheet.count, rq->now, err)) {
        return false;
    }
    struct json_writer w = json_writer(&rs->body);
    jw_begin_object(&w);
    jw_member_i64(&w, "rows", (int64_t)sheet.count);
    jw_end_object(&w);
    api_audit(api, rq, "preauthorisation.add", STR_NONE, "ok",
              arena_printf(rq->arena, "%zu rows", sheet.count));
    return true;
}

bool api_preauthorisation_delete(void *ctx, struct http_request *rq, struct http_response *rs,
                                 struct err *err)
{
    struct api *api = ctx;
    if (!registry_drop_preauthorised(api->registry, rq->args[0], err)) {
        return false;
    }
    api_audit(api, rq, "preauthorisation.drop", rq->args[0], "ok", STR_NONE);
    api_no_content(rs);
    return true;
}
