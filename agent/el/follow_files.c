#include "agent/el/follow_files.h"

#include "common/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { LOOKS_MAX = 5 }; /* while files are renamed under our eyes */

uint64_t follow_hash(const char *p, size_t len)
{
    return hash64_of((struct str){p, len});
}

/* --- what is there --------------------------------------------------------------------------- */

/* "app.log" and what rotation makes of it: app.log.1, app.log-20261129.gz. */
static bool add_rotated(struct follow_files *f, struct err *err)
{
    AUTO(buf) pattern = buf_growing(3 * (size_t)LIMIT_PATH_BYTES);
    for (size_t i = 0; i < f->path.len; i++) {
        if (strchr("*?[]\\", f->path.ptr[i]) != NULL) {
            buf_add_char(&pattern, '\\');
        }
        buf_add_char(&pattern, f->path.ptr[i]);
    }
    buf_add(&pattern, STR("[.-]*"));
    const char *text = buf_cstr(&pattern);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): this program has one thread */
    int rc = text == NULL ? GLOB_NOSPACE : glob(text, GLOB_APPEND | GLOB_ERR, NULL, &f->found);
    return rc == 0 || rc == GLOB_NOMATCH || err_set(err, ERR_IO, "list %s", text);
}

static bool has_wildcards(struct str path)
{
    for (size_t i = 0; i < path.len; i++) {
        if (strchr("*?[", path.ptr[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static bool list_names(struct follow_files *f, struct err *err)
{
    globfree(&f->found);
    f->found = (glob_t){0};
    return file_set_find(f->path, &f->found, err) &&
           (has_wildcards(f->path) || add_rotated(f, err));
}

/* What our own targets put beside a file. */
static bool is_ours(const struct follow_files *f, struct str path)
{
    struct str rest = str_slice(path, f->path.len, path.len);
    return str_starts(path, f->path) && (str_eq(rest, STR(".state")) || str_eq(rest, STR(".new")));
}

bool follow_files_is_same(const struct follow_files *f, size_t index,
                          const struct file_reader *reader)
{
    struct stat st;
    return fstat(reader->fd.n, &st) == 0 && (int64_t)st.st_ino == f->files[index].inode &&
           (int64_t)st.st_dev == f->files[index].device;
}

/* Reads the first bytes of the text. *ret_same false when the name is another file's by now. */
static bool read_head(struct follow_files *f, size_t i, bool *ret_same, struct err *err)
{
    struct seen_file *s = &f->seen[i];
    const struct file_entry *e = &f->entries[i];
    AUTO(file_reader) r = {.fd = {-1}};
    *ret_same = false;
    if (!file_reader_open(&r, e->path, e->size, err)) {
        bool is_gone = err->code == ERR_NOT_FOUND;
        *err = is_gone ? (struct err){0} : *err;
        return is_gone;
    }
    *s = (struct seen_file){0};
    f->files[i].is_packed = r.gunzip != NULL;
    while (!file_reader_at_end(&r) && r.end < FOLLOW_PIECE) {
        if (!file_reader_fill(&r, FILE_READER_BLOCK, err)) {
            if (!r.is_broken) {
                return false;
            }
            *err = (struct err){0};
            s->is_broken = true;
            break;
        }
    }
    s->head_bytes = r.end < FOLLOW_PIECE ? r.end : FOLLOW_PIECE;
    memcpy(s->head, r.memory, s->head_bytes);
    *ret_same = follow_files_is_same(f, i, &r);
    return true;
}

static bool is_there(const struct follow_files *f, const struct stat *st)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->files[i].inode == (int64_t)st->st_ino && f->files[i].device == (int64_t)st->st_dev) {
            return true; /* another name of it, or it was renamed while we looked */
        }
    }
    return false;
}

/* *ret_same false: it was renamed while we looked. */
static bool add_file(struct follow_files *f, const char *path, bool *ret_same, struct err *err)
{
    struct stat st;
    struct file_entry e = {.path = path};
    *ret_same = true;
    if (!file_set_look_at(&e, &st, err)) {
        /* A folder app.log.d beside app.log is none of ours. */
        bool is_nothing = err->code == ERR_NOT_FOUND ||
                          (err->code == ERR_INVALID && !str_eq(str_from(path), f->path));
        *ret_same = err->code != ERR_NOT_FOUND;
        *err = is_nothing ? (struct err){0} : *err;
        return is_nothing;
    }
    if (is_there(f, &st) || is_ours(f, str_from(path))) {
        return true;
    }
    if (f->count == FOLLOW_FILES_MAX) {
        err_set(err, ERR_FULL, "more than %d files to follow", FOLLOW_FILES_MAX);
        return err_hint(err, "choose a narrower \"path\", or remove old ones");
    }
    f->entries[f->count] = e;
    f->files[f->count] = (struct follow_file){
        .path = str_from(path), .device = (int64_t)st.st_dev, .inode = e.inode};
    return read_head(f, f->count, ret_same, err) && (f->count += *ret_same, true);
}

static bool list_calmly(struct follow_files *f, struct err *err)
{
    bool is_calm = false;
    for (int look = 0; look < LOOKS_MAX && !is_calm; look++) {
        is_calm = true;
        f->count = 0;
        if (!list_names(f, err)) {
            return false;
        }
        for (size_t i = 0; i < f->found.gl_pathc; i++) {
            bool is_same = false;
            if (!add_file(f, f->found.gl_pathv[i], &is_same, err)) {
                return false;
            }
            /* The name itself may well be missing for a moment, or for long. */
            is_calm = is_calm && (is_same || str_eq(str_from(f->found.gl_pathv[i]), f->path));
        }
    }
    return true;
}

/* --- what is in them ------------------------------------------------------------------------- */

/* Bytes of the text of a file that is not packed; fewer at its end. */
static bool read_piece(const char *path, int64_t at, size_t want, char *into, size_t *ret_len,
                       struct err *err)
{
    AUTO(fd) fd = {open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)};
    *ret_len = 0;
    if (fd.n < 0) {
        return errno == ENOENT || err_errno(err, errno, "open %s", path);
    }
    while (*ret_len < want) {
        ssize_t n = pread(fd.n, into + *ret_len, want - *ret_len, at + (int64_t)*ret_len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return err_errno(err, errno, "read %s", path);
        }
        if (n == 0) {
            break;
        }
        *ret_len += (size_t)n;
    }
    return true;
}

/* Moves to `offset`, -1 = the end, as far as the file goes. */
static bool unpack_until(struct file_reader *r, int64_t offset, struct err *err)
{
    bool ok = true;
    while (ok && !file_reader_is_done(r) && (offset < 0 || r->offset < offset)) {
        int64_t next = r->offset + FILE_READER_BLOCK / 2;
        ok = r->start < r->end || file_reader_fill(r, FILE_READER_BLOCK, err);
        int64_t there = r->offset + (int64_t)(r->end - r->start);
        next = next < there ? next : there;
        next = offset >= 0 && offset < next ? offset : next;
        ok = ok && file_reader_seek(r, next, r->hash, err);
    }
    if (!ok && r->is_broken) {
        *err = (struct err){0};
        ok = true;
    }
    return ok;
}

/* Of a packed file: the bytes before `offset` (-1 = the end), and where that is. */
static bool packed_tail(const struct file_entry *e, int64_t offset, char *into, size_t *ret_len,
                        int64_t *ret_offset, struct err *err)
{
    AUTO(file_reader) r = {.fd = {-1}};
    *ret_len = 0;
    *ret_offset = 0;
    if (!file_reader_open(&r, e->path, e->size, err)) {
        bool is_gone = err->code == ERR_NOT_FOUND;
        *err = is_gone ? (struct err){0} : *err;
        return is_gone;
    }
    if (!unpack_until(&r, offset, err)) {
        return false;
    }
    struct str history = file_reader_history(&r);
    memcpy(into, history.ptr, history.len);
    *ret_len = history.len;
    *ret_offset = r.offset;
    return true;
}

bool follow_files_fit(const struct follow_files *f, size_t file, const struct follow_mark *m,
                      bool *ret, struct err *err)
{
    const struct seen_file *s = &f->seen[file];
    const struct file_entry *e = &f->entries[file];
    char tail[FOLLOW_PIECE];
    size_t want = (size_t)m->tail_bytes;
    size_t len = 0;
    *ret = false;
    bool is_possible = s->head_bytes >= (size_t)m->head_bytes &&
                       follow_hash(s->head, (size_t)m->head_bytes) == m->head &&
                       (f->files[file].is_packed || e->size >= m->offset);
    if (!is_possible) {
        return true;
    }
    if (f->files[file].is_packed) {
        int64_t offset = 0;
        if (!packed_tail(e, m->offset, tail, &len, &offset, err)) {
            return false;
        }
        *ret =
            offset == m->offset && len >= want && follow_hash(tail + len - want, want) == m->tail;
        return true;
    }
    if (!read_piece(e->path, m->offset - m->tail_bytes, want, tail, &len, err)) {
        return false;
    }
    *ret = len == want && follow_hash(tail, len) == m->tail;
    return true;
}

/* Where the text of a copy ends, and what is there. */
static bool read_end(struct follow_files *f, size_t file, char *tail, struct err *err)
{
    struct seen_file *s = &f->seen[file];
    const struct file_entry *e = &f->entries[file];
    size_t len = 0;
    if (f->files[file].is_packed) {
        if (!packed_tail(e, -1, tail, &len, &s->text_bytes, err)) {
            return false;
        }
    } else {
        int64_t at = e->size > FOLLOW_PIECE ? e->size - FOLLOW_PIECE : 0;
        if (!read_piece(e->path, at, FOLLOW_PIECE, tail, &len, err)) {
            return false;
        }
        s->text_bytes = at + (int64_t)len;
    }
    s->tail_bytes = (int64_t)len;
    s->tail = follow_hash(tail, len);
    return true;
}

/* "app.log.1.gz" of "app.log.1". */
static bool is_packed_name(struct str name, struct str plain)
{
    return str_starts(name, plain) && str_eq(str_slice(name, plain.len, name.len), STR(".gz"));
}

bool follow_files_is_beginning(struct follow_files *f, size_t copy, size_t whole, bool *ret,
                               struct err *err)
{
    struct seen_file *s = &f->seen[copy];
    const struct seen_file *w = &f->seen[whole];
    char mine[FOLLOW_PIECE];
    char theirs[FOLLOW_PIECE];
    size_t len = 0;
    *ret = s->is_broken && s->head_bytes == 0 &&
           is_packed_name(f->files[copy].path, f->files[whole].path);
    if (*ret || f->files[whole].is_packed || s->head_bytes == 0 || w->head_bytes < s->head_bytes ||
        memcmp(s->head, w->head, s->head_bytes) != 0) {
        return true;
    }
    if (!read_end(f, copy, mine, err)) {
        return false;
    }
    size_t want = (size_t)s->tail_bytes;
    if (want == 0 || !read_piece(f->entries[whole].path, s->text_bytes - s->tail_bytes, want,
                                 theirs, &len, err)) {
        return want == 0;
    }
    *ret = len == want && memcmp(mine, theirs, want) == 0;
    return true;
}

/* What was written first comes first; of the same moment, what was rotated further. */
static bool is_before(const struct follow_files *f, size_t a, size_t b)
{
    const struct file_entry *x = &f->entries[a];
    const struct file_entry *y = &f->entries[b];
    return x->mtime_ns != y->mtime_ns ? x->mtime_ns < y->mtime_ns : strcmp(x->path, y->path) > 0;
}

static void swap_files(struct follow_files *f, size_t a, size_t b)
{
    struct file_entry e = f->entries[a];
    struct follow_file file = f->files[a];
    struct seen_file seen = f->seen[a];
    f->entries[a] = f->entries[b];
    f->files[a] = f->files[b];
    f->seen[a] = f->seen[b];
    f->entries[b] = e;
    f->files[b] = file;
    f->seen[b] = seen;
}

static void sort_files(struct follow_files *f)
{
    for (size_t i = 0; i < f->count; i++) {
        size_t first = i;
        for (size_t j = i + 1; j < f->count; j++) {
            first = is_before(f, j, first) ? j : first;
        }
        if (first != i) {
            swap_files(f, i, first);
        }
    }
}

bool follow_files_list(struct follow_files *f, struct err *err)
{
    if (!list_calmly(f, err)) {
        return false;
    }
    sort_files(f);
    return true;
}

void follow_files_fini(struct follow_files *f)
{
    globfree(&f->found);
}
