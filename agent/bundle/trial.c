#include "agent/bundle/trial.h"

#include <stdio.h>

void trial_begin(struct trial *trial, struct mono_time now, int64_t length_ns, bool is_online,
                 int64_t starts)
{
    *trial = (struct trial){
        .is_on = true, .needs_link = is_online, .began = now, .length_ns = length_ns};
    if (starts > TRIAL_STARTS_MAX) {
        (void)snprintf(trial->why, sizeof(trial->why),
                       "the agent was started %lld times while the bundle was on trial",
                       (long long)starts);
    }
}

void trial_run_failed(struct trial *trial, struct str run, struct str asset)
{
    if (trial->why[0] == '\0') {
        (void)snprintf(trial->why, sizeof(trial->why),
                       "run " STR_FMT " failed on " STR_FMT ", which did not fail before",
                       STR_ARG(run), STR_ARG(str_clip(asset, 200)));
    }
}

static enum trial_verdict end(struct trial *trial, enum trial_verdict verdict)
{
    trial->is_on = false;
    return verdict;
}

enum trial_verdict trial_look(struct trial *trial, struct mono_time now, bool is_online,
                              int64_t *ret_wait_ns)
{
    int64_t left_ns = trial->length_ns - (now.ns - trial->began.ns);
    trial->needs_link = trial->needs_link || is_online;
    if (trial->why[0] != '\0') {
        return end(trial, TRIAL_IS_BAD);
    }
    if (left_ns > 0) {
        *ret_wait_ns = left_ns < TRIAL_LOOK_NS ? left_ns : TRIAL_LOOK_NS;
        return TRIAL_GOES_ON;
    }
    if (is_online || !trial->needs_link) {
        return end(trial, TRIAL_IS_HEALTHY);
    }
    if (left_ns <= -TRIAL_OFFLINE_NS) {
        (void)snprintf(trial->why, sizeof(trial->why),
                       "the connection to the hub was lost and did not come back");
        return end(trial, TRIAL_IS_BAD);
    }
    *ret_wait_ns = TRIAL_LOOK_NS;
    return TRIAL_GOES_ON;
}
