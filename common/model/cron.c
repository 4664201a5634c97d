#include "common/model/cron.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    MINUTES_PER_DAY = 1440,
    SECONDS_PER_DAY = 86400,
    TEXT_MAX = 255,
    ALL_HOURS = (1 << 24) - 1,
    /* A February 29 that has to be a given weekday may be 40 years away. */
    SEARCH_DAYS = 50 * 366,
};

/* --- parsing -----------------------------------------------------------------------------------
 */

struct cron_field {
    const char *name;
    int min;
    int max;
    const char *names; /* three letters each, the first one standing for `min` */
};
enum { FIELD_MINUTE, FIELD_HOUR, FIELD_DAY, FIELD_MONTH, FIELD_WEEKDAY, FIELD_COUNT };
static const struct cron_field fields[FIELD_COUNT] = {
    {"minute", 0, 59, ""},
    {"hour", 0, 23, ""},
    {"day of month", 1, 31, ""},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"day of week", 0, 7, "sunmontuewedthufrisat"},
};

struct cursor {
    struct str text;
    size_t at;
    const struct cron_field *field;
    struct err *err;
};

PRINTF_LIKE(3, 4)
static bool fail(struct cursor *c, size_t at, const char *fmt, ...)
{
    char text[sizeof(c->err->msg)];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return err_set(c->err, ERR_INVALID, "%s (column %zu): %s", c->field->name, at + 1,
                   len < 0 ? "" : text);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static char peek(const struct cursor *c)
{
    if (c->at >= c->text.len) {
        return '\0';
    }
    return c->text.ptr[c->at];
}

static bool take_char(struct cursor *c, char wanted)
{
    if (peek(c) != wanted) {
        return false;
    }
    c->at++;
    return true;
}

/* Letters and digits from here on; not consumed. */
static struct str peek_word(const struct cursor *c)
{
    size_t end = c->at;
    while (end < c->text.len && strchr(" \t,-/*", c->text.ptr[end]) == NULL) {
        end++;
    }
    return str_slice(c->text, c->at, end);
}

static bool find_name(struct str word, const struct cron_field *field, int *ret)
{
    for (size_t i = 0; word.len == 3 && field->names[3 * i] != '\0'; i++) {
        if (strncasecmp(word.ptr, field->names + 3 * i, 3) == 0) {
            *ret = field->min + (int)i;
            return true;
        }
    }
    return false;
}

static bool take_value(struct cursor *c, int *ret)
{
    struct str word = peek_word(c);
    if (word.len == 0) {
        return fail(c, c->at, "a value is missing");
    }
    int64_t value = 0;
    if (find_name(word, c->field, ret)) {
        c->at += word.len;
        return true;
    }
    if (word.len > 9 || !str_to_i64(word, 0, INT64_MAX, &value)) {
        return fail(c, c->at, "\"" STR_FMT "\" is not a number%s", STR_ARG(word),
                    c->field->names[0] == '\0' ? "" : " or a name of three letters");
    }
    if (value < c->field->min) {
        return fail(c, c->at, "%d is below %d", (int)value, c->field->min);
    }
    if (value > c->field->max) {
        return fail(c, c->at, "%d is above %d", (int)value, c->field->max);
    }
    c->at += word.len;
    *ret = (int)value;
    return true;
}

static bool take_step(struct cursor *c, int *ret)
{
    struct str word = peek_word(c);
    int64_t step = 0;
    if (!str_to_i64(word, 1, c->field->max, &step)) {
        return fail(c, c->at, "a step is a number from 1 to %d", c->field->max);
    }
    c->at += word.len;
    *ret = (int)step;
    return true;
}

/* One element of a list: "*", "5", "1-5", each perhaps with "/2". A value with a step reaches to
 * the maximum. */
static bool take_element(struct cursor *c, uint64_t *set)
{
    size_t start = c->at;
    int first = c->field->min;
    int last = c->field->max;
    bool is_single = false;
    if (!take_char(c, '*')) {
        if (!take_value(c, &first)) {
            return false;
        }
        is_single = !take_char(c, '-');
        if (!is_single && !take_value(c, &last)) {
            return false;
        }
    }
    if (!is_single && first > last) {
        (void)fail(c, start, "the range runs backwards");
        return err_hint(c->err, "write it as two ranges with a comma between");
    }
    int step = 1;
    if (take_char(c, '/')) {
        if (!take_step(c, &step)) {
            return false;
        }
    } else if (is_single) {
        last = first;
    }
    for (int value = first; value <= last; value += step) {
        *set |= UINT64_C(1) << value;
    }
    return true;
}

static bool take_field(struct cursor *c, uint64_t *set, bool *is_star)
{
    while (is_space(peek(c))) {
        c->at++;
    }
    if (c->at == c->text.len) {
        (void)fail(c, c->at, "the field is missing");
        return err_hint(c->err, "five fields: minute hour day-of-month month day-of-week");
    }
    *is_star = peek(c) == '*';
    do {
        if (!take_element(c, set)) {
            return false;
        }
    } while (take_char(c, ','));
    if (c->at < c->text.len && !is_space(peek(c))) {
        return fail(c, c->at, "'%c' is not expected here", peek(c) >= ' ' ? peek(c) : '?');
    }
    return true;
}

static const struct {
    struct str name;
    struct str expression;
} nicknames[] = {
    {STR_INIT("@hourly"), STR_INIT("0 * * * *")},   {STR_INIT("@daily"), STR_INIT("0 0 * * *")},
    {STR_INIT("@midnight"), STR_INIT("0 0 * * *")}, {STR_INIT("@weekly"), STR_INIT("0 0 * * 0")},
    {STR_INIT("@monthly"), STR_INIT("0 0 1 * *")},  {STR_INIT("@yearly"), STR_INIT("0 0 1 1 *")},
    {STR_INIT("@annually"), STR_INIT("0 0 1 1 *")},
};

/* What a nickname stands for; anything else as it is, without white space at the end, so that
 * columns count from where the text began. */
static bool expand(struct str text, struct str *ret, struct err *err)
{
    struct str name = str_trim(text);
    if (name.len == 0 || name.ptr[0] != '@') {
        *ret = name.len == 0 ? name : str_slice(text, 0, (size_t)(name.ptr - text.ptr) + name.len);
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(nicknames); i++) {
        if (str_eq(name, nicknames[i].name)) {
            *ret = nicknames[i].expression;
            return true;
        }
    }
    (void)err_set(err, ERR_INVALID, "\"" STR_FMT "\" is not a cron nickname", STR_ARG(name));
    return err_hint(err, "@hourly, @daily, @weekly, @monthly or @yearly");
}

bool cron_parse(struct str text, struct cron *ret, struct err *err)
{
    if (text.len > TEXT_MAX) {
        return err_set(err, ERR_INVALID, "the cron expression is longer than %d bytes", TEXT_MAX);
    }
    struct cursor c = {.err = err};
    if (!expand(text, &c.text, err)) {
        return false;
    }
    uint64_t sets[FIELD_COUNT] = {0};
    bool stars[FIELD_COUNT];
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        c.field = &fields[i];
        if (!take_field(&c, &sets[i], &stars[i])) {
            return false;
        }
    }
    while (is_space(peek(&c))) {
        c.at++;
    }
    if (c.at < c.text.len) {
        return err_set(err, ERR_INVALID, "column %zu: five fields are expected, not more",
                       c.at + 1);
    }
    uint64_t weekdays = sets[FIELD_WEEKDAY];
    *ret = (struct cron){
        .minutes = sets[FIELD_MINUTE],
        .hours = (uint32_t)sets[FIELD_HOUR],
        .days = (uint32_t)sets[FIELD_DAY],
        .months = (uint32_t)sets[FIELD_MONTH],
        .weekdays = (uint32_t)((weekdays | weekdays >> 7) & 0x7F),
        .any_day = stars[FIELD_DAY],
        .any_weekday = stars[FIELD_WEEKDAY],
    };
    return true;
}

/* --- the next firing ---------------------------------------------------------------------------
 */

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

/* Named hours: the wall clock's times in order, each at the instant when the clock first shows it
 * or a later time. That order is also the order of the instants. */
static bool next_by_clock(const struct cron *c, const struct tz *tz, int64_t after, int64_t limit,
                          int64_t *ret)
{
    int64_t local = floor_to(after + tz_offset_at(tz, after), 60);
    while (next_local(c, local, limit, &local)) {
        int64_t instant = tz_from_local(tz, local).first;
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

bool cron_next(const struct cron *c, const struct tz *tz, struct wall_time after,
               struct wall_time *ret_next)
{
    int64_t seconds = after.ns / NS_PER_SEC - (after.ns % NS_PER_SEC < 0 ? 1 : 0);
    int64_t limit = seconds + (int64_t)SEARCH_DAYS * SECONDS_PER_DAY;
    int64_t next = 0;
    bool found = c->hours == ALL_HOURS ? next_by_time(c, tz, seconds, limit, &next)
                                       : next_by_clock(c, tz, seconds, limit, &next);
    int64_t ns = 0;
    if (!found || __builtin_mul_overflow(next, NS_PER_SEC, &ns)) {
        return false;
    }
    ret_next->ns = ns;
    return true;
}

bool cron_last(const struct cron *c, const struct tz *tz, struct wall_time until,
               struct wall_time *ret_last)
{
    const int64_t span_max = (int64_t)SEARCH_DAYS * SECONDS_PER_DAY;
    int64_t end = until.ns / NS_PER_SEC - (until.ns % NS_PER_SEC < 0 ? 1 : 0);
    int64_t span = SECONDS_PER_DAY / 24;
    struct wall_time last = {0};
    struct wall_time next;
    while (!cron_next(c, tz, (struct wall_time){(end - span) * NS_PER_SEC}, &last) ||
           last.ns > until.ns) {
        if (span == span_max) {
            return false;
        }
        span = span * 8 < span_max ? span * 8 : span_max;
    }
    /* Between the firing that is known and `none_behind` there may be later ones. */
    int64_t known = last.ns / NS_PER_SEC;
    int64_t none_behind = end;
    while (none_behind > known) {
        int64_t middle = known + (none_behind - known) / 2;
        if (cron_next(c, tz, (struct wall_time){middle * NS_PER_SEC}, &next) &&
            next.ns <= until.ns) {
            last = next;
            known = last.ns / NS_PER_SEC;
        } else {
            none_behind = middle;
        }
    }
    *ret_last = last;
    return true;
}
