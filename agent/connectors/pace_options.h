/* pace_options.h - how often, and for how long, a tap that measures does so. */
#pragma once
#include "agent/connectors/options.h"

struct pace_options {
    int64_t samples; /* 0 = not given */
    int64_t every;   /* ns; the same */
    int64_t lasts;   /* ns, from the first sample on; the same */
};
/* With an interval and nothing that says when to end, a run lasts so long: runs have to end for what
 * they made to be known, and who wants samples all day lets a schedule start one after the other. */
#define PACE_LASTS_DEFAULT (60 * NS_PER_SEC)
#define PACE_SAMPLES_MAX   INT64_C(1000000000)
#define PACE_EVERY_MAX     (INT64_C(86400) * NS_PER_SEC)
#define PACE_LASTS_MAX     (31 * PACE_EVERY_MAX)
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
         .help = "The time from one sample to the next. Alone, with neither `samples` nor `for`: " \
                 "for one "                                                                        \
                 "minute."},                                                                       \
    {                                                                                              \
        .key = "for", .type = FIELD_DURATION, .offset = offsetof(struct struct_, member_.lasts),   \
        .min = NS_PER_MS, .max = PACE_LASTS_MAX,                                                   \
        .help = "How long a run takes samples, from the first one on."                             \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

/* ERR_INVALID for several samples without an interval, and an interval for a single one. */
MUST_CHECK bool pace_check(const struct pace_options *options, struct err *err);
/* When a run ends, by the time; 0 = not by that. */
int64_t pace_lasts(const struct pace_options *options);
