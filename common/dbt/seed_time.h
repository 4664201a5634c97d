/* seed_time.h - dates and times of a seed as dbt reads them: Python's strptime with "%Y-%m-%d" and
 * "%Y-%m-%d %H:%M:%S", and what the library isodate takes for ISO 8601 with a T. Pure. */
#pragma once
#include "common/base/buf.h"

struct seed_time {
    int year, month, day; /* 1 to 9999 */
    int hour, minute, second, microsecond;
    bool has_offset;
    int offset_minutes; /* east of UTC; less than a day */
};
/* `field` without white space at its ends. */
MUST_CHECK bool seed_date_read(struct str field, struct seed_time *ret);
MUST_CHECK bool seed_datetime_read(struct str field, struct seed_time *ret);
MUST_CHECK bool seed_iso_read(struct str field, struct seed_time *ret);
/* "2026-01-31"; "2026-01-31 10:00:00", with ".250000" where it is not 0 and "+02:00" where given. */
void seed_date_write(const struct seed_time *time, struct buf *out);
void seed_datetime_write(const struct seed_time *time, struct buf *out);
