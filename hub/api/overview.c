/* overview.c - /overview: the fleet at a glance; /search. */
#include "hub/api/api_internal.h"

#include <ctype.h>
#include <stdio.h>

enum { FAILING_SHOWN = 20, SEARCH_LIMIT = 10, RUN_ID_SIZE = 37, Q_BYTES_MAX = 255 };
#define HOUR_NS (3600 * NS_PER_SEC)
#define DAY_NS  (24 * HOUR_NS)

/* Ids of runs begin with the time they were made at (UUID version 7): where those of a day before `t`
 * begin. A device whose clock is further off than that is not counted. */
static void run_id_before(struct wall_time t, char ret[RUN_ID_SIZE])
{
    uint64_t ms = (uint64_t)((t.ns - DAY_NS) / NS_PER_MS);
    (void)snprintf(ret, RUN_ID_SIZE, "%08x-%04x", (unsigned)(ms >> 16), (unsigned)(ms & 0xffff));
}

static bool write_counts(struct api *api, struct http_request *rq, struct json_writer *w,
                         struct err *err)
{
    static const char *const members[] = {"devices",        "devices_online", "devices_out",
                                          "devices_away",   "device_assets",  "runs_open",
                                          "checks_failing", "alerts_open",    "deployments_open",
                                          "lost_events",    "waiting_events"};
    char recent[RUN_ID_SIZE];
    bool row = false;
    run_id_before((struct wall_time){rq->now.ns - 30 * DAY_NS}, recent);
    struct db_query q = db_query(api->own, HUB_API_OVERVIEW);
    db_bind_str(&q, ":recent", str_from(recent));
    if (!db_next(&q, &row, err)) {
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        jw_member_i64(w, members[i], db_col_i64(&q, (int)i));
    }
    db_reset(&q);
    struct db_query assets = db_query(api->own, HUB_API_ASSET_COUNT);
    if (!db_next(&assets, &row, err)) {
        return false;
    }
    jw_member_i64(w, "assets", db_col_i64(&assets, 0));
    db_reset(&assets);
    struct db_query failing = db_query(api->own, HUB_API_FAILING_COUNT);
    if (!db_next(&failing, &row, err)) {
        return false;
    }
    jw_member_i64(w, "assets_failing", db_col_i64(&failing, 0));
    jw_member_i64(w, "device_assets_failing", db_col_i64(&failing, 1));
    jw_member_i64(w, "devices_failing", db_col_i64(&failing, 2));
    db_reset(&failing);
    return true;
}

static bool write_hours(struct api *api, struct http_request *rq, struct json_writer *w,
                        struct err *err)
{
    struct wall_time since = {(rq->now.ns - DAY_NS) / HOUR_NS * HOUR_NS};
    char recent[RUN_ID_SIZE];
    bool row = false;
    bool ok = true;
    int64_t sums[3] = {0};
    run_id_before(since, recent);
    struct db_query q = db_query(api->own, HUB_API_RUN_HOURS);
    db_bind_str(&q, ":recent", str_from(recent));
    db_bind_i64(&q, ":since", since.ns / NS_PER_MS);
    jw_key(w, STR("runs_by_hour"));
    jw_begin_array(w);
    while ((ok = db_next(&q, &row, err)) && row) {
        static const char *const members[] = {"success", "failure", "canceled"};
        jw_begin_object(w);
        jw_member_wall(w, "at", (struct wall_time){db_col_i64(&q, 0) * NS_PER_MS});
        for (int i = 0; i < 3; i++) {
            jw_member_i64(w, members[i], db_col_i64(&q, i + 1));
            sums[i] += db_col_i64(&q, i + 1);
        }
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_member_i64(w, "runs_success", sums[0]);
    jw_member_i64(w, "runs_failure", sums[1]);
    jw_member_i64(w, "runs_canceled", sums[2]);
    return ok;
}

static bool write_failing(struct api *api, struct json_writer *w, struct err *err)
{
    struct db_query q = db_query(api->own, HUB_API_FAILING_ASSETS);
    bool row = false;
    bool ok = true;
    db_bind_i64(&q, ":limit", FAILING_SHOWN);
    jw_key(w, STR("failing"));
    jw_begin_array(w);
    while ((ok = db_next(&q, &row, err)) && row) {
        jw_begin_object(w);
        jw_member_str(w, "device", db_col_str(&q, 0));
        jw_member_str(w, "asset", db_col_str(&q, 1));
        jw_member_wall(w, "failed_at", (struct wall_time){db_col_i64(&q, 2) * NS_PER_MS});
        jw_member_opt(w, "failed_run", db_col_str(&q, 3));
        row_member_json(w, "error", db_col_str(&q, 4));
        jw_end_object(w);
    }
    jw_end_array(w);
    return ok;
}

static void count_freshness(void *ctx, const struct hub_freshness *f)
{
    int64_t *counts = ctx;
    counts[f->word]++;
}

static bool write_freshness(struct api *api, struct http_request *rq, struct json_writer *w,
                            struct err *err)
{
    int64_t counts[FRESH_COUNT] = {0};
    const struct hub_filter all = {0};
    if (!hub_each_freshness(api->db, &all, rq->now, count_freshness, counts, err)) {
        return false;
    }
    jw_key(w, STR("freshness"));
    jw_begin_object(w);
    for (int i = 0; i < FRESH_COUNT; i++) {
        jw_member_i64(w, freshness_word((enum freshness_word)i), counts[i]);
    }
    jw_end_object(w);
    return true;
}

bool api_overview(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct json_writer w = json_writer(&rs->body);
    jw_begin_object(&w);
    jw_member_str(&w, "fleet", api->config->fleet);
    jw_member_str(&w, "version", STR(SELVEDGE_VERSION));
    bool ok = write_counts(api, rq, &w, err) && write_hours(api, rq, &w, err) &&
              write_failing(api, &w, err) && write_freshness(api, rq, &w, err);
    jw_end_object(&w);
    return ok;
}

/* --- search ---------------------------------------------------------------------------------------- */

static bool find(struct api *api, int sql_id, struct str q_text, const char *kind,
                 struct json_writer *w, struct err *err)
{
    struct db_query q = db_query(api->own, sql_id);
    bool row = false;
    bool ok = true;
    db_bind_str(&q, ":q", q_text);
    db_bind_i64(&q, ":limit", SEARCH_LIMIT);
    while ((ok = db_next(&q, &row, err)) && row) {
        jw_begin_object(w);
        jw_member_str(w, "kind", str_from(kind));
        jw_member_str(w, kind, db_col_str(&q, 0));
        if (sql_id == HUB_API_RUN_NAMES) {
            jw_member_str(w, "device", db_col_str(&q, 1));
            jw_member_str(w, "status", db_col_str(&q, 2));
            jw_member_opt(w, "job", db_col_str(&q, 3));
        } else if (sql_id == HUB_API_DEVICE_NAMES) {
            jw_member_opt(w, "display_name", db_col_str(&q, 1));
        }
        jw_end_object(w);
    }
    return ok;
}

bool api_search(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct json_writer w = json_writer(&rs->body);
    struct str text = str_trim(http_target_get(&rq->target, "q"));
    char lower[Q_BYTES_MAX + 1];
    if (str_is_empty(text) || text.len > Q_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "q is what to look for, 1 to %d bytes", Q_BYTES_MAX);
    }
    for (size_t i = 0; i < text.len; i++) {
        lower[i] = (char)tolower((unsigned char)text.ptr[i]);
    }
    struct str q = {lower, text.len};
    jw_begin_object(&w);
    jw_key(&w, STR("items"));
    jw_begin_array(&w);
    bool ok = find(api, HUB_API_DEVICE_NAMES, q, "device", &w, err) &&
              find(api, HUB_API_ASSET_NAMES, q, "asset", &w, err) &&
              find(api, HUB_API_RUN_NAMES, q, "run", &w, err);
    jw_end_array(&w);
    jw_key(&w, STR("next"));
    jw_null(&w);
    jw_end_object(&w);
    return ok;
}
