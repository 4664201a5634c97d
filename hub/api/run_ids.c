/* run_ids.c - /run-ids: which runs an id, or the beginning of one, stands for. */
#include "hub/api/api_internal.h"

static void add_run(void *ctx, struct str device, struct str run)
{
    struct page *page = ctx;
    if (page_has_room(page)) {
        jw_begin_object(&page->w);
        jw_member_str(&page->w, "run", run);
        jw_member_str(&page->w, "device", device);
        jw_end_object(&page->w);
    }
}

/* One page: who gets more than that many must say more of the id. */
bool api_run_ids(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    if (!page_begin(&page, rq, rs, 1, err)) {
        return false;
    }
    struct str like = http_target_get(&rq->target, "like");
    const struct hub_filter filter = {.device = http_target_get(&rq->target, "device"),
                                      .limit = page.limit};
    bool ok = hub_each_run_like(api->db, str_is_empty(like) ? STR("") : like, &filter, add_run,
                                &page, err);
    page_end(&page);
    return ok;
}
