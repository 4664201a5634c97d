#include "common/model/cron_count.h"

enum { SECONDS_PER_DAY = 86400, DAYS_PER_WEEK = 7 };

/* No clock was ever set by more than a day and some hours (at the date line). */
#define CHANGE_REACH (INT64_C(2) * SECONDS_PER_DAY)
#define SEARCH_LIMIT (INT64_C(500) * 366 * SECONDS_PER_DAY)

static int64_t floor_div(int64_t value, int64_t unit)
{
    return value / unit - (value % unit < 0 ? 1 : 0);
}

static int64_t seconds_of(struct wall_time t)
{
    return floor_div(t.ns, NS_PER_SEC);
}

/* --- months ----------------------------------------------------------------------------------- */

struct month {
    int64_t year;
    int number;    /* 1..12 */
    int length;    /* in days */
    int weekday;   /* of its first day */
    int64_t start; /* local seconds of its first midnight */
    int64_t end;
    uint64_t days; /* bits 1 to 31: those that the expression names */
};

/* As cron.c's is_day(), for all days of the month at once. */
static uint64_t days_named(const struct cron *c, const struct month *m)
{
    unsigned rotated = (c->weekdays >> m->weekday) | (c->weekdays << (DAYS_PER_WEEK - m->weekday));
    uint64_t week = rotated & 0x7F;
    uint64_t month = week | week << 7 | week << 14 | week << 21 | week << 28;
    uint64_t weekdays = month << 1;
    uint64_t days = c->any_day || c->any_weekday ? c->days & weekdays : c->days | weekdays;
    bool is_named = (c->months >> m->number & 1) != 0;
    return is_named ? days & ((UINT64_C(2) << m->length) - 2) : 0;
}

static void complete(const struct cron *c, struct month *m)
{
    static const signed char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = m->year % 4 == 0 && (m->year % 100 != 0 || m->year % 400 == 0);
    m->length = lengths[m->number - 1] + (m->number == 2 && is_leap ? 1 : 0);
    m->end = m->start + (int64_t)m->length * SECONDS_PER_DAY;
    m->days = days_named(c, m);
}

static struct month month_at(const struct cron *c, int64_t local)
{
    struct civil_time t = civil_from_seconds(local);
    struct civil_time first = {.year = t.year, .month = t.month, .day = 1};
    int64_t start = civil_to_seconds(&first);
    int days = (int)((local - start) / SECONDS_PER_DAY);
    struct month m = {.year = t.year,
                      .number = t.month,
                      .weekday = (t.weekday + 5 * DAYS_PER_WEEK - days) % DAYS_PER_WEEK,
                      .start = start};
    complete(c, &m);
    return m;
}

static void move_on(const struct cron *c, struct month *m)
{
    m->weekday = (m->weekday + m->length) % DAYS_PER_WEEK;
    m->start = m->end;
    m->number = m->number % 12 + 1;
    m->year += m->number == 1 ? 1 : 0;
    complete(c, m);
}

/* Whole days only: of those before `day` (counted from 1). */
static int days_before(uint64_t days, int day)
{
    return __builtin_popcountll(days & ((UINT64_C(1) << day) - 1));
}

/* --- times of a day --------------------------------------------------------------------------- */

static int64_t times_a_day(const struct cron *c)
{
    return (int64_t)__builtin_popcountll(c->minutes) * __builtin_popcount(c->hours);
}

/* How many of a day's times come before the given second of it. */
static int64_t times_before(const struct cron *c, int64_t second)
{
    int64_t minute = (second + 59) / 60;
    int64_t hour = minute / 60;
    int64_t hours = __builtin_popcount(c->hours & (uint32_t)((UINT64_C(1) << hour) - 1));
    bool is_named = hour < 24 && (c->hours >> hour & 1) != 0;
    uint64_t minutes = c->minutes & ((UINT64_C(1) << minute % 60) - 1);
    return hours * __builtin_popcountll(c->minutes) +
           (is_named ? __builtin_popcountll(minutes) : 0);
}

/* Position of the n-th (from 0) set bit. */
static int nth_bit(uint64_t bits, int64_t n)
{
    for (; n > 0; n--) {
        bits &= bits - 1;
    }
    return __builtin_ctzll(bits);
}

/* --- stretches without a change --------------------------------------------------------------- */

/* Local times named in [from, until). */
static int64_t count_local(const struct cron *c, int64_t from, int64_t until)
{
    int64_t count = 0;
    int64_t a_day = times_a_day(c);
    for (struct month m = month_at(c, from); from < until; move_on(c, &m)) {
        int64_t end = until < m.end ? until : m.end;
        int first_day = (int)((from - m.start) / SECONDS_PER_DAY) + 1;
        int last_day = (int)((end - m.start) / SECONDS_PER_DAY) + 1; /* not whole */
        count += (days_before(m.days, last_day) - days_before(m.days, first_day)) * a_day;
        if ((m.days >> first_day & 1) != 0) {
            count -= times_before(c, (from - m.start) % SECONDS_PER_DAY);
        }
        if ((m.days >> last_day & 1) != 0) {
            count += times_before(c, (end - m.start) % SECONDS_PER_DAY);
        }
        from = end;
    }
    return count;
}

/* The n-th (from 0) local time named at or after `from`; there are as many. */
static int64_t nth_local(const struct cron *c, int64_t from, int64_t n)
{
    int64_t a_day = times_a_day(c);
    struct month m = month_at(c, from);
    int first_day = (int)((from - m.start) / SECONDS_PER_DAY) + 1;
    /* Counted from the beginning of the month on. */
    n += days_before(m.days, first_day) * a_day;
    if ((m.days >> first_day & 1) != 0) {
        n += times_before(c, (from - m.start) % SECONDS_PER_DAY);
    }
    while (n >= __builtin_popcountll(m.days) * a_day) {
        n -= __builtin_popcountll(m.days) * a_day;
        move_on(c, &m);
    }
    int day = nth_bit(m.days, n / a_day);
    int64_t an_hour = __builtin_popcountll(c->minutes);
    int64_t hour = nth_bit(c->hours, n % a_day / an_hour);
    int64_t minute = nth_bit(c->minutes, n % an_hour);
    return m.start + (int64_t)(day - 1) * SECONDS_PER_DAY + hour * 3600 + minute * 60;
}

/* The instants (from, upto]. */
struct stretch {
    int64_t from;
    int64_t upto;
    bool is_calm; /* no change of the offset reaches into it */
    int32_t offset;
};

/* What begins after `from`: the calm up to the next change, or what a change reaches. A change by n
 * seconds concerns the n seconds before and after it. */
static struct stretch next_stretch(const struct tz *tz, int64_t from, int64_t upto)
{
    int64_t change = tz_next_change(tz, from - CHANGE_REACH);
    int64_t shift = 0;
    while (change != INT64_MAX) {
        int64_t by = (int64_t)tz_offset_at(tz, change) - tz_offset_at(tz, change - 1);
        shift = by < 0 ? -by : by;
        if (change + shift > from) {
            break;
        }
        change = tz_next_change(tz, change);
    }
    struct stretch s = {.from = from, .upto = upto, .is_calm = true};
    if (change != INT64_MAX && change - shift - 1 <= from) {
        s.is_calm = false;
        s.upto = change + shift < upto ? change + shift : upto;
    } else if (change != INT64_MAX && change - shift - 1 < upto) {
        s.upto = change - shift - 1;
    }
    s.offset = tz_offset_at(tz, s.upto);
    return s;
}

/* Goes through a stretch's firings, at most `limit`; the last one seen in *ret_last. */
static int64_t walk(const struct cron *c, const struct tz *tz, const struct stretch *s,
                    int64_t limit, int64_t *ret_last)
{
    struct wall_time t;
    int64_t count = 0;
    if (!wall_from_seconds(s->from, &t)) {
        return 0;
    }
    while (count < limit && cron_next(c, tz, t, &t) && seconds_of(t) <= s->upto) {
        *ret_last = seconds_of(t);
        count++;
    }
    return count;
}

static int64_t count_calm(const struct cron *c, const struct stretch *s)
{
    return count_local(c, s->from + s->offset + 1, s->upto + s->offset + 1);
}

int64_t cron_count(const struct cron *c, const struct tz *tz, struct wall_time after,
                   struct wall_time upto)
{
    int64_t from = seconds_of(after);
    int64_t end = seconds_of(upto);
    int64_t count = 0;
    int64_t last = 0;
    while (from < end) {
        struct stretch s = next_stretch(tz, from, end);
        count += s.is_calm ? count_calm(c, &s) : walk(c, tz, &s, INT64_MAX, &last);
        from = s.upto;
    }
    return count;
}

bool cron_nth(const struct cron *c, const struct tz *tz, struct wall_time after, int64_t n,
              struct wall_time *ret)
{
    int64_t from = seconds_of(after);
    int64_t end = from + SEARCH_LIMIT;
    while (n > 0 && from < end) {
        struct stretch s = next_stretch(tz, from, end);
        int64_t last = 0;
        int64_t count = s.is_calm ? count_calm(c, &s) : walk(c, tz, &s, n, &last);
        if (count >= n) {
            return wall_from_seconds(
                s.is_calm ? nth_local(c, s.from + s.offset + 1, n - 1) - s.offset : last, ret);
        }
        n -= count;
        from = s.upto;
    }
    return false;
}
