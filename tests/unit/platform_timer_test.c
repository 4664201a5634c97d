/* platform_timer_test.c - the timers and deferred tasks of common/platform/loop.h */
#include "common/platform/loop.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seeded_rng.h"

struct world {
    struct fake_clock fake;
    struct loop *loop;
    int fired[16]; /* what fired, in order */
    size_t count;
};

/* A timer or task of the world, with a number to be known by and perhaps something to do. */
struct probe {
    struct world *w;
    int number;
    struct loop_timer timer;
    struct loop_task task;
    void (*then)(struct probe *self);
    struct probe *other;
};

static void note(struct probe *p)
{
    assert_true(p->w->count < COUNT_OF(p->w->fired));
    p->w->fired[p->w->count++] = p->number;
    if (p->then != NULL) {
        p->then(p);
    }
}

static void on_due(void *ctx)
{
    note(ctx);
}

static struct probe probe_new(struct world *w, int number)
{
    return (struct probe){
        .w = w, .number = number, .timer = {.on_due = on_due}, .task = {.run = on_due}};
}

static void probe_arm(struct probe *p, int64_t due_ns)
{
    p->timer.ctx = p;
    loop_timer_arm(p->w->loop, &p->timer, (struct mono_time){due_ns});
}

static void probe_defer(struct probe *p)
{
    p->task.ctx = p;
    loop_defer(p->w->loop, &p->task);
}

static int setup(void **state)
{
    static struct world w;
    w = (struct world){.fake = {.mono = {1000}}};
    struct err err = {0};
    assert_true(loop_open(&w.loop, fake_clock_port(&w.fake), &err));
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    loop_close(w->loop);
    return 0;
}

static void turn(struct world *w)
{
    struct err err = {0};
    assert_true(loop_turn(w->loop, 0, &err));
}

#define assert_fired(w_, ...)                                                                      \
    do {                                                                                           \
        const int expected_[] = {__VA_ARGS__};                                                     \
        assert_int_equal((w_)->count, COUNT_OF(expected_));                                        \
        assert_memory_equal((w_)->fired, expected_, sizeof(expected_));                            \
    } while (0)

static void timers_fire_in_order_of_due_time(void **state)
{
    struct world *w = *state;
    struct probe a = probe_new(w, 1);
    struct probe b = probe_new(w, 2);
    struct probe c = probe_new(w, 3);
    struct probe d = probe_new(w, 4);
    probe_arm(&a, 1030);
    probe_arm(&b, 1010);
    probe_arm(&c, 1010);
    probe_arm(&d, 900);
    turn(w);
    assert_fired(w, 4);
    fake_clock_advance(&w->fake, 9);
    turn(w);
    assert_fired(w, 4);
    fake_clock_advance(&w->fake, 1);
    turn(w);
    assert_fired(w, 4, 2, 3);
    fake_clock_advance(&w->fake, 1000);
    turn(w);
    turn(w);
    assert_fired(w, 4, 2, 3, 1);
}

static void equal_times_fire_in_the_order_of_arming(void **state)
{
    struct world *w = *state;
    struct probe probes[8];
    for (int i = 0; i < 8; i++) {
        probes[i] = probe_new(w, i);
        probe_arm(&probes[i], 1000);
    }
    turn(w);
    assert_fired(w, 0, 1, 2, 3, 4, 5, 6, 7);
}

static void past_timers_keep_their_order(void **state)
{
    struct world *w = *state;
    struct probe a = probe_new(w, 1);
    struct probe b = probe_new(w, 2);
    probe_arm(&a, 20);
    probe_arm(&b, 10);
    turn(w);
    assert_fired(w, 2, 1);
}

static void rearm_now(struct probe *p)
{
    probe_arm(p, 0);
}

static void a_timer_that_rearms_itself_for_the_past_fires_once_a_turn(void **state)
{
    struct world *w = *state;
    struct probe a = probe_new(w, 1);
    struct probe b = probe_new(w, 2);
    a.then = rearm_now;
    probe_arm(&a, 900);
    probe_arm(&b, 950);
    turn(w);
    assert_fired(w, 1, 2);
    turn(w);
    turn(w);
    assert_fired(w, 1, 2, 1, 1);
    loop_timer_disarm(w->loop, &a.timer);
    turn(w);
    assert_fired(w, 1, 2, 1, 1);
}

static void disarm_other(struct probe *p)
{
    loop_timer_disarm(p->w->loop, &p->other->timer);
}

static void a_disarmed_timer_is_not_called(void **state)
{
    struct world *w = *state;
    struct probe a = probe_new(w, 1);
    struct probe b = probe_new(w, 2);
    a.then = disarm_other;
    a.other = &b;
    probe_arm(&a, 900);
    probe_arm(&b, 950); /* due in the same turn */
    turn(w);
    assert_fired(w, 1);
    loop_timer_disarm(w->loop, &b.timer);
    assert_int_equal(b.timer.heap_index, 0);
}

static void a_timer_armed_again_moves(void **state)
{
    struct world *w = *state;
    struct probe a = probe_new(w, 1);
    struct probe b = probe_new(w, 2);
    probe_arm(&a, 1010);
    probe_arm(&b, 1020);
    probe_arm(&a, 1030);
    fake_clock_advance(&w->fake, 100);
    turn(w);
    assert_fired(w, 2, 1);
}

static void delays_count_from_the_turns_time(void **state)
{
    struct world *w = *state;
    struct probe a = probe_new(w, 1);
    a.timer.ctx = &a;
    loop_timer_arm_in(w->loop, &a.timer, 50);
    assert_int_equal(a.timer.due.ns, 1050);
    loop_timer_arm_in(w->loop, &a.timer, INT64_MAX); /* "never" does not wrap around */
    assert_true(a.timer.due.ns == INT64_MAX);
    struct err err = {0};
    assert_true(loop_turn(w->loop, 1, &err));
    assert_int_equal(w->count, 0);
}

struct crowd {
    struct loop_timer timers[3000];
    size_t fired;
};

static void crowd_due(void *ctx)
{
    struct crowd *crowd = ctx;
    crowd->fired++;
}

static void thousands_of_timers_fire_each_at_its_time(void **state)
{
    struct world *w = *state;
    static struct crowd crowd;
    crowd = (struct crowd){0};
    struct seeded_rng seeded = seeded_rng_new(11);
    struct rng rng = seeded_rng_port(&seeded);
    for (size_t i = 0; i < COUNT_OF(crowd.timers); i++) {
        crowd.timers[i] = (struct loop_timer){.on_due = crowd_due, .ctx = &crowd};
        struct mono_time due = {1000 + (int64_t)rng_below(&rng, 5000)};
        loop_timer_arm(w->loop, &crowd.timers[i], due);
    }
    for (size_t i = 0; i < COUNT_OF(crowd.timers); i += 3) {
        loop_timer_disarm(w->loop, &crowd.timers[i]);
    }
    for (int64_t now = 1000; now < 6000; now += 7) {
        w->fake.mono.ns = now;
        turn(w);
        size_t due = 0;
        for (size_t i = 0; i < COUNT_OF(crowd.timers); i++) {
            due += i % 3 != 0 && crowd.timers[i].due.ns <= now;
        }
        assert_int_equal(crowd.fired, due);
    }
    w->fake.mono.ns = 6000;
    turn(w);
    assert_int_equal(crowd.fired, 2000);
}

static void closing_disarms(void **state)
{
    (void)state;
    struct fake_clock fake = {0};
    struct loop *loop = NULL;
    struct err err = {0};
    assert_true(loop_open(&loop, fake_clock_port(&fake), &err));
    struct loop_timer timer = {.on_due = on_due};
    loop_timer_arm_in(loop, &timer, 5);
    loop_close(loop);
    assert_int_equal(timer.heap_index, 0);
    loop_close(NULL);
}

static void stop_loop(void *ctx)
{
    loop_stop(ctx);
}

static void real_timers_wake_the_loop(void **state)
{
    (void)state;
    struct loop *loop = NULL;
    struct err err = {0};
    assert_true(loop_open(&loop, clock_system(), &err));
    struct loop_timer later = {.on_due = stop_loop, .ctx = loop};
    struct loop_timer timer = {.on_due = stop_loop, .ctx = loop};
    loop_timer_arm_in(loop, &later, 3600 * NS_PER_SEC);
    loop_timer_arm_in(loop, &timer, 5 * NS_PER_MS); /* earlier than what the loop waited for */
    assert_true(loop_run(loop, &err));
    assert_true(clock_mono(loop_clock(loop)).ns >= timer.due.ns);
    assert_int_equal(timer.heap_index, 0);
    assert_int_not_equal(later.heap_index, 0);
    loop_timer_disarm(loop, &later);
    assert_true(loop_turn(loop, NS_PER_MS, &err)); /* nothing is armed: the wait's limit ends it */
    loop_close(loop);
}

/* -- deferred tasks -- */

static void tasks_run_once_at_the_end_of_the_turn(void **state)
{
    struct world *w = *state;
    struct probe a = probe_new(w, 1);
    struct probe b = probe_new(w, 2);
    struct probe timer = probe_new(w, 3);
    probe_arm(&timer, 0);
    probe_defer(&a);
    probe_defer(&b);
    probe_defer(&a);
    assert_int_equal(w->count, 0);
    turn(w);
    assert_fired(w, 3, 1, 2);
    turn(w);
    assert_fired(w, 3, 1, 2);
    probe_defer(&a);
    turn(w);
    assert_fired(w, 3, 1, 2, 1);
}

static void a_task_that_queues_runs_again_in_the_next_turn_without_waiting(void **state)
{
    struct world *w = *state;
    struct probe a = probe_new(w, 1);
    a.then = probe_defer;
    probe_defer(&a);
    struct err err = {0};
    assert_true(loop_turn(w->loop, -1, &err)); /* would hang if a queued task did not count */
    assert_fired(w, 1);
    assert_true(loop_turn(w->loop, -1, &err));
    assert_fired(w, 1, 1);
    loop_defer_cancel(w->loop, &a.task);
    turn(w);
    assert_fired(w, 1, 1);
}

static void cancel_other(struct probe *p)
{
    loop_defer_cancel(p->w->loop, &p->other->task);
}

static void a_cancelled_task_does_not_run(void **state)
{
    struct world *w = *state;
    struct probe a = probe_new(w, 1);
    struct probe b = probe_new(w, 2);
    struct probe c = probe_new(w, 3);
    a.then = cancel_other;
    a.other = &c;
    probe_defer(&a);
    probe_defer(&b);
    probe_defer(&c);
    turn(w); /* c is cancelled while the tasks run */
    assert_fired(w, 1, 2);
    probe_defer(&b);
    loop_defer_cancel(w->loop, &b.task);
    loop_defer_cancel(w->loop, &b.task);
    probe_defer(&c);
    turn(w);
    assert_fired(w, 1, 2, 3);
}

static void advance_and_compare(struct probe *p)
{
    int64_t before = loop_now(p->w->loop).ns;
    fake_clock_advance(&p->w->fake, 500);
    assert_int_equal(loop_now(p->w->loop).ns, before);
}

static void now_is_frozen_within_a_turn(void **state)
{
    struct world *w = *state;
    struct probe a = probe_new(w, 1);
    a.then = advance_and_compare;
    probe_arm(&a, 0);
    turn(w);
    assert_fired(w, 1);
    assert_int_equal(loop_now(w->loop).ns, 1500);
}

#define world_test(test_) cmocka_unit_test_setup_teardown(test_, setup, teardown)

static void what_is_due_is_told(void **state)
{
    struct world *w = *state;
    struct probe late = probe_new(w, 1);
    struct probe early = probe_new(w, 2);
    assert_int_equal(loop_due(w->loop).ns, INT64_MAX);
    probe_arm(&late, 3000);
    probe_arm(&early, 2000);
    assert_int_equal(loop_due(w->loop).ns, 2000);
    probe_defer(&late);
    assert_int_equal(loop_due(w->loop).ns, 1000);
    turn(w);
    assert_fired(w, 1);
    loop_timer_disarm(w->loop, &early.timer);
    assert_int_equal(loop_due(w->loop).ns, 3000);
    loop_timer_disarm(w->loop, &late.timer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(timers_fire_in_order_of_due_time),
        world_test(equal_times_fire_in_the_order_of_arming),
        world_test(past_timers_keep_their_order),
        world_test(a_timer_that_rearms_itself_for_the_past_fires_once_a_turn),
        world_test(a_disarmed_timer_is_not_called),
        world_test(a_timer_armed_again_moves),
        world_test(delays_count_from_the_turns_time),
        world_test(thousands_of_timers_fire_each_at_its_time),
        world_test(tasks_run_once_at_the_end_of_the_turn),
        world_test(a_task_that_queues_runs_again_in_the_next_turn_without_waiting),
        world_test(a_cancelled_task_does_not_run),
        world_test(now_is_frozen_within_a_turn),
        world_test(what_is_due_is_told),
        cmocka_unit_test(closing_disarms),
        cmocka_unit_test(real_timers_wake_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
