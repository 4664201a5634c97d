/* health.c - /healthz, /readyz, /metrics */
#include "hub/api/api_internal.h"
#include "hub/report/question.h"

bool api_health(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    (void)ctx;
    (void)rq;
    (void)err;
    rs->type = "text/plain; charset=utf-8";
    buf_add(&rs->body, STR("ok\n"));
    return true;
}

static void count_row(void *ctx, struct str status, int64_t runs)
{
    (void)status;
    *(int64_t *)ctx += runs;
}

bool api_ready(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    int64_t runs = 0;
    if (!hub_each_run_count(api->db, rq->now, count_row, &runs, err)) {
        return false;
    }
    rs->type = "text/plain; charset=utf-8";
    buf_add(&rs->body, STR("ready\n"));
    return true;
}

/* --- metrics ------------------------------------------------------------------------------------- */

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(struct buf *out, const char *name, const char *type, const char *help, int64_t v)
{
    head(out, name, type, help);
    buf_addf(out, "%s %lld\n", name, (long long)v);
}

static void write_server(struct api *api, struct buf *out)
{
    struct http_counts c;
    api_http_counts(api, &c);
    head(out, "selvedge_web_requests_total", "counter",
         "Requests answered, by class of the status.");
    for (int i = 1; i < 6; i++) {
        buf_addf(out, "selvedge_web_requests_total{code=\"%dxx\"} %lld\n", i,
                 (long long)c.requests[i]);
    }
    one(out, "selvedge_web_connections", "gauge", "Open connections.", c.connections);
    one(out, "selvedge_web_connections_max", "gauge", "Connections that are taken at once.",
        c.connections_max);
    one(out, "selvedge_web_connections_total", "counter", "Connections accepted.",
        c.connections_total);
    one(out, "selvedge_web_connections_refused_total", "counter",
        "Connections refused because one address had its share, or nobody could give way.",
        c.refused_connections);
    one(out, "selvedge_web_connections_displaced_total", "counter",
        "Connections that were idle longest and gave way to new ones.", c.displaced_connections);
    one(out, "selvedge_web_connections_cut_total", "counter",
        "Connections cut because they were too slow or idle.", c.cut_connections);
    one(out, "selvedge_web_streams", "gauge", "Listeners to live events.", c.streams);
    one(out, "selvedge_web_cache_hits_total", "counter", "Requests answered from what was kept.",
        c.cache_hits);
    one(out, "selvedge_web_cache_bytes", "gauge", "Bytes of kept answers.", c.cache_bytes);
    one(out, "selvedge_web_response_bytes_total", "counter", "Bytes of answers, without headers.",
        c.bytes_out);
    one(out, "selvedge_web_response_bytes_pending", "gauge",
        "Bytes of answers that clients have not taken yet.", c.bytes_pending);
    head(out, "selvedge_web_handler_seconds_total", "counter", "Time spent making answers.");
    buf_addf(out, "selvedge_web_handler_seconds_total %.6f\n", (double)c.handler_ns / 1e9);
}

static void write_certificates(struct api *api, struct wall_time now, struct buf *out)
{
    const struct report_question question = report_question_from(api->config, now);
    head(out, "selvedge_hub_certificate_expiry_timestamp_seconds", "gauge",
         "When the hub's own certificates end.");
    for (size_t i = 0; i < question.certificate_count; i++) {
        buf_addf(out,
                 "selvedge_hub_certificate_expiry_timestamp_seconds{certificate=\"%s\"} %lld\n",
                 question.certificates[i].name,
                 (long long)(question.certificates[i].not_after.ns / NS_PER_SEC));
    }
}

static bool write_fleet(struct api *api, struct buf *out, struct err *err)
{
    bool row = false;
    struct db_query q = db_query(api->own, HUB_API_OVERVIEW);
    db_bind_str(&q, ":recent", STR(""));
    if (!db_next(&q, &row, err)) {
        return false;
    }
    head(out, "selvedge_devices", "gauge", "Devices by state.");
    buf_addf(out, "selvedge_devices{state=\"online\"} %lld\n", (long long)db_col_i64(&q, 0));
    buf_addf(out, "selvedge_devices{state=\"away\"} %lld\n", (long long)db_col_i64(&q, 2));
    buf_addf(out, "selvedge_devices{state=\"out\"} %lld\n", (long long)db_col_i64(&q, 1));
    one(out, "selvedge_runs_open", "gauge", "Runs that are queued or under way.",
        db_col_i64(&q, 3));
    one(out, "selvedge_checks_failing", "gauge", "Checks whose last result is a failure.",
        db_col_i64(&q, 4));
    one(out, "selvedge_alerts_open", "gauge", "Open alerts.", db_col_i64(&q, 5));
    one(out, "selvedge_events_lost_total", "counter",
        "Events that devices had to drop before they could send them.", db_col_i64(&q, 7));
    one(out, "selvedge_events_waiting", "gauge", "Events that devices hold for the hub.",
        db_col_i64(&q, 8));
    db_reset(&q);
    struct counts *counts = NULL;
    if (!api_counts(api, &counts, err)) {
        return false;
    }
    one(out, "selvedge_device_assets_failing", "gauge", "Assets failing, counted on each device.",
        counts_fleet(counts)->failing_pairs);
    return true;
}

/* What does not change while the database is the same is made once for all who ask meanwhile. */
static bool write_kept(struct api *api, struct http_request *rq, struct buf *out, struct err *err)
{
    struct api_metrics *kept = &api->metrics;
    int64_t stamp = api->service.stamp(api);
    bool is_young = rq->mono.ns - kept->made_at.ns < HTTP_CACHE_AGE_MS * NS_PER_MS;
    if (kept->text.len == 0 || kept->stamp != stamp || !is_young) {
        buf_reset(&kept->text);
        write_certificates(api, rq->now, &kept->text);
        if (!write_fleet(api, &kept->text, err)) {
            buf_reset(&kept->text);
            return false;
        }
        if (kept->text.overflow) {
            buf_reset(&kept->text);
            return err_set(err, ERR_NO_MEMORY, "the figures do not fit into memory");
        }
        kept->stamp = stamp;
        kept->made_at = rq->mono;
    }
    buf_add(out, buf_str(&kept->text));
    return true;
}

bool api_metrics(void *ctx, struct http_request *rq, struct http_response *rs, struct err *err)
{
    struct api *api = ctx;
    struct buf *out = &rs->body;
    rs->type = "text/plain; version=0.0.4; charset=utf-8";
    head(out, "selvedge_hub_info", "gauge", "Version of the hub.");
    buf_addf(out, "selvedge_hub_info{version=\"%s\"} 1\n", SELVEDGE_VERSION);
    head(out, "selvedge_web_start_time_seconds", "gauge", "When the web process began.");
    int64_t up = rq->mono.ns - api->started.ns;
    buf_addf(out, "selvedge_web_start_time_seconds %.3f\n", (double)(rq->now.ns - up) / 1e9);
    write_server(api, out);
    return write_kept(api, rq, out, err);
}
