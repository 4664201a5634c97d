/* cron.h - five-field cron expressions: minute hour day-of-month month day-of-week. Pure. */
#pragma once
#include "common/base/err.h"
#include "common/base/time.h"
#include "common/model/tz.h"

struct cron {
    uint64_t minutes; /* bit n = value n */
    uint32_t hours;
    uint32_t days;     /* bits 1..31 */
    uint32_t months;   /* bits 1..12 */
    uint32_t weekdays; /* bits 0..6, 0 = Sunday */
    bool any_day;      /* restricts nothing: then both day fields must match, else either */
    bool any_weekday;
};

/* Numbers, names (jan, mon), lists, ranges (also over the end: 22-2, fri-mon), steps, 7 for Sunday;
 * @hourly @daily @midnight @weekly @monthly @yearly @annually. ERR_INVALID names field and column
 * ("hour (column 3): 24 is above 23"). What it accepts means what it means to Dagster. */
MUST_CHECK bool cron_parse(struct str text, struct cron *ret, struct err *err);

/* The first firing strictly after `after`, on a whole minute of local time. Dagster's rule: a local
 * time that does not exist fires at the first moment behind the gap; one that the clock shows twice
 * fires once, the second time. An expression that names every hour follows real time instead: it
 * fires in both of the repeated hours, and nothing is made up for a missing one. False: never
 * (February 30), or not within 50 years. */
bool cron_next(const struct cron *c, const struct tz *tz, struct wall_time after,
               struct wall_time *ret_next);
/* The last firing at or before `until`; false when there is none within 50 years before it. Some
 * twenty times the work of cron_next(). */
bool cron_last(const struct cron *c, const struct tz *tz, struct wall_time until,
               struct wall_time *ret_last);
