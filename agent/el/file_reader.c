#include "agent/el/file_reader.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    if (r->memory == NULL) {
        file_reader_release(r);
        return err_set(err, ERR_NO_MEMORY, "no memory to read %s", path);
    }
    r->cap = FILE_READER_BLOCK;
    return true;
}

void file_reader_release(struct file_reader *r)
{
    if (r->path == NULL) {
        return; /* never opened */
    }
    fd_release(&r->fd);
    free(r->memory);
    *r = (struct file_reader){.fd = {-1}};
}

void file_reader_seek(struct file_reader *r, int64_t offset, struct hash64 hash)
{
    r->offset = offset;
    r->hash = hash;
    r->start = 0;
    r->end = 0;
}

bool file_reader_at_end(const struct file_reader *r)
{
    return r->offset + (int64_t)(r->end - r->start) >= r->size;
}

/* Room behind `end`: first by moving what is left to the front, then by doubling. */
static bool make_room(struct file_reader *r, size_t max, struct err *err)
{
    if (r->start > 0) {
        memmove(r->memory, r->memory + r->start, r->end - r->start);
        r->end -= r->start;
        r->start = 0;
    }
    if (r->end < r->cap) {
        return true;
    }
    if (r->cap >= max) {
        err_set(err, ERR_FULL, "%s:%lld: a record is longer than %zu bytes", r->path,
                (long long)r->line, max);
        return err_hint(err, "is a closing quote or a line end missing?");
    }
    size_t cap = r->cap > max / 2 ? max : r->cap * 2;
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

bool file_reader_fill(struct file_reader *r, size_t max, struct err *err)
{
    if (file_reader_at_end(r)) {
        return true;
    }
    if (!make_room(r, max, err)) {
        return false;
    }
    int64_t at = r->offset + (int64_t)(r->end - r->start);
    size_t want = r->cap - r->end;
    if ((int64_t)want > r->size - at) {
        want = (size_t)(r->size - at);
    }
    ssize_t n = 0;
    do {
        n = pread(r->fd.n, r->memory + r->end, want, at);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return err_errno(err, errno, "read %s", r->path);
    }
    if (n == 0) {
        err_set(err, ERR_IO, "%s became shorter while it was read", r->path);
        return err_hint(
            err, "let the writer rename finished files into place; the next run reads it again");
    }
    r->end += (size_t)n;
    return true;
}

void file_reader_consume(struct file_reader *r, size_t len)
{
    assert(len <= r->end - r->start);
    hash64_add(&r->hash, (struct str){r->memory + r->start, len});
    r->start += len;
    r->offset += (int64_t)len;
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
