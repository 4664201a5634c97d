#include "hub/report/report_words.h"

#include "hub/alert/alert_payload.h"
#include "hub/report/report_list.h"

/* --- numbers ------------------------------------------------------------------------------ */

void report_add_number(struct buf *out, int64_t number)
{
    char digits[32];
    struct buf b = buf_fixed(digits, sizeof(digits));
    buf_add_i64(&b, number);
    size_t first = number < 0 ? 1 : 0;
    for (size_t i = 0; i < b.len; i++) {
        if (i > first && (b.len - i) % 3 == 0) {
            buf_add_char(out, ',');
        }
        buf_add_char(out, digits[i]);
    }
}

void report_add_short(struct buf *out, int64_t number)
{
    static const char units[] = "kMGTPE";
    int64_t tenths = number;
    int unit = -1;
    if (number > -10000000 && number < 10000000) {
        report_add_number(out, number);
        return;
    }
    tenths = number / 100; /* cut, as all numbers here are */
    for (unit = 0; tenths <= -10000 || tenths >= 10000; unit++) {
        tenths /= 1000;
    }
    buf_addf(out, "%s%lld.%lld %c", tenths < 0 ? "-" : "",
             (long long)(tenths < 0 ? -tenths : tenths) / 10,
             (long long)(tenths < 0 ? -tenths : tenths) % 10, units[unit]);
}

void report_add_rate(struct buf *out, const struct report_runs *runs)
{
    int64_t ended = report_runs_ended(runs);
    if (ended > 0) {
        /* Cut, not rounded: one failure in a million is not 100 %. */
        int64_t tenths = (int64_t)((double)runs->success * 1000 / (double)ended);
        buf_addf(out, "%lld.%lld %%", (long long)(tenths / 10), (long long)(tenths % 10));
    }
}

void report_add_change(struct buf *out, int64_t now, int64_t before)
{
    bool was = before != HUB_UNKNOWN && before != 0;
    bool is = now != HUB_UNKNOWN && now != 0;
    if (!was) {
        buf_add(out, is ? STR("new") : STR(""));
        return;
    }
    if (!is) {
        buf_add(out, STR("gone"));
        return;
    }
    double percent = ((double)now - (double)before) * 100 / (double)before;
    percent = percent < -999 ? -999 : percent; /* numbers below zero are somebody's lie */
    if (percent >= 1000) {
        buf_add(out, STR("x "));
        report_add_short(out,
                         percent > 1e15 ? INT64_C(10000000000000) : (int64_t)(percent / 100) + 1);
    } else if (percent > -1 && percent < 1) {
        buf_add(out, STR("same"));
    } else {
        buf_addf(out, "%+d %%", (int)percent);
    }
}

void report_add_minute(struct buf *out, struct wall_time t)
{
    char text[WALL_TEXT_SIZE];
    struct str whole = str_from(wall_format(t, text));
    buf_addf(out, STR_FMT " " STR_FMT, STR_ARG(str_slice(whole, 0, 10)),
             STR_ARG(str_slice(whole, 11, 16)));
}

void report_add_day(struct buf *out, const struct report_day *day)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    /* Of the two dates that it may touch, the one that has more of it. */
    struct civil_time c = civil_from_seconds(day->from.ns / NS_PER_SEC + 43200);
    buf_addf(out, "%s %02d %s", days[c.weekday], c.day, months[c.month - 1]);
}

static void add_count(struct buf *out, int64_t number, const char *one, const char *many)
{
    report_add_number(out, number);
    buf_addf(out, " %s", number == 1 ? one : many);
}

/* --- facts -------------------------------------------------------------------------------- */

static void add_devices(const struct report *r, struct buf *out)
{
    report_add_number(out, r->online);
    buf_add(out, STR(" of "));
    report_add_number(out, r->totals.devices - r->out);
    buf_add(out, STR(" online"));
    if (r->away > 0) {
        buf_add(out, STR(", "));
        report_add_number(out, r->away);
        buf_add(out, STR(" away"));
    }
    if (r->out > 0) {
        buf_add(out, STR("; "));
        report_add_number(out, r->out);
        buf_add(out, STR(" out of the fleet"));
    }
}

static void add_runs(const struct report *r, struct buf *out)
{
    report_add_number(out, r->runs.success);
    buf_add(out, STR(" succeeded, "));
    report_add_number(out, r->runs.failure);
    buf_add(out, STR(" failed"));
    if (r->runs.canceled > 0) {
        buf_add(out, STR(", "));
        report_add_number(out, r->runs.canceled);
        buf_add(out, STR(" canceled"));
    }
    if (report_runs_ended(&r->runs) > 0) {
        buf_add(out, STR("; success rate "));
        report_add_rate(out, &r->runs);
        if (report_runs_ended(&r->runs_before) > 0) {
            buf_add(out, STR(" (before: "));
            report_add_rate(out, &r->runs_before);
            buf_add_char(out, ')');
        }
    }
    if (r->runs.open > 0) {
        buf_add(out, STR("; "));
        report_add_number(out, r->runs.open);
        buf_add(out, STR(" under way"));
    }
}

static void add_retries(const struct report *r, struct buf *out)
{
    if (r->failed_attempts > 0) {
        if (r->retries > 0) {
            add_count(out, r->retries, "retry", "retries");
        }
        buf_add(out, r->retries > 0 ? STR(" of steps; attempts that failed: ")
                                    : STR("none; attempts that failed: "));
        report_add_number(out, r->failed_attempts);
    }
}

static void add_compared(struct buf *out, int64_t now, int64_t before)
{
    size_t at = out->len;
    if (before != HUB_UNKNOWN && before != 0) {
        buf_add(out, STR(" ("));
        report_add_change(out, now, before);
        buf_add_char(out, ')');
    }
    out->len = out->overflow ? at : out->len;
}

static void add_loaded(const struct report *r, struct buf *out)
{
    int64_t rows = r->loaded.rows == HUB_UNKNOWN ? 0 : r->loaded.rows;
    int64_t bytes = r->loaded.bytes == HUB_UNKNOWN ? 0 : r->loaded.bytes;
    add_count(out, r->loaded.materializations, "materialization", "materializations");
    buf_add(out, STR(" wrote "));
    add_count(out, rows, "row", "rows");
    add_compared(out, rows, r->loaded_before.rows);
    buf_add(out, STR(", read "));
    buf_add_bytes(out, bytes);
    add_compared(out, bytes, r->loaded_before.bytes);
}

static void add_assets(const struct report *r, struct buf *out)
{
    report_add_number(out, r->totals.assets);
    buf_add(out, r->failures.total == 0 ? STR(", none failing") : STR(", failing: "));
    if (r->failures.total > 0) {
        report_add_number(out, (int64_t)r->failures.total);
    }
    if (r->checks.total > 0) {
        buf_add(out, STR("; "));
        add_count(out, (int64_t)r->checks.total, "check failed", "checks failed");
    }
}

static void add_freshness(const struct report *r, struct buf *out)
{
    static const char *const words[FRESH_COUNT] = {"fresh",
                                                   "late",
                                                   "stale",
                                                   "stale as making fails",
                                                   "stale as the device is away",
                                                   "not known: clock",
                                                   "never made"};
    bool has_one = false;
    for (int i = 0; i < FRESH_COUNT; i++) {
        if (r->freshness[i] > 0) {
            buf_add(out, has_one ? STR(", ") : STR(""));
            report_add_number(out, r->freshness[i]);
            buf_addf(out, " %s", words[i]);
            has_one = true;
        }
    }
}

static void add_events(const struct report *r, struct buf *out)
{
    report_add_number(out, r->totals.events);
    buf_add(out, STR(" in all, "));
    buf_add(out, r->totals.lost_events == 0 ? STR("none") : STR(""));
    if (r->totals.lost_events > 0) {
        report_add_number(out, r->totals.lost_events);
    }
    buf_add(out, STR(" lost"));
    if (r->lost > 0) {
        buf_add(out, STR(" (in this time: "));
        report_add_number(out, r->lost);
        buf_add_char(out, ')');
    }
    buf_add(out, STR(", "));
    buf_add(out, r->waiting == 0 ? STR("none") : STR(""));
    if (r->waiting > 0) {
        report_add_number(out, r->waiting);
    }
    buf_add(out, STR(" known to wait on devices"));
}

static void add_alerts(const struct report *r, struct buf *out)
{
    if (r->alerts.total > 0) {
        report_add_number(out, r->alerts_open);
        buf_add(out, STR(" open; in this time "));
        report_add_number(out, r->alerts_opened);
        buf_add(out, STR(" began, "));
        report_add_number(out, r->alerts_over);
        buf_add(out, STR(" ended"));
    }
}

const struct report_fact report_facts[] = {
    {"devices", add_devices}, {"runs", add_runs},     {"retries", add_retries},
    {"loaded", add_loaded},   {"assets", add_assets}, {"fresh", add_freshness},
    {"events", add_events},   {"alerts", add_alerts}, {NULL, NULL}};

void report_add_title(const struct report *r, struct buf *out)
{
    buf_addf(out, "fleet " STR_FMT ", ", STR_ARG(r->fleet));
    report_add_minute(out, r->since);
    buf_add(out, STR(" to "));
    report_add_minute(out, r->until);
    buf_add(out, STR(" UTC"));
}

void report_write_subject(const struct report *r, struct buf *out)
{
    AUTO(arena) arena = arena_new(REPORT_SPARE_BYTES);
    struct report_line lines[REPORT_LINES_MAX];
    size_t count = report_attention(r, &arena, lines);
    buf_addf(out, STR_FMT ": ", STR_ARG(r->fleet));
    if (count == 0) {
        buf_add(out, STR("all is well"));
    } else {
        add_count(out, (int64_t)count, "thing needs attention", "things need attention");
    }
    if (report_runs_ended(&r->runs) > 0) {
        buf_add(out, STR("; "));
        report_add_rate(out, &r->runs);
        buf_add(out, STR(" of runs succeeded"));
    }
}

/* --- sentences ---------------------------------------------------------------------------- */

static void add_slowest(const struct report *r, size_t row, struct buf *out)
{
    const struct report_asset *a = &r->assets.items[r->slowest[row]];
    buf_add_harmless(out, a->asset);
    buf_add(out, STR(" takes "));
    buf_add_duration(out, a->duration_avg_ms * NS_PER_MS);
    buf_add(out, STR(" (at most "));
    buf_add_duration(out, a->duration_max_ms * NS_PER_MS);
    buf_add_char(out, ')');
}

static size_t count_slowest(const struct report *r, size_t *ret_total)
{
    *ret_total = r->slowest_count;
    return r->slowest_count;
}

static void add_flakiest(const struct report *r, size_t row, struct buf *out)
{
    const struct report_asset *a = &r->assets.items[r->flakiest[row]];
    buf_add_harmless(out, a->asset);
    buf_add(out, STR(" failed in "));
    report_add_number(out, a->failed_attempts);
    buf_add(out, STR(" of "));
    report_add_number(out, report_plus(a->steps, a->retries));
    buf_add(out, STR(" attempts"));
}

static size_t count_flakiest(const struct report *r, size_t *ret_total)
{
    *ret_total = r->flakiest_count;
    return r->flakiest_count;
}

/* "reports/daily on brooklyn: stale, since 2026-11-21 09:00" */
static void add_late(const struct report *r, size_t row, struct buf *out)
{
    static const char *const words[FRESH_COUNT] = {
        [FRESH_LATE] = "late",
        [FRESH_STALE] = "stale",
        [FRESH_FAILED] = "stale, since making it fails",
        [FRESH_AWAY] = "not known to be fresh, since the device is away",
        [FRESH_CLOCK] = "not known to be fresh, since the device's clock is wrong"};
    const struct report_stale *stale = &r->stale.items[row];
    const char *word = words[stale->word];
    buf_add_harmless(out, stale->asset);
    buf_add(out, STR(" on "));
    buf_add_harmless(out, stale->device);
    buf_addf(out, ": %s", word == NULL ? freshness_word(stale->word) : word);
    if (stale->told_at.ns != 0 && (stale->word == FRESH_LATE || stale->word == FRESH_STALE)) {
        buf_add(out, STR(", since "));
        report_add_minute(out, stale->told_at);
    }
}

static size_t count_late(const struct report *r, size_t *ret_total)
{
    *ret_total = r->stale.total;
    return r->stale.count;
}

static void add_loss(const struct report *r, size_t row, struct buf *out)
{
    const struct report_gap *gap = &r->losses.items[row];
    buf_add_harmless(out, gap->device);
    buf_add(out, STR(" gave up "));
    add_count(out, gap->events, "event", "events");
    buf_add(out, STR(" in "));
    add_count(out, gap->gaps, "gap", "gaps");
    if (!str_is_empty(gap->reason)) {
        buf_add(out, STR(" ("));
        buf_add_harmless(out, gap->reason);
        buf_add_char(out, ')');
    }
    buf_add(out, STR(", the last "));
    report_add_minute(out, gap->at);
}

static size_t count_losses(const struct report *r, size_t *ret_total)
{
    *ret_total = r->losses.total;
    return r->losses.count;
}

/* "open since 2026-11-21 09:00: brooklyn is away: last seen ..." */
static void add_alert(const struct report *r, size_t row, struct buf *out)
{
    const struct report_alert *a = &r->alerts.items[row];
    struct alert_row alert = {.is_group = a->is_group,
                              .subject = a->subject,
                              .devices = a->devices,
                              .troubles = a->troubles};
    AUTO(buf) sentence = buf_growing(16 << 10);
    buf_add(out, a->resolved.ns == 0 ? STR("open since ") : STR("over since "));
    report_add_minute(out, a->resolved.ns == 0 ? a->opened : a->resolved);
    buf_add(out, STR(": "));
    if (alert_kind_from(a->kind, &alert.kind)) {
        alert_sentence(&alert, r->alert_group, a->detail, false, &sentence);
    } else {
        buf_add(&sentence, a->detail);
    }
    buf_add_harmless(out, buf_str(&sentence));
}

static size_t count_alerts(const struct report *r, size_t *ret_total)
{
    *ret_total = r->alerts.total;
    return r->alerts.count;
}

const struct report_list report_late_list = {
    "not fresh", "selvedge-hub report --format csv --section troubles", count_late, add_late};
static const struct report_list slowest_list = {"slowest", "", count_slowest, add_slowest};
static const struct report_list flakiest_list = {"flakiest", "", count_flakiest, add_flakiest};
static const struct report_list loss_list = {"lost in this time",
                                             "selvedge-hub report --format csv --section losses",
                                             count_losses, add_loss};
static const struct report_list alert_list = {"alerts", "selvedge-hub alerts --all", count_alerts,
                                              add_alert};
const struct report_list *const report_lists[] = {&slowest_list, &flakiest_list, &loss_list,
                                                  &alert_list, NULL};

/* --- tables ------------------------------------------------------------------------------- */

static void add_rows(struct buf *out, int64_t rows)
{
    if (rows != HUB_UNKNOWN) {
        report_add_short(out, rows);
    }
}

static void add_bytes(struct buf *out, int64_t bytes)
{
    if (bytes != HUB_UNKNOWN) {
        buf_add_bytes(out, bytes);
    }
}

static size_t count_assets(const struct report *r)
{
    return r->assets.count;
}

static void fill_asset(const struct report *r, size_t row, struct buf cells[REPORT_COLUMNS_MAX])
{
    const struct report_asset *a = &r->assets.items[row];
    buf_add_harmless(&cells[0], a->asset);
    report_add_short(&cells[1], a->devices);
    report_add_short(&cells[2], a->now.materializations);
    add_rows(&cells[3], a->now.rows);
    report_add_change(&cells[4], a->now.rows, a->before.rows);
    add_bytes(&cells[5], a->now.bytes);
    report_add_change(&cells[6], a->now.bytes, a->before.bytes);
    if (a->duration_avg_ms != HUB_UNKNOWN) {
        buf_add_duration(&cells[7], a->duration_avg_ms * NS_PER_MS);
    }
}

static size_t count_groups(const struct report *r)
{
    return r->groups.count;
}

static void fill_group(const struct report *r, size_t row, struct buf cells[REPORT_COLUMNS_MAX])
{
    const struct report_group *g = &r->groups.items[row];
    buf_add_harmless(&cells[0], str_is_empty(g->name) ? STR("(none)") : g->name);
    buf_addf(&cells[1], "%lld/%lld", (long long)g->online, (long long)g->devices);
    report_add_rate(&cells[2], &g->runs);
    report_add_short(&cells[3], g->failing);
    report_add_short(&cells[4], g->late);
    add_rows(&cells[5], g->now.rows);
    report_add_change(&cells[6], g->now.rows, g->before.rows);
    add_bytes(&cells[7], g->now.bytes);
    report_add_change(&cells[8], g->now.bytes, g->before.bytes);
}

/* Those before the fleet did anything are left out. */
static size_t first_day(const struct report *r)
{
    size_t i = 0;
    while (i < REPORT_DAYS &&
           report_runs_ended(&r->days[i].runs) + r->days[i].load.materializations == 0) {
        i++;
    }
    return i;
}

static size_t count_days(const struct report *r)
{
    return REPORT_DAYS - first_day(r);
}

static void fill_day(const struct report *r, size_t row, struct buf cells[REPORT_COLUMNS_MAX])
{
    const struct report_day *d = &r->days[first_day(r) + row];
    report_add_day(&cells[0], d);
    report_add_short(&cells[1], d->runs.success);
    report_add_short(&cells[2], d->runs.failure);
    report_add_rate(&cells[3], &d->runs);
    add_rows(&cells[4], d->load.rows);
    add_bytes(&cells[5], d->load.bytes);
}

static const struct report_column asset_columns[] = {
    {"ASSET", false}, {"DEVICES", true}, {"TIMES", true}, {"ROWS", true}, {"CHANGE", true},
    {"BYTES", true},  {"CHANGE", true},  {"TOOK", true},  {NULL, false}};
static const struct report_column group_columns[] = {
    {"GROUP", false}, {"ONLINE", true}, {"SUCCESS", true}, {"FAILING", true}, {"LATE", true},
    {"ROWS", true},   {"CHANGE", true}, {"BYTES", true},   {"CHANGE", true},  {NULL, false}};
static const struct report_column day_columns[] = {
    {"DAY", false}, {"SUCCEEDED", true}, {"FAILED", true}, {"SUCCESS", true},
    {"ROWS", true}, {"BYTES", true},     {NULL, false}};

const struct report_table report_asset_table = {"made in this time", asset_columns, count_assets,
                                                fill_asset};
const struct report_table report_group_table = {NULL, group_columns, count_groups, fill_group};
const struct report_table report_day_table = {"the last seven days", day_columns, count_days,
                                              fill_day};

void report_add_heading(const struct report *r, const struct report_table *table, struct buf *out)
{
    if (table == &report_group_table) {
        buf_add(out, STR("by "));
        buf_add_harmless(out, r->group_by);
    } else {
        buf_add_text(out, table->heading);
    }
}
