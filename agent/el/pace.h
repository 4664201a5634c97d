/* pace.h - when a tap that measures takes its next sample: a count, an interval, a duration. */
#pragma once
#include "common/base/err.h"
#include "common/base/time.h"
#include "common/json/fields.h"
#include "common/platform/clock.h"

struct pace_options {
    int64_t samples; /* 0 = not given */
    int64_t every;   /* ns; the same */
    int64_t lasts;   /* ns, from the first sample on; the same */
};
#define PACE_SAMPLES_MAX INT64_C(1000000000)
#define PACE_EVERY_MAX   (INT64_C(86400) * NS_PER_SEC)
#define PACE_LASTS_MAX   (31 * PACE_EVERY_MAX)
/* NOLINTBEGIN(bugprone-macro-parentheses): names of a type and a member */
#define PACE_OPTION_FIELDS(struct_, member_)                                                       \
    {.key = "samples",                                                                             \
     .type = FIELD_I64,                                                                            \
     .offset = offsetof(struct struct_, member_.samples),                                          \
     .min = 1,                                                                                     \
     .max = PACE_SAMPLES_MAX,                                                                      \
     .fallback = "1",                                                                              \
     .help = "How many samples a run takes; with `for`, at most as many."},                        \
        {.key = "every",                                                                           \
         .type = FIELD_DURATION,                                                                   \
         .offset = offsetof(struct struct_, member_.every),                                        \
         .min = NS_PER_MS,                                                                         \
         .max = PACE_EVERY_MAX,                                                                    \
         .help = "The time from one sample to the next, where there are several."},                \
    {                                                                                              \
        .key = "for", .type = FIELD_DURATION, .offset = offsetof(struct struct_, member_.lasts),   \
        .min = NS_PER_MS, .max = PACE_LASTS_MAX,                                                   \
        .help = "How long a run takes samples, from the first one on."                             \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

/* ERR_INVALID for several samples without an interval, and an interval without them. */
MUST_CHECK bool pace_check(const struct pace_options *options, struct err *err);

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
