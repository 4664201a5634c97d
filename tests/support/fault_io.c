/* fault_io.c - preloaded into a program (LD_PRELOAD), makes calls on one file fail: FAULT_FILE is what
 * its path ends with, FAULT_CALL one of read, write, sync, FAULT_ERRNO the number, FAULT_AFTER how many
 * such calls succeed before. From then on all of them fail, as on a disk that is full or broken. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PATH_BYTES = 1024 };

static long setting(const char *name)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody calls setenv */
    const char *text = getenv(name);
    long n = 0;
    for (; text != NULL && *text >= '0' && *text <= '9'; text++) {
        n = n * 10 + (*text - '0');
    }
    return n;
}

/* Whether this call on this descriptor is one that fails. */
static bool fails(int fd, const char *call)
{
    static long seen;
    char name[64];
    char path[PATH_BYTES];
    /* NOLINTBEGIN(concurrency-mt-unsafe): nobody calls setenv */
    const char *file = getenv("FAULT_FILE");
    const char *of = getenv("FAULT_CALL");
    /* NOLINTEND(concurrency-mt-unsafe) */
    if (file == NULL || of == NULL || strcmp(of, call) != 0) {
        return false;
    }
    (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(name, path, sizeof(path));
    size_t tail = strlen(file);
    if (len < (ssize_t)tail || memcmp(path + (size_t)len - tail, file, tail) != 0) {
        return false;
    }
    seen++;
    if (seen <= setting("FAULT_AFTER")) {
        return false;
    }
    errno = (int)setting("FAULT_ERRNO");
    return true;
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the C library's are reserved */
ssize_t write(int fd, const void *from, size_t len)
{
    return fails(fd, "write") ? -1 : syscall(SYS_write, fd, from, len);
}

ssize_t pwrite64(int fd, const void *from, size_t len, off_t at)
{
    return fails(fd, "write") ? -1 : syscall(SYS_pwrite64, fd, from, len, at);
}

ssize_t pread64(int fd, void *to, size_t len, off_t at)
{
    return fails(fd, "read") ? -1 : syscall(SYS_pread64, fd, to, len, at);
}

ssize_t read(int fd, void *to, size_t len)
{
    return fails(fd, "read") ? -1 : syscall(SYS_read, fd, to, len);
}

int fsync(int fd)
{
    return fails(fd, "sync") ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return fails(fd, "sync") ? -1 : (int)syscall(SYS_fdatasync, fd);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
