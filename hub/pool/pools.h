/* pools.h - places that steps of the whole fleet share: "at most 5 devices load into the warehouse at
 * once". Pure; times are monotonic.
 *
 * A device says how many places it has use for, again and again; it has what it was granted until
 * the lease ends, which each saying prolongs. Places are given in the order of first asking. One that
 * falls silent keeps its places until its lease ends, and no longer: a device that is offline for
 * ever blocks nobody.
 *
 * Nothing is kept across a restart: for the time of one lease a new hub gives places only to those
 * that say that they hold them. A device counts its lease from when it asked, the hub from when it
 * was asked, so the device's ends first, whatever the network and the clocks do. */
#pragma once
#include "common/base/err.h"
#include "common/base/time.h"

enum { POOLS_MAX = 1000, POOL_HOLDERS_MAX = 100000 };

struct pools;
MUST_CHECK bool pools_new(struct pools **ret, struct err *err);
void pools_free(struct pools *p); /* NULL is allowed */

/* As an operator has set it; those that are not set again before pools_end_set() are gone. */
void pools_begin_set(struct pools *p);
struct pool_setting {
    struct str name;
    int64_t places;
    int64_t lease_ns;
    bool
        is_paused; /* who has places keeps them until its steps end; no step begins, and nobody gets any */
};
/* `now` begins the time of one lease in which those that hold places are heard, when it is new. */
MUST_CHECK bool pools_set(struct pools *p, const struct pool_setting *setting, struct mono_time now,
                          struct err *err);
void pools_end_set(struct pools *p);

struct pool_answer {
    struct str device, pool; /* until the next call */
    int64_t places;
    int64_t for_ns;
    int64_t asked_ms; /* of the device's last word */
    bool is_paused;
};
struct pool_listener {
    void (*on_answer)(void *ctx, const struct pool_answer *answer);
    void *ctx;
};
struct pool_ask {
    struct str device, pool;
    int64_t places, held;
    int64_t asked_ms; /* goes back as it came */
};
/* Answers the device, and others whose turn it is now. Of a pool that is not set a device gets what
 * it asks for. */
MUST_CHECK bool pools_ask(struct pools *p, const struct pool_ask *ask, struct mono_time now,
                          const struct pool_listener *listener, struct err *err);
/* Takes back what has ended, and tells of a pause that begins or is over. When pools_due() has come, and after pools_end_set(). */
void pools_tick(struct pools *p, struct mono_time now, const struct pool_listener *listener);
struct mono_time pools_due(const struct pools *p); /* 0 = nothing ends */

struct pool_holder {
    struct str pool, device;
    int64_t wanted, granted;
    struct mono_time since; /* it asks */
    struct mono_time until; /* of the lease; 0 when it has none */
};
/* Pool by pool, in the order of asking. */
void pools_each(const struct pools *p,
                void (*on_holder)(void *ctx, const struct pool_holder *holder), void *ctx);
