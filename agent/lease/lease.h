/* lease.h - this device's places in the pools of the fleet: what it asks the hub for, and how many of
 * its steps may be in each now. Pure; times are monotonic. hub/pool/pools.h has the other side.
 *
 * A lease counts from when it was asked for. When it ends and the hub is silent, what runs goes on
 * (a load is not cut off half-way), but nothing more begins; and when the hub has been silent for as
 * long as the pool says that a step waits, steps begin without it: a device that is offline for ever
 * still works. */
#pragma once
#include "common/base/err.h"
#include "common/base/limits.h"
#include "common/base/time.h"

enum { LEASES_MAX = 64 };

struct lease {
    char pool[LIMIT_NAME_BYTES + 1];
    int64_t wanted;           /* places that steps are in, or would be */
    int64_t granted;          /* until `until` */
    struct mono_time asked;   /* last; 0 = to be asked for at once */
    struct mono_time lowered; /* places were given back: answers to what was asked before are old */
    struct mono_time answered; /* when that was asked for which the hub answered last */
    struct mono_time until;
    struct mono_time silent; /* since when an answer is missing; 0 = none is */
    struct mono_time denied; /* when a step was last turned away */
    int64_t for_ns;          /* of the last grant; 0 = none yet */
    bool is_paused;          /* by the hub's last word: nothing more begins */
    bool is_alone;           /* steps begin without the hub, and that was told */
};
struct leases {
    struct lease items[LEASES_MAX];
    size_t count;
};

/* Whether one more step may begin in the pool, where `running` are; remembers that one would. `wait_ns`
 * as the pool says. *ret_begins_alone: it may, and the hub has not said so; true once per silence.
 * Of more than LEASES_MAX pools the rest is not the hub's. */
bool leases_may_enter(struct leases *l, struct str pool, int64_t running, int64_t wait_ns,
                      struct mono_time now, bool *ret_begins_alone);
/* `running` are in it: what is not needed is given back. */
void leases_settle(struct leases *l, struct str pool, int64_t running, struct mono_time now);
/* What the hub said to what was asked for at `asked`. False: nothing of the sort was. */
struct lease_answer {
    struct str pool;
    int64_t places;
    int64_t for_ns;
    struct mono_time asked;
    bool is_paused;
};
bool leases_take(struct leases *l, const struct lease_answer *answer, struct mono_time now);

/* What is to be said now: the next lease that is to be asked for, marked as asked; NULL = nothing
 * is. `held` is what the hub's word still gives. */
struct lease *leases_next_ask(struct leases *l, struct mono_time now, int64_t *ret_held);
/* After a reconnect everything is asked for again. */
void leases_ask_again(struct leases *l);
struct mono_time leases_due(const struct leases *l); /* 0 = nothing is to be asked for */
