/* step_groups_test.c - agent/run/step_groups.h: in a folder that only looks like a control group,
 * and in real ones where this host lets us make some. */
#include "agent/run/step_groups.h"

#include "common/base/uuid.h"
#include "common/platform/files.h"
#include "common/platform/proc.h"
#include "common/platform/spawn.h"
#include "step_fixture.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fake_cgroup.h"
#include "tests/support/fault_malloc.h"
#include "tests/support/temp_dir.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STORE STR("0123456789abcdef")
#define RUN   STR("01a20425-6df2-7802-b374-82b7d2e79642")
enum { WAIT_MS = 10000 };

struct world {
    struct temp_dir dir;
    struct fake_cgroup fake;
    struct step_groups *groups;
};

static void begin(struct world *w, const char *controllers)
{
    struct err err = {0};
    *w = (struct world){.dir = temp_dir_new(), .fake = {.controllers = controllers}};
    fake_cgroup_begin(&w->fake, w->dir.path);
    if (!step_groups_open(&w->groups, w->dir.path, STORE, &err)) {
        fail_msg("%s", err.msg);
    }
}

static void end(struct world *w)
{
    step_groups_close(w->groups);
    fake_cgroup_end();
    temp_dir_release(&w->dir);
}

static void make(struct world *w, int64_t memory, int64_t processes, struct step_group *group)
{
    struct err err = {0};
    if (!step_group_make(w->groups, RUN, memory, processes, group, &err)) {
        fail_msg("%s", err.msg);
    }
}

static void assert_file(const struct step_group *group, const char *name, const char *expected)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct err err = {0};
    AUTO(buf) text = buf_growing(1000);
    assert_true(files_join(group->path, str_from(name), path, sizeof(path), &err));
    assert_true(files_read(path, &text, &err));
    assert_string_equal(buf_cstr(&text), expected);
}

/* -- the folder that looks like one -- */

static void limits_become_those_of_the_group(void **state)
{
    (void)state;
    struct world w;
    struct step_group group;
    begin(&w, "memory pids");
    assert_true(step_groups_bound_memory(w.groups));
    assert_true(step_groups_bound_processes(w.groups));
    make(&w, 64 << 20, 50, &group);
    assert_file(&group, "memory.max", "67108864");
    assert_file(&group, "memory.swap.max", "0");
    assert_file(&group, "memory.oom.group", "1");
    assert_file(&group, "pids.max", "50");
    assert_true(step_group_remove(&group));
    assert_int_equal(group.path[0], '\0');
    assert_true(step_group_remove(&group)); /* none is gone, too */
    make(&w, 0, 0, &group);
    assert_file(&group, "memory.max", "");
    assert_file(&group, "memory.oom.group", "");
    assert_file(&group, "pids.max", "");
    assert_true(step_group_remove(&group));
    end(&w);
}

static void a_controller_that_is_missing_is_done_without(void **state)
{
    (void)state;
    struct world w;
    struct step_group group;
    begin(&w, "cpuset pids");
    assert_false(step_groups_bound_memory(w.groups));
    assert_true(step_groups_bound_processes(w.groups));
    make(&w, 64 << 20, 50, &group);
    assert_file(&group, "memory.max", "");
    assert_file(&group, "pids.max", "50");
    assert_true(step_group_remove(&group));
    end(&w);
    begin(&w, "");
    assert_false(step_groups_bound_processes(w.groups));
    make(&w, 64 << 20, 50, &group);
    assert_file(&group, "pids.max", "");
    assert_true(step_group_remove(&group));
    end(&w);
    assert_false(step_groups_bound_memory(NULL));
    assert_false(step_groups_bound_processes(NULL));
}

static void the_kernels_counters_are_read(void **state)
{
    (void)state;
    struct world w;
    struct step_group group;
    begin(&w, "memory pids");
    make(&w, 1, 1, &group);
    assert_int_equal(step_group_memory_kills(&group), 0);
    assert_false(step_group_was_full(&group));
    assert_int_equal(step_group_count(&group), 0);
    assert_true(step_group_remove(&group));
    w.fake.memory_kills = 3;
    w.fake.times_full = 1;
    make(&w, 1, 1, &group);
    assert_int_equal(step_group_memory_kills(&group), 3);
    assert_true(step_group_was_full(&group));
    assert_true(step_group_remove(&group));
    assert_int_equal(step_group_memory_kills(&group), 0);
    assert_false(step_group_was_full(&group));
    end(&w);
}

static void somebody_in_it_keeps_it(void **state)
{
    (void)state;
    struct world w;
    struct step_group group;
    begin(&w, "memory pids");
    make(&w, 0, 0, &group);
    w.fake.busy = 2;
    assert_false(step_group_remove(&group));
    assert_int_not_equal(group.path[0], '\0');
    step_group_kill(&group);
    assert_file(&group, "cgroup.kill", "1");
    w.fake.busy = 0;
    assert_true(step_group_remove(&group));
    assert_int_equal(w.fake.kills, 1);
    struct step_group none = {0};
    step_group_kill(&none);
    end(&w);
}

static void a_folder_that_is_no_good_is_said(void **state)
{
    (void)state;
    struct step_groups *groups = NULL;
    struct err err = {0};
    assert_false(step_groups_open(&groups, "/no/such/folder", STORE, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    AUTO(temp_dir) dir = temp_dir_new();
    struct fake_cgroup fake = {.controllers = "", .is_readonly = true};
    fake_cgroup_begin(&fake, dir.path);
    assert_false(step_groups_open(&groups, dir.path, STORE, &err));
    assert_non_null(strstr(err.msg, dir.path));
    fake.is_readonly = false;
    fake.busy = 1 << 20;
    assert_false(step_groups_open(&groups, dir.path, STORE, &err));
    assert_int_equal(err.code, ERR_BUSY);
    fake.busy = 0;
    fault_malloc_arm(0);
    assert_false(step_groups_open(&groups, dir.path, STORE, &err));
    assert_true(fault_malloc_disarm());
    assert_int_equal(err.code, ERR_NO_MEMORY);
    fake_cgroup_end();
    assert_null(groups);
    step_groups_close(NULL);
}

/* Where it runs as a service with Delegate=yes there is one; anywhere else, and here, the reason
 * is said. */
static void without_a_folder_of_our_own_the_reason_is_said(void **state)
{
    (void)state;
    struct step_groups *groups = NULL;
    struct err err = {0};
    if (!step_groups_open(&groups, NULL, STORE, &err)) {
        assert_int_equal(err.code, ERR_NOT_FOUND);
        assert_true(strstr(err.msg, "control group") != NULL);
    }
    step_groups_close(groups);
}

struct left {
    const struct world *w;
    int count;
    int stop_after;
};

static bool on_left(void *ctx, const struct step_group *group, struct str run)
{
    struct left *left = ctx;
    assert_true(str_eq(run, RUN));
    assert_true(str_starts(str_from(group->path), str_from(left->w->dir.path)));
    return ++left->count != left->stop_after;
}

static void what_was_left_is_told_from_others(void **state)
{
    (void)state;
    struct world w;
    struct step_group groups[3];
    struct err err = {0};
    begin(&w, "");
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        make(&w, 0, 0, &groups[i]);
    }
    static const char *const others[] = {
        "step-ffffffffffffffff-01a20425-6df2-7802-b374-82b7d2e79642-1", /* another store's */
        "step-0123456789abcdef-trial-4",
        "step-0123456789abcdef-01a20425-6df2-7802-b374-82b7d2e79642-x",
        "step-0123456789abcdef-01a20425-6df2-7802-b374-82b7d2e79642",
        "agent",
    };
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        assert_true(files_make_dirs(temp_dir_path(&w.dir, others[i]), 0700, &err));
    }
    struct left left = {.w = &w};
    assert_true(step_groups_each_left(w.groups, on_left, &left, &err));
    assert_int_equal(left.count, 3);
    left = (struct left){.w = &w, .stop_after = 2};
    assert_true(step_groups_each_left(w.groups, on_left, &left, &err));
    assert_int_equal(left.count, 2);

    /* Another process of the same store takes no name that is there. */
    struct step_groups *again = NULL;
    assert_true(step_groups_open(&again, w.dir.path, STORE, &err));
    struct step_group fresh;
    assert_true(step_group_make(again, RUN, 0, 0, &fresh, &err));
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        assert_string_not_equal(fresh.path, groups[i].path);
    }
    step_groups_close(again);
    end(&w);
}

/* -- real ones -- */

static pid_t start_in(const struct step_group *group, const char *script)
{
    static const char *const no_env[] = {"PATH=/usr/bin:/bin", NULL};
    const char *const argv[] = {"sh", "-c", script, NULL};
    struct spawn_options options = {.argv = argv,
                                    .envp = no_env,
                                    .stdin_fd = -1,
                                    .stdout_fd = -1,
                                    .stderr_fd = -1,
                                    .message_fd = -1,
                                    .confine = {.cgroup = group->path},
                                    .helper = SELVEDGE_EXEC};
    pid_t pid = 0;
    int pidfd = -1;
    struct err err = {0};
    if (!spawn_process(&options, &pid, &pidfd, &err)) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(close(pidfd), 0);
    return pid;
}

static void wait_for_count(const struct step_group *group, int64_t wanted)
{
    for (int waited = 0; step_group_count(group) != wanted; waited++) {
        assert_true(waited < WAIT_MS);
        (void)poll(NULL, 0, 1);
    }
}

static void wait_until_removed(struct step_group *group)
{
    for (int waited = 0; !step_group_remove(group); waited++) {
        assert_true(waited < WAIT_MS);
        step_group_kill(group);
        (void)poll(NULL, 0, 1);
    }
}

/* `has_kill` false: as before Linux 5.14, made by a group whose cgroup.kill cannot be opened. */
static void a_real_group_ends_all_that_is_in_it(void **state)
{
    (void)state;
    char folder[LIMIT_PATH_BYTES + 1];
    if (!step_fixture_real_cgroup(folder)) {
        print_message("not run: this host lets us make no control group\n");
        skip();
    }
    struct step_groups *groups = NULL;
    struct step_group group;
    struct err err = {0};
    assert_true(step_groups_open(&groups, folder, STORE, &err));
    assert_true(step_group_make(groups, RUN, 0, 0, &group, &err));
    assert_true(step_group_remove(&group));

    /* A child that ignores TERM, one that left the group and the environment, a nested group. */
    assert_true(step_group_make(groups, RUN, 0, 0, &group, &err));
    pid_t pid = start_in(&group, "trap '' TERM; env -i setsid sleep 1000 & sleep 1000");
    wait_for_count(&group, 3);
    assert_false(step_group_remove(&group));
    char nested[LIMIT_PATH_BYTES + 1];
    assert_true(files_join(group.path, STR("nested"), nested, sizeof(nested), &err));
    assert_int_equal(mkdir(nested, 0755), 0);
    step_group_kill(&group);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WTERMSIG(status), SIGKILL);
    wait_until_removed(&group);

    /* What another agent of the store left. */
    assert_true(step_group_make(groups, RUN, 0, 0, &group, &err));
    struct left left = {.w = &(struct world){.dir = {.path = "/sys/fs/cgroup"}}};
    assert_true(step_groups_each_left(groups, on_left, &left, &err));
    assert_int_equal(left.count, 1);
    assert_true(step_group_remove(&group));
    step_groups_close(groups);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_become_those_of_the_group),
        cmocka_unit_test(a_controller_that_is_missing_is_done_without),
        cmocka_unit_test(the_kernels_counters_are_read),
        cmocka_unit_test(somebody_in_it_keeps_it),
        cmocka_unit_test(a_folder_that_is_no_good_is_said),
        cmocka_unit_test(without_a_folder_of_our_own_the_reason_is_said),
        cmocka_unit_test(what_was_left_is_told_from_others),
        cmocka_unit_test(a_real_group_ends_all_that_is_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
