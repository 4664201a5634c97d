/* sync_link_test.c - common/sync/sync.h: the link comes and goes, hubs and epochs change. */
#include "common/base/buf.h"
#include "sync_fixture.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

/* --- the link ----------------------------------------------------------------------------- */

/* All of it waits under new numbers; nothing of it is sent before the hub has said what it knows. */
static void a_new_epoch_is_greeted_and_sent_from_its_first_event(void **state)
{
    (void)state;
    begin(200, 80);
    go_to_greeting();
    assert_string_equal(seq_event(SYNC_ACKED, 80), "send 81");
    assert_string_equal(seq_event(SYNC_SENT, 144), "");
    assert_string_equal(seq_event(SYNC_EPOCH, 120), "birth");
    assert_int_equal(s.state, SYNC_GREETING);
    assert_string_equal(seq_event(SYNC_RECORDED, 121), "");
    assert_string_equal(seq_event(SYNC_ACKED, 0), "send 1");
    assert_int_equal(s.last_seq, 121);
}

static void a_new_epoch_without_a_link_waits_for_one(void **state)
{
    (void)state;
    begin(200, 80);
    go_to_linked();
    assert_string_equal(seq_event(SYNC_EPOCH, 120), "");
    assert_int_equal(s.state, SYNC_LINKED);
    assert_string_equal(hub_online(1), "birth");
    assert_string_equal(seq_event(SYNC_ACKED, 0), "send 1");
}

/* Found by tests/sim/fleet_sim_test: a copy that was put back had passed the hub's number since its
 * birth, and took the answer to that birth for an acknowledgement of its own events. */
static void an_answer_to_a_birth_says_the_check(void **state)
{
    (void)state;
    begin(100, 80);
    go_to_greeting();
    assert_true(sync_may_take(&s, 80, false)); /* of nothing that waits */
    assert_true(sync_may_take(&s, 90, true));
    assert_false(sync_may_take(&s, 90, false));
    assert_string_equal(seq_event(SYNC_ACKED, 90), "forget 90");
    assert_true(sync_may_take(&s, 95, false)); /* greeted: of batches */
}

/* What all devices hear at once they do one after the other, within the time that the hub asks for. */
static void a_hub_that_comes_is_greeted_in_turn(void **state)
{
    (void)state;
    int64_t latest = 0;
    for (uint64_t i = 0; i < 200; i++) {
        begin(100, 0);
        go_to_linked();
        assert_string_equal(step((struct sync_event){.type = SYNC_HUB_ONLINE,
                                                     .instance = 7,
                                                     .spread_ns = 60 * NS_PER_SEC,
                                                     .is_news = true,
                                                     .random = i * UINT64_C(0x9E3779B97F4A7C15)}),
                            "");
        assert_int_equal(s.state, SYNC_LINKED);
        int64_t wait = timer_ns() - now.ns;
        assert_in_range(wait, 1, 60 * NS_PER_SEC);
        latest = wait > latest ? wait : latest;
        assert_string_equal(seq_event(SYNC_RECORDED, 101), "");
        assert_string_equal(timer(), "birth");
    }
    assert_true(latest > 50 * NS_PER_SEC);
    /* Whoever comes by itself and finds the hub there does not wait. */
    begin(100, 0);
    go_to_linked();
    assert_string_equal(step((struct sync_event){
                            .type = SYNC_HUB_ONLINE, .instance = 7, .spread_ns = 60 * NS_PER_SEC}),
                        "birth");
    /* Another hub process: in turn, too; nothing is sent to it before. */
    assert_string_equal(seq_event(SYNC_ACKED, 0), "send 1");
    assert_string_equal(
        step((struct sync_event){
            .type = SYNC_HUB_ONLINE, .instance = 8, .spread_ns = 60 * NS_PER_SEC, .is_news = true}),
        "");
    assert_int_equal(s.state, SYNC_LINKED);
    assert_string_equal(timer(), "birth");
}

static void connecting_again_is_spread_as_the_hub_asks(void **state)
{
    (void)state;
    int64_t latest = 0;
    for (uint64_t i = 0; i < 200; i++) {
        begin(100, 0);
        go_to_linked();
        (void)step((struct sync_event){
            .type = SYNC_HUB_ONLINE, .instance = 7, .spread_ns = 60 * NS_PER_SEC});
        (void)seq_event(SYNC_ACKED, 0);
        (void)step((struct sync_event){.type = SYNC_LINK_DOWN,
                                       .random = i * UINT64_C(0x9E3779B97F4A7C15)});
        int64_t wait = timer_ns() - now.ns;
        assert_in_range(wait, 1, 60 * NS_PER_SEC);
        latest = wait > latest ? wait : latest;
    }
    assert_true(latest > 50 * NS_PER_SEC);
}

static void reconnecting_backs_off_with_full_jitter(void **state)
{
    (void)state;
    begin(100, 0);
    int64_t widest = 0;
    int64_t narrowest = INT64_MAX;
    for (uint64_t i = 0; i < 200; i++) {
        begin(100, 0);
        (void)happens(SYNC_START);
        for (int failures = 0; failures < 3; failures++) {
            (void)timer();
            (void)step((struct sync_event){.type = SYNC_LINK_DOWN,
                                           .random = (i + 1) * UINT64_C(0x9E3779B97F4A7C15)});
        }
        int64_t wait = timer_ns() - now.ns;
        assert_true(wait > 0 && wait <= 4 * s.options.backoff_min_ns);
        widest = wait > widest ? wait : widest;
        narrowest = wait < narrowest ? wait : narrowest;
    }
    assert_true(widest > 3 * s.options.backoff_min_ns);
    assert_true(narrowest < s.options.backoff_min_ns);
}

static void the_back_off_has_a_cap_and_ends_with_an_answer(void **state)
{
    (void)state;
    begin(100, 0);
    (void)happens(SYNC_START);
    for (int i = 0; i < 100; i++) {
        assert_string_equal(timer(), "connect");
        (void)step((struct sync_event){.type = SYNC_LINK_DOWN, .random = UINT64_MAX});
        assert_true(timer_ns() - now.ns <= s.options.backoff_max_ns);
    }
    assert_string_equal(timer(), "connect");
    (void)happens(SYNC_LINK_UP);
    (void)hub_online(1);
    assert_true(s.failures > 0); /* a broker alone is no success */
    (void)seq_event(SYNC_ACKED, 0);
    assert_int_equal(s.failures, 0);
}

static void a_lost_link_forgets_the_flight_and_the_hub(void **state)
{
    (void)state;
    static const enum sync_state from[] = {SYNC_CONNECTING, SYNC_LINKED, SYNC_GREETING,
                                           SYNC_SENDING};
    for (size_t i = 0; i < COUNT_OF(from); i++) {
        begin(1000, 0);
        (void)happens(SYNC_START);
        (void)timer();
        if (from[i] >= SYNC_LINKED) {
            (void)happens(SYNC_LINK_UP);
        }
        if (from[i] >= SYNC_GREETING) {
            (void)hub_online(1);
        }
        if (from[i] >= SYNC_SENDING) {
            (void)seq_event(SYNC_ACKED, 0);
            (void)seq_event(SYNC_SENT, 100);
        }
        assert_int_equal(s.state, from[i]);
        assert_string_equal(happens(SYNC_LINK_DOWN), "");
        assert_int_equal(s.state, SYNC_WAITING);
        assert_false(s.hub_online);
        assert_int_equal(s.inflight_count, 0);
        assert_int_equal(s.sent_seq, 0);
        assert_string_equal(happens(SYNC_LINK_DOWN), ""); /* said twice */
        assert_string_equal(timer(), "connect");
        (void)happens(SYNC_LINK_UP);
        assert_string_equal(hub_online(1), "birth");
        assert_string_equal(seq_event(SYNC_ACKED, 0), "send 1");
    }
}

static void stopping_disconnects_and_stays_stopped(void **state)
{
    (void)state;
    go_to_sending(1000, 0);
    (void)seq_event(SYNC_SENT, 100);
    assert_string_equal(happens(SYNC_STOP), "disconnect");
    assert_int_equal(s.state, SYNC_STOPPED);
    assert_int_equal(timer_ns(), 0);
    assert_string_equal(happens(SYNC_STOP), "");
    assert_string_equal(happens(SYNC_LINK_DOWN), "");
    assert_string_equal(hub_online(1), "");
    assert_string_equal(seq_event(SYNC_ACKED, 100), "");
    assert_string_equal(seq_event(SYNC_RECORDED, 2000), "");
    assert_string_equal(happens(SYNC_TIMER), "");
    assert_int_equal(s.state, SYNC_STOPPED);
    assert_string_equal(happens(SYNC_START), "");
    assert_int_equal(s.state, SYNC_WAITING);
    assert_string_equal(happens(SYNC_START), "");
    assert_string_equal(happens(SYNC_STOP), ""); /* there was no connection yet */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_epoch_is_greeted_and_sent_from_its_first_event),
        cmocka_unit_test(a_new_epoch_without_a_link_waits_for_one),
        cmocka_unit_test(an_answer_to_a_birth_says_the_check),
        cmocka_unit_test(a_hub_that_comes_is_greeted_in_turn),
        cmocka_unit_test(connecting_again_is_spread_as_the_hub_asks),
        cmocka_unit_test(reconnecting_backs_off_with_full_jitter),
        cmocka_unit_test(the_back_off_has_a_cap_and_ends_with_an_answer),
        cmocka_unit_test(a_lost_link_forgets_the_flight_and_the_hub),
        cmocka_unit_test(stopping_disconnects_and_stays_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
