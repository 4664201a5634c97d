/* schedule.h - decides ticks: which fire now, what becomes of those that were missed, and when to
 * look again. Pure. docs/reference/schedules.md
 *
 * DESIGN: a tick's identity is its nominal time. A schedule remembers one nominal time, `decided`:
 * what lies behind it is decided on for good, whatever restarts and clock steps do; what is due and
 * lies after it is decided on at the next look. Splay moves when a tick fires, not what it is. */
#pragma once
#include "agent/definitions/definitions.h"

/* A tick is due at its nominal time and the schedule's splay. Of those that are due at one look the
 * newest is on time until it is this late; all others are missed. */
#define SCHEDULE_LATE_NS (60 * NS_PER_SEC)
/* A clock that was set back does not repeat what is decided: the schedule waits until it is that
 * late again. But one that waits for longer than this waits for a clock that was wrong, and begins
 * anew. */
#define SCHEDULE_AHEAD_NS (INT64_C(86400) * NS_PER_SEC)

/* --- nominal times --- */

/* The first nominal time strictly after `after`; false when there is none (an impossible date).
 * `every` counts from 1970, so that its times do not depend on when the agent started. */
bool schedule_next(const struct schedule *schedule, struct wall_time after, struct wall_time *ret);
/* The last nominal time at or before `until`. */
bool schedule_last(const struct schedule *schedule, struct wall_time until, struct wall_time *ret);
/* The next `max` nominal times after `after`; returns how many there are. */
size_t schedule_preview(const struct schedule *schedule, struct wall_time after,
                        struct wall_time *ret, size_t max);
/* How much later than its nominal time each tick fires on this device: whole seconds in [0, splay),
 * always the same for the same device and schedule. */
int64_t schedule_splay(const struct schedule *schedule, struct str device);
/* When it ticks, as one text ("30 2 * * * Europe/Berlin", "every 15000000000 ns"): a schedule whose
 * times were changed is a new one, and ticks that its new times had in the past were not missed. */
void schedule_write_times(const struct schedule *schedule, struct buf *out);

/* --- the clock --- */

enum clock_trust { CLOCK_TRUSTED, CLOCK_NOT_SET, CLOCK_NOT_SYNCED };
struct clock_rule {
    struct wall_time built; /* no clock is right that says less: when this program was built */
    bool requires_sync;     /* the kernel has to have said once that it is synchronized */
    bool has_been_synced;
};
enum clock_trust schedule_trust(const struct clock_rule *rule, struct wall_time now);
const char *clock_trust_name(enum clock_trust trust); /* "trusted", "not set", "not synchronized" */

/* --- ticks --- */

enum schedule_begin {
    SCHEDULE_GOES_ON,
    SCHEDULE_BEGINS,      /* it has not begun: `decided` was 0 */
    SCHEDULE_BEGINS_ANEW, /* what was decided on lies too far ahead */
};
/* What one look finds. When it begins, nothing is due: `now` is remembered as decided. */
struct schedule_look {
    enum schedule_begin begin;
    int64_t skipped; /* missed, and not made good */
    struct wall_time skipped_first;
    struct wall_time skipped_last; /* decided on with one record for all */
    int64_t fires; /* one after the other: `first`, then what schedule_next() says */
    struct wall_time first;
    int64_t late;          /* so many of them were missed and are made good */
    struct wall_time wake; /* when to look again; INT64_MAX = never */
};
/* `decided`: the last nominal time that was decided on, or when the schedule began; 0 = it has not
 * begun. `splay_ns` from schedule_splay(). Only while the clock is trusted and the schedule is not
 * paused: ticks that fall into a pause are nobody's. */
void schedule_look(const struct schedule *schedule, int64_t splay_ns, struct wall_time decided,
                   struct wall_time now, struct schedule_look *ret);

/* Why ticks were missed, as far as the shell knows. */
enum schedule_absence {
    ABSENCE_AWAY, /* nothing is known: the device slept, or the loop was busy */
    ABSENCE_DOWN,
    ABSENCE_CLOCK_SET,
    ABSENCE_CLOCK_HELD,
    ABSENCE_DISK,
};
/* "41 ticks were missed while the agent was down, the first 2026-11-22T02:30:00.000Z (missed:
 * latest)" */
void schedule_write_skip(const struct schedule *schedule, const struct schedule_look *look,
                         enum schedule_absence absence, struct buf *out);
/* "missed while the agent was down" */
void schedule_write_late(enum schedule_absence absence, struct buf *out);
