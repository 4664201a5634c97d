/* orphans_test.c - agent/run/orphans.h with real processes of the real /proc. Started with "--ours"
 * it is itself such a process: it looks for its own kind and lives. */
#include "agent/run/orphans.h"

#include "common/platform/files.h"
#include "common/platform/proc.h"
#include "common/platform/reaper.h"
#include "common/platform/spawn.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fake_cgroup.h"
#include "tests/support/fault_malloc.h"
#include "tests/support/temp_dir.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUN_A "01a20425-6df2-7802-b374-82b7d2e79642"
#define RUN_B "01a20425-6df2-7802-b374-000000000000"
enum { WAIT_MS = 10000, FAMILY_MAX = 8, ENV_BYTES = 200 };

static char store_id[17]; /* of this run of the test: others may run beside */
static struct loop *loop;
static struct reaper reaper;

/* Ends what tests left, as an init would: our own orphans come to us. */
static int open_world(void **state)
{
    (void)state;
    struct err err = {0};
    (void)snprintf(store_id, sizeof(store_id), "%016x", (unsigned)getpid());
    assert_true(loop_open(&loop, clock_system(), &err));
    assert_true(reaper_start(&reaper, loop, &err));
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    reaper_stop(&reaper);
    loop_close(loop);
    return 0;
}

/* -- processes -- */

/* A shell and what it starts; every one says its number on the pipe first. */
struct family {
    pid_t leader;
    int pipe;
    pid_t pids[FAMILY_MAX];
    size_t count;
};

static pid_t read_pid(int pipe)
{
    char text[32];
    size_t len = 0;
    while (len < sizeof(text) && read(pipe, text + len, 1) == 1 && text[len] != '\n') {
        len++;
    }
    int64_t pid = 0;
    assert_true(str_to_i64((struct str){text, len}, 2, INT32_MAX, &pid));
    return (pid_t)pid;
}

static struct family start(const char *store, const char *run, const char *script, size_t members)
{
    char token[ENV_BYTES];
    (void)snprintf(token, sizeof(token), ORPHANS_VARIABLE "=%s/%s/a/b/1", store, run);
    const char *const env[] = {"PATH=/usr/bin:/bin", token, NULL};
    const char *const argv[] = {"sh", "-c", script, NULL};
    int ends[2];
    int pidfd = -1;
    struct err err = {0};
    assert_true(spawn_pipe(ends, false, &err));
    struct spawn_options options = {.argv = argv,
                                    .envp = env,
                                    .stdin_fd = -1,
                                    .stdout_fd = ends[1],
                                    .stderr_fd = -1,
                                    .message_fd = -1};
    struct family family = {.pipe = ends[0], .count = members};
    if (!spawn_process(&options, &family.leader, &pidfd, &err)) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(close(pidfd), 0);
    assert_int_equal(close(ends[1]), 0);
    for (size_t i = 0; i < members; i++) {
        family.pids[i] = read_pid(family.pipe);
    }
    return family;
}

static struct family start_ours(const char *script, size_t members)
{
    return start(store_id, RUN_A, script, members);
}

static bool is_alive(pid_t pid)
{
    struct proc proc;
    return proc_read("/proc", pid, &proc) && proc.state != 'Z';
}

/* A shell says the number of what it starts before that has become another program. */
static void wait_for_token(pid_t pid)
{
    char entry[ENV_BYTES];
    for (int waited = 0; proc_find_variable("/proc", pid, STR(ORPHANS_VARIABLE "="), entry,
                                            sizeof(entry)) != PROC_VARIABLE_FOUND;
         waited++) {
        assert_true(waited < WAIT_MS);
        (void)poll(NULL, 0, 1);
    }
}

static int count_alive(const struct family *family)
{
    int alive = 0;
    for (size_t i = 0; i < family->count; i++) {
        alive += is_alive(family->pids[i]);
    }
    return alive;
}

static void finish(struct family *family)
{
    struct err err = {0};
    for (size_t i = 0; i < family->count; i++) {
        (void)kill(family->pids[i], SIGKILL);
    }
    (void)kill(-family->leader, SIGKILL);
    assert_int_equal(close(family->pipe), 0);
    while (count_alive(family) > 0) {
        (void)poll(NULL, 0, 1);
    }
    assert_true(loop_turn(loop, 0, &err)); /* buries them */
}

static struct orphans end_ours(int64_t grace_ns)
{
    struct orphans orphans;
    struct err err = {0};
    struct clock clock = clock_system();
    struct orphans_options options = {
        .proc_dir = "/proc", .store = str_from(store_id), .grace_ns = grace_ns, .clock = &clock};
    struct mono_time began = clock_mono(&clock);
    if (!orphans_end(&options, &orphans, &err)) {
        fail_msg("%s", err.msg);
    }
    assert_true(clock_mono(&clock).ns - began.ns < ORPHANS_WAIT_NS + 2 * NS_PER_SEC);
    return orphans;
}

/* -- who is found -- */

static void ours_end_and_others_live(void **state)
{
    (void)state;
    struct family ours = start_ours("echo $$; exec sleep 1000", 1);
    struct family other = start("ffffffffffffffff", RUN_A, "echo $$; exec sleep 1000", 1);
    struct family plain = start("", "",
                                "unset " ORPHANS_VARIABLE "; exec env sh -c "
                                "'echo $$; exec sleep 1000'",
                                1);
    struct orphans orphans = end_ours(2 * NS_PER_SEC);
    assert_int_equal(orphans.ended, 1);
    assert_int_equal(orphans.left, 0);
    assert_int_equal(orphans.run_count, 1);
    assert_string_equal(orphans.runs[0].run, RUN_A);
    assert_int_equal(orphans.runs[0].ended, 1);
    assert_int_equal(count_alive(&ours), 0);
    assert_int_equal(count_alive(&other), 1);
    assert_int_equal(count_alive(&plain), 1);
    finish(&ours);
    finish(&other);
    finish(&plain);
}

static void without_any_it_does_not_wait(void **state)
{
    (void)state;
    struct clock clock = clock_system();
    struct mono_time began = clock_mono(&clock);
    struct orphans orphans = end_ours(4 * NS_PER_SEC);
    assert_int_equal(orphans.ended, 0);
    assert_int_equal(orphans.run_count, 0);
    assert_true(clock_mono(&clock).ns - began.ns < 2 * NS_PER_SEC);
}

static void they_are_counted_by_run(void **state)
{
    (void)state;
    struct family a = start_ours("echo $$; sleep 1000 & echo $!; wait", 2);
    struct family b = start(store_id, RUN_B, "echo $$; exec sleep 1000", 1);
    struct orphans orphans = end_ours(2 * NS_PER_SEC);
    assert_int_equal(orphans.ended, 3);
    assert_int_equal(orphans.run_count, 2);
    for (size_t i = 0; i < 2; i++) {
        bool is_a = strcmp(orphans.runs[i].run, RUN_A) == 0;
        assert_string_equal(orphans.runs[i].run, is_a ? RUN_A : RUN_B);
        assert_int_equal(orphans.runs[i].ended, is_a ? 2 : 1);
    }
    finish(&a);
    finish(&b);
}

/* Left the group and the session; was forked twice; is in the group but emptied its environment. */
static void who_hid_is_found_too(void **state)
{
    (void)state;
    struct family hidden =
        start_ours("echo $$; setsid sh -c 'echo $$; sleep 1000 & echo $!; wait' &"
                   "env -i sh -c 'echo $$; exec sleep 1000' & wait",
                   4);
    struct orphans orphans = end_ours(2 * NS_PER_SEC);
    assert_int_equal(count_alive(&hidden), 0);
    assert_int_equal(orphans.ended, 4);
    finish(&hidden);
}

/* The leader is gone; who is left of its group emptied the environment, but for one. */
static void a_group_without_its_leader_is_ours_by_one_of_it(void **state)
{
    (void)state;
    struct family rest = start_ours("env -i sh -c 'echo $$; exec sleep 1000' &"
                                    "sleep 1000 & echo $!; kill -9 $$",
                                    2);
    int status = 0;
    assert_int_equal(waitpid(rest.leader, &status, 0), rest.leader);
    struct orphans orphans = end_ours(2 * NS_PER_SEC);
    assert_int_equal(count_alive(&rest), 0);
    assert_int_equal(orphans.ended, 2);
    finish(&rest);
}

/* Somebody else's group, that one of ours is in: only ours ends. */
static void a_foreign_group_is_left_alone(void **state)
{
    (void)state;
    char script[400];
    (void)snprintf(script, sizeof(script),
                   "unset " ORPHANS_VARIABLE "; exec env sh -c 'echo $$; " ORPHANS_VARIABLE
                   "=%s/" RUN_A "/x/1 sleep 1000 & echo $!; wait; sleep 1000'",
                   store_id);
    struct family foreign = start("", "", script, 2);
    wait_for_token(foreign.pids[1]);
    struct orphans orphans = end_ours(2 * NS_PER_SEC);
    assert_int_equal(orphans.ended, 1);
    assert_true(is_alive(foreign.pids[0]));
    assert_false(is_alive(foreign.pids[1]));
    finish(&foreign);
}

/* The limit that docs/reference/steps.md states: nothing is left to know it by. */
static void who_emptied_everything_and_left_is_not_found(void **state)
{
    (void)state;
    struct family gone = start_ours("env -i setsid sh -c 'echo $$; exec sleep 1000' & "
                                    "echo $$; wait",
                                    2);
    (void)end_ours(2 * NS_PER_SEC);
    assert_int_equal(count_alive(&gone), 1);
    finish(&gone);
}

/* -- who does not want to end -- */

static void term_comes_first_and_kill_after_the_grace(void **state)
{
    (void)state;
    struct family polite = start_ours("trap 'echo 99; exit' TERM; echo $$; sleep 1000 & wait", 1);
    struct family stubborn = start_ours("trap '' TERM; echo $$; sleep 1000; sleep 1000", 1);
    struct clock clock = clock_system();
    struct mono_time began = clock_mono(&clock);
    struct orphans orphans = end_ours(300 * NS_PER_MS);
    assert_true(clock_mono(&clock).ns - began.ns >= 300 * NS_PER_MS);
    assert_int_equal(count_alive(&polite), 0);
    assert_int_equal(count_alive(&stubborn), 0);
    assert_int_equal(read_pid(polite.pipe), 99); /* it had its time */
    assert_true(orphans.ended >= 3);
    assert_int_equal(orphans.left, 0);
    finish(&polite);
    finish(&stubborn);
}

/* Each that is ended starts the next, out of the group. */
static void who_forks_on_and_on_is_ended(void **state)
{
    (void)state;
    struct family hydra = start_ours("trap 'setsid sh -c \"trap : TERM; echo \\$\\$; "
                                     "sleep 1000 & wait; sleep 1000\" & sleep 1000' TERM; echo $$; "
                                     "sleep 1000 & wait; sleep 1000",
                                     1);
    struct orphans orphans = end_ours(500 * NS_PER_MS);
    pid_t second = read_pid(hydra.pipe);
    assert_false(is_alive(hydra.pids[0]));
    assert_false(is_alive(second));
    assert_int_equal(orphans.left, 0);
    finish(&hydra);
}

/* More than are held at a time. */
static void many_are_ended_in_rounds(void **state)
{
    (void)state;
    struct family many = start_ours("trap '' TERM; i=0; while [ $i -lt 300 ]; do sleep 1000 & "
                                    "i=$((i+1)); done; echo $$; wait",
                                    1);
    struct orphans orphans = end_ours(10 * NS_PER_MS);
    assert_int_equal(orphans.left, 0);
    assert_true(orphans.ended >= 301);
    finish(&many);
}

/* -- one step, at its end -- */

static int64_t kill_step(const char *token)
{
    int64_t found = -1;
    for (int waited = 0; !orphans_kill_step("/proc", str_from(token), &found); waited++) {
        assert_true(waited < WAIT_MS); /* somebody on this machine starts a program */
        (void)poll(NULL, 0, 1);
    }
    return found;
}

static void the_rest_of_one_step_is_killed(void **state)
{
    (void)state;
    char token[ENV_BYTES];
    struct family step =
        start_ours("trap '' TERM; echo $$; setsid sh -c 'echo $$; sleep 1000' & wait", 2);
    struct family other = start(store_id, RUN_B, "echo $$; exec sleep 1000", 1);
    (void)snprintf(token, sizeof(token), "%s/" RUN_A "/a/b/1", store_id);
    int rounds = 0;
    while (kill_step(token) > 0) {
        assert_true(++rounds < WAIT_MS);
        (void)poll(NULL, 0, 1);
    }
    assert_true(rounds > 0);
    assert_int_equal(count_alive(&step), 0);
    assert_int_equal(count_alive(&other), 1);
    /* A token that only begins so is another step's: attempt 1 is not attempt 12. */
    (void)snprintf(token, sizeof(token), "%s/" RUN_B "/a/b/", store_id);
    assert_int_equal(kill_step(token), 0);
    char huge[2000];
    memset(huge, 'x', sizeof(huge));
    huge[sizeof(huge) - 1] = '\0';
    assert_int_equal(kill_step(huge), 0);
    int64_t found = -1;
    assert_false(orphans_kill_step("/no/such/proc", STR("x"), &found));
    assert_int_equal(count_alive(&other), 1);
    finish(&step);
    finish(&other);
}

/* -- ourselves, faults, groups -- */

static void who_looks_spares_itself_and_its_parents(void **state)
{
    (void)state;
    char script[ENV_BYTES];
    (void)snprintf(script, sizeof(script), "%s --ours %s; echo $?; echo $$; sleep 1000",
                   ORPHANS_TEST, store_id);
    struct family ours = start_ours(script, 2);
    assert_int_equal(ours.pids[0], 42); /* its exit code */
    ours.pids[0] = ours.pids[1];
    assert_int_equal(count_alive(&ours), 2);
    finish(&ours);
}

static void groups_that_were_left_are_ended(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    struct fake_cgroup fake = {.controllers = ""};
    struct step_groups *groups = NULL;
    struct step_group left;
    struct err err = {0};
    struct clock clock = clock_system();
    fake_cgroup_begin(&fake, dir.path);
    assert_true(step_groups_open(&groups, dir.path, str_from(store_id), &err));
    assert_true(step_group_make(groups, STR(RUN_A), 0, 0, &left, &err));
    char procs[LIMIT_PATH_BYTES + 1];
    assert_true(files_join(left.path, STR("cgroup.procs"), procs, sizeof(procs), &err));
    assert_true(files_write(procs, STR("4000001\n4000002\n"), 0600, &err));
    fake.busy = 3;
    struct orphans orphans;
    struct orphans_options options = {.proc_dir = "/proc",
                                      .groups = groups,
                                      .store = str_from(store_id),
                                      .grace_ns = NS_PER_SEC,
                                      .clock = &clock};
    assert_true(orphans_end(&options, &orphans, &err));
    assert_int_equal(orphans.ended, 2);
    assert_string_equal(orphans.runs[0].run, RUN_A);
    assert_int_equal(fake.kills, 1);
    assert_false(files_exist(left.path));
    step_groups_close(groups);
    fake_cgroup_end();
}

static void what_cannot_be_looked_at_is_said(void **state)
{
    (void)state;
    struct orphans orphans;
    struct err err = {0};
    struct clock clock = clock_system();
    struct orphans_options options = {
        .proc_dir = "/no/such/proc", .store = str_from(store_id), .clock = &clock};
    assert_false(orphans_end(&options, &orphans, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    /* It needs no memory. */
    options.proc_dir = "/proc";
    int64_t found = -1;
    fault_malloc_arm(0);
    assert_true(orphans_end(&options, &orphans, &err));
    (void)orphans_kill_step("/proc", STR("x"), &found); /* unsure while others start programs */
    assert_int_equal(found, 0);
    assert_false(fault_malloc_disarm());
}

/* The last of a step was just becoming another program when the step ended: it had no environment
 * then, and lived on. */
static void who_is_between_programs_is_asked_again(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    struct err err = {0};
    int64_t found = -1;
    struct str stat = STR("55 (sh) R 7 8 9 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 4242 1000 2\n");
    assert_true(files_make_dirs(temp_dir_path(&dir, "55"), 0700, &err));
    assert_true(files_write(temp_dir_path(&dir, "55/environ"), STR(""), 0600, &err));
    assert_true(files_write(temp_dir_path(&dir, "55/cmdline"), STR(""), 0600, &err));
    assert_true(files_write(temp_dir_path(&dir, "55/stat"), stat, 0600, &err));
    assert_false(orphans_kill_step(dir.path, STR("store/run/a/1"), &found));
    assert_int_equal(found, 0);

    assert_true(files_write(temp_dir_path(&dir, "55/cmdline"), STR("true"), 0600, &err));
    assert_true(orphans_kill_step(dir.path, STR("store/run/a/1"), &found));
    assert_int_equal(found, 0);
}

static int look_as_one_of_them(const char *store)
{
    struct orphans orphans;
    struct err err = {0};
    struct clock clock = clock_system();
    struct orphans_options options = {
        .proc_dir = "/proc", .store = str_from(store), .grace_ns = NS_PER_MS, .clock = &clock};
    return orphans_end(&options, &orphans, &err) && orphans.ended == 0 ? 42 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--ours") == 0) {
        return look_as_one_of_them(argv[2]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ours_end_and_others_live),
        cmocka_unit_test(without_any_it_does_not_wait),
        cmocka_unit_test(they_are_counted_by_run),
        cmocka_unit_test(who_hid_is_found_too),
        cmocka_unit_test(a_group_without_its_leader_is_ours_by_one_of_it),
        cmocka_unit_test(a_foreign_group_is_left_alone),
        cmocka_unit_test(who_emptied_everything_and_left_is_not_found),
        cmocka_unit_test(term_comes_first_and_kill_after_the_grace),
        cmocka_unit_test(who_forks_on_and_on_is_ended),
        cmocka_unit_test(many_are_ended_in_rounds),
        cmocka_unit_test(the_rest_of_one_step_is_killed),
        cmocka_unit_test(who_is_between_programs_is_asked_again),
        cmocka_unit_test(who_looks_spares_itself_and_its_parents),
        cmocka_unit_test(groups_that_were_left_are_ended),
        cmocka_unit_test(what_cannot_be_looked_at_is_said),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
