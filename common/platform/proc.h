/* proc.h - other processes, as /proc shows them. Any of them may be gone a moment later, so that
 * "not there" is a normal answer here, and what cannot be read is not there. `dir` is "/proc" but
 * in tests. */
#pragma once
#include "common/base/err.h"
#include "common/base/str.h"
#include <sys/types.h>

struct proc {
    pid_t pid;
    pid_t parent;
    pid_t group;
    int64_t started; /* in ticks since boot: number and start are an identity, a number is none */
    char state;      /* 'Z': it has ended and waits for its parent */
    bool is_kernel;  /* a thread of the kernel */
};
bool proc_read(const char *dir, pid_t pid, struct proc *ret);

/* Looks in the environment that it was started with (a program may write over it, most do not) and
 * copies the first entry that begins with `prefix` ("NAME=some"), with a NUL. UNKNOWN: it is just
 * becoming another program (for as long as a slow disk reads), or just ending; ask again. NONE also
 * where none fits. */
enum proc_variable { PROC_VARIABLE_NONE, PROC_VARIABLE_FOUND, PROC_VARIABLE_UNKNOWN };
enum proc_variable proc_find_variable(const char *dir, pid_t pid, struct str prefix,
                                      char *ret_entry, size_t size);

/* Calls back for every process until that returns false. ERR_IO when the folder cannot be read. */
MUST_CHECK bool proc_each(const char *dir, bool (*on_process)(void *ctx, pid_t pid), void *ctx,
                          struct err *err);

/* A pidfd, which the caller closes, or -1: while it is held the number is not given to another. */
int proc_hold(pid_t pid);
bool proc_send(int pidfd, int signo); /* false: it is gone, or we may not */
/* Holds this very process: not one that has its number now. -1: it is gone. */
int proc_hold_same(const char *dir, const struct proc *proc);
