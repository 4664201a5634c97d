#include "hub/delivery/delivery.h"

#include "common/model/backoff.h"

struct delivery delivery_new(struct wall_time now)
{
    return (struct delivery){.settled = now};
}

static void settle(struct delivery *d)
{
    d->settled = d->due;
    d->due = d->since = d->next = (struct wall_time){0};
    d->attempts = 0;
}

static void begin(struct delivery *d, struct wall_time due, struct wall_time now)
{
    d->due = due;
    d->since = now;
    d->next = now;
    d->attempts = 0;
}

/* What the clock says that it is: due times come, old ones give way. */
static unsigned look(struct delivery *d, const struct delivery_schedule *s, struct wall_time now)
{
    struct wall_time newest;
    unsigned bits = 0;
    if (d->settled.ns - now.ns > DELIVERY_AHEAD_NS || d->due.ns > now.ns) {
        *d = delivery_new(now);
        bits |= DELIVERY_CHANGED;
    }
    if (d->due.ns != 0 && d->attempts > 0 && now.ns - d->since.ns > DELIVERY_GIVE_UP_NS) {
        settle(d);
        bits |= DELIVERY_CHANGED | DELIVERY_GAVE_UP;
    }
    if (!cron_last(s->cron, s->tz, now, &newest)) {
        return bits;
    }
    if (d->due.ns != 0 && newest.ns > d->due.ns) {
        bits |= DELIVERY_CHANGED | (d->attempts > 0 ? DELIVERY_GAVE_UP : 0U);
        settle(d);
    }
    if (d->due.ns == 0 && newest.ns > d->settled.ns) {
        begin(d, newest, now);
        bits |= DELIVERY_CHANGED;
    }
    return bits;
}

unsigned delivery_step(struct delivery *d, const struct delivery_schedule *s, struct wall_time now,
                       uint64_t random, struct wall_time *ret_wake)
{
    *ret_wake = (struct wall_time){INT64_MAX};
    if (!wall_is_set(now)) {
        return 0;
    }
    unsigned bits = look(d, s, now);
    if (d->due.ns != 0 && d->next.ns - now.ns > DELIVERY_RETRY_MAX_NS) {
        d->next = now; /* the clock was set back */
    }
    if (d->due.ns != 0 && d->next.ns <= now.ns) {
        d->attempts++;
        d->next.ns =
            now.ns + reconnect_delay_ns(DELIVERY_RETRY_BASE_NS, DELIVERY_RETRY_MAX_NS,
                                        (int)(d->attempts < 100 ? d->attempts : 100), random);
        bits |= DELIVERY_CHANGED | DELIVERY_SEND;
    }
    struct wall_time tick;
    if (cron_next(s->cron, s->tz, now, &tick)) {
        *ret_wake = tick;
    }
    if (d->due.ns != 0 && d->next.ns < ret_wake->ns) {
        *ret_wake = d->next;
    }
    return bits;
}
