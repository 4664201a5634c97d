/* merge_test.c - hub/merge/merge.h: what is merged, asked for again, refused; and what the views
 * then say. */
#include "common/wire/event.h"
#include "hub/merge/merge.h"
#include "hub/merge/rebuild.h"
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

/* --- views -------------------------------------------------------------------------------- */

static void runs_and_steps_show_what_happened(void **state)
{
    (void)state;
    story_add(&story, "run_enqueued",
              "\"run\":\"r1\",\"job\":\"nightly\",\"cause\":{\"type\":\"schedule\",\"name\":\"at "
              "\\\"two\\\"\"},\"steps\":2,"
              "\"tags\":{\"k\":\"v\"}");
    story_add(&story, "asset_materialization_planned",
              "\"run\":\"r1\",\"step\":\"a\",\"asset\":\"a\"");
    story_add(&story, "asset_materialization_planned",
              "\"run\":\"r1\",\"step\":\"b\",\"asset\":\"b\"");
    story_add(&story, "run_start", "\"run\":\"r1\"");
    story_add(&story, "step_start", "\"run\":\"r1\",\"step\":\"a\",\"asset\":\"a\",\"attempt\":1");
    (void)world_send(merge, &story, 0, 5);
    world_expect_text(store, "SELECT status FROM run", "started");
    world_expect_text(store, "SELECT cause || ' ' || cause_name FROM run", "schedule at \"two\"");
    world_expect_text(store, "SELECT group_concat(step || '=' || status || attempt) FROM step",
                      "a=started1,b=waiting0");

    story_add(&story, "step_up_for_retry",
              "\"run\":\"r1\",\"step\":\"a\",\"attempt\":1,\"retry_at\":\"2026-11-22T02:30:10Z\","
              "\"error\":{\"message\":\"x\"}");
    (void)world_send(merge, &story, 5, 6);
    world_expect_text(store, "SELECT status || retry_ms FROM step WHERE step = 'a'",
                      "up_for_retry1795314610000");

    story_add(&story, "step_restarted", "\"run\":\"r1\",\"step\":\"a\",\"attempt\":2");
    story_add(&story, "step_failure",
              "\"run\":\"r1\",\"step\":\"a\",\"attempt\":2,\"exit\":\"signal "
              "9\",\"error\":{\"message\":\"y\"}");
    story_add(&story, "step_skipped", "\"run\":\"r1\",\"step\":\"b\",\"reason\":\"a failed\"");
    story_add(&story, "run_failure", "\"run\":\"r1\",\"error\":{\"message\":\"a failed\"}");
    (void)world_send(merge, &story, 6, 10);
    world_expect_text(
        store, "SELECT status || attempt || exit || error || asset FROM step WHERE step = 'a'",
        "failure2signal 9{\"message\":\"y\"}a");
    world_expect_text(store, "SELECT status || reason FROM step WHERE step = 'b'",
                      "skippeda failed");
    world_expect_text(store,
                      "SELECT status || job || tags || first_seq || '-' || last_seq FROM run",
                      "failurenightly{\"k\":\"v\"}1-10");
    expect_log(10, 10);
}

static void assets_show_their_latest_materialization_and_failure(void **state)
{
    (void)state;
    story_add(&story, "asset_materialization",
              "\"run\":\"r1\",\"step\":\"a\",\"asset\":\"a\",\"metadata\":{\"dagster/"
              "row_count\":{\"type\":\"int\","
              "\"raw_value\":7},\"note\":{\"type\":\"text\",\"raw_value\":\"x\"}},\"data_version\":"
              "\"v1\"");
    (void)world_send(merge, &story, 0, 1);
    world_expect_text(
        store, "SELECT row_count || data_version || is_failing || is_defined FROM device_asset",
        "7v100");
    story_add(&story, "asset_failed_to_materialize",
              "\"run\":\"r2\",\"asset\":\"a\",\"error\":{\"message\":\"x\"}");
    (void)world_send(merge, &story, 1, 2);
    world_expect_text(store, "SELECT is_failing || failed_error || row_count FROM device_asset",
                      "1{\"message\":\"x\"}7");
    story_add(&story, "asset_materialization", "\"run\":\"r3\",\"step\":\"a\",\"asset\":\"a\"");
    (void)world_send(merge, &story, 2, 3);
    world_expect_text(store,
                      "SELECT is_failing || run || materializations || failures FROM device_asset",
                      "0r321");
    assert_int_equal(world_number(store, "SELECT row_count IS NULL FROM device_asset"), 1);
    /* Of a step that then failed: in the log, and nowhere else. */
    story_add(&story, "asset_materialization",
              "\"run\":\"r4\",\"step\":\"a\",\"asset\":\"a\",\"partial\":true");
    (void)world_send(merge, &story, 3, 4);
    world_expect_text(store, "SELECT run || materializations FROM device_asset", "r32");
    assert_int_equal(world_number(store, "SELECT count(*) FROM materialization"), 2);
    expect_log(4, 4);
}

static void definitions_hold_once_complete(void **state)
{
    (void)state;
    story_add(&story, "definitions",
              "\"hash\":\"h1\",\"part\":1,\"parts\":1,\"assets\":[{\"key\":\"a\",\"deps\":[\"b\","
              "\"b\",7,\"\"]},{\"key\":\"b\","
              "\"external\":true},{\"nokey\":1},7]");
    (void)world_send(merge, &story, 0, 1);
    world_expect_text(store, "SELECT group_concat(asset || is_external) FROM asset_definition",
                      "a0,b1");
    world_expect_text(store, "SELECT upstream || '>' || downstream || declared_by FROM fleet_edge",
                      "b>atill-1");

    story_add(&story, "definitions",
              "\"hash\":\"h2\",\"part\":1,\"parts\":3,\"assets\":[{\"key\":\"c\"}]");
    story_add(&story, "definitions",
              "\"hash\":\"h2\",\"part\":2,\"parts\":3,\"assets\":[{\"key\":\"d\"}]");
    (void)world_send(merge, &story, 1, 3);
    world_expect_text(store, "SELECT hash FROM definitions", "h1");

    story_add(
        &story, "definitions",
        "\"hash\":\"h2\",\"part\":3,\"parts\":3,\"assets\":[{\"key\":\"e\",\"deps\":[\"c\"]}]");
    (void)world_send(merge, &story, 3, 4);
    world_expect_text(store, "SELECT group_concat(asset) FROM asset_definition", "c,d,e");
    world_expect_text(
        store, "SELECT hash || (SELECT count(*) FROM definitions_part) FROM definitions", "h20");
    assert_int_equal(world_number(store, "SELECT count(*) FROM edge"), 1);

    /* A set that loses a part, or mixes with another, never holds. */
    story_add(&story, "definitions", "\"hash\":\"h3\",\"part\":1,\"parts\":2,\"assets\":[]");
    story_add(&story, "definitions", "\"hash\":\"h4\",\"part\":2,\"parts\":2,\"assets\":[]");
    story_add(&story, "definitions", "\"hash\":\"h3\",\"part\":2,\"parts\":2,\"assets\":[]");
    story_add(&story, "definitions", "\"hash\":\"h5\",\"part\":2,\"parts\":1,\"assets\":[]");
    story_add(&story, "definitions", "\"assets\":[]");
    (void)world_send(merge, &story, 4, 9);
    world_expect_text(
        store, "SELECT hash || (SELECT count(*) FROM definitions_part) FROM definitions", "h20");
    expect_log(9, 9);
}

static void an_asset_that_is_no_longer_defined_stays_visible(void **state)
{
    (void)state;
    story_add(
        &story, "definitions",
        "\"hash\":\"h1\",\"part\":1,\"parts\":1,\"assets\":[{\"key\":\"a\"},{\"key\":\"b\"}]");
    story_add(&story, "asset_materialization", "\"run\":\"r\",\"step\":\"a\",\"asset\":\"a\"");
    story_add(&story, "definitions",
              "\"hash\":\"h2\",\"part\":1,\"parts\":1,\"assets\":[{\"key\":\"c\"}]");
    (void)world_send(merge, &story, 0, 3);
    world_expect_text(
        store,
        "SELECT group_concat(asset || is_defined) FROM (SELECT * FROM device_asset ORDER BY asset)",
        "a0,c1");
}

static void an_older_database_does_not_hide_a_newer_one(void **state)
{
    (void)state;
    struct story older = story_new("till-1", "00000000000000ff", INT64_C(1795000000000), 1);
    const char *const definitions =
        "\"hash\":\"%s\",\"part\":1,\"parts\":1,\"assets\":[{\"key\":\"%s\"}]";
    story_add(&story, "definitions", definitions, "new", "n");
    story_add(&story, "asset_materialization", "\"run\":\"new\",\"step\":\"a\",\"asset\":\"a\"");
    story_add(&older, "definitions", definitions, "old", "o");
    story_add(&older, "asset_materialization", "\"run\":\"old\",\"step\":\"a\",\"asset\":\"a\"");
    story_add(&older, "asset_failed_to_materialize", "\"run\":\"old\",\"asset\":\"a\"");
    story_add(&older, "device", "\"version\":\"old\"");
    story_add(&story, "device", "\"version\":\"new\"");
    (void)world_send(merge, &story, 0, 3);
    (void)world_send(merge, &older, 0, 4);
    world_expect_text(store, "SELECT hash FROM definitions", "new");
    world_expect_text(
        store, "SELECT run || materializations || is_failing FROM device_asset WHERE asset = 'a'",
        "new20");
    world_expect_text(store, "SELECT version || starts FROM device_state", "new2");
    assert_int_equal(world_number(store, "SELECT count(*) FROM asset_definition WHERE asset = 'o'"),
                     0);
    story_release(&older);
    world_expect_rebuildable(store);
}

static void members_of_the_wrong_type_do_no_harm(void **state)
{
    (void)state;
    static const char *const types[] = {"run_enqueued",
                                        "run_failure",
                                        "step_start",
                                        "step_failure",
                                        "step_up_for_retry",
                                        "step_skipped",
                                        "asset_materialization",
                                        "asset_failed_to_materialize",
                                        "asset_check_evaluation",
                                        "tick",
                                        "device",
                                        "definitions",
                                        "clock_step",
                                        "asset_materialization_planned",
                                        "run_start",
                                        "run_canceled"};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        story_add(&story, types[i],
                  "\"run\":\"r\",\"step\":\"s\",\"asset\":\"a\",\"job\":1,\"cause\":[],"
                  "\"selection\":{},\"steps\":1.5,"
                  "\"attempt\":99999999999999999999,\"error\":\"x\",\"exit\":null,\"metadata\":[],"
                  "\"check\":1,\"passed\":\"y\","
                  "\"schedule\":true,\"version\":[],\"hash\":1,\"part\":\"1\",\"assets\":{},"
                  "\"retry_at\":\"soon\","
                  "\"reason\":\"\\ud800\\u0000\"");
        story_add(&story, types[i], "%s", "");
    }
    assert_int_equal(world_send(merge, &story, 0, story.count).outcome, MERGE_MERGED);
    expect_log((int64_t)story.count, (int64_t)story.count);
}

/* --- rebuild ------------------------------------------------------------------------------ */

static void count_difference(void *ctx, struct str line)
{
    int *count = ctx;
    assert_true(line.len > 10);
    (*count)++;
}

static void rebuild_finds_and_mends_what_was_tampered_with(void **state)
{
    (void)state;
    struct err err = {0};
    struct rebuild_report report;
    story_tell(&story, 8);
    (void)world_send(merge, &story, 0, story.count);
    AUTO(buf) before = world_dump(store);
    assert_true(db_exec(
        store,
        "UPDATE asset_state SET materializations = 0; DELETE FROM tick WHERE kind = 'schedule';"
        "INSERT INTO edge VALUES ('till-1', 'x', 'y')",
        &err));
    int lines = 0;
    assert_true(rebuild_check(store, ":memory:", count_difference, &lines, &report, &err));
    assert_int_equal(report.differences, 3);
    assert_int_equal(lines, 3);
    assert_true(rebuild_check(store, ":memory:", NULL, NULL, &report, &err)); /* nobody listens */
    assert_int_equal(report.differences, 3);
    int64_t events = 0;
    assert_true(rebuild_views(store, NULL, &events, &err));
    assert_int_equal(events, (int64_t)story.count);
    AUTO(buf) after = world_dump(store);
    assert_true(str_eq(buf_str(&before), buf_str(&after)));
}

static void a_stream_longer_than_what_is_folded_at_once_is_rebuilt(void **state)
{
    (void)state;
    for (int i = 0; i < 4370; i++) {
        story_add(&story, "asset_materialization",
                  "\"run\":\"r%d\",\"asset\":\"a%d\",\"data_version\":\"v\\u00e4%d\"", i, i % 7, i);
    }
    for (size_t from = 0; from < 4370; from += 230) {
        (void)world_send(merge, &story, from, from + 230);
    }
    world_expect_text(store, "SELECT data_version FROM asset_state WHERE asset = 'a0'",
                      "v\xc3\xa4"
                      "4368");
    expect_log(4370, 4370);
}

/* Begins what goes on already, and begins it again. */
static void tell_out_of_order(struct story *s)
{
    story_add(s, "run_start", "\"run\":\"r1\"");
    story_add(s, "step_start", "\"run\":\"r1\",\"step\":\"a\",\"attempt\":2");
    story_add(s, "run_enqueued", "\"run\":\"r1\",\"job\":\"j\",\"steps\":1");
    story_add(s, "asset_materialization_planned", "\"run\":\"r1\",\"step\":\"a\",\"asset\":\"a\"");
    story_add(s, "run_enqueued", "\"run\":\"r2\",\"steps\":2");
    story_add(s, "asset_materialization_planned", "\"run\":\"r2\",\"step\":\"a\",\"asset\":\"a\"");
    story_add(s, "step_start", "\"run\":\"r2\",\"step\":\"a\",\"attempt\":1");
    story_add(s, "run_enqueued", "\"run\":\"r2\",\"job\":\"k\"");
    story_add(s, "asset_materialization_planned", "\"run\":\"r2\",\"step\":\"a\"");
    story_add(s, "run_success", "\"run\":\"r1\"");
    story_add(s, "step_success", "\"run\":\"r2\",\"step\":\"a\",\"duration_ms\":5");
}

static void batches_of_one_transaction_change_what_those_of_many_do(void **state)
{
    (void)state;
    struct err err = {0};
    struct merge_result r;
    struct db *apart = world_store();
    struct merge *alone = world_merge(apart);
    struct story other = story_new("till-2", "00000000000000b2", INT64_C(1795300000000), 8);
    tell_out_of_order(&story);
    tell_out_of_order(&other);
    assert_true(merge_begin(merge, &err));
    for (size_t i = 0; i < story.count; i += 2) {
        AUTO(buf) one = story_batch(&story, i, i + 2);
        AUTO(buf) two = story_batch(&other, i, i + 2);
        assert_true(merge_add(merge, STR("till-1"), buf_str(&one), received, &r, &err));
        assert_true(merge_add(merge, STR("till-2"), buf_str(&two), received, &r, &err));
        (void)world_send_bytes(alone, "till-1", buf_str(&one));
        (void)world_send_bytes(alone, "till-2", buf_str(&two));
    }
    assert_true(merge_commit(merge, &err));
    world_expect_text(store, "SELECT status FROM step WHERE run = 'r1'", "started");
    AUTO(buf) together = world_dump(store);
    AUTO(buf) expected = world_dump(apart);
    assert_true(str_eq(buf_str(&together), buf_str(&expected)));
    world_expect_rebuildable(store);
    merge_close(alone);
    db_close(apart);
    story_release(&other);
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
        T(runs_and_steps_show_what_happened),
        T(assets_show_their_latest_materialization_and_failure),
        T(definitions_hold_once_complete),
        T(an_asset_that_is_no_longer_defined_stays_visible),
        T(an_older_database_does_not_hide_a_newer_one),
        T(members_of_the_wrong_type_do_no_harm),
        T(batches_of_one_transaction_change_what_those_of_many_do),
        T(a_stream_longer_than_what_is_folded_at_once_is_rebuilt),
        T(rebuild_finds_and_mends_what_was_tampered_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
