#include "common/dbt/seed_time.h"

#include "common/base/time.h"
#include "common/dbt/unicode_scan.h"

enum { DAY_SECONDS = 86400 };

static bool set_day(struct seed_time *t, int64_t days)
{
    struct civil_time c = civil_from_seconds(days * DAY_SECONDS);
    if (c.year < 1 || c.year > 9999) {
        return false;
    }
    t->year = (int)c.year;
    t->month = c.month;
    t->day = c.day;
    return true;
}

static int64_t day_number(int year, int month, int day)
{
    return civil_to_seconds(&(struct civil_time){.year = year, .month = month, .day = day}) /
           DAY_SECONDS;
}

/* A date of the calendar: the 30th of February would be carried. */
static bool set_date(struct seed_time *t, int year, int month, int day)
{
    return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
           set_day(t, day_number(year, month, day)) && t->month == month && t->day == day;
}

/* strptime: its patterns take one or two digits, the second of any script. */

struct scan {
    struct str rest;
};

static bool take_char(struct scan *s, char c)
{
    if (s->rest.len == 0 || s->rest.ptr[0] != c) {
        return false;
    }
    s->rest = str_slice(s->rest, 1, s->rest.len);
    return true;
}

static bool take_digit(struct scan *s, int *ret, bool *ret_is_ascii)
{
    size_t bytes;
    uint32_t c = unicode_first(s->rest, &bytes);
    int digit = bytes > 0 ? unicode_digit(c) : -1;
    if (digit < 0) {
        return false;
    }
    s->rest = str_slice(s->rest, bytes, s->rest.len);
    *ret = digit;
    *ret_is_ascii = c < 0x80;
    return true;
}

static bool take_year(struct scan *s, int *ret)
{
    *ret = 0;
    for (int i = 0; i < 4; i++) {
        int digit;
        bool is_ascii;
        if (!take_digit(s, &digit, &is_ascii)) {
            return false;
        }
        *ret = *ret * 10 + digit;
    }
    return true;
}

/* What a pattern like 1[0-2]|0[1-9]|[1-9] matches: two digits if they are in range, else one. */
struct pattern {
    int min, max;
    int any_tens_max; /* tens up to this are followed by \d, others by [0-9] */
    bool any_single;  /* a single digit is \d, not [1-9] */
};
static const struct pattern month_pattern = {1, 12, -1, false};
static const struct pattern hour_pattern = {0, 23, 1, true};
static const struct pattern minute_pattern = {0, 59, 5, true};

static bool take_number(struct scan *s, const struct pattern *p, int *ret)
{
    int tens;
    bool is_ascii;
    if (!take_digit(s, &tens, &is_ascii)) {
        return false;
    }
    struct scan behind = *s;
    int ones;
    bool ones_ascii;
    if (is_ascii && take_digit(&behind, &ones, &ones_ascii)) {
        int value = tens * 10 + ones;
        if (value >= p->min && value <= p->max && (ones_ascii || tens <= p->any_tens_max)) {
            *s = behind;
            *ret = value;
            return true;
        }
    }
    *ret = tens;
    return p->any_single || (is_ascii && tens >= 1);
}

/* 3[0-1]|[1-2]\d|0[1-9]|[1-9]| [1-9] */
static bool take_day(struct scan *s, int *ret)
{
    static const struct pattern day_pattern = {1, 31, -1, false};
    if (take_char(s, ' ')) {
        bool is_ascii;
        return take_digit(s, ret, &is_ascii) && is_ascii && *ret >= 1;
    }
    struct pattern p = day_pattern;
    if (s->rest.len > 0 && (s->rest.ptr[0] == '1' || s->rest.ptr[0] == '2')) {
        p.any_tens_max = 2;
    }
    return take_number(s, &p, ret);
}

static bool take_date(struct scan *s, struct seed_time *t)
{
    int year;
    int month;
    int day;
    return take_year(s, &year) && take_char(s, '-') && take_number(s, &month_pattern, &month) &&
           take_char(s, '-') && take_day(s, &day) && set_date(t, year, month, day);
}

bool seed_date_read(struct str field, struct seed_time *ret)
{
    struct scan s = {field};
    struct seed_time t = {0};
    if (!take_date(&s, &t) || s.rest.len > 0) {
        return false;
    }
    *ret = t;
    return true;
}

static bool take_spaces(struct scan *s)
{
    size_t before = s->rest.len;
    size_t bytes;
    while (s->rest.len > 0 && unicode_is_space(unicode_first(s->rest, &bytes))) {
        s->rest = str_slice(s->rest, bytes, s->rest.len);
    }
    return s->rest.len < before;
}

bool seed_datetime_read(struct str field, struct seed_time *ret)
{
    struct scan s = {field};
    struct seed_time t = {0};
    /* %S takes 60 and 61 too, which no datetime holds. */
    if (!take_date(&s, &t) || !take_spaces(&s) || !take_number(&s, &hour_pattern, &t.hour) ||
        !take_char(&s, ':') || !take_number(&s, &minute_pattern, &t.minute) ||
        !take_char(&s, ':') || !take_number(&s, &minute_pattern, &t.second) || s.rest.len > 0) {
        return false;
    }
    *ret = t;
    return true;
}

/* isodate: ASCII digits only, in fixed numbers. */

/* `count` digits, all in `text`. */
static bool digits(struct str text, size_t from, size_t count, int *ret)
{
    if (from + count > text.len) {
        return false;
    }
    *ret = 0;
    for (size_t i = from; i < from + count; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
        *ret = *ret * 10 + (text.ptr[i] - '0');
    }
    return true;
}

static size_t digits_in_front(struct str text)
{
    size_t count = 0;
    while (count < text.len && text.ptr[count] >= '0' && text.ptr[count] <= '9') {
        count++;
    }
    return count;
}

/* isodate's arithmetic, week 00 and day 9 included. */
static bool set_week(struct seed_time *t, int year, int week, int day)
{
    if (year < 1) {
        return false;
    }
    int64_t first = day_number(year, 1, 1);
    struct civil_time c = civil_from_seconds(first * DAY_SECONDS);
    int weekday = c.weekday == 0 ? 7 : c.weekday;
    bool is_in_week_1 = weekday <= 4;
    return set_day(t, first + 7 * (int64_t)(week - (is_in_week_1 ? 1 : 0)) - weekday + day);
}

/* Behind "YYYY": "Www", "WwwD", "Www-D". `is_extended`: a hyphen stood before it. */
static bool read_week(struct str text, bool is_extended, int year, struct seed_time *t)
{
    int week;
    int day = 1;
    if (!digits(text, 1, 2, &week)) {
        return false;
    }
    struct str rest = str_slice(text, 3, text.len);
    if (rest.len == 0) {
        return set_week(t, year, week, day);
    }
    if (is_extended) {
        if (rest.ptr[0] != '-') {
            return false;
        }
        rest = str_slice(rest, 1, rest.len);
    }
    return rest.len == 1 && digits(rest, 0, 1, &day) && set_week(t, year, week, day);
}

static bool set_ordinal(struct seed_time *t, int year, int day)
{
    return year >= 1 && set_day(t, day_number(year, 1, 1) + day - 1);
}

/* Behind "YYYY-". */
static bool read_extended(struct str text, int year, struct seed_time *t)
{
    int month;
    int day;
    if (text.len > 0 && text.ptr[0] == 'W') {
        return read_week(text, true, year, t);
    }
    if (text.len == 3) {
        return digits(text, 0, 3, &day) && set_ordinal(t, year, day);
    }
    if (!digits(text, 0, 2, &month)) {
        return false;
    }
    month = month == 0 ? 1 : month;
    if (text.len == 2) {
        return set_date(t, year, month, 1);
    }
    return text.len == 5 && text.ptr[2] == '-' && digits(text, 3, 2, &day) &&
           set_date(t, year, month, day);
}

/* "YYYYMMDD", "YYYYDDD", "YYYYMM", "YYYY", "YY": by the number of digits. */
static bool read_basic(struct str text, struct seed_time *t)
{
    int year;
    int month;
    int day;
    if (text.len == 2) {
        return digits(text, 0, 2, &year) && set_date(t, year * 100 + 1, 1, 1);
    }
    if (!digits(text, 0, 4, &year)) {
        return false;
    }
    if (text.len == 7) {
        return digits(text, 4, 3, &day) && set_ordinal(t, year, day);
    }
    if (text.len == 4) {
        return set_date(t, year, 1, 1);
    }
    if (!digits(text, 4, 2, &month)) {
        return false;
    }
    month = month == 0 ? 1 : month;
    if (text.len == 6) {
        return set_date(t, year, month, 1);
    }
    return text.len == 8 && digits(text, 6, 2, &day) && set_date(t, year, month, day);
}

static bool read_iso_date(struct str text, struct seed_time *t)
{
    int year;
    if (text.len > 4 && digits(text, 0, 4, &year)) {
        struct str behind = str_slice(text, 4, text.len);
        if (behind.ptr[0] == '-') {
            return read_extended(str_slice(behind, 1, behind.len), year, t);
        }
        if (behind.ptr[0] == 'W') {
            return read_week(behind, false, year, t);
        }
    }
    return digits_in_front(text) == text.len && read_basic(text, t);
}

/* Nothing, "Z", "+hh", "+hhmm", "+hh:mm". */
static bool read_offset(struct str text, struct seed_time *t)
{
    if (text.len == 0) {
        return true;
    }
    t->has_offset = true;
    if (str_eq(text, STR("Z"))) {
        return true;
    }
    int hours;
    int minutes = 0;
    if ((text.ptr[0] != '+' && text.ptr[0] != '-') || !digits(text, 1, 2, &hours)) {
        return false;
    }
    struct str rest = str_slice(text, 3, text.len);
    if (rest.len > 0 && rest.ptr[0] == ':') {
        rest = str_slice(rest, 1, rest.len);
        if (rest.len == 0) {
            return false;
        }
    }
    if (rest.len > 0 && (rest.len != 2 || !digits(rest, 0, 2, &minutes))) {
        return false;
    }
    int offset = hours * 60 + minutes;
    t->offset_minutes = text.ptr[0] == '-' ? -offset : offset;
    return offset < 24 * 60;
}

/* The digits behind the point of the last unit that is given: numerator / 10^places. */
struct fraction {
    __extension__ __int128 value, unit;
};
enum { FRACTION_PLACES = 26 };

static bool take_fraction(struct str *text, struct fraction *ret)
{
    *ret = (struct fraction){0, 1};
    if (text->len == 0 || (text->ptr[0] != '.' && text->ptr[0] != ',')) {
        return true;
    }
    struct str rest = str_slice(*text, 1, text->len);
    size_t count = digits_in_front(rest);
    for (size_t i = 0; i < count && i < FRACTION_PLACES; i++) {
        ret->value = ret->value * 10 + (rest.ptr[i] - '0');
        ret->unit *= 10;
    }
    *text = str_slice(rest, count, rest.len);
    return count > 0;
}

/* The whole part of fraction * count; the rest stays. */
static int carry(struct fraction *f, int count)
{
    f->value *= count;
    int whole = (int)(f->value / f->unit);
    f->value %= f->unit;
    return whole;
}

/* Half to even; may give a million, which no time holds. */
static int round_microseconds(struct fraction f)
{
    int whole = carry(&f, 1000000);
    if (2 * f.value > f.unit || (2 * f.value == f.unit && whole % 2 == 1)) {
        whole++;
    }
    return whole;
}

static bool take_unit(struct str *text, bool is_extended, int *ret)
{
    struct str rest = *text;
    if (is_extended) {
        if (rest.len == 0 || rest.ptr[0] != ':') {
            return false;
        }
        rest = str_slice(rest, 1, rest.len);
    }
    if (!digits(rest, 0, 2, ret)) {
        return false;
    }
    *text = str_slice(rest, 2, rest.len);
    return true;
}

static bool read_iso_time(struct str text, struct seed_time *t)
{
    if (!digits(text, 0, 2, &t->hour)) {
        return false;
    }
    struct str rest = str_slice(text, 2, text.len);
    bool is_extended = rest.len > 0 && rest.ptr[0] == ':';
    bool has_minute = take_unit(&rest, is_extended, &t->minute);
    bool has_second = has_minute && take_unit(&rest, is_extended, &t->second);
    struct fraction f;
    if (!take_fraction(&rest, &f)) {
        return false;
    }
    if (!has_minute) {
        t->minute = carry(&f, 60);
        t->second = carry(&f, 60);
        t->microsecond = round_microseconds(f);
    } else {
        if (!has_second) {
            t->second = carry(&f, 60);
        }
        t->microsecond = carry(&f, 1000000);
    }
    return read_offset(rest, t) && t->hour < 24 && t->minute < 60 && t->second < 60 &&
           t->microsecond < 1000000;
}

bool seed_iso_read(struct str field, struct seed_time *ret)
{
    struct str date;
    struct str time;
    struct seed_time t = {0};
    if (!str_cut(field, 'T', &date, &time) || !read_iso_date(date, &t) ||
        !read_iso_time(time, &t)) {
        return false;
    }
    *ret = t;
    return true;
}

void seed_date_write(const struct seed_time *time, struct buf *out)
{
    buf_addf(out, "%04d-%02d-%02d", time->year, time->month, time->day);
}

void seed_datetime_write(const struct seed_time *time, struct buf *out)
{
    seed_date_write(time, out);
    buf_addf(out, " %02d:%02d:%02d", time->hour, time->minute, time->second);
    if (time->microsecond != 0) {
        buf_addf(out, ".%06d", time->microsecond);
    }
    if (time->has_offset) {
        int minutes = time->offset_minutes < 0 ? -time->offset_minutes : time->offset_minutes;
        buf_addf(out, "%c%02d:%02d", time->offset_minutes < 0 ? '-' : '+', minutes / 60,
                 minutes % 60);
    }
}
