#include "agent/el/tap_log.h"

#include "common/base/limits.h"
#include "common/platform/files.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { PIECE_BYTES = 16 << 10 };

bool tap_log_init(struct tap_log *l, int fd, struct arena *arena, struct err *err)
{
    *l = (struct tap_log){
        .fd = fd, .metrics = {.arena = arena}, .line = buf_growing(LIMIT_STEP_LINE_BYTES)};
    return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 || err_errno(err, errno, "the tap's log");
}

static void take_part(struct tap_log *l, struct str part)
{
    if (!l->is_skipping) {
        buf_add(&l->line, part);
    }
    if (l->line.overflow) {
        buf_reset(&l->line);
        l->is_skipping = true;
    }
}

static void take_bytes(struct tap_log *l, struct str bytes)
{
    struct str part;
    struct str rest = bytes;
    while (str_cut(rest, '\n', &part, &rest)) {
        take_part(l, part);
        if (!l->is_skipping) {
            tap_metrics_take(&l->metrics, buf_str(&l->line));
        }
        l->is_skipping = false;
        buf_reset(&l->line);
    }
    take_part(l, part); /* what has no line end yet */
}

void tap_log_listen(void *log)
{
    struct tap_log *l = log;
    struct err ignored; /* a log that nobody takes is no reason to fail */
    char piece[PIECE_BYTES];
    while (l->fd >= 0) {
        ssize_t n = read(l->fd, piece, sizeof(piece));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n <= 0) {
            l->fd = -1;
            return;
        }
        (void)!files_write_fd(STDERR_FILENO, (struct str){piece, (size_t)n}, &ignored);
        take_bytes(l, (struct str){piece, (size_t)n});
    }
}

void tap_log_release(struct tap_log *l)
{
    buf_release(&l->line);
    l->fd = -1;
}
