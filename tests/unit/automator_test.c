/* automator_test.c - what conditions ask for becomes runs, once, by a clock that moves as it is
 * told; the children are real. */
#include "agent/daemon/automator.h"

#include "agent/store/runs.h"
#include "agent/store/versions.h"
#include "runner_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fake_clock.h"
#include <stdio.h>
#include <string.h>

static const char chain[] =
    "assets:\n"
    "  - {key: a, run: [\"true\"]}\n"
    "  - {key: b, run: [\"true\"], deps: [a], automation: eager}\n"
    "  - {key: c, run: [\"true\"], deps: [b], automation: eager}\n"
    "  - {key: hourly, run: [\"true\"], deps: [a], automation: {on_cron: \"0 * * * *\"}}\n";

static struct runner_world w;
static struct fake_clock now;
static struct automator *automator;
static struct power_vfs *vfs;

static void on_materialized(void *ctx, struct str asset, struct str run)
{
    (void)ctx;
    (void)asset;
    (void)run;
    if (automator != NULL) {
        automator_wake(automator);
    }
}

static void open_automator(void)
{
    runner_world_check(
        &w, automator_open(&automator, w.loop, w.fixture.store, w.runner, w.loaded.defs, &w.err));
    automator_start(automator);
}

static void close_automator(void)
{
    automator_close(automator);
    automator = NULL;
}

/* As if the agent had been killed and started again. */
static void restart(void)
{
    close_automator();
    runner_world_reopen(&w);
    open_automator();
}

static void begin_with(const char *definitions)
{
    now = (struct fake_clock){.mono = {NS_PER_SEC}, .wall = {INT64_C(1795000000) * NS_PER_SEC}};
    runner_world_init_at(&w, definitions, fake_clock_port(&now));
    w.options.on_materialized = on_materialized;
    w.options.runs_max = 4;
    w.options.steps_max = 4;
    runner_world_reopen(&w);
    open_automator();
}

static int begin(void **state)
{
    (void)state;
    begin_with(chain);
    return 0;
}

static int end(void **state)
{
    (void)state;
    close_automator();
    runner_world_release(&w);
    return 0;
}

/* Until nothing has gone on for longer than there is between two ticks. */
static void settle(void)
{
    int turns = 0;
    for (int idle = 0; idle < 8; idle++) {
        assert_true(turns++ < 100000);
        fake_clock_advance(&now, NS_PER_SEC);
        bool is_running = runner_active_steps(w.runner) > 0;
        runner_world_check(&w, loop_turn(w.loop, is_running ? NS_PER_MS : 0, &w.err));
        if (runner_active_runs(w.runner) + runner_queued_runs(w.runner) > 0) {
            idle = 0;
        }
    }
}

static void make(const char *key)
{
    struct record made = {
        .type = EVENT_ASSET_MATERIALIZATION, .at = now.wall, .asset = str_from(key)};
    runner_world_check(&w, runner_record(w.runner, &made, &w.err));
}

static int made(const char *key)
{
    return runner_world_events(&w, EVENT_ASSET_MATERIALIZATION, key);
}

static int asked(const char *key)
{
    return runner_world_events(&w, EVENT_AUTOMATION_EVALUATION, key);
}

static int runs(void)
{
    return runner_world_events(&w, EVENT_RUN_ENQUEUED, NULL);
}

static void a_chain_lands_in_one_run(void **state)
{
    (void)state;
    make("a");
    settle();
    assert_int_equal(runs(), 0); /* the first evaluation asks for nothing */
    make("a");
    settle();
    assert_int_equal(runs(), 1);
    assert_int_equal(w.ended, 1);
    assert_int_equal(w.state, RUN_SUCCESS);
    assert_int_equal(made("b"), 1);
    assert_int_equal(made("c"), 1);
    assert_int_equal(asked("b"), 1);
    assert_int_equal(asked("c"), 1);
    AUTO(arena) arena = arena_new(1 << 20);
    struct stored_run run;
    struct stored_automation why;
    bool found = false;
    runner_world_check(
        &w, store_load_run(w.fixture.store, str_from(w.ends[0]), &arena, &run, &found, &w.err));
    assert_true(found && str_eq(run.cause, STR("automation")));
    assert_true(str_eq(run.tags, STR("{\"dagster/from_automation_condition\":\"true\"}")));
    assert_true(str_eq(run.selection, STR("b or c")));
    runner_world_check(
        &w, store_find_automation(w.fixture.store, STR("c"), &arena, &why, &found, &w.err));
    assert_true(str_eq(why.run, str_from(w.ends[0])));
    assert_true(
        str_contains(why.tree, STR("\"label\":\"eager\",\"operator\":\"and\",\"true\":true")));
}

static void each_update_asks_once_also_while_a_run_goes_on(void **state)
{
    (void)state;
    settle();
    for (int i = 1; i <= 3; i++) {
        make("a");
        settle();
        assert_int_equal(runs(), i);
        assert_int_equal(made("c"), i);
    }
    for (int i = 0; i < 3; i++) { /* within a second: one run */
        make("a");
    }
    settle();
    assert_int_equal(runs(), 4);
    restart();
    settle();
    assert_int_equal(runs(), 4);
}

/* An update every 0.3 s, some of them not yet durable when a tick comes, and b made at once: it is
 * asked for every three seconds. */
static void however_often_something_happens_it_ticks_now_and_then(void **state)
{
    (void)state;
    settle();
    for (int i = 0; i < 100; i++) {
        make("a");
        do {
            runner_world_check(&w, loop_turn(w.loop, NS_PER_MS, &w.err));
        } while (runner_active_runs(w.runner) + runner_queued_runs(w.runner) > 0);
        fake_clock_advance(&now, 300 * NS_PER_MS);
        runner_world_check(&w, loop_turn(w.loop, 0, &w.err));
    }
    assert_in_range(runs(), 7, 11);
    settle();
    assert_int_equal(w.state, RUN_SUCCESS);
}

static void an_idle_device_writes_nothing(void **state)
{
    (void)state;
    make("a");
    settle();
    make("a");
    settle();
    int64_t seq = store_last_seq(w.fixture.store);
    AUTO(arena) arena = arena_new(1 << 20);
    struct stored_automation before;
    struct stored_automation after;
    bool found = false;
    runner_world_check(
        &w, store_find_automation(w.fixture.store, STR("b"), &arena, &before, &found, &w.err));
    for (int i = 0; i < 20; i++) {
        automator_wake(automator);
        settle();
        assert_int_equal(store_pending(w.fixture.store), 0);
    }
    runner_world_check(
        &w, store_find_automation(w.fixture.store, STR("b"), &arena, &after, &found, &w.err));
    assert_int_equal(store_last_seq(w.fixture.store), seq);
    assert_int_equal(before.evaluated_at.ns, after.evaluated_at.ns);
}

static void on_cron_comes_with_its_tick(void **state)
{
    (void)state;
    settle();
    fake_clock_advance(&now, 3200 * NS_PER_SEC); /* 12:00 */
    settle();
    assert_int_equal(made("hourly"), 0); /* a was not made since */
    make("a");
    settle();
    assert_int_equal(made("hourly"), 1);
    fake_clock_advance(&now, 3600 * NS_PER_SEC);
    settle();
    restart();
    settle();
    assert_int_equal(made("hourly"), 1);
    make("a");
    settle();
    assert_int_equal(made("hourly"), 2);
    make("a");
    settle();
    assert_int_equal(made("hourly"), 2);
}

static void what_happened_while_it_was_paused_is_asked_for_once(void **state)
{
    (void)state;
    settle();
    runner_world_check(&w, automator_pause(automator, true, STR_NONE, &w.err));
    for (int i = 0; i < 5; i++) {
        make("a");
        settle();
    }
    assert_int_equal(runs(), 0);
    restart();
    assert_true(automator_is_paused(automator));
    make("a");
    settle();
    assert_int_equal(runs(), 0);
    runner_world_check(&w, automator_pause(automator, false, STR_NONE, &w.err));
    settle();
    assert_int_equal(runs(), 1);
    assert_int_equal(made("b"), 1);
    assert_int_equal(made("c"), 1);
    restart();
    assert_false(automator_is_paused(automator));
    settle();
    assert_int_equal(runs(), 1);
    assert_int_equal(runner_world_events(&w, EVENT_INSTIGATOR, NULL), 2);
}

static void without_a_clock_nothing_is_asked_for(void **state)
{
    (void)state;
    settle();
    fake_clock_step_wall(&now, -INT64_C(1790000000) * NS_PER_SEC);
    make("a");
    settle();
    assert_int_equal(runs(), 0);
    fake_clock_step_wall(&now, INT64_C(1790000000) * NS_PER_SEC);
    automator_clock_stepped(automator);
    settle();
    assert_int_equal(runs(), 1);
}

static void a_failed_run_is_not_asked_for_again(void **state)
{
    (void)state;
    end(NULL);
    begin_with("assets:\n"
               "  - {key: a, run: [\"true\"]}\n"
               "  - {key: b, run: [\"false\"], deps: [a], automation: eager}\n");
    settle();
    make("a");
    settle();
    assert_int_equal(runs(), 1);
    assert_int_equal(w.state, RUN_FAILURE);
    settle();
    make("a"); /* as in Dagster: the next update tries it again */
    settle();
    assert_int_equal(runs(), 2);
}

/* More than one run takes: the rest comes with the next, each asset once. */
static void many_assets_are_asked_for_in_several_runs(void **state)
{
    (void)state;
    enum { MANY = 700 };
    AUTO(buf) text = buf_growing(1 << 20);
    end(NULL);
    buf_add_text(&text, "assets:\n  - {key: a, run: [\"true\"]}\n");
    for (int i = 0; i < MANY; i++) {
        buf_addf(&text, "  - {key: b%d, run: [\"true\"], deps: [a], automation: eager}\n", i);
    }
    begin_with(buf_cstr(&text));
    w.options.steps_max = 1;
    restart();
    settle();
    make("a");
    for (int i = 0; runs() < 2; i++) { /* they are not waited for */
        assert_true(i < 1000);
        fake_clock_advance(&now, NS_PER_SEC);
        runner_world_check(&w, loop_turn(w.loop, 0, &w.err));
    }
    for (int i = 0; i < 20; i++) {
        fake_clock_advance(&now, NS_PER_SEC);
        runner_world_check(&w, loop_turn(w.loop, 0, &w.err));
    }
    assert_int_equal(runs(), 2);
    assert_int_equal(runner_world_events(&w, EVENT_AUTOMATION_EVALUATION, NULL), MANY);
    assert_int_equal(asked("b0"), 1);
    assert_int_equal(asked("b699"), 1);
}

/* --- what goes wrong ------------------------------------------------------------------------ */

static void begin_on_power_disk(void)
{
    vfs = power_vfs_new("automator", 1);
    begin_with("assets:\n"
               "  - {key: a, run: [\"true\"]}\n"
               "  - {key: b, run: [\"true\"], deps: [a], automation: eager}\n");
    close_automator();
    w.fixture.options.vfs = "automator";
    w.fixture.options.path = "agent.db";
    runner_world_reopen(&w);
    open_automator();
    settle();
}

static void end_on_power_disk(void)
{
    end(NULL);
    power_vfs_free(vfs);
}

/* The power is cut at each sync in turn, while a was made, b is asked for and made: whatever was
 * durable then, b is made from it, and no update asks twice. */
static void a_power_cut_loses_no_request_and_doubles_none(void **state)
{
    (void)state;
    bool has_happened = true;
    int cuts = 0;
    end(NULL);
    for (int nth = 0; has_happened; nth++) {
        begin_on_power_disk();
        make("a");
        power_vfs_arm(vfs, POWER_SYNC, nth, POWER_CUT);
        for (int i = 0; i < 60; i++) {
            fake_clock_advance(&now, NS_PER_SEC);
            runner_world_check(&w, loop_turn(w.loop, NS_PER_MS, &w.err));
        }
        has_happened = power_vfs_disarm(vfs);
        cuts += has_happened;
        close_automator();
        runner_close(w.runner);
        w.runner = NULL;
        store_fixture_close(&w.fixture);
        power_vfs_reboot(vfs, (uint64_t)nth);
        store_fixture_open(&w.fixture);
        w.options.store = w.fixture.store;
        runner_world_check(&w, runner_open(&w.runner, &w.options, &w.err));
        open_automator();
        settle();
        assert_int_equal(asked("b"), made("a")); /* 0 when a itself was not durable */
        assert_true(made("b") >= made("a"));     /* interrupted runs are made again */
        end_on_power_disk();
    }
    assert_true(cuts >= 3);
    begin(NULL);
}

/* A full disk holds up the request; it is made when there is room, and once. */
static void a_full_disk_holds_it_up(void **state)
{
    (void)state;
    end(NULL);
    begin_on_power_disk();
    make("a");
    for (int i = 0; made("a") == 0; i++) {
        assert_true(i < 100);
        fake_clock_advance(&now, NS_PER_SEC / 4);
        runner_world_check(&w, loop_turn(w.loop, 0, &w.err));
    }
    power_vfs_limit(vfs, 1);
    for (int i = 0; i < 60; i++) {
        fake_clock_advance(&now, NS_PER_SEC);
        runner_world_check(&w, loop_turn(w.loop, 0, &w.err));
    }
    assert_int_equal(runs(), 0);
    assert_true(store_pending(w.fixture.store) > 0);
    power_vfs_limit(vfs, 0);
    settle();
    assert_int_equal(runs(), 1);
    assert_int_equal(asked("b"), 1);
    assert_int_equal(made("b"), 1);
    end_on_power_disk();
    begin(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_chain_lands_in_one_run),
        TEST(each_update_asks_once_also_while_a_run_goes_on),
        TEST(however_often_something_happens_it_ticks_now_and_then),
        TEST(an_idle_device_writes_nothing),
        TEST(on_cron_comes_with_its_tick),
        TEST(what_happened_while_it_was_paused_is_asked_for_once),
        TEST(without_a_clock_nothing_is_asked_for),
        TEST(a_failed_run_is_not_asked_for_again),
        TEST(many_assets_are_asked_for_in_several_runs),
        TEST(a_power_cut_loses_no_request_and_doubles_none),
        TEST(a_full_disk_holds_it_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
