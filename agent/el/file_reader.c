#include "agent/el/file_reader.h"

#include "common/gzip/gzip.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PACKED_BYTES = 64 << 10 };

static bool read_at(struct file_reader *r, char *into, size_t want, int64_t at, size_t *ret_len,
                    struct err *err)
{
    ssize_t n = 0;
    do {
        n = pread(r->fd.n, into, want, at);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return err_errno(err, errno, "read %s", r->path);
    }
    *ret_len = (size_t)n;
    return true;
}

static bool open_gunzip(struct file_reader *r, struct err *err)
{
    char magic[GZIP_MAGIC_BYTES];
    size_t len = 0;
    if (r->size < GZIP_MAGIC_BYTES) {
        return true;
    }
    if (!read_at(r, magic, sizeof(magic), 0, &len, err)) {
        return false;
    }
    if (!gzip_is((struct str){magic, len})) {
        return true;
    }
    r->packed = malloc(PACKED_BYTES);
    return (r->packed != NULL || err_set(err, ERR_NO_MEMORY, "no memory to read %s", r->path)) &&
           gunzip_open(&r->gunzip, err);
}

bool file_reader_open(struct file_reader *r, const char *path, int64_t size, struct err *err)
{
    *r = (struct file_reader){
        .fd = {-1}, .path = path, .size = size, .line = 1, .hash = hash64_new()};
    r->fd.n = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (r->fd.n < 0) {
        return err_errno(err, errno, "open %s", path);
    }
    (void)posix_fadvise(r->fd.n, 0, size, POSIX_FADV_SEQUENTIAL);
    r->memory = malloc(FILE_READER_BLOCK);
    bool ok = (r->memory != NULL || err_set(err, ERR_NO_MEMORY, "no memory to read %s", path)) &&
              open_gunzip(r, err);
    if (!ok) {
        file_reader_release(r);
        return false;
    }
    r->cap = FILE_READER_BLOCK;
    r->is_over = size == 0;
    return true;
}

void file_reader_release(struct file_reader *r)
{
    if (r->path == NULL) {
        return; /* never opened */
    }
    fd_release(&r->fd);
    free(r->memory);
    free(r->packed);
    gunzip_close(r->gunzip);
    *r = (struct file_reader){.fd = {-1}};
}

bool file_reader_at_end(const struct file_reader *r)
{
    return r->is_over;
}

bool file_reader_is_done(const struct file_reader *r)
{
    return r->is_over && r->start == r->end;
}

struct str file_reader_history(const struct file_reader *r)
{
    size_t len = r->start < FILE_READER_HISTORY ? r->start : FILE_READER_HISTORY;
    return (struct str){r->memory + r->start - len, len};
}

/* Room behind `end`: first by moving what is left to the front, then by doubling. */
static bool make_room(struct file_reader *r, size_t max, struct err *err)
{
    if (r->start > FILE_READER_HISTORY) {
        size_t gone = r->start - FILE_READER_HISTORY;
        memmove(r->memory, r->memory + gone, r->end - gone);
        r->end -= gone;
        r->start -= gone;
    }
    if (r->end < r->cap) {
        return true;
    }
    if (r->cap - r->start >= max) {
        err_set(err, ERR_FULL, "%s:%lld: a record is longer than %zu bytes", r->path,
                (long long)r->line, max);
        return err_hint(err, "is a closing quote or a line end missing?");
    }
    size_t cap = r->cap > max / 2 ? max + FILE_READER_HISTORY : r->cap * 2;
    assert(cap > r->cap);
    char *memory = realloc(r->memory, cap);
    if (memory == NULL) {
        return err_set(err, ERR_NO_MEMORY, "%s:%lld: no memory for a record of more than %zu bytes",
                       r->path, (long long)r->line, r->cap);
    }
    r->memory = memory;
    r->cap = cap;
    return true;
}

/* Up to `want` of the file's bytes that are next. */
static bool read_next(struct file_reader *r, char *into, size_t want, size_t *ret_len,
                      struct err *err)
{
    if ((int64_t)want > r->size - r->read_until) {
        want = (size_t)(r->size - r->read_until);
    }
    if (!read_at(r, into, want, r->read_until, ret_len, err)) {
        return false;
    }
    if (*ret_len == 0) {
        r->is_broken = true;
        err_set(err, ERR_IO, "%s became shorter while it was read", r->path);
        return err_hint(
            err, "let the writer rename finished files into place; the next run reads it again");
    }
    r->read_until += (int64_t)*ret_len;
    return true;
}

static bool damaged(struct file_reader *r, struct err *err)
{
    r->is_broken = true;
    err_wrap(err, "%s: near byte %lld, %lld bytes into the text", r->path,
             (long long)(r->read_until - (int64_t)r->packed_rest.len),
             (long long)(r->offset + (int64_t)(r->end - r->start)));
    return err_hint(err, "what was before is read; put the whole file there, or move it away");
}

static bool unpack(struct file_reader *r, struct err *err)
{
    for (;;) {
        size_t len = 0;
        bool is_all = r->read_until >= r->size;
        if (r->packed_rest.len == 0 && !is_all) {
            r->packed_rest.ptr = r->packed;
            if (!read_next(r, r->packed, PACKED_BYTES, &r->packed_rest.len, err)) {
                return false;
            }
        }
        if (!gunzip_take(r->gunzip, &r->packed_rest, r->memory + r->end, r->cap - r->end, &len,
                         err)) {
            return damaged(r, err);
        }
        r->end += len;
        if (len > 0) {
            return true;
        }
        if (is_all && r->packed_rest.len == 0) {
            r->is_over = gunzip_is_whole(r->gunzip);
            return r->is_over ||
                   (err_set(err, ERR_CORRUPT, "gzip data that are cut off"), damaged(r, err));
        }
    }
}

bool file_reader_fill(struct file_reader *r, size_t max, struct err *err)
{
    if (r->is_over) {
        return true;
    }
    if (!make_room(r, max, err)) {
        return false;
    }
    if (r->gunzip != NULL) {
        return unpack(r, err);
    }
    size_t len = 0;
    if (!read_next(r, r->memory + r->end, r->cap - r->end, &len, err)) {
        return false;
    }
    r->end += len;
    r->is_over = r->read_until >= r->size;
    return true;
}

/* Forward without hashing. */
static void skip(struct file_reader *r, size_t len)
{
    r->start += len;
    r->offset += (int64_t)len;
}

bool file_reader_seek(struct file_reader *r, int64_t offset, struct hash64 hash, struct err *err)
{
    if (r->gunzip == NULL && offset > r->offset + FILE_READER_BLOCK) {
        r->read_until = offset - FILE_READER_HISTORY;
        r->offset = r->read_until;
        r->is_over = r->read_until >= r->size;
        r->start = 0;
        r->end = 0;
    }
    while (r->offset < offset) {
        if (r->start == r->end && !file_reader_fill(r, FILE_READER_BLOCK, err)) {
            return false;
        }
        size_t there = r->end - r->start;
        if (there == 0) {
            r->is_broken = true;
            return err_set(err, ERR_IO, "%s became shorter while it was read", r->path);
        }
        skip(r, (int64_t)there > offset - r->offset ? (size_t)(offset - r->offset) : there);
    }
    r->hash = hash;
    return true;
}

void file_reader_consume(struct file_reader *r, size_t len)
{
    assert(len <= r->end - r->start);
    hash64_add(&r->hash, (struct str){r->memory + r->start, len});
    skip(r, len);
}

bool file_reader_line(struct file_reader *r, size_t max, struct file_line *ret, bool *ret_found,
                      struct err *err)
{
    size_t searched = 0;
    for (;;) {
        char *from = r->memory + r->start;
        size_t len = r->end - r->start;
        const char *nl = len > searched ? memchr(from + searched, '\n', len - searched) : NULL;
        if (nl != NULL) {
            size_t text = (size_t)(nl - from);
            ret->bytes = text + 1;
            text -= text > 0 && from[text - 1] == '\r';
            ret->text = (struct str){from, text};
            ret->is_whole = true;
            *ret_found = true;
            return true;
        }
        if (file_reader_at_end(r)) {
            *ret = (struct file_line){{from, len}, len, false};
            *ret_found = len > 0;
            return true;
        }
        searched = len;
        if (!file_reader_fill(r, max, err)) {
            return false;
        }
    }
}
