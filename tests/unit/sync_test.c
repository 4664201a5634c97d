/* sync_test.c - each rule of sync.h. The events come in as its owner would send them; what is asked
 * for is compared as text. */
#include "common/base/buf.h"
#include "sync_fixture.h"
#include "tests/support/cmocka_all.h"
#include <string.h>

/* --- nothing before the hub's answer ------------------------------------------------------ */

static void nothing_is_sent_before_the_hub_answered_our_birth(void **state)
{
    (void)state;
    begin(1000, 0);
    assert_string_equal(seq_event(SYNC_RECORDED, 1001), "");
    assert_string_equal(happens(SYNC_START), "");
    assert_int_equal(s.state, SYNC_WAITING);
    assert_string_equal(seq_event(SYNC_RECORDED, 1002), "");
    assert_string_equal(timer(), "connect");
    assert_int_equal(s.state, SYNC_CONNECTING);
    assert_string_equal(seq_event(SYNC_RECORDED, 1003), "");
    assert_string_equal(happens(SYNC_LINK_UP), "");
    assert_int_equal(s.state, SYNC_LINKED);
    assert_string_equal(seq_event(SYNC_RECORDED, 1004), "");
    assert_string_equal(seq_event(SYNC_ACKED, 5), ""); /* of whatever came before */
    assert_string_equal(hub_online(1), "birth");
    assert_int_equal(s.state, SYNC_GREETING);
    assert_string_equal(seq_event(SYNC_RECORDED, 1005), "");
    assert_string_equal(seq_event(SYNC_ACKED, 200), "forget 200, send 201");
    assert_int_equal(s.state, SYNC_SENDING);
    assert_string_equal(sync_state_name(s.state), "sending");
}

static void the_hub_may_be_known_before_the_link_is_up(void **state)
{
    (void)state;
    begin(100, 0);
    (void)happens(SYNC_START);
    assert_string_equal(timer(), "connect");
    assert_string_equal(hub_online(1), ""); /* a retained message before the SUBACK */
    assert_string_equal(happens(SYNC_LINK_UP), "birth");
    assert_int_equal(s.state, SYNC_GREETING);
    assert_string_equal(hub_online(1), "");
}

static void an_unanswered_birth_is_said_again(void **state)
{
    (void)state;
    begin(100, 0);
    go_to_greeting();
    int64_t before = now.ns;
    int64_t waits[8];
    for (size_t i = 0; i < COUNT_OF(waits); i++) {
        assert_string_equal(timer(), "birth");
        waits[i] = now.ns - before;
        before = now.ns;
    }
    assert_int_equal(waits[0], s.options.ack_timeout_ns);
    assert_int_equal(waits[1], 2 * s.options.ack_timeout_ns);
    assert_int_equal(waits[2], 4 * s.options.ack_timeout_ns);
    assert_int_equal(waits[7], s.options.ack_timeout_max_ns);
}

static void waits_for_answers_are_jittered(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        begin(100, 0);
        go_to_linked();
        (void)step((struct sync_event){
            .type = SYNC_HUB_ONLINE, .instance = 1, .random = i * UINT64_C(0x9E3779B97F4A7C15)});
        int64_t wait = timer_ns() - now.ns;
        assert_true(wait >= s.options.ack_timeout_ns);
        assert_true(wait <= s.options.ack_timeout_ns / 4 * 5);
    }
}

/* --- forgetting --------------------------------------------------------------------------- */

static void only_an_acknowledgement_makes_us_forget(void **state)
{
    (void)state;
    go_to_sending(1000, 0);
    assert_string_equal(actions(), "send 1");
    assert_string_equal(seq_event(SYNC_SENT, 100), "send 101");
    assert_string_equal(seq_event(SYNC_SENT, 200), "send 201");
    assert_string_equal(seq_event(SYNC_SENT, 300), "send 301");
    assert_string_equal(seq_event(SYNC_SENT, 400), "");
    assert_string_equal(happens(SYNC_HUB_OFFLINE), "");
    assert_string_equal(hub_online(2), "birth");
    assert_string_equal(seq_event(SYNC_ACKED, 100), "forget 100, send 101");
    assert_string_equal(seq_event(SYNC_ACKED, 100), "");
    assert_string_equal(seq_event(SYNC_ACKED, 50), ""); /* overtaken by a newer word */
    assert_int_equal(s.acked_seq, 100);
    (void)seq_event(SYNC_SENT, 200);
    assert_string_equal(seq_event(SYNC_ACKED, 150), "forget 150");
    assert_int_equal(s.inflight_count, 1);
}

static void what_was_never_recorded_cannot_be_acknowledged(void **state)
{
    (void)state;
    go_to_sending(100, 0);
    assert_string_equal(seq_event(SYNC_ACKED, 101), "");
    assert_int_equal(s.acked_seq, 0);
    begin(100, 0);
    go_to_greeting();
    assert_string_equal(seq_event(SYNC_ACKED, 101), "");
    assert_int_equal(s.state, SYNC_GREETING);
}

static void acknowledged_events_are_not_sent_again(void **state)
{
    (void)state;
    begin(200, 40);
    go_to_greeting();
    assert_string_equal(seq_event(SYNC_ACKED, 30),
                        "send 41"); /* a hub put back to an older state */
    begin(100, 40);
    go_to_greeting();
    assert_string_equal(seq_event(SYNC_ACKED, 100), "forget 100");
    assert_int_equal(timer_ns(), 0);
}

/* --- the window --------------------------------------------------------------------------- */

static void at_most_a_window_of_batches_is_unacknowledged(void **state)
{
    (void)state;
    go_to_sending(10000, 0);
    int64_t seq = 0;
    for (int i = 0; i < s.options.window; i++) {
        assert_int_equal(out.item[0].type, SYNC_SEND);
        seq += 64;
        (void)seq_event(SYNC_SENT, seq);
    }
    assert_string_equal(actions(), "");
    assert_string_equal(seq_event(SYNC_RECORDED, 10001), "");
    assert_string_equal(seq_event(SYNC_ACKED, 63), "forget 63"); /* not yet a whole batch */
    assert_string_equal(seq_event(SYNC_ACKED, 130), "forget 130, send 257");
    assert_string_equal(seq_event(SYNC_SENT, 300), "send 301");
    assert_string_equal(seq_event(SYNC_SENT, 400), "");
}

static void a_full_link_is_tried_again_with_the_next_event(void **state)
{
    (void)state;
    go_to_sending(100, 0);
    assert_string_equal(seq_event(SYNC_SENT, 0), "");
    assert_int_equal(s.inflight_count, 0);
    assert_true(timer_ns() != 0); /* nobody else would wake us */
    assert_string_equal(seq_event(SYNC_RECORDED, 101), "send 1");
    assert_string_equal(seq_event(SYNC_SENT, 0), "");
    assert_string_equal(timer(), "birth");
}

static void an_answer_may_overtake_the_report_of_sending(void **state)
{
    (void)state;
    go_to_sending(1000, 0);
    assert_string_equal(actions(), "send 1");
    assert_string_equal(seq_event(SYNC_ACKED, 300), "forget 300"); /* from before the reconnect */
    assert_string_equal(seq_event(SYNC_SENT, 256), "send 301");
    assert_int_equal(s.inflight_count, 0);
    assert_string_equal(happens(SYNC_LINK_DOWN), "");
    assert_string_equal(seq_event(SYNC_SENT, 400), "");
    assert_int_equal(s.sent_seq, 300);
}

/* --- sending again ------------------------------------------------------------------------ */

static void silence_makes_us_greet_and_send_again(void **state)
{
    (void)state;
    go_to_sending(100, 0);
    (void)seq_event(SYNC_SENT, 100);
    assert_string_equal(timer(), "birth");
    assert_int_equal(s.state, SYNC_GREETING);
    assert_int_equal(s.inflight_count, 0);
    assert_string_equal(seq_event(SYNC_ACKED, 0), "send 1");
}

/* The hub answers, but what we send is lost or harmed each time: the pauses grow all the same. */
static void answered_births_alone_are_no_progress(void **state)
{
    (void)state;
    go_to_sending(100, 0);
    int64_t before = now.ns;
    int64_t waits[6];
    for (size_t i = 0; i < COUNT_OF(waits); i++) {
        (void)seq_event(SYNC_SENT, 100);
        assert_string_equal(timer(), "birth");
        waits[i] = now.ns - before;
        before = now.ns;
        assert_string_equal(seq_event(SYNC_ACKED, 0), "send 1");
    }
    for (size_t i = 1; i < 5; i++) {
        assert_int_equal(waits[i], 2 * waits[i - 1]);
    }
    (void)seq_event(SYNC_SENT, 100);
    (void)seq_event(SYNC_ACKED, 50); /* progress: patience is short again */
    assert_int_equal(timer_ns() - now.ns, s.options.ack_timeout_ns);
}

static void the_hub_asks_for_what_is_missing(void **state)
{
    (void)state;
    go_to_sending(1000, 0);
    (void)seq_event(SYNC_SENT, 100);
    (void)seq_event(SYNC_SENT, 200);
    assert_string_equal(seq_event(SYNC_SENT, 0), "");
    assert_string_equal(resend(100), "forget 100, send 101");
    assert_int_equal(s.inflight_count, 0);
    (void)seq_event(SYNC_SENT, 200);
    (void)seq_event(SYNC_SENT, 0);
    assert_string_equal(resend(100), "send 101");
}

static void each_moving_acknowledgement_restarts_the_time_out(void **state)
{
    (void)state;
    go_to_sending(1000, 0);
    (void)seq_event(SYNC_SENT, 100);
    (void)seq_event(SYNC_SENT, 200);
    (void)seq_event(SYNC_SENT, 0);
    now.ns += s.options.ack_timeout_ns / 2;
    (void)seq_event(SYNC_ACKED, 100);
    assert_int_equal(timer_ns(), now.ns + s.options.ack_timeout_ns);
    int64_t due = timer_ns();
    now.ns += s.options.ack_timeout_ns / 2;
    (void)seq_event(SYNC_SENT, 0);
    (void)seq_event(SYNC_ACKED, 100); /* does not move */
    assert_int_equal(timer_ns(), due);
}

/* --- lingering ---------------------------------------------------------------------------- */

static void few_events_wait_for_more(void **state)
{
    (void)state;
    go_to_sending(0, 0);
    assert_int_equal(timer_ns(), 0);
    assert_string_equal(seq_event(SYNC_RECORDED, 1), "");
    assert_int_equal(timer_ns(), now.ns + s.options.linger_ns);
    now.ns += s.options.linger_ns / 2;
    assert_string_equal(seq_event(SYNC_RECORDED, 2), "");
    assert_int_equal(timer_ns(), now.ns + s.options.linger_ns / 2); /* since the first */
    assert_string_equal(timer(), "send 1");
    (void)seq_event(SYNC_SENT, 2);
    assert_string_equal(seq_event(SYNC_RECORDED, 3), "");
    assert_string_equal(seq_event(SYNC_RECORDED, 2 + s.options.linger_events), "send 3");
}

/* A timer whose time has passed and that nobody takes back would fire for ever. */
static void expect_no_spinning(void)
{
    int64_t at = timer_ns();
    for (int i = 0; i < 3 && at != 0 && at <= now.ns; i++) {
        (void)happens(SYNC_TIMER);
        at = timer_ns();
    }
    assert_true(at == 0 || at > now.ns);
}

static void a_linger_that_lost_its_reason_ends(void **state)
{
    (void)state;
    go_to_sending(0, 0);
    (void)seq_event(SYNC_RECORDED, 3);
    assert_string_equal(seq_event(SYNC_ACKED, 3), "forget 3"); /* said before the reconnect */
    now.ns += HOUR_S * NS_PER_SEC;
    expect_no_spinning();

    go_to_sending(0, 0);
    (void)seq_event(SYNC_RECORDED, 3);
    (void)seq_event(SYNC_REFUSED, 0);
    now.ns += s.options.linger_ns;
    expect_no_spinning();
}

/* --- refusals ----------------------------------------------------------------------------- */

static void a_refused_batch_is_kept_and_tried_again_ever_later(void **state)
{
    (void)state;
    go_to_sending(100, 0);
    int64_t before = now.ns;
    int64_t wait = 0;
    for (int i = 0; i < 4; i++) {
        (void)seq_event(SYNC_SENT, 100);
        assert_string_equal(seq_event(SYNC_ACKED, 0), "");
        assert_string_equal(seq_event(SYNC_REFUSED, 0), "");
        assert_string_equal(seq_event(SYNC_RECORDED, 200 + i), ""); /* held */
        assert_string_equal(timer(), "birth");
        assert_true(now.ns - before >= 2 * wait);
        wait = now.ns - before;
        before = now.ns;
        assert_string_equal(seq_event(SYNC_ACKED, 0), "send 1");
    }
    (void)seq_event(SYNC_SENT, 100);
    (void)seq_event(SYNC_SENT, 0);
    (void)seq_event(SYNC_REFUSED, 0);
    assert_string_equal(seq_event(SYNC_ACKED, 100), "forget 100, send 101"); /* a newer hub */
}

static void a_refusal_without_anything_in_flight_ends_too(void **state)
{
    (void)state;
    go_to_sending(0, 0);
    assert_string_equal(seq_event(SYNC_REFUSED, 0), "");
    assert_string_equal(seq_event(SYNC_RECORDED, 500), "");
    assert_string_equal(timer(), "birth");
    assert_string_equal(seq_event(SYNC_ACKED, 0), "send 1");
    (void)happens(SYNC_LINK_DOWN);
    assert_string_equal(seq_event(SYNC_REFUSED, 0), "");
    assert_false(s.is_held);
}

/* --- the hub comes and goes --------------------------------------------------------------- */

static void a_hub_that_leaves_stops_sending(void **state)
{
    (void)state;
    go_to_sending(1000, 0);
    (void)seq_event(SYNC_SENT, 100);
    assert_string_equal(happens(SYNC_HUB_OFFLINE), "");
    assert_int_equal(s.state, SYNC_LINKED);
    assert_string_equal(seq_event(SYNC_RECORDED, 1001), "");
    assert_string_equal(hub_online(1), "birth"); /* the same one again */
    assert_string_equal(seq_event(SYNC_ACKED, 0), "send 1");
}

/* The broker dropped the word that it is back. */
static void a_hub_is_looked_for_while_events_wait(void **state)
{
    (void)state;
    go_to_sending(1000, 0);
    assert_string_equal(happens(SYNC_HUB_OFFLINE), "");
    assert_int_equal(timer_ns(), now.ns + s.options.ack_timeout_max_ns);
    int64_t due = timer_ns();
    now.ns += NS_PER_SEC;
    assert_string_equal(seq_event(SYNC_RECORDED, 1001), "");
    assert_int_equal(timer_ns(), due);
    assert_string_equal(timer(), "birth");
    assert_string_equal(timer(), "birth");
    assert_string_equal(seq_event(SYNC_ACKED, 1001), "forget 1001");
    assert_string_equal(happens(SYNC_HUB_OFFLINE), "");
    assert_int_equal(timer_ns(), 0); /* no wake-up while nobody is there and nothing waits */
    assert_string_equal(seq_event(SYNC_RECORDED, 1002), "");
    assert_true(timer_ns() > now.ns);
}

static void another_hub_is_greeted_at_once(void **state)
{
    (void)state;
    go_to_sending(1000, 0);
    assert_string_equal(hub_online(1), ""); /* the same one says it again */
    assert_int_equal(s.state, SYNC_SENDING);
    assert_string_equal(hub_online(2), "birth");
    assert_int_equal(s.state, SYNC_GREETING);
    assert_string_equal(hub_online(3), "birth");
    assert_string_equal(happens(SYNC_HUB_OFFLINE), "");
    assert_int_equal(s.state, SYNC_LINKED);
}

/* --- any order of events ------------------------------------------------------------------ */

static uint64_t next_random(uint64_t *random)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *random >> 33;
}

/* What is true whatever comes. */
struct truth {
    int64_t recorded;
    int64_t forgotten;
    int64_t said; /* by the hub, at most */
};

static struct sync_event any_event(uint64_t *random, struct truth *t)
{
    struct sync_event event = {
        .type = (enum sync_event_type)(next_random(random) % (SYNC_TIMER + 1)),
        .random = next_random(random),
        .seq = (int64_t)(next_random(random) % (uint64_t)(t->recorded + 20)),
        .resend = next_random(random) % 4 == 0,
        .instance = next_random(random) % 3,
    };
    if (event.type == SYNC_SENT && event.seq > t->recorded) {
        event.seq = t->recorded; /* the owner reads no more than there is */
    }
    if (event.type == SYNC_EPOCH) {
        event.seq = t->recorded - t->forgotten;
        *t = (struct truth){.recorded = event.seq};
    }
    if (event.type == SYNC_RECORDED && event.seq > t->recorded) {
        t->recorded = event.seq;
    }
    if (event.type == SYNC_ACKED && event.seq > t->said) {
        t->said = event.seq;
    }
    return event;
}

static void expect_true_actions(struct truth *t)
{
    for (size_t a = 0; a < out.count; a++) {
        int64_t seq = out.item[a].seq;
        if (out.item[a].type == SYNC_FORGET) {
            assert_true(seq > t->forgotten && seq <= t->recorded && seq <= t->said);
            t->forgotten = seq;
        }
        if (out.item[a].type == SYNC_SEND) {
            assert_int_equal(s.state, SYNC_SENDING);
            assert_true(seq > t->forgotten && seq <= t->recorded);
        }
    }
}

/* Whatever comes in whatever order: the core's own assertions hold, forgetting only moves forward,
 * and never past what was recorded or what the hub said. */
static void no_order_of_events_breaks_the_rules(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        uint64_t random = seed;
        struct truth truth = {.recorded = 50};
        begin(truth.recorded, 0);
        for (int i = 0; i < 500; i++) {
            now.ns += (int64_t)(next_random(&random) % (20 * (uint64_t)NS_PER_SEC));
            (void)step(any_event(&random, &truth));
            expect_true_actions(&truth);
            expect_no_spinning();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_sent_before_the_hub_answered_our_birth),
        cmocka_unit_test(the_hub_may_be_known_before_the_link_is_up),
        cmocka_unit_test(an_unanswered_birth_is_said_again),
        cmocka_unit_test(waits_for_answers_are_jittered),
        cmocka_unit_test(only_an_acknowledgement_makes_us_forget),
        cmocka_unit_test(what_was_never_recorded_cannot_be_acknowledged),
        cmocka_unit_test(acknowledged_events_are_not_sent_again),
        cmocka_unit_test(at_most_a_window_of_batches_is_unacknowledged),
        cmocka_unit_test(a_full_link_is_tried_again_with_the_next_event),
        cmocka_unit_test(an_answer_may_overtake_the_report_of_sending),
        cmocka_unit_test(silence_makes_us_greet_and_send_again),
        cmocka_unit_test(answered_births_alone_are_no_progress),
        cmocka_unit_test(the_hub_asks_for_what_is_missing),
        cmocka_unit_test(each_moving_acknowledgement_restarts_the_time_out),
        cmocka_unit_test(few_events_wait_for_more),
        cmocka_unit_test(a_linger_that_lost_its_reason_ends),
        cmocka_unit_test(a_refused_batch_is_kept_and_tried_again_ever_later),
        cmocka_unit_test(a_refusal_without_anything_in_flight_ends_too),
        cmocka_unit_test(a_hub_that_leaves_stops_sending),
        cmocka_unit_test(a_hub_is_looked_for_while_events_wait),
        cmocka_unit_test(another_hub_is_greeted_at_once),
        cmocka_unit_test(no_order_of_events_breaks_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
