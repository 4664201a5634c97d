/* asset_watch_test.c - freshness and automation wait while the clock is not to be trusted. */
#include "agent/daemon/asset_watch.h"

#include "runner_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fake_clock.h"

#define NOW_S   INT64_C(1795000000) /* 2026-11-18T11:06:40Z */
#define BUILT_S INT64_C(1790000000)

static struct runner_world w;
static struct fake_clock now;
static struct asset_watch watch;
static bool synced;

static bool is_synced(void)
{
    return synced;
}

static void on_materialized(void *ctx, struct str asset, struct str run)
{
    (void)ctx;
    (void)run;
    asset_watch_made(&watch, asset);
}

static void open_watch(bool requires_sync)
{
    const struct asset_watch_options options = {
        .loop = w.loop,
        .store = w.fixture.store,
        .runner = w.runner,
        .defs = w.loaded.defs,
        .clock = {.built = {BUILT_S * NS_PER_SEC}, .requires_sync = requires_sync},
        .is_synced = is_synced};
    runner_world_check(&w, asset_watch_open(&watch, &options, &w.err));
}

static int begin(void **state)
{
    (void)state;
    now = (struct fake_clock){.mono = {NS_PER_SEC}, .wall = {NOW_S * NS_PER_SEC}};
    synced = false;
    runner_world_init_at(&w,
                         "assets:\n"
                         "  - {key: a, run: [\"true\"], freshness: {fail_after: 20m}}\n"
                         "  - {key: b, run: [\"true\"], deps: [a], automation: eager}\n",
                         fake_clock_port(&now));
    w.options.on_materialized = on_materialized;
    runner_world_reopen(&w);
    return 0;
}

static int end(void **state)
{
    (void)state;
    asset_watch_close(&watch);
    runner_world_release(&w);
    return 0;
}

static void settle(int seconds)
{
    for (int i = 0; i < seconds || runner_active_runs(w.runner) > 0; i++) {
        assert_true(i < 100000);
        fake_clock_advance(&now, NS_PER_SEC);
        runner_world_check(
            &w, loop_turn(w.loop, runner_active_steps(w.runner) > 0 ? NS_PER_MS : 0, &w.err));
    }
}

static void make(const char *key)
{
    struct record made = {
        .type = EVENT_ASSET_MATERIALIZATION, .at = now.wall, .asset = str_from(key)};
    runner_world_check(&w, runner_record(w.runner, &made, &w.err));
    settle(8);
}

static int changes(void)
{
    return runner_world_events(&w, EVENT_FRESHNESS_STATE_CHANGE, NULL);
}

static int requests(void)
{
    return runner_world_events(&w, EVENT_AUTOMATION_EVALUATION, NULL);
}

static void a_right_clock_holds_nothing_up(void **state)
{
    (void)state;
    open_watch(false);
    asset_watch_start(&watch);
    settle(8);
    make("a");
    assert_int_equal(changes(), 1);
    assert_int_equal(requests(), 1);
    asset_watch_stop(&watch);
    make("a");
    settle(60);
    assert_int_equal(requests(), 1);
}

static void it_waits_until_the_clock_is_synchronized(void **state)
{
    (void)state;
    open_watch(true);
    asset_watch_start(&watch);
    make("a");
    settle(60);
    assert_int_equal(changes() + requests(), 0);
    synced = true;
    settle(20);
    assert_int_equal(changes(), 1); /* what happened meanwhile is found */
    make("a");
    assert_int_equal(requests(), 1);
    synced = false; /* once is enough */
    make("a");
    assert_int_equal(requests(), 2);
}

static void a_clock_that_is_set_back_too_far_holds_it_again(void **state)
{
    (void)state;
    open_watch(false);
    asset_watch_start(&watch);
    settle(8);
    make("a");
    assert_int_equal(requests(), 1);
    fake_clock_step_wall(&now, (BUILT_S - NOW_S - 86400) * NS_PER_SEC);
    asset_watch_clock_stepped(&watch);
    make("a");
    settle(60);
    assert_int_equal(requests(), 1);
    fake_clock_step_wall(&now, (NOW_S - BUILT_S + 86400) * NS_PER_SEC);
    asset_watch_clock_stepped(&watch);
    settle(8);
    assert_int_equal(requests(), 2);
}

/* As a reload does it: a new one is opened beside, moved into place, and started there. */
static void it_may_be_moved_before_it_is_started(void **state)
{
    (void)state;
    open_watch(true);
    asset_watch_start(&watch);
    struct asset_watch old = {0};
    struct asset_watch next;
    const struct asset_watch_options options = watch.options;
    runner_world_check(&w, asset_watch_open(&next, &options, &w.err));
    asset_watch_close(&watch);
    watch = next;
    asset_watch_start(&watch);
    make("a");
    synced = true;
    settle(20);
    assert_int_equal(changes(), 1);
    asset_watch_close(&old); /* never opened */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_right_clock_holds_nothing_up, begin, end),
        cmocka_unit_test_setup_teardown(it_waits_until_the_clock_is_synchronized, begin, end),
        cmocka_unit_test_setup_teardown(a_clock_that_is_set_back_too_far_holds_it_again, begin,
                                        end),
        cmocka_unit_test_setup_teardown(it_may_be_moved_before_it_is_started, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
