/* runner_shared_test.c - steps that make several assets, with real children: a shell plays the
 * program that speaks Dagster Pipes, and the worker. */
#include "common/platform/files.h"
#include "runner_fixture.h"
#include "tests/support/cmocka_all.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct runner_world w;
static char run[UUID_TEXT_SIZE];

/* made KEY appends a report, as Dagster Pipes does; asked is what the step is asked for. */
#define PRELUDE                                                                                    \
    "d=$STATE_DIR/runs/$SELVEDGE_RUN/$SELVEDGE_STEP/$SELVEDGE_ATTEMPT.pipes\n"                     \
    "say() { printf '{\"__dagster_pipes_version\": \"0.1\", \"method\": \"%s\", \"params\": "      \
    "%s}\\n' \"$1\" \"$2\" >>$d/messages; }\n"                                                     \
    "made() { say report_asset_materialization \"{\\\"asset_key\\\": \\\"$1\\\", "                 \
    "\\\"data_version\\\": \\\"v-$1\\\"}\"; }\n"                                                   \
    "echo \"$SELVEDGE_ATTEMPT: $SELVEDGE_ASSETS\" >>$STATE_DIR/asked\n"

static void write_file(const char *name, const char *text, unsigned mode)
{
    struct err err = {0};
    if (!files_write(temp_dir_path(&w.dir, name), str_from(text), mode, &err)) {
        fail_msg("%s", err.msg);
    }
}

/* lake makes a, b and c; of_a to of_c are made from each. */
static void begin(const char *script, const char *more)
{
    AUTO(buf) text = buf_growing(1 << 16);
    buf_addf(&text,
             "assets:\n"
             "  - {key: of_a, deps: [a], run: ['true']}\n"
             "  - {key: of_b, deps: [b], run: ['true']}\n"
             "  - {key: of_c, deps: [c], run: ['true']}\n"
             "  - key: lake\n    run: [sh, step.sh]\n%s",
             more);
    runner_world_init(&w, buf_cstr(&text));
    write_file("step.sh", script, 0600);
}

static void run_it(const char *selection, enum run_state expected)
{
    int ends = w.ended;
    runner_world_enqueue(&w, selection, run);
    runner_world_wait(&w, ends + 1);
    assert_int_equal(w.state, expected);
}

static int events(enum event_type type, const char *asset)
{
    return runner_world_events(&w, type, asset);
}

static int count_events(const char *first, const char *second, const char *third)
{
    return runner_world_lines(&w, first, second, third);
}

static void one_child_makes_all_of_them(void **state)
{
    (void)state;
    begin(PRELUDE "cat $d/context >$STATE_DIR/context\necho hello\nmade b\n",
          "    code_version: c7\n    assets: [c, b, {key: a, deps: [b], code_version: c8}]\n");
    run_it("*", RUN_SUCCESS);
    assert_string_equal(runner_world_file(&w, "asked"), "1: c b a\n");
    /* The step's events are the step's, the assets' name both. */
    assert_int_equal(count_events("step_start", "\"step\":\"lake\",\"attempt\":1", ""), 1);
    assert_int_equal(count_events("step_success", "\"step\":\"lake\",\"attempt\":1", ""), 1);
    assert_int_equal(count_events("logs_captured", "\"step\":\"lake\",\"metadata\"", ""), 0);
    assert_int_equal(count_events("materialization_planned", "\"step\":\"lake\"", ""), 3);
    assert_int_equal(count_events("asset_materialization\"", "\"step\":\"lake\"", ""), 3);
    static const char *const assets[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) { /* reported or not: the program ended well */
        assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, assets[i]), 1);
    }
    assert_int_equal(
        count_events("\"step\":\"lake\",\"asset\":\"b\"", "\"data_version\":\"v-b\"", "c7"), 1);
    assert_int_equal(count_events("asset_materialization\"", "\"asset\":\"a\"", "\"c8\""), 1);
    assert_int_equal(count_events("run_enqueued", "\"steps\":4", ""), 1);
    assert_non_null(strstr(runner_world_file(&w, "context"),
                           "{\"asset_keys\":[\"a\",\"b\",\"c\"],\"code_version_by_asset_key\":{"
                           "\"a\":\"c8\",\"b\":\"c7\",\"c\":\"c7\"}"));
    char output[200];
    (void)snprintf(output, sizeof(output), "runs/%s/lake/1.out", run);
    assert_string_equal(runner_world_file(&w, output), "hello\n");
    runner_world_release(&w);
}

static void a_run_of_some_asks_for_those(void **state)
{
    (void)state;
    begin(PRELUDE "made b\nmade a\n", "    assets: [a, b, c]\n");
    run_it("of_a or a or c", RUN_SUCCESS);
    assert_string_equal(runner_world_file(&w, "asked"), "1: a c\n");
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, "b"), 0);
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, "of_a"), 1);
    assert_int_equal(count_events("engine_event", "not this step's: b", ""), 1);
    runner_world_release(&w);
}

static void what_was_made_before_a_failure_is_made(void **state)
{
    (void)state;
    begin(PRELUDE "made a\nmade c\necho 'b is gone' >&2\nexit 1\n", "    assets: [a, b, c]\n");
    run_it("*", RUN_FAILURE);
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, NULL), 4);
    assert_int_equal(count_events("\"partial\"", "", ""), 0);
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, "of_a"), 1);
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, "of_c"), 1);
    assert_int_equal(events(EVENT_STEP_SKIPPED, "of_b"), 1);
    assert_int_equal(count_events("step_skipped", "upstream b did not succeed", ""), 1);
    assert_int_equal(events(EVENT_ASSET_FAILED_TO_MATERIALIZE, NULL), 1);
    assert_int_equal(
        count_events("failed_to_materialize", "\"step\":\"lake\",\"asset\":\"b\"", "b is gone"), 1);
    assert_int_equal(count_events("step_failure", "\"step\":\"lake\",\"attempt\":1", "b is gone"),
                     1);
    assert_int_equal(count_events("run_failure", "lake failed", ""), 1);
    runner_world_release(&w);
}

static void the_next_attempt_is_asked_for_the_rest(void **state)
{
    (void)state;
    begin(PRELUDE "made a\n[ $SELVEDGE_ATTEMPT = 1 ] && exit 1\nmade b\n",
          "    assets: [a, b, c]\n    retry: {max: 1}\n");
    run_it("*", RUN_SUCCESS);
    assert_string_equal(runner_world_file(&w, "asked"), "1: a b c\n2: b c\n");
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, "a"), 1);
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, NULL), 6);
    assert_int_equal(events(EVENT_STEP_SKIPPED, NULL), 0);
    assert_int_equal(events(EVENT_ASSET_FAILED_TO_MATERIALIZE, NULL), 0);
    assert_int_equal(count_events("step_up_for_retry", "\"step\":\"lake\",\"attempt\":1", ""), 1);
    /* What is made from a did not wait for the second attempt. */
    assert_true(w.ended == 1);
    runner_world_release(&w);
}

static char retried[UUID_TEXT_SIZE];

static void from_failure_takes_only_what_is_not_made(void **state)
{
    (void)state;
    begin(PRELUDE "made a\n[ -e $STATE_DIR/well ] || exit 1\n",
          "    assets: [a, b, c]\njobs:\n  - {name: j, select: '*', retry: {max: 1}}\n");
    run_it("*", RUN_FAILURE);
    write_file("well", "x", 0600);
    assert_true(runner_retry(w.runner, str_from(run), RETRY_WHAT_FAILED, STR_NONE, STR_NONE,
                             retried, &w.err));
    runner_world_wait(&w, 2);
    assert_int_equal(w.state, RUN_SUCCESS);
    assert_string_equal(runner_world_file(&w, "asked"), "1: a b c\n1: b c\n");
    /* The step, and what waits for b and c: not what was made of a. */
    assert_int_equal(count_events("run_enqueued", "\"steps\":3", ""), 1);
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, "of_a"), 1);
    /* The same by a job's policy, in memory. */
    (void)unlink(temp_dir_path(&w.dir, "well"));
    (void)unlink(temp_dir_path(&w.dir, "asked"));
    runner_world_enqueue(&w, "j", run);
    runner_world_wait(&w, 4);
    assert_string_equal(runner_world_file(&w, "asked"), "1: a b c\n1: b c\n");
    runner_world_release(&w);
}

static void checks_are_asked_of_what_was_made(void **state)
{
    (void)state;
    begin(PRELUDE "made a\nmade b\nexit 1\n",
          "    assets:\n"
          "      - {key: a, checks: [{name: t, run: [sh, -c, 'echo $SELVEDGE_ASSET'],"
          " blocking: true}]}\n"
          "      - {key: b, checks: [{name: t, run: ['false'], blocking: true}]}\n"
          "      - {key: c, checks: [{name: t, run: ['true']}]}\n");
    run_it("*", RUN_FAILURE);
    assert_int_equal(events(EVENT_ASSET_CHECK_EVALUATION, NULL), 2);
    assert_int_equal(count_events("check_evaluation", "\"asset\":\"a\"", "\"passed\":true"), 1);
    assert_int_equal(count_events("check_evaluation", "\"asset\":\"b\"", "\"passed\":false"), 1);
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, "b"), 1);
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, "of_a"), 1);
    assert_int_equal(events(EVENT_STEP_SKIPPED, "of_b"), 1);
    assert_int_equal(events(EVENT_STEP_SKIPPED, "of_c"), 1);
    char output[200];
    (void)snprintf(output, sizeof(output), "runs/%s/lake/1.a:t.out", run);
    assert_string_equal(runner_world_file(&w, output), "a\n");
    /* What a check held back is made again, as what failed is; a is not. */
    assert_true(runner_retry(w.runner, str_from(run), RETRY_WHAT_FAILED, STR_NONE, STR_NONE,
                             retried, &w.err));
    runner_world_wait(&w, 2);
    assert_non_null(strstr(runner_world_file(&w, "asked"), "\n1: b c\n"));
    runner_world_release(&w);
}

static void a_blocking_check_fails_the_step(void **state)
{
    (void)state;
    begin(PRELUDE "say report_asset_check '{\"asset_key\": \"b\", \"check_name\": \"good\", "
                  "\"passed\": false, \"severity\": \"ERROR\"}'\n",
          "    retry: {max: 3}\n"
          "    assets: [a, {key: b, checks: [{name: good, blocking: true}]}, c]\n");
    run_it("*", RUN_FAILURE);
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, NULL), 5);
    assert_int_equal(events(EVENT_STEP_SKIPPED, "of_b"), 1);
    assert_int_equal(events(EVENT_STEP_SKIPPED, NULL), 1);
    assert_int_equal(events(EVENT_ASSET_FAILED_TO_MATERIALIZE, NULL), 0);
    assert_int_equal(
        count_events("step_failure", "check_failed", "blocking check good of b did not pass"), 1);
    assert_string_equal(runner_world_file(&w, "asked"), "1: a b c\n");
    runner_world_release(&w);
}

static void a_check_that_was_not_reported_fails_its_asset(void **state)
{
    (void)state;
    begin(PRELUDE "made b\n", "    assets: [a, {key: b, checks: [{name: good}]}, c]\n");
    run_it("*", RUN_FAILURE);
    assert_int_equal(count_events("failed_to_materialize", "\"asset\":\"b\"", "check_missing"), 1);
    assert_int_equal(count_events("asset_materialization\"", "\"asset\":\"b\"", "\"partial\""), 1);
    assert_int_equal(events(EVENT_ASSET_FAILED_TO_MATERIALIZE, NULL), 1);
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, "of_a"), 1);
    assert_int_equal(events(EVENT_STEP_SKIPPED, "of_b"), 1);
    runner_world_release(&w);
}

static void a_cancel_keeps_what_is_made(void **state)
{
    (void)state;
    begin(PRELUDE "made a\ntouch $STATE_DIR/made\nexec sleep 60\n", "    assets: [a, b, c]\n");
    runner_world_enqueue(&w, "*", run);
    runner_world_wait_file(&w, "made");
    assert_true(runner_cancel(w.runner, str_from(run), &w.err));
    runner_world_wait(&w, 1);
    assert_int_equal(w.state, RUN_CANCELED);
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, NULL), 1);
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, "a"), 1);
    assert_int_equal(events(EVENT_ASSET_FAILED_TO_MATERIALIZE, NULL), 2);
    assert_int_equal(events(EVENT_STEP_SKIPPED, NULL), 3);
    runner_world_release(&w);
}

static void a_step_that_takes_too_long_keeps_what_is_made(void **state)
{
    (void)state;
    begin(PRELUDE "made a\nexec sleep 60\n", "    assets: [a, b, c]\n    timeout: 1s\n");
    run_it("*", RUN_FAILURE);
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, "a"), 1);
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, "of_a"), 1);
    assert_int_equal(count_events("failed_to_materialize", "timeout", ""), 2);
    runner_world_release(&w);
}

/* As if the agent had been killed: what was told is evidence, its checks were not asked, and the run
 * that goes on makes all of it again. */
static void after_a_crash_all_of_it_is_made_again(void **state)
{
    (void)state;
    begin(PRELUDE "made a\n[ -e $STATE_DIR/told ] && exit 0\ntouch $STATE_DIR/told\n"
                  "exec sleep 60\n",
          "    assets: [a, b, c]\n");
    runner_world_enqueue(&w, "lake/* or a or b or of_a", run);
    runner_world_wait_file(&w, "told");
    runner_world_reopen(&w);
    assert_int_equal(count_events("asset_materialization\"", "\"asset\":\"a\"", "\"partial\""), 1);
    assert_int_equal(count_events("step_failure", "\"step\":\"lake\"", "interrupted"), 1);
    runner_world_wait(&w, 1);
    assert_int_equal(w.state, RUN_SUCCESS);
    assert_string_equal(runner_world_file(&w, "asked"), "1: a b\n1: a b\n");
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, "a"), 2);
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, "c"), 0);
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, "of_a"), 1);
    runner_world_release(&w);
}

/* Two runs that make different assets of one step do not run it at the same time: its state is one. */
static void a_step_runs_once_at_a_time(void **state)
{
    (void)state;
    begin(PRELUDE "[ ! -e $STATE_DIR/busy ] || touch $STATE_DIR/both\ntouch $STATE_DIR/busy\n"
                  "sleep 0.2\nrm $STATE_DIR/busy\n",
          "    assets: [a, b, c]\n");
    w.options.steps_max = 4;
    w.options.runs_max = 4;
    runner_world_reopen(&w);
    runner_world_enqueue(&w, "a", run);
    runner_world_enqueue(&w, "b", run);
    runner_world_wait(&w, 2);
    assert_string_equal(runner_world_file(&w, "asked"), "1: a\n1: b\n");
    assert_false(files_exist(temp_dir_path(&w.dir, "both")));
    runner_world_release(&w);
}

/* --- streams of a tap -------------------------------------------------------------------------- */

static const char streams[] =
    "assets:\n"
    "  - key: lake\n"
    "    extract: {tap: [tap-shop], streams: [a, b, {name: c, checks: [{name: t, sql: select 1,"
    " blocking: true}]}]}\n"
    "    load: {resource: db}\n"
    "  - {key: of_a, deps: [lake/a], run: ['true']}\n"
    "  - {key: of_b, deps: [lake/b], run: ['true']}\n"
    "  - {key: of_c, deps: [lake/c], run: ['true']}\n"
    "resources: {db: {type: sqlite, path: x.db}}\n";

/* What stands for the worker gets the step on its standard input, and says the lines. */
static void begin_streams(const char *worker)
{
    runner_world_init(&w, streams);
    AUTO(buf) script = buf_growing(1 << 16);
    buf_addf(&script, "#!/bin/sh\ncat >>$STATE_DIR/input\n%s", worker);
    write_file("worker", buf_cstr(&script), 0700);
    w.options.worker = temp_dir_path(&w.dir, "worker");
    static char path[LIMIT_PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s", w.options.worker);
    w.options.worker = path;
    runner_world_reopen(&w);
}

static void the_worker_tells_of_each_stream(void **state)
{
    (void)state;
    begin_streams(
        "echo '{\"event\":\"materialization\",\"asset\":\"lake/a\",\"metadata\":"
        "{\"dagster/row_count\":{\"type\":\"int\",\"raw_value\":3}}}' >&3\n"
        "echo '{\"event\":\"failure\",\"asset\":\"lake/b\",\"code\":\"invalid\",\"message\":"
        "\"no such column\",\"hint\":\"look\"}' >&3\n"
        "echo '{\"event\":\"materialization\",\"asset\":\"lake/c\"}' >&3\n"
        "echo '{\"event\":\"check\",\"asset\":\"lake/c\",\"name\":\"t\",\"passed\":false,"
        "\"severity\":\"error\"}' >&3\n"
        "echo '{\"event\":\"error\",\"code\":\"failed\",\"message\":\"1 of 3 streams failed\"}' "
        ">&3\nexit 1\n");
    run_it("*", RUN_FAILURE);
    assert_int_equal(count_events("\"asset\":\"lake/a\"", "\"raw_value\":3", ""), 1);
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, "lake/c"), 1);
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, "of_a"), 1);
    assert_int_equal(events(EVENT_ASSET_FAILED_TO_MATERIALIZE, NULL), 1);
    assert_int_equal(count_events("failed_to_materialize", "\"asset\":\"lake/b\"",
                                  "\"message\":\"no such column\",\"hint\":\"look\""),
                     1);
    assert_int_equal(count_events("step_failure", "\"step\":\"lake\"", "1 of 3 streams failed"), 1);
    assert_int_equal(count_events("check_evaluation", "\"asset\":\"lake/c\"", "false"), 1);
    assert_int_equal(events(EVENT_STEP_SKIPPED, "of_b"), 1);
    assert_int_equal(events(EVENT_STEP_SKIPPED, "of_c"), 1);
    runner_world_release(&w);
}

static void the_worker_is_told_which_streams(void **state)
{
    (void)state;
    begin_streams("echo '{\"event\":\"materialization\",\"asset\":\"lake/c\"}' >&3\n"
                  "echo '{\"event\":\"materialization\",\"asset\":\"lake/a\"}' >&3\n");
    run_it("lake/a or lake/c", RUN_SUCCESS);
    const char *input = runner_world_file(&w, "input");
    assert_non_null(strstr(input, "\"step\":\"lake\",\"attempt\":1,\"kind\":\"extract_load\","
                                  "\"state_id\":\"lake\",\"assets\":["
                                  "{\"asset\":\"lake/a\",\"stream\":\"a\"},"
                                  "{\"asset\":\"lake/c\",\"stream\":\"c\"}],"
                                  "\"tap\":{\"type\":\"singer_program\""));
    assert_non_null(strstr(input, "\"checks\":[{\"asset\":\"lake/c\",\"name\":\"t\","));
    assert_null(strstr(input, "\"asset\":\"lake/b\""));
    assert_null(strstr(input, "{\"asset\":\"lake\""));
    runner_world_release(&w);
}

/* A worker that ends well and forgets one has not made it. */
static void what_the_worker_does_not_tell_of_is_not_made(void **state)
{
    (void)state;
    begin_streams("echo '{\"event\":\"materialization\",\"asset\":\"lake/a\"}' >&3\n"
                  "echo '{\"event\":\"materialization\",\"asset\":\"lake/none\"}' >&3\n");
    run_it("lake/*", RUN_FAILURE);
    assert_int_equal(events(EVENT_ASSET_MATERIALIZATION, NULL), 1);
    assert_int_equal(count_events("step_failure", "said nothing of 2 of its 3 assets", ""), 1);
    runner_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_child_makes_all_of_them),
        cmocka_unit_test(a_run_of_some_asks_for_those),
        cmocka_unit_test(what_was_made_before_a_failure_is_made),
        cmocka_unit_test(the_next_attempt_is_asked_for_the_rest),
        cmocka_unit_test(from_failure_takes_only_what_is_not_made),
        cmocka_unit_test(checks_are_asked_of_what_was_made),
        cmocka_unit_test(a_blocking_check_fails_the_step),
        cmocka_unit_test(a_check_that_was_not_reported_fails_its_asset),
        cmocka_unit_test(a_cancel_keeps_what_is_made),
        cmocka_unit_test(a_step_that_takes_too_long_keeps_what_is_made),
        cmocka_unit_test(after_a_crash_all_of_it_is_made_again),
        cmocka_unit_test(a_step_runs_once_at_a_time),
        cmocka_unit_test(the_worker_tells_of_each_stream),
        cmocka_unit_test(the_worker_is_told_which_streams),
        cmocka_unit_test(what_the_worker_does_not_tell_of_is_not_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
