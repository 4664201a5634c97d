#include "common/platform/proc.h"

#include "common/base/compiler.h"
#include "common/base/limits.h"
#include "common/platform/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    STAT_BYTES = 1024,   /* one line: the name has at most 64 bytes, then 50 numbers */
    CHUNK_BYTES = 16384, /* of an environment, which may be megabytes */
    FIELD_STARTED = 19,  /* from the state on, which is 0 */
    FIELD_FLAGS = 6,
    FLAG_KERNEL = 0x200000, /* PF_KTHREAD of linux/sched.h: a thread of the kernel */
};

static int open_file(const char *dir, pid_t pid, const char *name)
{
    char path[LIMIT_PATH_BYTES + 1];
    int len = snprintf(path, sizeof(path), "%s/%d/%s", dir, (int)pid, name);
    return len < (int)sizeof(path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
}

/* "123 (na) me) S 1 123 ...": the name may hold anything, a bracket too. */
static bool parse_stat(struct str line, struct proc *ret)
{
    struct str head = STR_NONE;
    struct str rest = STR_NONE;
    if (!str_cut_last(line, ')', &head, &rest) || rest.len < 2) {
        return false;
    }
    rest = str_slice(rest, 1, rest.len);
    int64_t numbers[FIELD_STARTED + 1] = {0};
    char state = rest.ptr[0];
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        struct str field = STR_NONE;
        (void)str_cut(rest, ' ', &field, &rest);
        if (i > 0 && !str_to_i64(field, INT64_MIN, INT64_MAX, &numbers[i])) {
            return false;
        }
    }
    ret->state = state;
    ret->parent = (pid_t)numbers[1];
    ret->group = (pid_t)numbers[2];
    ret->started = numbers[FIELD_STARTED];
    ret->is_kernel = (numbers[FIELD_FLAGS] & FLAG_KERNEL) != 0;
    return true;
}

bool proc_read(const char *dir, pid_t pid, struct proc *ret)
{
    AUTO(fd) file = {open_file(dir, pid, "stat")};
    char line[STAT_BYTES];
    ssize_t len = file.n < 0 ? -1 : read(file.n, line, sizeof(line));
    struct proc found = {.pid = pid};
    if (len <= 0 || !parse_stat((struct str){line, (size_t)len}, &found)) {
        return false;
    }
    *ret = found;
    return true;
}

/* Looks for an entry in a text that comes in pieces. */
struct finder {
    struct str prefix;
    char *entry;
    size_t size;
    size_t len;    /* of the present entry, as far as it is kept */
    bool is_other; /* the present entry is not it */
};

/* True when the entry is complete. */
static bool feed(struct finder *f, char c)
{
    if (c == '\0') {
        bool is_whole = !f->is_other && f->len >= f->prefix.len;
        f->entry[is_whole ? f->len : 0] = '\0';
        f->len = 0;
        f->is_other = false;
        return is_whole;
    }
    if (f->is_other || f->len + 1 >= f->size ||
        (f->len < f->prefix.len && f->prefix.ptr[f->len] != c)) {
        f->is_other = true;
        return false;
    }
    f->entry[f->len++] = c;
    return false;
}

/* Both are empty until the kernel has laid out the program that it becomes, and again while it ends
 * and still holds its files. Who was started without any variable still has arguments. */
static bool is_between(const char *dir, pid_t pid)
{
    AUTO(fd) file = {open_file(dir, pid, "cmdline")};
    char first = 0;
    struct proc proc;
    return file.n >= 0 && read(file.n, &first, 1) == 0 && proc_read(dir, pid, &proc) &&
           proc.state != 'Z' && !proc.is_kernel;
}

/* *ret_is_empty: it has no memory, or nothing in it; false also where nothing may be read. */
static bool search_environment(const char *dir, pid_t pid, struct finder *finder,
                               bool *ret_is_empty)
{
    AUTO(fd) file = {open_file(dir, pid, "environ")};
    char chunk[CHUNK_BYTES];
    ssize_t len = 0;
    int64_t total = 0;
    while (file.n >= 0 && (len = read(file.n, chunk, sizeof(chunk))) > 0) {
        total += len;
        for (ssize_t i = 0; i < len; i++) {
            if (feed(finder, chunk[i])) {
                *ret_is_empty = false;
                return true;
            }
        }
    }
    *ret_is_empty = file.n < 0 ? errno == ESRCH : len == 0 && total == 0; /* of newer kernels */
    return file.n >= 0 && feed(finder, '\0'); /* the last NUL may have been written over */
}

enum proc_variable proc_find_variable(const char *dir, pid_t pid, struct str prefix,
                                      char *ret_entry, size_t size)
{
    /* Twice: its program may come between the looks at its environment and at its arguments. */
    for (int looks = 0; looks < 2; looks++) {
        struct finder finder = {.prefix = prefix, .entry = ret_entry, .size = size};
        bool is_empty = false;
        if (search_environment(dir, pid, &finder, &is_empty)) {
            return PROC_VARIABLE_FOUND;
        }
        if (!is_empty) {
            return PROC_VARIABLE_NONE;
        }
        if (is_between(dir, pid)) {
            return PROC_VARIABLE_UNKNOWN;
        }
    }
    return PROC_VARIABLE_NONE;
}

bool proc_each(const char *dir, bool (*on_process)(void *ctx, pid_t pid), void *ctx,
               struct err *err)
{
    DIR *stream = opendir(dir);
    if (stream == NULL) {
        return err_errno(err, errno, "list processes in %s", dir);
    }
    bool goes_on = true;
    while (goes_on) {
        errno = 0;
        const struct dirent *entry = readdir(stream); /* NOLINT(concurrency-mt-unsafe): ours */
        int64_t pid = 0;
        if (entry == NULL) {
            break;
        }
        if (str_to_i64(str_from(entry->d_name), 1, INT32_MAX, &pid)) {
            goes_on = on_process(ctx, (pid_t)pid);
        }
    }
    int reason = goes_on ? errno : 0;
    (void)closedir(stream);
    return reason == 0 || err_errno(err, reason, "list processes in %s", dir);
}

int proc_hold(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

bool proc_send(int pidfd, int signo)
{
    return syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) == 0;
}

int proc_hold_same(const char *dir, const struct proc *proc)
{
    AUTO(fd) file = {proc_hold(proc->pid)};
    struct proc now = {0};
    bool is_same = file.n >= 0 && proc_read(dir, proc->pid, &now) && now.started == proc->started;
    return is_same ? fd_take(&file) : -1;
}
