/* devices.c - /devices */
#include "hub/api/api_internal.h"

#include "hub/fleet/targets.h"
#include "hub/rows/device_rows.h"

enum { CHUNK = 200, ROW_ARENA_BYTES = 4 << 20 };

struct device_list {
    struct api *api;
    struct http_request *rq;
    struct page *page;
    struct targets *targets; /* NULL: all */
    struct str status;
    struct counts *counts;
    struct freshness_list freshness;
    struct arena row_arena; /* of the freshness of one row */
    struct str last;        /* of the chunk, in the request's arena */
    int64_t rows;
    struct err err; /* of a question within a row */
    bool has_failed;
};

static bool is_meant(const struct device_list *list, const struct hub_device *d)
{
    return row_is_meant(list->targets, d) &&
           (str_is_empty(list->status) || str_eq(list->status, hub_device_presence(d)));
}

static bool read_freshness(struct device_list *list, struct str device)
{
    struct counts_of_device of;
    if (list->counts == NULL && !api_counts(list->api, &list->counts, &list->err)) {
        return false;
    }
    arena_reset(&list->row_arena);
    list->freshness = (struct freshness_list){.arena = &list->row_arena, .is_by_device = true};
    if (counts_of_device(list->counts, device, &of)) {
        freshness_list_put(&list->freshness, device, of.fresh.of);
    }
    return !list->freshness.has_failed;
}

static void write_device(struct device_list *list, struct json_writer *w,
                         const struct hub_device *d)
{
    struct hub_device row = *d;
    struct counts_of_device of = {0};
    list->has_failed = list->has_failed || !read_freshness(list, d->id);
    if (!list->has_failed) {
        (void)counts_of_device(list->counts, d->id, &of);
        row.assets = of.assets;
        row.failing = of.failing;
        jw_begin_object(w);
        row_device(w, &row, &list->freshness);
        jw_end_object(w);
    }
}

static void add_device(void *ctx, const struct hub_device *d)
{
    struct device_list *list = ctx;
    list->rows++;
    if (list->rows == CHUNK) {
        list->last = arena_copy(list->rq->arena, d->id);
    }
    if (is_meant(list, d) && page_has_room(list->page)) {
        write_device(list, &list->page->w, d);
        page_is_at(list->page, &d->id);
    }
}

/* Rows are chosen here and not in SQL: as many as it takes to fill the page. */
static bool fill(struct device_list *list, struct err *err)
{
    struct hub_filter filter = {
        .after = {list->page->after[0]}, .limit = CHUNK, .without_counts = true};
    if (list->targets == NULL && str_is_empty(list->status)) {
        filter.limit = page_wants(list->page) < CHUNK ? page_wants(list->page) : CHUNK;
    }
    do {
        list->rows = 0;
        if (!hub_each_device(list->api->db, &filter, add_device, list, err)) {
            return false;
        }
        if (list->has_failed) {
            *err = list->err;
            return false;
        }
        filter.after[0] = list->last;
    } while (list->rows == CHUNK && !list->page->has_more && list->last.ptr != NULL);
    return true;
}

bool api_devices(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct page page;
    struct device_list list = {.api = ctx, .rq = rq, .page = &page};
    list.row_arena = arena_new(ROW_ARENA_BYTES); /* takes nothing before it is used */
    struct str to = http_target_get(&rq->target, "to");
    list.status = http_target_get(&rq->target, "status");
    if ((!str_is_empty(to) && !targets_parse(to, rq->arena, &list.targets, err)) ||
        !page_begin(&page, rq, rs, 1, err)) {
        return false;
    }
    bool ok = fill(&list, err);
    page_end(&page);
    arena_release(&list.row_arena);
    return ok;
}

/* --- one -------------------------------------------------------------------------------------- */

struct one_device {
    struct device_list list;
    struct json_writer w;
    bool is_there;
};

static void add_one(void *ctx, const struct hub_device *d)
{
    struct one_device *one = ctx;
    struct device_list *list = &one->list;
    one->is_there = true;
    list->has_failed = !read_freshness(list, d->id);
    if (!list->has_failed) {
        row_device(&one->w, d, &list->freshness);
    }
}

static bool write_one(struct one_device *one, struct str device, struct err *err)
{
    struct api *api = one->list.api;
    const struct hub_filter filter = {.device = device};
    const struct device_card card = {
        .db = api->db, .desired = api->desired, .device = device, .arena = one->list.rq->arena};
    if (!hub_each_device(api->db, &filter, add_one, one, err)) {
        return false;
    }
    if (one->list.has_failed) {
        *err = one->list.err;
        return false;
    }
    if (!one->is_there) { /* a name in the log that no device has */
        return err_set(err, ERR_NOT_FOUND,
                       STR_FMT " is no device: what is reported from outside has that name",
                       STR_ARG(device));
    }
    return row_device_card(&one->w, &card, err);
}

bool api_device(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct str device;
    struct one_device one = {
        .list = {.api = api, .rq = rq, .row_arena = arena_new(ROW_ARENA_BYTES)},
        .w = json_writer(&rs->body)};
    bool ok = api_find_device(api, rq, &device, err);
    if (ok) {
        jw_begin_object(&one.w);
        ok = write_one(&one, device, err);
        jw_end_object(&one.w);
    }
    arena_release(&one.list.row_arena);
    return ok;
}
