#include "tests/support/power_files.h"

#include "tests/support/power_disk.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { DESCRIPTORS_MAX = 1024, PATH_BYTES = 512, INODES_MAX = 1 << 16 };

/* What a descriptor stands for: neither a file nor the folder when it is none of ours. */
struct open_file {
    struct power_inode *inode;
    bool is_folder;
};

static struct {
    const char *folder; /* NULL: everything passes as it is */
    struct power_disk disk;
    struct open_file files[DESCRIPTORS_MAX];
    /* Each real file has a second name beside the folder, so that it keeps its inode number when a cut
     * brings an earlier name back. */
    const struct power_inode *inodes[INODES_MAX];
    size_t inodes_count;
    struct seeded_rng rng;
    int count;
    int nth; /* -1 = not armed */
    enum power_effect effect;
    bool has_fired;
    bool is_dead;
} state = {.nth = -1};

/* The names are the linker's. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */
int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
ssize_t __real_write(int fd, const void *from, size_t len);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_ftruncate(int fd, off_t len);
int __real_rename(const char *from, const char *to);
int __real_unlink(const char *path);
int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
ssize_t __wrap_write(int fd, const void *from, size_t len);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_ftruncate(int fd, off_t len);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlink(const char *path);

static bool is_ours(const char *path)
{
    size_t len = state.folder == NULL ? 0 : strlen(state.folder);
    return len > 0 && strncmp(path, state.folder, len) == 0 && path[len] == '/';
}

static struct open_file *file_of(int fd)
{
    return state.folder != NULL && fd >= 0 && fd < DESCRIPTORS_MAX ? &state.files[fd] : NULL;
}

static void second_name(size_t number, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%s.%zu", state.folder, number);
}

static void keep_inode(const char *path, const struct power_inode *inode)
{
    char name[PATH_BYTES];
    assert(state.inodes_count < INODES_MAX);
    second_name(state.inodes_count, name, sizeof(name));
    state.inodes[state.inodes_count++] = inode;
    int rc = link(path, name);
    assert(rc == 0);
}

/* What becomes of a change: 0, or the errno that it fails with. */
static int next_change(void)
{
    if (state.is_dead) {
        return EIO;
    }
    bool fires = !state.has_fired && state.count == state.nth;
    state.count++;
    if (!fires) {
        return 0;
    }
    state.has_fired = true;
    state.is_dead = state.effect == POWER_CUT;
    return state.effect == POWER_FULL ? ENOSPC : EIO;
}

static int failed(int reason)
{
    errno = reason;
    return -1;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the checker does not know va_start here */
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    bool is_folder = state.folder != NULL && strcmp(path, state.folder) == 0;
    if (!is_folder && !is_ours(path)) {
        return __real_open(path, flags, mode);
    }
    struct power_inode *inode = power_disk_find(&state.disk, path);
    bool is_new = !is_folder && inode == NULL && (flags & O_CREAT) != 0;
    bool is_change = is_new || (flags & O_TRUNC) != 0;
    int reason = is_change ? next_change() : 0;
    if (reason != 0) {
        return failed(reason);
    }
    int fd = __real_open(path, flags, mode);
    if (fd < 0) {
        return fd;
    }
    assert(fd < DESCRIPTORS_MAX);
    if (is_new) {
        inode = power_disk_create(&state.disk, path);
        keep_inode(path, inode);
    } else if (is_change) {
        power_inode_truncate(inode, 0);
    }
    state.files[fd] = (struct open_file){.inode = inode, .is_folder = is_folder};
    return fd;
}

int __wrap_close(int fd)
{
    struct open_file *f = file_of(fd);
    if (f != NULL) {
        *f = (struct open_file){0};
    }
    return __real_close(fd);
}

ssize_t __wrap_write(int fd, const void *from, size_t len)
{
    struct open_file *f = file_of(fd);
    if (f == NULL || f->inode == NULL) {
        return __real_write(fd, from, len);
    }
    bool was_dead = state.is_dead;
    int reason = next_change();
    off_t at = lseek(fd, 0, SEEK_CUR);
    assert(at >= 0);
    if (reason == 0 ||
        (state.is_dead && !was_dead)) { /* a write that is cut may be there in part */
        power_inode_write(f->inode, (size_t)at, from, len);
    }
    if (reason != 0) {
        return failed(reason);
    }
    ssize_t done = __real_write(fd, from, len);
    assert(done == (ssize_t)len);
    return done;
}

static int sync_file(int fd, int (*real)(int fd))
{
    struct open_file *f = file_of(fd);
    if (f == NULL || (f->inode == NULL && !f->is_folder)) {
        return real(fd);
    }
    int reason = next_change();
    if (reason != 0) {
        if (!state.is_dead && f->inode != NULL) {
            power_inode_settle(f->inode, &state.rng);
        }
        return failed(reason);
    }
    if (f->is_folder) {
        power_disk_sync_dir(&state.disk);
    } else {
        power_disk_sync(&state.disk, f->inode);
    }
    return 0; /* of the real disk nothing is asked */
}

int __wrap_fsync(int fd)
{
    return sync_file(fd, __real_fsync);
}

int __wrap_fdatasync(int fd)
{
    return sync_file(fd, __real_fdatasync);
}

int __wrap_ftruncate(int fd, off_t len)
{
    struct open_file *f = file_of(fd);
    int reason = f == NULL || f->inode == NULL ? 0 : next_change();
    if (reason != 0) {
        return failed(reason);
    }
    int rc = __real_ftruncate(fd, len);
    if (rc == 0 && f != NULL && f->inode != NULL) {
        power_inode_truncate(f->inode, (size_t)len);
    }
    return rc;
}

int __wrap_rename(const char *from, const char *to)
{
    int reason = is_ours(to) ? next_change() : 0;
    if (reason != 0) {
        return failed(reason);
    }
    int rc = __real_rename(from, to);
    if (rc == 0 && is_ours(to)) {
        power_disk_rename(&state.disk, from, to);
    }
    return rc;
}

int __wrap_unlink(const char *path)
{
    if (!is_ours(path) || power_disk_find(&state.disk, path) == NULL) {
        return __real_unlink(path);
    }
    int reason = next_change();
    if (reason != 0) {
        return failed(reason);
    }
    int rc = __real_unlink(path);
    if (rc == 0) {
        (void)power_disk_delete(&state.disk, path, false);
    }
    return rc;
}

/* --- for tests -------------------------------------------------------------------------------- */

void power_files_begin(const char *folder)
{
    assert(state.folder == NULL);
    state.folder = folder;
    power_files_arm(-1, POWER_FAIL);
}

void power_files_end(void)
{
    for (size_t i = 0; i < state.inodes_count; i++) {
        char name[PATH_BYTES];
        second_name(i, name, sizeof(name));
        (void)__real_unlink(name);
    }
    power_disk_release(&state.disk);
    memset(&state, 0, sizeof(state));
    state.nth = -1;
}

void power_files_arm(int nth, enum power_effect effect)
{
    state.count = 0;
    state.nth = nth;
    state.effect = effect;
    state.has_fired = false;
}

bool power_files_disarm(void)
{
    state.nth = -1;
    return state.has_fired;
}

int power_files_count(void)
{
    return state.count;
}

static void restore(const struct power_entry *e)
{
    char name[PATH_BYTES];
    size_t number = state.inodes_count;
    (void)__real_unlink(e->name);
    if (e->now == NULL) {
        return;
    }
    while (state.inodes[--number] != e->now) { /* the latest that has this place in memory */
        assert(number > 0);
    }
    second_name(number, name, sizeof(name));
    int fd = __real_open(name, O_WRONLY | O_TRUNC | O_CLOEXEC, 0);
    ssize_t done = __real_write(fd, e->now->now.ptr, e->now->now.len);
    assert(done == (ssize_t)e->now->now.len);
    (void)__real_close(fd);
    int rc = link(name, e->name);
    assert(rc == 0);
}

void power_files_reboot(uint64_t seed)
{
    state.rng = seeded_rng_new(seed);
    state.is_dead = false;
    state.nth = -1;
    power_disk_reboot(&state.disk, &state.rng);
    for (const struct power_entry *e = state.disk.entries; e != NULL; e = e->next) {
        restore(e);
    }
}
/* NOLINTEND(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */
