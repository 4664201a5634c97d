/* backfills.c - /backfills: how far each is, by what became of its partitions. */
#include "hub/api/api_internal.h"

#include <stdio.h>

enum { RUNS_SHOWN_MAX = 5000 };

/* Of partitions, by the newest run that was asked for them. */
struct progress {
    int64_t runs, done, failed, canceled, running;
};
struct backfill_row {
    struct str id;
    int64_t stream, partitions, per_run;
};

/* A run of an agent that does not count its partitions makes as many as the backfill says. */
static int64_t partitions_of(const struct db_query *q, const struct backfill_row *b)
{
    if (!db_col_is_null(q, 4)) {
        return db_col_i64(q, 4);
    }
    if (db_col_is_null(q, 3)) {
        return 1;
    }
    return b->per_run > 0 ? b->per_run : b->partitions;
}

static void add_run(struct progress *p, struct str status, int64_t partitions)
{
    int64_t *const count = str_eq(status, STR("success"))    ? &p->done
                           : str_eq(status, STR("failure"))  ? &p->failed
                           : str_eq(status, STR("canceled")) ? &p->canceled
                           : str_eq(status, STR("started"))  ? &p->running
                                                             : NULL;
    p->runs++;
    if (count != NULL) {
        *count += partitions;
    }
}

static void write_run(struct json_writer *w, const struct db_query *q, int64_t partitions)
{
    jw_begin_object(w);
    jw_member_str(w, "run", db_col_str(q, 0));
    jw_member_str(w, "status", db_col_str(q, 1));
    jw_member_opt(w, "partition", db_col_str(q, 2));
    jw_member_opt(w, "partition_end", db_col_str(q, 3));
    jw_member_i64(w, "partitions", partitions);
    jw_member_opt_wall(w, "enqueued_at", api_col_at(q, 5));
    jw_member_opt_wall(w, "started_at", api_col_at(q, 6));
    jw_member_opt_wall(w, "ended_at", api_col_at(q, 7));
    jw_end_object(w);
}

/* The partitions of the run before; those of a later try of the same take its place. */
struct part {
    char first[256], last[256], status[16];
    int64_t partitions;
    bool is_there;
};

static void put(char *into, size_t size, struct str text)
{
    (void)snprintf(into, size, STR_FMT, STR_ARG(text));
}

/* With `w` each run is written too. */
static bool read_runs(struct api *api, const struct backfill_row *b, struct json_writer *w,
                      struct progress *ret, struct err *err)
{
    struct db_query q = db_query(api->own, HUB_API_BACKFILL_RUNS);
    struct part before = {0};
    int64_t shown = 0;
    bool row = false;
    bool ok = true;
    db_bind_str(&q, ":backfill", b->id);
    db_bind_i64(&q, ":stream", b->stream);
    while ((ok = db_next(&q, &row, err)) && row) {
        int64_t partitions = partitions_of(&q, b);
        bool is_again = before.is_there && str_eq(db_col_str(&q, 2), str_from(before.first)) &&
                        str_eq(db_col_str(&q, 3), str_from(before.last));
        if (is_again) {
            partitions = db_col_is_null(&q, 4) ? before.partitions : partitions;
        } else if (before.is_there) {
            add_run(ret, str_from(before.status), before.partitions);
        }
        before.is_there = true;
        before.partitions = partitions;
        put(before.first, sizeof(before.first), db_col_str(&q, 2));
        put(before.last, sizeof(before.last), db_col_str(&q, 3));
        put(before.status, sizeof(before.status), db_col_str(&q, 1));
        if (w != NULL && shown++ < RUNS_SHOWN_MAX) {
            write_run(w, &q, partitions);
        }
    }
    if (ok && before.is_there) {
        add_run(ret, str_from(before.status), before.partitions);
    }
    return ok;
}

static void write_facts(struct json_writer *w, const struct db_query *q)
{
    jw_member_str(w, "backfill", db_col_str(q, 1));
    jw_member_str(w, "device", db_col_str(q, 0));
    jw_member_str(w, "status", db_col_str(q, 2));
    jw_member_opt(w, "command", db_col_str(q, 3));
    jw_member_opt(w, "selection", db_col_str(q, 4));
    jw_member_opt(w, "reason", db_col_str(q, 5));
    jw_member_wall(w, "at", api_col_at(q, 6));
    jw_member_opt(w, "first", db_col_str(q, 9));
    jw_member_opt(w, "last", db_col_str(q, 10));
    if (!db_col_is_null(q, 11)) {
        jw_member_i64(w, "per_run", db_col_i64(q, 11));
    }
    jw_member_opt(w, "parent", db_col_str(q, 12));
    jw_member_opt_wall(w, "begun_at", api_col_at(q, 13));
}

static void write_progress(struct json_writer *w, const struct backfill_row *b,
                           const struct progress *p)
{
    int64_t left = b->partitions - p->done - p->failed - p->canceled - p->running;
    jw_member_i64(w, "partitions", b->partitions);
    jw_member_i64(w, "runs", p->runs);
    jw_member_i64(w, "done", p->done);
    jw_member_i64(w, "failed", p->failed);
    jw_member_i64(w, "canceled", p->canceled);
    jw_member_i64(w, "running", p->running);
    jw_member_i64(w, "waiting", left < 0 ? 0 : left);
}

static struct backfill_row row_of(const struct db_query *q)
{
    return (struct backfill_row){.id = db_col_str(q, 1),
                                 .stream = db_col_i64(q, 7),
                                 .partitions = db_col_i64(q, 8),
                                 .per_run = db_col_i64(q, 11)};
}

/* --- the list ---------------------------------------------------------------------------------------- */

static bool bind_position(struct db_query *q, const struct page *page, struct err *err)
{
    int64_t at = INT64_MAX;
    int64_t stream = INT64_MAX;
    bool has_cursor = !str_is_empty(page->after[0]);
    if (has_cursor && (!str_to_i64(page->after[0], INT64_MIN, INT64_MAX, &at) ||
                       !str_to_i64(page->after[1], INT64_MIN, INT64_MAX, &stream))) {
        return err_set(err, ERR_INVALID, "the cursor is none of this list");
    }
    db_bind_i64(q, ":at", at);
    db_bind_i64(q, ":stream", stream);
    db_bind_str(q, ":backfill", page->after[2]);
    return true;
}

static void remember(struct page *page, struct http_request *rq, const struct db_query *q)
{
    if (page->count == page->limit) {
        const struct str at[] = {arena_printf(rq->arena, "%lld", (long long)db_col_i64(q, 6)),
                                 arena_printf(rq->arena, "%lld", (long long)db_col_i64(q, 7)),
                                 db_col_str(q, 1)};
        page_is_at(page, at);
    }
}

static bool fill(struct api *api, struct http_request *rq, struct page *page, struct err *err)
{
    struct db_query q = db_query(api->own, HUB_API_BACKFILLS);
    bool row = false;
    bool ok = true;
    if (!bind_position(&q, page, err)) {
        return false;
    }
    db_bind_opt(&q, ":device", http_target_get(&rq->target, "device"));
    db_bind_opt(&q, ":status", http_target_get(&rq->target, "status"));
    db_bind_i64(&q, ":limit", page_wants(page));
    while ((ok = db_next(&q, &row, err)) && row) {
        if (!page_has_room(page)) {
            continue;
        }
        struct backfill_row b = row_of(&q);
        struct progress p = {0};
        if (!read_runs(api, &b, NULL, &p, err)) {
            db_reset(&q);
            return false;
        }
        jw_begin_object(&page->w);
        write_facts(&page->w, &q);
        write_progress(&page->w, &b, &p);
        jw_end_object(&page->w);
        remember(page, rq, &q);
    }
    return ok;
}

bool api_backfills(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct page page;
    if (!page_begin(&page, rq, rs, 3, err)) {
        return false;
    }
    bool ok = fill(ctx, rq, &page, err);
    page_end(&page);
    return ok;
}

/* --- one --------------------------------------------------------------------------------------------- */

bool api_backfill(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct json_writer w = json_writer(&rs->body);
    struct db_query q = db_query(api->own, HUB_API_BACKFILL);
    struct progress p = {0};
    bool row = false;
    db_bind_str(&q, ":device", rq->args[0]);
    db_bind_str(&q, ":backfill", rq->args[1]);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    if (!row) {
        return err_set(err, ERR_NOT_FOUND, "there is no backfill " STR_FMT " on " STR_FMT,
                       STR_ARG(rq->args[1]), STR_ARG(rq->args[0]));
    }
    struct backfill_row b = row_of(&q);
    jw_begin_object(&w);
    write_facts(&w, &q);
    jw_key(&w, STR("run_list"));
    jw_begin_array(&w);
    bool ok = read_runs(api, &b, &w, &p, err);
    jw_end_array(&w);
    write_progress(&w, &b, &p);
    jw_end_object(&w);
    db_reset(&q);
    return ok;
}
