#include "common/dbt/dbt_files.h"

#include "common/base/limits.h"
#include "common/gzip/gzip.h"
#include "common/platform/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK_BYTES = 64 << 10 };

static bool read_some(int fd, char *to, size_t cap, int64_t offset, size_t *ret_len,
                      struct err *err)
{
    ssize_t got = -1;
    do {
        got = pread(fd, to, cap, offset);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return err_errno(err, errno, "read");
    }
    *ret_len = (size_t)got;
    return true;
}

static bool too_large(struct err *err)
{
    return err_set(err, ERR_FULL, "more than %d bytes (LIMIT_DBT_MANIFEST_BYTES)",
                   LIMIT_DBT_MANIFEST_BYTES);
}

/* --- packed files ---------------------------------------------------------------------------- */

static bool open_scratch(const char *dir, struct fd *ret, struct err *err)
{
    char path[LIMIT_PATH_BYTES + 1];
    if (dir == NULL) {
        dir = secure_getenv("TMPDIR");
        dir = dir == NULL || *dir == '\0' ? "/tmp" : dir;
    }
    ret->n = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (ret->n >= 0) {
        return true;
    }
    /* Not every file system has files without a name. */
    if (!files_join(dir, STR(".selvedge-dbt-XXXXXX"), path, sizeof(path), err)) {
        return false;
    }
    ret->n = mkostemp(path, O_CLOEXEC);
    if (ret->n < 0) {
        return err_errno(err, errno, "make a file in %s to unpack into", dir);
    }
    (void)unlink(path);
    return true;
}

/* All of what `input` unpacks to; *ret_written grows by it. */
static bool unpack_piece(struct gunzip *g, struct str input, char *out, int to,
                         int64_t *ret_written, struct err *err)
{
    size_t len = 0;
    do {
        if (!gunzip_take(g, &input, out, CHUNK_BYTES, &len, err) ||
            !files_write_fd(to, (struct str){out, len}, err)) {
            return false;
        }
        *ret_written += (int64_t)len;
        if (*ret_written > LIMIT_DBT_MANIFEST_BYTES) {
            return too_large(err);
        }
    } while (len > 0 || input.len > 0);
    return true;
}

static bool unpack_all(struct gunzip *g, int from, int to, char *in, char *out, struct err *err)
{
    int64_t offset = 0;
    int64_t written = 0;
    size_t len = 0;
    do {
        if (!read_some(from, in, CHUNK_BYTES, offset, &len, err) ||
            !unpack_piece(g, (struct str){in, len}, out, to, &written, err)) {
            return false;
        }
        offset += (int64_t)len;
    } while (len > 0);
    return gunzip_is_whole(g) || err_set(err, ERR_INVALID, "the packed file ends too early");
}

/* The file that is open becomes the one that it unpacks to. */
static bool unpack(struct dbt_file *file, const char *scratch_dir, struct err *err)
{
    AUTO(fd) scratch = {-1};
    struct gunzip *g = NULL;
    char *in = malloc(CHUNK_BYTES);
    char *out = malloc(CHUNK_BYTES);
    bool ok = (in != NULL && out != NULL) || err_set(err, ERR_NO_MEMORY, "no memory to unpack");
    ok = ok && open_scratch(scratch_dir, &scratch, err) && gunzip_open(&g, err) &&
         unpack_all(g, file->fd, scratch.n, in, out, err);
    gunzip_close(g);
    free(in);
    free(out);
    if (!ok) {
        return false;
    }
    (void)close(file->fd);
    file->fd = fd_take(&scratch);
    return true;
}

/* --- files ----------------------------------------------------------------------------------- */

static bool look_at(struct dbt_file *file, const char *scratch_dir, struct err *err)
{
    char first[GZIP_MAGIC_BYTES];
    size_t len = 0;
    if (fstat(file->fd, &file->was) != 0) {
        return err_errno(err, errno, "stat");
    }
    file->source = file->was;
    if (!S_ISREG(file->was.st_mode)) {
        return err_set(err, ERR_INVALID, "not a regular file");
    }
    if (file->was.st_size > LIMIT_DBT_MANIFEST_BYTES) {
        return too_large(err);
    }
    if (!read_some(file->fd, first, sizeof(first), 0, &len, err)) {
        return false;
    }
    if (!gzip_is((struct str){first, len})) {
        return true;
    }
    return unpack(file, scratch_dir, err) &&
           (fstat(file->fd, &file->was) == 0 || err_errno(err, errno, "stat"));
}

bool dbt_file_open(struct dbt_file *file, const char *path, const char *scratch_dir,
                   struct err *err)
{
    /* Not to wait for the writer of a pipe. */
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (file->fd < 0) {
        return err_errno(err, errno, "%s", path);
    }
    if (!look_at(file, scratch_dir, err)) {
        dbt_file_close(file);
        return err_wrap(err, "%s", path);
    }
    return true;
}

void dbt_file_close(struct dbt_file *file)
{
    if (file->fd >= 0) {
        (void)close(file->fd);
    }
    file->fd = -1;
}

bool dbt_file_check(const struct dbt_file *file, struct err *err)
{
    struct stat is;
    if (fstat(file->fd, &is) != 0) {
        return err_errno(err, errno, "stat");
    }
    return (is.st_size == file->was.st_size && is.st_mtim.tv_sec == file->was.st_mtim.tv_sec &&
            is.st_mtim.tv_nsec == file->was.st_mtim.tv_nsec) ||
           err_set(err, ERR_CORRUPT, "the manifest was written to after it was opened");
}

bool dbt_file_read(const struct dbt_file *file, struct dbt_place place, struct buf *into,
                   struct err *err)
{
    size_t wanted = (size_t)place.length;
    char *to = buf_reserve(into, wanted);
    if (to == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a node of a dbt project");
    }
    for (size_t len = 0; len < wanted;) {
        size_t got = 0;
        if (!read_some(file->fd, to + len, wanted - len, place.offset + (int64_t)len, &got, err)) {
            return false;
        }
        if (got == 0) {
            return err_set(err, ERR_CORRUPT, "the manifest is shorter than when it was opened");
        }
        len += got;
    }
    into->len += wanted;
    return true;
}
