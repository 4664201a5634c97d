/* steps.c - /steps and /logs: of all runs, newest first. */
#include "hub/api/api_internal.h"

/* In runs of which status steps of a rare one are; NULL: it is not rare. */
struct rare {
    const char *status, *runs[2];
};

static const struct rare *rare_of(struct str status)
{
    static const struct rare rare[] = {{"failure", {"failure", "canceled"}},
                                       {"started", {"started", "queued"}},
                                       {"up_for_retry", {"started", "queued"}},
                                       {"waiting", {"started", "queued"}}};
    for (size_t i = 0; i < COUNT_OF(rare); i++) {
        if (str_eq(status, str_from(rare[i].status))) {
            return &rare[i];
        }
    }
    return NULL;
}

struct step_filter {
    struct str device, asset, status, run;
};

/* The question that finds few rows which are not wanted. */
static struct db_query ask(struct api *api, const struct step_filter *f)
{
    bool has_asset = !str_is_empty(f->asset);
    bool has_device = !str_is_empty(f->device);
    const struct rare *rare = has_asset || has_device ? NULL : rare_of(f->status);
    int statement = has_asset    ? HUB_API_STEPS_OF_ASSET
                    : has_device ? HUB_API_STEPS_OF_DEVICE
                    : rare       ? HUB_API_STEPS_NOT_WELL
                                 : HUB_API_STEPS;
    struct db_query q = db_query(api->own, statement);
    if (has_asset) {
        db_bind_str(&q, ":asset", f->asset);
    }
    if (has_asset || has_device) {
        db_bind_opt(&q, ":device", f->device);
    }
    if (rare != NULL) {
        db_bind_str(&q, ":run_status", str_from(rare->runs[0]));
        db_bind_str(&q, ":run_status2", str_from(rare->runs[1]));
    }
    db_bind_opt(&q, ":status", f->status);
    return q;
}

static void bind_place(struct db_query *q, const struct step_filter *f, const struct page *page)
{
    /* Behind every id there is. */
    struct str newest = str_is_empty(f->run) ? STR("~") : f->run;
    bool has_cursor = !str_is_empty(page->after[0]);
    db_bind_str(q, ":after", has_cursor ? page->after[0] : newest);
    db_bind_str(q, ":after2", page->after[1]);
    db_bind_str(q, ":after3", page->after[2]);
    db_bind_str(q, ":run", f->run);
    db_bind_i64(q, ":limit", page_wants(page));
}

static void add_step(struct page *page, const struct db_query *q)
{
    struct json_writer *w = &page->w;
    const struct str at[] = {db_col_str(q, 1), db_col_str(q, 0), db_col_str(q, 2)};
    const struct hub_step step = {.device = db_col_str(q, 0),
                                  .run = db_col_str(q, 1),
                                  .step = db_col_str(q, 2),
                                  .asset = db_col_str(q, 3),
                                  .status = db_col_str(q, 4),
                                  .attempt = db_col_i64(q, 5),
                                  .started = api_col_at(q, 6),
                                  .ended = api_col_at(q, 7),
                                  .duration_ms =
                                      db_col_is_null(q, 8) ? HUB_UNKNOWN : db_col_i64(q, 8),
                                  .retry_at = api_col_at(q, 9),
                                  .error = db_col_str(q, 10),
                                  .exit = db_col_str(q, 11),
                                  .reason = db_col_str(q, 12)};
    jw_begin_object(w);
    jw_member_str(w, "device", step.device);
    jw_member_str(w, "run", step.run);
    row_step(w, &step);
    jw_end_object(w);
    page_is_at(page, at);
}

bool api_steps(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    const struct step_filter filter = {.device = http_target_get(&rq->target, "device"),
                                       .asset = http_target_get(&rq->target, "asset"),
                                       .status = http_target_get(&rq->target, "status"),
                                       .run = http_target_get(&rq->target, "run")};
    if (!page_begin(&page, rq, rs, 3, err)) {
        return false;
    }
    struct db_query q = ask(api, &filter);
    bind_place(&q, &filter, &page);
    return page_rows(&page, &q, add_step, err);
}

/* --- what they said --------------------------------------------------------------------------------- */

bool api_logs(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    struct str device = http_target_get(&rq->target, "device");
    struct str run = http_target_get(&rq->target, "run");
    int64_t before = 0;
    if (!page_begin(&page, rq, rs, 1, err) || !page_after_numbers(&page, INT64_MAX, &before, err)) {
        return false;
    }
    struct db_query q = db_query(api->own, !str_is_empty(run)      ? HUB_API_LOGS_OF_RUN
                                           : !str_is_empty(device) ? HUB_API_LOGS_OF_DEVICE
                                                                   : HUB_API_LOGS);
    if (!str_is_empty(run)) {
        db_bind_str(&q, ":run", run);
    }
    if (!str_is_empty(run) || !str_is_empty(device)) {
        db_bind_opt(&q, ":device", device);
    }
    db_bind_opt(&q, ":step", http_target_get(&rq->target, "step"));
    db_bind_opt(&q, ":level", http_target_get(&rq->target, "level"));
    db_bind_i64(&q, ":before", before);
    db_bind_i64(&q, ":limit", page_wants(&page));
    return api_write_events(&q, &page, false, err);
}
