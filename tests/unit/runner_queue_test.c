/* runner_queue_test.c - many runs: order, overlap, places, and what survives a restart. Steps leave
 * a letter each in the file `log`, and those that wait, wait for the file `go`. */
#include "agent/store/runs.h"
#include "common/platform/files.h"
#include "runner_fixture.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SAYS(letter) "run: [sh, -c, 'printf " letter " >> log']"
#define WAITS(letter)                                                                              \
    "run: [sh, -c, 'printf " letter " >> log; touch up-" letter                                    \
    "; until test -e go; do sleep 0.02; done']"

static struct runner_world w;
static char runs[8][UUID_TEXT_SIZE];

static int end(void **state)
{
    (void)state;
    runner_world_release(&w);
    return 0;
}

static void go(void)
{
    FILE *file = fopen(temp_dir_path(&w.dir, "go"), "w");
    assert_non_null(file);
    (void)fclose(file);
}

static void expect_log(const char *expected)
{
    assert_string_equal(runner_world_file(&w, "log"), expected);
}

static void expect_end(int place, const char *run, enum run_state state)
{
    assert_true(place < w.ended);
    assert_string_equal(w.ends[place], run);
    assert_string_equal(run_state_name(w.states[place]), run_state_name(state));
}

static const char three_jobs[] =
    "assets:\n"
    "  - {key: a, " WAITS(
        "a") "}\n"
             "  - {key: b, " SAYS(
                 "b") "}\n"
                      "  - {key: c, " SAYS(
                          "c") "}\n"
                               "jobs: [{name: ja, select: a}, {name: jb, select: b}, "
                               "{name: jc, select: c}]\n";

static void the_more_important_goes_first_then_the_older(void **state)
{
    (void)state;
    runner_world_init(&w, three_jobs);
    runner_world_enqueue(&w, "ja", runs[0]);
    runner_world_wait_file(&w, "up-a");
    runner_world_enqueue(&w, "jb", runs[1]);
    w.loaded.defs->jobs[2].priority = 5;
    runner_world_enqueue(&w, "jc", runs[2]);
    runner_world_enqueue(&w, "b", runs[3]);
    runner_world_turn(&w);
    assert_int_equal(runner_active_runs(w.runner), 1);
    assert_int_equal(runner_queued_runs(w.runner), 3);
    go();
    runner_world_wait(&w, 4);
    expect_log("acbb");
    expect_end(1, runs[2], RUN_SUCCESS);
    expect_end(2, runs[1], RUN_SUCCESS);
    assert_int_equal(runner_world_events(&w, EVENT_RUN_DEQUEUED, NULL), 3);
}

static bool ask(const char *job, enum overlap overlap, char run[UUID_TEXT_SIZE])
{
    struct run_request request = {.job = str_from(job),
                                  .cause = STR("schedule"),
                                  .selection = STR("a"),
                                  .on_overlap = overlap};
    return runner_enqueue(w.runner, &request, run, &w.err);
}

static void runs_of_a_job_never_overlap(void **state)
{
    (void)state;
    runner_world_init(&w, three_jobs);
    w.options.runs_max = 4;
    w.options.steps_max = 4;
    runner_world_reopen(&w);
    assert_true(ask("ja", OVERLAP_SKIP, runs[0]));
    runner_world_wait_file(&w, "up-a");
    assert_false(ask("ja", OVERLAP_SKIP, runs[1]));
    assert_int_equal(w.err.code, ERR_BUSY);
    assert_true(ask("ja", OVERLAP_QUEUE, runs[1]));
    runner_world_enqueue(&w, "jb", runs[2]); /* another job's run passes it */
    runner_world_wait(&w, 1);
    expect_end(0, runs[2], RUN_SUCCESS);
    assert_true(ask("ja", OVERLAP_REPLACE, runs[3]));
    runner_world_wait(&w, 3); /* the one that went, and the one that waited */
    for (int i = 1; i < 3; i++) {
        assert_int_equal(w.states[i], RUN_CANCELED);
    }
    go();
    runner_world_wait(&w, 4);
    expect_end(3, runs[3], RUN_SUCCESS);
    expect_log("aba");
}

static void what_cannot_be_queued_replaces_nothing(void **state)
{
    (void)state;
    runner_world_init(&w, three_jobs);
    assert_true(ask("ja", OVERLAP_SKIP, runs[0]));
    runner_world_wait_file(&w, "up-a");
    struct run_request request = {.job = STR("ja"),
                                  .cause = STR("manual"),
                                  .selection = STR("nothing"),
                                  .on_overlap = OVERLAP_REPLACE};
    assert_false(runner_enqueue(w.runner, &request, runs[1], &w.err));
    assert_int_equal(w.err.code, ERR_NOT_FOUND);
    go();
    runner_world_wait(&w, 1);
    expect_end(0, runs[0], RUN_SUCCESS);
}

static void places_are_kept(void **state)
{
    (void)state;
    runner_world_init(
        &w, "assets:\n"
            "  - {key: a, " WAITS("a") "}\n"
                                       "  - {key: b, " WAITS(
                                           "b") "}\n"
                                                "  - {key: c, " WAITS(
                                                    "c") "}\n"
                                                         "jobs: [{name: all, select: '*'}]\n");
    struct pool pool = {.name = STR("serial"), .limit = 1};
    for (size_t i = 0; i < 2; i++) { /* a and b share one place */
        w.loaded.defs->assets[i].pool = &pool;
        w.loaded.defs->assets[i].pool_name = pool.name;
    }
    w.options.runs_max = 4;
    w.options.steps_max = 4;
    runner_world_reopen(&w);
    runner_world_enqueue(&w, "all", runs[0]);
    runner_world_wait_file(&w, "up-a");
    runner_world_wait_file(&w, "up-c");
    assert_int_equal(runner_active_steps(w.runner), 2);
    runner_world_enqueue(&w, "c", runs[1]); /* the same asset: one at a time */
    runner_world_turn(&w);
    assert_int_equal(runner_active_runs(w.runner), 2);
    assert_int_equal(runner_active_steps(w.runner), 2);
    /* A run that is canceled keeps no place. */
    runner_world_check(&w, runner_cancel(w.runner, str_from(runs[0]), &w.err));
    runner_world_wait(&w, 1);
    expect_end(0, runs[0], RUN_CANCELED);
    go();
    runner_world_enqueue(&w, "b", runs[2]);
    runner_world_wait(&w, 3);
    assert_int_equal(w.state, RUN_SUCCESS);
    w.loaded.defs->jobs[0].max_parallel = 1;
    runner_world_enqueue(&w, "all", runs[3]);
    while (w.ended < 4) {
        runner_world_turn(&w);
        assert_true(runner_active_steps(w.runner) <= 1);
    }
    for (size_t i = 0; i < 2; i++) {
        w.loaded.defs->assets[i].pool = NULL;
    }
}

static void a_run_has_a_time_out(void **state)
{
    (void)state;
    runner_world_init(&w, three_jobs);
    w.loaded.defs->jobs[0].timeout_ns = 200 * NS_PER_MS;
    runner_world_enqueue(&w, "ja", runs[0]);
    runner_world_wait(&w, 1);
    expect_end(0, runs[0], RUN_FAILURE);
    assert_int_equal(runner_world_events(&w, EVENT_STEP_FAILURE, "a"), 1);
    assert_int_equal(runner_world_events(&w, EVENT_RUN_FAILURE, NULL), 1);
}

static void canceling_takes_from_the_queue_and_stops_what_goes(void **state)
{
    (void)state;
    runner_world_init(&w, three_jobs);
    runner_world_enqueue(&w, "ja", runs[0]);
    runner_world_enqueue(&w, "jb", runs[1]);
    runner_world_wait_file(&w, "up-a");
    runner_world_check(&w, runner_cancel(w.runner, str_from(runs[1]), &w.err));
    runner_world_wait(&w, 1);
    expect_end(0, runs[1], RUN_CANCELED);
    runner_world_check(&w, runner_cancel(w.runner, str_from(runs[0]), &w.err));
    runner_world_wait(&w, 2);
    expect_end(1, runs[0], RUN_CANCELED);
    assert_false(runner_cancel(w.runner, str_from(runs[0]), &w.err));
    assert_int_equal(w.err.code, ERR_NOT_FOUND);
    expect_log("a");
    /* It can be tried again all the same. */
    runner_world_check(&w, runner_retry(w.runner, str_from(runs[1]), RETRY_WHAT_FAILED, STR_NONE,
                                        STR_NONE, runs[2], &w.err));
    runner_world_wait(&w, 3);
    expect_end(2, runs[2], RUN_SUCCESS);
    expect_log("ab");
}

static const char chain[] =
    "assets:\n"
    "  - {key: a, " SAYS(
        "a") "}\n"
             "  - {key: b, run: [sh, -c, 'printf b >> log; test -e good'], deps: [a]}\n"
             "  - {key: c, " SAYS("c") ", deps: [b]}\n"
                                       "  - {key: d, " SAYS(
                                           "d") "}\n"
                                                "jobs: [{name: all, select: '*'}]\n";

static void load(const char *run, struct arena *arena, struct stored_run *ret)
{
    bool found = false;
    runner_world_check(&w,
                       store_load_run(w.fixture.store, str_from(run), arena, ret, &found, &w.err));
    assert_true(found);
}

static void a_failed_run_is_tried_again_from_where_it_failed(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct stored_run again;
    runner_world_init(&w, chain);
    w.loaded.defs->jobs[0].retry = (struct run_retry){.max = 2};
    runner_world_enqueue(&w, "all", runs[0]);
    runner_world_wait(&w, 3); /* and there is no fourth */
    expect_log("adbbb");
    load(w.ends[2], &arena, &again);
    assert_true(str_eq(again.parent, str_from(w.ends[1])));
    assert_true(str_eq(again.root, str_from(runs[0])));
    assert_int_equal(again.retry_number, 2);
    assert_true(str_eq(again.keys, STR("[\"b\",\"c\"]")));
    assert_int_equal(runner_queued_runs(w.runner), 0);
    /* By hand, of the last: what had never been reached comes too. */
    (void)fclose(fopen(temp_dir_path(&w.dir, "good"), "w"));
    runner_world_check(&w, runner_retry(w.runner, again.id, RETRY_WHAT_FAILED, STR_NONE, STR_NONE,
                                        runs[1], &w.err));
    runner_world_wait(&w, 4);
    expect_end(3, runs[1], RUN_SUCCESS);
    expect_log("adbbbbc");
    assert_false(runner_retry(w.runner, str_from(runs[1]), RETRY_WHAT_FAILED, STR_NONE, STR_NONE,
                              runs[2], &w.err));
    assert_int_equal(w.err.code, ERR_NOT_FOUND);
    runner_world_check(&w, runner_retry(w.runner, str_from(runs[1]), RETRY_WHAT_SELECTED, STR("a"),
                                        STR_NONE, runs[2], &w.err));
    runner_world_check(&w, runner_retry(w.runner, str_from(runs[0]), RETRY_WHAT_ALL, STR_NONE,
                                        STR_NONE, runs[3], &w.err));
    assert_false(runner_retry(w.runner, str_from(runs[3]), RETRY_WHAT_ALL, STR_NONE, STR_NONE,
                              runs[4], &w.err));
    assert_int_equal(w.err.code, ERR_BUSY);
    runner_world_wait(&w, 6);
    expect_log("adbbbbcaadbc");
}

static void strategies_differ_in_what_they_do_again(void **state)
{
    (void)state;
    runner_world_init(&w, chain);
    w.loaded.defs->jobs[0].retry = (struct run_retry){.max = 1, .strategy = RETRY_ALL_STEPS};
    runner_world_enqueue(&w, "all", runs[0]);
    runner_world_wait(&w, 2);
    expect_log("adbadb");
    struct str name = STR("dagster/max_retries");
    struct str zero = STR("0");
    struct run_request request = {.job = STR("all"),
                                  .selection = STR("*"),
                                  .cause = STR("manual"),
                                  .tags = {.keys = &name, .values = &zero, .count = 1}};
    runner_world_check(&w, runner_enqueue(w.runner, &request, runs[1], &w.err));
    runner_world_wait(&w, 3);
    assert_int_equal(runner_queued_runs(w.runner), 0); /* the tag says more than the job */
}

/* --- restarts --------------------------------------------------------------------------------- */

static void a_kill_closes_the_run_and_goes_on_from_there(void **state)
{
    (void)state;
    AUTO(arena) arena = arena_new(1 << 20);
    struct stored_run run;
    runner_world_init(
        &w, "assets:\n"
            "  - {key: a, " SAYS("a") "}\n"
                                      "  - {key: b, " WAITS("b") ", deps: [a]}\n"
                                                                 "  - {key: c, " SAYS(
                                                                     "c") ", deps: [b]}\n");
    runner_world_enqueue(&w, "*", runs[0]);
    runner_world_enqueue(&w, "c", runs[1]);
    runner_world_wait_file(&w, "up-b");
    runner_world_reopen(&w);
    load(runs[0], &arena, &run);
    assert_true(str_eq(run.status, STR("failure")));
    assert_int_equal(runner_world_events(&w, EVENT_STEP_FAILURE, "b"), 1);
    assert_int_equal(runner_world_events(&w, EVENT_STEP_SKIPPED, "c"), 1);
    assert_int_equal(runner_queued_runs(w.runner), 2); /* its retry, and the one that had waited */
    go();
    runner_world_wait(&w, 2);
    assert_int_equal(w.states[0], RUN_SUCCESS);
    assert_int_equal(w.states[1], RUN_SUCCESS);
    expect_log("abbcc"); /* the retry first, as the older was; a is not made again */
}

static void what_is_interrupted_every_time_is_given_up(void **state)
{
    (void)state;
    runner_world_init(&w, three_jobs);
    runner_world_enqueue(&w, "ja", runs[0]);
    for (int i = 0; i < 4; i++) {
        runner_world_wait_file(&w, "up-a");
        assert_int_equal(unlink(temp_dir_path(&w.dir, "up-a")), 0);
        runner_world_reopen(&w);
    }
    assert_int_equal(runner_queued_runs(w.runner), 0);
    expect_log("aaaa");
    assert_int_equal(runner_world_events(&w, EVENT_RUN_FAILURE, NULL), 4);
}

static void a_stop_in_order_keeps_retry_times(void **state)
{
    (void)state;
    runner_world_init(&w, "assets:\n"
                          "  - {key: a, run: ['false'], retry: {max: 5, delay: 10m}}\n"
                          "  - {key: b, " WAITS("b") "}\n");
    w.options.steps_max = 2;
    runner_world_reopen(&w);
    runner_world_enqueue(&w, "*", runs[0]);
    runner_world_wait_file(&w, "up-b");
    while (runner_world_events(&w, EVENT_STEP_UP_FOR_RETRY, "a") == 0) {
        runner_world_turn(&w);
    }
    runner_shut_down(w.runner, RUN_STOP_INTERRUPTED);
    runner_world_wait(&w, 1);
    expect_end(0, runs[0], RUN_FAILURE);
    runner_world_reopen(&w);
    assert_int_equal(unlink(temp_dir_path(&w.dir, "up-b")), 0);
    runner_world_wait_file(&w, "up-b"); /* b goes on, a still waits for its time */
    assert_int_equal(runner_world_events(&w, EVENT_STEP_START, "a"), 1);
    assert_int_equal(runner_active_steps(w.runner), 1);
}

static void a_run_that_cannot_be_planned_any_more_fails(void **state)
{
    (void)state;
    struct loaded other;
    runner_world_init(&w, three_jobs);
    runner_world_enqueue(&w, "ja", runs[0]);
    runner_world_enqueue(&w, "jb", runs[1]);
    runner_world_wait_file(&w, "up-a");
    load_text(&other, "project: other\nassets: [{key: a, run: ['true']}]");
    assert_loaded(&other);
    runner_use_definitions(w.runner, other.defs);
    go();
    runner_world_wait(&w, 2);
    expect_end(0, runs[0], RUN_SUCCESS); /* it kept its own */
    expect_end(1, runs[1], RUN_FAILURE);
    runner_use_definitions(w.runner, w.loaded.defs);
    loaded_release(&other);
}

static void what_another_engine_queued_is_left_to_the_daemon(void **state)
{
    (void)state;
    runner_world_init(&w, three_jobs);
    runner_world_enqueue(&w, "ja", runs[0]);
    runner_world_enqueue(&w, "jb", runs[1]);
    runner_world_wait_file(&w, "up-a");
    w.options.takes_over = false;
    runner_world_reopen(&w);
    assert_int_equal(runner_queued_runs(w.runner), 0);
    assert_int_equal(runner_world_events(&w, EVENT_RUN_FAILURE, NULL), 1);
    w.options.takes_over = true;
    runner_world_reopen(&w);
    assert_int_equal(runner_queued_runs(w.runner), 1);
    runner_world_wait(&w, 1);
    expect_end(0, runs[1], RUN_SUCCESS);
}

/* A clock that goes on whenever it is read, so that a time comes between one look and the next. */
#define READING_NS (20 * NS_PER_MS)
static struct wall_time ticking_wall(void *ctx)
{
    struct wall_time *wall = ctx;
    wall->ns += READING_NS;
    return *wall;
}

static struct mono_time true_mono(void *ctx)
{
    (void)ctx;
    const struct clock system = clock_system();
    return clock_mono(&system);
}

static void a_retry_begins_whenever_its_time_comes(void **state)
{
    (void)state;
    for (int readings = 1; readings <= 16; readings++) {
        struct wall_time wall = {1767225600 * NS_PER_SEC};
        const struct clock clock = {.mono = true_mono, .wall = ticking_wall, .ctx = &wall};
        runner_world_init_at(&w, chain, clock);
        w.loaded.defs->jobs[0].retry =
            (struct run_retry){.max = 1, .delay_ns = readings * READING_NS - READING_NS / 2};
        runner_world_enqueue(&w, "all", runs[0]);
        for (int turns = 0; w.ended < 2; turns++) {
            assert_true(turns < 1000); /* of 20 ms at most: it is forgotten */
            runner_world_turn(&w);
        }
        runner_world_release(&w);
        w = (struct runner_world){0};
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_more_important_goes_first_then_the_older, end),
        cmocka_unit_test_teardown(runs_of_a_job_never_overlap, end),
        cmocka_unit_test_teardown(what_cannot_be_queued_replaces_nothing, end),
        cmocka_unit_test_teardown(places_are_kept, end),
        cmocka_unit_test_teardown(a_run_has_a_time_out, end),
        cmocka_unit_test_teardown(canceling_takes_from_the_queue_and_stops_what_goes, end),
        cmocka_unit_test_teardown(a_failed_run_is_tried_again_from_where_it_failed, end),
        cmocka_unit_test_teardown(strategies_differ_in_what_they_do_again, end),
        cmocka_unit_test(a_retry_begins_whenever_its_time_comes),
        cmocka_unit_test_teardown(a_kill_closes_the_run_and_goes_on_from_there, end),
        cmocka_unit_test_teardown(what_is_interrupted_every_time_is_given_up, end),
        cmocka_unit_test_teardown(a_stop_in_order_keeps_retry_times, end),
        cmocka_unit_test_teardown(a_run_that_cannot_be_planned_any_more_fails, end),
        cmocka_unit_test_teardown(what_another_engine_queued_is_left_to_the_daemon, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
