/* runner_test.c - one run at a time: that it is recorded whole, and what is left of it. */
#include "common/platform/files.h"
#include "runner_fixture.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>

static struct runner_world w;

/* More than the store's memory for records that wait holds at a time. */
static void a_large_run_is_recorded_whole(void **state)
{
    enum { ASSETS = 6000 };
    (void)state;
    char run[UUID_TEXT_SIZE];
    AUTO(buf) text = buf_growing(4 << 20);
    buf_add_text(&text, "assets:\n");
    for (int i = 0; i < ASSETS; i++) {
        buf_addf(&text, "  - {key: a%d, run: [sleep, '60']", i);
        if (i > 0) {
            buf_addf(&text, ", deps: [a%d]", i - 1);
        }
        buf_add_text(&text, "}\n");
    }
    runner_world_init(&w, buf_cstr(&text));
    runner_world_enqueue(&w, "*", run);
    runner_world_check(&w, loop_turn(w.loop, 0, &w.err));
    assert_int_equal(runner_active_steps(w.runner), 1);
    runner_shut_down(w.runner, RUN_STOP_CANCELED);
    runner_world_wait(&w, 1);
    assert_int_equal(w.state, RUN_CANCELED);
    assert_int_equal(runner_world_events(&w, EVENT_ASSET_MATERIALIZATION_PLANNED, NULL), ASSETS);
    assert_int_equal(runner_world_events(&w, EVENT_STEP_START, NULL), 1);
    assert_int_equal(runner_world_events(&w, EVENT_STEP_SKIPPED, NULL), ASSETS - 1);
    assert_int_equal(runner_world_events(&w, EVENT_RUN_CANCELING, NULL), 1);
    assert_int_equal(runner_world_events(&w, EVENT_RUN_CANCELED, NULL), 1);
    runner_world_release(&w);
}

static bool has_output(const char *run)
{
    char path[160];
    (void)snprintf(path, sizeof(path), "%s/runs/%s", w.dir.path, run);
    return files_exist(path);
}

/* A device on which nothing but `selvedge-agent materialize` runs starts the engine for each run. */
static void old_output_goes_however_short_the_engine_lives(void **state)
{
    enum { RUNS = 4 };
    (void)state;
    char runs[RUNS][UUID_TEXT_SIZE];
    runner_world_init(&w, "assets: [{key: a, run: ['true']}]");
    w.options.retention.runs = 2;
    for (int i = 0; i < RUNS; i++) {
        runner_world_reopen(&w);
        runner_world_enqueue(&w, "*", runs[i]);
        runner_world_wait(&w, i + 1);
        assert_int_equal(w.state, RUN_SUCCESS);
    }
    assert_false(has_output(runs[0]));
    assert_false(has_output(runs[1]));
    assert_true(has_output(runs[2]));
    assert_true(has_output(runs[3]));
    runner_world_release(&w);
}

/* The check is SQL: the worker is asked once the command has ended. */
static void a_blocking_check_stops_what_depends_on_it(void **state)
{
    static const char definitions[] = "resources: {db: {type: sqlite, path: x.db}}\n"
                                      "assets:\n"
                                      "  - key: a\n"
                                      "    run: [sh, -c, 'touch x.db; echo made >> made']\n"
                                      "    retry: {max: 3}\n"
                                      "    checks: [{name: good, resource: db, sql: select 0}]\n"
                                      "  - {key: b, run: ['true'], deps: [a]}\n"
                                      "  - {key: c, run: ['true']}\n";
    (void)state;
    char run[UUID_TEXT_SIZE];
    runner_world_init(&w, definitions);
    w.options.worker = SELVEDGE_EL;
    runner_world_reopen(&w);
    runner_world_enqueue(&w, "*", run);
    runner_world_wait(&w, 1);
    assert_int_equal(w.state, RUN_SUCCESS); /* a check that blocks nothing */
    w.loaded.defs->assets[0].checks[0].is_blocking = true;
    runner_world_enqueue(&w, "*", run);
    runner_world_wait(&w, 2);
    assert_int_equal(w.state, RUN_FAILURE);
    assert_int_equal(runner_world_events(&w, EVENT_ASSET_MATERIALIZATION, "a"),
                     2);                                                   /* it was made */
    assert_int_equal(runner_world_events(&w, EVENT_STEP_FAILURE, "a"), 1); /* and not tried again */
    assert_int_equal(runner_world_events(&w, EVENT_ASSET_FAILED_TO_MATERIALIZE, NULL), 0);
    assert_int_equal(runner_world_events(&w, EVENT_ASSET_CHECK_EVALUATION, "a"), 2);
    assert_int_equal(runner_world_events(&w, EVENT_STEP_SKIPPED, "b"), 1);
    assert_int_equal(runner_world_events(&w, EVENT_STEP_SUCCESS, "c"), 2);
    assert_string_equal(runner_world_file(&w, "made"), "made\nmade\n");
    runner_world_release(&w);
}

/* What a blocking check held back stays back, also when only what was not made is made again. */
static void a_retry_asks_the_blocking_check_again(void **state)
{
    static const char definitions[] =
        "assets:\n"
        "  - {key: a, run: ['true'], checks: [{name: bad, run: ['false'], blocking: true}]}\n"
        "  - {key: b, run: ['true'], deps: [a]}\n"
        "  - {key: c, run: ['true']}\n"
        "jobs: [{name: all, select: '*', retry: {max: 1, strategy: from_asset_failure}}]\n";
    (void)state;
    char run[UUID_TEXT_SIZE];
    runner_world_init(&w, definitions);
    runner_world_enqueue(&w, "all", run);
    runner_world_wait(&w, 2);
    assert_int_equal(w.state, RUN_FAILURE);
    assert_int_equal(runner_world_events(&w, EVENT_STEP_START, "b"), 0);
    assert_int_equal(runner_world_events(&w, EVENT_ASSET_CHECK_EVALUATION, "a"), 2);
    assert_int_equal(runner_world_events(&w, EVENT_STEP_START, "c"), 1);
    runner_world_check(&w, runner_retry(w.runner, str_from(w.ends[1]), RETRY_WHAT_UNMADE, STR_NONE,
                                        STR_NONE, run, &w.err));
    runner_world_wait(&w, 3);
    assert_int_equal(runner_world_events(&w, EVENT_STEP_START, "b"), 0);
    assert_int_equal(runner_world_events(&w, EVENT_ASSET_CHECK_EVALUATION, "a"), 3);
    runner_world_release(&w);
}

/* Checks that are commands come after the step, with its environment; a blocking one ends it. */
static void checks_may_be_commands(void **state)
{
    static const char definitions[] =
        "assets:\n"
        "  - key: a\n"
        "    run: [sh, -c, 'echo made > made']\n"
        "    env: {WORD: made}\n"
        "    checks:\n"
        "      - {name: there, run: [sh, -c, 'grep $WORD made; test $SELVEDGE_CHECK = there']}\n"
        "      - {name: bad, run: [sh, -c, 'test -e good'], blocking: true}\n"
        "      - {name: cheap, run: ['false'], severity: warn}\n"
        "  - {key: b, run: ['true'], deps: [a]}\n";
    (void)state;
    char run[UUID_TEXT_SIZE];
    runner_world_init(&w, definitions);
    runner_world_enqueue(&w, "*", run);
    runner_world_wait(&w, 1);
    assert_int_equal(w.state, RUN_FAILURE);
    assert_int_equal(runner_world_events(&w, EVENT_ASSET_MATERIALIZATION, "a"), 1);
    assert_int_equal(runner_world_events(&w, EVENT_ASSET_CHECK_EVALUATION, "a"), 3);
    assert_int_equal(runner_world_events(&w, EVENT_STEP_SKIPPED, "b"), 1);
    (void)fclose(fopen(temp_dir_path(&w.dir, "good"), "w"));
    runner_world_enqueue(&w, "*", run);
    runner_world_wait(&w, 2);
    assert_int_equal(w.state, RUN_SUCCESS);
    assert_int_equal(runner_world_events(&w, EVENT_ASSET_CHECK_EVALUATION, "a"), 6);
    assert_int_equal(runner_world_events(&w, EVENT_STEP_SUCCESS, "b"), 1);
    runner_world_release(&w);
}

static void canceling_ends_the_checks_too(void **state)
{
    static const char definitions[] =
        "assets:\n"
        "  - key: a\n"
        "    run: ['true']\n"
        "    checks: [{name: slow, run: [sh, -c, 'touch up; sleep 60']}]\n";
    (void)state;
    char run[UUID_TEXT_SIZE];
    runner_world_init(&w, definitions);
    runner_world_enqueue(&w, "*", run);
    runner_world_wait_file(&w, "up");
    runner_world_check(&w, runner_cancel(w.runner, str_from(run), &w.err));
    runner_world_wait(&w, 1);
    assert_int_equal(w.state, RUN_CANCELED);
    assert_int_equal(runner_world_events(&w, EVENT_ASSET_MATERIALIZATION, "a"), 1);
    runner_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_run_is_recorded_whole),
        cmocka_unit_test(old_output_goes_however_short_the_engine_lives),
        cmocka_unit_test(a_blocking_check_stops_what_depends_on_it),
        cmocka_unit_test(a_retry_asks_the_blocking_check_again),
        cmocka_unit_test(checks_may_be_commands),
        cmocka_unit_test(canceling_ends_the_checks_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
