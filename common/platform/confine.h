/* confine.h - what a child is held to before its program begins: a user, limits of the kernel, a
 * control group.
 *
 * DESIGN: posix_spawn() can set none of them, and between fork() and exec() in our own process
 * hardly anything is safe to call. So spawn_process() starts the small program selvedge-exec, which
 * reads one word for each thing that is asked for, applies them to itself and becomes the wanted
 * program. Here are both ends of that. A child that is held to nothing is started without it. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include <sys/types.h>

/* All zero: as we are. */
struct confine {
    const char *user;   /* by name; NULL = ours */
    const char *cgroup; /* folder of a control group (v2) to move into; NULL = ours */
    int64_t
        memory_bytes;   /* of each process: RLIMIT_DATA, its writable private memory. Address space
                             that is only reserved, as Go and Java do, does not count */
    int64_t cpu_ns;     /* of each process: RLIMIT_CPU, rounded up to seconds */
    int64_t file_bytes; /* RLIMIT_FSIZE */
    int64_t open_files; /* RLIMIT_NOFILE */
    int64_t processes;  /* RLIMIT_NPROC: of the user; root is not held to it */
    int64_t nice;       /* added to ours: 0..19 */
};
bool confine_is_empty(const struct confine *c);

/* Appends a word for each thing that is set, each with a NUL behind it, and returns how many. */
size_t confine_write(const struct confine *c, struct buf *words);
/* The other end. What is read borrows from `word`. */
MUST_CHECK bool confine_read(struct confine *c, const char *word, struct err *err);
/* Applies it to this process, in the order group, limits, user. What was done before a failure
 * stays done: the caller ends. */
MUST_CHECK bool confine_apply(const struct confine *c, struct err *err);

/* ERR_NOT_FOUND: there is no such user. */
MUST_CHECK bool confine_find_user(const char *name, uid_t *ret_user, gid_t *ret_group,
                                  struct err *err);

/* `envp` with HOME, USER and LOGNAME of the user where it does not set them, in `arena`:
 * NULL-terminated. */
MUST_CHECK bool confine_environment(const struct confine *c, const char *const *envp,
                                    struct arena *arena, const char *const **ret_envp,
                                    struct err *err);
