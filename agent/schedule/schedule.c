#include "agent/schedule/schedule.h"

#define DAY_NS (INT64_C(86400) * NS_PER_SEC)

bool schedule_next(const struct schedule *schedule, struct wall_time after, struct wall_time *ret)
{
    if (schedule->every_ns == 0) {
        return cron_next(&schedule->cron, schedule->tz, after, ret);
    }
    ret->ns = (after.ns / schedule->every_ns + 1) * schedule->every_ns;
    return true;
}

/* The last of the nominal times that follow `from` and are not after `now`. */
static bool last_until(const struct schedule *schedule, struct wall_time from, struct wall_time now,
                       struct wall_time *ret)
{
    bool found = false;
    struct wall_time next = from;
    while (schedule_next(schedule, next, &next) && next.ns <= now.ns) {
        *ret = next;
        found = true;
    }
    return found;
}

bool schedule_due(const struct schedule *schedule, struct wall_time last, struct wall_time now,
                  struct wall_time *ret)
{
    struct wall_time next;
    if (!schedule_next(schedule, last, &next) || next.ns > now.ns) {
        return false;
    }
    if (schedule->every_ns != 0) {
        ret->ns = now.ns / schedule->every_ns * schedule->every_ns;
        return true;
    }
    /* After a long absence the walk begins near its end: a minute's cron has 500,000 ticks a year.
     */
    static const int64_t look_back_days[] = {0, 1, 32, 366};
    for (size_t i = 0; i < COUNT_OF(look_back_days); i++) {
        int64_t span = look_back_days[i] == 0 ? DAY_NS / 24 : look_back_days[i] * DAY_NS;
        struct wall_time from = {now.ns - span};
        if (from.ns > last.ns && last_until(schedule, from, now, ret)) {
            return true;
        }
    }
    return last_until(schedule, last, now, ret);
}
