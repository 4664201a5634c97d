/* aside.c - /refusals, /quarantine, /clones: what did not come into the log, and why. */
#include "hub/api/api_internal.h"

#include "common/wire/batch.h"
#include "hub/fleet/poke.h"
#include "hub/store/store.h"

enum { LINES_BYTES_MAX = LIMIT_BATCH_BYTES + LIMIT_EVENT_BYTES };

static bool begin(struct page *page, struct http_request *rq, struct http_response *rs,
                  int64_t *ret_before, struct err *err)
{
    *ret_before = INT64_MAX;
    if (!page_begin(page, rq, rs, 1, err)) {
        return false;
    }
    if (str_is_empty(page->after[0]) || str_to_i64(page->after[0], 0, INT64_MAX, ret_before)) {
        return true;
    }
    buf_release(&page->next);
    return err_set(err, ERR_INVALID, "the cursor is none of this list");
}

static void is_at(struct page *page, struct arena *arena, int64_t id)
{
    struct str at = arena_printf(arena, "%lld", (long long)id);
    page_is_at(page, &at);
}

/* --- who was turned away ---------------------------------------------------------------------- */

bool api_refusals(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    int64_t before = 0;
    bool row = false;
    bool ok = true;
    if (!begin(&page, rq, rs, &before, err)) {
        return false;
    }
    struct db_query q = db_query(api->own, HUB_API_REFUSALS);
    db_bind_i64(&q, ":before", before);
    db_bind_i64(&q, ":limit", page_wants(&page));
    while ((ok = db_next(&q, &row, err)) && row) {
        if (page_has_room(&page)) {
            jw_begin_object(&page.w);
            jw_member_wall(&page.w, "at", (struct wall_time){db_col_i64(&q, 1) * NS_PER_MS});
            jw_member_str(&page.w, "peer", db_col_str(&q, 2));
            jw_member_str(&page.w, "what", db_col_str(&q, 3));
            jw_member_str(&page.w, "why", db_col_str(&q, 4));
            jw_end_object(&page.w);
            is_at(&page, rq->arena, db_col_i64(&q, 0));
        }
    }
    page_end(&page);
    return ok;
}

/* --- what contradicts the log ----------------------------------------------------------------- */

static void write_quarantined(struct json_writer *w, const struct db_query *q)
{
    jw_begin_object(w);
    jw_member_i64(w, "id", db_col_i64(q, 0));
    jw_member_str(w, "device", db_col_str(q, 1));
    jw_member_str(w, "epoch", db_col_str(q, 2));
    jw_member_i64(w, "first", db_col_i64(q, 3));
    jw_member_i64(w, "last", db_col_i64(q, 4));
    jw_member_i64(w, "differs_at", db_col_i64(q, 5));
    jw_member_wall(w, "at", (struct wall_time){db_col_i64(q, 6) * NS_PER_MS});
    jw_member_i64(w, "times", db_col_i64(q, 7));
    jw_member_i64(w, "bytes", db_col_i64(q, 8));
    jw_end_object(w);
}

bool api_quarantine(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct page page;
    int64_t before = 0;
    bool row = false;
    bool ok = true;
    if (!begin(&page, rq, rs, &before, err)) {
        return false;
    }
    struct db_query q = db_query(api->own, HUB_API_QUARANTINE);
    db_bind_i64(&q, ":before", before);
    db_bind_opt(&q, ":device", http_target_get(&rq->target, "device"));
    db_bind_i64(&q, ":limit", page_wants(&page));
    while ((ok = db_next(&q, &row, err)) && row) {
        if (page_has_room(&page)) {
            write_quarantined(&page.w, &q);
            is_at(&page, rq->arena, db_col_i64(&q, 0));
        }
    }
    page_end(&page);
    return ok;
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
