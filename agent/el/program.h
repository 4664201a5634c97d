/* program.h - a Singer program that we start: a child in our process group, which our end takes
 * with it, whose files are in memory. */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/json/fields.h"
#include <sys/types.h>

struct program {
    pid_t pid; /* 0 = none */
    int pidfd;
    int in;                   /* to its standard input; -1 = it has none */
    int out;                  /* from its standard output */
    int log;                  /* from its standard error; -1: it writes to ours */
    struct tap_log *listener; /* takes what comes from `log` while its end is waited for */
};
struct program_options {
    const struct str_list *command;
    struct str dir;               /* it runs in; empty = ours */
    const char *const *arguments; /* more of them, NULL at the end */
    const char *const *envp;      /* "NAME=value", NULL at the end; NULL = ours */
    bool has_input;               /* by a pipe: program.in */
    int input_fd;                 /* else this one, which stays the caller's; 0 = nothing to read */
    bool has_log; /* its standard error comes to us; whoever starts it sets `listener` */
};
struct tap_log;
/* The name in front of errors is the command's first word. */
MUST_CHECK bool program_start(struct program *ret, const struct program_options *options,
                              struct arena *arena, struct err *err);
/* Waits for its end; an exit code other than 0 or a signal is ERR_FAILED and says so. */
MUST_CHECK bool program_wait(struct program *p, struct err *err);
/* Ends it, if it is still there, and closes everything. */
void program_release(struct program *p); /* fits AUTO(program) */

/* A file in memory that programs which we start can open by the path in `arena`, read-only content:
 * configurations have secrets in them, which reach no disk. The caller closes the descriptor after
 * the program has ended. */
MUST_CHECK bool program_file(struct str content, struct arena *arena, int *ret_fd,
                             const char **ret_path, struct err *err);
