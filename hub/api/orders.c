/* orders.c - /commands: given, and how devices fared. */
#include "hub/api/api_internal.h"

#include "hub/rows/order_rows.h"

enum { WHY_BYTES_MAX = 4096 };

struct order_list {
    struct api *api;
    struct http_request *rq;
    struct page *page;
    struct json_writer *w;
    struct fate_counts counts;
    const struct order_view *order;
    int64_t shown;
    struct err err;
    bool has_failed;
};

static void count_device(void *ctx, const struct order_device *device)
{
    struct order_list *list = ctx;
    fate_count(&list->counts, device);
}

static bool count(struct order_list *list, const struct order_view *o)
{
    list->counts = (struct fate_counts){0};
    list->has_failed = list->has_failed || !orders_each_device(list->api->orders, o, list->rq->now,
                                                               count_device, list, &list->err);
    return !list->has_failed;
}

static void add_order(void *ctx, const struct order_view *o)
{
    struct order_list *list = ctx;
    char memory[32];
    struct buf number = buf_fixed(memory, sizeof(memory));
    if (page_has_room(list->page) && count(list, o)) {
        jw_begin_object(list->w);
        row_order(list->w, o, &list->counts, list->rq->now);
        jw_end_object(list->w);
        buf_add_i64(&number, o->number);
        struct str at = buf_str(&number);
        page_is_at(list->page, &at);
    }
}

bool api_commands(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct page page;
    struct order_list list = {.api = ctx, .rq = rq, .page = &page, .w = &page.w};
    int64_t before = INT64_MAX;
    if (!page_begin(&page, rq, rs, 1, err)) {
        return false;
    }
    bool ok = str_is_empty(page.after[0]) || str_to_i64(page.after[0], 0, INT64_MAX, &before) ||
              err_set(err, ERR_INVALID, "the cursor is none of this list");
    ok = ok &&
         orders_each_before(list.api->orders, before, page_wants(&page), add_order, &list, err);
    page_end(&page);
    if (ok && list.has_failed) {
        *err = list.err;
    }
    return ok && !list.has_failed;
}

/* --- one ------------------------------------------------------------------------------------------- */

static void add_device(void *ctx, const struct order_device *device)
{
    struct order_list *list = ctx;
    AUTO(buf) why = buf_growing(WHY_BYTES_MAX);
    fate_why(&why, list->order, device, list->rq->now);
    jw_begin_object(list->w);
    row_order_device(list->w, device, buf_str(&why));
    jw_end_object(list->w);
}

static void show_order(void *ctx, const struct order_view *o)
{
    struct order_list *list = ctx;
    if (!count(list, o)) {
        return;
    }
    list->order = o;
    list->shown++;
    row_order(list->w, o, &list->counts, list->rq->now);
    jw_key(list->w, STR("device_list"));
    jw_begin_array(list->w);
    list->has_failed =
        !orders_each_device(list->api->orders, o, list->rq->now, add_device, list, &list->err);
    jw_end_array(list->w);
}

bool api_command(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct json_writer w = json_writer(&rs->body);
    struct order_list list = {.api = ctx, .rq = rq, .w = &w};
    char id[UUID_TEXT_SIZE];
    if (!orders_find(list.api->orders, rq->args[0], id, err)) {
        return false;
    }
    jw_begin_object(&w);
    bool ok = orders_each(list.api->orders, str_from(id), 1, show_order, &list, err);
    jw_end_object(&w);
    if (ok && list.has_failed) {
        *err = list.err;
    }
    return ok && !list.has_failed;
}
