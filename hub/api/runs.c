/* runs.c - /runs */
#include "hub/api/api_internal.h"

#include "common/base/uuid.h"

struct run_list {
    struct page *page;
};

static void add_run(void *ctx, const struct hub_run *run)
{
    struct run_list *list = ctx;
    if (page_has_room(list->page)) {
        const struct str at[] = {run->run, run->device};
        jw_begin_object(&list->page->w);
        row_run(&list->page->w, run);
        jw_end_object(&list->page->w);
        page_is_at(list->page, at);
    }
}

/* Ids of runs begin with the time they were made at (UUID version 7): the first that one made at `t` can have. */
static struct str first_id(struct wall_time t, char text[UUID_TEXT_SIZE])
{
    const uint8_t least[10] = {0};
    uuid7_format(t, least, text);
    return str_from(text);
}

/* ?since= is a time, or how long ago; ?until= a time. Empty: from the first run on; up to the last. */
struct run_span {
    char since[UUID_TEXT_SIZE], until[UUID_TEXT_SIZE];
};

static bool read_span(struct run_span *span, const struct http_request *rq,
                      struct hub_filter *filter, struct err *err)
{
    struct str text = http_target_get(&rq->target, "since");
    struct wall_time since = rq->now;
    struct wall_time until;
    int64_t length = 0;
    if (str_to_duration(text, &length)) {
        since.ns -= length;
    } else if (!str_is_empty(text) && !wall_parse(text, &since)) {
        return err_set(err, ERR_INVALID,
                       "since is how long ago, like 24h, or a time such as 2026-11-29T08:00:00Z");
    }
    if (!api_time(rq, "until", rq->now, &until, err)) {
        return false;
    }
    if (!str_is_empty(text)) {
        filter->since = first_id(since, span->since);
    }
    if (!str_is_empty(http_target_get(&rq->target, "until"))) {
        filter->until = first_id(until, span->until);
    }
    return true;
}

bool api_runs(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    struct run_list list = {.page = &page};
    struct run_span span;
    struct hub_filter filter = {.device = http_target_get(&rq->target, "device"),
                                .status = http_target_get(&rq->target, "status"),
                                .asset = http_target_get(&rq->target, "asset"),
                                .job = http_target_get(&rq->target, "job")};
    if (!read_span(&span, rq, &filter, err) || !page_begin(&page, rq, rs, 2, err)) {
        return false;
    }
    filter.after[0] = page.after[0];
    filter.after[1] = page.after[1];
    filter.limit = page_wants(&page);
    bool ok = hub_each_run(api->db, &filter, add_run, &list, err);
    page_end(&page);
    return ok;
}

/* --- one, with its steps ------------------------------------------------------------------------ */

struct one_run {
    struct json_writer w;
    int64_t count;
};

static void add_one(void *ctx, const struct hub_run *run)
{
    struct one_run *one = ctx;
    if (one->count++ == 0) {
        row_run(&one->w, run);
    }
}

static void add_step(void *ctx, const struct hub_step *step)
{
    struct one_run *one = ctx;
    jw_begin_object(&one->w);
    row_step(&one->w, step);
    jw_end_object(&one->w);
}

static bool no_run(const struct http_request *rq, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "there is no run " STR_FMT " on " STR_FMT,
                   STR_ARG(rq->args[1]), STR_ARG(rq->args[0]));
}

bool api_run(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct one_run one = {.w = json_writer(&rs->body)};
    const struct hub_filter filter = {.device = rq->args[0], .run = rq->args[1], .limit = 1};
    jw_begin_object(&one.w);
    if (!hub_each_run(api->db, &filter, add_one, &one, err)) {
        return false;
    }
    if (one.count == 0) {
        return no_run(rq, err);
    }
    jw_key(&one.w, STR("step_list"));
    jw_begin_array(&one.w);
    if (!hub_each_step(api->db, &filter, add_step, &one, err)) {
        return false;
    }
    jw_end_array(&one.w);
    jw_end_object(&one.w);
    return true;
}

/* --- its events --------------------------------------------------------------------------------- */

bool api_run_events(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    int64_t after = 0;
    if (!page_begin(&page, rq, rs, 1, err) || !page_after_numbers(&page, 0, &after, err)) {
        return false;
    }
    struct db_query q = db_query(api->own, HUB_API_RUN_EVENTS);
    db_bind_str(&q, ":device", rq->args[0]);
    db_bind_str(&q, ":run", rq->args[1]);
    db_bind_opt(&q, ":step", http_target_get(&rq->target, "step"));
    db_bind_i64(&q, ":after", after);
    db_bind_i64(&q, ":limit", page_wants(&page));
    return api_write_events(&q, &page, true, err);
}
