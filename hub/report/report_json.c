#include "hub/report/report_words.h"

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
        jw_member_opt(w, "group", d->group);
        opt_number(w, "clock_offset_ms", d->clock_offset_ms);
        jw_member_opt_wall(w, "certificate_expires_at", d->not_after);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void write_load(struct json_writer *w, const struct hub_load *load)
{
    jw_member_i64(w, "materializations", load->materializations);
    opt_number(w, "rows_written", load->rows);
    opt_number(w, "bytes_read", load->bytes);
}

static void write_before(struct json_writer *w, const struct hub_load *before)
{
    jw_key(w, STR("before"));
    jw_begin_object(w);
    write_load(w, before);
    jw_end_object(w);
}

static void write_assets(struct json_writer *w, const struct report *r)
{
    begin_list(w, "assets");
    for (size_t i = 0; i < r->assets.count; i++) {
        const struct report_asset *a = &r->assets.items[i];
        jw_begin_object(w);
        jw_member_str(w, "asset", a->asset);
        jw_member_i64(w, "devices", a->devices);
        write_load(w, &a->now);
        opt_number(w, "duration_avg_ms", a->duration_avg_ms);
        opt_number(w, "duration_max_ms", a->duration_max_ms);
        jw_member_i64(w, "steps", a->steps);
        jw_member_i64(w, "retries", a->retries);
        jw_member_i64(w, "failed_attempts", a->failed_attempts);
        write_before(w, &a->before);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void write_runs(struct json_writer *w, const char *key, const struct report_runs *runs)
{
    int64_t ended = report_runs_ended(runs);
    jw_key(w, str_from(key));
    jw_begin_object(w);
    jw_member_i64(w, "success", runs->success);
    jw_member_i64(w, "failure", runs->failure);
    jw_member_i64(w, "canceled", runs->canceled);
    jw_member_i64(w, "open", runs->open);
    if (ended > 0) {
        jw_member_double(w, "success_rate", (double)runs->success / (double)ended);
    }
    jw_end_object(w);
}

static void write_groups(struct json_writer *w, const struct report *r)
{
    jw_member_str(w, "group_by", r->group_by);
    begin_list(w, "groups");
    for (size_t i = 0; i < r->groups.count; i++) {
        const struct report_group *g = &r->groups.items[i];
        jw_begin_object(w);
        jw_member_str(w, "group", g->name);
        jw_member_i64(w, "devices", g->devices);
        jw_member_i64(w, "online", g->online);
        jw_member_i64(w, "away", g->away);
        jw_member_i64(w, "failing", g->failing);
        jw_member_i64(w, "late", g->late);
        write_runs(w, "runs", &g->runs);
        write_runs(w, "runs_before", &g->runs_before);
        write_load(w, &g->now);
        write_before(w, &g->before);
        jw_end_object(w);
    }
    jw_end_array(w);
    begin_list(w, "loads");
    for (size_t i = 0; i < r->loads.count; i++) {
        const struct report_load *l = &r->loads.items[i];
        jw_begin_object(w);
        jw_member_str(w, "asset", l->asset);
        jw_member_str(w, "group", l->group);
        write_load(w, &l->now);
        write_before(w, &l->before);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void write_days(struct json_writer *w, const struct report *r)
{
    begin_list(w, "days");
    for (int i = 0; i < REPORT_DAYS; i++) {
        jw_begin_object(w);
        jw_member_wall(w, "from", r->days[i].from);
        write_runs(w, "runs", &r->days[i].runs);
        write_load(w, &r->days[i].load);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void write_losses(struct json_writer *w, const struct report *r)
{
    begin_list(w, "losses");
    for (size_t i = 0; i < r->losses.count; i++) {
        const struct report_gap *g = &r->losses.items[i];
        jw_begin_object(w);
        jw_member_str(w, "device", g->device);
        jw_member_opt(w, "reason", g->reason);
        jw_member_i64(w, "gaps", g->gaps);
        jw_member_i64(w, "events", g->events);
        jw_member_wall(w, "last_at", g->at);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void write_alerts(struct json_writer *w, const struct report *r)
{
    begin_list(w, "alerts");
    for (size_t i = 0; i < r->alerts.count; i++) {
        const struct report_alert *a = &r->alerts.items[i];
        jw_begin_object(w);
        jw_member_str(w, "kind", a->kind);
        if (a->is_group) {
            jw_member_str(w, "label", r->alert_group);
            jw_member_str(w, "value", a->subject);
        } else {
            jw_member_str(w, "device", a->subject);
        }
        jw_member_i64(w, "devices", a->devices);
        jw_member_wall(w, "since", a->opened);
        jw_member_opt_wall(w, "resolved_at", a->resolved);
        jw_member_opt(w, "detail", a->detail);
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
        jw_member_opt_wall(w, "since", f->since);
        jw_member_opt_wall(w, "made_at", f->made);
        jw_member_opt(w, "run", f->run);
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
        jw_str(w, r->assets.items[r->slowest[i]].asset);
    }
    jw_end_array(w);
    begin_list(w, "flakiest");
    for (size_t i = 0; i < r->flakiest_count; i++) {
        jw_str(w, r->assets.items[r->flakiest[i]].asset);
    }
    jw_end_array(w);
}

static void write_attention(struct json_writer *w, const struct report *r)
{
    AUTO(arena) arena = arena_new(REPORT_SPARE_BYTES);
    struct report_line lines[REPORT_LINES_MAX];
    size_t count = report_attention(r, &arena, lines);
    begin_list(w, "attention");
    for (size_t i = 0; i < count; i++) {
        jw_begin_object(w);
        jw_member_str(w, "kind", str_from(lines[i].kind));
        jw_member_str(w, "text", lines[i].text);
        jw_member_opt(w, "asset", lines[i].asset);
        jw_member_opt(w, "device", lines[i].device);
        jw_member_opt(w, "run", lines[i].run);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void write_certificates(struct json_writer *w, const struct report *r)
{
    begin_list(w, "hub_certificates");
    for (size_t i = 0; i < r->certificate_count; i++) {
        jw_begin_object(w);
        jw_member_str(w, "certificate", str_from(r->certificates[i].name));
        jw_member_wall(w, "expires_at", r->certificates[i].not_after);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static int64_t known(int64_t v)
{
    return v == HUB_UNKNOWN ? 0 : v;
}

static void write_counts(struct json_writer *w, const struct report *r)
{
    write_runs(w, "runs", &r->runs);
    write_runs(w, "runs_before", &r->runs_before);
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
    jw_member_i64(w, "out", r->out);
    jw_member_i64(w, "assets", r->totals.assets);
    jw_member_i64(w, "failing", (int64_t)r->failures.total);
    jw_member_i64(w, "checks_failing", (int64_t)r->checks.total);
    jw_member_i64(w, "materializations", r->loaded.materializations);
    jw_member_i64(w, "rows_written", known(r->loaded.rows));
    jw_member_i64(w, "bytes_read", known(r->loaded.bytes));
    jw_member_i64(w, "materializations_before", r->loaded_before.materializations);
    jw_member_i64(w, "rows_written_before", known(r->loaded_before.rows));
    jw_member_i64(w, "bytes_read_before", known(r->loaded_before.bytes));
    jw_member_i64(w, "retries", r->retries);
    jw_member_i64(w, "failed_attempts", r->failed_attempts);
    jw_member_i64(w, "events", r->totals.events);
    jw_member_i64(w, "lost_events", r->totals.lost_events);
    jw_member_i64(w, "waiting_events", r->waiting);
    jw_member_i64(w, "lost_in_time", r->lost);
    jw_member_i64(w, "refusals", r->refusals);
    jw_member_i64(w, "alerts_open", r->alerts_open);
    jw_member_i64(w, "alerts_opened", r->alerts_opened);
    jw_member_i64(w, "alerts_over", r->alerts_over);
    jw_end_object(w);
}

void report_write_json(const struct report *report, struct buf *out)
{
    struct json_writer w = json_writer(out);
    jw_begin_object(&w);
    jw_member_str(&w, "fleet", report->fleet);
    jw_member_wall(&w, "since", report->since);
    jw_member_wall(&w, "until", report->until);
    jw_member_wall(&w, "made_at", report->now);
    write_counts(&w, report);
    write_attention(&w, report);
    write_devices(&w, report);
    write_assets(&w, report);
    write_troubles(&w, report);
    write_groups(&w, report);
    write_days(&w, report);
    write_losses(&w, report);
    write_alerts(&w, report);
    write_certificates(&w, report);
    jw_end_object(&w);
}
