/* runner_memory_test.c - each allocation of queueing a run, and of closing what a killed agent left,
 * fails once: the caller is told or it went well all the same, nothing is half done, and the next
 * try does it. */
#include "agent/store/runs.h"
#include "runner_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"

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

/* What the database has of the chain: it was interrupted, once, and one run tries it again. Where
 * the fault hit the making of that run there is none: the log says so (run.retry_failed), and a
 * person may make it. */
static bool expect_recovered(bool fired)
{
    AUTO(arena) arena = arena_new(1 << 20);
    struct stored_run *open = NULL;
    size_t count = 0;
    struct err err = {0};
    assert_true(store_open_runs(w.fixture.store, &arena, &open, &count, &err));
    assert_true(count == 1 || (count == 0 && fired));
    bool is_retried = count == 1;
    if (is_retried) {
        assert_true(str_eq(open[0].status, STR("queued")));
        assert_false(str_is_empty(open[0].parent));
    }
    if (runner_queued_runs(w.runner) < count) { /* it is recorded: the next start takes it over */
        assert_true(fired);
        runner_world_reopen(&w);
    }
    assert_int_equal(runner_queued_runs(w.runner), count);
    assert_int_equal(runner_world_events(&w, EVENT_RUN_ENQUEUED, NULL), 1 + (int)count);
    assert_int_equal(runner_world_events(&w, EVENT_RUN_FAILURE, NULL), 1);
    assert_int_equal(runner_world_events(&w, EVENT_STEP_FAILURE, "a"), 1);
    assert_int_equal(runner_world_events(&w, EVENT_STEP_SKIPPED, "b"), 1);
    return is_retried;
}

static bool recover_with_fault(int nth, int *retried)
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
    *retried += expect_recovered(fired);
    runner_world_release(&w);
    return fired;
}

static void what_was_open_is_closed_once(void **state)
{
    (void)state;
    int nth = 0;
    int retried = 0;
    while (recover_with_fault(nth, &retried)) {
        nth++;
    }
    print_message("%d allocations, in spite of %d tried again\n", nth, retried - 1);
    assert_true(nth > 5 && retried > nth / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_run_is_queued_or_it_is_not, end),
        cmocka_unit_test(what_was_open_is_closed_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
