#include "agent/run/capture_read.h"

#include "agent/run/capture.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILES_MAX = CAPTURE_PIECES + 4, /* a writer at work may delete and begin some meanwhile */
    STREAMS_MAX = 4096,
};

/* --- names ------------------------------------------------------------------------------------ */

/* Pieces have a number behind and are not streams. */
static bool parse_name(struct str name, struct capture_stream *ret)
{
    struct str head = STR_NONE;
    struct str suffix = STR_NONE;
    struct str attempt = STR_NONE;
    struct capture_stream stream = {0};
    if (!str_cut_last(name, '.', &head, &suffix)) {
        return false;
    }
    (void)str_cut(head, '.', &attempt, &stream.check);
    stream.is_error = str_eq(suffix, STR("err"));
    if ((!stream.is_error && !str_eq(suffix, STR("out"))) ||
        !str_to_i64(attempt, 1, INT64_MAX, &stream.attempt)) {
        return false;
    }
    *ret = stream;
    return true;
}

static int compare_streams(const void *left, const void *right)
{
    const struct capture_stream *a = left;
    const struct capture_stream *b = right;
    if (a->attempt != b->attempt) {
        return a->attempt < b->attempt ? -1 : 1;
    }
    int by_check = str_cmp(a->check, b->check);
    return by_check != 0 ? by_check : (int)a->is_error - (int)b->is_error;
}

/* Calls back with each name in the folder; false from it ends the reading. */
static bool each_name(const char *dir, bool (*on_name)(void *ctx, const char *name), void *ctx,
                      struct err *err)
{
    DIR *stream = opendir(dir);
    if (stream == NULL) {
        return err_errno(err, errno, "read folder %s", dir);
    }
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream); /* NOLINT(concurrency-mt-unsafe): ours */
        if (entry == NULL || !on_name(ctx, entry->d_name)) {
            int reason = entry == NULL ? errno : 0;
            (void)closedir(stream);
            return reason == 0 || err_errno(err, reason, "read folder %s", dir);
        }
    }
}

struct listing {
    const char *dir;
    struct arena *arena;
    struct capture_stream *streams;
    size_t count;
    bool is_short; /* of memory */
};

static bool add_stream(void *ctx, const char *name)
{
    struct listing *list = ctx;
    struct capture_stream stream;
    if (!parse_name(str_from(name), &stream)) {
        return true;
    }
    stream.path = arena_printf(list->arena, "%s/%s", list->dir, name).ptr;
    stream.check = arena_copy(list->arena, stream.check);
    list->is_short = stream.path == NULL || stream.check.ptr == NULL;
    if (!list->is_short && list->count < STREAMS_MAX) {
        list->streams[list->count++] = stream;
    }
    return !list->is_short;
}

bool capture_streams(const char *dir, struct arena *arena, struct capture_stream **ret_streams,
                     size_t *ret_count, struct err *err)
{
    struct listing list = {.dir = dir,
                           .arena = arena,
                           .streams = arena_array(arena, STREAMS_MAX, sizeof(*list.streams))};
    list.is_short = list.streams == NULL;
    if (!list.is_short && !each_name(dir, add_stream, &list, err) && err->code != ERR_NOT_FOUND) {
        return false;
    }
    if (list.is_short) {
        return err_set(err, ERR_NO_MEMORY, "read folder %s: out of memory", dir);
    }
    qsort(list.streams, list.count, sizeof(*list.streams), compare_streams);
    *ret_streams = list.streams;
    *ret_count = list.count;
    return true;
}

/* --- bytes ------------------------------------------------------------------------------------ */

/* The files of one stream. The head's offset is 0. */
struct file_list {
    struct str head; /* its name */
    int64_t offsets[FILES_MAX];
    size_t count;
};

static bool add_file(void *ctx, const char *name)
{
    struct file_list *files = ctx;
    struct str rest = str_from(name);
    int64_t offset = 0;
    if (!str_starts(rest, files->head)) {
        return true;
    }
    rest = str_slice(rest, files->head.len, rest.len);
    bool is_piece = str_starts(rest, STR(".")) &&
                    str_to_i64(str_slice(rest, 1, rest.len), 0, INT64_MAX, &offset);
    if (is_piece || str_is_empty(rest)) {
        files->offsets[files->count++] = offset;
    }
    return files->count < FILES_MAX;
}

static void open_part(const char *path, int64_t offset, struct fd *ret, int64_t *ret_bytes)
{
    AUTO(buf) name = buf_growing(LIMIT_PATH_BYTES + 24);
    buf_add_text(&name, path);
    if (offset > 0) {
        buf_addf(&name, ".%" PRId64, offset);
    }
    const char *text = buf_cstr(&name);
    struct stat st = {0};
    ret->n = text == NULL ? -1 : open(text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (ret->n != -1 && fstat(ret->n, &st) == 0) {
        *ret_bytes = st.st_size;
    }
}

/* The part to read next: the one that has `position`, else the first behind it. All names were read
 * before any size is: a file that has a successor by then grows no more, so that its end is known.
 * Its descriptor keeps it readable when it is deleted meanwhile. */
static bool find_part(const char *path, const struct file_list *files, int64_t position,
                      struct fd *ret_file, int64_t *ret_offset)
{
    bool found = false;
    for (size_t i = 0; i < files->count; i++) {
        int64_t offset = files->offsets[i];
        AUTO(fd) file = {-1};
        int64_t bytes = 0;
        open_part(path, offset, &file, &bytes);
        bool has_more = file.n != -1 && offset + bytes > position;
        if (has_more && (!found || offset < *ret_offset)) {
            fd_release(ret_file);
            ret_file->n = fd_take(&file);
            *ret_offset = offset;
            found = true;
        }
    }
    return found;
}

static bool read_part(int file, int64_t from, size_t max, struct buf *into, size_t *ret_len,
                      struct err *err)
{
    char *room = buf_reserve(into, max);
    if (room == NULL) {
        return err_set(err, ERR_NO_MEMORY, "read output: out of memory");
    }
    ssize_t len = pread(file, room, max, from);
    if (len < 0) {
        return err_errno(err, errno, "read output");
    }
    into->len += (size_t)len;
    *ret_len = (size_t)len;
    return true;
}

bool capture_read(const char *path, int64_t *position, size_t max, struct buf *into,
                  int64_t *ret_dropped, struct err *err)
{
    struct str dir = STR_NONE;
    struct file_list files = {0};
    char folder[LIMIT_PATH_BYTES + 1] = ".";
    if (str_cut_last(str_from(path), '/', &dir, &files.head) &&
        !files_join("", str_is_empty(dir) ? STR("/") : dir, folder, sizeof(folder), err)) {
        return false;
    }
    if (!each_name(folder, add_file, &files, err)) {
        return false;
    }
    if (files.count == 0) {
        return err_set(err, ERR_NOT_FOUND, "read output: %s is not there", path);
    }
    AUTO(fd) file = {-1};
    int64_t offset = 0;
    *ret_dropped = 0;
    if (!find_part(path, &files, *position, &file, &offset)) {
        return true;
    }
    int64_t from = offset > *position ? offset : *position;
    size_t len = 0;
    if (!read_part(file.n, from - offset, max, into, &len, err)) {
        return false;
    }
    *ret_dropped = from - *position;
    *position = from + (int64_t)len;
    return true;
}
