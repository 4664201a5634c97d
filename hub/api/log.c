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

bool api_write_events(struct db_query *q, struct page *page, bool by_seq, struct err *err)
{
    bool row = false;
    bool ok = true;
    while ((ok = db_next(q, &row, err)) && row) {
        if (page_has_room(page)) {
            char memory[32];
            struct buf at = buf_fixed(memory, sizeof(memory));
            write_event(&page->w, q);
            buf_add_i64(&at, db_col_i64(q, by_seq ? 3 : 0));
            struct str part = buf_str(&at);
            page_is_at(page, &part);
        }
    }
    page_end(page);
    return ok;
}

static bool read_position(struct page *page, int64_t fallback, int64_t *ret, struct err *err)
{
    *ret = fallback;
    if (str_is_empty(page->after[0]) || str_to_i64(page->after[0], 0, INT64_MAX, ret)) {
        return true;
    }
    buf_release(&page->next);
    return err_set(err, ERR_INVALID, "the cursor is none of this list");
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
        !read_position(&page, is_oldest ? 0 : INT64_MAX, &position, err)) {
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
    struct str last = rq->headers.last_event_id;
    bool is_token = false;
    struct str secret = api_secret_of(rq, &is_token);
    api_http_counts(api, &counts);
    if (counts.streams >= HTTP_STREAMS_MAX) {
        http_add_header(rs, "Retry-After", "30");
        return err_set(err, ERR_BUSY, "%d listen already, which is the most", HTTP_STREAMS_MAX);
    }
    last = str_is_empty(last) ? http_target_get(&rq->target, "last_event_id") : last;
    rs->type = "text/event-stream";
    rs->is_stream = live_listen(api->live, last, secret, is_token, &rs->stream, err);
    return rs->is_stream;
}

bool api_ticks(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    int64_t before = 0;
    if (!page_begin(&page, rq, rs, 1, err) || !read_position(&page, INT64_MAX, &before, err)) {
        return false;
    }
    static const char *const kinds[] = {"schedule", "sensor", "automation"};
    struct str name = STR_NONE;
    size_t kind = 0;
    for (; kind < COUNT_OF(kinds) && str_is_empty(name); kind++) {
        name = http_target_get(&rq->target, kinds[kind]);
    }
    bool is_of_one = !str_is_empty(name);
    struct db_query q = db_query(api->own, is_of_one ? HUB_API_TICKS_OF : HUB_API_TICKS);
    if (is_of_one) {
        db_bind_str(&q, ":kind", str_from(kinds[kind - 1]));
        db_bind_str(&q, ":name", name);
    }
    db_bind_i64(&q, ":before", before);
    db_bind_opt(&q, ":device", http_target_get(&rq->target, "device"));
    db_bind_i64(&q, ":limit", page_wants(&page));
    return api_write_events(&q, &page, false, err);
}
