#include "common/platform/spawn.h"

#include "common/base/limits.h"
#include "common/platform/files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHILD_FDS = 4, /* 0, 1, 2 and the message descriptor 3 */
    WORDS_BYTES_MAX = 2 * LIMIT_PATH_BYTES,
    ARGS_ADDED_MAX = 64, /* words, what stands around them, and what the arena needs for itself */
};

/* -- finding the program -- */

static struct str path_of(const char *const *envp)
{
    for (size_t i = 0; envp[i] != NULL; i++) {
        struct str name;
        struct str value;
        if (str_cut(str_from(envp[i]), '=', &name, &value) && str_eq(name, STR("PATH"))) {
            return value;
        }
    }
    return STR("/usr/local/bin:/usr/bin:/bin");
}

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static bool find_program(const struct spawn_options *options, char *ret_path, size_t size,
                         struct err *err)
{
    struct str name = str_from(options->argv[0]);
    if (name.len == 0) {
        return err_set(err, ERR_INVALID, "start program: its name is empty");
    }
    if (str_contains(name, STR("/"))) {
        return files_join("", name, ret_path, size, err);
    }
    struct str rest = path_of(options->envp);
    while (rest.len > 0) {
        struct str item;
        (void)str_cut(rest, ':', &item, &rest);
        /* Only absolute folders: what runs must not depend on where we stand. */
        char folder[LIMIT_PATH_BYTES + 1];
        struct err ignored = {0};
        if (str_starts(item, STR("/")) && files_join("", item, folder, sizeof(folder), &ignored) &&
            files_join(folder, name, ret_path, size, &ignored) && is_program(ret_path)) {
            return true;
        }
    }
    err_set(err, ERR_NOT_FOUND, "start " STR_FMT ": not found in PATH", STR_ARG(name));
    return err_hint(err, "install it, or give its full path");
}

/* One errno stands for the folder, the program and its interpreter. */
bool spawn_explain(const char *path, int reason, struct err *err)
{
    if (reason == ENOEXEC) {
        err_set(err, ERR_DENIED, "start %s: not a program of this machine", path);
        return err_hint(err, "a script needs a first line like #!/bin/sh");
    }
    if (reason == ENOENT && path[0] == '/' && access(path, F_OK) == 0) {
        return err_set(err, ERR_NOT_FOUND, "start %s: its interpreter is missing", path);
    }
    return err_errno(err, reason, "start %s", path);
}

static bool explain(const struct spawn_options *options, const char *path, int reason,
                    struct err *err)
{
    struct stat st;
    if (options->cwd != NULL && (stat(options->cwd, &st) != 0 || !S_ISDIR(st.st_mode))) {
        return err_set(err, ERR_NOT_FOUND, "start %s: there is no folder %s", options->argv[0],
                       options->cwd);
    }
    return spawn_explain(path, reason, err);
}

/* -- the helper -- */

/* What is given to the kernel: the program itself, or selvedge-exec with the program behind it. */
struct command {
    const char *path;
    const char *const *argv;
    struct arena arena; /* of an argv that was made */
};

static void command_release(struct command *command)
{
    arena_release(&command->arena);
}

/* selvedge-exec WORD... -- PATH ARGV0 ARG... */
static bool put_helper_before(struct command *command, const struct spawn_options *options,
                              struct err *err)
{
    if (options->helper == NULL) {
        return err_set(err, ERR_INVALID, "start %s: limits and users need selvedge-exec",
                       options->argv[0]);
    }
    AUTO(buf) words = buf_growing(WORDS_BYTES_MAX);
    size_t word_count = confine_write(&options->confine, &words);
    size_t args = 0;
    while (options->argv[args] != NULL) {
        args++;
    }
    command->arena = arena_new(WORDS_BYTES_MAX + (args + ARGS_ADDED_MAX) * sizeof(char *));
    const char **argv = arena_array(&command->arena, args + word_count + 4, sizeof(*argv));
    const char *word = arena_copy(&command->arena, buf_str(&words)).ptr;
    if (argv == NULL || words.overflow || word == NULL) {
        return err_set(err, ERR_NO_MEMORY, "start %s: out of memory", options->argv[0]);
    }
    size_t count = 0;
    argv[count++] = options->helper;
    for (size_t i = 0; i < word_count; i++) {
        argv[count++] = word;
        word += strlen(word) + 1;
    }
    argv[count++] = "--";
    argv[count++] = command->path;
    memcpy(argv + count, options->argv, args * sizeof(*argv));
    command->argv = argv;
    command->path = options->helper;
    return true;
}

/* -- descriptors -- */

/* Copies out of the way of 0..3, so that the child's dup2 calls cannot overwrite one another's
 * source. */
static bool lift_fds(const int wanted[CHILD_FDS], struct fd ret_lifted[CHILD_FDS], struct err *err)
{
    for (int i = 0; i < CHILD_FDS; i++) {
        if (wanted[i] < 0) {
            continue;
        }
        ret_lifted[i].n = fcntl(wanted[i], F_DUPFD_CLOEXEC, CHILD_FDS);
        if (ret_lifted[i].n < 0) {
            return err_errno(err, errno, "pass descriptor %d", wanted[i]);
        }
    }
    return true;
}

/* Each call returns 0 or the reason: ENOMEM, mostly. */
static int plan_fds(posix_spawn_file_actions_t *actions, const struct fd lifted[CHILD_FDS])
{
    int result = 0;
    int next = CHILD_FDS - 1;
    for (int i = 0; i < CHILD_FDS && result == 0; i++) {
        if (lifted[i].n >= 0) {
            result = posix_spawn_file_actions_adddup2(actions, lifted[i].n, i);
            next = i == CHILD_FDS - 1 ? CHILD_FDS : next;
        } else if (i < 3) {
            result = posix_spawn_file_actions_addopen(actions, i, "/dev/null",
                                                      i == 0 ? O_RDONLY : O_WRONLY, 0);
        }
    }
    /* Ours are O_CLOEXEC from birth; a library's may not be. */
    return result != 0 ? result : posix_spawn_file_actions_addclosefrom_np(actions, next);
}

static int plan_attributes(posix_spawnattr_t *attributes, bool stays_in_group)
{
    short group = stays_in_group ? 0 : POSIX_SPAWN_SETPGROUP;
    sigset_t none;
    sigset_t all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int result = posix_spawnattr_setflags(
        attributes, (short)(group | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
    result = result != 0 ? result : posix_spawnattr_setpgroup(attributes, 0);
    result = result != 0 ? result : posix_spawnattr_setsigmask(attributes, &none);
    return result != 0 ? result : posix_spawnattr_setsigdefault(attributes, &all);
}

/* argv and envp are read only; posix_spawn's type is older than const. */
static char *const *mutable(const char *const *strings)
{
    union {
        const char *const *from;
        char *const *to;
    } view = {.from = strings};
    return view.to;
}

static int start(const struct spawn_options *options, const struct command *command,
                 const struct fd lifted[CHILD_FDS], pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    int result = posix_spawn_file_actions_init(&actions);
    if (result != 0) {
        return result;
    }
    posix_spawnattr_t attributes;
    result = posix_spawnattr_init(&attributes);
    if (result != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return result;
    }
    result = plan_fds(&actions, lifted);
    if (result == 0 && options->cwd != NULL) {
        result = posix_spawn_file_actions_addchdir_np(&actions, options->cwd);
    }
    result = result != 0 ? result : plan_attributes(&attributes, options->stays_in_group);
    if (result == 0) {
        result = posix_spawn(ret_pid, command->path, &actions, &attributes, mutable(command->argv),
                             mutable(options->envp));
    }
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return result;
}

static bool start_with_fds(const struct spawn_options *options, const struct command *command,
                           pid_t *ret_pid, struct err *err)
{
    const int wanted[CHILD_FDS] = {options->stdin_fd, options->stdout_fd, options->stderr_fd,
                                   options->message_fd};
    struct fd lifted[CHILD_FDS] = {{-1}, {-1}, {-1}, {-1}};
    bool is_lifted = lift_fds(wanted, lifted, err);
    int result = is_lifted ? start(options, command, lifted, ret_pid) : 0;
    for (size_t i = 0; i < CHILD_FDS; i++) {
        fd_release(&lifted[i]);
    }
    if (!is_lifted) {
        return err_wrap(err, "start %s", options->argv[0]);
    }
    return result == 0 || explain(options, command->path, result, err);
}

bool spawn_process(const struct spawn_options *options, pid_t *ret_pid, int *ret_pidfd,
                   struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    if (!find_program(options, path, sizeof(path), err)) {
        return false;
    }
    AUTO(command) command = {.path = path, .argv = options->argv};
    pid_t pid = 0;
    if ((!confine_is_empty(&options->confine) && !put_helper_before(&command, options, err)) ||
        !start_with_fds(options, &command, &pid, err)) {
        return false;
    }
    /* The child cannot be reaped by anyone else, so its number is still its own here. */
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        int reason = errno;
        (void)spawn_signal_group(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return err_errno(err, reason, "watch %s", options->argv[0]);
    }
    *ret_pid = pid;
    *ret_pidfd = pidfd;
    return true;
}

bool spawn_signal_group(pid_t pid, int signo)
{
    assert(pid > 1); /* -1 and 0 would mean everybody and ourselves */
    return kill(-pid, signo) == 0;
}

void spawn_describe_status(int wait_status, char *text, size_t size)
{
    if (WIFSIGNALED(wait_status)) {
        const char *name = sigabbrev_np(WTERMSIG(wait_status));
        (void)snprintf(text, size, "killed by signal %d (SIG%s)", WTERMSIG(wait_status),
                       name == NULL ? "?" : name);
        return;
    }
    (void)snprintf(text, size, "exit code %d", WEXITSTATUS(wait_status));
}

bool spawn_pipe(int ret_fds[2], bool nonblocking_read, struct err *err)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return err_errno(err, errno, "open a pipe");
    }
    if (nonblocking_read && fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0) {
        int reason = errno;
        (void)close(fds[0]);
        (void)close(fds[1]);
        return err_errno(err, reason, "open a pipe");
    }
    ret_fds[0] = fds[0];
    ret_fds[1] = fds[1];
    return true;
}

bool spawn_memory_file(const char *name, struct str content, int *ret_fd, struct err *err)
{
    AUTO(fd) file = {memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (file.n < 0) {
        return err_errno(err, errno, "make memory file %s", name);
    }
    while (content.len > 0) {
        ssize_t done = write(file.n, content.ptr, content.len);
        if (done < 0 && errno != EINTR) {
            return err_errno(err, errno, "write memory file %s", name);
        }
        content = str_slice(content, done < 0 ? 0 : (size_t)done, content.len);
    }
    /* Sealed: a child that wrote to its stdin could otherwise take any amount of our memory. */
    if (fcntl(file.n, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0 ||
        lseek(file.n, 0, SEEK_SET) != 0) {
        return err_errno(err, errno, "prepare memory file %s", name);
    }
    *ret_fd = fd_take(&file);
    return true;
}
