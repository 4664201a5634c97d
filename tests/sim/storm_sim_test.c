/* storm_sim_test.c - a broker that lets in so many a second, and a fleet that is cut off at once: with
 * the time that the hub asks for nobody starves; without it (`--sabotage no-spread`) most attempts time
 * out in the broker's queue. The sync cores are the real ones; also the births after the hub was away. */
#include "common/sync/sync.h"
#include "hub/serve/hub_state.h"
#include "tests/support/seeded_rng.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEVICES = 10000, TURN_MS = 50, TIMEOUT_MS = 20000 };

struct device {
    struct sync sync;
    int64_t timer; /* ns; 0 = none */
    int64_t asked; /* ns: in the broker's queue since; 0 = not in it */
    int64_t births;
    int64_t failures;
};
struct storm {
    struct rng rng;
    struct seeded_rng seed;
    struct device *devices;
    size_t *queue; /* of the broker, a ring of DEVICES */
    size_t first, waiting;
    int64_t now;
    int64_t spread_ns;
    int64_t births; /* in this turn */
};

static void step(struct storm *s, size_t i, struct sync_event event)
{
    struct device *d = &s->devices[i];
    struct sync_actions actions;
    event.now.ns = s->now;
    event.random = rng_u64(&s->rng);
    sync_step(&d->sync, &event, &actions);
    for (size_t k = 0; k < actions.count; k++) {
        const struct sync_action *action = &actions.item[k];
        if (action->type == SYNC_ARM) {
            d->timer = action->at.ns;
        } else if (action->type == SYNC_DISARM) {
            d->timer = 0;
        } else if (action->type == SYNC_CONNECT) {
            d->asked = s->now;
            s->queue[(s->first + s->waiting++) % DEVICES] = i;
        } else if (action->type == SYNC_SAY_BIRTH) {
            d->births++;
            s->births++;
        }
    }
}

static struct sync_event hub_is_there(const struct storm *s, uint64_t instance, bool is_news)
{
    return (struct sync_event){.type = SYNC_HUB_ONLINE,
                               .instance = instance,
                               .spread_ns = s->spread_ns,
                               .is_news = is_news};
}

/* One handshake of the broker. Who has waited too long has gone: its handshake is work for nothing. */
static void let_in(struct storm *s, uint64_t instance)
{
    size_t i = s->queue[s->first];
    struct device *d = &s->devices[i];
    s->first = (s->first + 1) % DEVICES;
    s->waiting--;
    bool is_late = s->now - d->asked > TIMEOUT_MS * NS_PER_MS;
    d->asked = 0;
    if (is_late) {
        d->failures++;
        step(s, i, (struct sync_event){.type = SYNC_LINK_DOWN});
        return;
    }
    step(s, i, (struct sync_event){.type = SYNC_LINK_UP});
    step(s, i, hub_is_there(s, instance, false));
    step(s, i, (struct sync_event){.type = SYNC_ACKED});
}

/* Seconds until all are greeted; -1: not within `limit_s`. */
static int64_t run_until_greeted(struct storm *s, uint64_t instance, int64_t limit_s,
                                 int64_t *ret_births_max)
{
    int64_t begin = s->now;
    int64_t credit = 0; /* of handshakes, in thousandths */
    *ret_births_max = 0;
    for (;;) {
        size_t greeted = 0;
        s->now += TURN_MS * NS_PER_MS;
        s->births = 0;
        credit += SPREAD_CONNECTS_PER_S * TURN_MS;
        for (; credit >= 1000; credit -= 1000) {
            if (s->waiting > 0) {
                let_in(s, instance);
            }
        }
        for (size_t i = 0; i < DEVICES; i++) {
            if (s->devices[i].timer != 0 && s->devices[i].timer <= s->now) {
                s->devices[i].timer = 0;
                step(s, i, (struct sync_event){.type = SYNC_TIMER});
            }
            if (s->devices[i].sync.state == SYNC_GREETING) { /* the hub answers at once */
                step(s, i, (struct sync_event){.type = SYNC_ACKED});
            }
            greeted += s->devices[i].sync.state == SYNC_SENDING;
        }
        *ret_births_max = s->births > *ret_births_max ? s->births : *ret_births_max;
        if (greeted == DEVICES) {
            return (s->now - begin) / NS_PER_SEC;
        }
        if (s->now - begin > limit_s * NS_PER_SEC) {
            return -1;
        }
    }
}

/* All are connected when it begins. */
static void begin(struct storm *s)
{
    const struct sync_options options = sync_defaults();
    s->now = NS_PER_SEC;
    for (size_t i = 0; i < DEVICES; i++) {
        struct device *d = &s->devices[i];
        sync_init(&d->sync, &options, 0, 0);
        step(s, i, (struct sync_event){.type = SYNC_START});
        s->now = d->timer;
        step(s, i, (struct sync_event){.type = SYNC_TIMER});
        s->waiting = 0;
        d->asked = 0;
        step(s, i, (struct sync_event){.type = SYNC_LINK_UP});
        step(s, i, hub_is_there(s, 1, false));
        step(s, i, (struct sync_event){.type = SYNC_ACKED});
    }
}

static bool cut_all(struct storm *s)
{
    int64_t births = 0;
    int64_t window_s = spread_of(DEVICES) / 1000;
    for (size_t i = 0; i < DEVICES; i++) {
        step(s, i, (struct sync_event){.type = SYNC_LINK_DOWN});
    }
    int64_t took = run_until_greeted(s, 1, 2 * window_s, &births);
    int64_t failures = 0;
    for (size_t i = 0; i < DEVICES; i++) {
        failures += s->devices[i].failures;
    }
    printf("cut off: all back after %lld s (asked for %lld s), %lld attempts in vain\n",
           (long long)took, (long long)window_s, (long long)failures);
    return took >= 0 && took <= window_s + 2 && failures == 0;
}

/* The hub was away and comes: the broker's links have held. */
static bool hub_comes(struct storm *s)
{
    int64_t births = 0;
    int64_t window_s = spread_of(DEVICES) / 1000;
    for (size_t i = 0; i < DEVICES; i++) {
        step(s, i, (struct sync_event){.type = SYNC_HUB_OFFLINE});
        step(s, i, hub_is_there(s, 2, true));
    }
    int64_t took = run_until_greeted(s, 2, 2 * window_s, &births);
    /* Four times what an even spread has in a turn: chance, not a crowd. */
    int64_t even = DEVICES * (int64_t)TURN_MS / (window_s * 1000) + 1;
    printf("the hub comes: all greeted after %lld s, at most %lld births in %d ms\n",
           (long long)took, (long long)births, TURN_MS);
    return took >= 0 && took <= window_s + 2 && births <= 4 * even + 8;
}

int main(int argc, char **argv)
{
    struct rng system = rng_system();
    uint64_t seed = rng_below(&system, UINT64_C(1) << 40);
    int64_t number = 0;
    bool is_broken = argc == 3 && strcmp(argv[2], "no-spread") == 0;
    if (argc == 3 && strcmp(argv[1], "--seed") == 0 &&
        str_to_i64(str_from(argv[2]), 0, INT64_MAX, &number)) {
        seed = (uint64_t)number;
    } else if (argc != 1 && !is_broken) {
        printf("usage: storm_sim_test [--seed N | --sabotage no-spread]\n");
        return 2;
    }
    struct storm s = {.seed = seeded_rng_new(seed),
                      .devices = calloc(DEVICES, sizeof(*s.devices)),
                      .queue = calloc(DEVICES, sizeof(*s.queue)),
                      .spread_ns = is_broken ? 0 : spread_of(DEVICES) * NS_PER_MS};
    s.rng = seeded_rng_port(&s.seed);
    if (s.devices == NULL || s.queue == NULL) {
        abort();
    }
    printf("%d devices, %d handshakes a second, seed=%llu%s\n", DEVICES, SPREAD_CONNECTS_PER_S,
           (unsigned long long)seed, is_broken ? ", sabotage: no-spread" : "");
    begin(&s);
    bool held = cut_all(&s) && hub_comes(&s);
    free(s.devices);
    free(s.queue);
    if (is_broken) {
        printf(held ? "the broken rule was not noticed\n" : "the broken rule was noticed\n");
        return held ? 1 : 0;
    }
    return held ? 0 : 1;
}
