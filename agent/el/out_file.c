#include "agent/el/out_file.h"

#include "agent/el/hash.h"
#include "common/base/limits.h"
#include "common/gzip/gzip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NUMBERED_MAX = 9999, TAIL_BYTES = 1024 };

bool out_file_init(struct out_file *f, const char *path, bool is_packed, struct arena *arena,
                   struct err *err)
{
    *f = (struct out_file){.path = path,
                           .new_path = arena_printf(arena, "%s.new", path).ptr,
                           .is_packed = is_packed,
                           .fd = {-1},
                           .text = buf_growing((size_t)LIMIT_SINGER_LINE_BYTES * 2),
                           .packed = buf_growing((size_t)LIMIT_SINGER_LINE_BYTES * 2)};
    return f->new_path != NULL || err_set(err, ERR_NO_MEMORY, "no memory for names");
}

bool out_file_is_open(const struct out_file *f)
{
    return f->fd.n >= 0;
}

void out_file_release(struct out_file *f)
{
    if (f->is_new && out_file_is_open(f)) {
        (void)unlink(f->new_path);
    }
    fd_release(&f->fd);
    gzip_close(f->gzip);
    buf_release(&f->text);
    buf_release(&f->packed);
    f->gzip = NULL;
}

static bool open_file(struct out_file *f, const char *path, int flags, struct stat *st,
                      struct err *err)
{
    f->fd.n = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | flags, 0644);
    if (f->fd.n < 0) {
        err_errno(err, errno, "open %s", path);
        return err_hint(err,
                        "the folder must be there, and this user must be allowed to write in it");
    }
    if (fstat(f->fd.n, st) != 0 || !S_ISREG(st->st_mode)) {
        return err_set(err, ERR_INVALID, "%s is not a regular file", path);
    }
    return true;
}

/* Packed rows behind plain ones, or the other way round, nobody could read. */
static bool check_packing(const struct out_file *f, struct err *err)
{
    char magic[GZIP_MAGIC_BYTES];
    ssize_t n = pread(f->fd.n, magic, sizeof(magic), 0);
    bool is_packed = n > 0 && gzip_is((struct str){magic, (size_t)n});
    if (n <= 0 || is_packed == f->is_packed) {
        return n >= 0 || err_errno(err, errno, "read %s", f->path);
    }
    err_set(err, ERR_EXISTS, "%s is %s", f->path, is_packed ? "packed (gzip)" : "not packed");
    return err_hint(err, "change \"compress\", or choose another path");
}

/* The hash of up to TAIL_BYTES before `size`. */
static bool read_tail(int fd, int64_t size, uint64_t *ret, struct err *err)
{
    char bytes[TAIL_BYTES];
    size_t want = size < TAIL_BYTES ? (size_t)size : TAIL_BYTES;
    size_t len = 0;
    while (len < want) {
        ssize_t n = pread(fd, bytes + len, want - len, size - (int64_t)(want - len));
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return err_errno(err, n == 0 ? EIO : errno, "read what was written");
        }
        len += n > 0 ? (size_t)n : 0;
    }
    *ret = hash64_of((struct str){bytes, len});
    return true;
}

bool out_file_append(struct out_file *f, int64_t size, uint64_t tail, bool *ret_is_other,
                     struct err *err)
{
    struct stat st;
    if (!open_file(f, f->path, 0, &st, err)) {
        return false;
    }
    bool is_other = size < 0 || st.st_size < size;
    f->size = is_other ? st.st_size : size;
    if (!read_tail(f->fd.n, f->size, &f->tail, err)) {
        return false;
    }
    if (!is_other && f->tail != tail) {
        is_other = true;
        f->size = st.st_size;
        if (!read_tail(f->fd.n, f->size, &f->tail, err)) {
            return false;
        }
    }
    if (ftruncate(f->fd.n, f->size) != 0 || lseek(f->fd.n, f->size, SEEK_SET) < 0) {
        return err_errno(err, errno, "cut %s to %lld bytes", f->path, (long long)f->size);
    }
    *ret_is_other = is_other;
    return check_packing(f, err);
}

bool out_file_create(struct out_file *f, struct err *err)
{
    struct stat st;
    fd_release(&f->fd);
    f->is_new = true;
    f->size = 0;
    return open_file(f, f->new_path, O_TRUNC, &st, err);
}

static bool write_all(struct out_file *f, struct buf *from, struct err *err)
{
    struct str left = buf_str(from);
    while (left.len > 0) {
        ssize_t n = write(f->fd.n, left.ptr, left.len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            int reason = errno;
            err_errno(err, reason, "write %s", f->path);
            if (reason == EFBIG || reason == EDQUOT) {
                err->code = ERR_FULL; /* a limit of the file or the user, not of the disk */
            }
            return err_hint(
                err, "free disk space; the file is put back to its last commit by the next run");
        }
        left = str_slice(left, (size_t)n, left.len);
        f->size += n;
    }
    buf_reset(from);
    return true;
}

static bool write_text(struct out_file *f, struct err *err)
{
    if (!f->is_packed) {
        return write_all(f, &f->text, err);
    }
    if (f->gzip == NULL && !gzip_open(&f->gzip, err)) {
        return false;
    }
    bool ok =
        gzip_add(f->gzip, buf_str(&f->text), &f->packed, err) && write_all(f, &f->packed, err);
    buf_reset(&f->text);
    return ok;
}

bool out_file_write(struct out_file *f, struct err *err)
{
    if (f->text.overflow) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a row");
    }
    return f->text.len < OUT_FILE_BLOCK || write_text(f, err);
}

bool out_file_sync(struct out_file *f, struct err *err)
{
    if (!write_text(f, err)) {
        return false;
    }
    if (f->gzip != NULL) {
        bool ok = gzip_end(f->gzip, &f->packed, err) && write_all(f, &f->packed, err);
        gzip_close(f->gzip);
        f->gzip = NULL;
        if (!ok) {
            return false;
        }
    }
    return (fdatasync(f->fd.n) == 0 || err_errno(err, errno, "sync %s", f->path)) &&
           read_tail(f->fd.n, f->size, &f->tail, err);
}

static bool sync_folder_of(const char *path, struct err *err)
{
    struct str folder;
    struct str name;
    char text[LIMIT_PATH_BYTES + 1];
    if (!str_cut_last(str_from(path), '/', &folder, &name)) {
        folder = STR(".");
    } else if (folder.len == 0) {
        folder = STR("/");
    }
    (void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(folder));
    AUTO(fd) fd = {open(text, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (fd.n < 0 || fsync(fd.n) != 0) {
        return err_errno(err, errno, "sync %s", text);
    }
    return true;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat x;
    struct stat y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

bool out_file_replace(struct out_file *f, struct err *err)
{
    if (rename(f->new_path, f->path) != 0) {
        return err_errno(err, errno, "rename %s", f->new_path);
    }
    f->is_new = false;
    return sync_folder_of(f->path, err);
}

static bool keep_as_numbered(const struct out_file *f, struct err *err)
{
    char name[LIMIT_PATH_BYTES + 8];
    for (int n = 1; n <= NUMBERED_MAX; n++) {
        (void)snprintf(name, sizeof(name), "%s.%d", f->path, n);
        if (link(f->path, name) == 0) {
            return sync_folder_of(f->path, err);
        }
        if (errno != EEXIST) {
            err_errno(err, errno, "keep %s as %s", f->path, name);
            return err_hint(err, "the file system must know hard links; or move the file yourself");
        }
        if (is_same_file(name, f->path)) {
            return true; /* a run that was killed did it */
        }
    }
    return err_set(err, ERR_EXISTS, "%s.1 to %s.%d are there already", f->path, f->path,
                   NUMBERED_MAX);
}

/* Is the new file there still? *ret false, too, when it is the one of a run that was not committed. */
static bool is_new_there(const struct out_file *f, int64_t size, uint64_t tail, bool *ret,
                         struct err *err)
{
    struct stat st;
    uint64_t there = 0;
    AUTO(fd) fd = {open(f->new_path, O_RDONLY | O_CLOEXEC | O_NOCTTY)};
    *ret = false;
    if (fd.n < 0 || fstat(fd.n, &st) != 0 || st.st_size != size) {
        return true;
    }
    if (!read_tail(fd.n, size, &there, err)) {
        return false;
    }
    *ret = there == tail;
    return true;
}

bool out_file_move_aside(struct out_file *f, int64_t aside_bytes, int64_t size, uint64_t tail,
                         struct err *err)
{
    bool is_there = false;
    if (!is_new_there(f, size, tail, &is_there, err)) {
        return false;
    }
    if (!is_there || !files_exist(f->path)) {
        return true; /* done */
    }
    if (truncate(f->path, aside_bytes) != 0) {
        return err_errno(err, errno, "cut %s to %lld bytes", f->path, (long long)aside_bytes);
    }
    return keep_as_numbered(f, err) && out_file_replace(f, err);
}
