#include "hub/simulate/figures.h"

#include "common/base/limits.h"
#include "common/platform/files.h"
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PROC_BYTES_MAX = 64 << 10 };

static bool read_file(const char *path, struct buf *into)
{
    struct err err = {0};
    return files_read(path, into, &err);
}

static bool read_proc(int pid, const char *name, struct buf *into)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    return pid > 0 && read_file(path, into);
}

/* The number that begins a text. */
static int64_t number_at(struct str text)
{
    int64_t value = 0;
    size_t len = 0;
    text = str_trim(text);
    while (len < text.len && text.ptr[len] >= '0' && text.ptr[len] <= '9') {
        len++;
    }
    return str_to_i64(str_slice(text, 0, len), 0, INT64_MAX, &value) ? value : 0;
}

int figures_hub_pid(const struct hub_config *config)
{
    char path[LIMIT_PATH_BYTES + 1];
    char process[64];
    struct err err = {0};
    AUTO(buf) text = buf_growing(PROC_BYTES_MAX);
    if (!hub_path(config, "lock", path, &err) || !read_file(path, &text)) {
        return 0;
    }
    int pid = (int)number_at(buf_str(&text));
    (void)snprintf(process, sizeof(process), "/proc/%d", pid);
    return pid > 0 && files_exist(process) ? pid : 0;
}

int figures_child_pid(int pid)
{
    char name[64];
    AUTO(buf) text = buf_growing(PROC_BYTES_MAX);
    (void)snprintf(name, sizeof(name), "task/%d/children", pid);
    return read_proc(pid, name, &text) ? (int)number_at(buf_str(&text)) : 0;
}

/* The number behind "Name:" in /proc/PID/status or limits. */
static int64_t member(struct str text, struct str name)
{
    struct str line = STR_NONE;
    while (str_cut(text, '\n', &line, &text)) {
        if (str_starts(line, name)) {
            return number_at(str_slice(line, name.len, line.len));
        }
    }
    return 0;
}

/* utime and stime are the 12th and 13th behind the name, which may hold anything but ends with the
 * last bracket; proc(5). */
static int64_t cpu_ms(struct str stat)
{
    struct str head = STR_NONE;
    struct str rest = STR_NONE;
    struct str word = STR_NONE;
    int64_t ticks = 0;
    if (!str_cut_last(stat, ')', &head, &rest)) {
        return 0;
    }
    rest = str_trim(rest);
    for (int i = 0; i < 13 && str_cut(rest, ' ', &word, &rest); i++) {
        ticks += i >= 11 ? number_at(word) : 0;
    }
    return ticks * 1000 / sysconf(_SC_CLK_TCK);
}

struct figures figures_read(int pid)
{
    AUTO(buf) stat = buf_growing(PROC_BYTES_MAX);
    AUTO(buf) status = buf_growing(PROC_BYTES_MAX);
    if (!read_proc(pid, "stat", &stat) || !read_proc(pid, "status", &status)) {
        return (struct figures){0};
    }
    return (struct figures){.cpu_ms = cpu_ms(buf_str(&stat)),
                            .rss_bytes = member(buf_str(&status), STR("VmRSS:")) * 1024,
                            .rss_max_bytes = member(buf_str(&status), STR("VmHWM:")) * 1024};
}

int64_t figures_descriptors_max(int pid)
{
    AUTO(buf) limits = buf_growing(PROC_BYTES_MAX);
    if (!read_proc(pid, "limits", &limits)) {
        return INT64_MAX;
    }
    int64_t max = member(buf_str(&limits), STR("Max open files"));
    return max > 0 ? max : INT64_MAX; /* "unlimited" */
}

bool figures_raise_descriptors(int64_t wanted, struct err *err)
{
    struct rlimit limit = {0};
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= (rlim_t)wanted) {
        return true;
    }
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < (rlim_t)wanted || setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        (void)err_set(err, ERR_FULL, "%lld open files are needed, and %llu are allowed",
                      (long long)wanted, (unsigned long long)limit.rlim_max);
        return err_hint(err, "simulate fewer devices, or raise the hard limit: ulimit -Hn");
    }
    return true;
}
