/* schedule_life.h - one schedule through years of a device's life: restarts, crashes between two
 * records, suspends, pauses, a clock that is set forward and back or stands wrong for hours. The
 * core (agent/schedule) decides; a second, simple bookkeeping says what is right, and every look is
 * compared with it. */
#pragma once
#include "agent/schedule/schedule.h"
#include "common/platform/rng.h"
#include "tests/sim/cron_oracle.h"

/* Rules broken on purpose: a simulation that does not notice these proves nothing. */
enum life_sabotage {
    LIFE_HONEST,
    LIFE_FORGETS,    /* a restart remembers nothing */
    LIFE_REPEATS,    /* a clock set back begins anew, and no tick is looked up */
    LIFE_OVERSLEEPS, /* what became due while the device slept waits for the next tick */
};

struct life_options {
    const struct rng *rng;
    const struct schedule *schedule;
    int64_t splay_ns;
    const struct oracle_ticks *ticks; /* its nominal times, beyond both ends */
    int64_t from;                     /* seconds since 1970 */
    int64_t until;
    int64_t looks_max; /* it ends earlier then; 0 = no limit */
    enum life_sabotage sabotage;
};
struct life_result { /* sums over lives */
    int64_t looks;
    int64_t fired;
    int64_t skipped;
    int64_t disturbed; /* what happened to the device */
    int64_t refused;   /* ticks that came a second time */
    char failure[400]; /* empty = all was right */
};
void life_run(const struct life_options *options, struct life_result *sum);
