#include "agent/el/singer_discover.h"

#include "agent/el/cancel.h"
#include "common/platform/files.h"

#include <errno.h>
#include <unistd.h>

enum { PIECE_BYTES = 64 << 10 };

static bool read_to_end(int fd, struct buf *into, struct err *err)
{
    for (;;) {
        char *to = buf_reserve(into, PIECE_BYTES);
        if (to == NULL) {
            return err_set(err, ERR_FULL, "its catalog is too large");
        }
        ssize_t n = read(fd, to, PIECE_BYTES);
        if (cancel_requested()) {
            return cancel_error(err);
        }
        if (n < 0 && errno != EINTR) {
            return err_errno(err, errno, "read its catalog");
        }
        if (n == 0) {
            return true;
        }
        into->len += n > 0 ? (size_t)n : 0;
    }
}

bool singer_discover(const struct program_options *program, struct str config, struct arena *arena,
                     struct buf *into, struct err *err)
{
    const char *arguments[4] = {0};
    struct program_options options = *program;
    struct program tap = {.pidfd = -1, .in = -1, .out = -1, .log = -1};
    AUTO(fd) file = {-1};
    size_t count = 0;
    if (config.len > 0) {
        arguments[count++] = "--config";
        if (!program_file(config, arena, &file.n, &arguments[count++], err)) {
            return err_wrap(err, "tap");
        }
    }
    arguments[count] = "--discover";
    options.arguments = arguments;
    bool ok = program_start(&tap, &options, arena, err) && read_to_end(tap.out, into, err) &&
              program_wait(&tap, err);
    program_release(&tap);
    struct str name = program->command->items[0];
    return ok || (err->code == ERR_CANCELLED
                      ? false
                      : err_wrap(err, "ask tap " STR_FMT " for its catalog", STR_ARG(name)));
}
