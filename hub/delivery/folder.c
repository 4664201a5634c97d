#include "hub/delivery/folder.h"

#include "common/base/arena.h"
#include "common/base/limits.h"
#include "common/platform/files.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STAMP_BYTES = sizeof("-2026-11-30T060000Z.") - 1, NAMES_BYTES_MAX = 64 << 20 };

void folder_file_name(struct buf *out, struct str report, struct wall_time due,
                      const char *extension)
{
    struct civil_time c = civil_from_seconds(due.ns / NS_PER_SEC);
    buf_addf(out, STR_FMT "-%04lld-%02d-%02dT%02d%02d%02dZ.%s", STR_ARG(report), (long long)c.year,
             c.month, c.day, c.hour, c.minute, c.second, extension);
}

/* Whether we may have written it: the report's name and a time; not "monday-late-2026…" for "monday". */
static bool is_ours(struct str name, struct str report)
{
    static const char stamp[] = "-dddd-dd-ddTddddddZ.";
    if (!str_starts(name, report) || name.len <= report.len + STAMP_BYTES) {
        return false;
    }
    for (size_t i = 0; i < STAMP_BYTES; i++) {
        char c = name.ptr[report.len + i];
        if (stamp[i] == 'd' ? c < '0' || c > '9' : c != stamp[i]) {
            return false;
        }
    }
    return true;
}

static int newest_first(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)b, *(const struct str *)a);
}

struct names {
    struct str *items;
    size_t count, cap;
};

static bool add_name(struct names *names, struct arena *arena, const char *name)
{
    if (names->count == names->cap) {
        size_t cap = names->cap == 0 ? 128 : 2 * names->cap;
        struct str *items = arena_array(arena, cap, sizeof(*items));
        if (items == NULL) {
            return false;
        }
        if (names->count > 0) {
            memcpy(items, names->items, names->count * sizeof(*items));
        }
        names->items = items;
        names->cap = cap;
    }
    names->items[names->count] = arena_copy(arena, str_from(name));
    return names->items[names->count++].ptr != NULL;
}

/* What cannot be deleted stays; the next time tries again. */
static void delete_old(const char *path, const struct folder *f)
{
    AUTO(arena) arena = arena_new(NAMES_BYTES_MAX);
    struct names names = {0};
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return;
    }
    const struct dirent *entry = readdir(dir); /* NOLINT(concurrency-mt-unsafe): ours alone */
    while (entry != NULL) {
        if (is_ours(str_from(entry->d_name), f->report) &&
            !add_name(&names, &arena, entry->d_name)) {
            break;
        }
        entry = readdir(dir); /* NOLINT(concurrency-mt-unsafe): ours alone */
    }
    if (names.count > 0) {
        qsort(names.items, names.count, sizeof(*names.items), newest_first);
    }
    for (size_t i = (size_t)f->keep; i < names.count; i++) {
        (void)unlinkat(dirfd(dir), names.items[i].ptr, 0);
    }
    (void)closedir(dir);
}

bool folder_put(const struct folder *f, struct str file, struct str content, struct err *err)
{
    char base[LIMIT_PATH_BYTES + 1];
    char dir[LIMIT_PATH_BYTES + 1];
    char path[LIMIT_PATH_BYTES + 1];
    if (f->state_dir.len > LIMIT_PATH_BYTES) {
        return err_set(err, ERR_INVALID, "state_dir is too long");
    }
    (void)snprintf(base, sizeof(base), STR_FMT, STR_ARG(f->state_dir));
    if (!files_join(base, f->directory, dir, sizeof(dir), err) ||
        !files_make_dirs(dir, 0755, err) || !files_join(dir, file, path, sizeof(path), err) ||
        !files_write(path, content, 0644, err)) {
        return false;
    }
    delete_old(dir, f);
    return true;
}
