/* merge_quarantine_test.c - what a device says under numbers that were merged already, or with a clock
 * or numbers that cannot be: kept aside, told, and harmless to others. */
#include "common/wire/event.h"
#include "hub/merge/merge.h"
#include "hub/store/queries.h"
#include "merge_world.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>

static const int64_t now_ms = INT64_C(1795400000000);
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

static void ticks(struct story *s, int count, const char *schedule)
{
    for (int i = 0; i < count; i++) {
        story_add(s, "tick", "\"schedule\":\"%s\",\"status\":\"started\"", schedule);
    }
}

/* The same database up to `count` events, then another life. */
static struct story restored(int same, int other)
{
    struct story s = story_new(story.device, story.epoch, INT64_C(1795300000000), 7);
    ticks(&s, same, "s");
    ticks(&s, other, "t");
    return s;
}

static int64_t number(const char *sql)
{
    return world_number(store, sql);
}

/* --- restored images ------------------------------------------------------------------------- */

static void what_says_otherwise_than_the_log_is_kept_aside(void **state)
{
    (void)state;
    ticks(&story, 10, "s");
    (void)world_send(merge, &story, 0, 10);
    AUTO(buf) before = world_dump(store);
    struct story other = restored(6, 8);
    struct merge_result r = world_send(merge, &other, 8, 14); /* overlaps 9 and 10 */
    assert_int_equal(r.outcome, MERGE_QUARANTINED);
    assert_int_equal(r.events, 0);
    assert_true(r.why.msg[0] != '\0');
    r = world_send(merge, &other, 6, 8); /* all of it is merged already, as something else */
    assert_int_equal(r.outcome, MERGE_QUARANTINED);
    (void)world_send(merge, &other, 6, 8);
    AUTO(buf) after = world_dump(store);
    assert_true(str_eq(buf_str(&before), buf_str(&after)));
    assert_int_equal(number("SELECT count(*) FROM quarantine"), 2);
    assert_int_equal(number("SELECT times FROM quarantine WHERE first_seq = 7"), 2);
    assert_int_equal(number("SELECT differs_seq FROM quarantine WHERE first_seq = 9"), 10);
    /* What the device is told makes it begin a new epoch. */
    struct message_ack ack = world_ack(merge);
    assert_int_equal(ack.seq, 10);
    assert_false(ack.refused);
    assert_int_not_equal(ack.check, 0);
    /* Under that everything is merged. */
    struct story renewed = story_new(story.device, "00000000000000a2", INT64_C(1795300000000), 7);
    ticks(&renewed, 8, "t");
    assert_int_equal(world_send(merge, &renewed, 0, 8).outcome, MERGE_MERGED);
    world_expect_rebuildable(store);
    story_release(&other);
    story_release(&renewed);
}

/* The other database's events were merged in between: no number overlaps, only what stands before. */
static void what_follows_something_else_is_kept_aside(void **state)
{
    (void)state;
    ticks(&story, 10, "s");
    (void)world_send(merge, &story, 0, 10);
    struct story other = restored(6, 8);
    assert_int_equal(world_send(merge, &other, 10, 14).outcome, MERGE_QUARANTINED);
    assert_int_equal(number("SELECT differs_seq FROM quarantine"), 10);
    assert_int_equal(number("SELECT merged_seq FROM stream"), 10);
    story_release(&other);
}

static void what_agrees_with_the_log_is_no_contradiction(void **state)
{
    (void)state;
    ticks(&story, 10, "s");
    (void)world_send(merge, &story, 0, 6);
    struct story same = restored(4, 0); /* a copy that has recorded nothing else yet */
    assert_int_equal(world_send(merge, &same, 0, 4).outcome, MERGE_DUPLICATE);
    assert_int_equal(world_send(merge, &story, 2, 10).outcome, MERGE_MERGED);
    struct story dropped = restored(2, 0);
    story_add_gap(&dropped, 3, 8); /* a quota struck before the acknowledgement came */
    ticks(&dropped, 2, "s");
    assert_int_equal(world_send(merge, &dropped, 2, 3).outcome, MERGE_DUPLICATE);
    assert_int_equal(number("SELECT count(*) FROM quarantine"), 0);
    story_release(&same);
    story_release(&dropped);
}

static void a_hub_that_has_restarted_finds_it_too(void **state)
{
    (void)state;
    ticks(&story, 10, "s");
    (void)world_send(merge, &story, 0, 10);
    merge_close(merge);
    merge = world_merge(store);
    struct story other = restored(6, 8);
    assert_int_equal(world_send(merge, &other, 5, 12).outcome, MERGE_QUARANTINED);
    struct str last = str_slice(buf_str(&story.text), story.start[9], story.text.len);
    assert_int_equal(world_ack(merge).check, event_check(str_trim_end(last, '\n')));
    story_release(&other);
}

static void the_quarantine_is_bounded(void **state)
{
    (void)state;
    ticks(&story, 60, "s");
    (void)world_send(merge, &story, 0, 60);
    struct story other = restored(1, 59);
    for (size_t i = 1; i < 40; i++) {
        assert_int_equal(world_send(merge, &other, i, i + 2).outcome, MERGE_QUARANTINED);
    }
    assert_int_equal(number("SELECT count(*) FROM quarantine"), 16);
    assert_int_equal(number("SELECT min(first_seq) FROM quarantine"), 25);
    story_release(&other);
}

/* --- two hosts ------------------------------------------------------------------------------- */

static void what_is_cut_off_is_refused_until_it_is_accepted(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t count = 0;
    struct story newer = story_new(story.device, "00000000000000a2", INT64_C(1795300000000), 7);
    ticks(&story, 4, "s");
    ticks(&newer, 4, "t");
    (void)world_send(merge, &story, 0, 2);
    (void)world_send(merge, &newer, 0, 2);
    assert_true(db_exec(
        store, "INSERT INTO cut_off VALUES ('till-1', '00000000000000a2', 1, 'two hosts')", &err));
    merge_look_again(merge);
    struct merge_result r = world_send(merge, &newer, 2, 4);
    assert_int_equal(r.outcome, MERGE_CUT_OFF);
    assert_string_equal(r.why.msg, "two hosts");
    struct message_ack ack = world_ack(merge);
    assert_true(ack.refused);
    assert_int_equal(ack.seq, 2);
    assert_int_equal(world_send(merge, &story, 2, 4).outcome, MERGE_MERGED);
    bool is_behind = true;
    const struct message_birth birth = {
        .epoch = "00000000000000a2", .first_seq = 3, .last_seq = 4, .session = STR("x")};
    assert_true(merge_begin(merge, &err));
    assert_true(merge_birth(merge, STR("till-1"), &birth, (struct wall_time){1}, &is_behind, &err));
    assert_true(merge_commit(merge, &err));
    assert_false(is_behind);
    assert_true(world_ack(merge).refused);
    assert_true(hub_clear_cut_off(store, STR("till-1"), STR_NONE, &count, &err));
    assert_int_equal(count, 1);
    merge_look_again(merge);
    assert_int_equal(world_send(merge, &newer, 2, 4).outcome, MERGE_MERGED);
    story_release(&newer);
}

/* --- clocks that lie ------------------------------------------------------------------------- */

static void tell_version(const char *epoch, int64_t at_ms, const char *version)
{
    struct story s = story_new("till-1", epoch, at_ms, 1);
    story_add(&s, "device", "\"version\":\"%s\"", version);
    assert_int_equal(world_send(merge, &s, 0, 1).outcome, MERGE_MERGED);
    story_release(&s);
}

static void a_clock_that_was_never_set_does_not_make_a_database_old(void **state)
{
    (void)state;
    tell_version("00000000000000b1", now_ms - 1000000, "1"); /* some time ago */
    tell_version("00000000000000a0", 0, "2");                /* wiped, and the clock says 1970 */
    world_expect_text(store, "SELECT version FROM device_state", "2");
    world_expect_rebuildable(store);
}

static void a_clock_that_is_far_ahead_does_not_make_a_database_new_for_ever(void **state)
{
    (void)state;
    tell_version("00000000000000b1", INT64_C(4102444800000), "1"); /* 2100 */
    assert_int_equal(number("SELECT first_at_ms FROM stream"), now_ms);
    tell_version("00000000000000c1", now_ms + 60000, "2");
    world_expect_text(store, "SELECT version FROM device_state", "2");
    world_expect_rebuildable(store);
}

/* --- numbers that cannot be ------------------------------------------------------------------ */

static void on_device(void *ctx, const struct hub_device *d)
{
    *(struct hub_device *)ctx = *d;
}

/* Each of these made the sum overflow, and the command that shows it fail for all. */
static void numbers_of_one_device_do_not_break_what_is_shown_of_others(void **state)
{
    (void)state;
    struct err err = {0};
    static const char *const epochs[] = {"00000000000000c1", "00000000000000c2",
                                         "00000000000000c3"};
    for (size_t i = 0; i < COUNT_OF(epochs); i++) {
        char device[8];
        (void)snprintf(device, sizeof(device), "bad-%zu", i);
        struct story s = story_new(device, epochs[i], now_ms, 1);
        struct story t = story_new("huge", epochs[i], now_ms, 1);
        story_add(&s, "asset_materialization",
                  "\"run\":\"r\",\"step\":\"a\",\"asset\":\"a\",\"metadata\":{\"dagster/"
                  "row_count\":{\"type\":\"int\",\"raw_value\":9223372036854775807},"
                  "\"rows_written\":{\"type\":\"int\",\"raw_value\":9223372036854775807},"
                  "\"bytes_read\":{\"type\":\"int\",\"raw_value\":9223372036854775807}}");
        story_add_gap(&t, 1, INT64_C(9223372036854775000));
        assert_int_equal(world_send(merge, &s, 0, 1).outcome, MERGE_MERGED);
        assert_int_equal(world_send(merge, &t, 0, 1).outcome, MERGE_MERGED);
        story_release(&s);
        story_release(&t);
    }
    struct hub_device device = {0};
    struct hub_totals totals;
    assert_true(hub_each_device(store, &(struct hub_filter){.device = STR("huge")}, on_device,
                                &device, &err));
    assert_int_equal(device.lost_events, INT64_MAX);
    assert_int_equal(device.events, 0);
    assert_int_equal(world_number(store, "SELECT row_count FROM fleet_asset"), INT64_MAX);
    assert_true(hub_read_totals(store, &totals, &err));
    assert_int_equal(totals.row_count, INT64_MAX);
    assert_int_equal(totals.lost_events, INT64_MAX);
    world_expect_rebuildable(store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_says_otherwise_than_the_log_is_kept_aside),
        TEST(what_follows_something_else_is_kept_aside),
        TEST(what_agrees_with_the_log_is_no_contradiction),
        TEST(a_hub_that_has_restarted_finds_it_too),
        TEST(the_quarantine_is_bounded),
        TEST(what_is_cut_off_is_refused_until_it_is_accepted),
        TEST(a_clock_that_was_never_set_does_not_make_a_database_old),
        TEST(a_clock_that_is_far_ahead_does_not_make_a_database_new_for_ever),
        TEST(numbers_of_one_device_do_not_break_what_is_shown_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
