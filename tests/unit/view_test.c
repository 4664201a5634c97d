#include "agent/store/view.h"

#include "store_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <stdio.h>
#include <string.h>

static struct temp_dir dir;
static struct store_fixture f;
static struct view *view;

static void say(struct record r)
{
    f.now.ns += NS_PER_SEC;
    r.at = f.now;
    store_fixture_say(&f, &r);
}

static void say_step(const char *run, const char *asset, enum event_type type, int64_t attempt)
{
    say((struct record){.type = type,
                        .run = str_from(run),
                        .step = str_from(asset),
                        .asset = str_from(asset),
                        .attempt = attempt,
                        .error_message = type == EVENT_STEP_FAILURE ? STR("no disk") : STR_NONE,
                        .reason = type == EVENT_STEP_SKIPPED ? STR("upstream") : STR_NONE});
}

static void say_run(const char *run, enum event_type type)
{
    say((struct record){.type = type,
                        .run = str_from(run),
                        .job = STR("nightly"),
                        .cause = STR("schedule"),
                        .cause_name = STR("at night"),
                        .selection = STR("*"),
                        .steps = 2,
                        .error_message = type == EVENT_RUN_FAILURE ? STR("b failed") : STR_NONE});
}

/* Three runs: 0a1 fails, 0a2 succeeds, 0b3 goes on. */
static void tell(void)
{
    say_run("0a1", EVENT_RUN_ENQUEUED);
    say_run("0a1", EVENT_RUN_START);
    say_step("0a1", "b", EVENT_STEP_START, 1);
    say_step("0a1", "b", EVENT_STEP_UP_FOR_RETRY, 1);
    say((struct record){.type = EVENT_DEVICE}); /* of no run, in between */
    say_step("0a1", "b", EVENT_STEP_RESTARTED, 2);
    say_step("0a1", "b", EVENT_STEP_FAILURE, 2);
    say((struct record){.type = EVENT_ASSET_FAILED_TO_MATERIALIZE,
                        .run = STR("0a1"),
                        .asset = STR("b"),
                        .error_message = STR("no disk")});
    say_step("0a1", "c", EVENT_STEP_SKIPPED, 0);
    say_run("0a1", EVENT_RUN_FAILURE);
    for (int i = 0; i < 2; i++) {
        const char *run = i == 0 ? "0a2" : "0b3";
        say_run(run, EVENT_RUN_ENQUEUED);
        say_run(run, EVENT_RUN_START);
        say_step(run, "a", EVENT_STEP_START, 1);
        say((struct record){.type = EVENT_ASSET_MATERIALIZATION,
                            .run = str_from(run),
                            .asset = STR("a"),
                            .metadata = i == 0 ? STR("{\"rows\":5}") : STR_NONE});
        say_step(run, "a", EVENT_STEP_SUCCESS, 1);
    }
    say_run("0a2", EVENT_RUN_SUCCESS);
    store_fixture_flush(&f);
}

static int begin(void **state)
{
    (void)state;
    struct err err = {0};
    dir = temp_dir_new();
    store_fixture_init(&f, temp_dir_path(&dir, "agent.db"), NULL);
    store_fixture_open(&f);
    tell();
    return view_open(&view, f.options.path, &err) ? 0 : -1; /* the daemon still has it open */
}

static int end(void **state)
{
    (void)state;
    view_close(view);
    store_fixture_close(&f);
    temp_dir_release(&dir);
    return 0;
}

/* --- collecting --------------------------------------------------------------------------- */

struct list {
    struct buf text;
    int left; /* before the callback says that it is enough */
};

static bool take(struct list *list, const char *name, struct str value)
{
    buf_addf(&list->text, "%s" STR_FMT " ", name, STR_ARG(value));
    return --list->left > 0;
}

static bool on_run(void *ctx, const struct view_run *run)
{
    struct list *list = ctx;
    buf_addf(&list->text, STR_FMT ":%lld/%lld/%lld:", STR_ARG(run->status), (long long)run->steps,
             (long long)run->succeeded, (long long)run->failed);
    return take(list, "", run->id);
}

static const char *runs(struct list *list, struct str status, struct str asset, int64_t limit)
{
    struct err err = {0};
    struct view_run_filter filter = {.status = status, .asset = asset, .limit = limit};
    buf_reset(&list->text);
    if (!view_runs(view, &filter, on_run, list, &err)) {
        fail_msg("%s", err.msg);
    }
    return buf_cstr(&list->text);
}

static void runs_are_listed_newest_first(void **state)
{
    (void)state;
    struct list list = {.text = buf_growing(4096), .left = 100};
    const char *all = "started:2/1/0:0b3 success:2/1/0:0a2 failure:2/0/1:0a1 ";
    assert_string_equal(runs(&list, STR_NONE, STR_NONE, 10), all);
    assert_string_equal(runs(&list, STR_NONE, STR_NONE, 1), "started:2/1/0:0b3 ");
    assert_string_equal(runs(&list, STR("failure"), STR_NONE, 10), "failure:2/0/1:0a1 ");
    assert_string_equal(runs(&list, STR_NONE, STR("c"), 10), "failure:2/0/1:0a1 ");
    assert_string_equal(runs(&list, STR("success"), STR("a"), 10), "success:2/1/0:0a2 ");
    assert_string_equal(runs(&list, STR_NONE, STR("none"), 10), "");
    list.left = 2;
    assert_string_equal(runs(&list, STR_NONE, STR_NONE, 10),
                        "started:2/1/0:0b3 success:2/1/0:0a2 ");
    buf_release(&list.text);
}

static struct view_run_span find(const char *prefix)
{
    struct err err = {0};
    struct view_run_span span = {0};
    if (!view_find_run(view, str_from(prefix), &span, &err)) {
        fail_msg("%s", err.msg);
    }
    return span;
}

static void a_run_is_found_by_the_beginning_of_its_id(void **state)
{
    (void)state;
    assert_string_equal(find("0b").id, "0b3");
    assert_string_equal(find("0a2").id, "0a2");
    assert_string_equal(find("").id, "0b3");
    struct view_run_span span = find("0a1");
    assert_string_equal(span.status, "failure");
    assert_string_equal(span.error, "b failed");
    assert_int_equal(span.first_seq, 1);
    assert_int_equal(span.last_seq, 10);
    assert_int_equal(span.steps, 2);
    struct err err = {0};
    assert_false(view_find_run(view, STR("0a"), &span, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_false(view_find_run(view, STR("7"), &span, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.hint, "selvedge-agent runs"));
}

static bool on_step(void *ctx, const struct view_step *step)
{
    struct list *list = ctx;
    buf_addf(&list->text, STR_FMT ":" STR_FMT ":%lld:", STR_ARG(step->asset), STR_ARG(step->status),
             (long long)step->attempt);
    return take(list, "", step->error);
}

static void steps_show_their_last_attempt(void **state)
{
    (void)state;
    struct err err = {0};
    struct list list = {.text = buf_growing(4096), .left = 100};
    assert_true(view_steps(view, STR("0a1"), on_step, &list, &err));
    assert_string_equal(buf_cstr(&list.text), "b:failure:2:no disk c:skipped:0:upstream ");
    buf_reset(&list.text);
    list.left = 1;
    assert_true(view_steps(view, STR("0a1"), on_step, &list, &err));
    assert_string_equal(buf_cstr(&list.text), "b:failure:2:no disk ");
    buf_release(&list.text);
}

static bool on_event(void *ctx, struct str line)
{
    struct err err = {0};
    struct event event;
    assert_true(event_parse(line, &event, &err));
    struct list *list = ctx;
    buf_addf(&list->text, "%lld:", (long long)event.seq);
    return take(list, "", event.type_name);
}

static void the_events_of_a_run_are_its_own(void **state)
{
    (void)state;
    struct err err = {0};
    struct list list = {.text = buf_growing(4096), .left = 100};
    struct view_run_span span = find("0a1");
    assert_true(view_events(view, &span, on_event, &list, &err));
    assert_string_equal(buf_cstr(&list.text),
                        "1:run_enqueued 2:run_start 3:step_start 4:step_up_for_retry "
                        "6:step_restarted 7:step_failure 8:asset_failed_to_materialize "
                        "9:step_skipped 10:run_failure ");
    buf_reset(&list.text);
    span = find("0b3"); /* still going on: up to the newest event */
    assert_true(view_events(view, &span, on_event, &list, &err));
    assert_non_null(strstr(buf_cstr(&list.text), "20:step_success"));
    buf_reset(&list.text);
    list.left = 1;
    assert_true(view_events(view, &span, on_event, &list, &err));
    assert_string_equal(buf_cstr(&list.text), "16:run_enqueued ");
    buf_release(&list.text);
}

static void many_events_are_read_in_pages(void **state)
{
    (void)state;
    struct err err = {0};
    struct list list = {.text = buf_growing(1 << 20), .left = INT32_MAX};
    for (int i = 0; i < 500; i++) {
        say_step("0b3", "a", EVENT_STEP_RESTARTED, i);
    }
    store_fixture_flush(&f);
    struct view_run_span span = find("0b3");
    assert_true(view_events(view, &span, on_event, &list, &err));
    assert_int_equal(INT32_MAX - list.left, 505);
    buf_release(&list.text);
}

static void what_waits_is_behind_the_acknowledgement(void **state)
{
    (void)state;
    struct err err = {0};
    struct list list = {.text = buf_growing(4096), .left = 100};
    store_fixture_acknowledge(&f, 18);
    view_close(view);
    assert_true(view_open(&view, f.options.path, &err));
    assert_true(view_waiting(view, 100, on_event, &list, &err));
    assert_string_equal(buf_cstr(&list.text),
                        "19:asset_materialization 20:step_success 21:run_success ");
    buf_reset(&list.text);
    assert_true(view_waiting(view, 2, on_event, &list, &err));
    assert_string_equal(buf_cstr(&list.text), "19:asset_materialization 20:step_success ");
    struct store_position position = {0};
    assert_true(view_position(view, &position, &err));
    assert_int_equal(position.acked_seq, 18);
    assert_int_equal(position.waiting_events, 3);
    buf_release(&list.text);
}

static void an_asset_shows_its_latest_state(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(arena) arena = arena_new(1 << 16);
    struct view_asset asset = {0};
    bool found = false;
    assert_true(view_asset(view, STR("a"), &arena, &asset, &found, &err));
    assert_true(found);
    assert_int_equal(asset.materializations, 2);
    assert_true(str_eq(asset.run, STR("0b3")));
    assert_true(str_eq(asset.metadata, STR("{}")));
    assert_int_equal(asset.failed_at.ns, 0);
    assert_true(view_asset(view, STR("b"), &arena, &asset, &found, &err));
    assert_true(found);
    assert_int_equal(asset.materializations, 0);
    assert_int_equal(asset.materialized_at.ns, 0);
    assert_true(asset.failed_at.ns > 0);
    assert_true(str_eq(asset.error, STR("no disk")));
    assert_true(view_asset(view, STR("nope"), &arena, &asset, &found, &err));
    assert_false(found);
}

static void a_device_that_never_ran_says_so(void **state)
{
    (void)state;
    struct err err = {0};
    struct view *none = NULL;
    AUTO(temp_dir) empty = temp_dir_new();
    assert_false(view_open(&none, temp_dir_path(&empty, "agent.db"), &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.hint, "--state-dir"));

    struct store_fixture g;
    store_fixture_init(&g, temp_dir_path(&empty, "agent.db"), NULL);
    store_fixture_open(&g);
    assert_true(view_open(&none, g.options.path, &err));
    struct view_run_span span;
    assert_false(view_find_run(none, STR_NONE, &span, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.msg, "no run yet");
    view_close(none);
    store_fixture_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_are_listed_newest_first, begin, end),
        cmocka_unit_test_setup_teardown(a_run_is_found_by_the_beginning_of_its_id, begin, end),
        cmocka_unit_test_setup_teardown(steps_show_their_last_attempt, begin, end),
        cmocka_unit_test_setup_teardown(the_events_of_a_run_are_its_own, begin, end),
        cmocka_unit_test_setup_teardown(many_events_are_read_in_pages, begin, end),
        cmocka_unit_test_setup_teardown(what_waits_is_behind_the_acknowledgement, begin, end),
        cmocka_unit_test_setup_teardown(an_asset_shows_its_latest_state, begin, end),
        cmocka_unit_test(a_device_that_never_ran_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
