/* partitions.c - /assets/{key}/partitions: each partition that there is and what was last made of it, on
 * one device or over all. */
#include "hub/api/api_internal.h"

#include "hub/summary/partitions.h"

struct partitions_ask {
    struct api *api;
    struct str asset;
    struct partition_figures *figures; /* NULL: not yet */
    bool has_failed;
    struct err err;
};

static struct str status_of(const struct partition_item *item, int64_t devices)
{
    if (item->failed > 0) {
        return STR("failed");
    }
    if (item->made == 0) {
        return STR("missing");
    }
    return item->made >= devices ? STR("materialized") : STR("partial");
}

static void write_item(struct json_writer *w, const struct partition_item *item, int64_t devices,
                       bool is_of_one)
{
    jw_begin_object(w);
    jw_member_str(w, "partition", item->key);
    jw_member_str(w, "status", status_of(item, devices));
    if (!is_of_one) {
        jw_member_i64(w, "made", item->made);
        jw_member_i64(w, "failed", item->failed);
        jw_member_i64(w, "devices", devices);
    }
    jw_member_opt_wall(w, "at", item->at);
    jw_member_opt(w, "run", item->run);
    jw_end_object(w);
}

static bool write_items(struct page *page, const struct partition_figures *f,
                        const struct http_request *rq, struct err *err)
{
    struct str status = http_target_get(&rq->target, "status");
    bool is_of_one = !str_is_empty(http_target_get(&rq->target, "device"));
    int64_t devices = partition_figures_devices(f);
    size_t from = 0;
    if (!str_is_empty(page->after[0])) {
        if (!partition_figures_find(f, page->after[0], &from)) {
            return err_set(err, ERR_INVALID, "the cursor is none of this list");
        }
        from++;
    }
    for (size_t i = from; i < partition_figures_count(f) && !page->has_more; i++) {
        struct partition_item item;
        partition_figures_get(f, i, &item);
        bool is_meant = str_is_empty(status) || str_eq(status, status_of(&item, devices));
        if (is_meant && page_has_room(page)) {
            write_item(&page->w, &item, devices, is_of_one);
            page_is_at(page, &item.key);
        }
    }
    return true;
}

static bool write_list(const struct partition_figures *f, struct http_request *rq,
                       struct http_response *rs, struct err *err)
{
    struct page page;
    if (!page_begin(&page, rq, rs, 1, err)) {
        return false;
    }
    bool ok = write_items(&page, f, rq, err);
    page_end(&page);
    return ok;
}

static bool list_of_device(struct api *api, struct http_request *rq, struct http_response *rs,
                           struct err *err)
{
    struct partition_figures *f = NULL;
    bool ok = summary_partitions_of(api->summary, rq->args[0],
                                    http_target_get(&rq->target, "device"), &f, err) &&
              write_list(f, rq, rs, err);
    partition_figures_close(f);
    return ok;
}

/* --- over all: read in slices when nobody asked for it for a while -------------------------------- */

static bool is_ready(void *ctx)
{
    struct partitions_ask *ask = ctx;
    ask->has_failed = !summary_partitions(ask->api->summary, ask->asset, &ask->figures, &ask->err);
    return ask->has_failed || ask->figures != NULL;
}

static bool finish(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    const struct partitions_ask *ask = ctx;
    if (ask->has_failed) {
        *err = ask->err;
        return false;
    }
    return write_list(ask->figures, rq, rs, err);
}

static void leave(void *ctx)
{
    (void)ctx;
}

bool api_asset_partitions(void *ctx, struct http_request *rq, struct http_response *rs,
                          struct err *err)
{
    struct partitions_ask *ask = arena_array(rq->arena, 1, sizeof(*ask));
    if (!str_is_empty(http_target_get(&rq->target, "device"))) {
        return list_of_device(ctx, rq, rs, err);
    }
    if (ask == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    *ask = (struct partitions_ask){.api = ctx, .asset = rq->args[0]};
    if (is_ready(ask)) {
        return finish(ask, rq, rs, err);
    }
    rs->later =
        (struct http_later){.is_ready = is_ready, .finish = finish, .close = leave, .ctx = ask};
    rs->is_later = true;
    return true;
}
