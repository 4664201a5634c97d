/* log.c - /events, /ticks: the log itself. Ids are given in the order of commits by the one process that
 * merges: who has read up to one has missed nothing before it. */
#include "hub/api/api_internal.h"

static void write_event(struct json_writer *w, const struct db_query *q)
{
    jw_begin_object(w);
    jw_member_i64(w, "id", db_col_i64(q, 0));
    jw_member_str(w, "device", db_col_str(q, 1));
    jw_member_str(w, "epoch", db_col_str(q, 2));
    jw_member_i64(w, "seq", db_col_i64(q, 3));
    jw_member_str(w, "type", db_col_str(q, 4));
    jw_member_wall(w, "at", (struct wall_time){db_col_i64(q, 5) * NS_PER_MS});
    jw_member_wall(w, "received_at", (struct wall_time){db_col_i64(q, 6) * NS_PER_MS});
    jw_member_raw(w, "event", db_col_str(q, 7));
    jw_end_object(w);
}

static void add_event(struct page *page, const struct db_query *q)
{
    int64_t id = db_col_i64(q, 0);
    write_event(&page->w, q);
    page_is_at_numbers(page, &id);
}

static void add_event_of_run(struct page *page, const struct db_query *q)
{
    int64_t seq = db_col_i64(q, 3);
    write_event(&page->w, q);
    page_is_at_numbers(page, &seq);
}

bool api_write_events(struct db_query *q, struct page *page, bool by_seq, struct err *err)
{
    return page_rows(page, q, by_seq ? add_event_of_run : add_event, err);
}

bool api_events(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    int64_t position = 0;
    struct str order = http_target_get(&rq->target, "order");
    bool is_oldest = str_eq(order, STR("oldest"));
    if (!is_oldest && !str_is_empty(order) && !str_eq(order, STR("newest"))) {
        return err_set(err, ERR_INVALID, "order is newest or oldest");
    }
    if (!page_begin(&page, rq, rs, 1, err) ||
        !page_after_numbers(&page, is_oldest ? 0 : INT64_MAX, &position, err)) {
        return false;
    }
    static const int statements[] = {HUB_API_EVENTS_NEWEST, HUB_API_EVENTS_NEWEST_OF_DEVICE,
                                     HUB_API_EVENTS_OLDEST, HUB_API_EVENTS_OLDEST_OF_DEVICE};
    struct str device = http_target_get(&rq->target, "device");
    bool is_of_device = !str_is_empty(device);
    struct db_query q =
        db_query(api->own, statements[(is_oldest ? 2 : 0) + (is_of_device ? 1 : 0)]);
    if (is_of_device) {
        db_bind_str(&q, ":device", device);
    }
    db_bind_i64(&q, is_oldest ? ":after" : ":before", position);
    db_bind_opt(&q, ":type", http_target_get(&rq->target, "type"));
    db_bind_i64(&q, ":limit", page_wants(&page));
    return api_write_events(&q, &page, false, err);
}

bool api_events_live(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct http_counts counts;
    struct live_asker asker = {.user = rq->user, .last = rq->headers.last_event_id};
    asker.secret = api_secret_of(rq, &asker.is_token);
    api_http_counts(api, &counts);
    if (counts.streams >= HTTP_STREAMS_MAX) {
        http_add_header(rs, "Retry-After", "30");
        return err_set(err, ERR_BUSY, "%d listen already, which is the most", HTTP_STREAMS_MAX);
    }
    if (str_is_empty(asker.last)) {
        asker.last = http_target_get(&rq->target, "last_event_id");
    }
    rs->is_stream = live_listen(api->live, &asker, &rs->stream, err);
    if (!rs->is_stream && err->code == ERR_BUSY) {
        http_add_header(rs, "Retry-After", "30");
        http_problem(rs, 429, err->msg, err->hint);
        return true;
    }
    rs->type = rs->is_stream ? "text/event-stream" : rs->type;
    return rs->is_stream;
}

/* --- ticks: of all by the log's order, else by time ---------------------------------------------------- */

struct tick_filter {
    const char *kind; /* NULL: of all kinds */
    struct str name, device;
};

static struct tick_filter filter_of(const struct http_request *rq)
{
    static const char *const kinds[] = {"schedule", "sensor", "automation"};
    struct tick_filter f = {.device = http_target_get(&rq->target, "device")};
    for (size_t i = 0; i < COUNT_OF(kinds) && f.kind == NULL; i++) {
        f.name = http_target_get(&rq->target, kinds[i]);
        f.kind = str_is_empty(f.name) ? NULL : kinds[i];
    }
    return f;
}

static bool list_all(struct api *api, struct page *page, struct err *err)
{
    int64_t before = 0;
    if (!page_after_numbers(page, INT64_MAX, &before, err)) {
        return false;
    }
    struct db_query q = db_query(api->own, HUB_API_TICKS);
    db_bind_i64(&q, ":before", before);
    db_bind_i64(&q, ":limit", page_wants(page));
    return api_write_events(&q, page, false, err);
}

static struct db_query ask_ticks(struct api *api, const struct tick_filter *f)
{
    bool has_device = !str_is_empty(f->device);
    struct db_query q = db_query(api->own, f->kind == NULL ? HUB_API_TICKS_ON
                                           : has_device    ? HUB_API_TICKS_OF_DEVICE
                                                           : HUB_API_TICKS_OF);
    if (has_device) {
        db_bind_str(&q, ":device", f->device);
    }
    if (f->kind != NULL) {
        db_bind_str(&q, ":kind", str_from(f->kind));
        db_bind_str(&q, ":name", f->name);
    }
    return q;
}

static void add_tick(struct page *page, const struct db_query *q)
{
    const int64_t at[] = {db_col_i64(q, 5), db_col_i64(q, 8), db_col_i64(q, 3)};
    write_event(&page->w, q);
    page_is_at_numbers(page, at);
}

static bool list_by_time(struct api *api, struct page *page, const struct tick_filter *f,
                         struct err *err)
{
    int64_t position[3];
    if (!page_after_numbers(page, INT64_MAX, position, err)) {
        return false;
    }
    struct db_query q = ask_ticks(api, f);
    db_bind_i64(&q, ":at", position[0]);
    db_bind_i64(&q, ":stream", position[1]);
    db_bind_i64(&q, ":seq", position[2]);
    db_bind_i64(&q, ":limit", page_wants(page));
    return page_rows(page, &q, add_tick, err);
}

bool api_ticks(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    const struct tick_filter filter = filter_of(rq);
    bool is_all = filter.kind == NULL && str_is_empty(filter.device);
    struct page page;
    if (!page_begin(&page, rq, rs, is_all ? 1 : 3, err)) {
        return false;
    }
    return is_all ? list_all(ctx, &page, err) : list_by_time(ctx, &page, &filter, err);
}
