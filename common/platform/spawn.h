/* spawn.h - child processes: posix_spawn, own process group, nothing inherited but what is named.
 */
#pragma once
#include "common/platform/confine.h"
#include <sys/types.h>

/* argv and envp are NULL-terminated. A program without '/' is looked up in the PATH of `envp`.
 * Descriptors: -1 = /dev/null. `message_fd` becomes descriptor 3 of the child (-1 = none). All
 * others are closed. */
struct spawn_options {
    const char *const *argv;
    const char *const *envp;
    const char *cwd; /* NULL = ours */
    int stdin_fd;
    int stdout_fd;
    int stderr_fd;
    int message_fd;
    bool stays_in_group;    /* of ours, so that a signal to the group reaches both */
    struct confine confine; /* what is not empty needs the helper */
    const char *helper;     /* path of selvedge-exec; NULL = there is none */
};

/* On success the child leads its own group (pgid == pid), unless it stays in ours. The caller owns the pidfd. A program that
 * is missing or not executable fails here with ERR_NOT_FOUND or ERR_DENIED that names it; what the
 * helper finds out later is an error message on descriptor 3 (docs/reference/worker.md). */
MUST_CHECK bool spawn_process(const struct spawn_options *options, pid_t *ret_pid, int *ret_pidfd,
                              struct err *err);

/* What an exec of `path` that failed with `reason` means for a person. Returns false. */
bool spawn_explain(const char *path, int reason, struct err *err);

/* Sends `signo` to the whole group led by `pid`; a group that is gone is not an error,
 * and false. Signal 0 only asks. */
bool spawn_signal_group(pid_t pid, int signo);

/* "exit code 3", "killed by signal 9 (SIGKILL)": for people. */
void spawn_describe_status(int wait_status, char *text, size_t size);

/* A pipe of two O_CLOEXEC descriptors; `nonblocking_read` makes end [0] non-blocking. */
MUST_CHECK bool spawn_pipe(int ret_fds[2], bool nonblocking_read, struct err *err);

/* An anonymous file (memfd) holding `content`, positioned at its start: the child's stdin, without
 * size limit of a pipe. */
MUST_CHECK bool spawn_memory_file(const char *name, struct str content, int *ret_fd,
                                  struct err *err);
