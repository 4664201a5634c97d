/* step_limits_test.c - agent/run/step_host.h with real children: limits, users, control groups, and
 * what an earlier agent left. */
#include "common/platform/files.h"
#include "step_fixture.h"
#include "tests/support/cmocka_all.h"

#include <string.h>
#include <unistd.h>

static void check(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s", err->msg);
    }
}

/* --- limits and users ------------------------------------------------------------------------- */

static void limits_end_a_step_and_say_which(void **state)
{
    (void)state;
    struct step_fixture f;
    step_fixture_begin(&f);
    f.options.confine = (struct confine){.cpu_ns = NS_PER_SEC};
    step_fixture_run(&f, "while :; do :; done");
    step_fixture_expect(&f, "limit", "its 1s of processor time");
    f.options.confine = (struct confine){.file_bytes = 1 << 20};
    step_fixture_run(&f, "exec head -c 5000000 /dev/zero >big");
    step_fixture_expect(&f, "limit", "1 MiB");
    f.options.confine = (struct confine){.file_bytes = 100000};
    step_fixture_run(&f, "exec head -c 5000000 /dev/zero >big");
    step_fixture_expect(&f, "limit", "100000 bytes");
    f.options.confine = (struct confine){.memory_bytes = 64 << 20};
    step_fixture_run(&f, "exec head -c 200000000 /dev/zero | tail -c 190000000");
    step_fixture_expect(&f, "failed", "");
    f.options.confine = (struct confine){.user = "no-such-user"};
    step_fixture_run(&f, "echo ran");
    step_fixture_expect(&f, "not_found", "there is no user no-such-user");
    assert_int_equal(f.result.out.bytes, 0);
    step_fixture_end(&f);
}

static void a_step_runs_as_its_user(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("not run: only root can become another user\n");
        skip();
    }
    struct step_fixture f;
    step_fixture_begin(&f);
    f.options.confine = (struct confine){.user = "nobody"};
    step_fixture_run(&f, "id -un; setsid sleep 1000 >/dev/null 2>&1 3>&- &");
    step_fixture_expect(&f, NULL, "");
    assert_string_equal(f.first_line, "nobody");
    assert_int_equal(f.result.left_processes,
                     1); /* another user's process is found and ended, too */
    f.options.timeout_ns = 200 * NS_PER_MS;
    step_fixture_run(&f, "trap '' TERM; sleep 1000; sleep 1000");
    step_fixture_expect(&f, "timeout", "");
    step_fixture_end(&f);
}

/* --- control groups, in a folder that looks like them ----------------------------------------- */

static void begin_with_groups(struct step_fixture *f, const char *controllers)
{
    struct err err = {0};
    step_fixture_begin(f);
    step_host_close(f->host);
    const char *folder = temp_dir_path(&f->dir, "cgroup");
    check(files_make_dirs(folder, 0755, &err), &err);
    f->fake.controllers = controllers;
    fake_cgroup_begin(&f->fake, folder);
    step_fixture_open_host(f, SELVEDGE_EXEC, str_from(folder));
    assert_non_null(f->host->groups);
    f->options.host = f->host;
    f->fake.made = 0; /* one was tried */
}

static void end_with_groups(struct step_fixture *f)
{
    step_fixture_end(f);
    fake_cgroup_end();
}

static void each_step_has_a_group_of_its_own(void **state)
{
    (void)state;
    struct step_fixture f;
    begin_with_groups(&f, "memory pids");
    f.options.confine = (struct confine){.memory_bytes = 64 << 20, .processes = 20};
    step_fixture_run(
        &f, "cat cgroup/step-*/memory.max; ulimit -d; grep -c 'processes *20 ' /proc/self/limits");
    step_fixture_expect(&f, "failed", "exit code 1");
    assert_string_equal(f.first_line, "67108864unlimited"); /* the group's alone */
    assert_int_equal(f.fake.made, 1);
    step_fixture_run(&f, "cat cgroup/step-*/cgroup.procs");
    assert_string_equal(f.first_line, "0"); /* it moved itself in */
    assert_int_equal(f.fake.made, 2);
    end_with_groups(&f);
}

static void limits_without_a_controller_are_those_of_each_process(void **state)
{
    (void)state;
    struct step_fixture f;
    begin_with_groups(&f, "");
    f.options.confine = (struct confine){.memory_bytes = 64 << 20, .processes = 20};
    step_fixture_run(&f, "ulimit -d; grep -q 'processes *20 ' /proc/self/limits");
    step_fixture_expect(&f, NULL, "");
    assert_string_equal(f.first_line, "65536");
    end_with_groups(&f);
}

static void killed_for_memory_is_said_with_the_limit(void **state)
{
    (void)state;
    struct step_fixture f;
    begin_with_groups(&f, "memory pids");
    f.fake.memory_kills = 1;
    f.options.confine = (struct confine){.memory_bytes = 64 << 20};
    f.fake.memory_peak = (64 << 20) - 1;
    step_fixture_run(&f, "kill -9 $$");
    step_fixture_expect(&f, "out_of_memory", "its memory limit of 64 MiB, having had 64 MiB");
    assert_true(strstr(f.error_hint, "memory") != NULL);
    f.options.confine = (struct confine){0};
    f.fake.memory_peak = 0;
    step_fixture_run(&f, "exit 137");
    step_fixture_expect(&f, "out_of_memory", "the host was out of memory");
    step_fixture_run(&f, "exit 0"); /* one of its children was killed, and it lived with that */
    step_fixture_expect(&f, NULL, "");
    f.fake.memory_kills = 0;
    f.fake.times_full = 2;
    f.options.confine = (struct confine){.processes = 5};
    step_fixture_run(&f, "echo cannot fork >&2; exit 2");
    step_fixture_expect(&f, "failed", "cannot fork");
    assert_true(strstr(f.error_hint, "its limit allows: 5") != NULL);
    end_with_groups(&f);
}

static void a_group_with_somebody_in_it_is_ended(void **state)
{
    (void)state;
    struct step_fixture f;
    begin_with_groups(&f, "");
    f.fake.busy = 3;
    step_fixture_run(&f, "printf '4000001\\n4000002\\n' >$(echo cgroup/step-*)/cgroup.procs");
    step_fixture_expect(&f, NULL, "");
    assert_int_equal(f.result.left_processes, 2);
    assert_int_equal(f.fake.kills, 1);
    /* The kernel takes a moment to put away who has ended: nobody was left for that. */
    f.fake.busy = 2;
    step_fixture_run(&f, "exit 0");
    step_fixture_expect(&f, NULL, "");
    assert_false(f.result.left_processes);
    f.fake.busy = 1 << 20; /* whatever we do: the step ends all the same */
    step_fixture_run(&f, "exit 0");
    step_fixture_expect(&f, NULL, "");
    f.fake.busy = 0;
    end_with_groups(&f);
}

/* The kernel's own, where this host lets us: nobody is seen who is not there, nobody escapes. */
static void a_real_group_holds_a_step_together(void **state)
{
    (void)state;
    enum { STEPS = 50 };
    char folder[LIMIT_PATH_BYTES + 1];
    if (!step_fixture_real_cgroup(folder)) {
        print_message("not run: this host lets us make no control group\n");
        skip();
    }
    struct step_fixture f;
    step_fixture_begin(&f);
    step_host_close(f.host);
    step_fixture_open_host(&f, SELVEDGE_EXEC, str_from(folder));
    assert_non_null(f.host->groups);
    f.options.host = f.host;
    for (int i = 0; i < STEPS; i++) {
        step_fixture_run(&f, "exit 0");
        step_fixture_expect(&f, NULL, "");
        assert_false(f.result.left_processes);
    }
    step_fixture_run(&f,
                     "env -i setsid sh -c 'echo $$ >away; exec sleep 1000' >/dev/null 2>&1 3>&- & "
                     "while [ ! -s away ]; do :; done");
    step_fixture_expect(&f, NULL, "");
    assert_true(f.result.left_processes);
    assert_false(step_fixture_is_alive(step_fixture_pid(&f, "away")));
    step_fixture_end(&f);
    assert_int_equal(rmdir(folder), 0); /* no step's group is left in it */
}

static void without_a_group_just_now_it_runs_all_the_same(void **state)
{
    (void)state;
    struct step_fixture f;
    begin_with_groups(&f, "memory pids");
    f.fake.is_readonly = true;
    f.options.confine = (struct confine){.memory_bytes = 64 << 20};
    step_fixture_run(&f, "ulimit -d");
    step_fixture_expect(&f, NULL, "");
    assert_string_equal(f.first_line, "65536");
    end_with_groups(&f);
}

static void a_host_keeps_its_identity(void **state)
{
    (void)state;
    struct step_fixture f;
    step_fixture_begin(&f);
    char id[STORE_ID_SIZE];
    memcpy(id, f.host->store_id, sizeof(id));
    assert_int_equal(strlen(id), STORE_ID_SIZE - 1);
    step_host_close(f.host);
    step_fixture_open_host(&f, SELVEDGE_EXEC, STR("auto"));
    assert_string_equal(f.host->store_id, id);
    step_host_close(f.host);
    step_fixture_open_host(&f, "/no/such/selvedge-exec", STR("/sys/fs/cgroup"));
    assert_null(f.host->helper);
    assert_null(f.host->groups);
    step_host_end_orphans(f.host);
    f.options.host = f.host;
    step_fixture_run(&f, "exit 0");
    step_fixture_expect(&f, NULL, "");
    step_fixture_end(&f);
    step_host_close(NULL);
}

static void what_an_earlier_agent_left_is_ended_at_the_start(void **state)
{
    (void)state;
    struct step_fixture f;
    step_fixture_begin(&f);
    step_fixture_start(&f, "setsid sh -c 'echo $$ >away; exec sleep 1000' & echo $$ >self; wait");
    pid_t self = step_fixture_pid(&f, "self");
    pid_t away = step_fixture_pid(&f, "away");
    step_host_end_orphans(f.host); /* as if we were the next: both are still there */
    assert_false(step_fixture_is_alive(self));
    assert_false(step_fixture_is_alive(away));
    step_fixture_wait(&f);
    step_fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_end_a_step_and_say_which),
        cmocka_unit_test(a_step_runs_as_its_user),
        cmocka_unit_test(each_step_has_a_group_of_its_own),
        cmocka_unit_test(limits_without_a_controller_are_those_of_each_process),
        cmocka_unit_test(killed_for_memory_is_said_with_the_limit),
        cmocka_unit_test(a_group_with_somebody_in_it_is_ended),
        cmocka_unit_test(a_real_group_holds_a_step_together),
        cmocka_unit_test(without_a_group_just_now_it_runs_all_the_same),
        cmocka_unit_test(a_host_keeps_its_identity),
        cmocka_unit_test(what_an_earlier_agent_left_is_ended_at_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
