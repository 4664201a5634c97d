/* attention.c - what somebody should look at: DESIGN: one line for one thing that a person can do
 * something about, in plain words, the worst kind first. */
#include "hub/report/report_words.h"

#include <stdlib.h>
#include <string.h>

#define EXPIRES_SOON_NS (30 * INT64_C(86400) * NS_PER_SEC)
#define CA_SOON_NS      (180 * INT64_C(86400) * NS_PER_SEC) /* every device has to move */
#define LONG_NS         (60 * NS_PER_SEC) /* a failure that began so long before the last attempt */
enum { LINE_BYTES_MAX = 4096 };

struct attention {
    const struct report *report;
    struct arena *arena;
    struct report_line *lines;
    struct report_line about; /* the line at hand, without its text */
    size_t count;
    size_t total;
    struct buf line;
};

static void end_line(struct attention *a)
{
    a->total++;
    if (a->count < REPORT_LINES_MAX) {
        struct str line = a->line.overflow ? STR_NONE : arena_copy(a->arena, buf_str(&a->line));
        a->lines[a->count] = a->about;
        a->lines[a->count].text = line.ptr == NULL ? STR("(too long)") : line;
        a->count++;
    }
    buf_reset(&a->line);
    a->about = (struct report_line){0};
}

static void add_ago(struct attention *a, struct wall_time at)
{
    if (at.ns != 0) {
        buf_add(&a->line, STR(", "));
        buf_add_ago(&a->line, at, a->report->now);
    }
}

/* That it is nothing new, and since when. */
static void add_beginning(struct attention *a, const struct report_failure *f)
{
    if (f->since.ns != 0 && f->at.ns - f->since.ns >= LONG_NS) {
        buf_add(&a->line, STR(" (for "));
        buf_add_duration(&a->line, a->report->now.ns - f->since.ns);
        buf_add_char(&a->line, ')');
    }
}

static void tell_failures(struct attention *a)
{
    for (size_t i = 0; i < a->report->failures.count; i++) {
        const struct report_failure *f = &a->report->failures.items[i];
        a->about = (struct report_line){
            .kind = "failing", .device = f->device, .asset = f->asset, .run = f->run};
        buf_add_harmless(&a->line, f->asset);
        buf_add(&a->line, STR(" fails on "));
        buf_add_harmless(&a->line, f->device);
        add_ago(a, f->at);
        add_beginning(a, f);
        if (!str_is_empty(f->message)) {
            buf_add(&a->line, STR(": "));
            buf_add_harmless(&a->line, f->message);
        }
        end_line(a);
    }
}

static void tell_checks(struct attention *a, bool is_warning)
{
    for (size_t i = 0; i < a->report->checks.count; i++) {
        const struct report_check *c = &a->report->checks.items[i];
        if (str_eq(c->severity, STR("warn")) != is_warning) {
            continue;
        }
        a->about = (struct report_line){
            .kind = is_warning ? "warning" : "check", .device = c->device, .asset = c->asset};
        buf_add(&a->line, is_warning ? STR("warning: check ") : STR("check "));
        buf_add_harmless(&a->line, c->name);
        buf_add(&a->line, STR(" of "));
        buf_add_harmless(&a->line, c->asset);
        buf_add(&a->line, STR(" failed on "));
        buf_add_harmless(&a->line, c->device);
        add_ago(a, c->at);
        end_line(a);
    }
}

/* A device that is away, or whose clock is wrong, is told once below; what fails, above. */
static void tell_stale(struct attention *a)
{
    for (size_t i = 0; i < a->report->stale.count; i++) {
        const struct report_stale *s = &a->report->stale.items[i];
        if (s->word != FRESH_STALE) {
            continue;
        }
        a->about = (struct report_line){.kind = "stale", .device = s->device, .asset = s->asset};
        buf_add_harmless(&a->line, s->asset);
        buf_add(&a->line, STR(" was not made in time on "));
        buf_add_harmless(&a->line, s->device);
        add_ago(a, s->told_at);
        end_line(a);
    }
}

static size_t stale_on(const struct attention *a, struct str device)
{
    size_t count = 0;
    bool is_said = a->count < REPORT_LINES_MAX;
    for (size_t i = 0; is_said && i < a->report->stale.count; i++) {
        count += str_eq(a->report->stale.items[i].device, device) ? 1 : 0;
    }
    return count;
}

static void tell_away(struct attention *a)
{
    for (size_t i = 0; i < a->report->devices.count; i++) {
        const struct report_device *d = &a->report->devices.items[i];
        if (!str_eq(d->status, STR("away"))) {
            continue;
        }
        a->about = (struct report_line){.kind = "away", .device = d->id};
        buf_add_harmless(&a->line, d->id);
        buf_add(&a->line, STR(" is away, last seen "));
        buf_add_ago(&a->line, d->last_seen, a->report->now);
        if (!str_is_empty(d->reason)) {
            buf_add(&a->line, STR(" ("));
            buf_add_harmless(&a->line, d->reason);
            buf_add_char(&a->line, ')');
        }
        size_t stale = stale_on(a, d->id);
        if (stale > 0) {
            buf_addf(&a->line, "; assets that are not fresh therefore: %zu", stale);
        }
        if (d->waiting > 0) {
            buf_add(&a->line, STR("; events that wait there: at least "));
            report_add_number(&a->line, d->waiting);
        }
        end_line(a);
    }
}

static void tell_device(struct attention *a, const struct report_device *d)
{
    if (d->lost > 0) {
        a->about = (struct report_line){.kind = "lost", .device = d->id};
        buf_add_harmless(&a->line, d->id);
        buf_add(&a->line, STR(" has lost events: "));
        report_add_number(&a->line, d->lost);
        end_line(a);
    }
    if (!d->is_out && d->not_after.ns != 0 &&
        d->not_after.ns - a->report->now.ns < EXPIRES_SOON_NS) {
        char date[WALL_TEXT_SIZE];
        bool is_over = d->not_after.ns <= a->report->now.ns;
        a->about = (struct report_line){.kind = "certificate", .device = d->id};
        buf_add(&a->line, STR("the certificate of "));
        buf_add_harmless(&a->line, d->id);
        buf_addf(&a->line, " %s on %.10s", is_over ? "expired" : "expires",
                 wall_format(d->not_after, date));
        end_line(a);
    }
    bool is_sound =
        d->clock_offset_ms > -INT64_MAX / NS_PER_MS && d->clock_offset_ms < INT64_MAX / NS_PER_MS;
    if (is_sound && llabs(d->clock_offset_ms) > CLOCK_WRONG_MS) {
        a->about = (struct report_line){.kind = "clock", .device = d->id};
        buf_add(&a->line, STR("the clock of "));
        buf_add_harmless(&a->line, d->id);
        buf_add(&a->line, STR(" is "));
        buf_add_duration(&a->line, llabs(d->clock_offset_ms) * NS_PER_MS);
        buf_add(&a->line, d->clock_offset_ms < 0 ? STR(" slow") : STR(" fast"));
        size_t stale = stale_on(a, d->id);
        if (stale > 0) {
            buf_addf(&a->line, "; assets whose freshness is not known therefore: %zu", stale);
        }
        end_line(a);
    }
}

/* Those of the hub: without them no device comes in, or no browser. */
static void tell_own_certificates(struct attention *a, bool is_over)
{
    for (size_t i = 0; i < a->report->certificate_count; i++) {
        const struct report_certificate *c = &a->report->certificates[i];
        bool is_ca = strcmp(c->name, "CA") == 0;
        int64_t left = c->not_after.ns - a->report->now.ns;
        char date[WALL_TEXT_SIZE];
        if (left >= (is_ca ? CA_SOON_NS : EXPIRES_SOON_NS) || (left <= 0) != is_over) {
            continue;
        }
        a->about.kind = "certificate";
        buf_addf(&a->line, "the hub's %s%s %s on %.10s%s", is_ca ? "" : "certificate of its ",
                 c->name, is_over ? "expired" : "expires", wall_format(c->not_after, date),
                 is_ca ? "; make the next: selvedge-hub ca rotate" : "");
        end_line(a);
    }
}

static void tell_refusals(struct attention *a)
{
    if (a->report->refusals > 0) {
        a->about.kind = "refusals";
        report_add_number(&a->line, a->report->refusals);
        buf_add(&a->line, a->report->refusals == 1 ? STR(" refusal") : STR(" refusals"));
        buf_add(&a->line, STR(" of strangers or bad messages; see: selvedge-hub refusals"));
        end_line(a);
    }
}

size_t report_attention(const struct report *report, struct arena *arena,
                        struct report_line lines[REPORT_LINES_MAX])
{
    struct attention a = {
        .report = report, .arena = arena, .lines = lines, .line = buf_growing(LINE_BYTES_MAX)};
    tell_own_certificates(&a, true);
    tell_failures(&a);
    tell_checks(&a, false);
    tell_stale(&a);
    tell_away(&a);
    for (size_t i = 0; i < report->devices.count; i++) {
        tell_device(&a, &report->devices.items[i]);
    }
    tell_own_certificates(&a, false);
    tell_checks(&a, true);
    tell_refusals(&a);
    a.total += report->failures.total - report->failures.count;
    a.total += report->checks.total - report->checks.count;
    if (a.total > a.count) {
        a.about.kind = "more";
        buf_add(&a.line, STR("... and "));
        report_add_number(&a.line, (int64_t)(a.total - a.count + 1));
        buf_add(&a.line, STR(" more; see: selvedge-hub report --format json"));
        a.count--;
        end_line(&a);
    }
    buf_release(&a.line);
    return a.count;
}
