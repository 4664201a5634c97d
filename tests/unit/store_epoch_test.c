/* store_epoch_test.c - a new epoch for what waits: the same events, numbered from 1. */
#include "common/base/limits.h"
#include "store_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_sqlite.h"
#include "tests/support/sample.h"
#include <string.h>

static struct store_fixture f;
static struct store_fixture_event events[STORE_FIXTURE_EVENTS];

static int begin(void **state)
{
    (void)state;
    store_fixture_begin(&f);
    return 0;
}

static int end(void **state)
{
    (void)state;
    store_fixture_end(&f);
    return 0;
}

static void begin_epoch(void)
{
    struct err err = {0};
    char before[EPOCH_TEXT_SIZE];
    memcpy(before, store_fixture_position(&f).epoch, sizeof(before));
    if (!store_begin_epoch(f.store, &f.rng, &err)) {
        fail_msg("%s", err.msg);
    }
    assert_string_not_equal(before, store_fixture_position(&f).epoch);
    assert_true(str_eq(store_epoch(f.store), str_from(store_fixture_position(&f).epoch)));
}

/* Waiting events are number `from` and those after it, at seq 1, 2, ...; also after a restart. */
static void expect_from(int64_t from, int64_t count)
{
    for (int i = 0; i < 2; i++) {
        struct store_position at = store_fixture_position(&f);
        assert_int_equal(store_fixture_waiting(&f, events), count);
        assert_int_equal(at.acked_seq, 0);
        assert_int_equal(at.first_seq, 1);
        assert_int_equal(at.last_seq, count);
        assert_int_equal(at.history_bytes, 0);
        for (int64_t k = 0; k < count; k++) {
            assert_int_equal(events[k].seq, k + 1);
            assert_int_equal(events[k].number, from + k);
        }
        store_fixture_reopen(&f);
    }
}

static void what_waits_is_numbered_from_one(void **state)
{
    (void)state;
    store_fixture_add(&f, 0, 1200, 20);
    store_fixture_acknowledge(&f, 150);
    begin_epoch();
    expect_from(150, 1050);
}

static void numbers_may_overlap(void **state)
{
    (void)state;
    store_fixture_add(&f, 0, 100, 20);
    store_fixture_acknowledge(&f, 1);
    begin_epoch();
    expect_from(1, 99);
}

static void nothing_may_wait(void **state)
{
    (void)state;
    store_fixture_add(&f, 0, 30, 20);
    store_fixture_acknowledge(&f, 30);
    begin_epoch();
    expect_from(0, 0);
    store_fixture_add(&f, 30, 5, 20);
    expect_from(30, 5);
}

static void nothing_may_be_acknowledged(void **state)
{
    (void)state;
    store_fixture_add(&f, 0, 30, 20);
    begin_epoch();
    expect_from(0, 30);
}

static void what_is_not_flushed_follows(void **state)
{
    (void)state;
    AUTO(buf) reason = buf_growing(LIMIT_EVENT_BYTES);
    store_fixture_add(&f, 0, 10, 20);
    store_fixture_acknowledge(&f, 4);
    struct record record = store_fixture_record(&f, 10, 20, &reason);
    store_fixture_say(&f, &record);
    begin_epoch();
    store_fixture_flush(&f);
    expect_from(4, 7);
}

static void a_gap_keeps_what_it_stands_for(void **state)
{
    (void)state;
    f.options.quota_bytes = 32 << 10;
    store_fixture_reopen(&f);
    store_fixture_add(&f, 0, 10, 20);
    store_fixture_acknowledge(&f, 10);
    store_fixture_add(&f, 10, 600, 100);
    size_t count = store_fixture_waiting(&f, events);
    struct store_fixture_event gap = events[0];
    assert_int_equal(gap.from, 11);
    begin_epoch();
    assert_int_equal(store_fixture_waiting(&f, events), count);
    assert_int_equal(events[0].from, 1);
    assert_int_equal(events[0].seq, gap.seq - 10);
    assert_int_equal(events[count - 1].seq, 600);
    assert_int_equal(events[count - 1].number, 609);
    /* It says the same of them. */
    assert_string_equal(strstr(events[0].body, "\"dropped\""), strstr(gap.body, "\"dropped\""));
    /* And goes on like that. */
    store_fixture_add(&f, 610, 600, 100);
    count = store_fixture_waiting(&f, events);
    assert_int_equal(events[0].from, 1);
    assert_int_equal(events[count - 1].number, 1209);
}

/* Text that looks like a gap's member stays what it is. */
static void other_events_are_not_touched(void **state)
{
    (void)state;
    store_fixture_add(&f, 0, 3, 20);
    store_fixture_acknowledge(&f, 3);
    struct record record = {
        .type = EVENT_DEVICE, .at = f.now, .members = STR("\"x\":1,\"from\":0,\"seq_of\":\"4,\"")};
    store_fixture_say(&f, &record);
    store_fixture_flush(&f);
    begin_epoch();
    assert_int_equal(store_fixture_waiting(&f, events), 1);
    assert_non_null(strstr(events[0].body, "{\"seq\":1,\"at\":"));
    assert_non_null(strstr(events[0].body, "\"x\":1,\"from\":0,\"seq_of\":\"4,\"}"));
}

static void expect_comparable(int64_t seq, bool expected)
{
    struct err err = {0};
    struct batch_header header;
    int64_t check = 0;
    bool found = !expected;
    AUTO(buf) lines = buf_growing(STORE_FIXTURE_LINES_MAX);
    assert_true(store_read_check(f.store, seq, &check, &found, &err));
    assert_int_equal(found, expected);
    if (expected) {
        assert_true(store_read_batch(f.store, seq, 1, &header, &lines, &err));
        assert_int_equal(check, event_check(str_trim_end(buf_str(&lines), '\n')));
    }
}

static void an_event_can_be_compared_with_the_hubs(void **state)
{
    (void)state;
    f.options.quota_bytes = 32 << 10;
    store_fixture_reopen(&f);
    store_fixture_add(&f, 0, 20, 100);
    expect_comparable(1, true);
    expect_comparable(20, true);
    expect_comparable(21, false);
    store_fixture_add(&f, 20, 580, 100);
    (void)store_fixture_waiting(&f, events);
    assert_int_equal(events[0].from, 1);
    expect_comparable(1, false); /* given up */
    expect_comparable(events[0].seq, false);
    expect_comparable(events[0].seq + 1, true);
}

/* `nth` allocation inside SQLite fails; returns whether there was such a one. */
static bool begin_epoch_with_fault(int nth)
{
    struct err err = {0};
    store_fixture_add(&f, 0, 50, 20);
    store_fixture_acknowledge(&f, 20);
    struct store_position before = store_fixture_position(&f);
    fault_sqlite_arm(nth);
    bool ok = store_begin_epoch(f.store, &f.rng, &err);
    bool fired = fault_sqlite_disarm();
    if (ok) {
        expect_from(20, 30);
    } else {
        struct store_position at = store_fixture_position(&f);
        assert_int_equal(err.code, ERR_NO_MEMORY);
        assert_string_equal(at.epoch, before.epoch);
        assert_int_equal(at.last_seq, before.last_seq);
        assert_int_equal(at.acked_seq, before.acked_seq);
        assert_int_equal(at.history_bytes, before.history_bytes);
        assert_int_equal(store_fixture_waiting(&f, NULL), 30);
        begin_epoch();
        expect_from(20, 30);
    }
    return fired;
}

static void a_failure_changes_nothing(void **state)
{
    bool fired = true;
    int stride = sample_stride(5, 1);
    for (int nth = 0; fired; nth += stride) {
        (void)begin(state);
        fired = begin_epoch_with_fault(nth);
        (void)end(state);
    }
}

int main(void)
{
    fault_sqlite_install();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_waits_is_numbered_from_one, begin, end),
        cmocka_unit_test_setup_teardown(numbers_may_overlap, begin, end),
        cmocka_unit_test_setup_teardown(nothing_may_wait, begin, end),
        cmocka_unit_test_setup_teardown(nothing_may_be_acknowledged, begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_flushed_follows, begin, end),
        cmocka_unit_test_setup_teardown(a_gap_keeps_what_it_stands_for, begin, end),
        cmocka_unit_test_setup_teardown(other_events_are_not_touched, begin, end),
        cmocka_unit_test_setup_teardown(an_event_can_be_compared_with_the_hubs, begin, end),
        cmocka_unit_test(a_failure_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
