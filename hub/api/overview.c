/* overview.c - /overview: the fleet at a glance; /search. */
#include "hub/api/api_internal.h"

#include <ctype.h>
#include <stdio.h>

enum { SEARCH_LIMIT = 10, RUN_ID_SIZE = 37, Q_BYTES_MAX = 255 };
#define HOUR_NS (3600 * NS_PER_SEC)
#define DAY_NS  (24 * HOUR_NS)

/* Ids of runs begin with the time they were made at (UUID version 7): where those of a day before `t`
 * begin. A device whose clock is further off than that is not counted. */
static void run_id_before(struct wall_time t, char ret[RUN_ID_SIZE])
{
    uint64_t ms = (uint64_t)((t.ns - DAY_NS) / NS_PER_MS);
    (void)snprintf(ret, RUN_ID_SIZE, "%08x-%04x", (unsigned)(ms >> 16), (unsigned)(ms & 0xffff));
}

static bool write_counts(struct api *api, struct http_request *rq, const struct summary *summary,
                         struct json_writer *w, struct err *err)
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
    jw_member_i64(w, "assets", (int64_t)summary->count);
    jw_member_i64(w, "assets_failing", summary->failing_assets);
    jw_member_i64(w, "device_assets_failing", summary->failing_pairs);
    jw_member_i64(w, "devices_failing", summary->failing_devices);
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

static void write_failing(const struct summary *summary, struct json_writer *w)
{
    jw_key(w, STR("failing"));
    jw_begin_array(w);
    for (size_t i = 0; i < summary->failing_count; i++) {
        const struct summary_failing *f = &summary->failing[i];
        jw_begin_object(w);
        jw_member_str(w, "device", f->device);
        jw_member_str(w, "asset", f->asset);
        jw_member_wall(w, "failed_at", f->at);
        jw_member_opt(w, "failed_run", f->run);
        row_member_json(w, "error", f->error);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void write_freshness(const struct summary *summary, struct json_writer *w)
{
    jw_key(w, STR("freshness"));
    jw_begin_object(w);
    for (int i = 0; i < FRESH_COUNT; i++) {
        jw_member_i64(w, freshness_word((enum freshness_word)i), summary->words[i]);
    }
    jw_end_object(w);
}

bool api_overview(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct json_writer w = json_writer(&rs->body);
    const struct summary *summary = NULL;
    if (!api_summary_get(api, rq->now, &summary, err)) {
        return false;
    }
    jw_begin_object(&w);
    jw_member_str(&w, "fleet", api->config->fleet);
    jw_member_str(&w, "version", STR(SELVEDGE_VERSION));
    bool ok = write_counts(api, rq, summary, &w, err) && write_hours(api, rq, &w, err);
    write_failing(summary, &w);
    write_freshness(summary, &w);
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
