#include "common/base/time.h"

#include <inttypes.h>
#include <string.h>

enum {
    SECONDS_PER_DAY = 86400,
    DAYS_PER_ERA = 146097,     /* 400 Gregorian years */
    DAYS_TO_1970 = 719468,     /* from 0000-03-01, where an era starts */
    WEEKDAY_OF_1970_01_01 = 4, /* Thursday */
};

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return a % b < 0 ? q - 1 : q;
}

/* Years start in March here, so that the leap day is the last of its year. After H. Hinnant,
 * "chrono-compatible low-level date algorithms". */
bool wall_from_seconds(int64_t seconds, struct wall_time *ret)
{
    int64_t ns = 0;
    if (__builtin_mul_overflow(seconds, NS_PER_SEC, &ns)) {
        return false;
    }
    ret->ns = ns;
    return true;
}

struct civil_time civil_from_seconds(int64_t seconds)
{
    int64_t days = floor_div(seconds, SECONDS_PER_DAY);
    int second_of_day = (int)(seconds - days * SECONDS_PER_DAY);
    int64_t era = floor_div(days + DAYS_TO_1970, DAYS_PER_ERA);
    int day_of_era = (int)(days + DAYS_TO_1970 - era * DAYS_PER_ERA);
    int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = (5 * day_of_year + 2) / 153;
    int month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    int64_t weekday = days + WEEKDAY_OF_1970_01_01;
    return (struct civil_time){
        .year = era * 400 + year_of_era + (month <= 2 ? 1 : 0),
        .month = month,
        .day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
        .hour = second_of_day / 3600,
        .minute = second_of_day / 60 % 60,
        .second = second_of_day % 60,
        .weekday = (int)(weekday - floor_div(weekday, 7) * 7),
    };
}

int64_t civil_to_seconds(const struct civil_time *c)
{
    int64_t month_from_march = (int64_t)c->month - 3;
    int64_t year = c->year + floor_div(month_from_march, 12);
    month_from_march -= floor_div(month_from_march, 12) * 12;
    int64_t era = floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t days = era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
                   (153 * month_from_march + 2) / 5 + c->day - 1 - DAYS_TO_1970;
    return days * SECONDS_PER_DAY + (int64_t)c->hour * 3600 + (int64_t)c->minute * 60 + c->second;
}

/* Writes `value` with leading zeros; returns the position behind it. */
static char *put_digits(char *to, int64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        to[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return to + digits;
}

bool wall_is_set(struct wall_time now)
{
    static const int64_t seconds_2024 = INT64_C(1704067200);
    return now.ns >= seconds_2024 * NS_PER_SEC;
}

const char *wall_format(struct wall_time t, char text[WALL_TEXT_SIZE])
{
    int64_t seconds = floor_div(t.ns, NS_PER_SEC);
    struct civil_time c = civil_from_seconds(seconds);
    char *to = put_digits(text, c.year, 4); /* 64-bit nanoseconds reach from 1677 to 2262 */
    *to++ = '-';
    to = put_digits(to, c.month, 2);
    *to++ = '-';
    to = put_digits(to, c.day, 2);
    *to++ = 'T';
    to = put_digits(to, c.hour, 2);
    *to++ = ':';
    to = put_digits(to, c.minute, 2);
    *to++ = ':';
    to = put_digits(to, c.second, 2);
    *to++ = '.';
    to = put_digits(to, floor_div(t.ns, NS_PER_MS) - seconds * 1000, 3);
    *to++ = 'Z';
    *to = '\0';
    return text;
}

void buf_add_wall(struct buf *b, struct wall_time t)
{
    char text[WALL_TEXT_SIZE];
    buf_add_text(b, wall_format(t, text));
}

/* Takes exactly `digits` digits off the front; this and the next are for every event of a fleet. */
static bool take_number(struct str *s, size_t digits, int max, int *ret)
{
    int value = 0;
    if (s->len < digits) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        if (s->ptr[i] < '0' || s->ptr[i] > '9') {
            return false;
        }
        value = value * 10 + (s->ptr[i] - '0');
    }
    s->ptr += digits;
    s->len -= digits;
    *ret = value;
    return value <= max;
}

static bool take_char(struct str *s, const char *accepted)
{
    while (*accepted != '\0' && (s->len == 0 || s->ptr[0] != *accepted)) {
        accepted++;
    }
    if (*accepted == '\0') {
        return false;
    }
    s->ptr++;
    s->len--;
    return true;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

static bool take_date(struct str *s, struct civil_time *ret)
{
    int year = 0;
    struct civil_time c = {0};
    if (!take_number(s, 4, 9999, &year) || !take_char(s, "-") || !take_number(s, 2, 12, &c.month) ||
        !take_char(s, "-") || !take_number(s, 2, 31, &c.day) || c.month < 1 || c.day < 1 ||
        c.day > days_of_month(year, c.month)) {
        return false;
    }
    c.year = year;
    *ret = c;
    return true;
}

/* ".123456789"; digits beyond nanoseconds are dropped. */
static bool take_fraction(struct str *s, int64_t *ret_ns)
{
    if (!take_char(s, ".")) {
        *ret_ns = 0;
        return true;
    }
    int64_t ns = 0;
    int64_t scale = NS_PER_SEC;
    size_t digits = 0;
    while (digits < s->len && s->ptr[digits] >= '0' && s->ptr[digits] <= '9') {
        scale /= 10;
        ns += (s->ptr[digits] - '0') * scale;
        digits++;
    }
    *s = str_slice(*s, digits, s->len);
    *ret_ns = ns;
    return digits > 0;
}

static bool take_zone(struct str *s, int64_t *ret_seconds)
{
    if (s->len == 0 || take_char(s, "Zz")) {
        *ret_seconds = 0;
        return true;
    }
    int64_t sign = s->ptr[0] == '-' ? -1 : 1;
    int hours = 0;
    int minutes = 0;
    if (!take_char(s, "+-") || !take_number(s, 2, 23, &hours) || !take_char(s, ":") ||
        !take_number(s, 2, 59, &minutes)) {
        return false;
    }
    *ret_seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

/* "T02:30:00.123+01:00", into the civil time, nanoseconds and the zone's shift. */
static bool take_clock(struct str *s, struct civil_time *c, int64_t *ret_ns, int64_t *ret_zone)
{
    return take_char(s, "Tt ") && take_number(s, 2, 23, &c->hour) && take_char(s, ":") &&
           take_number(s, 2, 59, &c->minute) && take_char(s, ":") &&
           take_number(s, 2, 60, &c->second) && take_fraction(s, ret_ns) && take_zone(s, ret_zone);
}

bool wall_parse(struct str s, struct wall_time *ret)
{
    struct civil_time c = {0};
    int64_t ns = 0;
    int64_t zone = 0;
    if (!take_date(&s, &c) || (s.len > 0 && !take_clock(&s, &c, &ns, &zone)) || s.len > 0) {
        return false;
    }
    int64_t seconds = civil_to_seconds(&c) - zone;
    /* A leap second is the last of a UTC day; it becomes the first of the next. */
    if (c.second == 60 && seconds % SECONDS_PER_DAY != 0) {
        return false;
    }
    if (seconds < 0) { /* both parts of one sign: the earliest times must not overflow half-way */
        seconds++;
        ns -= NS_PER_SEC;
    }
    int64_t total = 0;
    if (__builtin_mul_overflow(seconds, NS_PER_SEC, &total) ||
        __builtin_add_overflow(total, ns, &total)) {
        return false;
    }
    ret->ns = total;
    return true;
}

/* Magnitude of a possibly negative number, its sign already written. */
static uint64_t add_sign(struct buf *b, int64_t value)
{
    if (value < 0) {
        buf_add_char(b, '-');
        return 0 - (uint64_t)value;
    }
    return (uint64_t)value;
}

/* "2 h 05 m": seconds as a count of a large unit and one of the next smaller. */
static void add_pair(struct buf *b, uint64_t seconds)
{
    static const struct {
        uint64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
    size_t i = 0;
    while (seconds < units[i].seconds) {
        i++;
    }
    uint64_t rest = seconds % units[i].seconds / units[i + 1].seconds;
    buf_addf(b, "%" PRIu64 " %s %02" PRIu64 " %s", seconds / units[i].seconds, units[i].name, rest,
             units[i + 1].name);
}

void buf_add_duration(struct buf *b, int64_t ns)
{
    /* Everything is rounded down: "59.9 s" is never shown as "60.0 s". */
    uint64_t value = add_sign(b, ns);
    uint64_t seconds = value / 1000000000U;
    if (seconds >= 60) {
        add_pair(b, seconds);
    } else if (seconds >= 1) {
        buf_addf(b, "%" PRIu64 ".%" PRIu64 " s", seconds, value / 100000000U % 10);
    } else if (value >= 1000000U) {
        buf_addf(b, "%" PRIu64 " ms", value / 1000000U);
    } else if (value >= 1000U) {
        buf_addf(b, "%" PRIu64 " us", value / 1000U);
    } else {
        buf_addf(b, "%" PRIu64 " ns", value);
    }
}

void buf_add_bytes(struct buf *b, int64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    uint64_t value = add_sign(b, bytes);
    if (value < 1024) {
        buf_addf(b, "%" PRIu64 " B", value);
        return;
    }
    size_t unit = 0;
    while (value >> 20 != 0) { /* keeps ten bits behind the point */
        value >>= 10;
        unit++;
    }
    buf_addf(b, "%" PRIu64 ".%" PRIu64 " %s", value >> 10, (value & 1023) * 10 / 1024, units[unit]);
}

void buf_add_exact_duration(struct buf *b, int64_t ns)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"d", INT64_C(86400) * NS_PER_SEC},
                 {"h", INT64_C(3600) * NS_PER_SEC},
                 {"m", INT64_C(60) * NS_PER_SEC},
                 {"s", NS_PER_SEC},
                 {"ms", NS_PER_MS}};
    if (ns < NS_PER_MS) {
        buf_add(b, STR("0s"));
        return;
    }
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (ns >= units[i].ns) {
            buf_addf(b, "%" PRId64 "%s", ns / units[i].ns, units[i].name);
            ns %= units[i].ns;
        }
    }
}

void buf_add_exact_bytes(struct buf *b, int64_t bytes)
{
    static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (bytes != 0 && unit + 1 < COUNT_OF(units) && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    buf_addf(b, "%" PRId64 "%s", bytes, units[unit]);
}
