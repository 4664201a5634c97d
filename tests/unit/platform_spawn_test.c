/* platform_spawn_test.c - common/platform/spawn.h, with real children */
#include "common/platform/files.h"
#include "common/platform/spawn.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const no_env[] = {NULL};

static struct spawn_options options_for(const char *const *argv)
{
    return (struct spawn_options){.argv = argv,
                                  .envp = no_env,
                                  .stdin_fd = -1,
                                  .stdout_fd = -1,
                                  .stderr_fd = -1,
                                  .message_fd = -1};
}

static void close_fd(int fd)
{
    assert_int_equal(close(fd), 0);
}

static void start(const struct spawn_options *options, pid_t *pid)
{
    int pidfd = -1;
    struct err err = {0};
    if (!spawn_process(options, pid, &pidfd, &err)) {
        fail_msg("%s", err.msg);
    }
    assert_true(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
    close_fd(pidfd);
}

static int status_of(pid_t pid)
{
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* All that comes until the last writer is gone. */
static void read_all(int fd, struct buf *into)
{
    for (;;) {
        char chunk[512];
        ssize_t got = read(fd, chunk, sizeof(chunk));
        assert_true(got >= 0);
        if (got == 0) {
            return;
        }
        buf_add(into, (struct str){chunk, (size_t)got});
    }
}

/* Runs a shell script; `wire` is the child's descriptor that is read: 1, 2 or 3. */
static int run_shell(struct spawn_options options, const char *script, int wire, struct buf *output)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    options.argv = argv;
    int ends[2];
    struct err err = {0};
    assert_true(spawn_pipe(ends, false, &err));
    int *target = wire == 1   ? &options.stdout_fd
                  : wire == 2 ? &options.stderr_fd
                              : &options.message_fd;
    *target = ends[1];
    pid_t pid = 0;
    start(&options, &pid);
    close_fd(ends[1]);
    read_all(ends[0], output);
    close_fd(ends[0]);
    return status_of(pid);
}

#define assert_shell(options_, script_, wire_, expected_)                                          \
    do {                                                                                           \
        AUTO(buf) output_ = buf_growing(1 << 20);                                                  \
        assert_int_equal(run_shell((options_), (script_), (wire_), &output_), 0);                  \
        assert_string_equal(buf_cstr(&output_), (expected_));                                      \
    } while (0)

static void output_comes_from_the_wired_descriptor(void **state)
{
    (void)state;
    struct spawn_options options = options_for(NULL);
    assert_shell(options, "echo out; echo err >&2", 1, "out\n");
    assert_shell(options, "echo out; echo err >&2", 2, "err\n");
    assert_shell(options, "echo out; echo message >&3", 3, "message\n");
}

static void the_rest_is_dev_null(void **state)
{
    (void)state;
    assert_shell(options_for(NULL), "readlink /proc/$$/fd/0 /proc/$$/fd/2", 1,
                 "/dev/null\n/dev/null\n");
    assert_shell(options_for(NULL), "cat; echo end", 1, "end\n");
}

static void standard_descriptors_may_be_passed_crosswise(void **state)
{
    (void)state;
    /* The child's 1 is our pipe, its 2 is our 1: a plain row of dup2 calls would mix them up. */
    char ours[256] = "";
    assert_true(readlink("/proc/self/fd/1", ours, sizeof(ours) - 1) > 0);
    struct spawn_options options = options_for(NULL);
    options.stderr_fd = 1;
    options.stdin_fd = 1;
    AUTO(buf) expected = buf_growing(1000);
    buf_addf(&expected, "%s\n%s\n", ours, ours);
    assert_shell(options, "readlink /proc/$$/fd/0 /proc/$$/fd/2", 1, buf_cstr(&expected));
}

static void a_standard_descriptor_of_ours_may_be_closed(void **state)
{
    (void)state;
    static const char *const argv[] = {"/bin/sh", "-c", "echo out", NULL};
    struct spawn_options options = options_for(argv);
    int ends[2];
    struct err err = {0};
    assert_true(spawn_pipe(ends, false, &err));
    options.stdout_fd = ends[1];
    int ours = fcntl(0, F_DUPFD_CLOEXEC, 10);
    assert_true(ours >= 10);
    close_fd(0); /* a copy of the pipe's end that lands here is overwritten by the child's stdin */
    pid_t pid = 0;
    start(&options, &pid);
    assert_int_equal(dup2(ours, 0), 0);
    close_fd(ours);
    close_fd(ends[1]);
    AUTO(buf) output = buf_growing(100);
    read_all(ends[0], &output);
    close_fd(ends[0]);
    assert_int_equal(status_of(pid), 0);
    assert_string_equal(buf_cstr(&output), "out\n");
}

static void nothing_else_is_inherited(void **state)
{
    (void)state;
    int careless = fcntl(0, F_DUPFD, 50); /* without O_CLOEXEC, as a library might leave it */
    assert_true(careless >= 50);
    assert_shell(options_for(NULL),
                 "for n in /proc/$$/fd/*; do test ! -e $n || echo ${n##*/}; done", 1, "0\n1\n2\n");
    close_fd(careless);
    static const char *const env[] = {"A=1", "PATH=/usr/bin:/bin", NULL};
    struct spawn_options options = options_for(NULL);
    options.envp = env;
    assert_shell(options, "tr '\\0' ' ' </proc/$$/environ", 1, "A=1 PATH=/usr/bin:/bin ");
}

static void signals_start_fresh(void **state)
{
    (void)state;
    sigset_t blocked;
    sigset_t before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigaddset(&blocked, SIGTERM);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &blocked, &before), 0);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction old;
    assert_int_equal(sigaction(SIGPIPE, &ignore, &old), 0);
    /* Signals 1 to 31; what glibc does with its own 32 and 33 is its affair. */
    assert_shell(options_for(NULL),
                 "while read key value; do case $key in SigBlk:|SigIgn:) "
                 "echo $((0x$value & 0x7fffffff));; esac; done </proc/self/status",
                 1, "0\n0\n");
    assert_int_equal(sigaction(SIGPIPE, &old, NULL), 0);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
}

static void the_folder_is_chosen(void **state)
{
    (void)state;
    struct spawn_options options = options_for(NULL);
    options.cwd = "/usr";
    assert_shell(options, "pwd", 1, "/usr\n");
}

/* -- groups -- */

/* A shell whose own child holds the pipe's end: the end of file says that both are gone. */
static pid_t start_family(const char *script, int *ret_read_end)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    struct spawn_options options = options_for(argv);
    int ends[2];
    struct err err = {0};
    assert_true(spawn_pipe(ends, false, &err));
    options.stdout_fd = ends[1];
    pid_t pid = 0;
    start(&options, &pid);
    close_fd(ends[1]);
    char ready[6];
    assert_int_equal(read(ends[0], ready, sizeof(ready)), 6);
    assert_memory_equal(ready, "ready\n", 6);
    *ret_read_end = ends[0];
    return pid;
}

static bool is_closed_within(int read_end, int ms)
{
    struct pollfd wait = {.fd = read_end, .events = POLLIN};
    return poll(&wait, 1, ms) == 1 && (wait.revents & POLLHUP) != 0;
}

static void the_child_leads_its_own_group(void **state)
{
    (void)state;
    int read_end = -1;
    pid_t pid = start_family("sleep 1000 & echo ready; wait", &read_end);
    assert_int_equal(getpgid(pid), pid);
    spawn_signal_group(pid, SIGTERM);
    assert_true(is_closed_within(read_end, 10000)); /* the grandchild got it too */
    close_fd(read_end);
    int status = status_of(pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
    spawn_signal_group(pid, SIGTERM); /* a group that is gone is no error */
}

static void kill_ends_a_family_that_ignores_term(void **state)
{
    (void)state;
    int read_end = -1;
    pid_t pid = start_family("trap '' TERM; sleep 1000 & echo ready; wait", &read_end);
    spawn_signal_group(pid, SIGTERM);
    assert_false(is_closed_within(read_end, 50));
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
    spawn_signal_group(pid, SIGKILL);
    assert_true(is_closed_within(read_end, 10000));
    close_fd(read_end);
    assert_int_equal(WTERMSIG(status_of(pid)), SIGKILL);
}

/* -- what cannot be started -- */

static void assert_refused(struct spawn_options options, enum err_code code, const char *part)
{
    pid_t pid = 42;
    int pidfd = 42;
    struct err err = {0};
    assert_false(spawn_process(&options, &pid, &pidfd, &err));
    assert_int_equal(err.code, code);
    if (strstr(err.msg, part) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", part, err.msg);
    }
    assert_int_equal(pid, 42);
    assert_int_equal(pidfd, 42);
}

static void write_script(const char *path, const char *text, mode_t mode)
{
    struct err err = {0};
    assert_true(files_write(path, str_from(text), mode, &err));
}

static void a_program_that_is_missing_is_named(void **state)
{
    (void)state;
    static const char *const by_name[] = {"no-such-program", NULL};
    assert_refused(options_for(by_name), ERR_NOT_FOUND, "no-such-program");
    static const char *const by_path[] = {"/no/such/program", NULL};
    assert_refused(options_for(by_path), ERR_NOT_FOUND, "/no/such/program");
    static const char *const empty[] = {"", NULL};
    assert_refused(options_for(empty), ERR_INVALID, "empty");
    static const char *const shell[] = {"/bin/sh", "-c", "exit 0", NULL};
    struct spawn_options options = options_for(shell);
    options.cwd = "/no/such/folder";
    assert_refused(options, ERR_NOT_FOUND, "/no/such/folder");
    options = options_for(shell);
    options.stdin_fd = 1000000;
    assert_refused(options, ERR_IO, "descriptor 1000000");
}

static void a_file_that_is_no_program_is_named(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    const char *path = temp_dir_path(&dir, "script");
    const char *const argv[] = {path, NULL};
    write_script(path, "#!/bin/sh\nexit 0\n", 0600);
    assert_refused(options_for(argv), ERR_DENIED, path);
    write_script(path, "exit 0\n", 0700);
    assert_refused(options_for(argv), ERR_DENIED, path);
    write_script(path, "#!/no/such/interpreter\n", 0700);
    assert_refused(options_for(argv), ERR_NOT_FOUND, "interpreter");
    const char *const folder[] = {dir.path, NULL};
    assert_refused(options_for(folder), ERR_DENIED, dir.path);
}

static void the_path_of_the_given_environment_counts(void **state)
{
    (void)state;
    AUTO(temp_dir) dir = temp_dir_new();
    struct err err = {0};
    write_script(temp_dir_path(&dir, "tool"), "#!/bin/sh\nexit 5\n", 0700);
    assert_true(files_make_dirs(temp_dir_path(&dir, "first/tool"), 0700, &err)); /* not a file */
    char path[400];
    struct buf text = buf_fixed(path, sizeof(path));
    buf_addf(&text, "PATH=:relative:%s/first:/no/such:%s", dir.path, dir.path);
    const char *const env[] = {"X=PATH=/", buf_cstr(&text), NULL};
    static const char *const argv[] = {"tool", NULL};
    struct spawn_options options = options_for(argv);
    assert_refused(options, ERR_NOT_FOUND, "tool");
    options.envp = env;
    pid_t pid = 0;
    start(&options, &pid);
    assert_int_equal(WEXITSTATUS(status_of(pid)), 5);

    static const char *const empty_path[] = {"PATH=", NULL};
    options.envp = empty_path;
    assert_refused(options, ERR_NOT_FOUND, "tool");
    static const char *const shell[] = {"sh", "-c", "exit 6", NULL};
    options = options_for(shell); /* without PATH, the usual folders */
    start(&options, &pid);
    assert_int_equal(WEXITSTATUS(status_of(pid)), 6);
}

/* -- the small parts -- */

static void statuses_are_described(void **state)
{
    (void)state;
    char text[64];
    spawn_describe_status(3 << 8, text, sizeof(text));
    assert_string_equal(text, "exit code 3");
    spawn_describe_status(SIGKILL, text, sizeof(text));
    assert_string_equal(text, "killed by signal 9 (SIGKILL)");
    spawn_describe_status(SIGSEGV | 0x80, text, sizeof(text));
    assert_string_equal(text, "killed by signal 11 (SIGSEGV)");
}

static void pipes_are_as_asked(void **state)
{
    (void)state;
    struct err err = {0};
    for (int i = 0; i < 2; i++) {
        int ends[2];
        assert_true(spawn_pipe(ends, i == 1, &err));
        assert_true(fcntl(ends[0], F_GETFD) & FD_CLOEXEC);
        assert_true(fcntl(ends[1], F_GETFD) & FD_CLOEXEC);
        assert_int_equal((fcntl(ends[0], F_GETFL) & O_NONBLOCK) != 0, i == 1);
        assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
        close_fd(ends[0]);
        close_fd(ends[1]);
    }
}

static void a_memory_file_feeds_stdin_and_is_sealed(void **state)
{
    (void)state;
    AUTO(buf) content = buf_growing(1 << 20);
    for (int i = 0; i < 30000; i++) { /* more than a pipe holds */
        buf_addf(&content, "line %06d\n", i);
    }
    struct err err = {0};
    int file = -1;
    assert_true(spawn_memory_file("state", buf_str(&content), &file, &err));
    assert_true(fcntl(file, F_GETFD) & FD_CLOEXEC);
    struct spawn_options options = options_for(NULL);
    options.stdin_fd = file;
    AUTO(buf) output = buf_growing(1 << 20);
    assert_int_equal(run_shell(options, "cat", 1, &output), 0);
    assert_true(str_eq(buf_str(&output), buf_str(&content)));
    assert_int_equal(write(file, "x", 1), -1);
    assert_int_equal(errno, EPERM);
    close_fd(file);
    assert_true(spawn_memory_file("empty", STR_NONE, &file, &err));
    close_fd(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_comes_from_the_wired_descriptor),
        cmocka_unit_test(the_rest_is_dev_null),
        cmocka_unit_test(standard_descriptors_may_be_passed_crosswise),
        cmocka_unit_test(a_standard_descriptor_of_ours_may_be_closed),
        cmocka_unit_test(nothing_else_is_inherited),
        cmocka_unit_test(signals_start_fresh),
        cmocka_unit_test(the_folder_is_chosen),
        cmocka_unit_test(the_child_leads_its_own_group),
        cmocka_unit_test(kill_ends_a_family_that_ignores_term),
        cmocka_unit_test(a_program_that_is_missing_is_named),
        cmocka_unit_test(a_file_that_is_no_program_is_named),
        cmocka_unit_test(the_path_of_the_given_environment_counts),
        cmocka_unit_test(statuses_are_described),
        cmocka_unit_test(pipes_are_as_asked),
        cmocka_unit_test(a_memory_file_feeds_stdin_and_is_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
