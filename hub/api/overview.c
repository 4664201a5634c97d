/* overview.c - /overview: the fleet at a glance; /search. */
#include "hub/api/api_internal.h"

#include <ctype.h>
#include <stdio.h>

enum { SEARCH_LIMIT = 10, RUN_ID_SIZE = 37, Q_BYTES_MAX = 255, HOURS_FEW = 2000, HOURS_MS = 1000 };
#define HOUR_NS (3600 * NS_PER_SEC)
#define HOUR_MS (HOUR_NS / NS_PER_MS)
#define DAY_NS  (24 * HOUR_NS)

/* Ids of runs begin with the time they were made at (UUID version 7): where those of a day before `t`
 * begin. A device whose clock is further off than that is not counted. */
static void run_id_before(struct wall_time t, char ret[RUN_ID_SIZE])
{
    uint64_t ms = (uint64_t)((t.ns - DAY_NS) / NS_PER_MS);
    (void)snprintf(ret, RUN_ID_SIZE, "%08x-%04x", (unsigned)(ms >> 16), (unsigned)(ms & 0xffff));
}

static bool write_counts(struct api *api, struct http_request *rq,
                         const struct counts_fleet *counts, struct json_writer *w, struct err *err)
{
    static const char *const members[] = {
        "devices_online", "devices_out",      "devices_away", "runs_open",      "checks_failing",
        "alerts_open",    "deployments_open", "lost_events",  "waiting_events", "refusals_day"};
    char recent[RUN_ID_SIZE];
    bool row = false;
    run_id_before((struct wall_time){rq->now.ns - 30 * DAY_NS}, recent);
    struct db_query q = db_query(api->own, HUB_API_DEVICES_KNOWN);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    jw_member_i64(w, "devices", db_col_i64(&q, 0));
    db_reset(&q);
    q = db_query(api->own, HUB_API_OVERVIEW);
    db_bind_str(&q, ":recent", str_from(recent));
    db_bind_i64(&q, ":yesterday", (rq->now.ns - DAY_NS) / NS_PER_MS);
    if (!db_next(&q, &row, err)) {
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        jw_member_i64(w, members[i], db_col_i64(&q, (int)i));
    }
    db_reset(&q);
    jw_member_i64(w, "assets", (int64_t)counts->count);
    jw_member_i64(w, "device_assets", counts->pairs);
    jw_member_i64(w, "assets_failing", counts->failing_assets);
    jw_member_i64(w, "device_assets_failing", counts->failing_pairs);
    jw_member_i64(w, "devices_failing", counts->failing_devices);
    return true;
}

static void count_run(struct api_hours *hours, int64_t at_ms, struct str status)
{
    static const struct str statuses[] = {STR_INIT("success"), STR_INIT("failure"),
                                          STR_INIT("canceled")};
    int64_t hour_ms = at_ms / HOUR_MS * HOUR_MS;
    if (hours->count == 0 || hours->items[hours->count - 1].at_ms != hour_ms) {
        hours->count += hours->count < API_HOURS_MAX ? 1 : 0;
        hours->items[hours->count - 1] = (struct api_hour){.at_ms = hour_ms};
    }
    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        hours->items[hours->count - 1].of[i] += str_eq(status, statuses[i]) ? 1 : 0;
    }
}

/* Those of a large fleet are tens of thousands: they are counted once a second then. */
static bool read_hours(struct api *api, struct http_request *rq, struct err *err)
{
    struct api_hours *hours = &api->hours;
    struct wall_time since = {(rq->now.ns - DAY_NS) / HOUR_NS * HOUR_NS};
    bool ok = true;
    int64_t begun = clock_mono(loop_clock(api->loop)).ns;
    if (hours->rows > HOURS_FEW && begun - hours->made_at.ns < HOURS_MS * NS_PER_MS) {
        return true;
    }
    *hours = (struct api_hours){.made_at = {begun}};
    struct db_query q = db_query(api->own, HUB_API_RUN_HOURS);
    db_bind_i64(&q, ":since", since.ns / NS_PER_MS);
    db_bind_i64(&q, ":until", (rq->now.ns + HOUR_NS) / NS_PER_MS); /* clocks differ */
    while (db_each(&q, &ok, err)) {
        count_run(hours, db_col_i64(&q, 0), db_col_str(&q, 1));
        hours->rows++;
    }
    return ok;
}

static bool write_hours(struct api *api, struct http_request *rq, struct json_writer *w,
                        struct err *err)
{
    static const char *const members[] = {"success", "failure", "canceled"};
    static const char *const sum_members[] = {"runs_success", "runs_failure", "runs_canceled"};
    int64_t sums[3] = {0};
    if (!read_hours(api, rq, err)) {
        return false;
    }
    jw_key(w, STR("runs_by_hour"));
    jw_begin_array(w);
    for (size_t i = 0; i < api->hours.count; i++) {
        const struct api_hour *hour = &api->hours.items[i];
        jw_begin_object(w);
        jw_member_wall(w, "at", (struct wall_time){hour->at_ms * NS_PER_MS});
        for (int k = 0; k < 3; k++) {
            jw_member_i64(w, members[k], hour->of[k]);
            sums[k] += hour->of[k];
        }
        jw_end_object(w);
    }
    jw_end_array(w);
    for (int k = 0; k < 3; k++) {
        jw_member_i64(w, sum_members[k], sums[k]);
    }
    return true;
}

static bool write_failing(struct api *api, struct http_request *rq, struct json_writer *w,
                          struct err *err)
{
    struct summary_failing newest[COUNTS_NEWEST];
    size_t count = 0;
    if (!summary_newest_failing(api->summary, rq->arena, newest, &count, err)) {
        return false;
    }
    jw_key(w, STR("failing"));
    jw_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        const struct summary_failing *f = &newest[i];
        jw_begin_object(w);
        jw_member_str(w, "device", f->device);
        jw_member_str(w, "asset", f->asset);
        jw_member_wall(w, "failed_at", f->at);
        jw_member_opt(w, "failed_run", f->run);
        row_member_json(w, "error", f->error);
        jw_end_object(w);
    }
    jw_end_array(w);
    return true;
}

static void write_freshness(const struct counts_fleet *counts, struct json_writer *w)
{
    jw_key(w, STR("freshness"));
    jw_begin_object(w);
    for (int i = 0; i < FRESH_COUNT; i++) {
        jw_member_i64(w, freshness_word((enum freshness_word)i), counts->words.of[i]);
    }
    jw_end_object(w);
}

bool api_overview(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct json_writer w = json_writer(&rs->body);
    struct counts *counts = NULL;
    if (!api_counts(api, &counts, err)) {
        return false;
    }
    const struct counts_fleet *fleet = counts_fleet(counts);
    jw_begin_object(&w);
    jw_member_str(&w, "fleet", api->config->fleet);
    jw_member_str(&w, "version", STR(SELVEDGE_VERSION));
    bool ok = write_counts(api, rq, fleet, &w, err) && write_hours(api, rq, &w, err) &&
              write_failing(api, rq, &w, err);
    write_freshness(fleet, &w);
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
