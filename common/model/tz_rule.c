#include "common/model/tz_rule.h"

#include "common/base/time.h"

enum { SECONDS_PER_DAY = 86400 };

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_char(struct str *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c) {
        return false;
    }
    *s = str_slice(*s, 1, s->len);
    return true;
}

/* "CET" or "<+03>". */
static bool take_name(struct str *s)
{
    struct str body;
    struct str rest;
    if (take_char(s, '<')) {
        bool ok = str_cut(*s, '>', &body, &rest) && body.len >= 3;
        *s = rest;
        return ok;
    }
    size_t len = 0;
    while (len < s->len && is_letter(s->ptr[len])) {
        len++;
    }
    *s = str_slice(*s, len, s->len);
    return len >= 3;
}

static bool take_number(struct str *s, int min, int max, int *ret)
{
    size_t len = 0;
    while (len < s->len && len < 4 && is_digit(s->ptr[len])) {
        len++;
    }
    int64_t value = 0;
    if (!str_to_i64(str_slice(*s, 0, len), min, max, &value)) {
        return false;
    }
    *s = str_slice(*s, len, s->len);
    *ret = (int)value;
    return true;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool take_time(struct str *s, int hours_max, int32_t *ret)
{
    bool is_negative = take_char(s, '-');
    if (!is_negative) {
        (void)take_char(s, '+');
    }
    int hours = 0;
    int minutes = 0;
    int seconds = 0;
    if (!take_number(s, 0, hours_max, &hours) ||
        (take_char(s, ':') && (!take_number(s, 0, 59, &minutes) ||
                               (take_char(s, ':') && !take_number(s, 0, 59, &seconds))))) {
        return false;
    }
    int32_t total = hours * 3600 + minutes * 60 + seconds;
    *ret = is_negative ? -total : total;
    return true;
}

static bool take_day(struct str *s, struct tz_day *ret)
{
    *ret = (struct tz_day){.second = 2 * 3600};
    bool ok = true;
    if (take_char(s, 'M')) {
        ret->kind = TZ_DAY_WEEKDAY;
        ok = take_number(s, 1, 12, &ret->month) && take_char(s, '.') &&
             take_number(s, 1, 5, &ret->week) && take_char(s, '.') &&
             take_number(s, 0, 6, &ret->day);
    } else if (take_char(s, 'J')) {
        ret->kind = TZ_DAY_JULIAN;
        ok = take_number(s, 1, 365, &ret->day);
    } else {
        ret->kind = TZ_DAY_OF_YEAR;
        ok = take_number(s, 0, 365, &ret->day);
    }
    return ok && (!take_char(s, '/') || take_time(s, 167, &ret->second));
}

static bool parse(struct str s, struct tz_rule *rule)
{
    int32_t west = 0; /* POSIX counts offsets westwards */
    if (!take_name(&s) || !take_time(&s, 24, &west)) {
        return false;
    }
    rule->standard = -west;
    if (s.len == 0) {
        return true;
    }
    rule->has_daylight = true;
    if (!take_name(&s)) {
        return false;
    }
    rule->daylight = rule->standard + 3600;
    if (s.len > 0 && s.ptr[0] != ',') {
        if (!take_time(&s, 24, &west)) {
            return false;
        }
        rule->daylight = -west;
    }
    return take_char(&s, ',') && take_day(&s, &rule->start) && take_char(&s, ',') &&
           take_day(&s, &rule->end) && s.len == 0;
}

bool tz_rule_parse(struct str text, struct tz_rule *ret, struct err *err)
{
    struct tz_rule rule = {0};
    if (!parse(text, &rule)) {
        return err_set(err, ERR_CORRUPT, "\"%.*s\" is not a POSIX time zone rule",
                       (int)(text.len < 80 ? text.len : 80), text.ptr);
    }
    *ret = rule;
    return true;
}

static int64_t start_of(int64_t year, int month, int day)
{
    return civil_to_seconds(&(struct civil_time){.year = year, .month = month, .day = day});
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Local seconds, in the time before the change, at which the day's change happens in a year. */
static int64_t local_of(const struct tz_day *day, int64_t year)
{
    int64_t local = 0;
    if (day->kind == TZ_DAY_WEEKDAY) {
        int64_t first = start_of(year, day->month, 1);
        int ahead = (day->day - civil_from_seconds(first).weekday + 7) % 7;
        local = first + (int64_t)(ahead + 7 * (day->week - 1)) * SECONDS_PER_DAY;
        if (local >= start_of(year, day->month + 1, 1)) {
            local -=
                INT64_C(7) * SECONDS_PER_DAY; /* there is no fifth one: the last is the fourth */
        }
    } else {
        int index = day->day;
        if (day->kind == TZ_DAY_JULIAN) {
            index = is_leap(year) && day->day >= 60 ? day->day : day->day - 1;
        }
        local = start_of(year, 1, 1) + (int64_t)index * SECONDS_PER_DAY;
    }
    return local + day->second;
}

/* At the same instant daylight saving time wins: "EST5EDT,0/0,J365/25" means all the year round. */
static bool is_before(struct tz_change a, struct tz_change b, int32_t standard)
{
    return a.at < b.at || (a.at == b.at && a.offset == standard && b.offset != standard);
}

size_t tz_rule_changes(const struct tz_rule *rule, int64_t utc,
                       struct tz_change ret[TZ_CHANGES_MAX])
{
    if (!rule->has_daylight) {
        return 0;
    }
    int64_t year = civil_from_seconds(utc).year - 1;
    size_t count = 0;
    for (; count < TZ_CHANGES_MAX; year++) {
        ret[count++] =
            (struct tz_change){local_of(&rule->start, year) - rule->standard, rule->daylight};
        ret[count++] =
            (struct tz_change){local_of(&rule->end, year) - rule->daylight, rule->standard};
    }
    for (size_t i = 1; i < count; i++) {
        struct tz_change moved = ret[i];
        size_t at = i;
        for (; at > 0 && is_before(moved, ret[at - 1], rule->standard); at--) {
            ret[at] = ret[at - 1];
        }
        ret[at] = moved;
    }
    return count;
}
