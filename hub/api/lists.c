/* lists.c - checks, deployments, alerts, pools. */
#include "hub/api/api_internal.h"

#include "hub/rows/deployment_rows.h"
#include "hub/rows/hub_rows.h"

enum { ALERTS_MAX = 10000, LIST_ARENA_BYTES = 64 << 20 };

/* Lists that are short enough to be read whole: a page begins behind the item that the cursor names. */
struct short_list {
    struct api *api;
    struct http_request *rq;
    struct page page;
    int64_t number; /* of the item, where it has no name that stays */
};

static bool begin(struct short_list *list, void *api, struct http_request *rq,
                  struct http_response *rs, struct err *err)
{
    *list = (struct short_list){.api = api, .rq = rq};
    return page_begin(&list->page, rq, rs, 1, err);
}

static struct str number_name(struct short_list *list, int64_t number, char text[32])
{
    struct buf b = buf_fixed(text, 32);
    (void)list;
    buf_add_i64(&b, number);
    return buf_str(&b);
}

/* --- checks -------------------------------------------------------------------------------------- */

static void add_check(void *ctx, const struct hub_check *check)
{
    struct page *page = ctx;
    if (page_has_room(page)) {
        const struct str at[] = {check->asset, check->name, check->device};
        jw_begin_object(&page->w);
        jw_member_str(&page->w, "asset", check->asset);
        row_check(&page->w, check);
        jw_end_object(&page->w);
        page_is_at(page, at);
    }
}

bool api_checks(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    if (!page_begin(&page, rq, rs, 3, err)) {
        return false;
    }
    const struct hub_filter filter = {
        .device = http_target_get(&rq->target, "device"),
        .asset = http_target_get(&rq->target, "asset"),
        .only_failing = str_eq(http_target_get(&rq->target, "failing"), STR("true")),
        .after = {page.after[0], page.after[1], page.after[2]},
        .limit = page_wants(&page)};
    bool ok = hub_each_check(api->db, &filter, add_check, &page, err);
    page_end(&page);
    return ok;
}

/* --- deployments --------------------------------------------------------------------------------- */

static void write_deployment(struct json_writer *w, const struct deploy_view *view,
                             struct wall_time now)
{
    struct wave_tally t = waves_count(&view->plan, view->waves, view->wave_count, 0, now);
    row_deployment(w, &view->deployment);
    row_tally(w, &t);
}

static void write_waves(struct json_writer *w, const struct deploy_view *view, struct wall_time now)
{
    int64_t last = 0;
    for (size_t i = 0; i < view->count; i++) {
        last = view->devices[i].wave > last ? view->devices[i].wave : last;
    }
    jw_key(w, STR("wave_list"));
    jw_begin_array(w);
    for (int64_t wave = 1; wave <= last; wave++) {
        struct wave_tally t = waves_count(&view->plan, view->waves, view->wave_count, wave, now);
        jw_begin_object(w);
        jw_member_i64(w, "wave", wave);
        row_tally(w, &t);
        jw_end_object(w);
    }
    jw_end_array(w);
}

bool api_deployments(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct short_list list;
    AUTO(arena) arena = arena_new(LIST_ARENA_BYTES);
    struct deployment *all = NULL;
    size_t count = 0;
    if (!begin(&list, ctx, rq, rs, err)) {
        return false;
    }
    bool ok = deployments_list(list.api->deployments, &arena, &all, &count, err);
    for (size_t i = 0; ok && i < count; i++) {
        struct deploy_view view = {0};
        if (page_takes(&list.page, all[i].id)) {
            ok = deploy_view_load(&view, list.api->deployments, all[i].id, err);
            if (ok) {
                jw_begin_object(&list.page.w);
                write_deployment(&list.page.w, &view, rq->now);
                jw_end_object(&list.page.w);
            }
            deploy_view_release(&view);
        }
    }
    page_end(&list.page);
    return ok;
}

bool api_deployment(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct deploy_view view = {0};
    struct json_writer w = json_writer(&rs->body);
    bool ok = deploy_view_load(&view, api->deployments, rq->args[0], err);
    if (ok) {
        jw_begin_object(&w);
        write_deployment(&w, &view, rq->now);
        jw_key(&w, STR("device_list"));
        jw_begin_array(&w);
        for (size_t i = 0; i < view.count; i++) {
            jw_begin_object(&w);
            row_deployment_device(&w, &view.devices[i]);
            jw_end_object(&w);
        }
        jw_end_array(&w);
        write_waves(&w, &view, rq->now);
        jw_end_object(&w);
    }
    deploy_view_release(&view);
    return ok;
}

/* --- alerts, pools: of all, or of ?device= ------------------------------------------------------------------------- */

static bool is_of_device(const struct short_list *list, struct str device)
{
    struct str wanted = http_target_get(&list->rq->target, "device");
    return str_is_empty(wanted) || str_eq(wanted, device);
}

static void add_alert(void *ctx, const struct alert_listed *a)
{
    struct short_list *list = ctx;
    char text[32];
    if (is_of_device(list, a->row.is_group ? STR_NONE : a->row.subject) &&
        page_takes(&list->page, number_name(list, a->row.id, text))) {
        jw_begin_object(&list->page.w);
        row_alert(&list->page.w, a, list->api->config->alert_group);
        jw_end_object(&list->page.w);
    }
}

bool api_alerts(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct short_list list;
    bool with_resolved = str_eq(http_target_get(&rq->target, "all"), STR("true"));
    if (!begin(&list, ctx, rq, rs, err)) {
        return false;
    }
    bool ok = alert_rows_each(&list.api->alerts, with_resolved, ALERTS_MAX, add_alert, &list, err);
    page_end(&list.page);
    return ok;
}

static void add_pool(void *ctx, const struct pool_listed *p)
{
    struct short_list *list = ctx;
    char text[32];
    if (is_of_device(list, p->device) &&
        page_takes(&list->page, number_name(list, list->number++, text))) {
        jw_begin_object(&list->page.w);
        row_pool(&list->page.w, p);
        jw_end_object(&list->page.w);
    }
}

bool api_pools(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct short_list list;
    if (!begin(&list, ctx, rq, rs, err)) {
        return false;
    }
    bool ok = pool_rows_each(&list.api->pools, add_pool, &list, err);
    page_end(&list.page);
    return ok;
}
