/* aside.c - /refusals, /quarantine, /clones: what did not come into the log, and why. */
#include "hub/api/api_internal.h"

#include "common/wire/batch.h"
#include "hub/fleet/poke.h"
#include "hub/rows/refusal_words.h"
#include "hub/store/store.h"

enum { LINES_BYTES_MAX = LIMIT_BATCH_BYTES + LIMIT_EVENT_BYTES };

/* --- who was turned away ---------------------------------------------------------------------- */

static void add_refusal(struct page *page, const struct db_query *q)
{
    int64_t id = db_col_i64(q, 0);
    jw_begin_object(&page->w);
    jw_member_wall(&page->w, "at", api_col_at(q, 1));
    struct str what = db_col_str(q, 3);
    struct str why = db_col_str(q, 4);
    jw_member_str(&page->w, "peer", db_col_str(q, 2));
    if (refusal_knows_peer(what)) {
        jw_member_opt(&page->w, "device", db_col_str(q, 5));
    }
    jw_member_str(&page->w, "what", what);
    jw_member_str(&page->w, "why", why);
    jw_member_str(&page->w, "advice", str_from(refusal_advice(what, why)));
    jw_end_object(&page->w);
    page_is_at_numbers(page, &id);
}

bool api_refusals(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    int64_t before = 0;
    if (!page_begin(&page, rq, rs, 1, err) || !page_after_numbers(&page, INT64_MAX, &before, err)) {
        return false;
    }
    struct db_query q = db_query(api->own, HUB_API_REFUSALS);
    db_bind_opt(&q, ":peer", http_target_get(&rq->target, "peer"));
    db_bind_i64(&q, ":before", before);
    db_bind_i64(&q, ":limit", page_wants(&page));
    return page_rows(&page, &q, add_refusal, err);
}

/* --- what contradicts the log ----------------------------------------------------------------- */

static void add_quarantined(struct page *page, const struct db_query *q)
{
    struct json_writer *w = &page->w;
    int64_t id = db_col_i64(q, 0);
    jw_begin_object(w);
    jw_member_i64(w, "id", id);
    jw_member_str(w, "device", db_col_str(q, 1));
    jw_member_str(w, "epoch", db_col_str(q, 2));
    jw_member_i64(w, "first", db_col_i64(q, 3));
    jw_member_i64(w, "last", db_col_i64(q, 4));
    jw_member_i64(w, "differs_at", db_col_i64(q, 5));
    jw_member_wall(w, "at", api_col_at(q, 6));
    jw_member_i64(w, "times", db_col_i64(q, 7));
    jw_member_i64(w, "bytes", db_col_i64(q, 8));
    jw_end_object(w);
    page_is_at_numbers(page, &id);
}

bool api_quarantine(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    int64_t before = 0;
    if (!page_begin(&page, rq, rs, 1, err) || !page_after_numbers(&page, INT64_MAX, &before, err)) {
        return false;
    }
    struct db_query q = db_query(api->own, HUB_API_QUARANTINE);
    db_bind_i64(&q, ":before", before);
    db_bind_opt(&q, ":device", http_target_get(&rq->target, "device"));
    db_bind_i64(&q, ":limit", page_wants(&page));
    return page_rows(&page, &q, add_quarantined, err);
}

/* Its events, as they came. */
bool api_quarantined(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    AUTO(buf) payload = buf_growing(LIMIT_MESSAGE_BYTES);
    AUTO(buf) lines = buf_growing(LINES_BYTES_MAX);
    struct json_writer w = json_writer(&rs->body);
    struct batch_header header;
    struct str line = STR_NONE;
    int64_t id = 0;
    if (!str_to_i64(rq->args[0], 1, INT64_MAX, &id)) {
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is not an ID of the list",
                       STR_ARG(rq->args[0]));
    }
    if (!hub_read_quarantined(api->db, id, &payload, err) ||
        !batch_decode(buf_str(&payload), &header, &lines, err)) {
        return false;
    }
    struct str rest = buf_str(&lines);
    jw_begin_object(&w);
    jw_member_i64(&w, "id", id);
    jw_key(&w, STR("events"));
    jw_begin_array(&w);
    while (!str_is_empty(rest)) {
        (void)str_cut(rest, '\n', &line, &rest);
        if (!str_is_empty(line)) {
            jw_raw(&w, line);
        }
    }
    jw_end_array(&w);
    jw_end_object(&w);
    return true;
}

/* --- two hosts with one identity -------------------------------------------------------------- */

static void add_cut_off(void *ctx, const struct hub_cut_off *c)
{
    struct page *page = ctx;
    if (page_has_room(page)) {
        jw_begin_object(&page->w);
        jw_member_str(&page->w, "device", c->device);
        jw_member_str(&page->w, "epoch", c->epoch);
        jw_member_opt_wall(&page->w, "at", c->at);
        jw_member_str(&page->w, "why", c->why);
        jw_end_object(&page->w);
    }
}

bool api_clones(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    if (!page_begin(&page, rq, rs, 1, err)) {
        return false;
    }
    const struct hub_filter filter = {.device = http_target_get(&rq->target, "device")};
    page.limit = INT64_MAX; /* few, and whole */
    bool ok = hub_each_cut_off(api->db, &filter, add_cut_off, &page, err);
    page_end(&page);
    return ok;
}

static bool listen_again(struct api *api, struct str device, struct str epoch, struct err *err)
{
    char database[LIMIT_PATH_BYTES + 1];
    struct db *store = NULL;
    const struct hub_store_options options = {.path = database, .flags = DB_NO_CHECK};
    int64_t count = 0;
    bool ok = hub_path(api->config, "hub.db", database, err) &&
              hub_store_open(&store, &options, err) &&
              hub_clear_cut_off(store, device, epoch, &count, err);
    db_close(store);
    if (ok && count == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "no database of " STR_FMT " is cut off", STR_ARG(device));
        return err_hint(err, "see: selvedge-hub clones");
    }
    return ok;
}

bool api_clone_accept(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    const struct json *body = NULL;
    if (!str_is_empty(rq->body) && !api_body(rq, &body, err)) {
        return false;
    }
    struct str epoch = api_member(body, "epoch");
    if (!listen_again(api, rq->args[0], epoch, err)) {
        return false;
    }
    poke_send(api->config);
    api_audit(api, rq, "clone.accept", rq->args[0], "ok", epoch);
    api_no_content(rs);
    return true;
}
