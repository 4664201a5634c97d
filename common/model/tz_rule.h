/* tz_rule.h - the POSIX TZ string at the end of a TZif file: "CET-1CEST,M3.5.0,M10.5.0/3". Pure.
 * Used by tz.c only. */
#pragma once
#include "common/base/err.h"
#include "common/base/str.h"

enum tz_day_kind {
    TZ_DAY_JULIAN,  /* 1..365, February 29 is never counted */
    TZ_DAY_OF_YEAR, /* 0..365 */
    TZ_DAY_WEEKDAY, /* weekday `day` in week 1..5 of `month`, 5 = the last */
};
struct tz_day {
    enum tz_day_kind kind;
    int month;
    int week;
    int day;
    int32_t second; /* of that day, local time before the change; -167 h to 167 h */
};
struct tz_rule {
    int32_t standard; /* seconds east of UTC */
    int32_t daylight;
    bool has_daylight;
    struct tz_day start; /* of daylight saving time */
    struct tz_day end;
};

MUST_CHECK bool tz_rule_parse(struct str text, struct tz_rule *ret, struct err *err);

struct tz_change {
    int64_t at;     /* instant */
    int32_t offset; /* from then on */
};
enum { TZ_CHANGES_MAX = 8 };
/* The changes of the four years around the instant, from the year before its own to the second
 * after it, in ascending order. Returns their count: 0 when the rule has no daylight saving time.
 */
size_t tz_rule_changes(const struct tz_rule *rule, int64_t utc,
                       struct tz_change ret[TZ_CHANGES_MAX]);
