/* platform_confine_test.c - common/platform/confine.h and the helper selvedge-exec, with real
 * children. SELVEDGE_EXEC is where the build put it. */
#include "common/base/limits.h"
#include "common/base/time.h"
#include "common/platform/files.h"
#include "common/platform/spawn.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/fault_malloc.h"
#include "tests/support/temp_dir.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    OUTPUT_BYTES_MAX = 1 << 20,
    NOBODY = 65534,
    EXIT_NOT_STARTED = 126,
    HELPER_BYTES_MAX = 64 << 20
};

/* -- words -- */

static const struct confine everything = {.user = "shop",
                                          .cgroup = "/sys/fs/cgroup/x y=z",
                                          .memory_bytes = 64 << 20,
                                          .cpu_ns = 1500000000,
                                          .file_bytes = 1,
                                          .open_files = 100,
                                          .processes = INT64_MAX,
                                          .nice = 5};

static void words_come_back_as_they_were(void **state)
{
    (void)state;
    AUTO(buf) words = buf_growing(1000);
    struct err err = {0};
    struct confine back = {0};
    size_t count = confine_write(&everything, &words);
    assert_int_equal(count, 8);
    const char *word = words.ptr;
    for (size_t i = 0; i < count; i++) {
        assert_true(confine_read(&back, word, &err));
        word += strlen(word) + 1;
    }
    assert_ptr_equal(word, words.ptr + words.len);
    assert_string_equal(back.user, everything.user);
    assert_string_equal(back.cgroup, everything.cgroup);
    assert_int_equal(back.memory_bytes, everything.memory_bytes);
    assert_int_equal(back.cpu_ns, everything.cpu_ns);
    assert_int_equal(back.file_bytes, everything.file_bytes);
    assert_int_equal(back.open_files, everything.open_files);
    assert_int_equal(back.processes, everything.processes);
    assert_int_equal(back.nice, everything.nice);
}

static void nothing_is_no_word(void **state)
{
    (void)state;
    AUTO(buf) words = buf_growing(1000);
    struct confine nothing = {0};
    assert_true(confine_is_empty(&nothing));
    assert_int_equal(confine_write(&nothing, &words), 0);
    assert_int_equal(words.len, 0);
    assert_false(confine_is_empty(&(struct confine){.nice = 1}));
    assert_false(confine_is_empty(&(struct confine){.user = "u"}));
    assert_false(confine_is_empty(&(struct confine){.cgroup = "/"}));
}

static void other_words_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",      "memory",  "memory=",  "memory=0", "memory=-1",    "files=x",
        "user=", "cgroup=", "colour=1", "=1",       "processes= 1", "nice=1 "};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct confine c = {0};
        struct err err = {0};
        assert_false(confine_read(&c, wrong[i], &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_true(confine_is_empty(&c));
    }
}

/* -- the helper at work -- */

struct child {
    int status;
    struct buf output;  /* of descriptor 1 */
    struct buf message; /* of descriptor 3 */
};

static void child_release(struct child *child)
{
    buf_release(&child->output);
    buf_release(&child->message);
}

static void read_all(int fd, struct buf *into)
{
    char chunk[512];
    ssize_t got = 0;
    while ((got = read(fd, chunk, sizeof(chunk))) > 0) {
        buf_add(into, (struct str){chunk, (size_t)got});
    }
    assert_int_equal(got, 0);
    assert_int_equal(close(fd), 0);
}

static struct child run_with(const char *const *argv, const char *const *envp,
                             const struct confine *confine)
{
    struct child child = {.output = buf_growing(OUTPUT_BYTES_MAX),
                          .message = buf_growing(OUTPUT_BYTES_MAX)};
    int out[2];
    int message[2];
    int pidfd = -1;
    pid_t pid = 0;
    struct err err = {0};
    assert_true(spawn_pipe(out, false, &err));
    assert_true(spawn_pipe(message, false, &err));
    struct spawn_options options = {.argv = argv,
                                    .envp = envp,
                                    .stdin_fd = -1,
                                    .stdout_fd = out[1],
                                    .stderr_fd = -1,
                                    .message_fd = message[1],
                                    .confine = *confine,
                                    .helper = SELVEDGE_EXEC};
    if (!spawn_process(&options, &pid, &pidfd, &err)) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(close(out[1]), 0);
    assert_int_equal(close(message[1]), 0);
    assert_int_equal(close(pidfd), 0);
    read_all(out[0], &child.output);
    read_all(message[0], &child.message);
    assert_int_equal(waitpid(pid, &child.status, 0), pid);
    return child;
}

static struct child run_shell(const char *script, struct confine confine)
{
    static const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    const char *const argv[] = {"sh", "-c", script, NULL};
    return run_with(argv, env, &confine);
}

#define assert_shell(script_, confine_, expected_)                                                 \
    do {                                                                                           \
        AUTO(child) child_ = run_shell((script_), (confine_));                                     \
        assert_int_equal(child_.message.len, 0);                                                   \
        assert_string_equal(buf_cstr(&child_.output), (expected_));                                \
        assert_int_equal(child_.status, 0);                                                        \
    } while (0)

static void assert_refused(const char *script, struct confine confine, const char *code,
                           const char *part)
{
    AUTO(child) child = run_shell(script, confine);
    assert_int_equal(WEXITSTATUS(child.status), EXIT_NOT_STARTED);
    assert_int_equal(child.output.len, 0);
    const char *message = buf_cstr(&child.message);
    char wanted[80];
    (void)snprintf(wanted, sizeof(wanted), "{\"event\":\"error\",\"code\":\"%s\",", code);
    assert_true(str_starts(str_from(message), str_from(wanted)));
    if (strstr(message, part) == NULL) {
        fail_msg("\"%s\" is not in %s", part, message);
    }
}

static void limits_are_those_of_the_program(void **state)
{
    (void)state;
    /* In the shell's units: kilobytes, seconds, 512-byte or kilobyte blocks, files. */
    assert_shell("ulimit -n", ((struct confine){.open_files = 37}), "37\n");
    assert_shell("ulimit -d; ulimit -Hd", ((struct confine){.memory_bytes = INT64_C(300) << 20}),
                 "307200\n307200\n");
    assert_shell("ulimit -t; ulimit -Ht", ((struct confine){.cpu_ns = 1500000000}), "2\n3\n");
    assert_shell("grep -c '^Max file size *5000 *5000 ' /proc/self/limits",
                 ((struct confine){.file_bytes = 5000}), "1\n");
    assert_shell("grep -c '^Max processes *77 *77 ' /proc/self/limits",
                 ((struct confine){.processes = 77}), "1\n");
    assert_shell("ulimit -c; ulimit -Hc", ((struct confine){.open_files = 37}), "0\n0\n");
    char expected[16];
    int ours = getpriority(PRIO_PROCESS, 0);
    (void)snprintf(expected, sizeof(expected), "%d\n", ours + 3 > 19 ? 19 : ours + 3);
    assert_shell("nice", ((struct confine){.nice = 3}), expected);
    assert_shell("nice", ((struct confine){.nice = 100}), "19\n");
}

static void limits_hold(void **state)
{
    (void)state;
    {
        AUTO(child)
        child = run_shell("head -c 100000 /dev/zero | tr '\\0' x >/dev/null; "
                          "while :; do :; done",
                          (struct confine){.cpu_ns = NS_PER_SEC});
        assert_true(WIFSIGNALED(child.status));
        assert_int_equal(WTERMSIG(child.status), SIGXCPU);
    }
    {
        AUTO(temp_dir) dir = temp_dir_new();
        char script[200];
        (void)snprintf(script, sizeof(script), "exec head -c 100000 /dev/zero >%s",
                       temp_dir_path(&dir, "big"));
        AUTO(child) child = run_shell(script, (struct confine){.file_bytes = 5000});
        assert_int_equal(WTERMSIG(child.status), SIGXFSZ);
        struct stat st;
        assert_int_equal(stat(temp_dir_path(&dir, "big"), &st), 0);
        assert_int_equal(st.st_size, 5000);
    }
    {
        /* Half of it fits, all of it does not. */
        AUTO(child)
        child = run_shell("exec head -c 500000000 /dev/zero | tail -c 400000000 | wc -c",
                          (struct confine){.memory_bytes = 64 << 20});
        assert_string_not_equal(buf_cstr(&child.output), "400000000\n");
    }
    assert_shell("head -c 500000000 /dev/zero | tail -c 4000000 | wc -c",
                 ((struct confine){.memory_bytes = 64 << 20}), "4000000\n");
}

static void arguments_and_descriptors_pass_through(void **state)
{
    (void)state;
    static const char *const env[] = {"A=1", "PATH=/usr/bin:/bin", NULL};
    static const char *const argv[] = {
        "sh", "-c", "echo \"$0|$1|$2|$A\"; echo three >&3", "--", "x y", "", NULL};
    AUTO(child) child = run_with(argv, env, &(struct confine){.open_files = 50});
    assert_string_equal(buf_cstr(&child.output), "--|x y||1\n");
    assert_string_equal(buf_cstr(&child.message), "three\n");
    assert_int_equal(child.status, 0);
}

/* -- what cannot be -- */

static void what_cannot_be_is_said_before_the_program_runs(void **state)
{
    (void)state;
    assert_refused("echo ran", (struct confine){.user = "no-such-user"}, "not_found",
                   "there is no user no-such-user");
    assert_refused("echo ran", (struct confine){.cgroup = "/no/such/group"}, "not_found",
                   "join control group /no/such/group");
    AUTO(temp_dir) dir = temp_dir_new();
    struct err err = {0};
    const char *path = temp_dir_path(&dir, "script");
    assert_true(files_write(path, STR("exit 0\n"), 0700, &err));
    const char *const argv[] = {path, NULL};
    static const char *const no_env[] = {NULL};
    AUTO(child) child = run_with(argv, no_env, &(struct confine){.open_files = 50});
    assert_int_equal(WEXITSTATUS(child.status), EXIT_NOT_STARTED);
    assert_non_null(strstr(buf_cstr(&child.message), "not a program of this machine"));
    assert_non_null(strstr(buf_cstr(&child.message), "#!/bin/sh"));
}

static void what_is_asked_of_nobody_fails_at_once(void **state)
{
    (void)state;
    static const char *const no_env[] = {NULL};
    static const char *const argv[] = {"/bin/true", NULL};
    struct spawn_options options = {.argv = argv,
                                    .envp = no_env,
                                    .stdin_fd = -1,
                                    .stdout_fd = -1,
                                    .stderr_fd = -1,
                                    .message_fd = -1,
                                    .confine = {.nice = 1}};
    pid_t pid = 42;
    int pidfd = 42;
    struct err err = {0};
    assert_false(spawn_process(&options, &pid, &pidfd, &err));
    assert_int_equal(err.code, ERR_INVALID);
    options.helper = "/no/such/selvedge-exec";
    assert_false(spawn_process(&options, &pid, &pidfd, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "/no/such/selvedge-exec"));
    options.helper = SELVEDGE_EXEC;
    bool has_failed = true;
    for (int nth = 0; has_failed; nth++) {
        fault_malloc_arm(nth);
        bool ok = spawn_process(&options, &pid, &pidfd, &err);
        has_failed = fault_malloc_disarm();
        assert_int_equal(ok, !has_failed);
        if (!ok) {
            assert_int_equal(err.code, ERR_NO_MEMORY);
        }
    }
    assert_int_equal(close(pidfd), 0);
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void the_helper_by_hand_says_what_it_is(void **state)
{
    (void)state;
    static const char *const no_env[] = {NULL};
    static const char *const tries[][4] = {{SELVEDGE_EXEC, NULL},
                                           {SELVEDGE_EXEC, "--", NULL},
                                           {SELVEDGE_EXEC, "--", "/bin/true", NULL},
                                           {SELVEDGE_EXEC, "colour=1", "--", NULL}};
    for (size_t i = 0; i < COUNT_OF(tries); i++) {
        AUTO(child) child = run_with(tries[i], no_env, &(struct confine){0});
        assert_int_equal(WEXITSTATUS(child.status), EXIT_NOT_STARTED);
        assert_non_null(strstr(buf_cstr(&child.message), "\"code\":\"invalid\""));
        assert_non_null(strstr(buf_cstr(&child.message), "selvedge-exec"));
    }
}

/* -- users, as root -- */

static void the_program_runs_as_the_user(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("not run: only root can become another user\n");
        skip();
    }
    assert_shell("id -un; id -u; id -g; id -G; echo \"$USER $LOGNAME $HOME\"",
                 (struct confine){.user = "nobody"},
                 "nobody\n65534\n65534\n65534\nnobody nobody /nonexistent\n");
    assert_shell("grep -E '^(Uid|Gid|CapEff|CapPrm|Groups)' /proc/self/status | tr -s '\\t ' ' '",
                 (struct confine){.user = "nobody"},
                 "Uid: 65534 65534 65534 65534\nGid: 65534 65534 65534 65534\nGroups: 65534 \n"
                 "CapPrm: 0000000000000000\nCapEff: 0000000000000000\n");
    /* What was raised for root alone is raised before the rights go. */
    assert_shell("id -un; ulimit -n", ((struct confine){.user = "nobody", .open_files = 30}),
                 "nobody\n30\n");
    static const char *const env[] = {"PATH=/usr/bin:/bin", "HOME=/srv", "USER=me", NULL};
    static const char *const argv[] = {"sh", "-c", "echo $USER $LOGNAME $HOME", NULL};
    AUTO(child) child = run_with(argv, env, &(struct confine){.user = "nobody"});
    assert_string_equal(buf_cstr(&child.output), "me nobody /srv\n");
}

/* A copy that everybody can reach: the build may stand in the home of root. */
static const char *copy_helper(struct temp_dir *dir)
{
    struct err err = {0};
    AUTO(buf) program = buf_growing(HELPER_BYTES_MAX);
    const char *path = temp_dir_path(dir, "selvedge-exec");
    assert_true(files_read(SELVEDGE_EXEC, &program, &err));
    assert_true(files_write(path, buf_str(&program), 0755, &err));
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(chmod(dir->path, 0755), 0);
    return path;
}

static const char *with_helper(char *script, size_t size, const char *helper, const char *format)
{
    struct str before;
    struct str after;
    assert_true(str_cut(str_from(format), '@', &before, &after));
    (void)snprintf(script, size, STR_FMT "%s" STR_FMT, STR_ARG(before), helper, STR_ARG(after));
    return script;
}

static void only_root_may_choose(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("not run: needs to be root first\n");
        skip();
    }
    AUTO(temp_dir) dir = temp_dir_new();
    const char *helper = copy_helper(&dir);
    char script[LIMIT_PATH_BYTES + 100];
    /* The helper, started as nobody, asked to become root; and to stay who it is. */
    assert_refused(
        with_helper(script, sizeof(script), helper, "exec @ user=root -- /bin/id id 3>&3"),
        (struct confine){.user = "nobody"}, "denied", "only root");
    assert_shell(with_helper(script, sizeof(script), helper, "@ user=nobody -- /usr/bin/id id -un"),
                 (struct confine){.user = "nobody"}, "nobody\n");
    assert_refused(with_helper(script, sizeof(script), helper, "exec @ files=2000 -- /bin/id id"),
                   ((struct confine){.user = "nobody", .open_files = 1000}), "denied",
                   "the agent itself may have 1000");
}

/* -- groups: a folder that looks like one -- */

static void the_group_is_joined_first(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    struct err err = {0};
    const char *procs = temp_dir_path(&dir, "cgroup.procs");
    assert_true(files_write(procs, STR(""), 0600, &err));
    struct confine confine = {.cgroup = dir.path, .user = geteuid() == 0 ? "nobody" : NULL};
    assert_shell("echo ran", confine, "ran\n");
    AUTO(buf) text = buf_growing(100);
    assert_true(files_read(procs, &text, &err));
    assert_string_equal(buf_cstr(&text), "0"); /* the kernel's word for the writer itself */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_come_back_as_they_were),
        cmocka_unit_test(nothing_is_no_word),
        cmocka_unit_test(other_words_are_refused),
        cmocka_unit_test(limits_are_those_of_the_program),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(arguments_and_descriptors_pass_through),
        cmocka_unit_test(what_cannot_be_is_said_before_the_program_runs),
        cmocka_unit_test(what_is_asked_of_nobody_fails_at_once),
        cmocka_unit_test(the_helper_by_hand_says_what_it_is),
        cmocka_unit_test(the_program_runs_as_the_user),
        cmocka_unit_test(only_root_may_choose),
        cmocka_unit_test(the_group_is_joined_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
