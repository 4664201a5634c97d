#include "agent/run/capture.h"

#include "common/platform/spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK_BYTES = 64 << 10 /* what a pipe holds */ };

void capture_init(struct capture *c, void (*on_end)(void *ctx), void *ctx)
{
    *c = (struct capture){.pipe = {-1}, .file = {-1}, .on_end = on_end, .ctx = ctx};
}

bool capture_is_open(const struct capture *c)
{
    return c->pipe.n != -1;
}

void capture_close(struct capture *c)
{
    if (c->pipe.n != -1) {
        loop_fd_remove(c->loop, &c->source);
    }
    fd_release(&c->pipe);
    fd_release(&c->file);
}

/* --- lines for messages ----------------------------------------------------------------------- */

static void add_to_line(struct capture_line *line, struct str text)
{
    size_t room = sizeof(line->text) - line->len;
    struct str fits = str_slice(text, 0, room);
    memcpy(line->text + line->len, fits.ptr, fits.len);
    line->len += fits.len;
}

static void remember_first(struct capture_line *line, struct str bytes)
{
    if (!line->is_done) {
        struct str rest = STR_NONE;
        struct str head = STR_NONE;
        line->is_done = str_cut(bytes, '\n', &head, &rest);
        add_to_line(line, head);
    }
}

/* From the end backwards: most of what is written is not looked at. */
static void remember_last(struct capture_line *line, struct str bytes)
{
    size_t end = bytes.len;
    for (;;) {
        const char *newline = memrchr(bytes.ptr, '\n', end);
        size_t start = newline == NULL ? 0 : (size_t)(newline - bytes.ptr) + 1;
        struct str text = str_slice(bytes, start, end);
        if (!str_is_empty(str_trim(text))) {
            if (newline != NULL || line->is_done) {
                line->len = 0;
            }
            add_to_line(line, text);
            line->is_done = end < bytes.len;
            return;
        }
        if (newline == NULL) {
            line->is_done = line->is_done || end < bytes.len;
            return;
        }
        end = start - 1;
    }
}

struct str capture_first_line(const struct capture *c)
{
    return str_trim((struct str){c->first.text, c->first.len});
}

struct str capture_last_line(const struct capture *c)
{
    return str_trim((struct str){c->last.text, c->last.len});
}

/* --- files ------------------------------------------------------------------------------------ */

static void piece_path(const struct capture *c, int64_t offset, char path[LIMIT_PATH_BYTES + 24])
{
    (void)snprintf(path, LIMIT_PATH_BYTES + 24, "%s.%" PRId64, c->path, offset);
}

static void forget_piece(struct capture *c, int index)
{
    char path[LIMIT_PATH_BYTES + 24];
    piece_path(c, c->pieces[index].offset, path);
    (void)unlink(path);
    c->kept -= c->pieces[index].bytes;
    c->piece_count--;
    memmove(&c->pieces[index], &c->pieces[index + 1],
            (size_t)(c->piece_count - index) * sizeof(c->pieces[0]));
}

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
}

/* The next file; it begins with what is written next. */
static void begin_file(struct capture *c)
{
    fd_release(&c->file);
    if (c->bytes == 0) {
        c->file.n = open_file(c->path);
        c->file_room = CAPTURE_HEAD_BYTES;
        return;
    }
    if (c->piece_count == CAPTURE_PIECES) {
        forget_piece(c, 0);
    }
    char path[LIMIT_PATH_BYTES + 24];
    piece_path(c, c->bytes, path);
    c->file.n = open_file(path);
    c->file_room = CAPTURE_PIECE_BYTES;
    if (c->file.n != -1) {
        c->pieces[c->piece_count++] = (struct capture_piece){.offset = c->bytes};
    }
}

/* A file with a hole would lie about where its bytes belong: what comes next gets another one. */
static void give_up_file(struct capture *c)
{
    fd_release(&c->file);
    c->file_room = 0;
    if (c->piece_count > 0 && c->pieces[c->piece_count - 1].bytes == 0) {
        forget_piece(c, c->piece_count - 1); /* nothing was written: no need to keep its name */
    }
}

static void keep(struct capture *c, struct str bytes)
{
    while (bytes.len > 0) {
        if (c->file_room == 0) {
            begin_file(c);
        }
        size_t len = bytes.len < (size_t)c->file_room ? bytes.len : (size_t)c->file_room;
        ssize_t written = c->file.n == -1 ? -1 : write(c->file.n, bytes.ptr, len);
        int64_t kept = written < 0 ? 0 : written;
        c->kept += kept;
        if (c->piece_count > 0) {
            c->pieces[c->piece_count - 1].bytes += kept;
        }
        c->file_room -= kept;
        if (kept < (int64_t)len) {
            give_up_file(c); /* a full disk costs the output, never the step */
        }
        c->bytes += (int64_t)len;
        bytes = str_slice(bytes, len, bytes.len);
    }
}

/* --- the pipe --------------------------------------------------------------------------------- */

void capture_add(struct capture *c, struct str bytes)
{
    if (bytes.len == 0) {
        return;
    }
    if (c->file.n == -1) {
        c->file_room = 0; /* it was closed: what comes now gets one of its own */
    }
    remember_first(&c->first, bytes);
    remember_last(&c->last, bytes);
    keep(c, bytes);
}

static void on_output(void *ctx, unsigned events)
{
    (void)events;
    struct capture *c = ctx;
    char chunk[CHUNK_BYTES];
    ssize_t len = read(c->pipe.n, chunk, sizeof(chunk));
    if (len > 0) {
        capture_add(c, (struct str){chunk, (size_t)len});
        return;
    }
    if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
        capture_close(c);
        c->on_end(c->ctx);
    }
}

bool capture_open(struct capture *c, struct loop *loop, const char *path, struct fd *ret_child_end,
                  struct err *err)
{
    int ends[2];
    if (!files_join("", str_from(path), c->path, sizeof(c->path), err) ||
        !spawn_pipe(ends, true, err)) {
        return false;
    }
    c->loop = loop;
    c->pipe.n = ends[0];
    ret_child_end->n = ends[1];
    begin_file(c); /* also of a step that says nothing */
    c->source = (struct loop_fd){.fd = ends[0], .on_ready = on_output, .ctx = c};
    return loop_fd_watch(loop, &c->source, LOOP_READ, err);
}
