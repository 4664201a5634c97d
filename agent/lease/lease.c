#include "agent/lease/lease.h"

#include <string.h>

#define ASK_NS    (10 * NS_PER_SEC) /* again, while there is no answer or no place */
#define SETTLE_NS (2 * NS_PER_SEC)  /* a step that was turned away is expected back for so long */

/* The hub gives back the milliseconds in which it was asked. */
static int64_t to_ms(struct mono_time t)
{
    return t.ns / NS_PER_MS * NS_PER_MS;
}

static struct lease *find(struct leases *l, struct str pool)
{
    for (size_t i = 0; i < l->count; i++) {
        if (str_eq(str_from(l->items[i].pool), pool)) {
            return &l->items[i];
        }
    }
    return NULL;
}

static struct lease *find_or_add(struct leases *l, struct str pool)
{
    struct lease *lease = find(l, pool);
    if (lease != NULL || l->count == LEASES_MAX || pool.len > LIMIT_NAME_BYTES) {
        return lease;
    }
    lease = &l->items[l->count++];
    *lease = (struct lease){0};
    memcpy(lease->pool, pool.ptr, pool.len);
    return lease;
}

static int64_t held(const struct lease *lease, struct mono_time now)
{
    return now.ns < lease->until.ns ? lease->granted : 0;
}

static void want(struct lease *lease, int64_t places)
{
    if (lease->wanted != places) {
        lease->wanted = places;
        lease->asked.ns = 0; /* at once */
    }
}

bool leases_may_enter(struct leases *l, struct str pool, int64_t running, int64_t wait_ns,
                      struct mono_time now, bool *ret_begins_alone)
{
    struct lease *lease = find_or_add(l, pool);
    *ret_begins_alone = false;
    if (lease == NULL) {
        return true;
    }
    if (lease->wanted < running + 1) {
        want(lease, running + 1);
    }
    lease->denied = now;
    if (held(lease, now) > running && !lease->is_paused) {
        return true;
    }
    if (lease->silent.ns == 0) {
        lease->silent = now;
    }
    bool is_silent = now.ns - lease->silent.ns >= wait_ns;
    *ret_begins_alone = is_silent && !lease->is_alone;
    lease->is_alone = lease->is_alone || is_silent;
    return is_silent;
}

void leases_settle(struct leases *l, struct str pool, int64_t running, struct mono_time now)
{
    struct lease *lease = find(l, pool);
    if (lease == NULL || running >= lease->wanted || now.ns - lease->denied.ns < SETTLE_NS) {
        return;
    }
    want(lease, running);
    /* Given back before the hub hears of it: then it may have it. */
    lease->granted = lease->granted > running ? running : lease->granted;
    lease->lowered.ns = to_ms(now) + NS_PER_MS;
}

bool leases_take(struct leases *l, const struct lease_answer *answer, struct mono_time now)
{
    struct lease *lease = find(l, answer->pool);
    if (lease == NULL || answer->asked.ns > now.ns || answer->asked.ns < lease->lowered.ns ||
        answer->asked.ns < lease->answered.ns) {
        return false;
    }
    lease->granted = answer->places;
    lease->for_ns = answer->for_ns;
    lease->answered = answer->asked;
    lease->until.ns = answer->asked.ns + answer->for_ns;
    lease->is_paused = answer->is_paused;
    lease->silent.ns = now.ns; /* an answer, be it no */
    lease->is_alone = false;
    return true;
}

/* A third of the lease before it ends nothing is hurried; without a place the hub is reminded. */
static struct mono_time due_of(const struct lease *lease)
{
    struct mono_time due = {0};
    if (lease->asked.ns == 0) {
        due.ns = lease->lowered.ns > 0 ? lease->lowered.ns : 1;
    } else if (lease->wanted > 0) {
        bool has_all = lease->granted >= lease->wanted && lease->for_ns > 0;
        int64_t wait = has_all && lease->for_ns / 3 > ASK_NS ? lease->for_ns / 3 : ASK_NS;
        wait = lease->for_ns > 0 && wait > lease->for_ns / 3 ? lease->for_ns / 3 : wait;
        due.ns = lease->asked.ns + wait;
    }
    return due;
}

struct lease *leases_next_ask(struct leases *l, struct mono_time now, int64_t *ret_held)
{
    for (size_t i = 0; i < l->count; i++) {
        struct lease *lease = &l->items[i];
        struct mono_time due = due_of(lease);
        if (due.ns != 0 && due.ns <= now.ns) {
            *ret_held = held(lease, now);
            lease->asked.ns = to_ms(now);
            return lease;
        }
    }
    return NULL;
}

void leases_ask_again(struct leases *l)
{
    for (size_t i = 0; i < l->count; i++) {
        l->items[i].asked.ns = 0;
    }
}

struct mono_time leases_due(const struct leases *l)
{
    struct mono_time due = {0};
    for (size_t i = 0; i < l->count; i++) {
        struct mono_time at = due_of(&l->items[i]);
        due = at.ns != 0 && (due.ns == 0 || at.ns < due.ns) ? at : due;
    }
    return due;
}
