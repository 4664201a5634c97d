#include "tests/sim/cron_oracle.h"

#include "common/base/compiler.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t begin_2023_12_30 = INT64_C(1703894400);
enum { DAYS = 4 + 366 + 365 * 3, MINUTES = DAYS * 1440, TEXT_MAX = 250 };

static void *must_alloc(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* --- zones --- */

static struct oracle_minute shown_by(const struct tm *tm)
{
    return (struct oracle_minute){.minute = (uint8_t)tm->tm_min,
                                  .hour = (uint8_t)tm->tm_hour,
                                  .day = (uint8_t)tm->tm_mday,
                                  .month = (uint8_t)(tm->tm_mon + 1),
                                  .weekday = (uint8_t)tm->tm_wday};
}

static void note_gap(struct oracle_zone *zone, int64_t local, int64_t local_behind, int64_t behind)
{
    for (; local < local_behind; local += 60) {
        struct tm tm;
        time_t t = (time_t)local;
        if (gmtime_r(&t, &tm) == NULL || zone->gap_count == ORACLE_GAPS_MAX) {
            abort();
        }
        zone->gaps[zone->gap_count++] = (struct oracle_gap){shown_by(&tm), behind};
    }
}

struct oracle_zone *oracle_zone_new(const char *name)
{
    struct oracle_zone *zone = must_alloc(1, sizeof(*zone));
    char path[128];
    (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    FILE *file = fopen(path, "r");
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    if (file == NULL || setenv("TZ", name, 1) != 0) {
        (void)fprintf(stderr, "the system has no zone %s\n", name);
        abort();
    }
    (void)fclose(file);
    tzset();
    zone->begin = begin_2023_12_30;
    zone->count = MINUTES;
    zone->minutes = must_alloc(MINUTES, sizeof(*zone->minutes));
    long offset = 0;
    for (size_t i = 0; i < MINUTES; i++) {
        struct tm tm;
        time_t t = (time_t)(zone->begin + 60 * (int64_t)i);
        if (localtime_r(&t, &tm) == NULL) {
            abort();
        }
        zone->minutes[i] = shown_by(&tm);
        long before = i == 0 ? tm.tm_gmtoff : offset;
        offset = tm.tm_gmtoff;
        if (offset > before) {
            note_gap(zone, t + before, t + offset, t);
        }
        for (size_t back = 1; (long)back * 60 <= before - offset && back <= i; back++) {
            zone->minutes[i - back].is_shown_again = true;
        }
    }
    return zone;
}

void oracle_zone_free(struct oracle_zone *zone)
{
    if (zone != NULL) {
        free(zone->minutes);
        free(zone);
    }
}

/* --- expressions --- */

struct field {
    int low, high;
    int written_max;   /* of the values that are chosen */
    const char *names; /* three letters each; "" = none */
};
static const struct field minute_field = {0, 59, 59, ""};
static const struct field hour_field = {0, 23, 23, ""};
static const struct field night_field = {0, 23, 4, ""}; /* when clocks are changed */
static const struct field day_field = {1, 31, 31, ""};
static const struct field month_field = {1, 12, 12, "janfebmaraprmayjunjulaugsepoctnovdec"};
static const struct field weekday_field = {0, 6, 6, "sunmontuewedthufrisat"};

static int between(const struct rng *rng, int low, int high)
{
    return low + (int)rng_below(rng, (uint64_t)(high - low) + 1);
}

PRINTF_LIKE(2, 3)
static void add(char *text, const char *fmt, ...)
{
    size_t len = strlen(text);
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text + len, TEXT_MAX - len, fmt, args);
    va_end(args);
}

static void add_value(const struct rng *rng, const struct field *f, int value, char *text)
{
    if (f->names[0] != '\0' && rng_below(rng, 3) == 0) {
        add(text, "%.3s", f->names + 3 * (size_t)(value - f->low));
    } else if (f == &weekday_field && value == 0 && rng_below(rng, 2) == 0) {
        add(text, "7");
    } else {
        add(text, "%d", value);
    }
}

static uint64_t bits(int first, int last, int step)
{
    uint64_t set = 0;
    for (int value = first; value <= last; value += step) {
        set |= UINT64_C(1) << value;
    }
    return set;
}

static uint64_t add_element(const struct rng *rng, const struct field *f, char *text)
{
    int kind = between(rng, 0, 9);
    int first = between(rng, f->low, f->written_max);
    int last = between(rng, f->low, f->written_max);
    int step = f == &minute_field ? between(rng, 5, 40) : between(rng, 1, 6);
    if (kind < 2) {
        add(text, "*/%d", step);
        return bits(f->low, f->high, step);
    }
    if (kind < 3 && first < f->high) {
        add(text, "%d/%d", first, step);
        return bits(first, f->high, step);
    }
    if (kind < 5 && first < last) {
        add(text, "%d-%d/%d", first, last, step);
        return bits(first, last, step);
    }
    if (kind < 7 && first != last && f != &minute_field) {
        add_value(rng, f, first, text);
        add(text, "-");
        add(text, "%d", last);
        return first < last ? bits(first, last, 1)
                            : bits(first, f->high, 1) | bits(f->low, last, 1);
    }
    add_value(rng, f, first, text);
    return bits(first, first, 1);
}

/* `stars` of ten are "*". */
static uint64_t add_field(const struct rng *rng, const struct field *f, int stars, char *text)
{
    add(text, text[0] == '\0' ? "" : " ");
    if (between(rng, 1, 10) <= stars) {
        add(text, "*");
        return bits(f->low, f->high, 1);
    }
    uint64_t set = add_element(rng, f, text);
    while (between(rng, 0, 3) == 0) {
        add(text, ",");
        set |= add_element(rng, f, text);
    }
    return set;
}

void oracle_cron_random(const struct rng *rng, struct oracle_cron *ret)
{
    /* Whether a list of every day restricts anything is a matter of its own: the unit test's. */
    const uint64_t all_days = bits(1, 31, 1);
    const uint64_t all_weekdays = bits(0, 6, 1);
    const struct field *hours = between(rng, 0, 1) == 0 ? &hour_field : &night_field;
    do {
        *ret = (struct oracle_cron){0};
        ret->minutes = add_field(rng, &minute_field, between(rng, 0, 9) / 9, ret->text);
        ret->hours = add_field(rng, hours, hours == &hour_field ? 3 : 0, ret->text);
        size_t day_at = strlen(ret->text) + 1;
        ret->days = add_field(rng, &day_field, 6, ret->text);
        ret->any_day = strcmp(ret->text + day_at, "*") == 0;
        ret->months = add_field(rng, &month_field, 7, ret->text);
        size_t weekday_at = strlen(ret->text) + 1;
        ret->weekdays = add_field(rng, &weekday_field, 6, ret->text);
        ret->any_weekday = strcmp(ret->text + weekday_at, "*") == 0;
    } while ((ret->days == all_days && !ret->any_day) ||
             (ret->weekdays == all_weekdays && !ret->any_weekday) ||
             strlen(ret->text) > TEXT_MAX - 10);
}

/* --- ticks --- */

static bool is_named(const struct oracle_cron *c, const struct oracle_minute *m)
{
    if ((c->minutes >> m->minute & 1) == 0 || (c->hours >> m->hour & 1) == 0 ||
        (c->months >> m->month & 1) == 0) {
        return false;
    }
    bool day = (c->days >> m->day & 1) != 0;
    bool weekday = (c->weekdays >> m->weekday & 1) != 0;
    if (c->any_day || c->any_weekday) {
        return (day || c->any_day) && (weekday || c->any_weekday);
    }
    return day || weekday;
}

static bool is_behind_gap(const struct oracle_zone *zone, const struct oracle_cron *cron, int64_t t)
{
    for (size_t i = 0; i < zone->gap_count; i++) {
        if (zone->gaps[i].behind == t && is_named(cron, &zone->gaps[i].shown)) {
            return true;
        }
    }
    return false;
}

static void append(struct oracle_ticks *ticks, size_t *cap, int64_t t)
{
    if (ticks->count == *cap) {
        *cap = *cap == 0 ? 1024 : *cap * 2;
        ticks->at = realloc(ticks->at, *cap * sizeof(*ticks->at));
        if (ticks->at == NULL) {
            abort();
        }
    }
    ticks->at[ticks->count++] = t;
}

struct oracle_ticks oracle_ticks_of(const struct oracle_zone *zone, const struct oracle_cron *cron)
{
    struct oracle_ticks ticks = {0};
    size_t cap = 0;
    bool every_hour = cron->hours == bits(0, 23, 1);
    size_t gap = 0;
    for (size_t i = 0; i < zone->count; i++) {
        const struct oracle_minute *m = &zone->minutes[i];
        int64_t t = zone->begin + 60 * (int64_t)i;
        bool is_due = is_named(cron, m) && (every_hour || !m->is_shown_again);
        if (gap < zone->gap_count && zone->gaps[gap].behind == t) {
            is_due = is_due || (!every_hour && is_behind_gap(zone, cron, t));
            while (gap < zone->gap_count && zone->gaps[gap].behind == t) {
                gap++;
            }
        }
        if (is_due) {
            append(&ticks, &cap, t);
        }
    }
    return ticks;
}

struct oracle_ticks oracle_ticks_every(int64_t seconds, int64_t begin, int64_t end)
{
    struct oracle_ticks ticks = {0};
    size_t cap = 0;
    while (begin % seconds != 0) {
        begin++;
    }
    for (int64_t t = begin; t <= end; t += seconds) {
        append(&ticks, &cap, t);
    }
    return ticks;
}

void oracle_ticks_free(struct oracle_ticks *ticks)
{
    free(ticks->at);
    *ticks = (struct oracle_ticks){0};
}

size_t oracle_ticks_until(const struct oracle_ticks *ticks, int64_t second)
{
    size_t low = 0;
    size_t high = ticks->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ticks->at[middle] <= second) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}
