/* report_csv.c - one section of a report as RFC 4180 with a header line. Spreadsheets run what begins
 * like a formula, so text from elsewhere that does gets a ' before it. */
#include "hub/report/report_words.h"
#include <string.h>

struct csv {
    struct buf *out;
    bool has_cell; /* in the present line */
};

static void part(struct csv *c)
{
    if (c->has_cell) {
        buf_add_char(c->out, ',');
    }
    c->has_cell = true;
}

static void text(struct csv *c, struct str value)
{
    AUTO(buf) harmless = buf_growing(256 << 10);
    buf_add_harmless(&harmless, value);
    struct str s = buf_str(&harmless);
    bool is_formula = s.len > 0 && strchr("=+-@", s.ptr[0]) != NULL;
    part(c);
    buf_add_char(c->out, '"');
    buf_add(c->out, is_formula ? STR("'") : STR(""));
    for (size_t i = 0; i < s.len; i++) {
        buf_add(c->out, s.ptr[i] == '"' ? STR("\"") : STR(""));
        buf_add_char(c->out, s.ptr[i]);
    }
    buf_add_char(c->out, '"');
}

static void number(struct csv *c, int64_t value)
{
    part(c);
    if (value != HUB_UNKNOWN) {
        buf_add_i64(c->out, value);
    }
}

static void moment(struct csv *c, struct wall_time t)
{
    part(c);
    if (t.ns != 0) {
        buf_add_wall(c->out, t);
    }
}

static void load(struct csv *c, const struct hub_load *now, const struct hub_load *before)
{
    number(c, now->materializations);
    number(c, now->rows);
    number(c, now->bytes);
    number(c, before->materializations);
    number(c, before->rows);
    number(c, before->bytes);
}

static void runs(struct csv *c, const struct report_runs *runs)
{
    number(c, runs->success);
    number(c, runs->failure);
    number(c, runs->canceled);
}

static void end(struct csv *c)
{
    buf_add(c->out, STR("\r\n"));
    c->has_cell = false;
}

#define LOAD_HEADER                                                                                \
    "materializations,rows_written,bytes_read,materializations_before,rows_written_before,"        \
    "bytes_read_before"

static void write_assets(const struct report *r, struct csv *c)
{
    for (size_t i = 0; i < r->assets.count; i++) {
        const struct report_asset *a = &r->assets.items[i];
        text(c, a->asset);
        number(c, a->devices);
        load(c, &a->now, &a->before);
        number(c, a->duration_avg_ms);
        number(c, a->duration_max_ms);
        number(c, a->steps);
        number(c, a->retries);
        number(c, a->failed_attempts);
        end(c);
    }
}

static void write_groups(const struct report *r, struct csv *c)
{
    for (size_t i = 0; i < r->groups.count; i++) {
        const struct report_group *g = &r->groups.items[i];
        text(c, g->name);
        number(c, g->devices);
        number(c, g->online);
        number(c, g->away);
        number(c, g->failing);
        number(c, g->late);
        runs(c, &g->runs);
        runs(c, &g->runs_before);
        load(c, &g->now, &g->before);
        end(c);
    }
}

static void write_loads(const struct report *r, struct csv *c)
{
    for (size_t i = 0; i < r->loads.count; i++) {
        const struct report_load *l = &r->loads.items[i];
        text(c, l->asset);
        text(c, l->group);
        load(c, &l->now, &l->before);
        end(c);
    }
}

static void write_devices(const struct report *r, struct csv *c)
{
    for (size_t i = 0; i < r->devices.count; i++) {
        const struct report_device *d = &r->devices.items[i];
        text(c, d->id);
        text(c, d->group);
        text(c, d->status);
        moment(c, d->last_seen);
        text(c, d->reason);
        number(c, d->failing);
        number(c, d->waiting);
        number(c, d->lost);
        number(c, d->clock_offset_ms);
        moment(c, d->not_after);
        end(c);
    }
}

static void write_troubles(const struct report *r, struct csv *c)
{
    for (size_t i = 0; i < r->failures.count; i++) {
        const struct report_failure *f = &r->failures.items[i];
        text(c, STR("failing"));
        text(c, f->asset);
        text(c, f->device);
        moment(c, f->since);
        text(c, f->message);
        end(c);
    }
    for (size_t i = 0; i < r->stale.count; i++) {
        const struct report_stale *s = &r->stale.items[i];
        text(c, str_from(freshness_word(s->word)));
        text(c, s->asset);
        text(c, s->device);
        moment(c, s->told_at);
        text(c, STR_NONE);
        end(c);
    }
    for (size_t i = 0; i < r->checks.count; i++) {
        const struct report_check *k = &r->checks.items[i];
        text(c, str_eq(k->severity, STR("warn")) ? STR("check warns") : STR("check failed"));
        text(c, k->asset);
        text(c, k->device);
        moment(c, k->at);
        text(c, k->name);
        end(c);
    }
}

static void write_days(const struct report *r, struct csv *c)
{
    for (int i = 0; i < REPORT_DAYS; i++) {
        moment(c, r->days[i].from);
        runs(c, &r->days[i].runs);
        number(c, r->days[i].load.materializations);
        number(c, r->days[i].load.rows);
        number(c, r->days[i].load.bytes);
        end(c);
    }
}

static void write_losses(const struct report *r, struct csv *c)
{
    for (size_t i = 0; i < r->losses.count; i++) {
        text(c, r->losses.items[i].device);
        text(c, r->losses.items[i].reason);
        number(c, r->losses.items[i].gaps);
        number(c, r->losses.items[i].events);
        moment(c, r->losses.items[i].at);
        end(c);
    }
}

static void write_alerts(const struct report *r, struct csv *c)
{
    for (size_t i = 0; i < r->alerts.count; i++) {
        const struct report_alert *a = &r->alerts.items[i];
        text(c, a->kind);
        text(c, a->subject);
        number(c, a->devices);
        moment(c, a->opened);
        moment(c, a->resolved);
        text(c, a->detail);
        end(c);
    }
}

static const struct {
    const char *name, *header;
    void (*write)(const struct report *r, struct csv *c);
} sections[SECTION_COUNT] = {
    [SECTION_ASSETS] = {"assets",
                        "asset,devices," LOAD_HEADER
                        ",duration_avg_ms,duration_max_ms,steps,retries,failed_attempts",
                        write_assets},
    [SECTION_GROUPS] = {"groups",
                        "group,devices,online,away,failing,late,runs_success,runs_failure,runs_"
                        "canceled,runs_success_before,runs_failure_before,runs_canceled_"
                        "before," LOAD_HEADER,
                        write_groups},
    [SECTION_LOADS] = {"loads", "asset,group," LOAD_HEADER, write_loads},
    [SECTION_DEVICES] = {"devices",
                         "device,group,status,last_seen_at,offline_reason,failing,waiting_events,"
                         "lost_events,clock_offset_ms,certificate_expires_at",
                         write_devices},
    [SECTION_TROUBLES] = {"troubles", "trouble,asset,device,since,detail", write_troubles},
    [SECTION_DAYS] = {"days",
                      "from,runs_success,runs_failure,runs_canceled,materializations,rows_written,"
                      "bytes_read",
                      write_days},
    [SECTION_LOSSES] = {"losses", "device,reason,gaps,events,last_at", write_losses},
    [SECTION_ALERTS] = {"alerts", "kind,subject,devices,since,until,detail", write_alerts},
};

const char *report_section_name(enum report_section section)
{
    return sections[section].name;
}

bool report_section_from(struct str name, enum report_section *ret)
{
    for (int i = 0; i < SECTION_COUNT; i++) {
        if (str_eq(name, str_from(sections[i].name))) {
            *ret = (enum report_section)i;
            return true;
        }
    }
    return false;
}

void report_write_csv(const struct report *report, enum report_section section, struct buf *out)
{
    struct csv c = {.out = out};
    buf_addf(out, "%s\r\n", sections[section].header);
    sections[section].write(report, &c);
}
