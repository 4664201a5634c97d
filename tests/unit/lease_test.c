/* lease_test.c - agent/lease/lease.h and hub/pool/pools.h against each other: many devices, a network
 * that loses and delays, hubs that are restarted. Places are never given twice, and everybody gets
 * one in the end. */
#include "agent/lease/lease.h"
#include "common/platform/rng.h"
#include "hub/pool/pools.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/sample.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEVICES = 12, PLACES = 3, MESSAGES_MAX = 4096, STEPS_A_DEVICE = 6 };
#define SECOND   NS_PER_SEC
#define LEASE_NS (60 * SECOND)
#define WAIT_NS  (100000 * SECOND) /* longer than the test: nobody begins alone */

struct letter {
    struct mono_time due;
    bool is_answer;
    int device;
    int64_t places, held, for_ns, asked_ms;
    bool is_paused;
};
struct simulated {
    struct leases leases;
    int64_t running;
    struct mono_time ends[PLACES]; /* of the steps that run */
    int waiting;                   /* steps that would begin */
    int done;
    bool is_cut; /* no network */
};
struct world {
    uint64_t random;
    struct pools *pools;
    struct simulated devices[DEVICES];
    struct letter letters[MESSAGES_MAX];
    size_t letter_count;
    struct mono_time now;
    bool is_down;   /* the hub */
    bool is_paused; /* the pool */
    bool forgets;   /* mutation: a restarted hub grants at once */
};

static unsigned next(struct world *w, unsigned below)
{
    w->random = w->random * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(w->random >> 33U) % below;
}

static void post(struct world *w, struct letter letter)
{
    if (w->devices[letter.device].is_cut || next(w, 8) == 0 || w->letter_count == MESSAGES_MAX) {
        return; /* lost */
    }
    letter.due.ns = w->now.ns + (int64_t)next(w, 5) * SECOND;
    w->letters[w->letter_count++] = letter;
}

static void on_answer(void *ctx, const struct pool_answer *answer)
{
    struct world *w = ctx;
    assert_true(str_eq(answer->pool, STR("warehouse")));
    post(w, (struct letter){.is_answer = true,
                            .device = answer->device.ptr[1] - 'a',
                            .places = answer->places,
                            .for_ns = answer->for_ns,
                            .asked_ms = answer->asked_ms,
                            .is_paused = answer->is_paused});
}

static void set_pool(struct world *w, struct mono_time now)
{
    struct err err = {0};
    const struct pool_setting setting = {.name = STR("warehouse"),
                                         .places = PLACES,
                                         .lease_ns = LEASE_NS,
                                         .is_paused = w->is_paused};
    pools_begin_set(w->pools);
    assert_true(pools_set(w->pools, &setting, now, &err));
    pools_end_set(w->pools);
}

static void set_up_hub(struct world *w)
{
    struct err err = {0};
    pools_free(w->pools);
    assert_true(pools_new(&w->pools, &err));
    struct mono_time begun = w->now;
    begun.ns -= w->forgets ? LEASE_NS : 0;
    set_pool(w, begun);
}

static void deliver(struct world *w, const struct letter *letter)
{
    struct simulated *d = &w->devices[letter->device];
    struct err err = {0};
    const struct pool_listener listener = {on_answer, w};
    if (letter->is_answer) {
        const struct lease_answer answer = {.pool = STR("warehouse"),
                                            .places = letter->places,
                                            .for_ns = letter->for_ns,
                                            .asked = {letter->asked_ms * NS_PER_MS},
                                            .is_paused = letter->is_paused};
        (void)leases_take(&d->leases, &answer, w->now);
        return;
    }
    char name[3] = {'d', (char)('a' + letter->device), '\0'};
    const struct pool_ask ask = {.device = str_from(name),
                                 .pool = STR("warehouse"),
                                 .places = letter->places,
                                 .held = letter->held,
                                 .asked_ms = letter->asked_ms};
    if (!w->is_down) {
        assert_true(pools_ask(w->pools, &ask, w->now, &listener, &err));
    }
}

static void deliver_due(struct world *w)
{
    for (size_t i = 0; i < w->letter_count;) {
        if (w->letters[i].due.ns > w->now.ns) {
            i++;
            continue;
        }
        struct letter letter = w->letters[i];
        memmove(&w->letters[i], &w->letters[i + 1],
                (w->letter_count - i - 1) * sizeof(w->letters[0]));
        w->letter_count--;
        deliver(w, &letter);
    }
}

static void run_device(struct world *w, int number)
{
    struct simulated *d = &w->devices[number];
    bool is_alone = false;
    for (int i = 0; i < PLACES; i++) {
        if (d->ends[i].ns != 0 && d->ends[i].ns <= w->now.ns) {
            d->ends[i].ns = 0;
            d->running--;
            d->done++;
        }
    }
    for (int i = 0; i < PLACES && d->waiting > 0; i++) {
        if (d->ends[i].ns == 0 && leases_may_enter(&d->leases, STR("warehouse"), d->running,
                                                   WAIT_NS, w->now, &is_alone)) {
            /* Shorter than a third of a lease: what runs on after its lease is another matter. */
            d->ends[i].ns = w->now.ns + (1 + (int64_t)next(w, 15)) * SECOND;
            d->running++;
            d->waiting--;
        }
    }
    assert_false(is_alone);
    leases_settle(&d->leases, STR("warehouse"), d->running, w->now);
    int64_t held = 0;
    struct lease *lease = NULL;
    while ((lease = leases_next_ask(&d->leases, w->now, &held)) != NULL) {
        post(w, (struct letter){.device = number,
                                .places = lease->wanted,
                                .held = held,
                                .asked_ms = w->now.ns / NS_PER_MS});
    }
}

/* By what the devices believe they hold. */
static int64_t places_held(const struct world *w)
{
    int64_t places = 0;
    for (int i = 0; i < DEVICES; i++) {
        const struct simulated *d = &w->devices[i];
        for (size_t k = 0; k < d->leases.count; k++) {
            const struct lease *lease = &d->leases.items[k];
            places += w->now.ns < lease->until.ns ? lease->granted : 0;
        }
    }
    return places;
}

/* One second. False: a place was given twice. */
static bool step(struct world *w, bool is_rough)
{
    const struct pool_listener listener = {on_answer, w};
    w->now.ns += SECOND / 2 + (int64_t)next(w, 1000000) * 1000 + 7;
    if (is_rough && next(w, 60) == 0) {
        w->devices[next(w, DEVICES)].is_cut ^= true;
    }
    if (is_rough && next(w, 90) == 0) {
        w->is_down = !w->is_down;
        if (!w->is_down) {
            set_up_hub(w);
        }
    }
    if (is_rough && next(w, 50) == 0) {
        w->is_paused = !w->is_paused;
        set_pool(w, w->now);
    }
    deliver_due(w);
    if (!w->is_down) {
        pools_tick(w->pools, w->now, &listener);
    }
    for (int i = 0; i < DEVICES; i++) {
        run_device(w, i);
    }
    return places_held(w) <= PLACES;
}

static struct world *begin(uint64_t seed)
{
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    w->random = seed;
    w->now.ns = 1000 * SECOND;
    set_up_hub(w);
    for (int i = 0; i < DEVICES; i++) {
        w->devices[i].waiting = STEPS_A_DEVICE;
    }
    return w;
}

static void end(struct world *w)
{
    pools_free(w->pools);
    free(w);
}

static void no_place_is_given_twice_and_everybody_has_a_turn(void **state)
{
    (void)state;
    int64_t seeds = 5000 / sample_stride(50, 1);
    struct rng rng = rng_system();
    uint64_t first = rng_u64(&rng);
    print_message("%lld seeds from %llu on\n", (long long)seeds, (unsigned long long)first);
    for (int64_t i = 0; i < seeds; i++) {
        struct world *w = begin(first + (uint64_t)i);
        for (int t = 0; t < 600; t++) {
            if (!step(w, true)) {
                fail_msg("seed %llu: at %d s more than %d places are held",
                         (unsigned long long)(first + (uint64_t)i), t, PLACES);
            }
        }
        w->is_down = false; /* then all is well, but for what is lost on the way */
        w->is_paused = false;
        set_pool(w, w->now);
        for (int k = 0; k < DEVICES; k++) {
            w->devices[k].is_cut = false;
        }
        for (int t = 0; t < 2400; t++) {
            assert_true(step(w, false));
        }
        for (int k = 0; k < DEVICES; k++) {
            assert_int_equal(w->devices[k].done, STEPS_A_DEVICE);
        }
        assert_int_equal(places_held(w), 0);
        end(w);
    }
}

/* The test notices a hub that does not listen first who holds places. */
static void a_hub_that_forgets_is_noticed(void **state)
{
    (void)state;
    bool noticed = false;
    for (uint64_t seed = 1; seed <= 50 && !noticed; seed++) {
        struct world *w = begin(seed);
        w->forgets = true;
        for (int t = 0; t < 600 && !noticed; t++) {
            noticed = !step(w, true);
        }
        end(w);
    }
    assert_true(noticed);
}

static void without_a_hub_steps_begin_after_the_wait(void **state)
{
    (void)state;
    struct leases l = {0};
    struct mono_time now = {1000 * SECOND};
    bool is_alone = false;
    assert_false(leases_may_enter(&l, STR("p"), 0, 60 * SECOND, now, &is_alone));
    now.ns += 59 * SECOND;
    assert_false(leases_may_enter(&l, STR("p"), 0, 60 * SECOND, now, &is_alone));
    now.ns += SECOND;
    assert_true(leases_may_enter(&l, STR("p"), 0, 60 * SECOND, now, &is_alone));
    assert_true(is_alone);
    assert_true(leases_may_enter(&l, STR("p"), 1, 60 * SECOND, now, &is_alone));
    assert_false(is_alone); /* told once */
    /* The hub is back and says no: it counts again. */
    const struct lease_answer no = {
        .pool = STR("p"), .places = 0, .for_ns = 60 * SECOND, .asked = now};
    assert_true(leases_take(&l, &no, now));
    assert_false(leases_may_enter(&l, STR("p"), 1, 60 * SECOND, now, &is_alone));
}

static void answers_to_something_else_are_passed_over(void **state)
{
    (void)state;
    struct leases l = {0};
    struct mono_time now = {1000 * SECOND};
    struct mono_time later = {2000 * SECOND};
    bool is_alone = false;
    const struct lease_answer strange = {
        .pool = STR("q"), .places = 3, .for_ns = 60 * SECOND, .asked = now};
    const struct lease_answer early = {
        .pool = STR("p"), .places = 3, .for_ns = 60 * SECOND, .asked = later};
    assert_false(leases_take(&l, &strange, now));
    assert_false(leases_may_enter(&l, STR("p"), 0, WAIT_NS, now, &is_alone));
    assert_false(leases_take(&l, &early, now));
    assert_false(leases_may_enter(&l, STR("p"), 0, WAIT_NS, now, &is_alone));
}

static void note(void *ctx, const struct pool_answer *answer)
{
    *(struct pool_answer *)ctx = *answer;
}

static void a_pool_that_nobody_set_has_no_limit(void **state)
{
    (void)state;
    struct pools *pools = NULL;
    struct err err = {0};
    struct pool_answer said = {0};
    const struct pool_listener listener = {note, &said};
    const struct pool_ask ask = {
        .device = STR("till"), .pool = STR("x"), .places = 7, .asked_ms = 42};
    assert_true(pools_new(&pools, &err));
    assert_true(pools_ask(pools, &ask, (struct mono_time){1}, &listener, &err));
    assert_int_equal(said.places, 7);
    assert_int_equal(said.asked_ms, 42);
    pools_free(pools);
}

/* One device's side of a pool, without a network between. */
struct side {
    struct leases leases;
    struct pools *pools;
    const char *name;
    struct mono_time now;
};

static void hear(void *ctx, const struct pool_answer *answer)
{
    struct side *sides = ctx;
    for (int i = 0; i < 2; i++) {
        const struct lease_answer said = {.pool = answer->pool,
                                          .places = answer->places,
                                          .for_ns = answer->for_ns,
                                          .asked = {answer->asked_ms * NS_PER_MS},
                                          .is_paused = answer->is_paused};
        if (str_eq(answer->device, str_from(sides[i].name))) {
            (void)leases_take(&sides[i].leases, &said, sides[i].now);
        }
    }
}

static bool enters(struct side *sides, int i, int64_t running)
{
    struct side *s = &sides[i];
    const struct pool_listener listener = {hear, sides};
    struct err err = {0};
    bool is_alone = false;
    int64_t held = 0;
    bool may = leases_may_enter(&s->leases, STR("p"), running, WAIT_NS, s->now, &is_alone);
    leases_ask_again(&s->leases);
    const struct lease *lease = leases_next_ask(&s->leases, s->now, &held);
    const struct pool_ask ask = {.device = str_from(s->name),
                                 .pool = STR("p"),
                                 .places = lease->wanted,
                                 .held = held,
                                 .asked_ms = s->now.ns / NS_PER_MS};
    assert_true(pools_ask(s->pools, &ask, s->now, &listener, &err));
    return may || leases_may_enter(&s->leases, STR("p"), running, WAIT_NS, s->now, &is_alone);
}

static void pause_pool(struct side *sides, bool is_paused)
{
    const struct pool_listener listener = {hear, sides};
    const struct pool_setting setting = {
        .name = STR("p"), .places = 3, .lease_ns = LEASE_NS, .is_paused = is_paused};
    struct err err = {0};
    pools_begin_set(sides[0].pools);
    assert_true(pools_set(sides[0].pools, &setting, sides[0].now, &err));
    pools_end_set(sides[0].pools);
    pools_tick(sides[0].pools, sides[0].now, &listener);
}

static void pass(struct side *sides, int64_t seconds)
{
    sides[0].now.ns += seconds * SECOND;
    sides[1].now = sides[0].now;
}

static void in_a_paused_pool_nothing_begins_and_what_runs_ends(void **state)
{
    (void)state;
    struct side sides[2] = {{.name = "a", .now = {SECOND}}, {.name = "b", .now = {SECOND}}};
    struct err err = {0};
    assert_true(pools_new(&sides[0].pools, &err));
    sides[1].pools = sides[0].pools;
    pause_pool(sides, false);
    pass(sides, LEASE_NS / SECOND + 1);
    assert_true(enters(sides, 0, 0));
    pass(sides, 1);
    pause_pool(sides, true);
    /* Its step runs; there are two more places, and it gets none. */
    assert_false(enters(sides, 0, 1));
    assert_false(enters(sides, 1, 0));
    pass(sides, 20);
    assert_false(enters(sides, 0, 0)); /* the step is over, the place still its own, and it waits */
    assert_int_equal(sides[0].leases.items[0].granted, 1);
    for (int i = 0; i < 20; i++) { /* longer than a lease */
        pass(sides, 10);
        assert_false(enters(sides, 0, 0));
        assert_false(enters(sides, 1, 0));
    }
    pause_pool(sides, false); /* told at once, not when they ask again */
    bool is_alone = false;
    assert_true(leases_may_enter(&sides[0].leases, STR("p"), 0, WAIT_NS, sides[0].now, &is_alone));
    assert_true(leases_may_enter(&sides[1].leases, STR("p"), 0, WAIT_NS, sides[1].now, &is_alone));
    pools_free(sides[0].pools);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_place_is_given_twice_and_everybody_has_a_turn),
        cmocka_unit_test(a_hub_that_forgets_is_noticed),
        cmocka_unit_test(without_a_hub_steps_begin_after_the_wait),
        cmocka_unit_test(answers_to_something_else_are_passed_over),
        cmocka_unit_test(a_pool_that_nobody_set_has_no_limit),
        cmocka_unit_test(in_a_paused_pool_nothing_begins_and_what_runs_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
