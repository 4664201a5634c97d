/* runner_pipes_test.c - steps that speak Dagster Pipes, with real children: a shell plays the
 * client. Real clients: tests/interop. */
#include "common/platform/files.h"
#include "runner_fixture.h"
#include "tests/support/cmocka_all.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct runner_world w;
static char run[UUID_TEXT_SIZE];

/* say METHOD PARAMS appends a message. */
#define PRELUDE                                                                                    \
    "d=$STATE_DIR/runs/$SELVEDGE_RUN/$SELVEDGE_ASSET/$SELVEDGE_ATTEMPT.pipes\n"                    \
    "say() { printf '{\"__dagster_pipes_version\": \"0.1\", \"method\": \"%s\", \"params\": "      \
    "%s}\\n' \"$1\" \"$2\" >>$d/messages; }\n"                                                     \
    "say opened '{\"extras\": {}}'\n"
#define MADE                                                                                       \
    "say report_asset_materialization '{\"asset_key\": \"a\", \"data_version\": \"v1\", "          \
    "\"metadata\": {\"n\": {\"raw_value\": 1, \"type\": \"__infer__\"}}}'\n"

static void begin(const char *script, const char *more)
{
    AUTO(buf) text = buf_growing(1 << 16);
    buf_addf(&text, "assets:\n  - key: a\n    run: [sh, step.sh]\n%s", more);
    runner_world_init(&w, buf_cstr(&text));
    struct err err = {0};
    if (!files_write(temp_dir_path(&w.dir, "step.sh"), str_from(script), 0600, &err)) {
        fail_msg("%s", err.msg);
    }
    /* The definitions lie in the world's folder. */
}

static void run_it(enum run_state expected)
{
    int ends = w.ended;
    runner_world_enqueue(&w, "*", run);
    runner_world_wait(&w, ends + 1);
    assert_int_equal(w.state, expected);
}

static bool has_event(const char *first, const char *second, const char *third)
{
    return runner_world_lines(&w, first, second, third) > 0;
}

static bool has_folder(void)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/runs/%s/a/1.pipes", w.dir.path, run);
    return files_exist(path);
}

static void what_is_reported_is_recorded(void **state)
{
    (void)state;
    begin(PRELUDE MADE "say log '{\"message\": \"hello\", \"level\": \"INFO\"}'\n"
                       "say log_external_stream '{\"stream\": \"stdout\", \"text\": \"aside\"}'\n"
                       "say closed '{}'\n",
          "    code_version: c7\n");
    run_it(RUN_SUCCESS);
    assert_int_equal(runner_world_events(&w, EVENT_ASSET_MATERIALIZATION, "a"), 1);
    assert_true(has_event("asset_materialization\"", "\"data_version\":\"v1\"",
                          "\"metadata\":{\"n\":{\"type\":\"int\",\"raw_value\":1}}"));
    assert_true(has_event("asset_materialization\"", "\"code_version\":\"c7\"", ""));
    assert_false(has_event("\"partial\"", "", ""));
    assert_true(has_event("\"type\":\"log\"", "\"message\":\"hello\"", "\"step\":\"a\""));
    assert_int_equal(runner_world_events(&w, EVENT_ENGINE_EVENT, NULL), 0);
    assert_false(has_folder());
    char output[200];
    (void)snprintf(output, sizeof(output), "runs/%s/a/1.out", run);
    assert_string_equal(runner_world_file(&w, output), "aside");
    runner_world_release(&w);
}

static void a_program_that_knows_nothing_of_it_is_no_worse_off(void **state)
{
    (void)state;
    begin("true\n", "");
    run_it(RUN_SUCCESS);
    assert_int_equal(runner_world_events(&w, EVENT_ASSET_MATERIALIZATION, "a"), 1);
    assert_int_equal(runner_world_events(&w, EVENT_ENGINE_EVENT, NULL), 0);
    assert_false(has_folder());
    runner_world_release(&w);
}

static void evidence_of_a_step_that_died_is_kept_and_marked(void **state)
{
    (void)state;
    begin(PRELUDE MADE "say log '{\"message\": \"before\", \"level\": \"INFO\"}'\n"
                       "kill -9 $$\n",
          "");
    run_it(RUN_FAILURE);
    assert_true(
        has_event("asset_materialization\"", "\"data_version\":\"v1\"", "\"partial\":true"));
    assert_true(has_event("\"type\":\"log\"", "before", ""));
    assert_int_equal(runner_world_events(&w, EVENT_ASSET_FAILED_TO_MATERIALIZE, "a"), 1);
    assert_true(has_event("engine_event", "opened and not closed", ""));
    assert_false(has_folder());
    runner_world_release(&w);
}

static void the_exception_is_the_reason(void **state)
{
    (void)state;
    begin(PRELUDE "say closed '{\"exception\": {\"message\": \"ValueError: bad\", \"name\": "
                  "\"ValueError\", \"stack\": []}}'\necho noise >&2\nexit 1\n",
          "");
    run_it(RUN_FAILURE);
    assert_true(has_event("engine_event", "\"message\":\"ValueError: bad\"", "\"exception\":{"));
    assert_true(has_event("step_failure", "\"message\":\"ValueError: bad\"", "exit code 1"));
    runner_world_release(&w);
}

/* Exit code 0 is success, whatever the program told. */
static void the_exit_code_decides(void **state)
{
    (void)state;
    begin(PRELUDE "say closed '{\"exception\": {\"message\": \"x\"}}'\n", "");
    run_it(RUN_SUCCESS);
    assert_true(has_event("engine_event", "\"code\":\"exception\"", ""));
    runner_world_release(&w);
}

static void a_blocking_check_that_is_reported_blocks(void **state)
{
    (void)state;
    begin(PRELUDE "say report_asset_check '{\"asset_key\": \"a\", \"check_name\": \"good\", "
                  "\"passed\": false, \"severity\": \"ERROR\"}'\nsay closed '{}'\n",
          "    checks: [{name: good}]\n"
          "  - {key: b, run: ['true'], deps: [a]}\n");
    run_it(RUN_SUCCESS);
    w.loaded.defs->assets[0].checks[0].is_blocking = true;
    run_it(RUN_FAILURE);
    assert_int_equal(runner_world_events(&w, EVENT_ASSET_CHECK_EVALUATION, "a"), 2);
    assert_int_equal(runner_world_events(&w, EVENT_STEP_SKIPPED, "b"), 1);
    assert_true(has_event("step_failure", "check_failed", "blocking check good did not pass"));
    assert_int_equal(runner_world_events(&w, EVENT_ASSET_FAILED_TO_MATERIALIZE, NULL), 0);
    runner_world_release(&w);
}

static void a_check_that_only_the_program_can_report_is_missed(void **state)
{
    (void)state;
    begin(PRELUDE MADE "say closed '{}'\n", "    checks: [{name: good}]\n");
    run_it(RUN_FAILURE);
    assert_true(has_event("step_failure", "check_missing", "check good was not reported"));
    assert_true(has_event("asset_materialization\"", "\"partial\":true", ""));
    runner_world_release(&w);
}

/* The context is there before the program starts; the second attempt knows that it is one. */
static void the_context_is_what_the_run_is(void **state)
{
    (void)state;
    begin(PRELUDE "cat $d/context >context.$SELVEDGE_ATTEMPT\nls -l $d | cut -c1-10 >modes\n"
                  "[ $SELVEDGE_ATTEMPT = 2 ]\n",
          "    code_version: c7\n    retry: {max: 1}\n");
    run_it(RUN_SUCCESS);
    char expected[400];
    (void)snprintf(expected, sizeof(expected),
                   "{\"asset_keys\":[\"a\"],\"code_version_by_asset_key\":{\"a\":\"c7\"},"
                   "\"provenance_by_asset_key\":{\"a\":null},\"partition_key\":null,"
                   "\"partition_key_range\":null,\"partition_time_window\":null,"
                   "\"run_id\":\"%s\",\"job_name\":null,\"retry_number\":1,\"extras\":{}}",
                   run);
    assert_string_equal(runner_world_file(&w, "context.2"), expected);
    assert_non_null(strstr(runner_world_file(&w, "context.1"), "\"retry_number\":0"));
    assert_non_null(strstr(runner_world_file(&w, "modes"), "-rw-------\n-rw-------\n"));
    run_it(RUN_SUCCESS);
    assert_non_null(strstr(runner_world_file(&w, "context.2"),
                           "\"provenance_by_asset_key\":{\"a\":{\"code_version\":\"c7\","
                           "\"input_data_versions\":{},\"is_user_provided\":false}}"));
    runner_world_release(&w);
}

static void run_partition(const char *first, const char *last)
{
    int ends = w.ended;
    struct run_request request = {.cause = STR("manual"),
                                  .selection = STR("a"),
                                  .partition = str_from(first),
                                  .partition_end = str_from(last)};
    runner_world_check(&w, runner_enqueue(w.runner, &request, run, &w.err));
    runner_world_wait(&w, ends + 1);
    assert_int_equal(w.state, RUN_SUCCESS);
}

static void the_context_has_the_partition(void **state)
{
    (void)state;
    begin("cat $STATE_DIR/runs/$SELVEDGE_RUN/a/1.pipes/context >context\n",
          "    partitions: {daily: {start: 2026-03-01, timezone: Europe/Berlin}}\n");
    run_partition("2026-03-29", ""); /* 23 hours long */
    assert_non_null(strstr(runner_world_file(&w, "context"),
                           "\"partition_key\":\"2026-03-29\",\"partition_key_range\":{\"start\":"
                           "\"2026-03-29\",\"end\":\"2026-03-29\"},\"partition_time_window\":{"
                           "\"start\":\"2026-03-29T00:00:00+01:00\","
                           "\"end\":\"2026-03-30T00:00:00+02:00\"}"));
    run_partition("2026-03-03", "2026-03-05");
    assert_non_null(strstr(runner_world_file(&w, "context"),
                           "\"partition_key\":null,\"partition_key_range\":{\"start\":"
                           "\"2026-03-03\",\"end\":\"2026-03-05\"},\"partition_time_window\":{"
                           "\"start\":\"2026-03-03T00:00:00+01:00\","
                           "\"end\":\"2026-03-06T00:00:00+01:00\"}"));
    runner_world_release(&w);

    begin("cat $STATE_DIR/runs/$SELVEDGE_RUN/a/1.pipes/context >context\n",
          "    partitions: {static: [north, south]}\n");
    run_partition("south", "");
    assert_non_null(strstr(runner_world_file(&w, "context"),
                           "\"partition_key\":\"south\",\"partition_key_range\":{\"start\":"
                           "\"south\",\"end\":\"south\"},\"partition_time_window\":null"));
    runner_world_release(&w);
}

static void extras_are_given_as_they_are_written(void **state)
{
    (void)state;
    begin("cat $STATE_DIR/runs/$SELVEDGE_RUN/a/1.pipes/context >context\n",
          "    extras: {model: small, deep: {list: [1, 2.5, null, true, 'x y']}}\n");
    run_it(RUN_SUCCESS);
    assert_non_null(strstr(runner_world_file(&w, "context"),
                           "\"extras\":{\"model\":\"small\","
                           "\"deep\":{\"list\":[1,2.5,null,true,\"x y\"]}}}"));
    runner_world_release(&w);
}

/* More than the store holds in memory, while the program runs. */
static void a_flood_of_messages_is_recorded_whole(void **state)
{
    enum { COUNT = 3000 };
    (void)state;
    begin(PRELUDE "i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); say log '{\"message\": \"xxxxxxxxxx"
                  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}'; done\n"
                  "say closed '{}'\n",
          "");
    run_it(RUN_SUCCESS);
    assert_int_equal(runner_world_events(&w, EVENT_LOG, "a"), COUNT);
    runner_world_release(&w);
}

/* As if the agent had been killed in the middle: what is recorded is not recorded again, what is
 * not is. */
static void what_nobody_had_recorded_is_recovered(void **state)
{
    (void)state;
    begin("[ -e once ] && exit 0\n" PRELUDE "say log '{\"message\": \"first\"}'\ntouch first\n"
          "while [ ! -e go ]; do sleep 0.01; done\n" MADE "say log '{\"message\": \"second\"}'\n"
          "touch once second\nexec sleep 60\n",
          "");
    struct err err = {0};
    runner_world_enqueue(&w, "*", run);
    runner_world_wait_file(&w, "first");
    for (int turns = 0; runner_world_events(&w, EVENT_LOG, "a") == 0; turns++) {
        assert_true(turns < 10000); /* recorded, and durable within a second */
        runner_world_turn(&w);
    }
    assert_true(files_write(temp_dir_path(&w.dir, "go"), STR("x"), 0600, &err));
    const char *second = temp_dir_path(&w.dir, "second");
    while (!files_exist(second)) { /* without a turn of the loop */
    }
    runner_world_reopen(&w);
    assert_int_equal(runner_world_events(&w, EVENT_LOG, "a"), 2);
    assert_true(has_event("\"type\":\"log\"", "second", "\"attempt\":1"));
    assert_true(
        has_event("asset_materialization\"", "\"data_version\":\"v1\"", "\"partial\":true"));
    assert_true(has_event("step_failure", "interrupted", ""));
    assert_false(has_folder());
    runner_world_wait(&w, 1); /* the run that goes on */
    assert_int_equal(w.state, RUN_SUCCESS);
    runner_world_reopen(&w);
    assert_int_equal(runner_world_events(&w, EVENT_LOG, "a"), 2);
    runner_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_reported_is_recorded),
        cmocka_unit_test(a_program_that_knows_nothing_of_it_is_no_worse_off),
        cmocka_unit_test(evidence_of_a_step_that_died_is_kept_and_marked),
        cmocka_unit_test(the_exception_is_the_reason),
        cmocka_unit_test(the_exit_code_decides),
        cmocka_unit_test(a_blocking_check_that_is_reported_blocks),
        cmocka_unit_test(a_check_that_only_the_program_can_report_is_missed),
        cmocka_unit_test(the_context_is_what_the_run_is),
        cmocka_unit_test(the_context_has_the_partition),
        cmocka_unit_test(extras_are_given_as_they_are_written),
        cmocka_unit_test(a_flood_of_messages_is_recorded_whole),
        cmocka_unit_test(what_nobody_had_recorded_is_recovered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
