#include "tests/sim/schedule_life.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SECOND NS_PER_SEC
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

struct life {
    const struct life_options *o;
    struct life_result *sum;
    int64_t age;   /* ns; never goes back, goes on while the device is down */
    int64_t shift; /* wall clock = age + shift */
    int64_t disturbance_at;
    /* The device. */
    struct wall_time decided; /* what it remembers, durably */
    struct wall_time wake;
    bool is_asleep; /* until the next disturbance: its timer does not fire */
    /* The bookkeeping. */
    int64_t right_decided;
    int64_t ever_decided; /* the latest; a tick before it may come again once */
    bool went_back;  /* what is decided lies before it: a clock was far ahead, or a pause ended */
    bool *fired;     /* per tick */
    bool *recorded;  /* per tick: has a record of its own */
    int64_t late_by; /* how long after it should this look comes; 0 = nothing is in the way */
};

PRINTF_LIKE(2, 3)
static void fail(struct life *l, const char *fmt, ...)
{
    char text[300];
    char time[WALL_TEXT_SIZE];
    va_list args;
    if (l->sum->failure[0] != '\0') {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    struct wall_time now = {l->age + l->shift};
    (void)snprintf(l->sum->failure, sizeof(l->sum->failure), "%s: %s", wall_format(now, time),
                   text);
}

static int64_t wall(const struct life *l)
{
    return l->age + l->shift;
}

static int64_t below(const struct life *l, int64_t bound)
{
    return (int64_t)rng_below(l->o->rng, (uint64_t)bound);
}

/* Mostly short, sometimes up to `max`. */
static int64_t some_time(const struct life *l, int64_t max)
{
    static const int64_t parts[] = {10000, 1000, 100, 10, 1};
    return 1 + below(l, max / parts[below(l, COUNT_OF(parts))]);
}

/* --- what is right --- */

struct verdict {
    enum schedule_begin begin;
    int64_t skipped;
    int64_t fires;
    int64_t skipped_first, skipped_last, first, late; /* seconds */
    int64_t newest;                                   /* what is decided on afterwards */
};

/* Written from the rules in docs/reference/schedules.md, tick by tick. */
static bool tick_fires(const struct schedule *s, size_t newer, bool newest_is_on_time)
{
    size_t newer_missed = newer - (newest_is_on_time && newer > 0 ? 1 : 0);
    if (newer == 0 && newest_is_on_time) {
        return true;
    }
    switch (s->missed) {
    case MISSED_LATEST:
        return newer == 0;
    case MISSED_SKIP:
        return false;
    case MISSED_ALL:
        return newer_missed < (size_t)s->missed_max;
    }
    return false;
}

static struct verdict judge(const struct life *l, int64_t now)
{
    const struct oracle_ticks *ticks = l->o->ticks;
    struct verdict v = {0};
    if (l->right_decided == 0) {
        v.begin = SCHEDULE_BEGINS;
        return v;
    }
    if (l->right_decided > now + DAY) {
        v.begin = SCHEDULE_BEGINS_ANEW;
        return v;
    }
    /* floor: all of these are after 1970 */
    size_t from = oracle_ticks_until(ticks, l->right_decided / SECOND);
    size_t to = oracle_ticks_until(ticks, (now - l->o->splay_ns) / SECOND);
    if (from >= to) {
        return v;
    }
    v.newest = ticks->at[to - 1];
    bool is_on_time = now - (v.newest * SECOND + l->o->splay_ns) <= 60 * SECOND;
    for (size_t i = from; i < to; i++) {
        if (tick_fires(l->o->schedule, to - 1 - i, is_on_time)) {
            v.first = v.fires++ == 0 ? ticks->at[i] : v.first;
            v.late += i < to - 1 || !is_on_time;
        } else {
            v.skipped_first = v.skipped++ == 0 ? ticks->at[i] : v.skipped_first;
            v.skipped_last = ticks->at[i];
        }
    }
    return v;
}

static void compare(struct life *l, const struct schedule_look *look, const struct verdict *v)
{
    if (look->begin != v->begin) {
        fail(l, "begin %d instead of %d", (int)look->begin, (int)v->begin);
    } else if (look->fires != v->fires || look->skipped != v->skipped || look->late != v->late) {
        fail(l,
             "%" PRId64 " fire (%" PRId64 " late), %" PRId64 " are skipped instead of %" PRId64
             " (%" PRId64 "), %" PRId64,
             look->fires, look->late, look->skipped, v->fires, v->late, v->skipped);
    } else if (v->fires > 0 && look->first.ns != v->first * SECOND) {
        fail(l, "the first to fire is %" PRId64 " instead of %" PRId64, look->first.ns / SECOND,
             v->first);
    } else if (v->skipped > 0 && (look->skipped_first.ns != v->skipped_first * SECOND ||
                                  look->skipped_last.ns != v->skipped_last * SECOND)) {
        fail(l, "skipped from %" PRId64 " to %" PRId64, look->skipped_first.ns / SECOND,
             look->skipped_last.ns / SECOND);
    }
}

/* --- the device --- */

/* What the device now says it has decided on. */
static void remember(struct life *l, int64_t decided)
{
    l->decided.ns = decided;
    l->right_decided = decided;
    l->went_back = decided < l->ever_decided;
    l->ever_decided = decided > l->ever_decided ? decided : l->ever_decided;
}

/* The look's records, the first `records` of them: then it crashed. */
static void carry_out(struct life *l, const struct schedule_look *look, int64_t records)
{
    const struct oracle_ticks *ticks = l->o->ticks;
    if (look->skipped > 0 && records-- > 0) {
        l->sum->skipped += look->skipped;
        l->decided = look->skipped_last;
    }
    struct wall_time nominal = look->first;
    for (int64_t i = 0; i < look->fires && records-- > 0; i++) {
        size_t index = oracle_ticks_until(ticks, nominal.ns / SECOND) - 1;
        if (!l->fired[index]) {
            l->fired[index] = true;
            l->sum->fired++;
        } else if (l->o->sabotage == LIFE_REPEATS) {
            fail(l, "the tick of %" PRId64 " fires twice", nominal.ns / SECOND);
        } else {
            l->sum->refused++; /* as the shell does: it has started a run before */
            if (nominal.ns > l->ever_decided || !l->went_back) {
                fail(l, "the tick of %" PRId64 " comes twice", nominal.ns / SECOND);
            }
        }
        l->decided = nominal;
        if (!schedule_next(l->o->schedule, nominal, &nominal)) {
            break;
        }
    }
    remember(l, l->decided.ns);
}

static void check_wake(struct life *l)
{
    const struct oracle_ticks *ticks = l->o->ticks;
    size_t next = oracle_ticks_until(ticks, l->right_decided / SECOND);
    if (next < ticks->count && l->wake.ns != ticks->at[next] * SECOND + l->o->splay_ns) {
        fail(l, "wakes at %" PRId64 ", the next tick is %" PRId64, l->wake.ns / SECOND,
             ticks->at[next]);
    }
}

static void look(struct life *l)
{
    struct wall_time now = {wall(l)};
    struct schedule_look look;
    struct verdict v = judge(l, now.ns);
    schedule_look(l->o->schedule, l->o->splay_ns, l->decided, now, &look);
    l->sum->looks++;
    compare(l, &look, &v);
    l->wake = look.wake;
    if (look.begin != SCHEDULE_GOES_ON) {
        remember(l, now.ns);
        check_wake(l);
        return;
    }
    if (l->late_by == 0 && (v.skipped > 0 || v.fires > 1 || v.late > 0 ||
                            (v.fires == 1 && now.ns != v.first * SECOND + l->o->splay_ns))) {
        fail(l, "undisturbed, and yet not on time");
    }
    int64_t records = (look.skipped > 0) + look.fires;
    bool crashes = records > 1 && below(l, 4) == 0;
    carry_out(l, &look, crashes ? below(l, records) : records);
    if (!crashes) {
        if (v.newest != 0 && l->right_decided != v.newest * SECOND) {
            fail(l, "something between is not decided on");
        }
        check_wake(l);
        return;
    }
    l->age += some_time(l, 3 * DAY);
    l->late_by = INT64_MAX;
    l->wake.ns = 0;
}

/* --- what happens to it --- */

static void restart(struct life *l)
{
    l->age += some_time(l, 20 * DAY);
    if (l->o->sabotage == LIFE_FORGETS) {
        l->decided.ns = 0;
    }
    l->wake.ns = 0;
}

static void pause(struct life *l)
{
    l->age += some_time(l, 30 * DAY);
    remember(l, below(l, 2) == 0 ? 0 : wall(l)); /* as the clock was trusted or not */
    l->wake.ns = 0;
}

static void step(struct life *l, int64_t by)
{
    const int64_t margin = 3 * DAY;
    if (wall(l) + by < l->o->from * SECOND + margin || wall(l) + by > l->o->until * SECOND) {
        return;
    }
    l->shift += by;
    l->wake.ns = 0;
    if (by < 0 && l->o->sabotage == LIFE_REPEATS) {
        remember(l, wall(l));
    }
}

/* The clock is far off for some hours, and is looked at meanwhile. */
static void err_for_hours(struct life *l)
{
    int64_t by = (below(l, 3) == 0 ? -1 : 1) * some_time(l, 400 * DAY);
    int64_t before = l->shift;
    step(l, by);
    if (l->shift == before) {
        return;
    }
    look(l);
    l->age += some_time(l, 5 * HOUR);
    look(l);
    l->shift -= by;
    l->wake.ns = 0;
}

static void disturb(struct life *l)
{
    l->sum->disturbed++;
    l->late_by = INT64_MAX;
    switch (below(l, 8)) {
    case 0:
    case 1:
        restart(l);
        break;
    case 2: /* suspended: the timer is late */
        l->age += some_time(l, 4 * DAY);
        l->is_asleep = l->o->sabotage == LIFE_OVERSLEEPS;
        break;
    case 3: /* a busy loop */
        l->age += some_time(l, 200 * SECOND);
        break;
    case 4:
        pause(l);
        break;
    case 5:
        step(l, some_time(l, 40 * DAY));
        break;
    case 6:
        step(l, -some_time(l, 2 * DAY));
        break;
    case 7:
        err_for_hours(l);
        break;
    default:
        break;
    }
    l->disturbance_at = l->age + some_time(l, 12 * DAY);
}

/* One thing after the other: the next tick, or the next disturbance. */
static void live(struct life *l)
{
    int64_t looks_max = l->o->looks_max == 0 ? INT64_MAX : l->sum->looks + l->o->looks_max;
    look(l);
    while (l->sum->failure[0] == '\0' && wall(l) < l->o->until * SECOND &&
           l->sum->looks < looks_max) {
        int64_t wake_age = l->wake.ns == INT64_MAX ? INT64_MAX : l->wake.ns - l->shift;
        if (wake_age > l->disturbance_at) {
            l->age = l->disturbance_at > l->age ? l->disturbance_at : l->age;
            disturb(l);
            continue;
        }
        l->late_by = wake_age < l->age ? l->age - wake_age : 0;
        l->age = wake_age > l->age ? wake_age : l->age;
        if (wall(l) >= l->o->until * SECOND) {
            return; /* what comes then is not in the list of ticks */
        }
        if (l->is_asleep) {
            l->is_asleep = false;
            struct wall_time next;
            l->wake.ns = schedule_next(l->o->schedule, (struct wall_time){wall(l)}, &next)
                             ? next.ns + l->o->splay_ns
                             : INT64_MAX;
            continue;
        }
        look(l);
    }
}

void life_run(const struct life_options *options, struct life_result *sum)
{
    struct life l = {
        .o = options, .sum = sum, .shift = options->from * SECOND, .late_by = INT64_MAX};
    l.fired = calloc(options->ticks->count + 1, sizeof(bool));
    if (l.fired == NULL) {
        abort();
    }
    l.disturbance_at = some_time(&l, 12 * DAY);
    live(&l);
    free(l.fired);
}
