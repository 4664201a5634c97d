#include "hub/deploy/shelf.h"

#include "common/base/limits.h"
#include "common/platform/files.h"
#include "common/tls/digest.h"
#include "common/yaml/yaml.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PACK_ARENA_BYTES = 16 << 20,
    YAML_ARENA_BYTES = LIMIT_DEFINITIONS_ARENA,
    CHUNK_BYTES = 64 << 10,
    FOLDERS_MAX = BUNDLE_FILES_MAX,
};

struct packing {
    const struct hub_config *config;
    const char *dir;
    struct arena arena;
    struct str folders[FOLDERS_MAX]; /* relative, found so far; the first is "" */
    size_t folder_count;
    struct bundle_file files[BUNDLE_FILES_MAX];
    struct bundle_manifest manifest;
    int64_t new_files;
};

/* --- what is there ---------------------------------------------------------------------------- */

static bool refuse_kind(struct str path, mode_t mode, struct err *err)
{
    (void)err_set(err, ERR_INVALID, STR_FMT ": it is %s, and a bundle has files alone",
                  STR_ARG(path), S_ISLNK(mode) ? "a link" : "neither a file nor a folder");
    return err_hint(err, "move it away, or begin its name with a dot: such names are left out");
}

static bool note_file(struct packing *p, struct str path, const struct stat *found, struct err *err)
{
    if (p->manifest.count == BUNDLE_FILES_MAX) {
        return err_set(err, ERR_FULL, "%s has more than %d files", p->dir, BUNDLE_FILES_MAX);
    }
    if (found->st_size > BUNDLE_BYTES_MAX) {
        return err_set(err, ERR_FULL, STR_FMT ": larger than the %d MiB of a bundle", STR_ARG(path),
                       BUNDLE_BYTES_MAX >> 20);
    }
    p->files[p->manifest.count++] =
        (struct bundle_file){.path = path, .is_executable = (found->st_mode & S_IXUSR) != 0};
    return true;
}

static bool note(struct packing *p, struct str folder, const char *name, struct err *err)
{
    char full[LIMIT_PATH_BYTES + 1];
    struct stat found;
    struct str path = folder.len == 0
                          ? arena_copy(&p->arena, str_from(name))
                          : arena_printf(&p->arena, STR_FMT "/%s", STR_ARG(folder), name);
    if (path.ptr == NULL) {
        return err_set(err, ERR_NO_MEMORY, "pack %s: out of memory", p->dir);
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

static bool list_folder(struct packing *p, struct str folder, struct err *err)
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

static bool list(struct packing *p, struct err *err)
{
    p->folders[p->folder_count++] = STR("");
    for (size_t i = 0; i < p->folder_count; i++) {
        if (!list_folder(p, p->folders[i], err)) {
            return false;
        }
    }
    p->manifest.files = p->files;
    qsort(p->files, p->manifest.count, sizeof(p->files[0]), compare_paths);
    if (bundle_manifest_find(&p->manifest, STR(BUNDLE_ENTRY)) != NULL) {
        return true;
    }
    (void)err_set(err, ERR_NOT_FOUND, "there is no " BUNDLE_ENTRY " in %s", p->dir);
    return err_hint(err, "a bundle is a folder of definitions, with " BUNDLE_ENTRY " in it");
}

/* --- taking it in ----------------------------------------------------------------------------- */

static bool shelf_path(const struct hub_config *config, const char *folder, struct str name,
                       char ret[LIMIT_PATH_BYTES + 1], struct err *err)
{
    char dir[LIMIT_PATH_BYTES + 1];
    return hub_path(config, folder, dir, err) &&
           files_join(dir, name, ret, LIMIT_PATH_BYTES + 1, err);
}

static bool copy(int from, int to, struct digest *digest, int64_t *ret_size, struct err *err)
{
    char chunk[CHUNK_BYTES];
    int64_t size = 0;
    for (;;) {
        ssize_t n = read(from, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return err_errno(err, errno, "read");
        }
        if (n == 0) {
            *ret_size = size;
            return fsync(to) == 0 || err_errno(err, errno, "write");
        }
        size += n;
        struct str bytes = {chunk, (size_t)n};
        digest_add(digest, bytes);
        if (size > BUNDLE_BYTES_MAX) {
            return err_set(err, ERR_FULL, "larger than the %d MiB of a bundle",
                           BUNDLE_BYTES_MAX >> 20);
        }
        if (!files_write_fd(to, bytes, err)) {
            return false;
        }
    }
}

static bool hash_into(int from, const char *part, struct bundle_file *file, struct arena *arena,
                      struct err *err)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t hash[DIGEST_BYTES];
    char text[BUNDLE_HASH_SIZE] = "";
    struct digest *digest = NULL;
    AUTO(fd) to = {open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (to.n < 0) {
        return err_errno(err, errno, "write %s", part);
    }
    bool ok = digest_open(&digest, err) && copy(from, to.n, digest, &file->size, err);
    if (ok) {
        digest_end(digest, hash);
        for (size_t i = 0; i < DIGEST_BYTES; i++) {
            text[2 * i] = digits[hash[i] >> 4];
            text[2 * i + 1] = digits[hash[i] & 15];
        }
        file->sha256 = arena_copy(arena, str_from(text));
        ok = file->sha256.ptr != NULL || err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    digest_close(digest);
    return ok;
}

static bool take_file(struct packing *p, struct bundle_file *file, struct err *err)
{
    char source[LIMIT_PATH_BYTES + 1];
    char part[LIMIT_PATH_BYTES + 1];
    char place[LIMIT_PATH_BYTES + 1];
    char name[64];
    (void)snprintf(name, sizeof(name), ".part-%ld", (long)getpid());
    if (!files_join(p->dir, file->path, source, sizeof(source), err) ||
        !shelf_path(p->config, "bundles/files", str_from(name), part, err)) {
        return false;
    }
    AUTO(fd) from = {open(source, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
    if (from.n < 0) {
        return err_errno(err, errno, "read %s", source);
    }
    bool ok = hash_into(from.n, part, file, &p->arena, err) &&
              shelf_path(p->config, "bundles/files", file->sha256, place, err);
    if (ok && !files_exist(place)) {
        p->new_files++;
        ok = rename(part, place) == 0 || err_errno(err, errno, "write %s", place);
    } else {
        (void)unlink(part);
    }
    return ok || err_wrap(err, STR_FMT, STR_ARG(file->path));
}

/* What can be said of definitions without the agent's rules for them. */
static bool check_yaml(const struct packing *p, const struct bundle_file *file, struct err *err)
{
    bool is_yaml = str_ends(file->path, STR(".yaml")) || str_ends(file->path, STR(".yml"));
    if (!is_yaml) {
        return true;
    }
    char place[LIMIT_PATH_BYTES + 1];
    AUTO(arena) arena = arena_new(YAML_ARENA_BYTES);
    AUTO(buf) text = buf_growing(LIMIT_DEFINITIONS_BYTES);
    struct json *root = NULL;
    return shelf_path(p->config, "bundles/files", file->sha256, place, err) &&
           files_read(place, &text, err) &&
           yaml_parse(buf_str(&text), file->path, &arena, &root, err);
}

static bool take_files(struct packing *p, struct err *err)
{
    for (size_t i = 0; i < p->manifest.count; i++) {
        if (!take_file(p, &p->files[i], err) || !check_yaml(p, &p->files[i], err)) {
            return false;
        }
        p->manifest.bytes += p->files[i].size;
        if (p->manifest.bytes > BUNDLE_BYTES_MAX) {
            (void)err_set(err, ERR_FULL, "the files in %s are larger than the %d MiB of a bundle",
                          p->dir, BUNDLE_BYTES_MAX >> 20);
            return err_hint(err, "bundles are definitions and small files; fetch data in a step");
        }
    }
    return true;
}

/* The manifest's name appears last: what has a name is whole. */
static bool put_manifest(const struct packing *p, const struct shelf_pack *pack,
                         struct shelf_packed *ret, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    AUTO(buf) body = buf_growing(BUNDLE_MANIFEST_BYTES);
    AUTO(buf) message = buf_growing(BUNDLE_SIGNED_BYTES);
    struct bundle_manifest again;
    AUTO(arena) arena = arena_new(PACK_ARENA_BYTES);
    bundle_manifest_encode(&p->manifest, &body);
    if (body.overflow) {
        return err_set(err, ERR_FULL, "the list of the files in %s is longer than %d bytes", p->dir,
                       BUNDLE_MANIFEST_BYTES);
    }
    digest_hex(buf_str(&body), ret->hash);
    ret->files = (int64_t)p->manifest.count;
    ret->bytes = p->manifest.bytes;
    ret->new_files = p->new_files;
    /* Signed once: a device that has half of it goes on with the same bytes. */
    return bundle_manifest_decode(buf_str(&body), &arena, &again, err) &&
           shelf_path(p->config, "bundles", str_from(ret->hash), path, err) &&
           (files_exist(path) ||
            (signed_make(pack->rng, pack->key, buf_str(&body), &message, err) &&
             files_write(path, buf_str(&message), 0600, err)));
}

static bool sync_folder(const struct hub_config *config, const char *name, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    if (!hub_path(config, name, path, err)) {
        return false;
    }
    AUTO(fd) folder = {open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    return (folder.n >= 0 && fsync(folder.n) == 0) || err_errno(err, errno, "write %s", path);
}

bool shelf_has_any(const struct hub_config *config)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct err ignored = {0};
    return hub_path(config, "bundles", path, &ignored) && files_exist(path);
}

bool shelf_hold(const struct hub_config *config, bool is_prune, struct fd *ret, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    if (!hub_path(config, "bundles/files", path, err) || !files_make_dirs(path, 0700, err) ||
        !hub_path(config, "bundles/.lock", path, err)) {
        return false;
    }
    AUTO(fd) lock = {open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (lock.n < 0) {
        return err_errno(err, errno, "open lock %s", path);
    }
    while (flock(lock.n, is_prune ? LOCK_EX | LOCK_NB : LOCK_SH) != 0) {
        if (errno != EINTR) {
            return errno == EWOULDBLOCK
                       ? err_set(err, ERR_BUSY, "bundles are being packed or deleted right now")
                       : err_errno(err, errno, "lock %s", path);
        }
    }
    ret->n = fd_take(&lock);
    return true;
}

bool shelf_add(const struct hub_config *config, const struct shelf_pack *pack,
               struct shelf_packed *ret, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct packing *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return err_set(err, ERR_NO_MEMORY, "pack %s: out of memory", pack->dir);
    }
    p->config = config;
    p->dir = pack->dir;
    p->arena = arena_new(PACK_ARENA_BYTES);
    bool ok = hub_path(config, "bundles/files", path, err) && files_make_dirs(path, 0700, err) &&
              list(p, err) && take_files(p, err) && sync_folder(config, "bundles/files", err) &&
              put_manifest(p, pack, ret, err);
    arena_release(&p->arena);
    free(p);
    return ok;
}

bool shelf_manifest(const struct hub_config *config, struct str hash, struct buf *text,
                    struct arena *arena, struct bundle_manifest *ret, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct str head = STR_NONE;
    struct str body = STR_NONE;
    if (!bundle_hash_is_good(hash)) {
        return err_set(err, ERR_NOT_FOUND, "this hub has no such bundle");
    }
    if (!shelf_path(config, "bundles", hash, path, err) || !files_read(path, text, err)) {
        return false;
    }
    (void)str_cut(buf_str(text), '\n', &head, &body); /* the signature's line is before it */
    return bundle_manifest_decode(body, arena, ret, err) || err_wrap(err, "%s", path);
}

/* --- giving it out ---------------------------------------------------------------------------- */

bool shelf_read(const struct hub_config *config, const struct bundle_want *want, struct buf *bytes,
                int64_t *ret_total, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct stat found;
    bool is_manifest = want->file.len == 0;
    if (!shelf_path(config, is_manifest ? "bundles" : "bundles/files",
                    is_manifest ? want->bundle : want->file, path, err)) {
        return false;
    }
    AUTO(fd) file = {open(path, O_RDONLY | O_CLOEXEC)};
    if (file.n < 0 || fstat(file.n, &found) != 0) {
        return errno == ENOENT ? err_set(err, ERR_NOT_FOUND, "this hub has no such %s",
                                         is_manifest ? "bundle" : "file")
                               : err_errno(err, errno, "read %s", path);
    }
    char *into = buf_reserve(bytes, (size_t)want->max);
    ssize_t n = into == NULL ? 0 : pread(file.n, into, (size_t)want->max, want->offset);
    if (into == NULL || n < 0) {
        return into == NULL ? err_set(err, ERR_NO_MEMORY, "read %s: out of memory", path)
                            : err_errno(err, errno, "read %s", path);
    }
    bytes->len += (size_t)n;
    *ret_total = found.st_size;
    return true;
}
