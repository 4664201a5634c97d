/* runner_memory_test.c - each allocation of queueing a run, of closing what a killed agent left, and
 * of trying a run again fails once: the caller is told or it went well all the same, nothing is half
 * done, and the next try does it. */
#include "agent/run/runner_internal.h"
#include "agent/store/runs.h"
#include "runner_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fault_malloc.h"
#include <stdio.h>

static const char project[] = "assets:\n"
                              "  - {key: a, run: [sh, -c, 'touch up; exec sleep 1000']}\n"
                              "  - {key: b, run: ['true'], deps: [a]}\n"
                              "  - {key: c, run: ['true']}\n"
                              "jobs: [{name: chain, select: 'a or b'}]\n";

static struct runner_world w;

static int end(void **state)
{
    (void)state;
    runner_world_release(&w);
    return 0;
}

/* A failure leaves nothing queued; in the end as many runs are queued and recorded as were told. */
static void a_run_is_queued_or_it_is_not(void **state)
{
    (void)state;
    int queued = 1;
    char run[UUID_TEXT_SIZE];
    const struct run_request request = {
        .cause = STR("manual"), .selection = STR("c"), .on_overlap = OVERLAP_QUEUE};
    runner_world_init(&w, project);
    runner_world_enqueue(&w, "chain", run); /* takes the only place: the others wait */
    runner_world_wait_file(&w, "up");
    bool fired = true;
    for (int nth = 0; fired; nth++) {
        struct err err = {0};
        fault_malloc_arm(nth);
        bool ok = runner_enqueue(w.runner, &request, run, &err);
        fired = fault_malloc_disarm();
        if (!ok && (!fired || (err.code != ERR_NO_MEMORY && err.code != ERR_FULL))) {
            fail_msg("nth=%d: %s %s", nth, err_code_name(err.code), err.msg);
        }
        queued += ok;
        assert_true(runner_flush(w.runner));
        assert_int_equal(runner_queued_runs(w.runner), queued - 1);
        assert_int_equal(runner_world_events(&w, EVENT_RUN_ENQUEUED, NULL), queued);
    }
    assert_true(queued > 1);
    print_message("the last of %d went well\n", queued);
}

static void expect_events(enum event_type type, const char *asset, int expected)
{
    assert_int_equal(runner_world_events(&w, type, asset), expected);
}

static void wait_for_event(enum event_type type)
{
    for (int turns = 0; runner_world_events(&w, type, NULL) == 0; turns++) {
        assert_true(turns < 1000);
        runner_world_turn(&w);
    }
}

/* What the database has of the chain: it was interrupted, once, and one run tries it again. Where
 * the fault hit the making of that run, the first one is still open, and both happen a turn later. */
static void expect_recovered(bool fired)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct stored_run *open = NULL;
    size_t count = 0;
    struct err err = {0};
    assert_true(fired || runner_world_events(&w, EVENT_RUN_FAILURE, NULL) == 1);
    wait_for_event(EVENT_RUN_FAILURE);
    assert_true(store_open_runs(w.fixture.store, &arena, &open, &count, &err));
    assert_int_equal(count, 1);
    assert_false(str_is_empty(open[0].parent));
    assert_int_equal(runner_queued_runs(w.runner) + runner_active_runs(w.runner), 1);
    expect_events(EVENT_RUN_ENQUEUED, NULL, 2);
    expect_events(EVENT_RUN_FAILURE, NULL, 1);
    expect_events(EVENT_STEP_FAILURE, "a", 1);
    expect_events(EVENT_STEP_SKIPPED, "b", 1);
}

static bool recover_with_fault(int nth, int *put_off)
{
    char run[UUID_TEXT_SIZE];
    struct err err = {0};
    runner_world_init(&w, project);
    runner_world_enqueue(&w, "chain", run);
    runner_world_wait_file(&w, "up");
    runner_close(w.runner);
    w.runner = NULL;
    store_fixture_reopen(&w.fixture);
    w.options.store = w.fixture.store;
    fault_malloc_arm(nth);
    bool ok = runner_open(&w.runner, &w.options, &err);
    bool fired = fault_malloc_disarm();
    if (!ok) {
        if (!fired || (err.code != ERR_NO_MEMORY && err.code != ERR_FULL)) {
            fail_msg("nth=%d: %s %s", nth, err_code_name(err.code), err.msg);
        }
        w.runner = NULL; /* the daemon ends; its supervisor starts it again */
        runner_world_reopen(&w);
    }
    *put_off += runner_world_events(&w, EVENT_RUN_FAILURE, NULL) == 0;
    expect_recovered(fired);
    runner_world_release(&w);
    return fired;
}

static void what_was_open_is_closed_once(void **state)
{
    (void)state;
    int nth = 0;
    int put_off = 0;
    while (recover_with_fault(nth, &put_off)) {
        nth++;
    }
    print_message("%d allocations, %d of them put it off\n", nth, put_off);
    assert_true(nth > 5 && put_off > 0);
}

/* A run that fails is tried again by its job's policy, whichever allocation on the way fails: from
 * the start of its step to the end of both. */
static bool fail_with_fault(int nth)
{
    char run[UUID_TEXT_SIZE];
    struct fake_clock clock = {.mono = {NS_PER_SEC}, .wall = {1767225600 * NS_PER_SEC}};
    runner_world_init_at(&w,
                         "assets:\n  - {key: a, run: ['false']}\n"
                         "jobs: [{name: bad, select: a, retry: {max: 1}}]\n",
                         fake_clock_port(&clock));
    runner_world_enqueue(&w, "bad", run);
    while (runner_active_steps(w.runner) == 0) {
        runner_world_turn(&w);
    }
    fault_malloc_arm(nth);
    for (int turns = 0; w.ended < 2; turns++) {
        assert_true(turns < 1000);
        runner_world_turn(&w);
        fake_clock_advance(&clock, PUT_OFF_NS / 10);
    }
    bool fired = fault_malloc_disarm();
    expect_events(EVENT_RUN_ENQUEUED, NULL, 2);
    expect_events(EVENT_RUN_FAILURE, NULL, 2);
    expect_events(EVENT_STEP_FAILURE, "a", 2);
    runner_world_release(&w);
    return fired;
}

static void what_failed_is_tried_again(void **state)
{
    (void)state;
    int nth = 0;
    while (fail_with_fault(nth)) {
        nth++;
    }
    print_message("%d allocations\n", nth);
    assert_true(nth > 5);
}

static size_t open_runs(void)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct stored_run *open = NULL;
    size_t count = 0;
    assert_true(store_open_runs(w.fixture.store, &arena, &open, &count, &w.err));
    return count;
}

/* With as many tags as a run may have there is no place for the count of interruptions: the run
 * that is interrupted stays open, over a stop and a start, but not for ever. */
static void what_cannot_be_tried_again_is_ended_at_last(void **state)
{
    (void)state;
    struct fake_clock clock = {.mono = {NS_PER_SEC}, .wall = {1767225600 * NS_PER_SEC}};
    static char names[TAGS_MAX][8];
    struct str keys[TAGS_MAX];
    struct str values[TAGS_MAX];
    for (size_t i = 0; i < TAGS_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "t%zu", i);
        keys[i] = str_from(names[i]);
        values[i] = STR("x");
    }
    const struct run_request request = {
        .cause = STR("manual"), .selection = STR("a"), .tags = {keys, values, TAGS_MAX}};
    char run[UUID_TEXT_SIZE];
    runner_world_init_at(&w, project, fake_clock_port(&clock));
    runner_world_check(&w, runner_enqueue(w.runner, &request, run, &w.err));
    runner_world_wait_file(&w, "up");
    runner_shut_down(w.runner, RUN_STOP_INTERRUPTED);
    for (int turns = 0; w.ended == 0; turns++) { /* what ends late is waited for by this clock */
        assert_true(turns < 100000);
        runner_world_turn(&w);
        fake_clock_advance(&clock, NS_PER_MS);
    }
    assert_int_equal(open_runs(), 1);
    expect_events(EVENT_STEP_FAILURE, "a", 1);
    runner_world_reopen(&w);
    for (int64_t waited = 0; waited < PUT_OFF_NS_MAX; waited += PUT_OFF_NS_MAX / 10) {
        runner_world_turn(&w);
        assert_int_equal(open_runs(), 1);
        fake_clock_advance(&clock, PUT_OFF_NS_MAX / 10);
    }
    wait_for_event(EVENT_RUN_FAILURE);
    assert_int_equal(open_runs(), 0);
    expect_events(EVENT_RUN_ENQUEUED, NULL, 1);
    expect_events(EVENT_RUN_FAILURE, NULL, 1);
    expect_events(EVENT_STEP_FAILURE, "a", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_run_is_queued_or_it_is_not, end),
        cmocka_unit_test(what_was_open_is_closed_once),
        cmocka_unit_test(what_failed_is_tried_again),
        cmocka_unit_test_teardown(what_cannot_be_tried_again_is_ended_at_last, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
