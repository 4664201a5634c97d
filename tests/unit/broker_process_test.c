/* broker_process_test.c - the broker's process: what it may use, and that the hub can stop it whatever
 * it does: when it has more to say than the pipe holds, when it does not want to end. Shell scripts stand for it. */
#include "hub/broker/broker.h"

#include "common/platform/files.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

struct world {
    struct temp_dir dir;
    struct loop *loop;
    struct rng rng;
    struct broker *broker;
    bool is_ready;
};

static void on_note(void *ctx, const struct broker_line *note)
{
    struct world *w = ctx;
    w->is_ready = w->is_ready || note->note == BROKER_NOTE_TROUBLE;
}

static void check(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s", err->msg);
    }
}

/* Returns when the script has said "Error: ready". */
static void start(struct world *w, struct str script)
{
    struct err err = {0};
    *w = (struct world){.dir = temp_dir_new(), .rng = rng_system()};
    const char *program = temp_dir_path(&w->dir, "broker.sh");
    check(files_write(program, script, 0755, &err), &err);
    check(loop_open(&w->loop, clock_system(), &err), &err);
    struct broker_options options = {
        .program = program, .dir = w->dir.path, .fleet = STR("test"), .port = 1, .enrol_port = 2};
    struct broker_handlers handlers = {.on_note = on_note, .ctx = w};
    check(broker_start(&w->broker, w->loop, &w->rng, &options, &handlers, &err), &err);
    struct mono_time begin = loop_now(w->loop);
    while (!w->is_ready) {
        check(loop_turn(w->loop, 10 * NS_PER_SEC, &err), &err);
        assert_true(loop_now(w->loop).ns - begin.ns < 10 * NS_PER_SEC);
    }
}

static int64_t stop(struct world *w)
{
    struct clock clock = clock_system();
    pid_t pid = broker_pid(w->broker);
    int64_t before = clock_mono(&clock).ns;
    assert_true(pid > 0);
    broker_stop(w->broker);
    int64_t took = clock_mono(&clock).ns - before;
    assert_int_equal(kill(pid, 0), -1);
    loop_close(w->loop);
    temp_dir_release(&w->dir);
    return took;
}

static void a_broker_with_much_to_say_is_stopped(void **state)
{
    (void)state;
    struct world w;
    start(&w, STR("#!/bin/sh\n"
                  "trap 'head -c 1000000 /dev/zero >&2; exit 0' TERM\n"
                  "echo 'Error: ready' >&2\n"
                  "while :; do sleep 0.05; done\n"));
    assert_true(stop(&w) < 4 * NS_PER_SEC);
}

static void a_broker_that_does_not_want_to_end_is_killed(void **state)
{
    (void)state;
    struct world w;
    start(&w, STR("#!/bin/sh\n"
                  "trap '' TERM\n"
                  "echo 'Error: ready' >&2\n"
                  "while :; do sleep 0.05; done\n"));
    assert_true(stop(&w) < 20 * NS_PER_SEC);
}

static void a_broker_may_open_as_many_files_as_the_hard_limit_allows(void **state)
{
    (void)state;
    struct world w;
    struct rlimit files;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    struct rlimit few = {.rlim_cur = 256, .rlim_max = files.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    start(&w, STR("#!/bin/sh\n"
                  "test $(ulimit -Sn) = $(ulimit -Hn) && echo 'Error: ready' >&2\n"
                  "while :; do sleep 0.05; done\n"));
    assert_true(stop(&w) < 4 * NS_PER_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broker_may_open_as_many_files_as_the_hard_limit_allows),
        cmocka_unit_test(a_broker_with_much_to_say_is_stopped),
        cmocka_unit_test(a_broker_that_does_not_want_to_end_is_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
