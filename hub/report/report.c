/* report.c - gathers; report_text.c and report_json.c write. */
#include "hub/report/report.h"

#include "common/json/json_scan.h"
#include <string.h>

struct reading {
    struct report *report;
    struct arena *arena;
    bool has_failed; /* the arena is full */
};

static struct str copy(struct reading *r, struct str text)
{
    if (str_is_empty(text)) {
        return STR_NONE;
    }
    struct str made = arena_copy(r->arena, text);
    r->has_failed = r->has_failed || made.ptr == NULL;
    return made;
}

/* Room for one more item, or NULL; lists double within the arena. */
static void *place(struct reading *r, void *items, size_t count, size_t *cap, size_t size)
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

/* Appends `item_` to a list of the report, as far as it goes. */
#define ADD(r_, list_, item_)                                                                      \
    do {                                                                                           \
        (list_)->total++;                                                                          \
        void *items_ = (list_)->count < REPORT_ROWS_MAX                                            \
                           ? place((r_), (list_)->items, (list_)->count, &(list_)->cap,            \
                                   sizeof(*(list_)->items))                                        \
                           : NULL;                                                                 \
        if (items_ != NULL) {                                                                      \
            (list_)->items = items_;                                                               \
            (list_)->items[(list_)->count++] = (item_);                                            \
        }                                                                                          \
    } while (0)

/* --- devices ------------------------------------------------------------------------------ */

/* Numbers that devices tell may be any. */
static int64_t plus(int64_t a, int64_t b)
{
    int64_t sum = 0;
    b = b == HUB_UNKNOWN ? 0 : b;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static void add_device(void *ctx, const struct hub_device *d)
{
    struct reading *r = ctx;
    struct report *report = r->report;
    struct report_device device = {.id = copy(r, d->id),
                                   .status = copy(r, hub_device_presence(d)),
                                   .reason = copy(r, d->offline_reason),
                                   .last_seen = hub_device_last_seen(d),
                                   .not_after = d->not_after,
                                   .waiting = d->waiting,
                                   .lost = d->lost_events,
                                   .failing = d->failing,
                                   .clock_offset_ms = d->clock_offset_ms};
    report->online += d->is_online;
    report->away += str_eq(device.status, STR("away"));
    report->waiting = plus(report->waiting, d->waiting);
    ADD(r, &report->devices, device);
}

/* --- what was done ------------------------------------------------------------------------ */

static void add_runs(void *ctx, struct str status, int64_t runs)
{
    struct reading *r = ctx;
    struct report *report = r->report;
    if (str_eq(status, STR("success"))) {
        report->runs.success += runs;
    } else if (str_eq(status, STR("failure"))) {
        report->runs.failure += runs;
    } else if (str_eq(status, STR("canceled"))) {
        report->runs.canceled += runs;
    } else {
        report->runs.open += runs;
    }
}

static void add_activity(void *ctx, const struct hub_activity *a)
{
    struct reading *r = ctx;
    struct report *report = r->report;
    struct hub_activity activity = *a;
    activity.asset = copy(r, a->asset);
    report->loaded.materializations += a->materializations;
    report->loaded.rows = plus(report->loaded.rows, a->rows_written);
    report->loaded.bytes = plus(report->loaded.bytes, a->byte_count);
    ADD(r, &report->activity, activity);
}

static void find_slowest(struct report *report)
{
    for (size_t i = 0; i < report->activity.count; i++) {
        int64_t took = report->activity.items[i].duration_avg_ms;
        size_t at = report->slowest_count;
        while (at > 0 && report->activity.items[report->slowest[at - 1]].duration_avg_ms < took) {
            at--;
        }
        if (took == HUB_UNKNOWN || at == REPORT_SLOWEST) {
            continue;
        }
        report->slowest_count += report->slowest_count < REPORT_SLOWEST;
        for (size_t k = report->slowest_count - 1; k > at; k--) {
            report->slowest[k] = report->slowest[k - 1];
        }
        report->slowest[at] = i;
    }
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
    struct report_failure failure = {.device = copy(r, a->device),
                                     .asset = copy(r, a->asset),
                                     .message =
                                         copy(r, report_error_message(a->failed_error, &scratch)),
                                     .at = a->failed_at};
    ADD(r, &r->report->failures, failure);
}

static void add_freshness(void *ctx, const struct hub_freshness *f)
{
    struct reading *r = ctx;
    r->report->freshness[f->word]++;
    if (freshness_is_bad(f->word)) {
        struct report_stale stale = {.device = copy(r, f->device),
                                     .asset = copy(r, f->asset),
                                     .word = f->word,
                                     .told_at = f->told_at};
        ADD(r, &r->report->stale, stale);
    }
}

static void add_check(void *ctx, const struct hub_check *c)
{
    struct reading *r = ctx;
    struct str severity = str_is_empty(c->severity) ? STR("error") : c->severity;
    struct report_check check = {.device = copy(r, c->device),
                                 .asset = copy(r, c->asset),
                                 .name = copy(r, c->name),
                                 .severity = copy(r, severity),
                                 .at = c->at};
    ADD(r, &r->report->checks, check);
}

static void count_refusal(void *ctx, const struct hub_refusal *refusal)
{
    struct reading *r = ctx;
    r->report->refusals += refusal->at.ns >= r->report->since.ns;
}

bool report_read(struct db *store, struct wall_time since, struct wall_time until,
                 struct arena *arena, struct report *ret, struct err *err)
{
    struct report report = {.since = since, .until = until};
    struct reading r = {.report = &report, .arena = arena};
    struct hub_filter all = {0};
    struct hub_filter failing = {.only_failing = true};
    AUTO(db_tx) snapshot = {0};
    if (!db_tx_begin_read(store, &snapshot, err) || !hub_read_totals(store, &report.totals, err) ||
        !hub_each_device(store, &all, add_device, &r, err) ||
        !hub_each_run_count(store, since, add_runs, &r, err) ||
        !hub_each_activity(store, since, add_activity, &r, err) ||
        !hub_each_device_asset(store, &failing, add_failure, &r, err) ||
        !hub_each_check(store, &failing, add_check, &r, err) ||
        !hub_each_freshness(store, &all, until, add_freshness, &r, err) ||
        !hub_each_refusal(store, &all, count_refusal, &r, err)) {
        return err_wrap(err, "read the report");
    }
    if (r.has_failed) {
        return err_set(err, ERR_FULL, "the report does not fit into %zu MiB of memory",
                       arena->max >> 20);
    }
    find_slowest(&report);
    *ret = report;
    return true;
}
