#include "hub/deploy/shelf.h"

#include "common/base/limits.h"
#include "common/tls/digest.h"
#include "common/yaml/yaml.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PACK_ARENA_BYTES = 16 << 20,
    YAML_ARENA_BYTES = LIMIT_DEFINITIONS_ARENA,
    CHUNK_BYTES = 64 << 10,
};

/* --- files ------------------------------------------------------------------------------------ */

static bool shelf_path(const struct hub_config *config, const char *folder, struct str name,
                       char ret[LIMIT_PATH_BYTES + 1], struct err *err)
{
    char dir[LIMIT_PATH_BYTES + 1];
    return hub_path(config, folder, dir, err) &&
           files_join(dir, name, ret, LIMIT_PATH_BYTES + 1, err);
}

static bool file_path(const struct hub_config *config, struct str sha256,
                      char ret[LIMIT_PATH_BYTES + 1], struct err *err)
{
    return bundle_hash_is_good(sha256)
               ? shelf_path(config, "bundles/files", sha256, ret, err)
               : err_set(err, ERR_INVALID, "a file is named by its SHA-256: 64 hex digits");
}

bool shelf_has_file(const struct hub_config *config, struct str sha256)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct err ignored = {0};
    return file_path(config, sha256, path, &ignored) && files_exist(path);
}

/* What has come of a file so far; the piece is the next one, or the first. */
static bool open_part(const char *part, const struct shelf_piece *piece, struct fd *ret,
                      struct err *err)
{
    struct stat found;
    int anew = piece->offset == 0 ? O_TRUNC : 0;
    ret->n = open(part, O_RDWR | O_CREAT | anew | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (ret->n < 0 || fstat(ret->n, &found) != 0) {
        return err_errno(err, errno, "write %s", part);
    }
    if (found.st_size == piece->offset) {
        return lseek(ret->n, 0, SEEK_END) >= 0 || err_errno(err, errno, "write %s", part);
    }
    (void)err_set(err, ERR_EXISTS, "of this file %lld bytes are here, not %lld",
                  (long long)found.st_size, (long long)piece->offset);
    return err_hint(err, "begin again at offset 0");
}

static bool hash_of(int fd, char ret[DIGEST_TEXT_SIZE], struct err *err)
{
    char chunk[CHUNK_BYTES];
    struct digest *digest = NULL;
    int64_t at = 0;
    ssize_t n = 0;
    if (!digest_open(&digest, err)) {
        return false;
    }
    while ((n = pread(fd, chunk, sizeof(chunk), at)) > 0) {
        digest_add(digest, (struct str){chunk, (size_t)n});
        at += n;
    }
    digest_end(digest, ret);
    digest_close(digest);
    return n == 0 || err_errno(err, errno, "read");
}

/* All of it has come. */
static bool end_file(int fd, const char *part, const char *place, struct str sha256,
                     struct err *err)
{
    char hash[DIGEST_TEXT_SIZE];
    if (fsync(fd) != 0) {
        return err_errno(err, errno, "write %s", part);
    }
    if (!hash_of(fd, hash, err)) {
        return false;
    }
    if (!str_eq(str_from(hash), sha256)) {
        (void)unlink(part);
        return err_set(err, ERR_INVALID, "what has come is not the file with the SHA-256 " STR_FMT,
                       STR_ARG(sha256));
    }
    return rename(part, place) == 0 || err_errno(err, errno, "write %s", place);
}

bool shelf_put_piece(const struct hub_config *config, const struct shelf_piece *piece,
                     bool *ret_whole, struct err *err)
{
    char dir[LIMIT_PATH_BYTES + 1];
    char part[LIMIT_PATH_BYTES + 1];
    char place[LIMIT_PATH_BYTES + 1];
    char name[sizeof(SHELF_PART) + BUNDLE_HASH_SIZE];
    AUTO(fd) to = {-1};
    int64_t end = piece->offset + (int64_t)piece->bytes.len;
    if (piece->offset < 0 || piece->size > BUNDLE_BYTES_MAX || end > piece->size) {
        return err_set(err, ERR_INVALID, "a file has at most %d bytes, and a piece is of it",
                       BUNDLE_BYTES_MAX);
    }
    if (!file_path(config, piece->sha256, place, err)) {
        return false;
    }
    *ret_whole = files_exist(place);
    if (*ret_whole) {
        return true;
    }
    (void)snprintf(name, sizeof(name), SHELF_PART STR_FMT, STR_ARG(piece->sha256));
    *ret_whole = end == piece->size;
    return hub_path(config, "bundles/files", dir, err) && files_make_dirs(dir, 0700, err) &&
           shelf_path(config, "bundles/files", str_from(name), part, err) &&
           open_part(part, piece, &to, err) && files_write_fd(to.n, piece->bytes, err) &&
           (!*ret_whole || end_file(to.n, part, place, piece->sha256, err));
}

/* --- a bundle of them ------------------------------------------------------------------------- */

/* What can be said of definitions without the agent's rules for them. */
static bool check_yaml(const char *path, const struct bundle_file *file, struct err *err)
{
    bool is_yaml = str_ends(file->path, STR(".yaml")) || str_ends(file->path, STR(".yml"));
    AUTO(arena) arena = arena_new(YAML_ARENA_BYTES);
    AUTO(buf) text = buf_growing(LIMIT_DEFINITIONS_BYTES);
    struct json *root = NULL;
    return !is_yaml || (files_read(path, &text, err) &&
                        yaml_parse(buf_str(&text), file->path, &arena, &root, err));
}

static bool check_file(const struct hub_config *config, const struct bundle_file *file,
                       struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct stat found;
    if (!file_path(config, file->sha256, path, err)) {
        return false;
    }
    if (stat(path, &found) != 0) {
        return err_set(err, ERR_NOT_FOUND, STR_FMT ": its content is not here",
                       STR_ARG(file->path));
    }
    if (found.st_size != file->size) {
        return err_set(err, ERR_INVALID, STR_FMT ": its content has %lld bytes",
                       STR_ARG(file->path), (long long)found.st_size);
    }
    return check_yaml(path, file, err);
}

static bool check_files(const struct hub_config *config, const struct bundle_manifest *manifest,
                        struct err *err)
{
    for (size_t i = 0; i < manifest->count; i++) {
        if (!check_file(config, &manifest->files[i], err)) {
            return false;
        }
    }
    return true;
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

/* The manifest's name appears last: what has a name is whole. Signed once: a device that has half of it
 * goes on with the same bytes. */
bool shelf_put_bundle(const struct hub_config *config, const struct shelf_signer *signer,
                      struct str manifest, struct shelf_packed *ret, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct bundle_manifest files;
    AUTO(arena) arena = arena_new(PACK_ARENA_BYTES);
    AUTO(buf) message = buf_growing(BUNDLE_SIGNED_BYTES);
    if (!bundle_manifest_decode(manifest, &arena, &files, err) ||
        !check_files(config, &files, err)) {
        return false;
    }
    digest_hex(manifest, ret->hash);
    ret->files = (int64_t)files.count;
    ret->bytes = files.bytes;
    return sync_folder(config, "bundles/files", err) &&
           shelf_path(config, "bundles", str_from(ret->hash), path, err) &&
           (files_exist(path) || (signed_make(signer->rng, signer->key, manifest, &message, err) &&
                                  files_write(path, buf_str(&message), 0600, err)));
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
    while (flock(lock.n, (is_prune ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
        if (errno != EINTR) {
            if (errno != EWOULDBLOCK) {
                return err_errno(err, errno, "lock %s", path);
            }
            (void)err_set(err, ERR_BUSY, "bundles are being packed or deleted right now");
            return err_hint(err, "try again in a moment");
        }
    }
    ret->n = fd_take(&lock);
    return true;
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
