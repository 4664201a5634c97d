/* store_quota_test.c - promise P2: what the device gives up is said, in ranges and counts that are
 * exact, and the events cover all numbers whatever is dropped, trimmed and acknowledged. */
#include "store_fixture.h"

#include "tests/support/cmocka_all.h"

enum { QUOTA = 64 << 10, HISTORY = 32 << 10, EACH = 900 };

static struct store_fixture_event events[STORE_FIXTURE_EVENTS];
static struct store_fixture f;
static struct power_vfs *vfs;

static int begin(void **state)
{
    (void)state;
    vfs = power_vfs_new("quota", 1);
    store_fixture_init(&f, "agent.db", "quota");
    f.options.quota_bytes = QUOTA;
    f.options.history_bytes = HISTORY;
    store_fixture_open(&f);
    return 0;
}

static int end(void **state)
{
    (void)state;
    store_fixture_close(&f);
    power_vfs_free(vfs);
    return 0;
}

static void beyond_the_quota_the_oldest_are_given_up(void **state)
{
    (void)state;
    store_fixture_add(&f, 0, 60, EACH);
    assert_int_equal(store_fixture_position(&f).dropped, 0);
    store_fixture_add(&f, 60, 10, EACH);
    struct store_position at = store_fixture_position(&f);
    assert_true(at.waiting_bytes <= QUOTA);
    assert_true(at.waiting_bytes > QUOTA / 2); /* no more than needed */
    assert_int_equal(at.first_seq, 1);
    assert_int_equal(at.last_seq, 70);
    size_t count = store_fixture_waiting(&f, events);
    store_fixture_expect_gap(&events[0], 1, at.dropped);
    assert_int_equal(events[1].seq, at.dropped + 1);
    assert_int_equal(count, 1 + 70 - at.dropped);
    for (size_t i = 1; i < count; i++) {
        assert_int_equal(events[i].number, events[i].seq - 1);
    }
}

static void however_much_is_given_up_one_gap_record_says_it(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        store_fixture_add(&f, 30 * i, 30, EACH);
        struct store_position at = store_fixture_position(&f);
        assert_true(at.waiting_bytes <= QUOTA);
        size_t count = store_fixture_waiting(&f, events);
        assert_int_equal(count, at.last_seq - at.dropped + (at.dropped > 0));
        if (at.dropped > 0) {
            store_fixture_expect_gap(&events[0], 1, at.dropped);
        }
    }
    store_fixture_reopen(&f);
    assert_int_equal(store_fixture_waiting(&f, NULL), store_fixture_position(&f).waiting_events);
}

static void a_batch_that_begins_inside_a_gap_names_its_first(void **state)
{
    (void)state;
    store_fixture_add(&f, 0, 70, EACH);
    int64_t dropped = store_fixture_position(&f).dropped;
    assert_true(dropped > 3);
    AUTO(buf) lines = buf_growing(1 << 20);
    struct err err = {0};
    struct batch_header header;
    assert_true(store_read_batch(f.store, 3, 2, &header, &lines, &err));
    assert_int_equal(header.first, 1);
    assert_int_equal(header.last, dropped + 1);
}

/* The hub merged a part before it was given up here: the gap record stays until its last number is
 * acknowledged too, and the next drop takes it in. */
static void an_acknowledgement_may_end_inside_a_gap(void **state)
{
    (void)state;
    store_fixture_add(&f, 0, 70, EACH);
    int64_t dropped = store_fixture_position(&f).dropped;
    int64_t waiting = store_fixture_position(&f).waiting_bytes;
    store_fixture_acknowledge(&f, dropped - 1);
    struct store_position at = store_fixture_position(&f);
    assert_int_equal(at.acked_seq, dropped - 1);
    assert_int_equal(at.waiting_bytes, waiting);
    assert_int_equal(at.history_bytes, 0);
    (void)store_fixture_waiting(&f, events);
    store_fixture_expect_gap(&events[0], 1, dropped);
    store_fixture_add(&f, 70, 30, EACH);
    at = store_fixture_position(&f);
    (void)store_fixture_waiting(&f, events);
    store_fixture_expect_gap(&events[0], 1, at.dropped);
    store_fixture_acknowledge(&f, at.dropped + 1);
    assert_int_equal(store_fixture_waiting(&f, events), 100 - at.dropped - 1);
    assert_int_equal(events[0].from, 0);
    store_fixture_add(&f, 100, 60, EACH); /* the next gap begins behind what was acknowledged */
    (void)store_fixture_waiting(&f, events);
    assert_int_equal(events[0].from, at.dropped + 2);
}

static void the_newest_event_is_never_given_up(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        store_fixture_add(&f, i, 1, QUOTA - 300); /* each alone is near the quota */
        size_t count = store_fixture_waiting(&f, events);
        assert_int_equal(events[count - 1].number, i);
        assert_int_equal(count, i == 0 ? 1 : 2);
    }
    store_fixture_close(&f);
    f.options.quota_bytes = 100;
    store_fixture_open(&f);
    assert_int_equal(store_fixture_waiting(&f, events), 2);
    store_fixture_add(&f, 5, 3, 20);
    assert_int_equal(store_fixture_waiting(&f, events), 2);
    store_fixture_expect_gap(&events[0], 1, 7);
    assert_int_equal(events[1].number, 7);
}

static void a_quota_made_smaller_holds_from_the_next_start(void **state)
{
    (void)state;
    store_fixture_add(&f, 0, 60, EACH);
    store_fixture_close(&f);
    f.options.quota_bytes = QUOTA / 4;
    store_fixture_open(&f);
    struct store_position at = store_fixture_position(&f);
    assert_true(at.waiting_bytes <= QUOTA / 4);
    (void)store_fixture_waiting(&f, events);
    store_fixture_expect_gap(&events[0], 1, at.dropped);
}

/* A full disk must not keep the agent from starting: the quota is applied when there is room. */
static void a_full_disk_does_not_keep_it_from_opening(void **state)
{
    (void)state;
    store_fixture_add(&f, 0, 60, EACH);
    store_fixture_close(&f);
    f.options.quota_bytes = QUOTA / 4;
    power_vfs_limit(vfs, 1);
    store_fixture_open(&f);
    assert_int_equal(store_fixture_waiting(&f, NULL), 60);
    power_vfs_limit(vfs, 0);
    store_fixture_add(&f, 60, 1, EACH);
    assert_true(store_fixture_position(&f).waiting_bytes <= QUOTA / 4);
    (void)store_fixture_waiting(&f, events);
}

static int64_t oldest_kept(void)
{
    struct err err = {0};
    struct batch_header header;
    AUTO(buf) lines = buf_growing(1 << 20);
    assert_true(store_read_batch(f.store, 1, 1, &header, &lines, &err));
    return header.first;
}

static void acknowledged_events_are_kept_up_to_their_quota(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        store_fixture_add(&f, 10 * i, 10, EACH);
        store_fixture_acknowledge(&f, 10 * i + 10);
        struct store_position at = store_fixture_position(&f);
        assert_int_equal(at.waiting_bytes, 0);
        assert_true(at.history_bytes <= HISTORY + HISTORY / 10);
        assert_true(i < 5 || at.history_bytes > HISTORY / 2);
        assert_int_equal(at.dropped, 0); /* nobody calls this a loss */
    }
    assert_true(oldest_kept() > 360);
    store_fixture_add(&f, 400, 5, EACH);
    assert_int_equal(store_fixture_waiting(&f, events), 5);
}

static void no_history_may_be_kept_at_all(void **state)
{
    (void)state;
    store_fixture_close(&f);
    f.options.history_bytes = 0;
    store_fixture_open(&f);
    store_fixture_add(&f, 0, 10, EACH);
    store_fixture_acknowledge(&f, 7);
    assert_int_equal(store_fixture_position(&f).history_bytes, 0);
    assert_int_equal(oldest_kept(), 8);
    assert_int_equal(store_fixture_waiting(&f, events), 3);
}

/* A seeded mix of all of it, against a model of what must be true. */
static void any_mix_keeps_every_number_accounted_for(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct seeded_rng rng = seeded_rng_new(seed);
        struct rng dice = seeded_rng_port(&rng);
        (void)end(NULL);
        (void)begin(NULL);
        int64_t next = 0;
        for (int step = 0; step < 60; step++) {
            int count = 1 + (int)rng_below(&dice, 25);
            store_fixture_add(&f, (int)next, count, 100 + rng_below(&dice, UINT64_C(2) * EACH));
            next += count;
            struct store_position at = store_fixture_position(&f);
            assert_int_equal(at.last_seq, next);
            if (rng_below(&dice, 3) == 0) {
                uint64_t span = (uint64_t)(at.last_seq - at.acked_seq) + 1;
                store_fixture_acknowledge(&f, at.acked_seq + (int64_t)rng_below(&dice, span));
            }
            if (rng_below(&dice, 8) == 0) {
                store_fixture_reopen(&f);
            }
            store_fixture_expect_exact(&f);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(beyond_the_quota_the_oldest_are_given_up, begin, end),
        cmocka_unit_test_setup_teardown(however_much_is_given_up_one_gap_record_says_it, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_batch_that_begins_inside_a_gap_names_its_first, begin,
                                        end),
        cmocka_unit_test_setup_teardown(an_acknowledgement_may_end_inside_a_gap, begin, end),
        cmocka_unit_test_setup_teardown(the_newest_event_is_never_given_up, begin, end),
        cmocka_unit_test_setup_teardown(a_quota_made_smaller_holds_from_the_next_start, begin, end),
        cmocka_unit_test_setup_teardown(a_full_disk_does_not_keep_it_from_opening, begin, end),
        cmocka_unit_test_setup_teardown(acknowledged_events_are_kept_up_to_their_quota, begin, end),
        cmocka_unit_test_setup_teardown(no_history_may_be_kept_at_all, begin, end),
        cmocka_unit_test_setup_teardown(any_mix_keeps_every_number_accounted_for, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
