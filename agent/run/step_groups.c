#include "agent/run/step_groups.h"

#include "common/base/uuid.h"
#include "common/platform/files.h"
#include "common/platform/proc.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
    CGROUP2_MAGIC = 0x63677270, /* linux/magic.h */
    FILE_BYTES_MAX = 1 << 20,   /* of cgroup.procs: 100,000 processes */
    NESTED_MAX = 8,             /* groups that a step made in its own */
    NAME_TRIES = 1000,
};

struct step_groups {
    char folder[LIMIT_PATH_BYTES + 1];
    char prefix[64]; /* of the names: "step-<store>-" */
    int64_t made;
    bool has_memory;
    bool has_processes;
};

/* --- files of the kernel ---------------------------------------------------------------------- */

static bool write_text(const char *folder, const char *name, const char *text, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    if (!files_join(folder, str_from(name), path, sizeof(path), err)) {
        return false;
    }
    AUTO(fd) file = {open(path, O_WRONLY | O_CLOEXEC)};
    size_t len = strlen(text);
    if (file.n < 0 || write(file.n, text, len) != (ssize_t)len) {
        return err_errno(err, errno, "write %s to %s", text, path);
    }
    return true;
}

static bool try_text(const char *folder, const char *name, const char *text)
{
    struct err ignored = {0};
    return write_text(folder, name, text, &ignored);
}

static bool read_text(const char *folder, const char *name, struct buf *ret)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct err ignored = {0};
    *ret = buf_growing(FILE_BYTES_MAX);
    return files_join(folder, str_from(name), path, sizeof(path), &ignored) &&
           files_read(path, ret, &ignored);
}

/* The number behind a name in a file of "name number" lines; 0 when it is not there. */
static int64_t read_counter(const char *folder, const char *name, struct str counter)
{
    AUTO(buf) text = {0};
    if (!read_text(folder, name, &text)) {
        return 0;
    }
    struct str line = STR_NONE;
    struct str rest = buf_str(&text);
    while (rest.len > 0) {
        struct str key = STR_NONE;
        struct str number = STR_NONE;
        int64_t value = 0;
        (void)str_cut(rest, '\n', &line, &rest);
        if (str_cut(line, ' ', &key, &number) && str_eq(key, counter) &&
            str_to_i64(number, 0, INT64_MAX, &value)) {
            return value;
        }
    }
    return 0;
}

static bool has_word(const char *folder, const char *name, struct str wanted)
{
    AUTO(buf) text = {0};
    if (!read_text(folder, name, &text)) {
        return false;
    }
    struct str rest = str_trim(buf_str(&text));
    while (rest.len > 0) {
        struct str word = STR_NONE;
        (void)str_cut(rest, ' ', &word, &rest);
        if (str_eq(word, wanted)) {
            return true;
        }
    }
    return false;
}

/* --- the folder ------------------------------------------------------------------------------- */

static bool is_cgroup2(const char *folder)
{
    struct statfs fs;
    return statfs(folder, &fs) == 0 && fs.f_type == CGROUP2_MAGIC;
}

/* Our own group's folder: the line "0::/path" of /proc/self/cgroup, below where version 2 is
 * mounted. */
static bool find_own(char folder[LIMIT_PATH_BYTES + 1], struct err *err)
{
    static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    AUTO(buf) text = {0};
    if (!read_text("/proc/self", "cgroup", &text)) {
        return err_set(err, ERR_NOT_FOUND, "this kernel has no control groups");
    }
    struct str line = STR_NONE;
    struct str rest = buf_str(&text);
    while (rest.len > 0) {
        (void)str_cut(rest, '\n', &line, &rest);
        if (!str_starts(line, STR("0::/"))) {
            continue;
        }
        for (size_t i = 0; i < COUNT_OF(mounts); i++) {
            if (is_cgroup2(mounts[i])) {
                int len = snprintf(folder, LIMIT_PATH_BYTES + 1, "%s" STR_FMT, mounts[i],
                                   STR_ARG(str_trim_end(str_slice(line, 3, line.len), '/')));
                return len <= LIMIT_PATH_BYTES ||
                       err_set(err, ERR_INVALID, "the control group's path is too long");
            }
        }
    }
    return err_set(err, ERR_NOT_FOUND, "control groups of version 2 are not mounted");
}

/* systemd's mark on a group that it gives away. */
static bool is_delegated(const char *folder)
{
    char value = '0';
    return (getxattr(folder, "user.delegate", &value, 1) == 1 ||
            getxattr(folder, "trusted.delegate", &value, 1) == 1) &&
           value == '1';
}

/* Ours, or the one above when systemd put us into a group of its own below (DelegateSubgroup=). */
static bool find_delegated(const char *own, char folder[LIMIT_PATH_BYTES + 1], struct err *err)
{
    struct str above = STR_NONE;
    struct str name = STR_NONE;
    if (is_delegated(own)) {
        return files_join("", str_from(own), folder, LIMIT_PATH_BYTES + 1, err);
    }
    if (str_cut_last(str_from(own), '/', &above, &name) &&
        files_join("", above, folder, LIMIT_PATH_BYTES + 1, err) && is_delegated(folder)) {
        return true;
    }
    err_set(err, ERR_NOT_FOUND, "the control group %s is not ours to divide", own);
    return err_hint(err, "run the agent as a systemd service with Delegate=yes");
}

static bool move_away(const char *folder, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    if (!files_join(folder, STR("agent"), path, sizeof(path), err)) {
        return false;
    }
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
        return err_errno(err, errno, "make control group %s", path);
    }
    return write_text(path, "cgroup.procs", "0", err);
}

static bool prepare(struct step_groups *groups, const char *folder, struct err *err)
{
    char own[LIMIT_PATH_BYTES + 1] = "";
    struct err ignored = {0};
    bool has_own = find_own(own, folder == NULL ? err : &ignored);
    if (folder != NULL) {
        if (!files_join("", str_from(folder), groups->folder, sizeof(groups->folder), err)) {
            return false;
        }
    } else if (!has_own || !find_delegated(own, groups->folder, err)) {
        return false;
    }
    if (strcmp(own, groups->folder) == 0 && !move_away(groups->folder, err)) {
        return false;
    }
    /* Each by itself: one may be missing, and the other still help. */
    (void)try_text(groups->folder, "cgroup.subtree_control", "+memory");
    (void)try_text(groups->folder, "cgroup.subtree_control", "+pids");
    groups->has_memory = has_word(groups->folder, "cgroup.subtree_control", STR("memory"));
    groups->has_processes = has_word(groups->folder, "cgroup.subtree_control", STR("pids"));
    return true;
}

/* Whether it works at all: a folder may be there, and read-only. */
static bool try_one(struct step_groups *groups, struct err *err)
{
    struct step_group group = {0};
    if (!step_group_make(groups, STR("trial"), 0, 0, &group, err)) {
        return false;
    }
    return step_group_remove(&group) ||
           err_set(err, ERR_BUSY, "remove control group %s: it is in use", group.path);
}

bool step_groups_open(struct step_groups **ret, const char *folder, struct str store,
                      struct err *err)
{
    struct step_groups *groups = calloc(1, sizeof(*groups));
    if (groups == NULL) {
        return err_set(err, ERR_NO_MEMORY, "prepare control groups: out of memory");
    }
    (void)snprintf(groups->prefix, sizeof(groups->prefix), "step-" STR_FMT "-", STR_ARG(store));
    if (!prepare(groups, folder, err) || !try_one(groups, err)) {
        step_groups_close(groups);
        return false;
    }
    *ret = groups;
    return true;
}

void step_groups_close(struct step_groups *groups)
{
    free(groups);
}

bool step_groups_bound_memory(const struct step_groups *groups)
{
    return groups != NULL && groups->has_memory;
}

bool step_groups_bound_processes(const struct step_groups *groups)
{
    return groups != NULL && groups->has_processes;
}

const char *step_groups_folder(const struct step_groups *groups)
{
    return groups->folder;
}

/* --- one group -------------------------------------------------------------------------------- */

/* Only a number of this process's is in the name besides the run: a name that an earlier process
 * left is passed over. */
static bool make_folder(struct step_groups *groups, struct str run, struct step_group *group,
                        struct err *err)
{
    for (int i = 0; i < NAME_TRIES; i++) {
        char name[160];
        (void)snprintf(name, sizeof(name), "%s" STR_FMT "-%" PRId64, groups->prefix, STR_ARG(run),
                       ++groups->made);
        if (!files_join(groups->folder, str_from(name), group->path, sizeof(group->path), err)) {
            return false;
        }
        if (mkdir(group->path, 0755) == 0) {
            return true;
        }
        if (errno != EEXIST) {
            break;
        }
    }
    return err_errno(err, errno, "make control group %s", group->path);
}

static bool set_limit(const struct step_group *group, const char *file, int64_t limit,
                      struct err *err)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRId64, limit);
    return limit == 0 || write_text(group->path, file, text, err);
}

bool step_group_make(struct step_groups *groups, struct str run, int64_t memory_bytes,
                     int64_t processes, struct step_group *ret, struct err *err)
{
    struct step_group group = {0};
    if (!make_folder(groups, run, &group, err)) {
        return false;
    }
    bool bounds_memory = groups->has_memory && memory_bytes > 0;
    if (bounds_memory) {
        /* What was swapped out counts too, where there is swap; and one that dies for memory takes
         * the rest with it: half a step is of no use. Kernels without these files do without. */
        (void)try_text(group.path, "memory.swap.max", "0");
        (void)try_text(group.path, "memory.oom.group", "1");
    }
    if ((bounds_memory && !set_limit(&group, "memory.max", memory_bytes, err)) ||
        (groups->has_processes && !set_limit(&group, "pids.max", processes, err))) {
        (void)step_group_remove(&group);
        return false;
    }
    *ret = group;
    return true;
}

static bool lists_process(const struct step_group *group, struct str wanted)
{
    AUTO(buf) text = {0};
    struct str line = STR_NONE;
    bool found = false;
    struct str rest = read_text(group->path, "cgroup.procs", &text) ? buf_str(&text) : STR_NONE;
    while (!found && rest.len > 0) {
        (void)str_cut(rest, '\n', &line, &rest);
        found = str_eq(line, wanted);
    }
    return found;
}

/* Before Linux 5.14. Each is held before it is looked up again: its number may have become another's
 * since. What forks meanwhile is met the next time: the caller asks until the group is empty. */
static void kill_each(const struct step_group *group)
{
    AUTO(buf) text = {0};
    struct str rest = read_text(group->path, "cgroup.procs", &text) ? buf_str(&text) : STR_NONE;
    while (rest.len > 0) {
        struct str line = STR_NONE;
        int64_t pid = 0;
        (void)str_cut(rest, '\n', &line, &rest);
        if (!str_to_i64(line, 2, INT32_MAX, &pid)) {
            continue;
        }
        AUTO(fd) held = {proc_hold((pid_t)pid)};
        if (held.n >= 0 && lists_process(group, line)) {
            (void)proc_send(held.n, SIGKILL);
        }
    }
}

void step_group_kill(const struct step_group *group)
{
    if (group->path[0] != '\0' && !try_text(group->path, "cgroup.kill", "1")) {
        kill_each(group);
    }
}

int64_t step_group_count(const struct step_group *group)
{
    AUTO(buf) text = {0};
    if (group->path[0] == '\0' || !read_text(group->path, "cgroup.procs", &text)) {
        return 0;
    }
    int64_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += text.ptr[i] == '\n';
    }
    return count;
}

static bool remove_folder(const char *path, int depth);

/* NOLINTNEXTLINE(misc-no-recursion): the depth is limited */
static bool remove_nested(const char *path, int depth)
{
    DIR *stream = depth == NESTED_MAX ? NULL : opendir(path);
    if (stream == NULL) {
        return false;
    }
    bool is_ok = true;
    const struct dirent *entry = NULL;
    while (is_ok && (entry = readdir(stream)) != NULL) { /* NOLINT(concurrency-mt-unsafe): ours */
        char below[LIMIT_PATH_BYTES + 1];
        struct err ignored = {0};
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            is_ok = files_join(path, str_from(entry->d_name), below, sizeof(below), &ignored) &&
                    remove_folder(below, depth + 1);
        }
    }
    (void)closedir(stream);
    return is_ok && rmdir(path) == 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): the depth is limited */
static bool remove_folder(const char *path, int depth)
{
    return rmdir(path) == 0 || errno == ENOENT || remove_nested(path, depth);
}

bool step_group_remove(struct step_group *group)
{
    bool is_gone = group->path[0] == '\0' || remove_folder(group->path, 0);
    if (is_gone) {
        group->path[0] = '\0';
    }
    return is_gone;
}

int64_t step_group_memory_kills(const struct step_group *group)
{
    return group->path[0] == '\0' ? 0 : read_counter(group->path, "memory.events", STR("oom_kill"));
}

int64_t step_group_memory_peak(const struct step_group *group)
{
    AUTO(buf) text = {0};
    int64_t bytes = 0;
    bool is_there = group->path[0] != '\0' && read_text(group->path, "memory.peak", &text) &&
                    str_to_i64(str_trim(buf_str(&text)), 0, INT64_MAX, &bytes);
    return is_there ? bytes : 0;
}

bool step_group_was_full(const struct step_group *group)
{
    return group->path[0] != '\0' && read_counter(group->path, "pids.events", STR("max")) > 0;
}

/* --- what was left ---------------------------------------------------------------------------- */

/* "<prefix><run>-<number>": the run is a UUID, or it is not one of ours. */
static bool run_of(const struct step_groups *groups, struct str name, struct str *ret_run)
{
    struct str prefix = str_from(groups->prefix);
    struct str number = STR_NONE;
    int64_t ignored = 0;
    return str_starts(name, prefix) &&
           str_cut_last(str_slice(name, prefix.len, name.len), '-', ret_run, &number) &&
           ret_run->len == UUID_TEXT_SIZE - 1 && str_to_i64(number, 1, INT64_MAX, &ignored);
}

bool step_groups_each_left(const struct step_groups *groups,
                           bool (*on_group)(void *ctx, const struct step_group *group,
                                            struct str run),
                           void *ctx, struct err *err)
{
    DIR *stream = opendir(groups->folder);
    if (stream == NULL) {
        return err_errno(err, errno, "read folder %s", groups->folder);
    }
    bool is_ok = true;
    bool goes_on = true;
    const struct dirent *entry = NULL;
    while (is_ok && goes_on &&
           (entry = readdir(stream)) != NULL) { /* NOLINT(concurrency-mt-unsafe): ours */
        struct step_group group = {0};
        struct str run = STR_NONE;
        struct str name = str_from(entry->d_name);
        if (run_of(groups, name, &run)) {
            is_ok = files_join(groups->folder, name, group.path, sizeof(group.path), err);
            goes_on = is_ok && on_group(ctx, &group, run);
        }
    }
    (void)closedir(stream);
    return is_ok;
}
