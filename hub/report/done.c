/* done.c - gathers what was done in the time and in as long a time before it. */
#include "hub/report/report_list.h"
#include <stdlib.h>
#include <string.h>

#define DAY_NS (INT64_C(86400) * NS_PER_SEC)

static const struct hub_load no_load = {0, HUB_UNKNOWN, HUB_UNKNOWN};

/* --- runs --------------------------------------------------------------------------------- */

static void count_runs(struct report_runs *to, struct str status, int64_t runs)
{
    if (str_eq(status, STR("success"))) {
        to->success += runs;
    } else if (str_eq(status, STR("failure"))) {
        to->failure += runs;
    } else if (str_eq(status, STR("canceled"))) {
        to->canceled += runs;
    } else {
        to->open += runs;
    }
}

static void add_runs(void *ctx, const struct hub_device_runs *row)
{
    struct reading *r = ctx;
    struct report_group *group = report_group_of(r, row->device);
    count_runs(&r->report->runs, row->status, row->now);
    count_runs(&r->report->runs_before, row->status, row->before);
    if (group != NULL) {
        count_runs(&group->runs, row->status, row->now);
        count_runs(&group->runs_before, row->status, row->before);
    }
}

static void add_slice(void *ctx, const struct hub_slice *row)
{
    struct reading *r = ctx;
    if (row->slice < 0 || row->slice >= REPORT_DAYS) {
        return;
    }
    struct report_day *day = &r->report->days[REPORT_DAYS - 1 - row->slice];
    if (str_is_empty(row->status)) {
        day->load = row->load;
    } else {
        count_runs(&day->runs, row->status, row->runs);
    }
}

/* --- assets ------------------------------------------------------------------------------- */

static struct report_asset *find_asset(struct reading *r, struct str name)
{
    struct report *report = r->report;
    uint32_t at = 0;
    if (strmap_get(&r->assets, name, &at)) {
        return &report->assets.items[at];
    }
    struct report_asset asset = {.asset = report_copy(r, name),
                                 .now = no_load,
                                 .before = no_load,
                                 .duration_avg_ms = HUB_UNKNOWN,
                                 .duration_max_ms = HUB_UNKNOWN};
    size_t index = report->assets.count;
    REPORT_ADD(r, &report->assets, asset);
    if (report->assets.count == index) {
        return NULL;
    }
    if (!strmap_put(&r->assets, asset.asset, (uint32_t)index)) {
        r->has_failed = true;
    }
    return &report->assets.items[index];
}

static void add_pair(struct reading *r, const struct hub_asset_load *row,
                     const struct report_group *group)
{
    struct report *report = r->report;
    char memory[REPORT_PAIR_BYTES];
    struct str key = report_pair_key(memory, row->asset, group->name);
    uint32_t at = 0;
    if (str_is_empty(key)) {
        return;
    }
    if (!strmap_get(&r->loads, key, &at)) {
        struct report_load load = {.asset = report_copy(r, row->asset),
                                   .group = group->name,
                                   .now = no_load,
                                   .before = no_load};
        at = (uint32_t)report->loads.count;
        REPORT_ADD(r, &report->loads, load);
        if (report->loads.count == at) {
            return;
        }
        if (!strmap_put(&r->loads, report_copy(r, key), at)) {
            r->has_failed = true;
        }
    }
    report_add_load(&report->loads.items[at].now, &row->now);
    report_add_load(&report->loads.items[at].before, &row->before);
}

static void add_load(void *ctx, const struct hub_asset_load *row)
{
    struct reading *r = ctx;
    struct report_group *group = report_group_of(r, row->device);
    struct report_asset *a = find_asset(r, row->asset);
    report_add_load(&r->report->loaded, &row->now);
    report_add_load(&r->report->loaded_before, &row->before);
    if (a != NULL) {
        a->devices += row->now.materializations > 0;
        report_add_load(&a->now, &row->now);
        report_add_load(&a->before, &row->before);
        a->timed += row->timed;
        a->duration_ms = report_plus(a->duration_ms, row->duration_ms);
        if (row->duration_max_ms > a->duration_max_ms) {
            a->duration_max_ms = row->duration_max_ms;
        }
    }
    if (group != NULL) {
        report_add_load(&group->now, &row->now);
        report_add_load(&group->before, &row->before);
        add_pair(r, row, group);
    }
}

static void add_attempts(void *ctx, const struct hub_attempts *row)
{
    struct reading *r = ctx;
    struct report_asset *a = find_asset(r, row->asset);
    int64_t retries = row->attempts > row->steps ? row->attempts - row->steps : 0;
    int64_t failed = report_plus(retries, row->failed);
    r->report->retries = report_plus(r->report->retries, retries);
    r->report->failed_attempts = report_plus(r->report->failed_attempts, failed);
    if (a != NULL) {
        a->steps = row->steps;
        a->retries = retries;
        a->failed_attempts = failed;
    }
}

/* --- what was lost, who was told ---------------------------------------------------------- */

static void add_gap(void *ctx, const struct hub_gap *g)
{
    struct reading *r = ctx;
    struct report_gap gap = {.device = report_copy(r, g->device),
                             .reason = report_copy(r, g->reason),
                             .gaps = g->gaps,
                             .events = g->events,
                             .at = g->at};
    r->report->lost = report_plus(r->report->lost, g->events);
    r->report->gaps += g->gaps;
    REPORT_ADD(r, &r->report->losses, gap);
}

static void add_alert(void *ctx, const struct hub_alert *a)
{
    struct reading *r = ctx;
    struct report_alert alert = {.kind = report_copy(r, a->kind),
                                 .subject = report_copy(r, a->subject),
                                 .detail = report_copy(r, a->detail),
                                 .is_group = a->is_group,
                                 .opened = a->opened,
                                 .resolved = a->resolved,
                                 .devices = a->devices,
                                 .troubles = a->troubles};
    bool is_over = a->resolved.ns != 0 && a->resolved.ns < r->report->until.ns;
    r->report->alerts_open += a->resolved.ns == 0;
    r->report->alerts_over += is_over;
    r->report->alerts_opened += a->opened.ns >= r->report->since.ns;
    REPORT_ADD(r, &r->report->alerts, alert);
}

bool report_read_done(struct db *store, struct reading *r, struct err *err)
{
    struct report *report = r->report;
    struct hub_span span = {.since = report->since, .until = report->until};
    int64_t span_ns = report->until.ns - report->since.ns;
    if (__builtin_sub_overflow(report->since.ns, span_ns, &span.before.ns)) {
        span.before.ns = INT64_MIN;
    }
    struct wall_time week = {report->until.ns - REPORT_DAYS * DAY_NS};
    for (int i = 0; i < REPORT_DAYS; i++) {
        report->days[i] = (struct report_day){.from = {week.ns + i * DAY_NS}, .load = no_load};
    }
    return hub_each_device_runs(store, &span, add_runs, r, err) &&
           hub_each_load(store, &span, add_load, r, err) &&
           hub_each_attempts(store, &span, add_attempts, r, err) &&
           hub_each_slice(store, week, report->until, add_slice, r, err) &&
           hub_each_gap(store, &span, add_gap, r, err) &&
           hub_each_alert(store, &span, add_alert, r, err);
}

/* --- order -------------------------------------------------------------------------------- */

static int by_asset(const void *a, const void *b)
{
    return str_cmp(((const struct report_asset *)a)->asset,
                   ((const struct report_asset *)b)->asset);
}

static int by_name(const void *a, const void *b)
{
    struct str x = ((const struct report_group *)a)->name;
    struct str y = ((const struct report_group *)b)->name;
    int empty = (int)str_is_empty(x) - (int)str_is_empty(y);
    return empty != 0 ? empty : str_cmp(x, y);
}

static int by_pair(const void *a, const void *b)
{
    const struct report_load *x = a;
    const struct report_load *y = b;
    int order = str_cmp(x->asset, y->asset);
    int empty = (int)str_is_empty(x->group) - (int)str_is_empty(y->group);
    return order != 0 ? order : empty != 0 ? empty : str_cmp(x->group, y->group);
}

/* Per 10,000 attempts; -1: it is not flaky. What never succeeded is broken, not flaky. */
static int64_t flakiness(const struct report_asset *a)
{
    int64_t attempts = report_plus(a->steps, a->retries);
    bool is_flaky = a->failed_attempts > 0 && a->failed_attempts < attempts;
    return is_flaky ? (int64_t)((double)a->failed_attempts * 10000 / (double)attempts) : -1;
}

static int64_t slowness(const struct report_asset *a)
{
    return a->duration_avg_ms == HUB_UNKNOWN ? -1 : a->duration_avg_ms;
}

/* The first of those with the highest mark, in order of names where marks are equal. */
static size_t find_top(const struct report *r, int64_t (*mark)(const struct report_asset *a),
                       size_t top[REPORT_TOP])
{
    size_t count = 0;
    for (size_t i = 0; i < r->assets.count; i++) {
        int64_t mine = mark(&r->assets.items[i]);
        size_t at = count;
        while (at > 0 && mark(&r->assets.items[top[at - 1]]) < mine) {
            at--;
        }
        if (mine < 0 || at == REPORT_TOP) {
            continue;
        }
        count += count < REPORT_TOP;
        for (size_t k = count - 1; k > at; k--) {
            top[k] = top[k - 1];
        }
        top[at] = i;
    }
    return count;
}

/* Devices may tell any number, and this one is shown in nanoseconds. */
static int64_t plausible(int64_t duration_ms)
{
    const int64_t max = INT64_MAX / NS_PER_MS;
    return duration_ms < 0 ? 0 : duration_ms > max ? max : duration_ms;
}

void report_finish(struct report *r)
{
    for (size_t i = 0; i < r->assets.count; i++) {
        struct report_asset *a = &r->assets.items[i];
        a->duration_avg_ms = a->timed > 0 ? plausible(a->duration_ms / a->timed) : HUB_UNKNOWN;
        a->duration_max_ms = a->timed > 0 ? plausible(a->duration_max_ms) : HUB_UNKNOWN;
    }
    if (r->assets.count > 0) {
        qsort(r->assets.items, r->assets.count, sizeof(*r->assets.items), by_asset);
    }
    if (r->groups.count > 0) {
        qsort(r->groups.items, r->groups.count, sizeof(*r->groups.items), by_name);
    }
    if (r->loads.count > 0) {
        qsort(r->loads.items, r->loads.count, sizeof(*r->loads.items), by_pair);
    }
    r->slowest_count = find_top(r, slowness, r->slowest);
    r->flakiest_count = find_top(r, flakiness, r->flakiest);
}
