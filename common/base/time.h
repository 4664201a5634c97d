/* time.h - two kinds of time that the compiler keeps apart, and their text form. Pure: no clock is
 * read here. */
#pragma once
#include "common/base/buf.h"
#include <stdint.h>

struct mono_time {
    int64_t ns; /* CLOCK_BOOTTIME: time-outs, back-off, intervals */
};
struct wall_time {
    int64_t ns; /* CLOCK_REALTIME, since 1970 UTC: cron fields, stamps, certificates. May step, may
                   be wrong. */
};

#define NS_PER_US  INT64_C(1000)
#define NS_PER_MS  INT64_C(1000000)
#define NS_PER_SEC INT64_C(1000000000)

/* A calendar time in UTC or in any zone once shifted. */
struct civil_time {
    int64_t year;
    int month;   /* 1..12 */
    int day;     /* 1..31 */
    int hour;    /* 0..23 */
    int minute;  /* 0..59 */
    int second;  /* 0..59 */
    int weekday; /* 0 = Sunday; output of civil_from_seconds only */
};

/* False when it lies beyond what struct wall_time holds (the year 2262). */
MUST_CHECK bool wall_from_seconds(int64_t seconds, struct wall_time *ret);
struct civil_time civil_from_seconds(int64_t seconds);
int64_t
civil_to_seconds(const struct civil_time *c); /* fields may be out of range: they are carried */

/* A clock that says less than 2024 has not been set yet (a board without a battery boots in 1970):
 * nothing that depends on wall time may happen before it is. */
bool wall_is_set(struct wall_time now);

enum { WALL_TEXT_SIZE = 32 };
/* "2026-11-22T02:30:00.123Z" (milliseconds, UTC). Returns `text`. */
const char *wall_format(struct wall_time t, char text[WALL_TEXT_SIZE]);
void buf_add_wall(struct buf *b, struct wall_time t);
/* RFC 3339, with fraction and zone optional (none = UTC), 'T' or a space; also a bare date. */
MUST_CHECK bool wall_parse(struct str s, struct wall_time *ret);

/* "1.2 s", "350 ms", "2 h 05 m": for people. */
void buf_add_duration(struct buf *b, int64_t ns);
/* "12.3 MiB", "812 B": for people. */
void buf_add_bytes(struct buf *b, int64_t bytes);
/* "1h30m", "64MiB": exact, as definitions are written. Whole milliseconds; not negative. */
void buf_add_exact_duration(struct buf *b, int64_t ns);
void buf_add_exact_bytes(struct buf *b, int64_t bytes);
