/* renewal_test.c - agent/identity/renewal: a device's years in virtual time, with a hub that answers, is
 * away, refuses or hands out what does not work. */
#include "agent/identity/renewal.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/seeded_rng.h"

#define START_NS (INT64_C(1795400000) * NS_PER_SEC)
#define DAY_NS   (INT64_C(86400) * NS_PER_SEC)

struct life {
    struct seeded_rng seeded;
    struct rng rng;
    struct renewal core;
    struct mono_time now;
    int64_t wall_offset_ns; /* of the device's clock; the broker's is right */
    int64_t lifetime_ns;
    struct wall_time not_after; /* by the broker's clock */
    int64_t timer_ns;           /* 0 = not armed */
    int64_t asked, tested, swapped;
    bool is_pending; /* a certificate was issued, and not swapped yet */
    bool has_passed;
    bool is_outdated; /* the CA of its certificate is on its way out, and the hub has no other */
    int trouble;      /* in a hundred: no answer, refusal, a failing test */
};

static void feed(struct life *l, struct renewal_event event);

static struct wall_time right_time(const struct life *l)
{
    return (struct wall_time){START_NS + l->now.ns};
}

static bool has_trouble(struct life *l)
{
    return (int)(rng_u64(&l->rng) % 100) < l->trouble;
}

static void hold(struct life *l)
{
    struct wall_time from = right_time(l);
    l->not_after.ns = from.ns + l->lifetime_ns;
    l->is_pending = false;
    feed(l, (struct renewal_event){.type = RENEWAL_HELD,
                                   .not_before = from,
                                   .not_after = l->not_after,
                                   .is_outdated = l->is_outdated});
}

static void ask(struct life *l)
{
    l->asked++;
    if (!has_trouble(l)) {
        l->is_pending = true;
        feed(l, (struct renewal_event){.type = RENEWAL_ISSUED});
    } else if (has_trouble(l)) {
        feed(l, (struct renewal_event){.type = RENEWAL_REFUSED});
    }
}

static void test_it(struct life *l)
{
    l->tested++;
    assert_true(l->is_pending);
    l->has_passed = !has_trouble(l);
    feed(l,
         (struct renewal_event){.type = l->has_passed ? RENEWAL_TEST_PASSED : RENEWAL_TEST_FAILED});
}

static void carry_out(struct life *l, const struct renewal_actions *actions)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < actions->count; i++) {
            enum renewal_action_type type = actions->item[i].type;
            if (pass == 0 && type == RENEWAL_ARM) {
                assert_true(actions->item[i].at.ns >= l->now.ns);
                l->timer_ns = actions->item[i].at.ns;
            } else if (pass == 0 && type == RENEWAL_DISARM) {
                l->timer_ns = 0;
            } else if (pass == 1 && type == RENEWAL_ASK) {
                ask(l);
            } else if (pass == 1 && type == RENEWAL_TEST) {
                test_it(l);
            } else if (pass == 1 && type == RENEWAL_SWAP) {
                assert_true(l->has_passed); /* never before it has worked */
                l->swapped++;
                l->has_passed = false;
                hold(l);
            }
        }
    }
}

static void feed(struct life *l, struct renewal_event event)
{
    struct renewal_actions actions;
    event.now = l->now;
    event.wall.ns = right_time(l).ns + l->wall_offset_ns;
    event.random = rng_u64(&l->rng);
    renewal_step(&l->core, &event, &actions);
    carry_out(l, &actions);
}

/* To the timer or this far, whatever comes first. */
static void pass_time(struct life *l, int64_t ns)
{
    int64_t end = l->now.ns + ns;
    while (l->timer_ns != 0 && l->timer_ns <= end) {
        l->now.ns = l->timer_ns;
        l->timer_ns = 0;
        feed(l, (struct renewal_event){.type = RENEWAL_TIMER});
    }
    l->now.ns = end;
}

static struct life begin(uint64_t seed, int64_t lifetime_ns)
{
    struct life l = {.lifetime_ns = lifetime_ns, .now = {NS_PER_SEC}};
    l.seeded = seeded_rng_new(seed);
    return l;
}

static void start(struct life *l)
{
    l->rng = seeded_rng_port(&l->seeded);
    feed(l, (struct renewal_event){.type = RENEWAL_LINK_UP});
    hold(l);
}

static void renewed_around_two_thirds_of_any_life(void **state)
{
    (void)state;
    static const int64_t lives[] = {12 * NS_PER_SEC, 300 * NS_PER_SEC, DAY_NS, 90 * DAY_NS};
    for (size_t i = 0; i < COUNT_OF(lives); i++) {
        struct life l = begin(7, lives[i]);
        start(&l);
        pass_time(&l, lives[i] / 100 * 62);
        assert_int_equal(l.asked, 0);
        pass_time(&l, lives[i] / 100 * 10);
        assert_int_equal(l.swapped, 1);
        pass_time(&l, lives[i] * 10);
        assert_true(l.swapped >= 14 && l.swapped <= 17);
        assert_int_equal(l.asked, l.swapped);
    }
}

static void a_fleet_does_not_renew_at_once(void **state)
{
    (void)state;
    int64_t first = INT64_MAX;
    int64_t last = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct life l = begin(seed, 90 * DAY_NS);
        start(&l);
        first = l.core.due.ns < first ? l.core.due.ns : first;
        last = l.core.due.ns > last ? l.core.due.ns : last;
    }
    assert_true(last - first > 6 * DAY_NS && last - first < 8 * DAY_NS);
}

/* With a hub that fails half of the time a device never comes to its end. */
static void trouble_is_survived(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct life l = begin(seed, 90 * DAY_NS);
        l.trouble = 60;
        start(&l);
        for (int day = 0; day < 1000; day++) {
            bool is_up = rng_u64(&l.rng) % 4 != 0;
            feed(&l, (struct renewal_event){.type = is_up ? RENEWAL_LINK_UP : RENEWAL_LINK_DOWN});
            pass_time(&l, DAY_NS);
            assert_true(right_time(&l).ns < l.not_after.ns);
        }
        assert_true(l.swapped >= 11);
        assert_true(l.asked < 400); /* and is no burden */
    }
}

static void clocks_that_lie_make_no_loop(void **state)
{
    (void)state;
    static const int64_t offsets[] = {-(START_NS), 40000 * DAY_NS / 10, -400 * DAY_NS};
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        struct life l = begin(3, 90 * DAY_NS);
        l.wall_offset_ns = offsets[i];
        start(&l);
        pass_time(&l, 80 * DAY_NS);
        assert_true(l.asked <= 3);
        l.wall_offset_ns = 0;
        feed(&l, (struct renewal_event){.type = RENEWAL_CLOCK_STEPPED});
        pass_time(&l, DAY_NS);
        assert_true(l.swapped >= 1); /* it knows the date now, and is past two thirds */
    }
}

static void another_ca_is_moved_to_soon_and_not_by_all_at_once(void **state)
{
    (void)state;
    int64_t first = INT64_MAX;
    int64_t last = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct life l = begin(seed, 90 * DAY_NS);
        start(&l);
        pass_time(&l, DAY_NS);
        feed(&l, (struct renewal_event){.type = RENEWAL_OUTDATED});
        feed(&l, (struct renewal_event){.type = RENEWAL_OUTDATED}); /* told twice */
        first = l.core.move.ns < first ? l.core.move.ns : first;
        last = l.core.move.ns > last ? l.core.move.ns : last;
        pass_time(&l, 3600 * NS_PER_SEC);
        assert_int_equal(l.asked, 1);
        assert_int_equal(l.swapped, 1);
        pass_time(&l, 50 * DAY_NS);
        assert_int_equal(l.asked, 1);
    }
    assert_true(last - first > 3000 * NS_PER_SEC && last - first < 3600 * NS_PER_SEC);
}

/* Told while it is away, asks when it is there; and a start that finds it so does the same. */
static void another_ca_waits_for_the_link(void **state)
{
    (void)state;
    struct life l = begin(3, 90 * DAY_NS);
    start(&l);
    feed(&l, (struct renewal_event){.type = RENEWAL_LINK_DOWN});
    feed(&l, (struct renewal_event){.type = RENEWAL_OUTDATED});
    pass_time(&l, DAY_NS);
    assert_int_equal(l.asked, 0);
    feed(&l, (struct renewal_event){.type = RENEWAL_LINK_UP});
    assert_int_equal(l.swapped, 1);

    l = begin(3, 90 * DAY_NS);
    l.is_outdated = true;
    start(&l);
    l.is_outdated = false; /* of the certificate to come */
    pass_time(&l, 3600 * NS_PER_SEC);
    assert_int_equal(l.swapped, 1);
}

/* A hub that was put back to before it had another CA gives none of it, whatever it is asked. */
static void a_hub_without_the_other_ca_is_not_pestered(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct life l = begin(seed, 90 * DAY_NS);
        l.is_outdated = true;
        start(&l);
        pass_time(&l, 90 * DAY_NS);
        assert_true(l.asked >= 3 && l.asked <= 40);
        int64_t before = l.asked;
        pass_time(&l, 300 * DAY_NS);
        assert_true(l.asked - before <= 60);
    }
}

static void an_order_is_carried_out_once(void **state)
{
    (void)state;
    struct life l = begin(5, 90 * DAY_NS);
    start(&l);
    feed(&l, (struct renewal_event){.type = RENEWAL_LINK_DOWN});
    feed(&l, (struct renewal_event){.type = RENEWAL_ORDERED});
    assert_int_equal(l.asked, 0);
    feed(&l, (struct renewal_event){.type = RENEWAL_LINK_UP});
    assert_int_equal(l.swapped, 1);
    pass_time(&l, 20 * DAY_NS);
    assert_int_equal(l.asked, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renewed_around_two_thirds_of_any_life),
        cmocka_unit_test(a_fleet_does_not_renew_at_once),
        cmocka_unit_test(trouble_is_survived),
        cmocka_unit_test(clocks_that_lie_make_no_loop),
        cmocka_unit_test(another_ca_is_moved_to_soon_and_not_by_all_at_once),
        cmocka_unit_test(another_ca_waits_for_the_link),
        cmocka_unit_test(a_hub_without_the_other_ca_is_not_pestered),
        cmocka_unit_test(an_order_is_carried_out_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
