/* waves.h - decides how a deployment goes on: which device is in which wave, when the next one
 * begins, when it stops by itself. Functions of rows and times: nothing is remembered here, so a
 * hub that was restarted goes on as if it had not been. Pure.
 *
 * A wave is judged when each of its devices has the bundle and found it healthy, could not take it,
 * took it back, or did not answer within `patience` (it is passed over; what it says later counts).
 * The next wave begins `soak` after that. At every look the abort condition is held against all
 * devices that were asked so far, so a bad bundle stops in the wave in which it shows. */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/time.h"

enum { WAVES_MAX = 20, WAVE_RULES_MAX = 8 };

/* "1,10%,50%,100%": how many devices have been asked once each wave has begun. */
struct wave_sizes {
    struct wave_size {
        int64_t count;   /* of devices, or: */
        int64_t percent; /* of all of them; 0 = `count` counts */
    } of[WAVES_MAX];
    size_t count;
};
/* ERR_INVALID unless they grow and the last one is 100%. */
MUST_CHECK bool wave_sizes_parse(struct str text, struct wave_sizes *ret, struct err *err);

/* "failed > 2% or away > 10": of those that were asked. `failed` counts what was rolled back too. */
enum wave_count { WAVE_FAILED, WAVE_ROLLED_BACK, WAVE_AWAY };
struct wave_rules {
    struct wave_rule {
        enum wave_count what;
        bool is_percent;
        int64_t above;
    } of[WAVE_RULES_MAX];
    size_t count; /* 0: "never" */
};
MUST_CHECK bool wave_rules_parse(struct str text, struct wave_rules *ret, struct err *err);

/* The wave of each device, from 1: those of a deployment come in an order of its own, which is the
 * same whenever it is worked out again. `ret` has room for `count`. */
MUST_CHECK bool waves_assign(const struct wave_sizes *sizes, struct str deployment,
                             const struct str *devices, size_t count, struct arena *arena,
                             int64_t *ret, struct err *err);

/* What a device has said since it was asked. */
enum wave_answer {
    WAVE_NO_ANSWER,
    WAVE_UNDER_WAY, /* it fetches, or the bundle is on trial */
    WAVE_IS_HEALTHY,
    WAVE_HAS_FAILED, /* the bundle never came into force */
    WAVE_WAS_ROLLED_BACK,
};
struct wave_device {
    int64_t wave;
    struct wall_time asked; /* 0 = not yet */
    enum wave_answer answer;
};
struct wave_tally {
    int64_t devices, asked, under_way, healthy, failed, rolled_back, away;
};
enum wave_step {
    WAVES_WAIT,  /* look again at `at` (0: when something is heard) */
    WAVES_BEGIN, /* ask the devices of `wave` */
    WAVES_ABORT, /* `reason` */
    WAVES_DONE,
};
struct wave_plan {
    struct wave_rules rules;
    int64_t soak_ns;
    int64_t patience_ns;
    int64_t wave;             /* the last that has begun; 0 = none */
    struct wall_time settled; /* since when `wave` is judged; 0 = it was not when last looked */
};
struct wave_decision {
    enum wave_step step;
    int64_t wave;
    struct wall_time at;
    struct wall_time settled; /* to be kept with the plan */
    char reason[160];
};
/* The clock may jump: what is timed begins anew when `now` is before it. */
struct wave_decision waves_decide(const struct wave_plan *plan, const struct wave_device *devices,
                                  size_t count, struct wall_time now);
/* Of one wave, or of all with 0. */
struct wave_tally waves_count(const struct wave_plan *plan, const struct wave_device *devices,
                              size_t count, int64_t wave, struct wall_time now);
