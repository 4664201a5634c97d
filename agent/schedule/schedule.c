#include "agent/schedule/schedule.h"

#include "common/model/cron_count.h"
#include <inttypes.h>

bool schedule_next(const struct schedule *schedule, struct wall_time after, struct wall_time *ret)
{
    if (schedule->every_ns == 0) {
        return cron_next(&schedule->cron, schedule->tz, after, ret);
    }
    ret->ns = (after.ns / schedule->every_ns + 1) * schedule->every_ns;
    return true;
}

bool schedule_last(const struct schedule *schedule, struct wall_time until, struct wall_time *ret)
{
    if (schedule->every_ns == 0) {
        return cron_last(&schedule->cron, schedule->tz, until, ret);
    }
    ret->ns = until.ns / schedule->every_ns * schedule->every_ns;
    return true;
}

size_t schedule_preview(const struct schedule *schedule, struct wall_time after,
                        struct wall_time *ret, size_t max)
{
    size_t count = 0;
    while (count < max && schedule_next(schedule, after, &ret[count])) {
        after = ret[count++];
    }
    return count;
}

static uint64_t add_bytes(uint64_t hash, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* FNV-1a, and a finish (that of SplitMix64) because its low bits alone are poor: names of devices
 * differ in their last digit. */
int64_t schedule_splay(const struct schedule *schedule, struct str device)
{
    int64_t seconds = schedule->splay_ns / NS_PER_SEC;
    if (seconds <= 1) {
        return 0;
    }
    uint64_t hash = add_bytes(UINT64_C(0xcbf29ce484222325), device);
    hash = add_bytes(hash, STR("\n")); /* no part of either name */
    hash = add_bytes(hash, schedule->name);
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    hash ^= hash >> 31;
    return (int64_t)(hash % (uint64_t)seconds) * NS_PER_SEC;
}

void schedule_write_times(const struct schedule *schedule, struct buf *out)
{
    if (schedule->every_ns != 0) {
        buf_addf(out, "every %" PRId64 " ns", schedule->every_ns);
        return;
    }
    buf_addf(out, STR_FMT " " STR_FMT, STR_ARG(schedule->cron_text), STR_ARG(schedule->timezone));
}

/* --- the clock --- */

enum clock_trust schedule_trust(const struct clock_rule *rule, struct wall_time now)
{
    if (!wall_is_set(now) || now.ns < rule->built.ns) {
        return CLOCK_NOT_SET;
    }
    return rule->requires_sync && !rule->has_been_synced ? CLOCK_NOT_SYNCED : CLOCK_TRUSTED;
}

const char *clock_trust_name(enum clock_trust trust)
{
    static const char *const names[] = {"trusted", "not set", "not synchronized"};
    return names[trust];
}

/* --- ticks --- */

/* How many there are in (after, last]; `last` is one of them. */
static int64_t count_ticks(const struct schedule *schedule, struct wall_time after,
                           struct wall_time last)
{
    if (schedule->every_ns == 0) {
        return cron_count(&schedule->cron, schedule->tz, after, last);
    }
    return last.ns / schedule->every_ns - after.ns / schedule->every_ns;
}

/* The n-th after `after`; there are as many. */
static struct wall_time nth_tick(const struct schedule *schedule, struct wall_time after, int64_t n)
{
    struct wall_time t = after;
    if (schedule->every_ns == 0) {
        (void)cron_nth(&schedule->cron, schedule->tz, after, n, &t);
    } else {
        t.ns = (after.ns / schedule->every_ns + n) * schedule->every_ns;
    }
    return t;
}

/* How many of the newest that are due fire, at most. */
static int64_t firing_max(const struct schedule *schedule, bool newest_is_on_time)
{
    switch (schedule->missed) {
    case MISSED_LATEST:
        return 1;
    case MISSED_SKIP:
        return newest_is_on_time ? 1 : 0;
    case MISSED_ALL:
        break;
    }
    return schedule->missed_max + (newest_is_on_time ? 1 : 0);
}

/* Parts what is due, from `first` to `newest`, into what is skipped and what fires. */
static void part(const struct schedule *schedule, struct wall_time first, struct wall_time newest,
                 int64_t fires_max, struct schedule_look *look)
{
    const struct wall_time before = {first.ns - 1};
    /* Mostly it is one, and then there is nothing to count. */
    int64_t total = first.ns == newest.ns ? 1 : count_ticks(schedule, before, newest);
    look->fires = total < fires_max ? total : fires_max;
    look->skipped = total - look->fires;
    look->first = first;
    look->skipped_first = first;
    look->skipped_last = newest;
    if (look->skipped > 0 && look->fires > 0) {
        look->skipped_last = nth_tick(schedule, before, look->skipped);
        look->first = nth_tick(schedule, before, look->skipped + 1);
    }
}

static void find_due(const struct schedule *schedule, int64_t splay_ns, struct wall_time decided,
                     struct wall_time now, struct schedule_look *look)
{
    const struct wall_time until = {now.ns - splay_ns};
    struct wall_time next;
    if (!schedule_next(schedule, decided, &next)) {
        return;
    }
    bool has_next = true;
    if (next.ns <= until.ns) {
        const struct wall_time first = next;
        struct wall_time newest = first;
        has_next = schedule_next(schedule, newest, &next);
        if (has_next && next.ns <= until.ns) {
            (void)schedule_last(schedule, until, &newest); /* there is one: `next` at least */
            has_next = schedule_next(schedule, newest, &next);
        }
        bool is_on_time = until.ns - newest.ns <= SCHEDULE_LATE_NS;
        part(schedule, first, newest, firing_max(schedule, is_on_time), look);
        look->late = look->fires - (is_on_time && look->fires > 0 ? 1 : 0);
    }
    if (has_next) {
        look->wake.ns = next.ns + splay_ns;
    }
}

void schedule_look(const struct schedule *schedule, int64_t splay_ns, struct wall_time decided,
                   struct wall_time now, struct schedule_look *ret)
{
    *ret = (struct schedule_look){.wake = {INT64_MAX}};
    if (decided.ns == 0) {
        ret->begin = SCHEDULE_BEGINS;
    } else if (decided.ns - SCHEDULE_AHEAD_NS > now.ns) {
        ret->begin = SCHEDULE_BEGINS_ANEW;
    }
    if (ret->begin == SCHEDULE_GOES_ON) {
        find_due(schedule, splay_ns, decided, now, ret);
        return;
    }
    struct wall_time next;
    if (schedule_next(schedule, now, &next)) {
        ret->wake.ns = next.ns + splay_ns;
    }
}

/* --- texts --- */

static const char *absence_text(enum schedule_absence absence)
{
    static const char *const texts[] = {
        [ABSENCE_AWAY] = "while the device slept or was busy",
        [ABSENCE_DOWN] = "while the agent was down",
        [ABSENCE_CLOCK_SET] = "when the clock was set forward",
        [ABSENCE_CLOCK_HELD] = "while the clock was not to be trusted",
        [ABSENCE_DISK] = "while the database could not be written",
    };
    return texts[absence];
}

static void write_policy(const struct schedule *schedule, struct buf *out)
{
    switch (schedule->missed) {
    case MISSED_LATEST:
        buf_add_text(out, "missed: latest");
        return;
    case MISSED_SKIP:
        buf_add_text(out, "missed: skip");
        return;
    case MISSED_ALL:
        buf_addf(out, "missed: all, at most %" PRId64, schedule->missed_max);
        return;
    }
}

void schedule_write_skip(const struct schedule *schedule, const struct schedule_look *look,
                         enum schedule_absence absence, struct buf *out)
{
    if (look->skipped == 1) {
        buf_addf(out, "the tick was missed %s (", absence_text(absence));
    } else {
        buf_addf(out, "%" PRId64 " ticks were missed %s, the first ", look->skipped,
                 absence_text(absence));
        buf_add_wall(out, look->skipped_first);
        buf_add_text(out, " (");
    }
    write_policy(schedule, out);
    buf_add_text(out, ")");
}

void schedule_write_late(enum schedule_absence absence, struct buf *out)
{
    buf_addf(out, "missed %s", absence_text(absence));
}
