/* desired_life.h - one device through a virtual week under a hub that changes what it wants, is away
 * for three days, and a broker that brings back old revisions. The agent is the real one, with its
 * database, under a clock that is told what to say; a second, simple bookkeeping, written from
 * docs/reference/schedules.md and desired-state.md, says which ticks must have started a run. */
#pragma once
#include "common/base/buf.h"
#include "common/platform/rng.h"

/* Rules broken on purpose: a simulation that does not notice these proves nothing. */
enum desired_sabotage {
    DESIRED_HONEST,
    DESIRED_FORGETS,  /* a restart knows nothing of what the hub wanted */
    DESIRED_AMNESIA,  /* a restart knows nothing of its ticks */
    DESIRED_GULLIBLE, /* an old revision that a broker brings back is applied */
};

struct desired_life_options {
    const struct rng *rng;
    const char *dir; /* empty, and its own */
    struct str key, public_key;
    enum desired_sabotage sabotage;
};
struct desired_life_result { /* sums over lives */
    int64_t applied, refused, passed_over, restarts, steps_of_clock;
    int64_t ticks;      /* that started a run */
    int64_t ticks_away; /* of them while the hub was away */
    char failure[400];  /* empty = all was right */
};
void desired_life_run(const struct desired_life_options *options, struct desired_life_result *sum);
