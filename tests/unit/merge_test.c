/* merge_test.c - hub/merge/merge.h: what is merged, asked for again, refused. */
#include "common/wire/event.h"
#include "hub/merge/merge.h"
#include "merge_world.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

static const struct wall_time received = {INT64_C(1795400000000) * NS_PER_MS};
static struct db *store;
static struct merge *merge;
static struct story story;

static int begin(void **state)
{
    (void)state;
    store = world_store();
    merge = world_merge(store);
    story = story_new("till-1", "00000000000000a1", INT64_C(1795300000000), 7);
    return 0;
}

static int end(void **state)
{
    (void)state;
    merge_close(merge);
    db_close(store);
    story_release(&story);
    return 0;
}

static void ticks(int count)
{
    for (int i = 0; i < count; i++) {
        story_add(&story, "tick", "\"schedule\":\"s\",\"status\":\"started\"");
    }
}

static void expect_log(int64_t events, int64_t merged)
{
    assert_int_equal(world_number(store, "SELECT count(*) FROM event"), events);
    if (events > 0) {
        assert_int_equal(world_number(store, "SELECT merged_seq FROM stream"), merged);
    }
    world_expect_rebuildable(store);
}

/* --- sequence ----------------------------------------------------------------------------- */

static void batches_in_order_are_merged_and_acknowledged(void **state)
{
    (void)state;
    ticks(10);
    struct merge_result r = world_send(merge, &story, 0, 4);
    assert_int_equal(r.outcome, MERGE_MERGED);
    assert_int_equal(r.events, 4);
    assert_int_equal(world_ack(merge).seq, 4);
    assert_string_equal(world_ack(merge).epoch, story.epoch);
    r = world_send(merge, &story, 4, 10);
    assert_int_equal(r.events, 6);
    assert_int_equal(world_ack(merge).seq, 10);
    assert_int_equal(world_ack(merge).resend_from, 0);
    expect_log(10, 10);
}

static void a_duplicate_is_acknowledged_again_and_changes_nothing(void **state)
{
    (void)state;
    ticks(10);
    (void)world_send(merge, &story, 0, 10);
    struct merge_result r = world_send(merge, &story, 2, 6);
    assert_int_equal(r.outcome, MERGE_DUPLICATE);
    assert_int_equal(r.events, 0);
    assert_int_equal(world_ack(merge).seq, 10);
    expect_log(10, 10);
    assert_int_equal(world_number(store, "SELECT ticks FROM tick"), 10);
}

static void of_an_overlap_only_the_new_part_is_merged(void **state)
{
    (void)state;
    ticks(10);
    (void)world_send(merge, &story, 0, 6);
    struct merge_result r = world_send(merge, &story, 3, 10);
    assert_int_equal(r.outcome, MERGE_MERGED);
    assert_int_equal(r.events, 4);
    assert_int_equal(world_ack(merge).seq, 10);
    expect_log(10, 10);
}

static void a_hole_is_asked_for(void **state)
{
    (void)state;
    ticks(10);
    assert_int_equal(world_send(merge, &story, 3, 6).outcome,
                     MERGE_GAP); /* of an epoch that begins at 1 */
    assert_int_equal(world_ack(merge).seq, 0);
    assert_int_equal(world_ack(merge).resend_from, 1);
    (void)world_send(merge, &story, 0, 3);
    assert_int_equal(world_send(merge, &story, 6, 10).outcome, MERGE_GAP);
    assert_int_equal(world_ack(merge).seq, 3);
    assert_int_equal(world_ack(merge).resend_from, 4);
    expect_log(3, 3);
}

static void a_hole_that_is_filled_in_the_same_transaction_is_not_asked_for(void **state)
{
    (void)state;
    struct err err = {0};
    struct merge_result r;
    ticks(6);
    AUTO(buf) late = story_batch(&story, 3, 6);
    AUTO(buf) early = story_batch(&story, 0, 3);
    assert_true(merge_begin(merge, &err));
    assert_true(merge_add(merge, STR("till-1"), buf_str(&late), received, &r, &err));
    assert_true(merge_add(merge, STR("till-1"), buf_str(&early), received, &r, &err));
    assert_true(merge_add(merge, STR("till-1"), buf_str(&late), received, &r, &err));
    assert_true(merge_commit(merge, &err));
    assert_int_equal(world_ack(merge).seq, 6);
    assert_int_equal(world_ack(merge).resend_from, 0);
}

/* Rows of the log that wait for others to be written are in it to whoever compares. */
static void what_was_merged_in_the_same_transaction_is_compared(void **state)
{
    (void)state;
    struct err err = {0};
    struct merge_result r;
    struct story other = story_new("till-1", "00000000000000a1", INT64_C(1795300000000), 7);
    ticks(4);
    for (int i = 0; i < 4; i++) {
        story_add(&other, "log", "\"message\":\"another life\"");
    }
    AUTO(buf) batch = story_batch(&story, 0, 4);
    AUTO(buf) contradiction = story_batch(&other, 1, 3);
    assert_true(merge_begin(merge, &err));
    assert_true(merge_add(merge, STR("till-1"), buf_str(&batch), received, &r, &err));
    assert_true(merge_add(merge, STR("till-1"), buf_str(&contradiction), received, &r, &err));
    assert_int_equal(r.outcome, MERGE_QUARANTINED);
    assert_true(merge_add(merge, STR("till-1"), buf_str(&batch), received, &r, &err));
    assert_int_equal(r.outcome, MERGE_DUPLICATE);
    assert_true(merge_commit(merge, &err));
    expect_log(4, 4);
    story_release(&other);
}

/* More events, and more bytes, than wait in memory; what is not merged in between leaves no room used. */
static void a_transaction_takes_more_than_waits_in_memory(void **state)
{
    (void)state;
    struct err err = {0};
    struct merge_result r;
    char text[1500];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < STORY_EVENTS_MAX; i++) {
        story_add(&story, "tick", "\"schedule\":\"s%d\",\"reason\":\"%s\"", i % 5, text);
    }
    AUTO(buf) first = story_batch(&story, 0, 100);
    assert_true(merge_begin(merge, &err));
    for (size_t from = 0; from < STORY_EVENTS_MAX; from += 100) {
        AUTO(buf) next = story_batch(&story, from, from + 100);
        assert_true(merge_add(merge, STR("till-1"), buf_str(&next), received, &r, &err));
        assert_string_equal(r.why.msg, "");
        assert_int_equal(r.events, 100);
        assert_true(merge_add(merge, STR("till-1"), buf_str(&first), received, &r, &err));
        assert_int_equal(r.outcome, MERGE_DUPLICATE);
    }
    assert_true(merge_commit(merge, &err));
    assert_int_equal(world_number(store, "SELECT sum(ticks) FROM tick"), STORY_EVENTS_MAX);
    expect_log(STORY_EVENTS_MAX, STORY_EVENTS_MAX);
}

static void a_gap_stands_for_its_range(void **state)
{
    (void)state;
    ticks(4);
    story_add_gap(&story, 5, 9);
    ticks(2);
    assert_int_equal(world_send(merge, &story, 0, story.count).outcome, MERGE_MERGED);
    assert_int_equal(world_ack(merge).seq, 11);
    assert_int_equal(world_number(store, "SELECT lost_events FROM device_gap"), 5);
    world_expect_text(store, "SELECT dropped FROM gap", "{\"tick\":5}");
    expect_log(7, 11);
}

static void of_a_gap_what_was_merged_is_not_lost(void **state)
{
    (void)state;
    struct story dropped = story_new(story.device, story.epoch, INT64_C(1795300000000), 7);
    ticks(6);
    (void)world_send(merge, &story, 0, 6);
    story_add(&dropped, "tick", "\"schedule\":\"s\"");
    story_add(&dropped, "tick", "\"schedule\":\"s\"");
    story_add_gap(&dropped, 3, 8); /* the acknowledgement of 1..6 was lost, and the quota struck */
    assert_int_equal(world_send(merge, &dropped, 2, 3).outcome, MERGE_MERGED);
    assert_int_equal(world_ack(merge).seq, 8);
    assert_int_equal(world_number(store, "SELECT from_seq FROM gap"), 7);
    assert_int_equal(world_number(store, "SELECT lost_events FROM device_gap"), 2);
    story_release(&dropped);
    expect_log(7, 8);
}

/* --- refusal ------------------------------------------------------------------------------ */

static struct merge_result send_lines(const char *lines, int64_t first, int64_t last)
{
    struct err err = {0};
    struct batch_header header = {.epoch = "00000000000000a1", .first = first, .last = last};
    AUTO(buf) payload = buf_growing(1 << 20);
    assert_true(batch_encode(&header, str_from(lines), &payload, &err));
    return world_send_bytes(merge, "till-1", buf_str(&payload));
}

#define TICK(seq)                                                                                  \
    "{\"seq\":" #seq ",\"at\":\"2026-11-22T02:30:00Z\",\"type\":\"tick\",\"schedule\":\"s\"}\n"

static void what_cannot_be_merged_is_refused_whole(void **state)
{
    (void)state;
    ticks(2);
    (void)world_send(merge, &story, 0, 2);
    static const struct {
        const char *lines;
        int64_t first, last;
    } wrong[] = {
        {TICK(3) "not json\n", 3, 4},
        {TICK(3) "{\"seq\":4}\n", 3, 4},
        {TICK(3) TICK(5), 3, 5},
        {TICK(3) TICK(3), 3, 4},
        {TICK(4) TICK(3), 3, 4},
        {TICK(3) TICK(4), 3, 5},
        {TICK(3) TICK(4), 3, 3},
        {TICK(2) TICK(3), 3, 3},
        {TICK(3) "\n" TICK(4), 3, 4},
        {TICK(3) "{\"seq\":9,\"at\":\"2026-11-22\",\"type\":\"buffer_gap\",\"from\":5}\n", 3, 9},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct merge_result r = send_lines(wrong[i].lines, wrong[i].first, wrong[i].last);
        assert_int_equal(r.outcome, MERGE_REFUSED);
        assert_true(r.why.msg[0] != '\0');
        struct message_ack ack = world_ack(merge);
        assert_true(ack.refused);
        assert_int_equal(ack.seq, 2);
        assert_true(ack.reason.len > 0);
        expect_log(2, 2);
    }
    assert_int_equal(send_lines(TICK(3) TICK(4), 3, 4).outcome, MERGE_MERGED);
    assert_false(world_ack(merge).refused);
}

static void too_many_events_are_refused(void **state)
{
    (void)state;
    ticks(257);
    assert_int_equal(world_send(merge, &story, 0, 257).outcome, MERGE_REFUSED);
    assert_int_equal(world_send(merge, &story, 0, 256).outcome, MERGE_MERGED);
}

static void a_refusal_outlasts_later_batches_of_the_transaction(void **state)
{
    (void)state;
    struct err err = {0};
    struct merge_result r;
    ticks(6);
    struct batch_header header = {.epoch = "00000000000000a1", .first = 1, .last = 1};
    AUTO(buf) bad = buf_growing(1 << 20);
    assert_true(batch_encode(&header, STR("nonsense\n"), &bad, &err));
    AUTO(buf) next = story_batch(&story, 3, 6);
    assert_true(merge_begin(merge, &err));
    assert_true(merge_add(merge, STR("till-1"), buf_str(&bad), received, &r, &err));
    assert_true(merge_add(merge, STR("till-1"), buf_str(&next), received, &r, &err));
    assert_true(merge_commit(merge, &err));
    assert_true(world_ack(merge).refused);
    assert_int_equal(world_ack(merge).resend_from, 0);
}

static void harmed_bytes_are_not_acknowledged(void **state)
{
    (void)state;
    const struct merge_ack *acks;
    ticks(64);
    AUTO(buf) payload = story_batch(&story, 0, 64);
    payload.ptr[payload.len - 3] ^= 0x55;
    assert_int_equal(world_send_bytes(merge, "till-1", buf_str(&payload)).outcome,
                     MERGE_UNREADABLE);
    assert_int_equal(merge_acks(merge, &acks), 0);
    assert_int_equal(world_send_bytes(merge, "till-1", STR("")).outcome, MERGE_UNREADABLE);
    expect_log(0, 0);
}

static void an_abort_undoes_everything(void **state)
{
    (void)state;
    struct err err = {0};
    struct merge_result r;
    const struct merge_ack *acks;
    ticks(4);
    AUTO(buf) payload = story_batch(&story, 0, 4);
    assert_true(merge_begin(merge, &err));
    assert_true(merge_add(merge, STR("till-1"), buf_str(&payload), received, &r, &err));
    merge_abort(merge);
    assert_int_equal(merge_acks(merge, &acks), 0);
    expect_log(0, 0);
    assert_int_equal(world_send(merge, &story, 0, 4).outcome,
                     MERGE_MERGED); /* nothing was remembered either */
    expect_log(4, 4);
}

static void many_streams_share_a_transaction(void **state)
{
    (void)state;
    struct err err = {0};
    struct merge_result r;
    ticks(4);
    AUTO(buf) payload = story_batch(&story, 0, 4);
    assert_true(merge_begin(merge, &err));
    for (int i = 0; i < MERGE_BATCHES_MAX; i++) {
        char device[32];
        assert_false(merge_is_full(merge));
        (void)snprintf(device, sizeof(device), "till-%d", i);
        assert_true(merge_add(merge, str_from(device), buf_str(&payload), received, &r, &err));
    }
    assert_true(merge_is_full(merge));
    assert_true(merge_commit(merge, &err));
    const struct merge_ack *acks;
    assert_int_equal(merge_acks(merge, &acks), MERGE_BATCHES_MAX);
    assert_true(str_eq(acks[5].device, STR("till-5")));
    assert_int_equal(acks[5].ack.seq, 4);
}

/* --- births ------------------------------------------------------------------------------- */

static bool say_birth(int64_t first_seq, int64_t last_seq)
{
    struct err err = {0};
    bool is_behind = false;
    struct message_birth birth = {.epoch = "00000000000000a1",
                                  .first_seq = first_seq,
                                  .last_seq = last_seq,
                                  .at = {INT64_C(1795300000000) * NS_PER_MS}};
    assert_true(merge_begin(merge, &err));
    assert_true(merge_birth(merge, STR("till-1"), &birth, received, &is_behind, &err));
    assert_true(merge_commit(merge, &err));
    return is_behind;
}

static void a_new_device_is_told_that_nothing_is_merged(void **state)
{
    (void)state;
    assert_false(say_birth(1, 0));
    assert_int_equal(world_ack(merge).seq, 0);
    assert_false(say_birth(1, 30));
    assert_int_equal(world_ack(merge).seq, 0);
    expect_log(0, 0);
}

static void a_device_known_to_an_earlier_log_is_adopted(void **state)
{
    (void)state;
    ticks(10);
    assert_false(say_birth(5, 10)); /* 1..4 were acknowledged to another database */
    assert_int_equal(world_ack(merge).seq, 4);
    world_expect_text(store, "SELECT reason FROM gap", "acknowledged before this log began");
    assert_int_equal(world_number(store, "SELECT lost_events FROM device_gap"), 4);
    assert_false(say_birth(5, 10)); /* said again: nothing more */
    assert_int_equal(world_send(merge, &story, 4, 10).outcome, MERGE_MERGED);
    assert_int_equal(world_ack(merge).seq, 10);
    expect_log(7, 10);
}

static void an_adopted_device_with_nothing_left_goes_on(void **state)
{
    (void)state;
    assert_false(say_birth(11, 10));
    assert_int_equal(world_ack(merge).seq, 10);
    expect_log(1, 10);
}

static void a_birth_within_what_is_merged_changes_nothing(void **state)
{
    (void)state;
    ticks(10);
    (void)world_send(merge, &story, 0, 10);
    assert_false(say_birth(7, 12));
    assert_int_equal(world_ack(merge).seq, 10);
    assert_false(say_birth(11, 10));
    assert_true(say_birth(3, 8)); /* its database was put back */
    expect_log(10, 10);
}

static void every_acknowledgement_says_what_stands_at_the_newest_merged_event(void **state)
{
    (void)state;
    assert_false(say_birth(1, 30));
    assert_int_equal(world_ack(merge).check, 0); /* nothing is merged */
    ticks(10);
    struct str last = STR_NONE;
    (void)world_send(merge, &story, 0, 10);
    last = str_slice(buf_str(&story.text), story.start[9], story.text.len);
    int64_t expected = event_check(str_trim_end(last, '\n'));
    assert_int_equal(world_ack(merge).check, expected);
    merge_close(merge);
    merge = world_merge(store); /* another process */
    assert_false(say_birth(10, 12));
    assert_int_equal(world_ack(merge).check, expected);
    (void)world_send(merge, &story, 3, 5);
    assert_int_equal(world_ack(merge).check, expected);
}

static void a_gap_is_not_compared(void **state)
{
    (void)state;
    ticks(3);
    story_add_gap(&story, 4, 9);
    (void)world_send(merge, &story, 0, 4);
    assert_int_equal(world_ack(merge).seq, 9);
    assert_false(say_birth(8, 12));
    assert_int_equal(world_ack(merge).check, 0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(batches_in_order_are_merged_and_acknowledged),
        T(a_duplicate_is_acknowledged_again_and_changes_nothing),
        T(of_an_overlap_only_the_new_part_is_merged),
        T(a_hole_is_asked_for),
        T(a_hole_that_is_filled_in_the_same_transaction_is_not_asked_for),
        T(what_was_merged_in_the_same_transaction_is_compared),
        T(a_transaction_takes_more_than_waits_in_memory),
        T(a_gap_stands_for_its_range),
        T(of_a_gap_what_was_merged_is_not_lost),
        T(what_cannot_be_merged_is_refused_whole),
        T(too_many_events_are_refused),
        T(a_refusal_outlasts_later_batches_of_the_transaction),
        T(harmed_bytes_are_not_acknowledged),
        T(an_abort_undoes_everything),
        T(many_streams_share_a_transaction),
        T(a_new_device_is_told_that_nothing_is_merged),
        T(a_device_known_to_an_earlier_log_is_adopted),
        T(an_adopted_device_with_nothing_left_goes_on),
        T(a_birth_within_what_is_merged_changes_nothing),
        T(every_acknowledgement_says_what_stands_at_the_newest_merged_event),
        T(a_gap_is_not_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
