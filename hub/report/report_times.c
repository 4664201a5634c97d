#include "hub/report/report_times.h"

#define TIME_MIN_NS NS_PER_MS
#define TIME_MAX_NS (366 * INT64_C(86400) * NS_PER_SEC)

bool report_times_from(struct str since, struct str until, struct wall_time now,
                       struct report_times *ret, struct err *err)
{
    struct report_times times = {.until = now};
    int64_t length = 0;
    if (!str_is_empty(until) && !wall_parse(until, &times.until)) {
        return err_set(err, ERR_INVALID, "until is a time like 2026-11-30T06:00:00Z");
    }
    if (times.until.ns > now.ns) {
        times.until = now; /* whoever asks may have a clock that is ahead */
    }
    if (str_to_duration(str_is_empty(since) ? STR("24h") : since, &length)) {
        if (__builtin_sub_overflow(times.until.ns, length, &times.since.ns)) {
            return err_set(err, ERR_INVALID, "since is too long ago");
        }
    } else if (!wall_parse(since, &times.since)) {
        return err_set(err, ERR_INVALID,
                       "since is how long back, like 24h or 7d, or a time like "
                       "2026-11-30T06:00:00Z");
    }
    if (__builtin_sub_overflow(times.until.ns, times.since.ns, &length) || length < TIME_MIN_NS ||
        length > TIME_MAX_NS) {
        return err_set(err, ERR_INVALID,
                       "the end of a report's time is behind its beginning, by 366 days at most");
    }
    *ret = times;
    return true;
}
