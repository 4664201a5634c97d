/* sync_spread_test.c - what a whole fleet would do at once, and answers that are none (common/sync). */
#include "common/sync/sync.h"

#include "tests/support/cmocka_all.h"

static struct sync s;
static struct sync_actions out;
static struct mono_time now;

/* The first action, or SYNC_ARM or SYNC_DISARM when there is none but the timer's. */
static enum sync_action_type step(struct sync_event event)
{
    event.now = now;
    sync_step(&s, &event, &out);
    assert_true(out.count > 0);
    return out.item[0].type;
}

static enum sync_action_type seq_event(enum sync_event_type type, int64_t seq)
{
    return step((struct sync_event){.type = type, .seq = seq});
}

static int64_t timer_ns(void)
{
    const struct sync_action *last = &out.item[out.count - 1];
    assert_int_equal(last->type, SYNC_ARM);
    return last->at.ns;
}

static enum sync_action_type timer(void)
{
    now.ns = timer_ns();
    return step((struct sync_event){.type = SYNC_TIMER});
}

static void go_to_linked(void)
{
    const struct sync_options options = sync_defaults();
    now.ns = 1;
    sync_init(&s, &options, 100, 80);
    (void)step((struct sync_event){.type = SYNC_START});
    assert_int_equal(timer(), SYNC_CONNECT);
    (void)step((struct sync_event){.type = SYNC_LINK_UP});
    assert_int_equal(s.state, SYNC_LINKED);
}

static struct sync_event hub(uint64_t instance, bool is_news, uint64_t random)
{
    return (struct sync_event){.type = SYNC_HUB_ONLINE,
                               .instance = instance,
                               .spread_ns = 60 * NS_PER_SEC,
                               .is_news = is_news,
                               .random = random * UINT64_C(0x9E3779B97F4A7C15)};
}

/* Found by tests/sim/fleet_sim_test: a copy that was put back had passed the hub's number since its
 * birth, and took the answer to that birth for an acknowledgement of its own events. */
static void an_answer_to_a_birth_says_the_check(void **state)
{
    (void)state;
    go_to_linked();
    assert_int_equal(step(hub(7, false, 0)), SYNC_SAY_BIRTH);
    assert_true(sync_may_take(&s, 80, false)); /* of nothing that waits */
    assert_true(sync_may_take(&s, 90, true));
    assert_false(sync_may_take(&s, 90, false));
    assert_int_equal(seq_event(SYNC_ACKED, 90), SYNC_FORGET);
    assert_true(sync_may_take(&s, 95, false)); /* greeted: of batches */
}

/* What all devices hear at once they do one after the other, within the time that the hub asks for. */
static void a_hub_that_comes_is_greeted_in_turn(void **state)
{
    (void)state;
    int64_t latest = 0;
    for (uint64_t i = 0; i < 200; i++) {
        go_to_linked();
        assert_int_equal(step(hub(7, true, i)), SYNC_ARM);
        assert_int_equal(s.state, SYNC_LINKED);
        int64_t wait = timer_ns() - now.ns;
        assert_in_range(wait, 1, 60 * NS_PER_SEC);
        latest = wait > latest ? wait : latest;
        assert_int_equal(seq_event(SYNC_RECORDED, 101), SYNC_ARM);
        assert_int_equal(timer(), SYNC_SAY_BIRTH);
    }
    assert_true(latest > 50 * NS_PER_SEC);
}

static void another_hub_process_is_greeted_in_turn(void **state)
{
    (void)state;
    go_to_linked();
    assert_int_equal(step(hub(7, false, 0)), SYNC_SAY_BIRTH); /* came by itself: does not wait */
    (void)seq_event(SYNC_ACKED, 80);
    assert_int_equal(step(hub(8, true, 5)), SYNC_ARM);
    assert_int_equal(s.state, SYNC_LINKED);
    assert_int_equal(s.inflight_count, 0);
    assert_int_equal(timer(), SYNC_SAY_BIRTH);
}

static void connecting_again_is_spread_as_the_hub_asks(void **state)
{
    (void)state;
    int64_t latest = 0;
    for (uint64_t i = 0; i < 200; i++) {
        go_to_linked();
        (void)step(hub(7, false, 0));
        (void)seq_event(SYNC_ACKED, 80);
        (void)step((struct sync_event){.type = SYNC_LINK_DOWN,
                                       .random = i * UINT64_C(0x9E3779B97F4A7C15)});
        int64_t wait = timer_ns() - now.ns;
        assert_in_range(wait, 1, 60 * NS_PER_SEC);
        latest = wait > latest ? wait : latest;
    }
    assert_true(latest > 50 * NS_PER_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_to_a_birth_says_the_check),
        cmocka_unit_test(a_hub_that_comes_is_greeted_in_turn),
        cmocka_unit_test(another_hub_process_is_greeted_in_turn),
        cmocka_unit_test(connecting_again_is_spread_as_the_hub_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
