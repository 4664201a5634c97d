/* freshness_watch_test.c - when changes of freshness are told, by a clock that moves as it is told. */
#include "agent/daemon/freshness_watch.h"

#include "agent/store/versions.h"
#include "runner_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fake_clock.h"
#include <stdio.h>
#include <string.h>

#define MINUTE (60 * NS_PER_SEC)

static const char definitions[] =
    "assets:\n"
    "  - {key: a, run: [\"true\"], freshness: {warn_after: 10m, fail_after: 20m}}\n"
    "  - {key: b, run: [\"true\"], freshness: {fail_after: 30m}}\n"
    "  - {key: c, run: [\"true\"], freshness: {cron: \"0 12 * * *\", lower_bound: 1h}}\n"
    "  - {key: d, run: [\"true\"]}\n";

static struct runner_world w;
static struct fake_clock now;
static struct freshness_watch *watch;

static void on_materialized(void *ctx, struct str asset, struct str run)
{
    (void)ctx;
    (void)run;
    if (watch != NULL) {
        freshness_watch_made(watch, asset);
    }
}

static void open_watch(void)
{
    runner_world_check(
        &w, freshness_watch_open(&watch, w.loop, w.fixture.store, w.runner, w.loaded.defs, &w.err));
}

static void begin_at(int64_t wall_s)
{
    now = (struct fake_clock){.mono = {NS_PER_SEC}, .wall = {wall_s * NS_PER_SEC}};
    runner_world_init_at(&w, definitions, fake_clock_port(&now));
    w.options.on_materialized = on_materialized;
    runner_world_reopen(&w);
    open_watch();
}

static int begin(void **state)
{
    (void)state;
    begin_at(1795000000); /* 2026-11-18T11:06:40Z */
    return 0;
}

static int end(void **state)
{
    (void)state;
    freshness_watch_close(watch);
    watch = NULL;
    runner_world_release(&w);
    return 0;
}

/* Until all that is due is done and durable; nothing waits for a child here. */
static void settle(void)
{
    for (int i = 0; i < 5; i++) {
        fake_clock_advance(&now, NS_PER_SEC);
        runner_world_check(&w, loop_turn(w.loop, 0, &w.err));
    }
}

static void advance(int64_t ns)
{
    fake_clock_advance(&now, ns);
    settle();
}

static void make(const char *key)
{
    struct record made = {
        .type = EVENT_ASSET_MATERIALIZATION, .at = now.wall, .asset = str_from(key)};
    runner_world_check(&w, runner_record(w.runner, &made, &w.err));
    settle();
}

static bool add_state(void *ctx, const struct stored_asset *asset)
{
    if (!str_is_empty(asset->freshness)) {
        buf_addf(ctx, STR_FMT "=" STR_FMT " ", STR_ARG(asset->key), STR_ARG(asset->freshness));
    }
    return true;
}

/* What was told last of each, and how many changes in all. */
static const char *told(void)
{
    static char text[512];
    struct buf out = buf_fixed(text, sizeof(text));
    runner_world_check(&w, store_each_asset(w.fixture.store, add_state, &out, &w.err));
    buf_addf(&out, "%d", runner_world_events(&w, EVENT_FRESHNESS_STATE_CHANGE, NULL));
    return buf_cstr(&out);
}

static void every_change_is_told_once_and_when_it_comes(void **state)
{
    (void)state;
    freshness_watch_start(watch);
    settle();
    assert_string_equal(told(), "0"); /* never made: unknown, as everybody takes it to be */
    make("a");
    make("d");
    assert_string_equal(told(), "a=pass 1");
    advance(9 * MINUTE);
    make("a");
    advance(9 * MINUTE);
    assert_string_equal(told(), "a=pass 1"); /* passes on */
    advance(MINUTE);
    assert_string_equal(told(), "a=warn 2");
    advance(10 * MINUTE);
    assert_string_equal(told(), "a=fail 3");
    advance(1000 * MINUTE);
    assert_string_equal(told(), "a=fail 3");
    make("a");
    make("b");
    assert_string_equal(told(), "a=pass b=pass 5");
    advance(30 * MINUTE); /* both of a's changes are past: only where it stands is told */
    assert_string_equal(told(), "a=fail b=fail 7");
}

static void a_deadline_is_kept_or_missed(void **state)
{
    (void)state;
    freshness_watch_start(watch);
    make("c"); /* 11:06 is within the hour before noon */
    assert_string_equal(told(), "c=pass 1");
    advance(60 * MINUTE);
    assert_string_equal(told(), "c=pass 1");
    advance(INT64_C(24) * 60 * MINUTE);
    assert_string_equal(told(), "c=fail 2");
    make("c");
    assert_string_equal(told(), "c=pass 3");
}

static void a_restart_tells_nothing_twice_and_what_was_missed(void **state)
{
    (void)state;
    freshness_watch_start(watch);
    make("a");
    make("b");
    freshness_watch_close(watch);
    watch = NULL;
    runner_world_reopen(&w);
    open_watch();
    freshness_watch_start(watch);
    settle();
    assert_string_equal(told(), "a=pass b=pass 2");
    freshness_watch_close(watch);
    watch = NULL;
    runner_world_reopen(&w);
    advance(15 * MINUTE); /* nobody is there */
    open_watch();
    freshness_watch_start(watch);
    settle();
    assert_string_equal(told(), "a=warn b=pass 3");
}

/* The change was recorded but not yet durable when the agent died. */
static void what_was_not_durable_is_told_again(void **state)
{
    (void)state;
    freshness_watch_start(watch);
    make("a");
    fake_clock_advance(&now, 10 * MINUTE);
    runner_world_check(&w, loop_turn(w.loop, 0, &w.err));
    assert_int_equal(store_pending(w.fixture.store), 1);
    freshness_watch_close(watch);
    watch = NULL;
    runner_world_reopen(&w);
    assert_string_equal(told(), "a=pass 1");
    open_watch();
    freshness_watch_start(watch);
    settle();
    assert_string_equal(told(), "a=warn 2");
}

static void without_a_clock_nothing_is_looked_at(void **state)
{
    (void)state;
    begin_at(100);
    freshness_watch_start(watch);
    make("a");
    advance(60 * MINUTE);
    assert_string_equal(told(), "0");
    fake_clock_step_wall(&now, INT64_C(1795000000) * NS_PER_SEC);
    freshness_watch_clock_stepped(watch);
    settle();
    assert_string_equal(told(), "a=fail 1");
    make("a");
    assert_string_equal(told(), "a=pass 2");
    fake_clock_step_wall(&now, 15 * MINUTE);
    freshness_watch_clock_stepped(watch);
    settle();
    assert_string_equal(told(), "a=warn 3");
    fake_clock_step_wall(&now, -10 * MINUTE);
    freshness_watch_clock_stepped(watch);
    settle();
    assert_string_equal(told(), "a=pass 4");
}

static void without_a_policy_it_does_not_apply_any_more(void **state)
{
    (void)state;
    freshness_watch_start(watch);
    make("a");
    make("b");
    assert_string_equal(told(), "a=pass b=pass 2");
    struct freshness_policy policy = w.loaded.defs->assets[0].freshness;
    w.loaded.defs->assets[0].freshness.kind = FRESHNESS_NONE;
    for (int i = 0; i < 2; i++) { /* told once */
        freshness_watch_close(watch);
        open_watch();
        freshness_watch_start(watch);
        settle();
        assert_string_equal(told(), "a=not_applicable b=pass 3");
    }
    w.loaded.defs->assets[0].freshness = policy;
    freshness_watch_close(watch);
    open_watch();
    freshness_watch_start(watch);
    settle();
    assert_string_equal(told(), "a=pass b=pass 4");
}

static void an_idle_watch_sleeps(void **state)
{
    (void)state;
    freshness_watch_start(watch);
    make("b");
    int64_t seq = store_last_seq(w.fixture.store);
    for (int i = 0; i < 25; i++) {
        advance(MINUTE);
    }
    assert_int_equal(store_last_seq(w.fixture.store), seq);
    freshness_watch_stop(watch);
    advance(60 * MINUTE);
    assert_int_equal(store_last_seq(w.fixture.store), seq);
}

/* More changes at one moment than the store takes between two flushes. */
static void many_changes_are_told_as_there_is_room(void **state)
{
    (void)state;
    enum { MANY = 3000 };
    AUTO(buf) text = buf_growing(1 << 20);
    freshness_watch_close(watch);
    watch = NULL;
    runner_world_release(&w);
    buf_add_text(&text, "assets:\n");
    for (int i = 0; i < MANY; i++) {
        buf_addf(&text, "  - {key: a%d, run: [\"true\"], freshness: {fail_after: 30m}}\n", i);
    }
    runner_world_init_at(&w, buf_cstr(&text), fake_clock_port(&now));
    for (int i = 0; i < MANY; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "a%d", i);
        store_fixture_say(&w.fixture, &(struct record){.type = EVENT_ASSET_MATERIALIZATION,
                                                       .at = now.wall,
                                                       .asset = str_from(key)});
        if (i % 500 == 0) {
            store_fixture_flush(&w.fixture);
        }
    }
    store_fixture_flush(&w.fixture);
    fake_clock_advance(&now, 60 * MINUTE);
    open_watch();
    freshness_watch_start(watch);
    for (int i = 0; i < 10; i++) {
        settle();
    }
    assert_int_equal(runner_world_events(&w, EVENT_FRESHNESS_STATE_CHANGE, NULL), MANY);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(every_change_is_told_once_and_when_it_comes),
        TEST(a_deadline_is_kept_or_missed),
        TEST(a_restart_tells_nothing_twice_and_what_was_missed),
        TEST(what_was_not_durable_is_told_again),
        cmocka_unit_test_teardown(without_a_clock_nothing_is_looked_at, end),
        TEST(without_a_policy_it_does_not_apply_any_more),
        TEST(an_idle_watch_sleeps),
        TEST(many_changes_are_told_as_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
