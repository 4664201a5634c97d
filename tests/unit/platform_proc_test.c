/* platform_proc_test.c - common/platform/proc.h and reaper.h: real processes, and a /proc that is
 * only a folder where the real one cannot be brought to show something. */
#include "common/platform/files.h"
#include "common/platform/proc.h"
#include "common/platform/reaper.h"
#include "common/platform/spawn.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENTRY_BYTES = 200, WAIT_MS = 10000 };

/* -- children -- */

struct child {
    pid_t pid;
    int pidfd;
    int pipe; /* its standard output */
};

static struct child start_shell(const char *script, const char *const *envp)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    int ends[2];
    struct err err = {0};
    assert_true(spawn_pipe(ends, false, &err));
    struct spawn_options options = {.argv = argv,
                                    .envp = envp,
                                    .stdin_fd = -1,
                                    .stdout_fd = ends[1],
                                    .stderr_fd = -1,
                                    .message_fd = -1};
    struct child child = {.pipe = ends[0]};
    if (!spawn_process(&options, &child.pid, &child.pidfd, &err)) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(close(ends[1]), 0);
    return child;
}

static pid_t read_pid(const struct child *child)
{
    char text[32];
    size_t len = 0;
    while (len < sizeof(text) && read(child->pipe, text + len, 1) == 1 && text[len] != '\n') {
        len++;
    }
    int64_t pid = 0;
    assert_true(str_to_i64((struct str){text, len}, 2, INT32_MAX, &pid));
    return (pid_t)pid;
}

static void finish(const struct child *child)
{
    (void)kill(-child->pid, SIGKILL);
    (void)waitpid(child->pid, NULL, 0);
    assert_int_equal(close(child->pidfd), 0);
    assert_int_equal(close(child->pipe), 0);
}

/* -- the real /proc -- */

static void a_process_is_shown(void **state)
{
    (void)state;
    static const char *const env[] = {"FIRST=1", "TOKEN=store/run", "TOKEN2=x", NULL};
    struct child child = start_shell("echo $$; sleep 100 & wait", env);
    assert_int_equal(read_pid(&child), child.pid);
    struct proc proc = {0};
    assert_true(proc_read("/proc", child.pid, &proc));
    assert_int_equal(proc.pid, child.pid);
    assert_int_equal(proc.parent, getpid());
    assert_int_equal(proc.group, child.pid);
    assert_true(proc.started > 0);

    char entry[ENTRY_BYTES] = "";
    assert_int_equal(proc_find_variable("/proc", child.pid, STR("TOKEN="), entry, sizeof(entry)),
                     PROC_VARIABLE_FOUND);
    assert_string_equal(entry, "TOKEN=store/run");
    assert_int_equal(
        proc_find_variable("/proc", child.pid, STR("TOKEN=store/"), entry, sizeof(entry)),
        PROC_VARIABLE_FOUND);
    assert_int_equal(
        proc_find_variable("/proc", child.pid, STR("TOKEN=other"), entry, sizeof(entry)),
        PROC_VARIABLE_NONE);
    assert_int_equal(proc_find_variable("/proc", child.pid, STR("OKEN="), entry, sizeof(entry)),
                     PROC_VARIABLE_NONE);
    char small[10];
    assert_int_equal(proc_find_variable("/proc", child.pid, STR("TOKEN="), small, sizeof(small)),
                     PROC_VARIABLE_NONE);
    finish(&child);
    assert_false(proc_read("/proc", child.pid, &proc));
    assert_int_equal(proc_find_variable("/proc", child.pid, STR("TOKEN="), entry, sizeof(entry)),
                     PROC_VARIABLE_NONE);
    assert_int_equal(proc_hold_same("/proc", &proc), -1);
}

/* More than is read at a time, the wanted one last, across the seam. */
static void a_large_environment_is_searched_whole(void **state)
{
    (void)state;
    enum { ENTRIES = 40, FILLER_BYTES = 1000 };
    char filler[ENTRIES][FILLER_BYTES];
    for (int shift = 0; shift < 40; shift++) {
        const char *env[ENTRIES + 2] = {0};
        for (int i = 0; i < ENTRIES; i++) {
            (void)snprintf(filler[i], sizeof(filler[i]), "F%d=%0*d", i,
                           FILLER_BYTES - 10 - (i == 0 ? shift : 0), i);
            env[i] = filler[i];
        }
        env[16] = "TOKEN=0123456789012345678901234567890123456789";
        struct child child = start_shell("echo $$; sleep 100", env);
        pid_t pid = read_pid(&child); /* before it speaks, its environment may not be there yet */
        char entry[ENTRY_BYTES];
        assert_int_equal(proc_find_variable("/proc", pid, STR("TOKEN="), entry, sizeof(entry)),
                         PROC_VARIABLE_FOUND);
        assert_string_equal(entry, env[16]);
        finish(&child);
    }
}

struct search {
    pid_t wanted;
    int seen;
    int calls;
    int calls_max;
};

static bool look(void *ctx, pid_t pid)
{
    struct search *search = ctx;
    search->seen += pid == search->wanted;
    return ++search->calls != search->calls_max;
}

static void every_process_is_listed(void **state)
{
    (void)state;
    static const char *const no_env[] = {NULL};
    struct child child = start_shell("echo $$; sleep 100", no_env);
    struct search search = {.wanted = read_pid(&child)};
    struct err err = {0};
    assert_true(proc_each("/proc", look, &search, &err));
    assert_int_equal(search.seen, 1);
    assert_true(search.calls > 1);
    search = (struct search){.calls_max = 1};
    assert_true(proc_each("/proc", look, &search, &err));
    assert_int_equal(search.calls, 1);
    assert_false(proc_each("/no/such/proc", look, &search, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    finish(&child);
}

static void only_the_very_process_is_signalled(void **state)
{
    (void)state;
    static const char *const no_env[] = {NULL};
    struct child child = start_shell("echo $$; sleep 100", no_env);
    (void)read_pid(&child);
    struct proc proc = {0};
    assert_true(proc_read("/proc", child.pid, &proc));
    proc.started--; /* one that had the number before */
    assert_int_equal(proc_hold_same("/proc", &proc), -1);
    proc.started++;
    int held = proc_hold_same("/proc", &proc);
    assert_true(held >= 0);
    assert_true(fcntl(held, F_GETFD) & FD_CLOEXEC);
    assert_true(proc_send(held, SIGTERM));
    int status = 0;
    assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
    assert_int_equal(WTERMSIG(status), SIGTERM);
    assert_false(proc_send(held, SIGTERM));
    assert_int_equal(close(held), 0);
    assert_int_equal(proc_hold(child.pid), -1);
    finish(&child);
}

/* -- a folder -- */

static void names_with_brackets_and_nonsense_are_survived(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    struct err err = {0};
    const char *rest = " S 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1000 2 99\n";
    char text[400];
    assert_true(files_make_dirs(temp_dir_path(&dir, "55"), 0700, &err));
    (void)snprintf(text, sizeof(text), "55 (a) R 1 2 (b c)%s", rest);
    assert_true(files_write(temp_dir_path(&dir, "55/stat"), str_from(text), 0600, &err));
    struct proc proc = {0};
    assert_true(proc_read(dir.path, 55, &proc));
    assert_int_equal(proc.state, 'S');
    assert_int_equal(proc.parent, 7);
    assert_int_equal(proc.group, 8);
    assert_int_equal(proc.started, 4242);
    static const char *const wrong[] = {"",
                                        "55",
                                        "55 (a)",
                                        "55 (a) S",
                                        "55 (a) S x 8 9",
                                        "55 (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18\n"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_true(files_write(temp_dir_path(&dir, "55/stat"), str_from(wrong[i]), 0600, &err));
        assert_false(proc_read(dir.path, 55, &proc));
        assert_int_equal(proc.started, 4242); /* untouched */
    }
    /* An environment that lost its last NUL, and one that is empty. */
    char entry[ENTRY_BYTES];
    assert_true(files_write(temp_dir_path(&dir, "55/environ"), STR("A=1\0TOKEN=x"), 0600, &err));
    assert_int_equal(proc_find_variable(dir.path, 55, STR("TOKEN="), entry, sizeof(entry)),
                     PROC_VARIABLE_FOUND);
    assert_string_equal(entry, "TOKEN=x");
    assert_true(files_write(temp_dir_path(&dir, "55/environ"), STR(""), 0600, &err));
    assert_int_equal(proc_find_variable(dir.path, 55, STR("TOKEN="), entry, sizeof(entry)),
                     PROC_VARIABLE_NONE);
    assert_true(files_write(temp_dir_path(&dir, "self"), STR(""), 0600, &err));
    struct search search = {.wanted = 55};
    assert_true(proc_each(dir.path, look, &search, &err));
    assert_int_equal(search.seen, 1);
    assert_int_equal(search.calls, 1);
}

/* Before the kernel has laid out its program, and while it ends, it has neither environment nor
 * arguments. */
static void who_is_between_programs_is_unknown(void **state)
{
    (void)state;
    static const struct {
        const char *rest;
        struct str arguments;
        enum proc_variable expected;
    } cases[] = {
        {" R 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1000 2\n", STR_INIT(""),
         PROC_VARIABLE_UNKNOWN},
        {" R 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1000 2\n", STR_INIT("env\0-i\0"),
         PROC_VARIABLE_NONE},
        {" S 7 8 9 0 -1 2129984 1 2 3 4 5 6 7 8 20 0 1 0 4242 0 0\n", STR_INIT(""),
         PROC_VARIABLE_NONE}, /* a thread of the kernel */
        {" Z 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1000 2\n", STR_INIT(""),
         PROC_VARIABLE_NONE},
    };
    AUTO(temp_dir) dir = temp_dir_new();
    struct err err = {0};
    char entry[ENTRY_BYTES];
    char text[200];
    assert_true(files_make_dirs(temp_dir_path(&dir, "55"), 0700, &err));
    assert_true(files_write(temp_dir_path(&dir, "55/environ"), STR(""), 0600, &err));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        (void)snprintf(text, sizeof(text), "55 (sh)%s", cases[i].rest);
        assert_true(files_write(temp_dir_path(&dir, "55/stat"), str_from(text), 0600, &err));
        assert_true(files_write(temp_dir_path(&dir, "55/cmdline"), cases[i].arguments, 0600, &err));
        assert_int_equal(proc_find_variable(dir.path, 55, STR("T="), entry, sizeof(entry)),
                         cases[i].expected);
    }
    assert_true(files_write(temp_dir_path(&dir, "55/environ"), STR("T=x\0"), 0600, &err));
    assert_int_equal(proc_find_variable(dir.path, 55, STR("T="), entry, sizeof(entry)),
                     PROC_VARIABLE_FOUND);
}

/* -- the reaper -- */

struct ends {
    struct loop *loop;
    int count;
    int status;
};

static void on_exit_status(void *ctx, int status)
{
    struct ends *ends = ctx;
    ends->count++;
    ends->status = status;
}

static bool is_there(pid_t pid)
{
    struct proc proc;
    return proc_read("/proc", pid, &proc);
}

static void turn_until_gone(struct loop *loop, pid_t pid)
{
    struct err err = {0};
    for (int waited = 0; is_there(pid); waited += 10) {
        assert_true(waited < WAIT_MS);
        assert_true(loop_turn(loop, 10 * NS_PER_MS, &err));
    }
}

static void orphans_come_to_us_and_are_buried(void **state)
{
    (void)state;
    static const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    struct err err = {0};
    struct loop *loop = NULL;
    struct reaper reaper = {0};
    reaper_stop(&reaper); /* of one that never was */
    assert_true(loop_open(&loop, clock_system(), &err));
    assert_true(reaper_start(&reaper, loop, &err));
    struct child child = start_shell("setsid sh -c 'echo $$; exec sleep 100' & wait", env);
    pid_t orphan = read_pid(&child);
    struct ends ends = {.loop = loop};
    struct loop_child watched = {.on_exit = on_exit_status, .ctx = &ends};
    assert_true(loop_child_watch(loop, &watched, child.pid, child.pidfd, &err));
    assert_true(loop_is_watched(loop, child.pid));
    assert_false(loop_is_watched(loop, orphan));

    assert_int_equal(kill(child.pid, SIGKILL), 0);
    while (ends.count == 0) {
        assert_true(loop_turn(loop, NS_PER_SEC, &err));
    }
    assert_int_equal(WTERMSIG(ends.status), SIGKILL); /* the loop's own, with its status */
    assert_false(loop_is_watched(loop, child.pid));
    struct proc proc = {0};
    assert_true(proc_read("/proc", orphan, &proc));
    assert_int_equal(proc.parent, getpid());
    assert_int_equal(kill(orphan, SIGKILL), 0);
    turn_until_gone(loop, orphan);
    reaper_stop(&reaper);
    reaper_stop(&reaper);
    loop_close(loop);
    assert_int_equal(close(child.pipe), 0);
}

/* Many ends at once make one signal; a child that is watched no more is ours to bury too. */
static void none_is_stolen_and_none_is_left(void **state)
{
    (void)state;
    enum { CHILDREN = 20 };
    static const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    struct err err = {0};
    struct loop *loop = NULL;
    struct reaper reaper = {0};
    assert_true(loop_open(&loop, clock_system(), &err));
    assert_true(reaper_start(&reaper, loop, &err));
    struct child children[CHILDREN];
    struct loop_child watched[CHILDREN] = {0};
    struct ends ends = {.loop = loop};
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = start_shell("sleep 100", env);
        watched[i] = (struct loop_child){.on_exit = on_exit_status, .ctx = &ends};
        assert_true(loop_child_watch(loop, &watched[i], children[i].pid, children[i].pidfd, &err));
    }
    for (int i = 0; i < CHILDREN; i += 2) {
        loop_child_remove(loop, &watched[i]);
    }
    for (int i = 0; i < CHILDREN; i++) {
        (void)kill(children[i].pid, SIGKILL);
    }
    for (int i = 0; i < CHILDREN; i++) {
        turn_until_gone(loop, children[i].pid);
        assert_int_equal(close(children[i].pipe), 0);
    }
    assert_int_equal(ends.count, CHILDREN / 2);
    reaper_stop(&reaper);
    loop_close(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_is_shown),
        cmocka_unit_test(a_large_environment_is_searched_whole),
        cmocka_unit_test(every_process_is_listed),
        cmocka_unit_test(only_the_very_process_is_signalled),
        cmocka_unit_test(names_with_brackets_and_nonsense_are_survived),
        cmocka_unit_test(who_is_between_programs_is_unknown),
        cmocka_unit_test(orphans_come_to_us_and_are_buried),
        cmocka_unit_test(none_is_stolen_and_none_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
