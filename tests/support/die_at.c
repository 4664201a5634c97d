/* die_at.c - preloaded into a program (LD_PRELOAD), kills it before one of its changes of files below
 * the folder DIE_FOLDER: a write, sync, truncation, new name or new file. Counted from when there is a
 * file DIE_FOLDER/armed, whose text is how many changes still succeed. Programs that it starts are
 * left alone: only DIE_PROGRAM dies. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, TEXT_BYTES = 16 };

static const char *folder(void)
{
    return getenv("DIE_FOLDER"); /* NOLINT(concurrency-mt-unsafe): nobody calls setenv */
}

/* How many changes succeed, or -1 when it is not armed. */
static long left_at_first(void)
{
    char path[PATH_BYTES];
    char text[TEXT_BYTES] = "";
    (void)snprintf(path, sizeof(path), "%s/armed", folder());
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    long n = syscall(SYS_read, fd, text, sizeof(text) - 1);
    (void)syscall(SYS_close, fd);
    long value = n > 0 ? 0 : -1;
    for (long i = 0; i < n && text[i] >= '0' && text[i] <= '9'; i++) {
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static void change(const char *path)
{
    static long left = -1;
    const char *program = getenv("DIE_PROGRAM"); /* NOLINT(concurrency-mt-unsafe) */
    size_t len = folder() == NULL ? 0 : strlen(folder());
    if (len == 0 || strncmp(path, folder(), len) != 0 || program == NULL ||
        strcmp(program, program_invocation_short_name) != 0) {
        return;
    }
    left = left < 0 ? left_at_first() : left;
    if (left == 0) {
        (void)kill(getpid(), SIGKILL);
    }
    left -= left > 0;
}

static void change_fd(int fd)
{
    char name[64];
    char path[PATH_BYTES];
    (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(name, path, sizeof(path) - 1);
    if (len > 0) {
        path[len] = '\0';
        change(path);
    }
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the C library's are reserved */
ssize_t write(int fd, const void *from, size_t len)
{
    change_fd(fd);
    return syscall(SYS_write, fd, from, len);
}

ssize_t pwrite64(int fd, const void *from, size_t len, off_t at)
{
    change_fd(fd);
    return syscall(SYS_pwrite64, fd, from, len, at);
}

int fsync(int fd)
{
    change_fd(fd);
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    change_fd(fd);
    return (int)syscall(SYS_fdatasync, fd);
}

int rename(const char *from, const char *to)
{
    change(from);
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path)
{
    change(path);
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int mkdir(const char *path, mode_t mode)
{
    change(path);
    return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if ((flags & O_CREAT) != 0) {
        va_list args;
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
        change(path);
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
