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
    struct str state; /* empty: any */
    int64_t shown, rows, last;
    struct err err;
    bool has_failed;
};

static bool count(struct order_list *list, const struct order_view *o)
{
    list->has_failed = list->has_failed || !fate_counts_read(&list->counts, list->api->orders, o,
                                                             list->rq->now, &list->err);
    return !list->has_failed;
}

static void is_at(struct order_list *list, int64_t number)
{
    char memory[32];
    struct buf text = buf_fixed(memory, sizeof(memory));
    buf_add_i64(&text, number);
    struct str at = buf_str(&text);
    page_is_at(list->page, &at);
}

static void add_order(void *ctx, const struct order_view *o)
{
    struct order_list *list = ctx;
    list->rows++;
    if (list->page->has_more || !count(list, o)) {
        return;
    }
    struct str state = str_from(order_state(o, &list->counts, list->rq->now));
    bool is_meant = str_is_empty(list->state) || str_eq(list->state, state);
    if (is_meant && page_has_room(list->page)) {
        jw_begin_object(list->w);
        row_order(list->w, o, &list->counts, list->rq->now);
        jw_end_object(list->w);
        is_at(list, o->number);
    }
    list->last = o->number;
}

/* Those of a state are chosen here and not in SQL: as many as it takes to fill the page, for as long as an
 * answer may take; the next page goes on there. */
static bool fill(struct order_list *list, struct order_filter *filter, struct err *err)
{
    struct api *api = list->api;
    do {
        list->rows = 0;
        if (!orders_each_of(api->orders, filter, add_order, list, err)) {
            return false;
        }
        if (list->has_failed) {
            *err = list->err;
            return false;
        }
        filter->before = list->last;
        if (list->rows == filter->limit && !list->page->has_more &&
            clock_mono(loop_clock(api->loop)).ns > api->deadline.ns) {
            list->page->has_more = true;
            list->page->count = list->page->limit;
            is_at(list, list->last);
        }
    } while (list->rows == filter->limit && !list->page->has_more);
    return true;
}

bool api_commands(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct page page;
    struct order_list list = {.api = ctx,
                              .rq = rq,
                              .page = &page,
                              .w = &page.w,
                              .state = http_target_get(&rq->target, "state")};
    struct order_filter filter = {.before = INT64_MAX,
                                  .device = http_target_get(&rq->target, "device"),
                                  .verb = http_target_get(&rq->target, "verb")};
    if (!page_begin(&page, rq, rs, 1, err)) {
        return false;
    }
    filter.limit = page_wants(&page);
    bool ok = str_is_empty(page.after[0]) ||
              str_to_i64(page.after[0], 0, INT64_MAX, &filter.before) ||
              err_set(err, ERR_INVALID, "the cursor is none of this list");
    ok = ok && fill(&list, &filter, err);
    page_end(&page);
    return ok;
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
