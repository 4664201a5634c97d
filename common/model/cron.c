#include "common/model/cron.h"

enum {
    MINUTES_PER_DAY = 1440,
    SECONDS_PER_DAY = 86400,
    ALL_HOURS = (1 << 24) - 1,
    /* A February 29 that has to be a given weekday may be 40 years away. */
    SEARCH_DAYS = 50 * 366,
};

static int64_t floor_to(int64_t value, int64_t unit)
{
    int64_t rest = value % unit;
    return value - (rest < 0 ? rest + unit : rest);
}

/* The rule of Vixie's cron: when both day fields are restricted, either will do. */
static bool is_day(const struct cron *c, const struct civil_time *t)
{
    bool day = (c->days >> t->day & 1) != 0;
    bool weekday = (c->weekdays >> t->weekday & 1) != 0;
    bool matches = c->any_day || c->any_weekday ? day && weekday : day || weekday;
    return matches && (c->months >> t->month & 1) != 0;
}

/* The first minute of the day, at or after `from` (minutes since midnight), that is named; or
 * MINUTES_PER_DAY. */
static int minute_of_day(const struct cron *c, int from)
{
    for (int hour = from / 60; hour < 24; hour++) {
        if ((c->hours >> hour & 1) == 0) {
            continue;
        }
        for (int minute = hour == from / 60 ? from % 60 : 0; minute < 60; minute++) {
            if ((c->minutes >> minute & 1) != 0) {
                return hour * 60 + minute;
            }
        }
    }
    return MINUTES_PER_DAY;
}

/* The first local time at or after `local` (a whole minute) and before `limit` that the expression
 * names. */
static bool next_local(const struct cron *c, int64_t local, int64_t limit, int64_t *ret)
{
    int64_t midnight = floor_to(local, SECONDS_PER_DAY);
    int from = (int)((local - midnight) / 60);
    while (midnight < limit) {
        struct civil_time day = civil_from_seconds(midnight);
        int minute = is_day(c, &day) ? minute_of_day(c, from) : MINUTES_PER_DAY;
        if (minute < MINUTES_PER_DAY) {
            *ret = midnight + (int64_t)minute * 60;
            return *ret < limit;
        }
        midnight += SECONDS_PER_DAY;
        from = 0;
    }
    return false;
}

/* What the clock shows at the instant, or what it will be set back to from there: a time that it
 * then shows for the second time is still to come. */
static int64_t earliest_to_come(const struct tz *tz, int64_t instant)
{
    int64_t local = instant + tz_offset_at(tz, instant);
    int64_t change = tz_next_change(tz, instant);
    if (change == INT64_MAX) {
        return local;
    }
    int64_t set_to = change + tz_offset_at(tz, change);
    return set_to < local ? set_to : local;
}

/* Named hours: the wall clock's times in order, each at the last instant at which the clock shows
 * it, or the first behind the gap that swallows it. That order is also the order of the instants. */
static bool next_by_clock(const struct cron *c, const struct tz *tz, int64_t after, int64_t limit,
                          int64_t *ret)
{
    int64_t local = floor_to(earliest_to_come(tz, after), 60);
    while (next_local(c, local, limit, &local)) {
        struct tz_instants instants = tz_from_local(tz, local);
        int64_t instant = instants.count == 2 ? instants.second : instants.first;
        if (instant > after) {
            *ret = instant;
            return true;
        }
        local += 60;
    }
    return false;
}

/* Every hour: the instants in order, one stretch of constant offset after the other. */
static bool next_by_time(const struct cron *c, const struct tz *tz, int64_t after, int64_t limit,
                         int64_t *ret)
{
    int64_t from = after + 1;
    while (from < limit) {
        int32_t offset = tz_offset_at(tz, from);
        int64_t change = tz_next_change(tz, from);
        int64_t local = floor_to(from + offset + 59, 60);
        int64_t end = change < limit ? change : limit;
        if (next_local(c, local, end + offset, &local)) {
            *ret = local - offset;
            return true;
        }
        from = change;
    }
    return false;
}

static int64_t seconds_of(struct wall_time t)
{
    return t.ns / NS_PER_SEC - (t.ns % NS_PER_SEC < 0 ? 1 : 0);
}

static bool next_second(const struct cron *c, const struct tz *tz, int64_t after, int64_t *ret)
{
    int64_t limit = after + (int64_t)SEARCH_DAYS * SECONDS_PER_DAY;
    return c->hours == ALL_HOURS ? next_by_time(c, tz, after, limit, ret)
                                 : next_by_clock(c, tz, after, limit, ret);
}

bool cron_next(const struct cron *c, const struct tz *tz, struct wall_time after,
               struct wall_time *ret_next)
{
    int64_t next = 0;
    return next_second(c, tz, seconds_of(after), &next) && wall_from_seconds(next, ret_next);
}

/* Some firing in (from, until]. */
static bool any_until(const struct cron *c, const struct tz *tz, int64_t from, int64_t until,
                      int64_t *ret)
{
    int64_t next = 0;
    if (!next_second(c, tz, from, &next) || next > until) {
        return false;
    }
    *ret = next;
    return true;
}

bool cron_last(const struct cron *c, const struct tz *tz, struct wall_time until,
               struct wall_time *ret_last)
{
    const int64_t end = seconds_of(until);
    const int64_t span_max = (int64_t)SEARCH_DAYS * SECONDS_PER_DAY;
    int64_t last = 0;
    int64_t span = SECONDS_PER_DAY / 24;
    while (!any_until(c, tz, end - span, end, &last)) {
        if (span == span_max) {
            return false;
        }
        span = span * 8 < span_max ? span * 8 : span_max;
    }
    /* Between the firing that is known and `none_behind` there may be later ones. */
    int64_t none_behind = end;
    while (none_behind > last) {
        int64_t middle = last + (none_behind - last) / 2;
        if (!any_until(c, tz, middle, end, &last)) {
            none_behind = middle;
        }
    }
    return wall_from_seconds(last, ret_last);
}
