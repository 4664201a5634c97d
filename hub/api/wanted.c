/* wanted.c - which devices are meant by what people write, and which have not what is wanted of them. */
#include "hub/api/api_internal.h"

#include "hub/fleet/targets.h"
#include "hub/rows/chosen.h"
#include "hub/rows/device_rows.h"

enum { NAMES_SHOWN = 20 };

/* --- who is meant ------------------------------------------------------------------------------ */

bool api_targets(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct chosen chosen = {0};
    struct str to = http_target_get(&rq->target, "to");
    struct json_writer w = json_writer(&rs->body);
    bool ok = (!str_is_empty(to) || err_set(err, ERR_INVALID, "to is needed")) &&
              chosen_find(api->registry, to, &chosen, err);
    if (ok) {
        jw_begin_object(&w);
        jw_member_str(&w, "to", to);
        jw_member_i64(&w, "devices", (int64_t)chosen.count);
        jw_member_i64(&w, "online", chosen.online);
        jw_key(&w, STR("first"));
        jw_begin_array(&w);
        for (size_t i = 0; i < chosen.count && i < NAMES_SHOWN; i++) {
            jw_str(&w, chosen.devices[i]);
        }
        jw_end_array(&w);
        jw_end_object(&w);
    }
    chosen_release(&chosen);
    return ok;
}

/* --- what is wanted of whom -------------------------------------------------------------------- */

struct wanted_list {
    struct page page;
    struct str device, state;
    bool only_pending, only_unsigned;
};

static bool is_unsigned(const struct desired_row *row)
{
    return row->revision != 0 && !row->is_signed;
}

static void add_row(void *ctx, const struct desired_row *row)
{
    struct wanted_list *list = ctx;
    enum desired_standing standing = standing_of(row);
    bool is_meant =
        (str_is_empty(list->device) || str_eq(list->device, row->device)) &&
        (str_is_empty(list->state) || str_eq(list->state, str_from(standing_name(standing)))) &&
        (!list->only_pending || standing_is_pending(standing)) &&
        (!list->only_unsigned || is_unsigned(row));
    if (is_meant && standing != STANDING_NONE && page_takes(&list->page, row->device)) {
        jw_begin_object(&list->page.w);
        row_desired(&list->page.w, row);
        if (list->only_unsigned) {
            jw_member_raw(&list->page.w, "content", row->body); /* what is to be signed */
        }
        jw_end_object(&list->page.w);
    }
}

bool api_desired(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct wanted_list list = {
        .device = http_target_get(&rq->target, "device"),
        .state = http_target_get(&rq->target, "state"),
        .only_pending = str_eq(http_target_get(&rq->target, "pending"), STR("true")),
        .only_unsigned = str_eq(http_target_get(&rq->target, "unsigned"), STR("true"))};
    if (!page_begin(&list.page, rq, rs, 1, err)) {
        return false;
    }
    bool ok = desired_each(api->desired, add_row, &list, err);
    page_end(&list.page);
    return ok;
}

bool api_desired_one(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct str device = STR_NONE;
    bool is_wanted = false;
    struct json_writer w = json_writer(&rs->body);
    if (!api_find_device(api, rq, &device, err)) {
        return false;
    }
    jw_begin_object(&w);
    if (!row_desired_whole(&w, api->desired, device, rq->arena, &is_wanted, err)) {
        return false;
    }
    jw_end_object(&w);
    if (!is_wanted) {
        (void)err_set(err, ERR_NOT_FOUND, "nothing is wanted of " STR_FMT, STR_ARG(device));
        return err_hint(err, "see who is meant by what: selvedge-hub desired list");
    }
    return true;
}
