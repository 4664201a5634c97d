/* incoming.c - a bundle that is coming in: its manifest, then its files in the manifest's order. Only
 * the last file that was begun can be short; all before it were verified and synced. */
#include "agent/bundle/folder_internal.h"

#include "common/base/limits.h"
#include "common/tls/digest.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    MANIFEST_ARENA_BYTES = 2 << 20,
    CHUNK_BYTES = 32 << 10,
    DISK_RESERVE_BYTES = 4 << 20, /* stays free for the database */
};

/* A manifest as it lies on disk. */
struct listing {
    struct buf text;
    struct arena arena;
    struct bundle_manifest manifest;
    bool is_read;
};

struct incoming {
    char state_dir[LIMIT_PATH_BYTES + 1];
    char hash[BUNDLE_HASH_SIZE];
    char base[BUNDLE_HASH_SIZE];
    char part[LIMIT_PATH_BYTES + 1];
    char manifest_path[LIMIT_PATH_BYTES + 1];
    struct str keys;
    int64_t bytes_max;
    struct listing list;
    struct listing base_list;
    size_t next;  /* file that is worked on */
    struct fd fd; /* of it, while bytes of it are fetched */
    int64_t have; /* bytes of it */
    int64_t unsynced;
    int spoilt; /* times that a file was not what its hash says */
    struct incoming_progress progress;
};

static void listing_release(struct listing *list)
{
    buf_release(&list->text);
    arena_release(&list->arena);
}

static struct listing listing_new(void)
{
    return (struct listing){.text = buf_growing(BUNDLE_SIGNED_BYTES),
                            .arena = arena_new(MANIFEST_ARENA_BYTES)};
}

/* --- manifest --------------------------------------------------------------------------------- */

static bool check_hash(struct str body, const char *hash, struct err *err)
{
    char found[BUNDLE_HASH_SIZE];
    digest_hex(body, found);
    return strcmp(found, hash) == 0 ||
           err_set(err, ERR_DENIED, "its manifest is that of another bundle, %.16s...", found);
}

static bool check_room(const struct incoming *in, struct err *err)
{
    struct statvfs disk;
    int64_t bytes = in->list.manifest.bytes;
    if (bytes > in->bytes_max) {
        (void)err_set(err, ERR_INVALID, "it has %lld bytes, more than this device takes (%lld)",
                      (long long)bytes, (long long)in->bytes_max);
        return err_hint(err, "make it smaller, or raise bundle_quota in agent.yaml");
    }
    if (statvfs(in->part, &disk) != 0) {
        return err_errno(err, errno, "look at %s", in->part);
    }
    int64_t room = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
    return room >= bytes + DISK_RESERVE_BYTES ||
           err_set(err, ERR_FULL, "it needs %lld bytes and 4 MiB, and the disk has %lld free",
                   (long long)bytes, (long long)room);
}

static bool read_manifest(struct incoming *in, struct err *err)
{
    char key[KEY_ID_SIZE];
    struct str body = STR_NONE;
    arena_reset(&in->list.arena);
    bool ok = signed_open(buf_str(&in->list.text), in->keys, &body, key, err) &&
              check_hash(body, in->hash, err) &&
              bundle_manifest_decode(body, &in->list.arena, &in->list.manifest, err);
    in->list.is_read = ok;
    in->progress.bytes_total = ok ? in->list.manifest.bytes : 0;
    return ok && check_room(in, err);
}

/* What a bundle here has; nothing when it cannot be read: then all is fetched. */
static void read_base(struct incoming *in)
{
    struct err err = {0};
    char path[LIMIT_PATH_BYTES + 1];
    struct str line = STR_NONE;
    struct str body = STR_NONE;
    struct listing *list = &in->base_list;
    list->is_read =
        folder_is_whole(in->state_dir, str_from(in->base)) &&
        folder_path(in->state_dir, str_from(in->base), ".manifest", path, sizeof(path), &err) &&
        files_read(path, &list->text, &err) && str_cut(buf_str(&list->text), '\n', &line, &body) &&
        bundle_manifest_decode(body, &list->arena, &list->manifest, &err);
}

static bool append_manifest(struct incoming *in, struct str bytes, struct err *err)
{
    AUTO(fd) fd = {open(in->manifest_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
    if (fd.n < 0) {
        return err_errno(err, errno, "write %s", in->manifest_path);
    }
    return files_write_fd(fd.n, bytes, err) &&
           (fsync(fd.n) == 0 || err_errno(err, errno, "write %s", in->manifest_path));
}

/* It is fetched anew; false, with the error as it is, when that was tried often enough. */
static bool forget_manifest(struct incoming *in)
{
    buf_reset(&in->list.text);
    (void)unlink(in->manifest_path);
    return ++in->spoilt < FOLDER_SPOILT_MAX;
}

static bool add_manifest(struct incoming *in, const struct bundle_piece *piece, struct err *err)
{
    if (!append_manifest(in, piece->bytes, err)) {
        return false;
    }
    buf_add(&in->list.text, piece->bytes);
    if (in->list.text.overflow) {
        return err_set(err, ERR_INVALID, "its manifest is longer than %d bytes",
                       BUNDLE_SIGNED_BYTES);
    }
    if ((int64_t)in->list.text.len < piece->total || read_manifest(in, err)) {
        return true;
    }
    return !in->list.is_read && forget_manifest(in);
}

/* --- files ------------------------------------------------------------------------------------ */

/* Reads `from` to its end, into `to` where that is a descriptor, and compares. */
static bool pass_through(int from, int to, const struct bundle_file *file, bool *ret_is_same,
                         struct err *err)
{
    char chunk[CHUNK_BYTES];
    char hash[DIGEST_TEXT_SIZE];
    struct digest *digest = NULL;
    int64_t size = 0;
    if (!digest_open(&digest, err)) {
        return false;
    }
    bool ok = true;
    ssize_t n = 1;
    while (ok && n > 0 && size <= file->size) {
        n = read(from, chunk, sizeof(chunk));
        struct str bytes = {chunk, n > 0 ? (size_t)n : 0};
        size += (int64_t)bytes.len;
        digest_add(digest, bytes);
        ok = n >= 0 ? to < 0 || files_write_fd(to, bytes, err) : err_errno(err, errno, "read");
    }
    digest_end(digest, hash);
    digest_close(digest);
    *ret_is_same = size == file->size && str_eq(str_from(hash), file->sha256);
    return ok;
}

static const struct bundle_file *file_now(const struct incoming *in)
{
    return &in->list.manifest.files[in->next];
}

static bool file_path(const char *dir, const struct bundle_file *file,
                      char ret[LIMIT_PATH_BYTES + 1], struct err *err)
{
    return files_join(dir, file->path, ret, LIMIT_PATH_BYTES + 1, err);
}

static bool make_parents(const char *path, struct err *err)
{
    char parent[LIMIT_PATH_BYTES + 1];
    struct str folder = STR_NONE;
    struct str name = STR_NONE;
    (void)str_cut_last(str_from(path), '/', &folder, &name);
    (void)snprintf(parent, sizeof(parent), STR_FMT, STR_ARG(folder));
    return files_make_dirs(parent, 0755, err);
}

static bool open_file(struct incoming *in, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct stat found;
    if (in->fd.n >= 0) {
        return true;
    }
    if (!file_path(in->part, file_now(in), path, err) || !make_parents(path, err)) {
        return false;
    }
    in->fd.n = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (in->fd.n < 0 || fstat(in->fd.n, &found) != 0) {
        return err_errno(err, errno, "write %s", path);
    }
    in->have = found.st_size;
    return true;
}

static bool begin_again(struct incoming *in, struct err *err)
{
    in->have = 0;
    return ftruncate(in->fd.n, 0) == 0 || err_errno(err, errno, "empty a file");
}

static bool end_file(struct incoming *in, struct err *err)
{
    mode_t mode = file_now(in)->is_executable ? 0755 : 0644;
    if (fchmod(in->fd.n, mode) != 0 || fsync(in->fd.n) != 0) {
        return err_errno(err, errno, "write a file of the bundle");
    }
    in->progress.bytes += file_now(in)->size;
    in->next++;
    in->have = 0;
    in->unsynced = 0;
    fd_release(&in->fd);
    in->fd.n = -1;
    return true;
}

/* All bytes are here: what they are shows now. */
static bool verify_file(struct incoming *in, struct err *err)
{
    bool is_same = false;
    if (lseek(in->fd.n, 0, SEEK_SET) != 0) {
        return err_errno(err, errno, "read a file of the bundle");
    }
    if (!pass_through(in->fd.n, -1, file_now(in), &is_same, err)) {
        return false;
    }
    if (is_same) {
        return end_file(in, err);
    }
    if (++in->spoilt >= FOLDER_SPOILT_MAX) {
        return err_set(err, ERR_CORRUPT, STR_FMT ": it came %d times with another content",
                       STR_ARG(file_now(in)->path), FOLDER_SPOILT_MAX);
    }
    return begin_again(in, err);
}

static const struct bundle_file *find_content(const struct bundle_manifest *m, size_t count,
                                              const struct bundle_file *file)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(m->files[i].sha256, file->sha256) && m->files[i].size == file->size) {
            return &m->files[i];
        }
    }
    return NULL;
}

static bool copy_from(struct incoming *in, const char *dir, const struct bundle_file *from,
                      bool *ret_done, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    if (!file_path(dir, from, path, err)) {
        return false;
    }
    AUTO(fd) source = {open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
    if (source.n < 0) {
        return true; /* fetched, then */
    }
    if (!pass_through(source.n, in->fd.n, file_now(in), ret_done, err)) {
        return false;
    }
    if (!*ret_done) {
        return begin_again(in, err) &&
               (lseek(in->fd.n, 0, SEEK_SET) == 0 || err_errno(err, errno, "write a file"));
    }
    in->progress.copied += from->size;
    return end_file(in, err);
}

/* From this bundle's own files, or from those of the one before it. */
static bool copy_file(struct incoming *in, bool *ret_done, struct err *err)
{
    const struct bundle_file *own = find_content(&in->list.manifest, in->next, file_now(in));
    const struct bundle_file *other =
        in->base_list.is_read
            ? find_content(&in->base_list.manifest, in->base_list.manifest.count, file_now(in))
            : NULL;
    char dir[LIMIT_PATH_BYTES + 1];
    if (own != NULL) {
        return copy_from(in, in->part, own, ret_done, err);
    }
    return other == NULL ||
           (folder_path(in->state_dir, str_from(in->base), "", dir, sizeof(dir), err) &&
            copy_from(in, dir, other, ret_done, err));
}

/* *ret_piece: bytes of the file are to be fetched. */
static bool work_on_file(struct incoming *in, bool *ret_piece, struct err *err)
{
    bool is_done = false;
    *ret_piece = false;
    if (!open_file(in, err)) {
        return false;
    }
    if (in->have == 0 && file_now(in)->size > 0 && !copy_file(in, &is_done, err)) {
        return false;
    }
    if (is_done) {
        return true;
    }
    if (in->have > file_now(in)->size) {
        return begin_again(in, err);
    }
    if (in->have == file_now(in)->size) {
        return verify_file(in, err);
    }
    *ret_piece = true;
    return true;
}

/* Every folder that a file lies in; those of the file before it were done. */
static bool sync_folders(const struct incoming *in, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    struct str before = STR("");
    for (size_t i = 0; i < in->list.manifest.count; i++) {
        struct str file = in->list.manifest.files[i].path;
        struct str rest = file;
        struct str folder = STR_NONE;
        struct str name = STR_NONE;
        for (; str_cut_last(rest, '/', &folder, &name); rest = folder) {
            bool is_done = str_starts(before, str_slice(file, 0, folder.len + 1));
            if (!is_done && (!files_join(in->part, folder, path, sizeof(path), err) ||
                             !folder_sync(path, err))) {
                return false;
            }
        }
        before = file;
    }
    return folder_sync(in->part, err);
}

static bool finish(struct incoming *in, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    char bundles[LIMIT_PATH_BYTES + 1];
    if (!sync_folders(in, err) ||
        !folder_path(in->state_dir, str_from(in->hash), "", path, sizeof(path), err) ||
        !folder_path(in->state_dir, STR(""), "", bundles, sizeof(bundles), err)) {
        return false;
    }
    if (rename(in->part, path) != 0) {
        return err_errno(err, errno, "name %s", path);
    }
    return folder_sync(bundles, err);
}

/* --- life ------------------------------------------------------------------------------------- */

static bool find_paths(struct incoming *in, const struct incoming_options *o, struct err *err)
{
    struct str hash = o->hash;
    if (!bundle_hash_is_good(hash)) {
        return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no bundle's hash",
                       STR_ARG(str_clip(hash, 80)));
    }
    (void)snprintf(in->state_dir, sizeof(in->state_dir), "%s", o->state_dir);
    (void)snprintf(in->hash, sizeof(in->hash), STR_FMT, STR_ARG(hash));
    (void)snprintf(in->base, sizeof(in->base), STR_FMT, STR_ARG(o->base));
    return folder_path(o->state_dir, hash, ".part", in->part, sizeof(in->part), err) &&
           folder_path(o->state_dir, hash, ".manifest", in->manifest_path,
                       sizeof(in->manifest_path), err) &&
           files_make_dirs(in->part, 0755, err);
}

static bool look_at_manifest(struct incoming *in, struct err *err)
{
    struct err why = {0};
    if (!files_read(in->manifest_path, &in->list.text, &why)) {
        buf_reset(&in->list.text);
        return why.code == ERR_NOT_FOUND || forget_manifest(in);
    }
    if (read_manifest(in, &why) || !in->list.is_read) {
        return true; /* whole, or the beginning of one */
    }
    *err = why;
    return false;
}

bool incoming_open(struct incoming **ret, const struct incoming_options *options, struct err *err)
{
    struct incoming *in = calloc(1, sizeof(*in));
    if (in == NULL) {
        return err_set(err, ERR_NO_MEMORY, "take a bundle in: out of memory");
    }
    in->fd.n = -1;
    in->keys = options->keys;
    in->bytes_max = options->bytes_max;
    in->list = listing_new();
    in->base_list = listing_new();
    if (!find_paths(in, options, err) || !look_at_manifest(in, err)) {
        incoming_close(in);
        return false;
    }
    read_base(in);
    *ret = in;
    return true;
}

void incoming_close(struct incoming *in)
{
    if (in == NULL) {
        return;
    }
    fd_release(&in->fd);
    listing_release(&in->list);
    listing_release(&in->base_list);
    free(in);
}

bool incoming_next(struct incoming *in, enum incoming_need *ret, struct bundle_want *ret_want,
                   struct err *err)
{
    bool needs_piece = false;
    *ret_want = (struct bundle_want){.bundle = str_from(in->hash)};
    *ret = INCOMING_PIECE;
    if (!in->list.is_read) {
        ret_want->offset = (int64_t)in->list.text.len;
        return true;
    }
    if (in->next == in->list.manifest.count) {
        *ret = INCOMING_WHOLE;
        return finish(in, err);
    }
    if (!work_on_file(in, &needs_piece, err)) {
        return false;
    }
    if (!needs_piece) {
        *ret = INCOMING_WORK;
        return true;
    }
    ret_want->file = file_now(in)->sha256;
    ret_want->offset = in->have;
    return true;
}

static bool add_to_file(struct incoming *in, const struct bundle_piece *piece, struct err *err)
{
    if (lseek(in->fd.n, in->have, SEEK_SET) < 0) {
        return err_errno(err, errno, "write a file of the bundle");
    }
    if (!files_write_fd(in->fd.n, piece->bytes, err)) {
        return false;
    }
    in->have += (int64_t)piece->bytes.len;
    in->unsynced += (int64_t)piece->bytes.len;
    if (in->unsynced < FOLDER_SYNC_BYTES) {
        return true;
    }
    in->unsynced = 0;
    return fsync(in->fd.n) == 0 || err_errno(err, errno, "write a file of the bundle");
}

bool incoming_add(struct incoming *in, const struct bundle_piece *piece, bool *ret_taken,
                  struct err *err)
{
    *ret_taken = false;
    if (!str_eq(piece->bundle, str_from(in->hash))) {
        return true;
    }
    if (!in->list.is_read) {
        *ret_taken = piece->file.len == 0 && piece->offset == (int64_t)in->list.text.len;
        in->progress.fetched += *ret_taken ? (int64_t)piece->bytes.len : 0;
        return !*ret_taken || add_manifest(in, piece, err);
    }
    *ret_taken = in->fd.n >= 0 && in->next < in->list.manifest.count &&
                 str_eq(piece->file, file_now(in)->sha256) && piece->offset == in->have &&
                 piece->total == file_now(in)->size;
    in->progress.fetched += *ret_taken ? (int64_t)piece->bytes.len : 0;
    return !*ret_taken || add_to_file(in, piece, err);
}

struct incoming_progress incoming_progress(const struct incoming *in)
{
    struct incoming_progress progress = in->progress;
    progress.bytes += in->have;
    progress.files = (int64_t)in->next;
    return progress;
}
