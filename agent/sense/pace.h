/* pace.h - when a sensor may tick, and which of its ticks are worth a record. Pure. */
#pragma once
#include "common/base/err.h"
#include "common/base/time.h"

/* Between two ticks lies at least min_interval; after failures in a row a back-off that grows to
 * five minutes. */
struct pace {
    int64_t min_interval_ns;
    struct mono_time next; /* not before */
    int64_t failures;      /* in a row */
};
/* After a start: what is left of the interval since the last tick, as the wall clock has it. A clock
 * that was set since then makes nobody wait longer than one interval. */
void pace_begin(struct pace *p, struct wall_time last_tick, struct wall_time wall,
                struct mono_time now);
bool pace_is_due(const struct pace *p, struct mono_time now);
void pace_ticked(struct pace *p, struct mono_time now);
void pace_failed(struct pace *p, struct mono_time now, uint64_t random);

/* The tick last recorded. A tick that starts nothing and says the same again is no news: a program
 * that is asked every 30 s would fill the device's history, and the link to the hub, with them. */
struct told {
    uint64_t what;
};
/* Whether to record it. Ticks that start a run or move the cursor always are. */
bool told_is_news(struct told *told, struct str status, struct str reason, bool moves_cursor);
