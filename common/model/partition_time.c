#include "common/model/partition_time.h"

#include "common/model/cron_count.h"

/* Room for a format that is as long as a key may be. */
enum { KEY_ROOM = PARTITION_KEY_BYTES_MAX + 1, ALL_HOURS = (1 << 24) - 1 };

static struct wall_time at_seconds(int64_t seconds)
{
    return (struct wall_time){seconds * NS_PER_SEC};
}

/* --- numbers ---------------------------------------------------------------------------------- */

static bool first_start(const struct partitions *p, struct wall_time *ret)
{
    return cron_next(&p->cron, p->tz, (struct wall_time){p->start.ns - 1}, ret);
}

bool partition_time_number(const struct partitions *p, struct wall_time at,
                           struct window_number *ret)
{
    struct wall_time first;
    if (!first_start(p, &first)) {
        return false;
    }
    struct wall_time tick;
    ret->value = at.ns >= first.ns ? cron_count(&p->cron, p->tz, first, at)
                                   : -cron_count(&p->cron, p->tz, at, first);
    ret->is_start =
        cron_next(&p->cron, p->tz, (struct wall_time){at.ns - 1}, &tick) && tick.ns == at.ns;
    return true;
}

bool partition_time_window(const struct partitions *p, int64_t number, struct partition_window *ret)
{
    struct wall_time first;
    if (number < 0 || !first_start(p, &first)) {
        return false;
    }
    ret->start = first;
    return (number == 0 || cron_nth(&p->cron, p->tz, first, number, &ret->start)) &&
           cron_next(&p->cron, p->tz, ret->start, &ret->end);
}

int64_t partition_time_count(const struct partitions *p, struct wall_time now)
{
    struct window_number current;
    if (!partition_time_number(p, now, &current)) {
        return 0;
    }
    int64_t count = current.value + p->end_offset;
    /* As Dagster has it: of the windows that an offset adds there is at least one, even when the
     * first of all begins only behind them. */
    if (p->end_offset > 0 && count == 0 && !current.is_start) {
        count = 1;
    }
    if (p->end.ns != 0) {
        struct window_number end = {0};
        (void)partition_time_number(p, p->end, &end); /* it does fire */
        count = end.value < count ? end.value : count;
    }
    return count > 0 ? count : 0;
}

/* --- text ------------------------------------------------------------------------------------- */

struct directive {
    char letter;
    int digits;
    const char *name;
    int64_t min;
    int64_t max;
};
enum { DIRECTIVE_YEAR, DIRECTIVE_MONTH, DIRECTIVE_DAY, DIRECTIVE_HOUR, DIRECTIVE_MINUTE };
enum { DIRECTIVE_SECOND = DIRECTIVE_MINUTE + 1, DIRECTIVE_COUNT };
static const struct directive directives[DIRECTIVE_COUNT] = {
    {'Y', 4, "year", 1678, 2261}, {'m', 2, "month", 1, 12},  {'d', 2, "day", 1, 31},
    {'H', 2, "hour", 0, 23},      {'M', 2, "minute", 0, 59}, {'S', 2, "second", 0, 59},
};

static size_t find_directive(char letter)
{
    size_t i = 0;
    while (i < DIRECTIVE_COUNT && directives[i].letter != letter) {
        i++;
    }
    return i;
}

static void add_digits(struct buf *out, int64_t value, int digits)
{
    buf_addf(out, "%0*lld", digits, (long long)value);
}

/* As %z: "+0100", with seconds where there are any. */
static void add_offset(struct buf *out, int32_t offset)
{
    int32_t rest = offset < 0 ? -offset : offset;
    buf_add_char(out, offset < 0 ? '-' : '+');
    add_digits(out, rest / 3600, 2);
    add_digits(out, rest / 60 % 60, 2);
    if (rest % 60 != 0) {
        add_digits(out, rest % 60, 2);
    }
}

static bool has_offset(struct str format)
{
    for (size_t i = 0; i + 1 < format.len; i++) {
        if (format.ptr[i] == '%' && format.ptr[++i] == 'z') {
            return true;
        }
    }
    return false;
}

/* The second of two equal local times: it needs more than its local time as a name. */
static bool is_repeated(const struct partitions *p, int64_t start, int64_t local)
{
    struct tz_instants instants = tz_from_local(p->tz, local);
    return instants.count == 2 && instants.second == start;
}

void partition_time_write(const struct partitions *p, struct wall_time start, struct buf *out)
{
    int64_t seconds = start.ns / NS_PER_SEC - (start.ns % NS_PER_SEC < 0 ? 1 : 0);
    int32_t offset = tz_offset_at(p->tz, seconds);
    struct civil_time t = civil_from_seconds(seconds + offset);
    const int64_t values[DIRECTIVE_COUNT] = {t.year, t.month, t.day, t.hour, t.minute, t.second};
    for (size_t i = 0; i < p->format.len; i++) {
        char c = p->format.ptr[i];
        if (c != '%' || i + 1 == p->format.len) {
            buf_add_char(out, c);
            continue;
        }
        c = p->format.ptr[++i];
        size_t at = find_directive(c);
        if (at < DIRECTIVE_COUNT) {
            add_digits(out, values[at], directives[at].digits);
        } else if (c == 'z') {
            add_offset(out, offset);
        } else {
            buf_add_char(out, c);
        }
    }
    /* Only an expression that names every hour fires in both of two repeated hours. */
    if (p->cron.hours == ALL_HOURS && !has_offset(p->format) &&
        is_repeated(p, seconds, seconds + offset)) {
        add_offset(out, offset);
    }
}

struct reader {
    struct str rest;
    struct civil_time civil;
    bool has_offset;
    int32_t offset;
    struct err *err;
};

static bool take_digits(struct reader *r, const struct directive *d, int64_t *ret)
{
    size_t digits = (size_t)d->digits;
    if (!str_to_i64(str_slice(r->rest, 0, digits), 0, INT64_MAX, ret) || r->rest.len < digits) {
        return err_set(r->err, ERR_INVALID, "the %s is not %d digits", d->name, d->digits);
    }
    if (*ret < d->min || *ret > d->max) {
        return err_set(r->err, ERR_INVALID, "the %s is not from %lld to %lld", d->name,
                       (long long)d->min, (long long)d->max);
    }
    r->rest = str_slice(r->rest, digits, r->rest.len);
    return true;
}

static bool take_offset(struct reader *r)
{
    static const struct directive hours = {'z', 2, "hour of the UTC offset", 0, 24};
    static const struct directive others = {'z', 2, "minute of the UTC offset", 0, 59};
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t second = 0;
    bool is_west = str_starts(r->rest, STR("-"));
    if (!is_west && !str_starts(r->rest, STR("+"))) {
        return err_set(r->err, ERR_INVALID, "the UTC offset, like +0100, is missing");
    }
    r->rest = str_slice(r->rest, 1, r->rest.len);
    if (!take_digits(r, &hours, &hour) || !take_digits(r, &others, &minute)) {
        return false;
    }
    bool has_seconds = r->rest.len > 0 && r->rest.ptr[0] >= '0' && r->rest.ptr[0] <= '9';
    if (has_seconds && !take_digits(r, &others, &second)) {
        return false;
    }
    int32_t offset = (int32_t)(hour * 3600 + minute * 60 + second);
    r->offset = is_west ? -offset : offset;
    r->has_offset = true;
    return true;
}

static bool take_directive(struct reader *r, char letter)
{
    size_t at = find_directive(letter);
    int64_t value = 0;
    if (letter == 'z') {
        return take_offset(r);
    }
    if (!take_digits(r, &directives[at], &value)) {
        return false;
    }
    int *const fields[DIRECTIVE_COUNT] = {
        [DIRECTIVE_MONTH] = &r->civil.month,   [DIRECTIVE_DAY] = &r->civil.day,
        [DIRECTIVE_HOUR] = &r->civil.hour,     [DIRECTIVE_MINUTE] = &r->civil.minute,
        [DIRECTIVE_SECOND] = &r->civil.second,
    };
    if (at == DIRECTIVE_YEAR) {
        r->civil.year = value;
    } else {
        *fields[at] = (int)value;
    }
    return true;
}

static bool take_literal(struct reader *r, char c)
{
    if (r->rest.len == 0 || r->rest.ptr[0] != c) {
        return err_set(r->err, ERR_INVALID, "'%c' is missing before \"" STR_FMT "\"", c,
                       STR_ARG(r->rest));
    }
    r->rest = str_slice(r->rest, 1, r->rest.len);
    return true;
}

/* By the format; then the offset that the second of two repeated hours carries. */
static bool read_fields(struct reader *r, struct str format)
{
    for (size_t i = 0; i < format.len; i++) {
        bool is_directive = format.ptr[i] == '%' && i + 1 < format.len;
        i += is_directive ? 1 : 0;
        bool ok = is_directive && format.ptr[i] != '%' ? take_directive(r, format.ptr[i])
                                                       : take_literal(r, format.ptr[i]);
        if (!ok) {
            return false;
        }
    }
    bool is_offset = str_starts(r->rest, STR("+")) || str_starts(r->rest, STR("-"));
    if (is_offset && !r->has_offset && !take_offset(r)) {
        return false;
    }
    if (r->rest.len > 0) {
        return err_set(r->err, ERR_INVALID, "\"" STR_FMT "\" is too much", STR_ARG(r->rest));
    }
    return true;
}

static bool is_date(const struct civil_time *t)
{
    struct civil_time same = civil_from_seconds(civil_to_seconds(t));
    return same.day == t->day && same.month == t->month;
}

/* The instant that the fields stand for: of two the first. */
static bool read_instant(const struct partitions *p, struct str key, struct wall_time *ret,
                         struct err *err)
{
    struct reader r = {.rest = key, .civil = {.month = 1, .day = 1}, .err = err};
    if (!read_fields(&r, p->format)) {
        return false;
    }
    if (!is_date(&r.civil)) {
        return err_set(err, ERR_INVALID, "there is no day %d in that month", r.civil.day);
    }
    int64_t local = civil_to_seconds(&r.civil);
    *ret = at_seconds(r.has_offset ? local - r.offset : tz_from_local(p->tz, local).first);
    return true;
}

static void hint_form(const struct partitions *p, struct err *err)
{
    char memory[KEY_ROOM];
    struct buf example = buf_fixed(memory, sizeof(memory));
    struct wall_time first;
    if (first_start(p, &first)) {
        partition_time_write(p, first, &example);
        (void)err_hint(err, "keys look like " STR_FMT, STR_ARG(buf_str(&example)));
    }
}

bool partition_time_read(const struct partitions *p, struct str key, struct wall_time *ret_start,
                         struct err *err)
{
    struct wall_time named = {0};
    struct wall_time start;
    if (!read_instant(p, key, &named, err)) {
        hint_form(p, err);
        return err_wrap(err, "\"" STR_FMT "\" is no partition", STR_ARG(key));
    }
    /* The format need not name the time of day: the start is the first one from there on. */
    char memory[KEY_ROOM];
    struct buf same = buf_fixed(memory, sizeof(memory));
    if (cron_next(&p->cron, p->tz, (struct wall_time){named.ns - 1}, &start)) {
        partition_time_write(p, start, &same);
        if (str_eq(buf_str(&same), key)) {
            *ret_start = start;
            return true;
        }
        (void)err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no partition: no window begins then",
                      STR_ARG(key));
        return err_hint(err, "the next begins at " STR_FMT, STR_ARG(buf_str(&same)));
    }
    return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no partition: no window begins then",
                   STR_ARG(key));
}

bool partition_format_check(struct str format, struct err *err)
{
    static const char *const known = "%Y %m %d %H %M %S, %z for the UTC offset, %% for a percent";
    bool has_year = false;
    size_t len = 0;
    for (size_t i = 0; i < format.len; i++, len++) {
        if ((unsigned char)format.ptr[i] < ' ') {
            return err_set(err, ERR_INVALID, "control characters cannot be in a key");
        }
        if (format.ptr[i] != '%') {
            continue;
        }
        char letter = '\0';
        if (++i < format.len) {
            letter = format.ptr[i];
        }
        if (find_directive(letter) == DIRECTIVE_COUNT && letter != 'z' && letter != '%') {
            (void)err_set(err, ERR_INVALID, "\"%%%.*s\" is not supported in the format of a key",
                          letter == '\0' ? 0 : 1, &letter);
            return err_hint(err, "%s", known);
        }
        has_year = has_year || letter == 'Y';
        len += 8; /* the longest: an offset with seconds */
    }
    if (!has_year) {
        (void)err_set(err, ERR_INVALID, "the format of a key needs the year, or keys would repeat");
        return err_hint(err, "begin with %%Y");
    }
    if (len > PARTITION_KEY_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "the format makes keys longer than %d bytes",
                       PARTITION_KEY_BYTES_MAX);
    }
    return true;
}
