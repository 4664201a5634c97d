/* report.c - gathers how things are; done.c gathers what was done, report_*.c write. */
#include "hub/report/report.h"

#include "common/json/json_scan.h"
#include "hub/report/report_list.h"
#include <string.h>

struct str report_copy(struct reading *r, struct str text)
{
    if (str_is_empty(text)) {
        return STR_NONE;
    }
    struct str made = arena_copy(r->arena, text);
    r->has_failed = r->has_failed || made.ptr == NULL;
    return made;
}

struct str report_pair_key(char memory[REPORT_PAIR_BYTES], struct str a, struct str b)
{
    struct buf key = buf_fixed(memory, REPORT_PAIR_BYTES);
    buf_add(&key, a);
    buf_add_char(&key, '\n');
    buf_add(&key, b);
    return key.overflow ? STR_NONE : buf_str(&key);
}

void *report_place(struct reading *r, void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap) {
        return items;
    }
    size_t wanted = *cap == 0 ? 64 : *cap * 2;
    void *larger = arena_array(r->arena, wanted, size);
    if (larger == NULL) {
        r->has_failed = true;
        return NULL;
    }
    if (count > 0) {
        memcpy(larger, items, count * size);
    }
    *cap = wanted;
    return larger;
}

int64_t report_plus(int64_t a, int64_t b)
{
    int64_t sum = 0;
    b = b == HUB_UNKNOWN ? 0 : b;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

void report_add_load(struct hub_load *to, const struct hub_load *more)
{
    to->materializations = report_plus(to->materializations, more->materializations);
    if (more->rows != HUB_UNKNOWN) {
        to->rows = report_plus(to->rows == HUB_UNKNOWN ? 0 : to->rows, more->rows);
    }
    if (more->bytes != HUB_UNKNOWN) {
        to->bytes = report_plus(to->bytes == HUB_UNKNOWN ? 0 : to->bytes, more->bytes);
    }
}

/* --- groups ------------------------------------------------------------------------------- */

static const struct hub_load no_load = {0, HUB_UNKNOWN, HUB_UNKNOWN};

static bool find_group(struct reading *r, struct str name, uint32_t *ret)
{
    struct report *report = r->report;
    struct str key = str_is_empty(name) ? STR("\n") : name; /* no value of a label has a line end */
    if (strmap_get(&r->groups, key, ret)) {
        return true;
    }
    struct report_group group = {.name = report_copy(r, name), .now = no_load, .before = no_load};
    size_t at = report->groups.count;
    REPORT_ADD(r, &report->groups, group);
    if (report->groups.count == at) {
        return false;
    }
    *ret = (uint32_t)at;
    if (!strmap_put(&r->groups, str_is_empty(name) ? key : group.name, *ret)) {
        r->has_failed = true;
    }
    return true;
}

static void add_label(void *ctx, struct str device, struct str value)
{
    struct reading *r = ctx;
    uint32_t at = 0;
    if (find_group(r, value, &at) && !strmap_put(&r->group_of, report_copy(r, device), at)) {
        r->has_failed = true;
    }
}

bool report_read_labels(struct db *store, struct reading *r, struct err *err)
{
    return str_is_empty(r->report->group_by) ||
           hub_each_label(store, r->report->group_by, add_label, r, err);
}

struct report_group *report_group_of(struct reading *r, struct str device)
{
    uint32_t at = 0;
    if (str_is_empty(r->report->group_by) ||
        (!strmap_get(&r->group_of, device, &at) && !find_group(r, STR_NONE, &at))) {
        return NULL;
    }
    return &r->report->groups.items[at];
}

/* --- devices ------------------------------------------------------------------------------ */

static void add_device(void *ctx, const struct hub_device *d)
{
    struct reading *r = ctx;
    struct report *report = r->report;
    struct report_group *group = report_group_of(r, d->id);
    bool is_out = str_eq(d->status, STR("revoked")) || str_eq(d->status, STR("decommissioned"));
    struct report_device device = {.id = report_copy(r, d->id),
                                   .status = report_copy(r, hub_device_presence(d)),
                                   .reason = report_copy(r, d->offline_reason),
                                   .group = group == NULL ? STR_NONE : group->name,
                                   .last_seen = hub_device_last_seen(d),
                                   .not_after = d->not_after,
                                   .waiting = d->waiting,
                                   .lost = d->lost_events,
                                   .failing = d->failing,
                                   .clock_offset_ms = d->clock_offset_ms,
                                   .is_out = is_out};
    bool is_away = str_eq(device.status, STR("away"));
    report->online += d->is_online;
    report->away += is_away;
    report->out += is_out;
    report->waiting = report_plus(report->waiting, d->waiting);
    if (group != NULL) {
        group->devices += !is_out;
        group->online += d->is_online;
        group->away += is_away;
    }
    REPORT_ADD(r, &report->devices, device);
}

/* --- what is wrong ------------------------------------------------------------------------ */

struct str report_error_message(struct str error, struct buf *scratch)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err err;
    struct str text = STR_NONE;
    buf_reset(scratch);
    if (str_is_empty(error) || !json_scan_object(&scan, error, &err)) {
        return STR_NONE;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "message") && value.type == JSON_STRING &&
            json_unescape(value, true, scratch, &text)) {
            return text;
        }
    }
    return STR_NONE;
}

static void add_failure(void *ctx, const struct hub_device_asset *a)
{
    struct reading *r = ctx;
    AUTO(buf) scratch = buf_growing(a->failed_error.len + 1);
    struct report_failure failure = {
        .device = report_copy(r, a->device),
        .asset = report_copy(r, a->asset),
        .run = report_copy(r, a->failed_run),
        .message = report_copy(r, report_error_message(a->failed_error, &scratch)),
        .since = a->failed_at,
        .at = a->failed_at,
        .made = a->at};
    struct report_group *group = report_group_of(r, a->device);
    if (group != NULL) {
        group->failing++;
    }
    char memory[REPORT_PAIR_BYTES];
    struct str key = report_pair_key(memory, a->device, a->asset);
    size_t at = r->report->failures.count;
    REPORT_ADD(r, &r->report->failures, failure);
    if (at < r->report->failures.count && !str_is_empty(key) &&
        !strmap_put(&r->failures, report_copy(r, key), (uint32_t)at)) {
        r->has_failed = true;
    }
}

static void add_failing_since(void *ctx, const struct hub_failing_since *f)
{
    struct reading *r = ctx;
    uint32_t at = 0;
    char memory[REPORT_PAIR_BYTES];
    if (strmap_get(&r->failures, report_pair_key(memory, f->device, f->asset), &at) &&
        f->since.ns != 0 && f->since.ns < r->report->failures.items[at].since.ns) {
        r->report->failures.items[at].since = f->since;
    }
}

static void add_freshness(void *ctx, const struct hub_freshness *f)
{
    struct reading *r = ctx;
    struct report_group *group = report_group_of(r, f->device);
    r->report->freshness[f->word]++;
    if (!freshness_is_bad(f->word) && f->word != FRESH_LATE) {
        return;
    }
    if (group != NULL) {
        group->late++;
    }
    struct report_stale stale = {.device = report_copy(r, f->device),
                                 .asset = report_copy(r, f->asset),
                                 .word = f->word,
                                 .told_at = f->told_at};
    REPORT_ADD(r, &r->report->stale, stale);
}

static void add_check(void *ctx, const struct hub_check *c)
{
    struct reading *r = ctx;
    struct str severity = str_is_empty(c->severity) ? STR("error") : c->severity;
    struct report_check check = {.device = report_copy(r, c->device),
                                 .asset = report_copy(r, c->asset),
                                 .name = report_copy(r, c->name),
                                 .severity = report_copy(r, severity),
                                 .at = c->at};
    REPORT_ADD(r, &r->report->checks, check);
}

static void count_refusal(void *ctx, const struct hub_refusal *refusal)
{
    struct reading *r = ctx;
    r->report->refusals +=
        refusal->at.ns >= r->report->since.ns && refusal->at.ns < r->report->until.ns;
}

static bool read_all(struct db *store, struct reading *r, struct err *err)
{
    struct hub_filter all = {0};
    struct hub_filter failing = {.only_failing = true};
    return hub_read_totals(store, &r->report->totals, err) && report_read_labels(store, r, err) &&
           hub_each_device(store, &all, add_device, r, err) &&
           hub_each_device_asset(store, &failing, add_failure, r, err) &&
           (r->failures.count == 0 || hub_each_failing_since(store, add_failing_since, r, err)) &&
           hub_each_check(store, &failing, add_check, r, err) &&
           hub_each_freshness(store, &all, r->report->now, add_freshness, r, err) &&
           hub_each_refusal(store, &all, count_refusal, r, err) && report_read_done(store, r, err);
}

bool report_read(struct db *store, const struct report_question *question, struct arena *arena,
                 struct report *ret, struct err *err)
{
    struct report report = {.fleet = question->fleet,
                            .group_by = question->group_by,
                            .alert_group = question->alert_group,
                            .since = question->since,
                            .until = question->until,
                            .now = question->now,
                            .certificate_count = question->certificate_count,
                            .loaded = no_load,
                            .loaded_before = no_load};
    memcpy(report.certificates, question->certificates, sizeof(report.certificates));
    struct reading r = {.report = &report,
                        .arena = arena,
                        .groups = strmap_new(arena),
                        .group_of = strmap_new(arena),
                        .assets = strmap_new(arena),
                        .loads = strmap_new(arena),
                        .failures = strmap_new(arena)};
    AUTO(db_tx) snapshot = {0};
    if (!db_tx_begin_read(store, &snapshot, err) || !read_all(store, &r, err)) {
        return err_wrap(err, "read the report");
    }
    if (r.has_failed || arena->exhausted) {
        return err_set(err, ERR_FULL, "the report does not fit into %zu MiB of memory",
                       arena->max >> 20);
    }
    report_finish(&report);
    *ret = report;
    return true;
}
