/* delivery.h - when a report goes out: DESIGN: a nominal time is delivered once, is tried again while
 * it fails, and gives way to the next one. Of times that passed while the hub was down the newest
 * is delivered, late; the others are passed over. Pure: time and row come in, row comes out.
 *
 *   settled --(its time comes)--> due --(delivered)--> settled
 *                                  |--(fails)--> due, later
 *                                  '--(fails for GIVE_UP, or the next time comes)--> settled */
#pragma once
#include "common/base/time.h"
#include "common/model/cron.h"

#define DELIVERY_GIVE_UP_NS (INT64_C(86400) * NS_PER_SEC)
/* A settled time that is further ahead than this is of a clock that was wrong. */
#define DELIVERY_AHEAD_NS      (INT64_C(86400) * NS_PER_SEC)
#define DELIVERY_RETRY_BASE_NS (5 * NS_PER_SEC)
#define DELIVERY_RETRY_MAX_NS  (1800 * NS_PER_SEC)

struct delivery { /* times 0: none */
    struct wall_time settled, due, since, next;
    int64_t attempts;
};
enum {
    DELIVERY_CHANGED = 1, /* it is to be written */
    DELIVERY_SEND = 2,    /* an attempt begins; it is counted already, and `next` is set */
    DELIVERY_GAVE_UP = 4, /* one that was tried */
};
struct delivery_schedule {
    const struct cron *cron;
    const struct tz *tz;
};
/* What is to be done now, as bits; *ret_wake is when to ask again. `random` spreads what is tried
 * again. While the clock is not set: nothing. */
unsigned delivery_step(struct delivery *d, const struct delivery_schedule *schedule,
                       struct wall_time now, uint64_t random, struct wall_time *ret_wake);
/* A new report, or one whose schedule was changed: what went before is none of it. */
struct delivery delivery_new(struct wall_time now);
