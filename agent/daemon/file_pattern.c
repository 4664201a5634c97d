#include "agent/daemon/file_pattern.h"

#include <stdio.h>
#include <sys/stat.h>

enum { PATH_ARENA_BYTES = 64 << 10 };

static bool split(struct file_pattern *p, const char *path, struct err *err)
{
    struct str dir = STR_NONE;
    struct str name = STR_NONE;
    bool has_slash = str_cut_last(str_from(path), '/', &dir, &name);
    if (str_is_empty(name)) {
        return err_set(err, ERR_INVALID, "%s names no file", path);
    }
    if (!has_slash) {
        dir = STR(".");
    } else if (str_is_empty(dir)) {
        dir = STR("/");
    }
    (void)snprintf(p->dir, sizeof(p->dir), STR_FMT, STR_ARG(dir));
    (void)snprintf(p->name, sizeof(p->name), STR_FMT, STR_ARG(name));
    return true;
}

bool file_pattern_read(struct file_pattern *ret, const struct definitions *defs,
                       const struct sensor *sensor, const struct env_lookup *env, struct str since,
                       struct err *err)
{
    AUTO(arena) arena = arena_new(PATH_ARENA_BYTES);
    const char *path = NULL;
    struct wall_time time = {0};
    if (!definitions_resolve_path(defs, sensor->watch, env, &arena, &path, err) ||
        !split(ret, path, err)) {
        return err_wrap(err, "sensor " STR_FMT, STR_ARG(sensor->name));
    }
    ret->since_ns = wall_parse(since, &time) ? time.ns : 0;
    return true;
}

bool file_pattern_matches(const struct file_pattern *p, struct str name)
{
    struct str pattern = str_from(p->name);
    bool is_hidden = str_starts(name, STR(".")) && !str_starts(pattern, STR("."));
    return !is_hidden && str_matches(name, pattern);
}

bool file_pattern_path(const struct file_pattern *p, struct str name, char ret[FILE_PATH_SIZE])
{
    bool needs_slash = !str_ends(str_from(p->dir), STR("/"));
    int len = snprintf(ret, FILE_PATH_SIZE, "%s%s" STR_FMT, p->dir, needs_slash ? "/" : "",
                       STR_ARG(name));
    return len > 0 && len < FILE_PATH_SIZE;
}

static int64_t ns_of(struct timespec t)
{
    return (int64_t)t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

bool file_pattern_look(const struct file_pattern *p, const char *path, struct file_facts *ret)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || ns_of(st.st_ctim) <= p->since_ns) {
        return false;
    }
    *ret =
        (struct file_facts){.size = st.st_size, .mtime_ns = ns_of(st.st_mtim), .inode = st.st_ino};
    return true;
}
