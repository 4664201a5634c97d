/* report_times.h - the time that a report is asked to be of. Pure. */
#pragma once
#include "common/base/err.h"
#include "common/base/time.h"

struct report_times {
    struct wall_time since, until;
};
/* `since`: how long before `until`, "7d", or a time; empty: 24h. `until`: a time, at most `now`; empty:
 * now. ERR_INVALID: they are none, or the end is not behind the beginning, or more than 366 days. */
MUST_CHECK bool report_times_from(struct str since, struct str until, struct wall_time now,
                                  struct report_times *ret, struct err *err);
