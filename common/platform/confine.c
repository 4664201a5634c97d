#include "common/platform/confine.h"

#include "common/base/limits.h"
#include "common/base/time.h"
#include "common/platform/files.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    NICE_MAX = 19,
    PASSWD_BYTES = 16 << 10,      /* of one entry of the user database */
    NO_RESOURCE = RLIMIT_NLIMITS, /* not a limit of setrlimit() */
};

/* -- words -- */

/* The numbers, each with its word and its limit of the kernel. */
static const struct {
    struct str word;
    size_t offset;
    unsigned resource;
    const char *what;
} numbers[] = {
    {STR_INIT("memory"), offsetof(struct confine, memory_bytes), RLIMIT_DATA, "memory"},
    {STR_INIT("cpu"), offsetof(struct confine, cpu_ns), RLIMIT_CPU, "processor time"},
    {STR_INIT("file"), offsetof(struct confine, file_bytes), RLIMIT_FSIZE, "file size"},
    {STR_INIT("files"), offsetof(struct confine, open_files), RLIMIT_NOFILE, "open files"},
    {STR_INIT("processes"), offsetof(struct confine, processes), RLIMIT_NPROC, "processes"},
    {STR_INIT("nice"), offsetof(struct confine, nice), NO_RESOURCE, "priority"},
};

static int64_t get_number(const struct confine *c, size_t i)
{
    int64_t value = 0;
    memcpy(&value, (const char *)c + numbers[i].offset, sizeof(value));
    return value;
}

bool confine_is_empty(const struct confine *c)
{
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        if (get_number(c, i) != 0) {
            return false;
        }
    }
    return c->user == NULL && c->cgroup == NULL;
}

size_t confine_write(const struct confine *c, struct buf *words)
{
    size_t count = 0;
    if (c->cgroup != NULL) {
        buf_addf(words, "cgroup=%s%c", c->cgroup, '\0');
        count++;
    }
    if (c->user != NULL) {
        buf_addf(words, "user=%s%c", c->user, '\0');
        count++;
    }
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        int64_t value = get_number(c, i);
        if (value != 0) {
            buf_addf(words, STR_FMT "=%" PRId64 "%c", STR_ARG(numbers[i].word), value, '\0');
            count++;
        }
    }
    return count;
}

bool confine_read(struct confine *c, const char *word, struct err *err)
{
    struct str name = STR_NONE;
    struct str value = STR_NONE;
    (void)str_cut(str_from(word), '=', &name, &value);
    if (str_eq(name, STR("cgroup")) && !str_is_empty(value)) {
        c->cgroup = value.ptr;
        return true;
    }
    if (str_eq(name, STR("user")) && !str_is_empty(value)) {
        c->user = value.ptr;
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        int64_t number = 0;
        if (str_eq(name, numbers[i].word) && str_to_i64(value, 1, INT64_MAX, &number)) {
            memcpy((char *)c + numbers[i].offset, &number, sizeof(number));
            return true;
        }
    }
    return err_set(err, ERR_INVALID, "\"%s\" is not understood", word);
}

/* -- the user -- */

static bool find_user(const char *name, char memory[PASSWD_BYTES], struct passwd *ret_user,
                      struct err *err)
{
    struct passwd *found = NULL;
    int result = getpwnam_r(name, ret_user, memory, PASSWD_BYTES, &found);
    if (result != 0) {
        return err_errno(err, result, "look up user %s", name);
    }
    if (found == NULL) {
        err_set(err, ERR_NOT_FOUND, "there is no user %s", name);
        return err_hint(err, "make it first, for example with useradd --system %s", name);
    }
    return true;
}

bool confine_find_user(const char *name, uid_t *ret_user, gid_t *ret_group, struct err *err)
{
    char memory[PASSWD_BYTES];
    struct passwd user;
    if (!find_user(name, memory, &user, err)) {
        return false;
    }
    *ret_user = user.pw_uid;
    *ret_group = user.pw_gid;
    return true;
}

static bool become(const char *name, struct err *err)
{
    char memory[PASSWD_BYTES];
    struct passwd user;
    if (!find_user(name, memory, &user, err)) {
        return false;
    }
    if (user.pw_uid == geteuid() && user.pw_uid != 0) {
        return true; /* ourselves, and no way to anybody else */
    }
    if (geteuid() != 0) {
        err_set(err, ERR_DENIED, "become user %s: only root can become another user", name);
        return err_hint(err, "run the agent as root, or leave out `user`");
    }
    /* Groups first: afterwards nothing is allowed any more. */
    if (initgroups(name, user.pw_gid) != 0 ||
        setresgid(user.pw_gid, user.pw_gid, user.pw_gid) != 0 ||
        setresuid(user.pw_uid, user.pw_uid, user.pw_uid) != 0) {
        return err_errno(err, errno, "become user %s", name);
    }
    if (user.pw_uid != 0 && setuid(0) == 0) {
        return err_set(err, ERR_DENIED, "become user %s: root's rights stayed", name);
    }
    return true;
}

/* -- limits -- */

/* The kernel takes seconds for processor time. The hard limit is a second above the soft one, so
 * that the process ends by SIGXCPU, which tells why, and a process that ignores that still ends. */
static struct rlimit limit_for(unsigned resource, int64_t value)
{
    if (resource == RLIMIT_CPU) {
        rlim_t seconds = (rlim_t)(value / NS_PER_SEC + (value % NS_PER_SEC != 0));
        return (struct rlimit){.rlim_cur = seconds, .rlim_max = seconds + 1};
    }
    return (struct rlimit){.rlim_cur = (rlim_t)value, .rlim_max = (rlim_t)value};
}

static bool apply_limit(size_t i, int64_t value, struct err *err)
{
    struct rlimit limit = limit_for(numbers[i].resource, value);
    if (setrlimit(numbers[i].resource, &limit) == 0) {
        return true;
    }
    int reason = errno;
    struct rlimit ours = {0};
    if (reason == EPERM && getrlimit(numbers[i].resource, &ours) == 0) {
        err_set(err, ERR_DENIED, "limit %s to %" PRId64 ": the agent itself may have %" PRIu64,
                numbers[i].what, value, (uint64_t)ours.rlim_max);
        return err_hint(err, "lower it, or raise the agent's own limit (in its systemd unit)");
    }
    return err_errno(err, reason, "limit %s to %" PRId64, numbers[i].what, value);
}

static bool apply_nice(int64_t nice, struct err *err)
{
    int ours = getpriority(PRIO_PROCESS, 0);
    int64_t wanted = ours + nice > NICE_MAX ? NICE_MAX : ours + nice;
    return setpriority(PRIO_PROCESS, 0, (int)wanted) == 0 ||
           err_errno(err, errno, "set priority %" PRId64, wanted);
}

static bool apply_numbers(const struct confine *c, struct err *err)
{
    static const struct rlimit no_core = {0};
    /* What a program leaves when it crashes is a copy of its memory, in a place nobody looks at. */
    if (setrlimit(RLIMIT_CORE, &no_core) != 0) {
        return err_errno(err, errno, "forbid core files");
    }
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        int64_t value = get_number(c, i);
        if (value == 0) {
            continue;
        }
        bool done = numbers[i].resource == NO_RESOURCE ? apply_nice(value, err)
                                                       : apply_limit(i, value, err);
        if (!done) {
            return false;
        }
    }
    return true;
}

/* -- the group -- */

static bool join_group(const char *folder, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    if (!files_join(folder, STR("cgroup.procs"), path, sizeof(path), err)) {
        return false;
    }
    AUTO(fd) file = {open(path, O_WRONLY | O_CLOEXEC)};
    if (file.n < 0 || write(file.n, "0", 1) != 1) {
        return err_errno(err, errno, "join control group %s", folder);
    }
    return true;
}

bool confine_apply(const struct confine *c, struct err *err)
{
    return (c->cgroup == NULL || join_group(c->cgroup, err)) && apply_numbers(c, err) &&
           (c->user == NULL || become(c->user, err));
}

/* -- the environment -- */

static bool has_variable(const char *const *envp, struct str name)
{
    for (size_t i = 0; envp[i] != NULL; i++) {
        struct str entry = str_from(envp[i]);
        if (str_starts(entry, name) && entry.len > name.len && entry.ptr[name.len] == '=') {
            return true;
        }
    }
    return false;
}

bool confine_environment(const struct confine *c, const char *const *envp, struct arena *arena,
                         const char *const **ret_envp, struct err *err)
{
    char memory[PASSWD_BYTES];
    struct passwd user;
    if (!find_user(c->user, memory, &user, err)) {
        return false;
    }
    const struct {
        struct str name;
        const char *value;
    } variables[] = {{STR_INIT("HOME"), user.pw_dir},
                     {STR_INIT("USER"), user.pw_name},
                     {STR_INIT("LOGNAME"), user.pw_name}};
    size_t count = 0;
    while (envp[count] != NULL) {
        count++;
    }
    const char **result = arena_array(arena, count + COUNT_OF(variables) + 1, sizeof(*result));
    if (result == NULL) {
        return err_set(err, ERR_NO_MEMORY, "prepare the environment: out of memory");
    }
    memcpy(result, envp, count * sizeof(*result));
    for (size_t i = 0; i < COUNT_OF(variables); i++) {
        if (has_variable(envp, variables[i].name)) {
            continue;
        }
        result[count] =
            arena_printf(arena, STR_FMT "=%s", STR_ARG(variables[i].name), variables[i].value).ptr;
        if (result[count++] == NULL) {
            return err_set(err, ERR_NO_MEMORY, "prepare the environment: out of memory");
        }
    }
    *ret_envp = result;
    return true;
}
