/* store_versions_test.c - what the database knows of assets: versions, what is being made, where
 * automation stands. */
#include "agent/store/versions.h"

#include "store_fixture.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct store_fixture f;

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

#define assert_text(text, expected) assert_true(str_eq(text, STR(expected)))

static void say(struct record r)
{
    f.now.ns += NS_PER_SEC;
    r.at = f.now;
    store_fixture_say(&f, &r);
}

static void make(const char *key, const char *version, const char *inputs)
{
    say((struct record){.type = EVENT_ASSET_MATERIALIZATION,
                        .asset = str_from(key),
                        .run = STR("0a1"),
                        .data_version = str_from(version),
                        .code_version = STR("1"),
                        .inputs = str_from(inputs)});
}

static void see(const char *key, const char *version)
{
    say((struct record){.type = EVENT_ASSET_OBSERVATION,
                        .asset = str_from(key),
                        .data_version = str_from(version)});
}

static struct stored_asset known(const char *key)
{
    struct stored_asset asset = {0};
    bool found = false;
    store_fixture_flush(&f);
    store_fixture_check(&f,
                        store_find_asset(f.store, str_from(key), &f.arena, &asset, &found, &f.err));
    assert_true(found);
    return asset;
}

static void a_materialization_is_known_with_what_it_was_made_from(void **state)
{
    (void)state;
    const struct asset_input *inputs = NULL;
    size_t count = 0;
    bool found = true;
    struct stored_asset asset;
    store_fixture_check(&f, store_find_asset(f.store, STR("a"), &f.arena, &asset, &found, &f.err));
    assert_false(found);
    store_fixture_check(&f,
                        store_asset_inputs(f.store, STR("a"), &f.arena, &inputs, &count, &f.err));
    assert_int_equal(count, 0);
    make("a", "v1", "{\"b\":\"x\",\"c/d\":\"y\"}");
    asset = known("a");
    assert_text(asset.data_version, "v1");
    assert_text(asset.code_version, "1");
    assert_text(asset.run, "0a1");
    assert_false(asset.is_version_given);
    assert_int_equal(asset.materialized_at.ns, f.now.ns);
    assert_int_equal(asset.materialized_seq, 1);
    assert_int_equal(asset.materializations, 1);
    store_fixture_check(&f,
                        store_asset_inputs(f.store, STR("a"), &f.arena, &inputs, &count, &f.err));
    assert_int_equal(count, 2);
    assert_text(inputs[0].key, "b");
    assert_text(inputs[1].key, "c/d");
    assert_text(inputs[1].data_version, "y");
    say((struct record){.type = EVENT_ASSET_MATERIALIZATION,
                        .asset = STR("a"),
                        .data_version = STR("mine"),
                        .is_version_given = true});
    asset = known("a");
    assert_true(asset.is_version_given);
    assert_text(asset.code_version, "");
    store_fixture_check(&f,
                        store_asset_inputs(f.store, STR("a"), &f.arena, &inputs, &count, &f.err));
    assert_int_equal(count, 0);
}

static void the_later_of_both_is_an_external_assets_version(void **state)
{
    (void)state;
    see("x", "s1");
    struct stored_asset asset = known("x");
    assert_text(stored_asset_version(&asset, true).data_version, "s1");
    assert_true(stored_asset_version(&asset, true).is_given);
    assert_int_equal(stored_asset_version(&asset, false).at.ns, 0); /* it was never made */
    make("x", "m1", "{}");
    asset = known("x");
    assert_text(stored_asset_version(&asset, true).data_version, "m1");
    see("x", "s2");
    asset = known("x");
    assert_text(stored_asset_version(&asset, true).data_version, "s2");
    assert_int_equal(stored_asset_version(&asset, true).at.ns, f.now.ns);
    assert_text(stored_asset_version(&asset, false).data_version, "m1");
}

/* Seen again as it was is no update; made again is one, whatever the version. */
static void only_another_version_makes_an_observation_an_update(void **state)
{
    (void)state;
    static const struct {
        const char *made, *seen;
        int64_t updated; /* the number of the event that is the last update then */
    } steps[] = {{NULL, "", 0},   {NULL, "v1", 2}, {NULL, "v1", 2},
                 {NULL, "v2", 4}, {"v2", NULL, 5}, {NULL, "v2", 5},
                 {NULL, "v1", 7}, {"v1", NULL, 8}, {"v1", NULL, 9}};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        if (steps[i].made != NULL) {
            make("x", steps[i].made, "{}");
        } else {
            see("x", steps[i].seen);
        }
        struct stored_asset asset = known("x");
        assert_int_equal(stored_asset_updated_seq(&asset, true), steps[i].updated);
    }
    struct stored_asset asset = known("x");
    assert_int_equal(stored_asset_updated_seq(&asset, false), 9);
}

/* With a new epoch the numbers of events begin again; what they order must not. */
static void order_survives_a_new_epoch(void **state)
{
    (void)state;
    make("a", "v1", "{}");
    make("b", "v1", "{}");
    make("c", "v1", "{}");
    store_fixture_flush(&f);
    store_fixture_acknowledge(&f, 2);
    assert_int_equal(store_last_order(f.store), 3);
    store_fixture_check(&f, store_begin_epoch(f.store, &f.rng, &f.err));
    assert_int_equal(store_last_seq(f.store), 1);
    assert_int_equal(store_last_order(f.store), 3);
    make("a", "v2", "{}");
    assert_int_equal(known("a").materialized_seq, 4);
    store_fixture_reopen(&f);
    assert_int_equal(store_last_order(f.store), 4);
}

/* --- lists ---------------------------------------------------------------------------------- */

struct list {
    struct buf text;
    int left;
};

static bool on_asset(void *ctx, const struct stored_asset *asset)
{
    struct list *list = ctx;
    buf_addf(&list->text, STR_FMT " ", STR_ARG(asset->key));
    return --list->left > 0;
}

static bool on_open(void *ctx, const struct stored_open *open)
{
    struct list *list = ctx;
    buf_addf(&list->text, STR_FMT "/" STR_FMT "/" STR_FMT " ", STR_ARG(open->asset),
             STR_ARG(open->selection), STR_ARG(open->partition));
    return --list->left > 0;
}

static bool on_check(void *ctx, const struct stored_check *check)
{
    struct list *list = ctx;
    buf_addf(&list->text, STR_FMT "." STR_FMT "=%d ", STR_ARG(check->asset), STR_ARG(check->name),
             check->passed);
    return --list->left > 0;
}

static bool on_cursor(void *ctx, struct str asset, struct str cursor)
{
    struct list *list = ctx;
    buf_addf(&list->text, STR_FMT "=" STR_FMT " ", STR_ARG(asset), STR_ARG(cursor));
    return --list->left > 0;
}

#define assert_list(call, limit, expected)                                                         \
    do {                                                                                           \
        AUTO(buf) text = buf_growing(4096);                                                        \
        struct list list = {text, limit};                                                          \
        store_fixture_check(&f, call);                                                             \
        assert_string_equal(buf_cstr(&list.text), expected);                                       \
        text = list.text;                                                                          \
    } while (0)

static void say_run(const char *run, enum event_type type, const char *keys)
{
    say((struct record){.type = type,
                        .run = str_from(run),
                        .keys = str_from(keys),
                        .selection = STR("group:g"),
                        .partition = STR("p")});
}

static void say_step(const char *run, const char *step, enum event_type type)
{
    say((struct record){
        .type = type, .run = str_from(run), .step = str_from(step), .asset = str_from(step)});
}

static void what_open_runs_have_yet_to_make_is_listed(void **state)
{
    (void)state;
    say_run("0a1", EVENT_RUN_ENQUEUED, "[\"a\",\"b\",\"c\",\"d\"]");
    store_fixture_flush(&f);
    assert_list(store_each_open(f.store, on_open, &list, &f.err), 9, "a//p b//p c//p d//p ");
    say_run("0a1", EVENT_RUN_START, "");
    for (const char *step = "a\0b\0c\0d\0"; *step != '\0'; step += 2) {
        say_step("0a1", step, EVENT_ASSET_MATERIALIZATION_PLANNED);
    }
    say_step("0a1", "a", EVENT_STEP_START);
    say_step("0a1", "a", EVENT_STEP_SUCCESS);
    say_step("0a1", "b", EVENT_STEP_START);
    say_step("0a1", "c", EVENT_STEP_START);
    say_step("0a1", "c", EVENT_STEP_UP_FOR_RETRY);
    say_run("0a2", EVENT_RUN_ENQUEUED, "");
    store_fixture_flush(&f);
    assert_list(store_each_open(f.store, on_open, &list, &f.err), 9, "b//p c//p d//p /group:g/p ");
    assert_list(store_each_open(f.store, on_open, &list, &f.err), 1, "b//p ");
    say_run("0a1", EVENT_RUN_FAILURE, "");
    say_run("0a2", EVENT_RUN_CANCELED, "");
    store_fixture_flush(&f);
    assert_list(store_each_open(f.store, on_open, &list, &f.err), 9, "");
}

static void assets_and_checks_are_listed(void **state)
{
    (void)state;
    make("a", "v", "{}");
    see("b", "v");
    say((struct record){.type = EVENT_ASSET_CHECK_EVALUATION,
                        .asset = STR("b"),
                        .check = STR("y"),
                        .passed = true});
    say((struct record){
        .type = EVENT_ASSET_CHECK_EVALUATION, .asset = STR("a"), .check = STR("z")});
    store_fixture_flush(&f);
    assert_list(store_each_asset(f.store, on_asset, &list, &f.err), 9, "a b ");
    assert_list(store_each_asset(f.store, on_asset, &list, &f.err), 1, "a ");
    assert_list(store_each_check(f.store, on_check, &list, &f.err), 9, "a.z=0 b.y=1 ");
    assert_list(store_each_check(f.store, on_check, &list, &f.err), 1, "a.z=0 ");
}

static void partitions_are_known_one_by_one_and_together(void **state)
{
    (void)state;
    struct stored_slice slice;
    struct stored_slices all;
    store_fixture_check(
        &f, store_find_slice(f.store, STR("a"), STR("2026-01-01"), &f.arena, &slice, &f.err));
    assert_int_equal(slice.materialized_at.ns, 0);
    for (int day = 1; day <= 3; day++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "2026-01-0%d", day);
        say((struct record){.type = day == 3 ? EVENT_ASSET_FAILED_TO_MATERIALIZE
                                             : EVENT_ASSET_MATERIALIZATION,
                            .asset = STR("a"),
                            .run = STR("0a1"),
                            .partition = str_from(key)});
    }
    store_fixture_flush(&f);
    store_fixture_check(
        &f, store_find_slice(f.store, STR("a"), STR("2026-01-01"), &f.arena, &slice, &f.err));
    assert_int_equal(slice.materialized_seq, 1);
    assert_text(slice.run, "0a1");
    store_fixture_check(&f, store_sum_slices(f.store, STR("a"), &all, &f.err));
    assert_int_equal(all.made, 2);
    assert_int_equal(all.failed, 1);
    assert_int_equal(all.materialized_seq, 2);
    assert_int_equal(all.materialized_at.ns, slice.materialized_at.ns + NS_PER_SEC);
    store_fixture_check(&f, store_sum_slices(f.store, STR("b"), &all, &f.err));
    assert_int_equal(all.made + all.failed + all.materialized_seq, 0);
}

/* --- automation ----------------------------------------------------------------------------- */

static void a_cursor_that_is_kept_is_no_event_and_leaves_the_last_request(void **state)
{
    (void)state;
    struct stored_automation a = {0};
    bool found = true;
    store_fixture_check(&f, store_find_automation(f.store, STR("a"), &f.arena, &a, &found, &f.err));
    assert_false(found);
    store_fixture_check(&f, store_keep_automation(f.store, STR("a"), STR("c1"), f.now, &f.err));
    assert_int_equal(store_pending(f.store), 1);
    store_fixture_flush(&f);
    assert_int_equal(store_last_seq(f.store), 0);
    assert_list(store_each_automation(f.store, on_cursor, &list, &f.err), 9, "a=c1 ");
    say((struct record){.type = EVENT_AUTOMATION_EVALUATION,
                        .asset = STR("a"),
                        .run = STR("0a1"),
                        .cursor = STR("c2"),
                        .metadata = STR("{\"true\":true}")});
    struct wall_time requested = f.now;
    f.now.ns += NS_PER_SEC;
    store_fixture_check(&f, store_keep_automation(f.store, STR("a"), STR("c3"), f.now, &f.err));
    store_fixture_check(&f, store_keep_automation(f.store, STR("b"), STR("c4"), f.now, &f.err));
    store_fixture_flush(&f);
    assert_int_equal(store_last_seq(f.store), 1);
    store_fixture_check(&f, store_find_automation(f.store, STR("a"), &f.arena, &a, &found, &f.err));
    assert_true(found);
    assert_text(a.cursor, "c3");
    assert_int_equal(a.evaluated_at.ns, f.now.ns);
    assert_int_equal(a.requested_at.ns, requested.ns);
    assert_text(a.run, "0a1");
    assert_text(a.tree, "{\"true\":true}");
    store_fixture_reopen(&f);
    assert_list(store_each_automation(f.store, on_cursor, &list, &f.err), 9, "a=c3 b=c4 ");
    assert_list(store_each_automation(f.store, on_cursor, &list, &f.err), 1, "a=c3 ");
}

static void room_says_what_still_fits(void **state)
{
    (void)state;
    size_t empty = store_room(f.store);
    int fits = (int)(empty / (STORE_RECORD_BYTES + 2));
    for (int i = 0; i < fits; i++) {
        store_fixture_check(&f, store_keep_automation(f.store, STR("a"), STR("c"), f.now, &f.err));
    }
    assert_true(store_room(f.store) < empty);
    store_fixture_flush(&f);
    assert_int_equal(store_room(f.store), empty);
}

static void inputs_too_long_to_be_told_stay_here(void **state)
{
    (void)state;
    static char text[RECORD_INPUTS_BYTES * 5];
    struct buf inputs = buf_fixed(text, sizeof(text));
    const struct asset_input *read = NULL;
    size_t count = 0;
    buf_add_text(&inputs, "{\"first\":\"v\"");
    for (int i = 0; inputs.len < sizeof(text) - 100; i++) {
        buf_addf(&inputs, ",\"upstream/%d\":\"version %d\"", i, i);
    }
    buf_add_text(&inputs, "}");
    make("a", "v1", buf_cstr(&inputs));
    make("b", "v1", "{\"first\":\"v\"}");
    store_fixture_flush(&f);
    struct store_fixture_event *events = calloc(STORE_FIXTURE_EVENTS, sizeof(*events));
    assert_int_equal(store_fixture_waiting(&f, events), 2);
    assert_null(strstr(events[0].body, "inputs"));
    assert_non_null(strstr(events[1].body, "\"inputs\":{\"first\":\"v\"}"));
    free(events);
    store_fixture_check(&f, store_asset_inputs(f.store, STR("a"), &f.arena, &read, &count, &f.err));
    assert_true(count > 1000);
    assert_text(read[0].key, "first");
}

static void the_command_line_reads_the_same(void **state)
{
    (void)state;
    struct view *view = NULL;
    make("a", "v1", "{}");
    store_fixture_flush(&f);
    store_fixture_check(&f, view_open(&view, f.options.path, &f.err));
    assert_list(store_each_asset(view_store(view), on_asset, &list, &f.err), 9, "a ");
    assert_int_equal(store_last_order(view_store(view)), 1);
    view_close(view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_materialization_is_known_with_what_it_was_made_from,
                                        begin, end),
        cmocka_unit_test_setup_teardown(the_later_of_both_is_an_external_assets_version, begin,
                                        end),
        cmocka_unit_test_setup_teardown(only_another_version_makes_an_observation_an_update, begin,
                                        end),
        cmocka_unit_test_setup_teardown(order_survives_a_new_epoch, begin, end),
        cmocka_unit_test_setup_teardown(what_open_runs_have_yet_to_make_is_listed, begin, end),
        cmocka_unit_test_setup_teardown(assets_and_checks_are_listed, begin, end),
        cmocka_unit_test_setup_teardown(partitions_are_known_one_by_one_and_together, begin, end),
        cmocka_unit_test_setup_teardown(
            a_cursor_that_is_kept_is_no_event_and_leaves_the_last_request, begin, end),
        cmocka_unit_test_setup_teardown(room_says_what_still_fits, begin, end),
        cmocka_unit_test_setup_teardown(inputs_too_long_to_be_told_stay_here, begin, end),
        cmocka_unit_test_setup_teardown(the_command_line_reads_the_same, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
