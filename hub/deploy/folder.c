#include "hub/deploy/folder.h"

#include "common/base/limits.h"
#include "common/tls/digest.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK_BYTES = 64 << 10, FOLDERS_MAX = BUNDLE_FILES_MAX };

struct reading {
    const char *dir;
    struct arena *arena;
    struct str *folders; /* relative, found so far; the first is "" */
    size_t folder_count;
    struct bundle_manifest *manifest;
};

/* --- what is there ---------------------------------------------------------------------------- */

static bool refuse_kind(struct str path, mode_t mode, struct err *err)
{
    (void)err_set(err, ERR_INVALID, STR_FMT ": it is %s, and a bundle has files alone",
                  STR_ARG(path), S_ISLNK(mode) ? "a link" : "neither a file nor a folder");
    return err_hint(err, "move it away, or begin its name with a dot: such names are left out");
}

static bool note_file(struct reading *p, struct str path, const struct stat *found, struct err *err)
{
    if (p->manifest->count == BUNDLE_FILES_MAX) {
        return err_set(err, ERR_FULL, "%s has more than %d files", p->dir, BUNDLE_FILES_MAX);
    }
    if (found->st_size > BUNDLE_BYTES_MAX) {
        return err_set(err, ERR_FULL, STR_FMT ": larger than the %d MiB of a bundle", STR_ARG(path),
                       BUNDLE_BYTES_MAX >> 20);
    }
    p->manifest->files[p->manifest->count++] =
        (struct bundle_file){.path = path, .is_executable = (found->st_mode & S_IXUSR) != 0};
    return true;
}

static bool note(struct reading *p, struct str folder, const char *name, struct err *err)
{
    char full[LIMIT_PATH_BYTES + 1];
    struct stat found;
    struct str path = folder.len == 0
                          ? arena_copy(p->arena, str_from(name))
                          : arena_printf(p->arena, STR_FMT "/%s", STR_ARG(folder), name);
    if (path.ptr == NULL) {
        return err_set(err, ERR_NO_MEMORY, "read %s: out of memory", p->dir);
    }
    if (!bundle_path_is_good(path)) {
        (void)err_set(err, ERR_INVALID, STR_FMT ": such a name may not be in a bundle",
                      STR_ARG(str_clip(path, BUNDLE_PATH_BYTES)));
        return err_hint(err, "up to %d bytes of UTF-8 in %d folders, no quotes, no backslashes",
                        BUNDLE_PATH_BYTES, BUNDLE_PATH_PARTS);
    }
    if (!files_join(p->dir, path, full, sizeof(full), err)) {
        return false;
    }
    if (lstat(full, &found) != 0) {
        return err_errno(err, errno, "look at %s", full);
    }
    if (S_ISREG(found.st_mode)) {
        return note_file(p, path, &found, err);
    }
    if (!S_ISDIR(found.st_mode)) {
        return refuse_kind(path, found.st_mode, err);
    }
    if (p->folder_count == FOLDERS_MAX) {
        return err_set(err, ERR_FULL, "%s has more than %d folders", p->dir, FOLDERS_MAX);
    }
    p->folders[p->folder_count++] = path;
    return true;
}

static bool list_folder(struct reading *p, struct str folder, struct err *err)
{
    char full[LIMIT_PATH_BYTES + 1];
    if (!files_join(p->dir, folder.len == 0 ? STR(".") : folder, full, sizeof(full), err)) {
        return false;
    }
    DIR *stream = opendir(full);
    if (stream == NULL) {
        return err_errno(err, errno, "open %s", full);
    }
    const struct dirent *entry = NULL;
    bool ok = true;
    while (ok && (errno = 0, entry = readdir(stream)) != NULL) { /* NOLINT(concurrency-mt-unsafe) */
        ok = entry->d_name[0] == '.' || note(p, folder, entry->d_name, err);
    }
    if (ok && errno != 0) {
        ok = err_errno(err, errno, "read %s", full);
    }
    (void)closedir(stream);
    return ok;
}

static int compare_paths(const void *a, const void *b)
{
    return str_cmp(((const struct bundle_file *)a)->path, ((const struct bundle_file *)b)->path);
}

static bool list(struct reading *p, struct err *err)
{
    p->folders[p->folder_count++] = STR("");
    for (size_t i = 0; i < p->folder_count; i++) {
        if (!list_folder(p, p->folders[i], err)) {
            return false;
        }
    }
    qsort(p->manifest->files, p->manifest->count, sizeof(p->manifest->files[0]), compare_paths);
    if (bundle_manifest_find(p->manifest, STR(BUNDLE_ENTRY)) != NULL) {
        return true;
    }
    (void)err_set(err, ERR_NOT_FOUND, "there is no " BUNDLE_ENTRY " in %s", p->dir);
    return err_hint(err, "a bundle is a folder of definitions, with " BUNDLE_ENTRY " in it");
}

/* --- what is in them ---------------------------------------------------------------------------- */

static bool open_file(const char *dir, struct str path, struct fd *ret, struct err *err)
{
    char full[LIMIT_PATH_BYTES + 1];
    if (!files_join(dir, path, full, sizeof(full), err)) {
        return false;
    }
    ret->n = open(full, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    return ret->n >= 0 || err_errno(err, errno, "read %s", full);
}

static bool add_all(int from, struct digest *digest, int64_t *ret_size, struct err *err)
{
    char chunk[CHUNK_BYTES];
    *ret_size = 0;
    for (;;) {
        ssize_t n = read(from, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n == 0 || err_errno(err, errno, "read");
        }
        *ret_size += n;
        digest_add(digest, (struct str){chunk, (size_t)n});
        if (*ret_size > BUNDLE_BYTES_MAX) {
            return err_set(err, ERR_FULL, "larger than the %d MiB of a bundle",
                           BUNDLE_BYTES_MAX >> 20);
        }
    }
}

static bool hash_file(const struct reading *p, struct bundle_file *file, struct err *err)
{
    char hash[DIGEST_TEXT_SIZE];
    struct digest *digest = NULL;
    AUTO(fd) from = {-1};
    bool ok = open_file(p->dir, file->path, &from, err) && digest_open(&digest, err) &&
              add_all(from.n, digest, &file->size, err);
    if (ok) {
        digest_end(digest, hash);
        file->sha256 = arena_copy(p->arena, str_from(hash));
        ok = file->sha256.ptr != NULL || err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    digest_close(digest);
    return ok || err_wrap(err, STR_FMT, STR_ARG(file->path));
}

static bool hash_all(const struct reading *p, struct err *err)
{
    struct bundle_manifest *m = p->manifest;
    for (size_t i = 0; i < m->count; i++) {
        if (!hash_file(p, &m->files[i], err)) {
            return false;
        }
        m->bytes += m->files[i].size;
        if (m->bytes > BUNDLE_BYTES_MAX) {
            (void)err_set(err, ERR_FULL, "the files in %s are larger than the %d MiB of a bundle",
                          p->dir, BUNDLE_BYTES_MAX >> 20);
            return err_hint(err, "bundles are definitions and small files; fetch data in a step");
        }
    }
    return true;
}

bool folder_read(const char *dir, struct arena *arena, struct bundle_manifest *ret, struct err *err)
{
    struct reading p = {.dir = dir, .arena = arena, .manifest = ret};
    *ret = (struct bundle_manifest){.files =
                                        arena_array(arena, BUNDLE_FILES_MAX, sizeof(*ret->files))};
    p.folders = arena_array(arena, FOLDERS_MAX, sizeof(*p.folders));
    if (ret->files == NULL || p.folders == NULL) {
        return err_set(err, ERR_NO_MEMORY, "read %s: out of memory", dir);
    }
    return list(&p, err) && hash_all(&p, err);
}

bool folder_read_piece(const char *dir, const struct bundle_file *file, int64_t offset,
                       struct buf *bytes, struct err *err)
{
    AUTO(fd) from = {-1};
    size_t max = bytes->max - bytes->len;
    if (!open_file(dir, file->path, &from, err)) {
        return false;
    }
    max = (int64_t)max < file->size - offset ? max : (size_t)(file->size - offset);
    char *into = buf_reserve(bytes, max);
    ssize_t n = into == NULL ? 0 : pread(from.n, into, max, offset);
    if (n < 0) {
        return err_errno(err, errno, "read " STR_FMT, STR_ARG(file->path));
    }
    if ((size_t)n < max) {
        return err_set(err, ERR_INVALID, STR_FMT " is being changed: it became shorter",
                       STR_ARG(file->path));
    }
    bytes->len += (size_t)n;
    return true;
}
