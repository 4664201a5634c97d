/* files.h - whole files, directories, locks. Paths are NUL-terminated and at most LIMIT_PATH_BYTES.
 */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"
#include <sys/types.h>

struct fd {
    int n;
};
void fd_release(struct fd *f); /* closes unless -1; fits AUTO(fd) */
int fd_take(struct fd *f);     /* gives up ownership */

/* Appends the whole file to `into`; ERR_FULL when the buffer's maximum is passed, ERR_NOT_FOUND
 * when it is not there. */
MUST_CHECK bool files_read(const char *path, struct buf *into, struct err *err);
/* Replaces the file so that after a power cut either the old or the new one is there (temporary,
 * fsync, rename, fsync). */
MUST_CHECK bool files_write(const char *path, struct str content, mode_t mode, struct err *err);
/* All of `content` to a descriptor that blocks. */
MUST_CHECK bool files_write_fd(int fd, struct str content, struct err *err);
/* mkdir -p; existing folders keep their mode. */
MUST_CHECK bool files_make_dirs(const char *path, mode_t mode, struct err *err);
bool files_exist(const char *path);
/* Deletes a file or a whole tree (never follows links); what is not there is not an error. */
MUST_CHECK bool files_remove_tree(const char *path, struct err *err);
/* dir + "/" + name; an absolute name replaces dir. ERR_INVALID when too long. */
MUST_CHECK bool files_join(const char *dir, struct str name, char *ret_path, size_t size,
                           struct err *err);
/* Takes an exclusive lock on the file (created 0600, pid written into it) for the life of the
 * descriptor. ERR_BUSY with the holder's pid when somebody else has it. */
MUST_CHECK bool files_lock(const char *path, struct fd *ret_lock, struct err *err);
/* The same for a daemon, whose last self may have been killed a moment ago: a child that has not
 * become its program yet has all that its parent had, the lock too, for as long as the kernel takes.
 * Until then nobody could tell whose child it is: so the lock is waited for, FILES_LOCK_WAIT_MS at
 * most. Blocks; `on_wait` is told once before that, why. */
MUST_CHECK bool files_lock_wait(const char *path, void (*on_wait)(const struct err *why),
                                struct fd *ret_lock, struct err *err);
enum { FILES_LOCK_WAIT_MS = 2000 };
