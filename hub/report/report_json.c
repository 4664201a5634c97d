#include "hub/report/report.h"

#include "common/json/json_writer.h"

static void opt_number(struct json_writer *w, const char *key, int64_t v)
{
    if (v != HUB_UNKNOWN) {
        jw_member_i64(w, key, v);
    }
}

static void begin_list(struct json_writer *w, const char *key)
{
    jw_key(w, str_from(key));
    jw_begin_array(w);
}

static void write_devices(struct json_writer *w, const struct report *r)
{
    begin_list(w, "devices");
    for (size_t i = 0; i < r->devices.count; i++) {
        const struct report_device *d = &r->devices.items[i];
        jw_begin_object(w);
        jw_member_str(w, "device", d->id);
        jw_member_str(w, "status", d->status);
        jw_member_opt_wall(w, "last_seen_at", d->last_seen);
        jw_member_opt(w, "offline_reason", d->reason);
        jw_member_i64(w, "waiting_events", d->waiting);
        jw_member_i64(w, "lost_events", d->lost);
        jw_member_i64(w, "failing", d->failing);
        opt_number(w, "clock_offset_ms", d->clock_offset_ms);
        jw_member_opt_wall(w, "certificate_expires_at", d->not_after);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void write_assets(struct json_writer *w, const struct report *r)
{
    begin_list(w, "assets");
    for (size_t i = 0; i < r->activity.count; i++) {
        const struct hub_activity *a = &r->activity.items[i];
        jw_begin_object(w);
        jw_member_str(w, "asset", a->asset);
        jw_member_i64(w, "devices", a->devices);
        jw_member_i64(w, "materializations", a->materializations);
        opt_number(w, "rows_written", a->rows_written);
        opt_number(w, "bytes_read", a->byte_count);
        opt_number(w, "duration_avg_ms", a->duration_avg_ms);
        opt_number(w, "duration_max_ms", a->duration_max_ms);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void write_troubles(struct json_writer *w, const struct report *r)
{
    begin_list(w, "failing");
    for (size_t i = 0; i < r->failures.count; i++) {
        const struct report_failure *f = &r->failures.items[i];
        jw_begin_object(w);
        jw_member_str(w, "asset", f->asset);
        jw_member_str(w, "device", f->device);
        jw_member_opt_wall(w, "at", f->at);
        jw_member_opt(w, "message", f->message);
        jw_end_object(w);
    }
    jw_end_array(w);
    begin_list(w, "checks_failing");
    for (size_t i = 0; i < r->checks.count; i++) {
        const struct report_check *c = &r->checks.items[i];
        jw_begin_object(w);
        jw_member_str(w, "check", c->name);
        jw_member_str(w, "asset", c->asset);
        jw_member_str(w, "device", c->device);
        jw_member_str(w, "severity", c->severity);
        jw_member_opt_wall(w, "at", c->at);
        jw_end_object(w);
    }
    jw_end_array(w);
    begin_list(w, "stale");
    for (size_t i = 0; i < r->stale.count; i++) {
        const struct report_stale *s = &r->stale.items[i];
        jw_begin_object(w);
        jw_member_str(w, "asset", s->asset);
        jw_member_str(w, "device", s->device);
        jw_member_str(w, "freshness", str_from(freshness_word(s->word)));
        jw_member_opt_wall(w, "told_at", s->told_at);
        jw_end_object(w);
    }
    jw_end_array(w);
    begin_list(w, "slowest");
    for (size_t i = 0; i < r->slowest_count; i++) {
        jw_str(w, r->activity.items[r->slowest[i]].asset);
    }
    jw_end_array(w);
}

static void write_counts(struct json_writer *w, const struct report *r)
{
    int64_t ended = r->runs.success + r->runs.failure;
    jw_key(w, STR("runs"));
    jw_begin_object(w);
    jw_member_i64(w, "success", r->runs.success);
    jw_member_i64(w, "failure", r->runs.failure);
    jw_member_i64(w, "canceled", r->runs.canceled);
    jw_member_i64(w, "open", r->runs.open);
    if (ended > 0) {
        jw_member_double(w, "success_rate", (double)r->runs.success / (double)ended);
    }
    jw_end_object(w);
    jw_key(w, STR("freshness"));
    jw_begin_object(w);
    for (int i = 0; i < FRESH_COUNT; i++) {
        jw_member_i64(w, freshness_word((enum freshness_word)i), r->freshness[i]);
    }
    jw_end_object(w);
    jw_key(w, STR("totals"));
    jw_begin_object(w);
    jw_member_i64(w, "devices", r->totals.devices);
    jw_member_i64(w, "online", r->online);
    jw_member_i64(w, "away", r->away);
    jw_member_i64(w, "assets", r->totals.assets);
    jw_member_i64(w, "failing", (int64_t)r->failures.total);
    jw_member_i64(w, "checks_failing", (int64_t)r->checks.total);
    jw_member_i64(w, "materializations", r->loaded.materializations);
    jw_member_i64(w, "rows_written", r->loaded.rows);
    jw_member_i64(w, "bytes_read", r->loaded.bytes);
    jw_member_i64(w, "events", r->totals.events);
    jw_member_i64(w, "lost_events", r->totals.lost_events);
    jw_member_i64(w, "waiting_events", r->waiting);
    jw_member_i64(w, "refusals", r->refusals);
    jw_end_object(w);
}

void report_write_json(const struct report *report, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "fleet", report->fleet);
    jw_member_wall(&w, "since", report->since);
    jw_member_wall(&w, "until", report->until);
    write_counts(&w, report);
    write_devices(&w, report);
    write_assets(&w, report);
    write_troubles(&w, report);
    jw_end_object(&w);
}
