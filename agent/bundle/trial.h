/* trial.h - judges a bundle that has just come into force: healthy when its time is over and nothing
 * spoke against it. What does: a run of its definitions that fails on an asset which did not fail
 * before; an agent that is started again and again; a connection that was there and does not come
 * back. Pure. */
#pragma once
#include "common/base/err.h"
#include "common/base/time.h"

enum { TRIAL_STARTS_MAX = 5 };
#define TRIAL_OFFLINE_NS                                                                           \
    (30 * 60 * NS_PER_SEC) /* beyond its time, for the connection to come back */
#define TRIAL_LOOK_NS (2 * NS_PER_SEC)

enum trial_verdict { TRIAL_GOES_ON, TRIAL_IS_HEALTHY, TRIAL_IS_BAD };
struct trial {
    bool is_on;
    bool needs_link; /* the agent was connected when it began, or has been since */
    struct mono_time began;
    int64_t length_ns;
    char why[320]; /* TRIAL_IS_BAD */
};
/* `starts`: how often the agent has been started since the bundle came into force; then its time
 * begins anew. */
void trial_begin(struct trial *trial, struct mono_time now, int64_t length_ns, bool is_online,
                 int64_t starts);
/* A run of the bundle's definitions has failed. */
void trial_run_failed(struct trial *trial, struct str run, struct str asset);
/* *ret_wait_ns: look again after that. A verdict ends it. */
enum trial_verdict trial_look(struct trial *trial, struct mono_time now, bool is_online,
                              int64_t *ret_wait_ns);
