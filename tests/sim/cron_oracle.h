/* cron_oracle.h - when a cron expression fires, found by looking at every minute of four years on
 * the wall clock of the C library: neither our parser nor our search nor our time zones. */
#pragma once
#include "common/platform/rng.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the wall clock shows at one minute of UTC. */
struct oracle_minute {
    uint8_t minute, hour, day, month, weekday;
    bool is_shown_again; /* the clock will be set back over it */
};
/* A minute of local time that the clock jumps over, and the first instant behind the jump. */
struct oracle_gap {
    struct oracle_minute shown;
    int64_t behind;
};
enum { ORACLE_GAPS_MAX = 2000 };
struct oracle_zone {
    int64_t begin; /* seconds since 1970: of the first minute */
    size_t count;
    struct oracle_minute *minutes;
    struct oracle_gap gaps[ORACLE_GAPS_MAX];
    size_t gap_count;
};
/* From 2023-12-30 to 2028-01-03. Aborts when the C library does not know the zone. Changes TZ. */
struct oracle_zone *oracle_zone_new(const char *name);
void oracle_zone_free(struct oracle_zone *zone);

/* A random expression, as text and as what it means. */
struct oracle_cron {
    char text[256];
    uint64_t minutes, hours, days, months, weekdays;
    bool any_day, any_weekday; /* "*" */
};
void oracle_cron_random(const struct rng *rng, struct oracle_cron *ret);

struct oracle_ticks {
    int64_t *at; /* seconds since 1970, rising */
    size_t count;
};
struct oracle_ticks oracle_ticks_of(const struct oracle_zone *zone, const struct oracle_cron *cron);
/* Every `seconds`, counted from 1970, in [begin, end]. */
struct oracle_ticks oracle_ticks_every(int64_t seconds, int64_t begin, int64_t end);
void oracle_ticks_free(struct oracle_ticks *ticks);
/* How many of them are at or before `second`. */
size_t oracle_ticks_until(const struct oracle_ticks *ticks, int64_t second);
