#include "tests/support/fake_cgroup.h"

#include "common/base/compiler.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The names are the linker's. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */
int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __real_rmdir(const char *path);
int __wrap_rmdir(const char *path);
/* NOLINTEND(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */

enum { PATH_BYTES = 1200 };

static struct fake_cgroup *fake;
static const char *fake_root;

static const char *const group_files[] = {
    "cgroup.procs", "cgroup.kill", "memory.max",    "memory.swap.max", "memory.oom.group",
    "pids.max",     "pids.events", "memory.events", "memory.peak",     "cgroup.events"};

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert(file != NULL);
    (void)fputs(text, file);
    (void)fclose(file);
}

static bool has_text(const char *folder, const char *name)
{
    char path[PATH_BYTES];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return stat(path, &st) == 0 && st.st_size > 0;
}

static bool is_below(const char *path)
{
    size_t len = fake_root == NULL ? 0 : strlen(fake_root);
    return len > 0 && strncmp(path, fake_root, len) == 0 && path[len] == '/';
}

void fake_cgroup_begin(struct fake_cgroup *with, const char *root)
{
    fake = with;
    fake_root = root;
    char handed_on[200];
    /* What is written to a plain file overwrites its beginning: the words stand behind that. */
    (void)snprintf(handed_on, sizeof(handed_on), "         %s\n", with->controllers);
    write_file(root, "cgroup.subtree_control", handed_on);
    write_file(root, "cgroup.procs", "");
}

void fake_cgroup_end(void)
{
    fake = NULL;
    fake_root = NULL;
}

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */
int __wrap_mkdir(const char *path, mode_t mode)
{
    if (!is_below(path)) {
        return __real_mkdir(path, mode);
    }
    if (fake->is_readonly) {
        errno = EROFS;
        return -1;
    }
    if (__real_mkdir(path, mode) != 0) {
        return -1;
    }
    fake->made++;
    for (size_t i = 0; i < COUNT_OF(group_files); i++) {
        write_file(path, group_files[i], "");
    }
    char text[100];
    (void)snprintf(text, sizeof(text), "low 0\noom 7\noom_kill %d\noom_group_kill 1\n",
                   fake->memory_kills);
    write_file(path, "memory.events", text);
    (void)snprintf(text, sizeof(text), "%lld\n", (long long)fake->memory_peak);
    write_file(path, "memory.peak", text);
    (void)snprintf(text, sizeof(text), "max %d\n", fake->times_full);
    write_file(path, "pids.events", text);
    return 0;
}

int __wrap_rmdir(const char *path)
{
    if (!is_below(path)) {
        return __real_rmdir(path);
    }
    if (fake->busy > 0) {
        fake->busy--;
        errno = EBUSY;
        return -1;
    }
    fake->kills += has_text(path, "cgroup.kill");
    for (size_t i = 0; i < COUNT_OF(group_files); i++) {
        char file[PATH_BYTES];
        (void)snprintf(file, sizeof(file), "%s/%s", path, group_files[i]);
        (void)unlink(file);
    }
    return __real_rmdir(path);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-*,readability-identifier-naming) */
