/* folder.c - where bundles are, and what is deleted. */
#include "agent/bundle/folder.h"

#include "agent/bundle/folder_internal.h"
#include "common/base/limits.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

bool folder_path(const char *state_dir, struct str hash, const char *name, char ret[], size_t size,
                 struct err *err)
{
    int len = snprintf(ret, size, "%s/bundles/" STR_FMT "%s%s", state_dir, STR_ARG(hash),
                       name[0] == '\0' || name[0] == '.' ? "" : "/", name);
    return (len > 0 && (size_t)len < size) ||
           err_set(err, ERR_INVALID, "%s/bundles: the path is too long", state_dir);
}

bool folder_sync(const char *path, struct err *err)
{
    AUTO(fd) folder = {open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    return (folder.n >= 0 && fsync(folder.n) == 0) || err_errno(err, errno, "write %s", path);
}

bool folder_is_whole(const char *state_dir, struct str hash)
{
    struct err err = {0};
    char path[LIMIT_PATH_BYTES + 1];
    char manifest[LIMIT_PATH_BYTES + 1];
    return bundle_hash_is_good(hash) &&
           folder_path(state_dir, hash, "", path, sizeof(path), &err) &&
           folder_path(state_dir, hash, ".manifest", manifest, sizeof(manifest), &err) &&
           files_exist(path) && files_exist(manifest);
}

struct keeping {
    struct str whole, whole_too, coming;
};

static bool is_kept(const struct keeping *k, struct str name)
{
    struct str hash = STR_NONE;
    struct str kind = STR_NONE;
    (void)str_cut(name, '.', &hash, &kind);
    bool is_whole = str_eq(hash, k->whole) || str_eq(hash, k->whole_too);
    bool is_coming = str_eq(hash, k->coming);
    if (str_is_empty(hash)) {
        return true; /* "." and ".." */
    }
    if (str_eq(kind, STR("manifest"))) {
        return is_whole || is_coming;
    }
    return str_eq(kind, STR("part")) ? is_coming : str_is_empty(kind) && is_whole;
}

/* It loses its name first: half of one is never taken for a whole one. */
static bool delete (const char *dir, const char *name, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    char gone[LIMIT_PATH_BYTES + 8];
    if (!files_join(dir, str_from(name), path, sizeof(path), err)) {
        return false;
    }
    (void)snprintf(gone, sizeof(gone), "%s.gone", path);
    bool is_gone = str_ends(str_from(name), STR(".gone"));
    if (!is_gone && rename(path, gone) != 0) {
        return err_errno(err, errno, "delete %s", path);
    }
    return files_remove_tree(is_gone ? path : gone, err);
}

static bool delete_one(const char *dir, const struct keeping *k, bool *ret_found, struct err *err)
{
    DIR *stream = opendir(dir);
    *ret_found = false;
    if (stream == NULL) {
        return errno == ENOENT || err_errno(err, errno, "open %s", dir);
    }
    bool ok = true;
    const struct dirent *entry = NULL;
    while (!*ret_found && (entry = readdir(stream)) != NULL) { /* NOLINT(concurrency-mt-unsafe) */
        if (!is_kept(k, str_from(entry->d_name))) {
            *ret_found = true;
            ok = delete (dir, entry->d_name, err);
        }
    }
    (void)closedir(stream);
    return ok;
}

bool folder_clear(const char *state_dir, struct str keep, struct str keep_too,
                  struct str keep_coming, struct err *err)
{
    const struct keeping k = {keep, keep_too, keep_coming};
    char dir[LIMIT_PATH_BYTES + 1];
    bool found = true;
    if (!folder_path(state_dir, STR(""), "", dir, sizeof(dir), err)) {
        return false;
    }
    while (found) {
        if (!delete_one(dir, &k, &found, err)) {
            return false;
        }
    }
    return true;
}
