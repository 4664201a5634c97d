#include "agent/el/line_source.h"

#include "common/platform/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_BYTES = 64 << 10 }; /* what a pipe holds */

/* Room for a block behind what is there. */
static bool make_room(struct line_source *s, size_t max, struct err *err)
{
    if (s->start > 0 && s->cap - s->end < BLOCK_BYTES) {
        memmove(s->memory, s->memory + s->start, s->end - s->start);
        s->end -= s->start;
        s->start = 0;
    }
    if (s->cap - s->end >= BLOCK_BYTES) {
        return true;
    }
    size_t cap = s->cap == 0 ? 2 * (size_t)BLOCK_BYTES : 2 * s->cap;
    char *memory = cap > 2 * max + 2 * (size_t)BLOCK_BYTES ? NULL : realloc(s->memory, cap);
    if (memory == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a line of %zu bytes", s->end - s->start);
    }
    s->memory = memory;
    s->cap = cap;
    return true;
}

/* Whether there is something to read, at the latest after the time. */
static bool wait_for_input(struct line_source *s, int idle_ms, bool *ret, struct err *err)
{
    const struct clock clock = clock_system();
    struct mono_time start = clock_mono(&clock);
    int64_t left = idle_ms;
    for (;;) {
        struct pollfd ready[] = {
            {.fd = s->fd, .events = POLLIN},
            {.fd = s->listen_fd == NULL ? -1 : *s->listen_fd, .events = POLLIN},
        };
        int n = poll(ready, COUNT_OF(ready), (int)left);
        *ret = n > 0 && ready[0].revents != 0;
        if (n < 0 && errno != EINTR) {
            return err_errno(err, errno, "wait for input");
        }
        if (n > 0 && ready[1].revents != 0) {
            s->listen(s->listen_ctx);
        }
        left = idle_ms - (clock_mono(&clock).ns - start.ns) / NS_PER_MS;
        if (*ret || n <= 0 || left <= 0) {
            return true;
        }
    }
}

/* *ret false: nothing came. */
static bool fill(struct line_source *s, int idle_ms, bool *ret, struct err *err)
{
    if (!wait_for_input(s, idle_ms, ret, err)) {
        return false;
    }
    if (!*ret) {
        return true;
    }
    ssize_t got = read(s->fd, s->memory + s->end, s->cap - s->end);
    if (got < 0) {
        *ret = false;
        return errno == EINTR || errno == EAGAIN || err_errno(err, errno, "read input");
    }
    s->end += (size_t)got;
    s->is_at_end = got == 0;
    return true;
}

static void give(struct line_source *s, size_t len, size_t bytes, struct str *ret)
{
    const char *p = s->memory + s->start;
    *ret = (struct str){p, len > 0 && p[len - 1] == '\r' ? len - 1 : len};
    s->start += bytes;
    s->line++;
}

/* Drops what has come of a line that was too long. */
static void skip(struct line_source *s)
{
    const char *from = s->memory + s->start;
    const char *at = s->end == s->start ? NULL : memchr(from, '\n', s->end - s->start);
    s->start = at == NULL ? s->end : s->start + (size_t)(at - from) + 1;
    s->is_skipping = at == NULL && !s->is_at_end;
}

bool line_source_refuse(const struct line_source *s, size_t max, struct err *err)
{
    err_set(err, ERR_FULL, "line %lld is longer than %zu bytes", (long long)s->line, max);
    return err_hint(err, "let the tap send smaller records");
}

bool line_source_next(struct line_source *s, size_t max, int idle_ms, enum line_result *ret,
                      struct str *ret_text, struct err *err)
{
    size_t searched = 0;
    for (;;) {
        if (s->is_skipping) {
            skip(s);
        }
        size_t len = s->end - s->start;
        char *at =
            len == searched ? NULL : memchr(s->memory + s->start + searched, '\n', len - searched);
        size_t line = at == NULL ? len : (size_t)(at - (s->memory + s->start));
        bool is_too_long = line > max;
        if (at != NULL || is_too_long || (s->is_at_end && len > 0)) {
            give(s, line, line + (at != NULL), ret_text);
            s->is_skipping = is_too_long && at == NULL;
            *ret = is_too_long ? LINE_TOO_LONG : LINE_TEXT;
            return true;
        }
        if (s->is_at_end) {
            *ret = LINE_END;
            return true;
        }
        searched = len;
        bool came = false;
        if (!make_room(s, max, err) || !fill(s, idle_ms, &came, err)) {
            return false;
        }
        if (!came) {
            *ret = LINE_IDLE;
            return true;
        }
    }
}

void line_source_release(struct line_source *s)
{
    free(s->memory);
    *s = (struct line_source){.fd = -1};
}
