/* assets.c - /assets */
#include "hub/api/api_internal.h"

struct asset_list {
    struct api *api;
    struct http_request *rq;
    struct page *page;
    struct freshness_list freshness;
    struct err err;
    bool has_failed;
};

static bool read_freshness(struct asset_list *list, struct str device, struct str asset)
{
    const struct hub_filter filter = {.device = device, .asset = asset};
    list->freshness = (struct freshness_list){.arena = list->rq->arena};
    return freshness_list_read(&list->freshness, list->api->db, &filter, list->rq->now, &list->err);
}

static void add_fleet_asset(void *ctx, const struct hub_fleet_asset *a)
{
    struct asset_list *list = ctx;
    if (!page_has_room(list->page)) {
        return;
    }
    list->has_failed = list->has_failed || !read_freshness(list, STR_NONE, a->asset);
    if (!list->has_failed) {
        struct json_writer *w = &list->page->w;
        jw_begin_object(w);
        row_fleet_asset(w, a);
        freshness_member(&list->freshness, w, a->asset);
        jw_end_object(w);
        page_is_at(list->page, &a->asset);
    }
}

static void add_device_asset(void *ctx, const struct hub_device_asset *a)
{
    struct asset_list *list = ctx;
    if (!page_has_room(list->page)) {
        return;
    }
    list->has_failed = list->has_failed || !read_freshness(list, a->device, a->asset);
    if (!list->has_failed) {
        const struct str at[] = {a->asset, a->device};
        struct json_writer *w = &list->page->w;
        jw_begin_object(w);
        row_device_asset(w, a);
        freshness_member(&list->freshness, w, a->asset);
        jw_end_object(w);
        page_is_at(list->page, at);
    }
}

bool api_assets(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    struct asset_list list = {.api = api, .rq = rq, .page = &page};
    struct str device = http_target_get(&rq->target, "device");
    bool by_device = !str_is_empty(device);
    if (!page_begin(&page, rq, rs, by_device ? 2 : 1, err)) {
        return false;
    }
    const struct hub_filter filter = {
        .device = device, .after = {page.after[0], page.after[1]}, .limit = page_wants(&page)};
    bool ok = by_device ? hub_each_device_asset(api->db, &filter, add_device_asset, &list, err)
                        : hub_each_fleet_asset(api->db, &filter, add_fleet_asset, &list, err);
    page_end(&page);
    if (ok && list.has_failed) {
        *err = list.err;
    }
    return ok && !list.has_failed;
}
