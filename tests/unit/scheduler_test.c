/* scheduler_test.c - the shell around agent/schedule, with a real store, runner and loop, and a
 * clock that is told what to say. */
#include "agent/daemon/scheduler.h"

#include "agent/store/instigators.h"
#include "agent/store/runs.h"
#include "agent/store/ticks.h"
#include "runner_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fault_malloc.h"
#include <stdio.h>
#include <string.h>

#define MINUTE (60 * NS_PER_SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* No run of them ends by itself, so that what starts is seen. */
static const char definitions[] = "assets:\n"
                                  "  - {key: a, run: [sleep, '600']}\n"
                                  "  - {key: b, run: [sleep, '600']}\n"
                                  "schedules:\n"
                                  "  - {name: hourly, select: a, cron: '0 * * * *'}\n"
                                  "  - {name: daily, select: b, cron: '30 2 * * *'}\n";

static struct runner_world w;
static struct fake_clock fake;
static struct scheduler_options options;
static struct scheduler *scheduler;
static bool synced;

static bool is_synced(void)
{
    return synced;
}

static struct wall_time at(const char *text)
{
    struct wall_time t;
    assert_true(wall_parse(str_from(text), &t));
    return t;
}

static struct schedule *schedule_named(const char *name)
{
    for (size_t i = 0; i < w.loaded.defs->schedule_count; i++) {
        if (str_eq(w.loaded.defs->schedules[i].name, str_from(name))) {
            return &w.loaded.defs->schedules[i];
        }
    }
    fail_msg("no schedule %s", name);
    return NULL;
}

static void open_scheduler(void)
{
    options.loop = w.loop;
    options.store = w.fixture.store;
    options.runner = w.runner;
    options.defs = w.loaded.defs;
    runner_world_check(&w, scheduler_open(&scheduler, &options, &w.err));
    scheduler_start(scheduler);
}

static void turns(void)
{
    for (int i = 0; i < 4; i++) { /* a timer, what it defers, and what that arms */
        runner_world_check(&w, loop_turn(w.loop, 0, &w.err));
    }
}

static void flush(void)
{
    runner_world_check(&w, store_flush(w.fixture.store, fake.wall, &w.err));
}

static void pass(int64_t ns)
{
    fake_clock_advance(&fake, ns);
    turns();
}

static int begin_at(const char *now)
{
    fake = (struct fake_clock){.mono = {HOUR}, .wall = at(now)};
    runner_world_init_at(&w, definitions, fake_clock_port(&fake));
    synced = false;
    options = (struct scheduler_options){
        .device = STR("brooklyn"), .built = at("2026-01-01"), .is_synced = is_synced};
    scheduler = NULL;
    return 0;
}

static int begin(void **state)
{
    (void)state;
    return begin_at("2026-11-22T10:30:00Z");
}

static int end(void **state)
{
    (void)state;
    scheduler_close(scheduler);
    runner_world_release(&w);
    return 0;
}

/* The agent is killed and started again `down_ns` later. What nobody has flushed is lost. */
static void crash(int64_t down_ns)
{
    scheduler_close(scheduler);
    scheduler = NULL;
    runner_world_reopen(&w);
    fake_clock_advance(&fake, down_ns);
    open_scheduler();
    turns();
}

/* The same some seconds later. */
static void restart(int64_t down_ns)
{
    flush();
    crash(down_ns);
}

/* --- what the database says --- */

static bool add_tick(void *ctx, const struct view_tick *tick)
{
    struct buf *out = ctx;
    char text[WALL_TEXT_SIZE];
    buf_addf(out, STR_FMT " %.16s " STR_FMT, STR_ARG(tick->name), wall_format(tick->nominal, text),
             STR_ARG(tick->status));
    if (!str_is_empty(tick->reason)) {
        buf_addf(out, ": " STR_FMT, STR_ARG(tick->reason));
    }
    buf_add_char(out, '\n');
    return true;
}

/* Newest first. */
static const char *ticks(const char *schedule)
{
    static char text[8192];
    struct buf out = buf_fixed(text, sizeof(text));
    struct view *view = NULL;
    struct view_tick_filter filter = {
        .kind = STR("schedule"), .name = str_from(schedule), .limit = 100};
    flush();
    runner_world_check(&w, view_open(&view, w.fixture.options.path, &w.err));
    runner_world_check(&w, view_ticks(view, &filter, add_tick, &out, &w.err));
    view_close(view);
    return buf_cstr(&out);
}

static bool add_instigator(void *ctx, const struct instigator *instigator)
{
    struct buf *out = ctx;
    char text[WALL_TEXT_SIZE];
    buf_addf(out, STR_FMT " '" STR_FMT "' %.16s " STR_FMT "\n", STR_ARG(instigator->name),
             STR_ARG(instigator->status),
             instigator->decided.ns == 0 ? "-" : wall_format(instigator->decided, text),
             STR_ARG(instigator->cursor));
    return true;
}

static const char *remembered(void)
{
    static char text[4096];
    struct buf out = buf_fixed(text, sizeof(text));
    flush();
    runner_world_check(
        &w, store_instigators(w.fixture.store, STR("schedule"), add_instigator, &out, &w.err));
    return buf_cstr(&out);
}

/* Started, and no step of it yet: the tick and its run came in one flush, or neither did. */
static int events(enum event_type type)
{
    flush();
    return runner_world_events(&w, type, NULL);
}

static void set_paused(const char *name, bool is_paused, bool expect_change)
{
    struct str names[] = {str_from(name)};
    bool changed = false;
    const struct agent_pausing p = {
        .is_paused = is_paused, .names = names, .changed = &changed, .count = 1};
    runner_world_check(&w, scheduler_set_paused(scheduler, &p, &w.err));
    assert_int_equal(changed, expect_change);
    turns();
}

/* --- tests --- */

static void ticks_fire_on_the_second(void **state)
{
    (void)state;
    open_scheduler();
    turns();
    assert_string_equal(remembered(), "daily '' 2026-11-22T10:30 30 2 * * * UTC\n"
                                      "hourly '' 2026-11-22T10:30 0 * * * * UTC\n");
    /* A long sleep ends a thousandth early, because the clock may have been corrected. */
    pass(30 * MINUTE - 2 * NS_PER_SEC);
    pass(NS_PER_SEC);
    assert_string_equal(ticks("hourly"), "");
    pass(NS_PER_SEC);
    assert_string_equal(ticks("hourly"), "hourly 2026-11-22T11:00 started\n");
    assert_int_equal(events(EVENT_RUN_ENQUEUED), 1);
    pass(HOUR);
    assert_string_equal(
        ticks("hourly"),
        "hourly 2026-11-22T12:00 skipped: the previous run of hourly is still going\n"
        "hourly 2026-11-22T11:00 started\n");
}

static void a_late_look_treats_ticks_as_missed(void **state)
{
    (void)state;
    open_scheduler();
    turns();
    pass(5 * HOUR); /* asleep */
    assert_string_equal(
        ticks("hourly"),
        "hourly 2026-11-22T15:00 started: missed while the device slept or was busy\n"
        "hourly 2026-11-22T14:00 skipped: 4 ticks were missed while the device slept or was busy, "
        "the first 2026-11-22T11:00:00.000Z (missed: latest)\n");
    assert_int_equal(events(EVENT_RUN_ENQUEUED), 1);
}

static void a_restart_remembers(void **state)
{
    (void)state;
    schedule_named("hourly")->missed = MISSED_SKIP;
    schedule_named("daily")->missed = MISSED_ALL;
    schedule_named("daily")->missed_max = 2;
    open_scheduler();
    turns();
    restart(10 * MINUTE);
    assert_string_equal(ticks(""), "");
    restart(3 * DAY);
    assert_string_equal(ticks("hourly"),
                        "hourly 2026-11-25T10:00 skipped: 72 ticks were missed while the agent was "
                        "down, the first 2026-11-22T11:00:00.000Z (missed: skip)\n");
    assert_string_equal(
        ticks("daily"),
        "daily 2026-11-25T02:30 started: missed while the agent was down\n"
        "daily 2026-11-24T02:30 started: missed while the agent was down\n"
        "daily 2026-11-23T02:30 skipped: the tick was missed while the agent was down (missed: "
        "all, at most 2)\n");
    /* What was decided on is not decided on again. */
    restart(MINUTE);
    assert_int_equal(events(EVENT_TICK), 4);
}

/* Made good on the 25th, the tick of the 24th makes the day before its own time. */
static void a_tick_makes_the_partition_of_its_time(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(4 << 20);
    struct partitions *p = &w.loaded.defs->assets[1].partitions;
    *p = (struct partitions){.kind = PARTITION_TIME,
                             .cron_text = STR("0 0 * * *"),
                             .timezone = STR("UTC"),
                             .tz = tz_utc(),
                             .start = at("2026-11-01"),
                             .format = STR("%Y-%m-%d")};
    runner_world_check(&w, cron_parse(p->cron_text, &p->cron, &w.err));
    schedule_named("hourly")->missed = MISSED_SKIP;
    schedule_named("daily")->missed = MISSED_ALL;
    schedule_named("daily")->missed_max = 2;
    open_scheduler();
    turns();
    restart(3 * DAY);
    flush();
    struct stored_run *runs = NULL;
    size_t count = 0;
    runner_world_check(&w, store_open_runs(w.fixture.store, &arena, &runs, &count, &w.err));
    assert_int_equal(count, 2);
    assert_true(str_eq(runs[0].partition, STR("2026-11-23")));
    assert_true(str_eq(runs[1].partition, STR("2026-11-24")));
}

static void a_pause_survives_and_its_ticks_are_nobodys(void **state)
{
    (void)state;
    open_scheduler();
    turns();
    set_paused("hourly", true, true);
    set_paused("hourly", true, false);
    assert_string_equal(remembered(), "daily '' 2026-11-22T10:30 30 2 * * * UTC\n"
                                      "hourly 'paused' - 0 * * * * UTC\n");
    pass(5 * HOUR);
    restart(HOUR);
    assert_string_equal(ticks("hourly"), "");
    set_paused("hourly", false, true);
    assert_string_equal(remembered(), "daily '' 2026-11-22T10:30 30 2 * * * UTC\n"
                                      "hourly 'running' 2026-11-22T16:30 0 * * * * UTC\n");
    pass(29 * MINUTE);
    assert_string_equal(ticks("hourly"), "");
    pass(MINUTE);
    assert_string_equal(ticks("hourly"), "hourly 2026-11-22T17:00 started\n");
    assert_int_equal(events(EVENT_INSTIGATOR), 4);
}

static void one_unknown_name_changes_nothing(void **state)
{
    (void)state;
    struct str names[] = {STR("hourly"), STR("dialy")};
    bool changed[2];
    const struct agent_pausing p = {
        .is_paused = true, .names = names, .changed = changed, .count = 2};
    open_scheduler();
    turns();
    assert_false(scheduler_set_paused(scheduler, &p, &w.err));
    assert_int_equal(w.err.code, ERR_NOT_FOUND);
    assert_string_equal(w.err.hint, "did you mean daily?");
    assert_null(strstr(remembered(), "paused"));
}

static void what_its_definition_pauses_runs_when_it_is_resumed(void **state)
{
    (void)state;
    schedule_named("hourly")->starts_paused = true;
    open_scheduler();
    turns();
    pass(2 * HOUR);
    assert_string_equal(remembered(), "daily '' 2026-11-22T10:30 30 2 * * * UTC\n");
    set_paused("hourly", true, false);
    set_paused("hourly", false, true);
    restart(0); /* by hand is stronger than by definition */
    pass(30 * MINUTE);
    assert_string_equal(ticks("hourly"), "hourly 2026-11-22T13:00 started\n");
}

static void ticks_wait_for_a_clock_that_is_set(void **state)
{
    (void)state;
    open_scheduler();
    turns();
    flush();
    fake.wall = at("1970-01-01T00:00:10Z"); /* a board without a battery */
    restart(0);
    assert_int_equal(scheduler_clock(scheduler), CLOCK_NOT_SET);
    pass(3 * HOUR);
    assert_string_equal(ticks(""), "");
    set_paused("daily", true, true);
    set_paused("daily", false, true); /* it does not begin in 1970 */
    assert_non_null(strstr(remembered(), "daily 'running' - "));
    fake.wall = at("2025-12-31T23:59:00Z"); /* before the agent was built */
    scheduler_clock_stepped(scheduler);
    turns();
    assert_int_equal(scheduler_clock(scheduler), CLOCK_NOT_SET);
    fake.wall = at("2026-11-23T04:30:00Z");
    scheduler_clock_stepped(scheduler);
    turns();
    assert_int_equal(scheduler_clock(scheduler), CLOCK_TRUSTED);
    assert_string_equal(ticks("daily"), "");
    assert_memory_equal(ticks("hourly"),
                        "hourly 2026-11-23T04:00 started: missed while the agent was down\n", 60);
}

static void ticks_wait_for_the_first_synchronization(void **state)
{
    (void)state;
    options.requires_sync = true;
    open_scheduler();
    turns();
    assert_int_equal(scheduler_clock(scheduler), CLOCK_NOT_SYNCED);
    pass(HOUR);
    assert_string_equal(remembered(), "");
    synced = true;
    pass(10 * NS_PER_SEC);
    assert_int_equal(scheduler_clock(scheduler), CLOCK_TRUSTED);
    synced = false; /* offline for long: the clock is believed all the same */
    pass(29 * MINUTE + 50 * NS_PER_SEC);
    assert_string_equal(ticks("hourly"), "hourly 2026-11-22T12:00 started\n");
}

static void clock_steps_double_and_lose_nothing(void **state)
{
    (void)state;
    open_scheduler();
    turns();
    pass(30 * MINUTE);
    assert_string_equal(ticks("hourly"), "hourly 2026-11-22T11:00 started\n");
    fake_clock_step_wall(&fake, -45 * MINUTE);
    scheduler_clock_stepped(scheduler);
    turns();
    pass(45 * MINUTE); /* 11:00 once more */
    assert_string_equal(ticks("hourly"), "hourly 2026-11-22T11:00 started\n");
    fake_clock_step_wall(&fake, 16 * HOUR);
    scheduler_clock_stepped(scheduler);
    turns();
    assert_string_equal(ticks("daily"),
                        "daily 2026-11-23T02:30 started: missed when the clock was set forward\n");
}

static void a_clock_far_ahead_silences_nothing_and_doubles_nothing(void **state)
{
    (void)state;
    open_scheduler();
    turns();
    fake_clock_step_wall(&fake, 3 * DAY);
    scheduler_clock_stepped(scheduler);
    turns();
    assert_memory_equal(ticks("daily"), "daily 2026-11-25T02:30 started: missed", 38);
    fake_clock_step_wall(&fake, -3 * DAY);
    scheduler_clock_stepped(scheduler);
    turns();
    assert_string_equal(remembered(), "daily '' 2026-11-22T10:30 30 2 * * * UTC\n"
                                      "hourly '' 2026-11-22T10:30 0 * * * * UTC\n");
    restart(16 * HOUR);
    assert_memory_equal(ticks("daily"), "daily 2026-11-23T02:30 skipped: the previous run", 48);
    int before = events(EVENT_TICK);
    restart(2 * DAY); /* the 24th was missed; the 25th has started a run */
    assert_memory_equal(ticks("daily"), "daily 2026-11-24T02:30 skipped: the tick was missed", 51);
    assert_int_equal(events(EVENT_TICK), before + 3); /* and two of the hourly */
}

/* In the moment in which it begins: ticks since then are missed, not nobody's. */
static void a_beginning_outlives_a_crash(void **state)
{
    (void)state;
    open_scheduler();
    turns();
    crash(HOUR);
    assert_string_equal(ticks("hourly"),
                        "hourly 2026-11-22T11:00 started: missed while the agent was down\n");
}

static void a_clock_set_right_outlives_a_crash(void **state)
{
    (void)state;
    schedule_named("hourly")->missed = MISSED_SKIP;
    open_scheduler();
    turns();
    fake_clock_step_wall(&fake, 3 * DAY);
    scheduler_clock_stepped(scheduler);
    pass(2 * NS_PER_SEC);
    fake_clock_step_wall(&fake, -3 * DAY);
    scheduler_clock_stepped(scheduler);
    turns();
    crash(HOUR);
    assert_memory_equal(ticks("hourly"),
                        "hourly 2026-11-22T11:00 skipped: the tick was missed while the agent", 68);
}

static struct loaded reload(const char *text)
{
    struct loaded loaded;
    AUTO(buf) all = buf_growing(1 << 16);
    buf_addf(&all, "project: many\n%s", text);
    load_text(&loaded, buf_cstr(&all));
    assert_loaded(&loaded);
    struct schedule_set *set = NULL;
    runner_world_check(&w, scheduler_read(scheduler, loaded.defs, &set, &w.err));
    scheduler_use(scheduler, set);
    turns();
    return loaded;
}

static void new_definitions_keep_what_is_known(void **state)
{
    (void)state;
    open_scheduler();
    turns();
    pass(20 * MINUTE);
    struct loaded loaded =
        reload("assets: [{key: a, run: ['true']}]\n"
               "schedules:\n"
               "  - {name: hourly, select: a, cron: '0 * * * *'}\n"  /* as it was */
               "  - {name: fresh, select: a, cron: '0 * * * *'}\n"); /* is new */
    assert_string_equal(remembered(), "daily '' - 30 2 * * * UTC\n"  /* is gone */
                                      "fresh '' 2026-11-22T10:50 0 * * * * UTC\n"
                                      "hourly '' 2026-11-22T10:30 0 * * * * UTC\n");
    pass(20 * HOUR);
    loaded_release(&w.loaded);
    w.loaded = loaded;
    loaded = reload("assets: [{key: a, run: ['true']}]\n"
                    "schedules:\n"
                    "  - {name: hourly, select: a, cron: '0 3 * * *'}\n"   /* its times changed */
                    "  - {name: daily, select: a, cron: '30 2 * * *'}\n"); /* is there again */
    assert_string_equal(remembered(), "daily '' 2026-11-23T06:50 30 2 * * * UTC\n"
                                      "fresh '' - 0 * * * * UTC\n"
                                      "hourly '' 2026-11-23T06:50 0 3 * * * UTC\n");
    assert_string_equal(ticks("daily"), "");
    loaded_release(&w.loaded);
    w.loaded = loaded;
}

static void reload_for_good(const char *text)
{
    struct loaded loaded = reload(text);
    loaded_release(&w.loaded);
    w.loaded = loaded;
}

#define ASSETS "assets: [{key: a, run: ['true']}]\n"
static const char other_times_paused[] =
    ASSETS "schedules: [{name: hourly, select: a, cron: '0 3 * * *', paused: true}]\n";
static const char none[] = ASSETS;
static const char first_times[] =
    ASSETS "schedules: [{name: hourly, select: a, cron: '0 * * * *'}]\n";

/* What was remembered with its first times is over, although they come back. */
static void times_that_come_back_after_a_pause_are_new_times(void **state)
{
    (void)state;
    open_scheduler();
    turns();
    reload_for_good(other_times_paused);
    assert_string_equal(remembered(), "daily '' - 30 2 * * * UTC\n"
                                      "hourly '' - 0 * * * * UTC\n");
    reload_for_good(none);
    pass(5 * HOUR);
    reload_for_good(first_times);
    assert_string_equal(ticks("hourly"), "");
    pass(HOUR);
    reload_for_good(other_times_paused);
    int before = events(EVENT_INSTIGATOR);
    restart(5 * HOUR); /* paused all the time; that is told once */
    assert_int_equal(events(EVENT_INSTIGATOR), before);
    reload_for_good(first_times);
    assert_memory_equal(ticks("hourly"), "hourly 2026-11-22T16:00 ", 24);
}

/* Its clock was not trusted when they changed, so that it has not begun with the second ones. */
static void times_that_come_back_after_a_wrong_clock_are_new_times(void **state)
{
    (void)state;
    open_scheduler();
    turns();
    fake_clock_step_wall(&fake, -800 * DAY);
    scheduler_clock_stepped(scheduler);
    turns();
    reload_for_good(ASSETS "schedules: [{name: hourly, select: a, cron: '0 3 * * *'}]\n");
    reload_for_good(none);
    fake_clock_step_wall(&fake, 800 * DAY);
    pass(5 * HOUR);
    reload_for_good(first_times);
    assert_string_equal(ticks("hourly"), "");
    assert_string_equal(remembered(), "daily '' - 30 2 * * * UTC\n"
                                      "hourly '' 2026-11-22T15:30 0 * * * * UTC\n");
}

static void times_changed_while_it_was_down_are_new_times(void **state)
{
    (void)state;
    open_scheduler();
    turns();
    flush();
    struct schedule *hourly = schedule_named("hourly");
    hourly->cron_text = STR("0 11 * * *");
    assert_true(cron_parse(hourly->cron_text, &hourly->cron, &w.err));
    restart(2 * HOUR);
    assert_string_equal(ticks("hourly"), "");
    assert_non_null(strstr(remembered(), "hourly '' 2026-11-22T12:30 0 11 * * * UTC"));
}

static void splay_moves_the_firing(void **state)
{
    (void)state;
    struct schedule *hourly = schedule_named("hourly");
    hourly->splay_ns = 10 * MINUTE;
    int64_t splay = schedule_splay(hourly, options.device);
    assert_true(splay > NS_PER_SEC);
    open_scheduler();
    turns();
    pass(30 * MINUTE + splay - NS_PER_SEC);
    assert_string_equal(ticks("hourly"), "");
    pass(NS_PER_SEC);
    assert_string_equal(ticks("hourly"), "hourly 2026-11-22T11:00 started\n");
}

static void a_stopped_scheduler_fires_nothing(void **state)
{
    (void)state;
    open_scheduler();
    turns();
    scheduler_stop(scheduler);
    scheduler_clock_stepped(scheduler);
    set_paused("daily", true, true);
    pass(3 * HOUR);
    assert_string_equal(ticks(""), "");
}

/* While nothing more fits into memory, ticks are late rather than without a record. */
static void a_full_store_delays_ticks(void **state)
{
    (void)state;
    open_scheduler();
    turns();
    pass(2 * NS_PER_SEC); /* the runner has written what the beginning left */
    struct buf reason = buf_growing(4096);
    for (int i = 0; store_room(w.fixture.store) > 200 << 10; i++) {
        struct record r = store_fixture_record(&w.fixture, i * 3 + 1, 4000, &reason);
        store_fixture_say(&w.fixture, &r);
    }
    buf_release(&reason);
    fake_clock_advance(&fake, 30 * MINUTE - 2 * NS_PER_SEC);
    runner_world_check(&w, loop_turn(w.loop, 0, &w.err));
    size_t pending = store_pending(w.fixture.store);
    flush();
    assert_true(pending > 0);
    assert_string_equal(ticks("hourly"), "");
    pass(5 * NS_PER_SEC);
    assert_string_equal(ticks("hourly"), "hourly 2026-11-22T11:00 started\n");
}

/* More ticks at once than the store's memory for records that wait holds: in several turns. */
static void many_missed_ticks_take_their_turns(void **state)
{
    enum { MINUTES = 2880 };
    (void)state;
    struct schedule *hourly = schedule_named("hourly");
    assert_true(cron_parse(STR("* * * * *"), &hourly->cron, &w.err));
    hourly->cron_text = STR("* * * * *");
    hourly->missed = MISSED_ALL;
    hourly->missed_max = 10000;
    open_scheduler();
    turns();
    restart(MINUTES * MINUTE);
    assert_in_range(events(EVENT_TICK), 100, MINUTES - 100);
    for (int i = 0; i < 11; i++) { /* less than a minute: no tick is added to them */
        pass(5 * NS_PER_SEC);
    }
    assert_int_equal(events(EVENT_TICK), MINUTES + 2); /* and two of the daily */
    assert_memory_equal(ticks("hourly"), "hourly 2026-11-24T10:30 skipped: the previous run", 49);
}

/* Memory fails at each allocation in turn, while a tick is decided on: it and its run are both
 * there, or neither, and in the end it has fired once. */
static void a_tick_and_its_run_come_together_or_not_at_all(void **state)
{
    (void)state;
    for (int nth = 0;; nth++) {
        end(NULL);
        begin(NULL);
        open_scheduler();
        turns();
        pass(2 * NS_PER_SEC);
        fake_clock_advance(&fake, 30 * MINUTE - 2 * NS_PER_SEC);
        fault_malloc_arm(nth);
        /* The loop itself may say that it has no memory. */
        bool ok = loop_turn(w.loop, 0, &w.err);
        bool has_fired = fault_malloc_disarm();
        assert_true(ok || has_fired);
        int begun = events(EVENT_RUN_ENQUEUED) - events(EVENT_RUN_CANCELED);
        assert_int_equal(begun, strstr(ticks("hourly"), "started") != NULL);
        pass(10 * NS_PER_SEC);
        pass(NS_PER_SEC);
        assert_memory_equal(ticks("hourly"), "hourly 2026-11-22T11:00 ", 24);
        assert_int_equal(events(EVENT_TICK), 1);
        if (!has_fired) {
            assert_true(nth > 0);
            return;
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(ticks_fire_on_the_second),
        TEST(a_late_look_treats_ticks_as_missed),
        TEST(a_restart_remembers),
        TEST(a_tick_makes_the_partition_of_its_time),
        TEST(a_pause_survives_and_its_ticks_are_nobodys),
        TEST(one_unknown_name_changes_nothing),
        TEST(what_its_definition_pauses_runs_when_it_is_resumed),
        TEST(ticks_wait_for_a_clock_that_is_set),
        TEST(ticks_wait_for_the_first_synchronization),
        TEST(clock_steps_double_and_lose_nothing),
        TEST(a_clock_far_ahead_silences_nothing_and_doubles_nothing),
        TEST(a_beginning_outlives_a_crash),
        TEST(a_clock_set_right_outlives_a_crash),
        TEST(new_definitions_keep_what_is_known),
        TEST(times_that_come_back_after_a_pause_are_new_times),
        TEST(times_that_come_back_after_a_wrong_clock_are_new_times),
        TEST(times_changed_while_it_was_down_are_new_times),
        TEST(splay_moves_the_firing),
        TEST(a_stopped_scheduler_fires_nothing),
        TEST(a_full_store_delays_ticks),
        TEST(many_missed_ticks_take_their_turns),
        TEST(a_tick_and_its_run_come_together_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
