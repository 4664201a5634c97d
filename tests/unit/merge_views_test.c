/* merge_views_test.c - hub/merge/views.h: what the views say once events are merged, and rebuild. */
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

static void expect_log(int64_t events, int64_t merged)
{
    assert_int_equal(world_number(store, "SELECT count(*) FROM event"), events);
    if (events > 0) {
        assert_int_equal(world_number(store, "SELECT merged_seq FROM stream"), merged);
    }
    world_expect_rebuildable(store);
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

/* Planned without its name, or with another's; later it is told. */
static void a_step_learns_its_asset_late(void **state)
{
    (void)state;
    story_add(&story, "asset_materialization_planned",
              "\"run\":\"r\",\"step\":\"a\",\"asset\":\"b\"");
    story_add(&story, "step_start", "\"run\":\"r\",\"step\":\"a\",\"attempt\":1");
    story_add(&story, "step_success", "\"run\":\"r\",\"step\":\"a\",\"asset\":\"a\"");
    (void)world_send(merge, &story, 0, 1);
    (void)world_send(merge, &story, 1, 2);
    world_expect_text(store, "SELECT status || coalesce(asset, '-') FROM step", "started-");
    (void)world_send(merge, &story, 2, 3);
    world_expect_text(store, "SELECT status || asset || attempt FROM step", "successa1");
    expect_log(3, 3);
}

/* Its beginning was lost; and one that is enqueued again keeps what it was told first. */
static void a_run_goes_on_whatever_was_told_before(void **state)
{
    (void)state;
    story_add(&story, "run_start", "\"run\":\"r\"");
    story_add(&story, "run_enqueued", "\"run\":\"r\",\"job\":\"j\",\"steps\":2");
    story_add(&story, "run_failure", "\"run\":\"r\",\"error\":{\"message\":\"m\"}");
    story_add(&story, "run_start", "\"run\":\"r\"");
    const char *const expected[] = {"started,,,1", "queuedj2,,,2",
                                    "failurej2,E,{\"message\":\"m\"},3", "startedj2,,,4"};
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        (void)world_send(merge, &story, i, i + 1);
        world_expect_text(store,
                          "SELECT status || coalesce(job, '') || coalesce(steps, '') || ',' || "
                          "iif(ended_ms IS NULL, '', 'E') || ',' || coalesce(error, '') || ',' || "
                          "last_seq FROM run",
                          expected[i]);
    }
    assert_int_equal(world_number(store, "SELECT count(*) FROM run WHERE first_seq = 1"), 1);
    expect_log(4, 4);
}

static void an_event_of_many_members_is_read_whole(void **state)
{
    (void)state;
    story_add(&story, "step_success",
              "\"run\":\"r\",\"step\":\"a\",\"x1\":1,\"x2\":2,\"x3\":3,\"x4\":4,\"x5\":5,\"x6\":6,"
              "\"x7\":7,"
              "\"x8\":8,\"duration_ms\":41,\"attempt\":3");
    (void)world_send(merge, &story, 0, 1);
    world_expect_text(store, "SELECT duration_ms || '-' || attempt FROM step", "41-3");
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

static void parts_of_one_batch_make_a_set(void **state)
{
    (void)state;
    for (int part = 1; part <= 3; part++) {
        story_add(&story, "definitions",
                  "\"hash\":\"h\",\"part\":%d,\"parts\":3,\"assets\":[{\"key\":\"a%d\"}]", part,
                  part);
    }
    (void)world_send(merge, &story, 0, 3);
    world_expect_text(store, "SELECT group_concat(asset) FROM asset_definition", "a1,a2,a3");
    expect_log(3, 3);
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
        T(runs_and_steps_show_what_happened),
        T(a_step_learns_its_asset_late),
        T(a_run_goes_on_whatever_was_told_before),
        T(an_event_of_many_members_is_read_whole),
        T(assets_show_their_latest_materialization_and_failure),
        T(definitions_hold_once_complete),
        T(parts_of_one_batch_make_a_set),
        T(an_asset_that_is_no_longer_defined_stays_visible),
        T(an_older_database_does_not_hide_a_newer_one),
        T(members_of_the_wrong_type_do_no_harm),
        T(batches_of_one_transaction_change_what_those_of_many_do),
        T(a_stream_longer_than_what_is_folded_at_once_is_rebuilt),
        T(rebuild_finds_and_mends_what_was_tampered_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
