/* pace.h - when a tap that measures takes its next sample: a count, an interval, a duration. */
#pragma once
#include "agent/connectors/pace_options.h"
#include "common/platform/clock.h"

/* Pure. The n-th sample is due at `start + n * every`, so that intervals do not drift; those whose
 * time had passed before they could be taken are left out. */
struct pace {
    const struct pace_options *options;
    struct mono_time start;
    int64_t turn;  /* of the next sample: start + turn * every */
    int64_t taken; /* samples */
};
struct pace pace_begin(const struct pace_options *options, struct mono_time start);
bool pace_is_over(const struct pace *p);
/* ns until the next sample; 0 or less = it is due. */
int64_t pace_wait_ns(const struct pace *p, struct mono_time now);
/* One was taken and done with at `now`. */
void pace_taken(struct pace *p, struct mono_time now);

/* Waits for the next sample, `idle_ns` at most; less when a signal comes. True when it is due. */
bool pace_sleep_until_due(const struct pace *p, const struct clock *clock, int64_t idle_ns);
