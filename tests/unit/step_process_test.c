/* step_process_test.c - agent/run/step_process.h: real children, how they end and what they leave. */
#include "agent/run/capture_read.h"
#include "common/platform/files.h"
#include "step_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void check(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s", err->msg);
    }
}

/* --- how it ended ----------------------------------------------------------------------------- */

static void a_step_that_succeeds_says_so(void **state)
{
    (void)state;
    struct step_fixture f;
    step_fixture_begin(&f);
    step_fixture_run(
        &f, "echo first; echo second; echo why >&2; printf '%s\\n' '{\"event\":\"check\","
            "\"name\":\"rows\",\"passed\":true}' '{\"event\":\"materialization\",\"metadata\":"
            "{\"a\":1}}' '{\"event\":\"later\"}' '' >&3");
    step_fixture_expect(&f, NULL, "");
    assert_int_equal(f.result.exit_code, 0);
    assert_string_equal(f.result.exit, "");
    assert_string_equal(f.first_line, "first");
    assert_string_equal(f.metadata, "{\"a\":1}");
    assert_int_equal(f.result.check_count, 1);
    assert_string_equal(f.said_first, "rows");
    assert_false(f.result.left_processes);
    assert_int_equal(f.result.out.bytes, 13);
    assert_int_equal(f.result.out.dropped, 0);
    assert_int_equal(f.result.err.bytes, 4);
    AUTO(buf) text = buf_growing(STEP_FIXTURE_TEXT);
    step_result_write_output(&f.result, &text);
    assert_string_equal(buf_cstr(&text), "{\"stdout_bytes\":{\"type\":\"int\",\"raw_value\":13},"
                                         "\"stderr_bytes\":{\"type\":\"int\",\"raw_value\":4}}");
    step_fixture_end(&f);
}

static void a_failure_has_the_last_line_of_its_errors(void **state)
{
    (void)state;
    struct step_fixture f;
    step_fixture_begin(&f);
    step_fixture_run(&f, "echo one >&2; echo two >&2; exit 3");
    step_fixture_expect(&f, "failed", "two");
    assert_int_equal(f.result.exit_code, 3);
    assert_string_equal(f.result.exit, "exit code 3");
    step_fixture_run(&f, "exit 4");
    step_fixture_expect(&f, "failed", "exit code 4");
    step_fixture_run(&f, "kill -9 $$");
    step_fixture_expect(&f, "failed", "killed by signal 9 (SIGKILL)");
    assert_int_equal(f.result.exit_code, -1);
    assert_non_null(strstr(f.error_hint, "for want of memory: see"));
    step_fixture_run(&f,
                     "echo '{\"event\":\"progress\",\"rows\":1,\"memory_bytes\":70000000}' >&3; "
                     "kill -9 $$");
    assert_non_null(strstr(f.error_hint, "for want of memory, having had 67 MiB: see"));
    step_fixture_run(
        &f,
        "echo '{\"event\":\"error\",\"code\":\"busy\",\"message\":\"no\",\"hint\":\"wait\"}' >&3");
    step_fixture_expect(&f, "busy", "no");
    assert_string_equal(f.error_hint, "wait");
    step_fixture_run(&f, "echo '{\"event\":\"error\"}' >&3");
    step_fixture_expect(&f, "", "that it failed");
    step_fixture_run(&f, "echo nonsense >&3");
    step_fixture_expect(&f, "invalid", "not JSON");
    step_fixture_end(&f);
}

static void messages_cost_what_they_may(void **state)
{
    (void)state;
    struct step_fixture f;
    step_fixture_begin(&f);
    /* A line without end, lines without number, and behind them one that counts. */
    step_fixture_run(&f, "head -c 300000 /dev/zero | tr '\\0' x >&3; echo >&3; "
                         "head -c 300000 /dev/zero | tr '\\0' '\\n' >&3; "
                         "seq 50150 | sed 's/.*/{\"event\":\"check\",\"name\":\"c&\"}/' >&3; "
                         "echo '{\"event\":\"check\",\"name\":\"c7\",\"passed\":true}' >&3; "
                         "echo '{\"event\":\"materialization\",\"metadata\":{}}' >&3");
    step_fixture_expect(&f, NULL, "");
    assert_int_equal(f.result.check_count, WORKER_CHECKS_MAX);
    assert_string_equal(f.metadata, "{}");
    /* The last of each counts. */
    step_fixture_run(&f, "yes '{\"event\":\"check\",\"name\":\"c\"}' | head -n 100 >&3");
    assert_int_equal(f.result.check_count, 1);
    /* More text than is kept: the error is not lost for it. */
    step_fixture_run(
        &f, "m=$(head -c 60000 /dev/zero | tr '\\0' y); for i in 1 2 3 4 5 6; do "
            "echo '{\"event\":\"materialization\",\"metadata\":{\"m\":\"'$m'\"}}'; done >&3; "
            "echo '{\"event\":\"error\",\"message\":\"'$m'\"}' >&3");
    assert_false(f.result.ok);
    assert_true(f.error_message[0] != '\0');
    step_fixture_end(&f);
}

static void what_cannot_start_is_said_at_once(void **state)
{
    (void)state;
    struct step_fixture f;
    struct err err = {0};
    step_fixture_begin(&f);
    const char *const argv[] = {"no-such-program", NULL};
    f.options.argv = argv;
    assert_false(step_process_start(&f.process, f.loop, &f.options, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_null(f.process);
    f.options.host = NULL;
    f.options.confine.nice = 1;
    const char *const good[] = {"/bin/true", NULL};
    f.options.argv = good;
    assert_false(step_process_start(&f.process, f.loop, &f.options, &err));
    assert_int_equal(err.code, ERR_INVALID);
    assert_int_equal(f.ends, 0);
    step_fixture_end(&f);
}

/* --- stopping --------------------------------------------------------------------------------- */

static void a_time_out_ends_who_ignores_term_and_its_family(void **state)
{
    (void)state;
    struct step_fixture f;
    step_fixture_begin(&f);
    f.options.timeout_ns = 200 * NS_PER_MS;
    step_fixture_start(
        &f, "trap '' TERM; sleep 1000 & echo $! >child; echo $$ >self; wait; sleep 1000");
    pid_t self = step_fixture_pid(&f, "self");
    pid_t child = step_fixture_pid(&f, "child");
    step_fixture_wait(&f);
    step_fixture_expect(&f, "timeout", "longer than its time-out");
    assert_true(f.result.timed_out);
    assert_string_equal(f.result.exit, "killed by signal 9 (SIGKILL)");
    assert_false(step_fixture_is_alive(self));
    assert_false(step_fixture_is_alive(child));
    step_fixture_end(&f);
}

static void a_cancel_lets_it_end_in_order(void **state)
{
    (void)state;
    struct step_fixture f;
    step_fixture_begin(&f);
    f.options.grace_ns = 10 * NS_PER_SEC;
    step_fixture_start(&f, "trap 'echo cleaned; exit 0' TERM; echo $$ >self; sleep 1000 & wait");
    (void)step_fixture_pid(&f, "self");
    step_process_cancel(f.process);
    step_process_cancel(f.process);
    step_fixture_wait(&f);
    step_fixture_expect(&f, "canceled", "canceled");
    assert_string_equal(f.first_line, "cleaned");
    assert_int_equal(f.result.exit_code, 0);
    assert_true(f.result.duration_ns < 10 * NS_PER_SEC);
    step_fixture_end(&f);
}

/* The child ends at TERM; who it started does not, and is not waited for with the grace. */
static void a_canceled_step_leaves_nobody(void **state)
{
    (void)state;
    struct step_fixture f;
    step_fixture_begin(&f);
    step_fixture_start(&f, "(trap '' TERM; sleep 1000; sleep 1000) & echo $! >stubborn; "
                           "setsid sh -c 'echo $$ >away; exec sleep 1000 >/dev/null 2>&1 3>&-' & "
                           "echo $$ >self; wait");
    pid_t pids[] = {step_fixture_pid(&f, "self"), step_fixture_pid(&f, "stubborn"),
                    step_fixture_pid(&f, "away")};
    step_process_cancel(f.process);
    step_fixture_wait(&f);
    step_fixture_expect(&f, "canceled", "");
    for (size_t i = 0; i < COUNT_OF(pids); i++) {
        assert_false(step_fixture_is_alive(pids[i]));
    }
    assert_true(f.result.left_processes);
    step_fixture_end(&f);
}

/* --- what a step leaves behind ---------------------------------------------------------------- */

/* `most`: a shell may or may not become its last command. */
static void assert_left_and_ended(struct step_fixture *f, int most, const char *script)
{
    (void)unlink(temp_dir_path(&f->dir, "left")); /* of the one before */
    step_fixture_run(f, script);
    step_fixture_expect(f, NULL, "");
    assert_in_range(f->result.left_processes, 1, most);
    assert_false(step_fixture_is_alive(step_fixture_pid(f, "left")));
}

static void what_a_step_leaves_ends_with_it(void **state)
{
    (void)state;
    struct step_fixture f;
    step_fixture_begin(&f);
    /* In its group, quiet; holding the output open; daemonised as by the book; a chain of them. */
    assert_left_and_ended(&f, 1, "sleep 1000 >/dev/null 2>&1 3>&- & echo $! >left");
    assert_left_and_ended(&f, 1, "sleep 1000 & echo $! >left");
    assert_left_and_ended(&f, 1,
                          "setsid sh -c 'echo $$ >left; exec sleep 1000 >/dev/null 2>&1 3>&-' & "
                          "while [ ! -s left ]; do :; done");
    assert_left_and_ended(&f, 2,
                          "(setsid sh -c '(echo $$ >first; sh -c \"echo \\$\\$ >left; exec sleep "
                          "1000\") >/dev/null 2>&1 3>&- & exit' &); "
                          "while [ ! -s left ]; do :; done");
    step_fixture_run(&f, "sleep 1000 & sleep 1000 & setsid sleep 1000 & echo 3");
    assert_int_equal(f.result.left_processes, 3);
    step_fixture_run(&f, "true & wait");
    assert_int_equal(f.result.left_processes, 0);
    step_fixture_end(&f);
}

/* Output that comes late from somebody else is waited for, a moment. */
static void output_of_a_grandchild_is_still_read(void **state)
{
    (void)state;
    struct step_fixture f;
    step_fixture_begin(&f);
    step_fixture_run(&f, "(while kill -0 $$ 2>/dev/null; do :; done; echo late) &");
    step_fixture_expect(&f, NULL, "");
    assert_string_equal(f.first_line, "late");
    step_fixture_end(&f);
}

/* Without what finds them again, a group is all that is ended. */
static void without_a_host_the_group_is_ended(void **state)
{
    (void)state;
    struct step_fixture f;
    step_fixture_begin(&f);
    step_host_close(f.host);
    f.host = NULL;
    f.options.host = NULL;
    assert_left_and_ended(&f, 1, "sleep 1000 >/dev/null 2>&1 3>&- & echo $! >left");
    step_fixture_end(&f);
}

static void closing_kills_without_a_word(void **state)
{
    (void)state;
    struct step_fixture f;
    struct err err = {0};
    step_fixture_begin(&f);
    step_fixture_start(&f, "sleep 1000 & echo $! >child; echo $$ >self; wait");
    pid_t self = step_fixture_pid(&f, "self");
    pid_t child = step_fixture_pid(&f, "child");
    step_process_close(f.process);
    f.process = NULL;
    for (int turns = 0; step_fixture_is_alive(self) || step_fixture_is_alive(child); turns++) {
        assert_true(turns < STEP_FIXTURE_WAIT_MS);
        check(loop_turn(f.loop, NS_PER_MS, &err), &err);
    }
    assert_int_equal(f.ends, 0);
    step_process_close(NULL);
    step_fixture_end(&f);
}

/* --- output in another way -------------------------------------------------------------------- */

/* The runner closes the process some time after on_end: so does this test. */
static void keep_process(void *ctx, const struct step_result *result)
{
    struct step_fixture *f = ctx;
    f->ends++;
    f->result = *result;
}

static void output_may_be_added_until_the_close(void **state)
{
    (void)state;
    struct step_fixture f;
    struct err err = {0};
    char path[LIMIT_PATH_BYTES + 1];
    AUTO(buf) text = buf_growing(1000);
    int64_t position = 0;
    int64_t dropped = 0;
    step_fixture_begin(&f);
    f.options.on_end = keep_process;
    step_fixture_start(&f, "echo said >&2; exit 1");
    step_process_add_output(f.process, false, STR("first"));
    step_fixture_wait(&f);
    assert_int_equal(f.result.out.bytes, 5);
    assert_true(str_eq(f.result.error_message, STR("said")));
    step_process_add_output(f.process, false, STR(", then"));
    step_process_add_output(f.process, false, STR(" more"));
    (void)snprintf(path, sizeof(path), "%s/%s.out", f.options.output_dir, f.options.output_name);
    for (size_t before = 1; text.len != before;) {
        before = text.len;
        assert_true(capture_read(path, &position, 100, &text, &dropped, &err));
        assert_int_equal(dropped, 0);
    }
    assert_string_equal(buf_cstr(&text), "first, then more");
    step_fixture_end(&f);
}

/* --- faults, the host ------------------------------------------------------------------------- */

static void no_child_is_lost_when_memory_runs_out(void **state)
{
    (void)state;
    struct step_fixture f;
    struct err err = {0};
    step_fixture_begin(&f);
    const char *const argv[] = {"sh", "-c", "exec sleep 1000", NULL};
    f.options.argv = argv;
    f.options.input = STR("input");
    f.options.token = STR("token");
    f.options.confine.nice = 1;
    bool has_failed = true;
    for (int nth = 0; has_failed; nth++) {
        fault_malloc_arm(nth);
        bool ok = step_process_start(&f.process, f.loop, &f.options, &err);
        has_failed = fault_malloc_disarm();
        assert_int_equal(ok, !has_failed);
        if (!ok) {
            assert_null(f.process);
            assert_int_equal(err.code, ERR_NO_MEMORY);
        }
    }
    step_process_close(f.process);
    f.process = NULL;
    for (int turns = 0; step_host_has_orphans(f.host); turns++) {
        assert_true(turns < STEP_FIXTURE_WAIT_MS);
        check(loop_turn(f.loop, NS_PER_MS, &err), &err);
    }
    step_fixture_end(&f);
}

static void an_end_without_memory_is_an_end(void **state)
{
    (void)state;
    bool has_failed = true;
    for (int nth = 0; has_failed; nth++) {
        struct step_fixture f;
        struct err err = {0};
        step_fixture_begin(&f);
        step_fixture_start(&f,
                           "echo '{\"event\":\"check\",\"name\":\"c\"}' >&3; "
                           "setsid sh -c 'echo $$ >away; exec sleep 1000 >/dev/null 2>&1 3>&-' & "
                           "while [ ! -s away ]; do :; done; echo out; exit 3");
        fault_malloc_arm(nth);
        for (int turns = 0; f.ends == 0 && turns < STEP_FIXTURE_WAIT_MS; turns++) {
            bool ok = loop_turn(f.loop, NS_PER_SEC, &err);
            assert_true(ok);
        }
        has_failed = fault_malloc_disarm();
        assert_int_equal(f.ends, 1);
        assert_false(f.result.ok);
        assert_int_equal(f.result.exit_code, 3);
        assert_false(step_fixture_is_alive(step_fixture_pid(&f, "away")));
        step_fixture_end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_that_succeeds_says_so),
        cmocka_unit_test(a_failure_has_the_last_line_of_its_errors),
        cmocka_unit_test(messages_cost_what_they_may),
        cmocka_unit_test(what_cannot_start_is_said_at_once),
        cmocka_unit_test(a_time_out_ends_who_ignores_term_and_its_family),
        cmocka_unit_test(a_cancel_lets_it_end_in_order),
        cmocka_unit_test(a_canceled_step_leaves_nobody),
        cmocka_unit_test(what_a_step_leaves_ends_with_it),
        cmocka_unit_test(output_of_a_grandchild_is_still_read),
        cmocka_unit_test(without_a_host_the_group_is_ended),
        cmocka_unit_test(closing_kills_without_a_word),
        cmocka_unit_test(output_may_be_added_until_the_close),
        cmocka_unit_test(no_child_is_lost_when_memory_runs_out),
        cmocka_unit_test(an_end_without_memory_is_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
