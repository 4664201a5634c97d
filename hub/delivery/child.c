#include "hub/delivery/child.h"

#include "common/base/limits.h"
#include "common/platform/files.h"
#include "hub/fleet/errand.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ARGS_ARENA_BYTES = 16 << 10 };
#define RUN_NS (300 * NS_PER_SEC)

struct delivery_child {
    struct delivery_child_options options;
    struct errand errand;
    struct fd output; /* what it writes, in memory */
};

/* --- its end ---------------------------------------------------------------------------------- */

static void close_output(struct delivery_child *c)
{
    fd_release(&c->output);
    c->output.n = -1;
}

static bool read_output(const struct delivery_child *c, struct buf *into)
{
    char *to = buf_reserve(into, LIMIT_MESSAGE_BYTES + 1);
    ssize_t len = to == NULL ? -1 : pread(c->output.n, to, LIMIT_MESSAGE_BYTES + 1, 0);
    if (len < 0 || len > LIMIT_MESSAGE_BYTES) {
        return false;
    }
    into->len += (size_t)len;
    return true;
}

static void on_end(void *ctx, const struct err *why)
{
    struct delivery_child *c = ctx;
    struct err err = {0};
    AUTO(buf) output = buf_growing(LIMIT_MESSAGE_BYTES + 1);
    if (why == NULL && !read_output(c, &output)) {
        (void)err_set(&err, ERR_IO, "what it wrote for MQTT cannot be read");
        why = &err;
    }
    close_output(c);
    c->options.on_done(c->options.ctx, why, buf_str(&output));
}

/* --- its start -------------------------------------------------------------------------------- */

bool delivery_child_start(struct delivery_child *c, struct delivery_key key, struct err *err)
{
    AUTO(arena) arena = arena_new(ARGS_ARENA_BYTES);
    const char *const argv[] = {"/proc/self/exe", /* ourselves, also when the file was replaced */
                                "report-send",
                                arena_cstr(&arena, key.report),
                                "--cause",
                                delivery_cause_names[key.cause],
                                "--config",
                                arena_cstr(&arena, c->options.config->file),
                                "--state-dir",
                                arena_cstr(&arena, c->options.config->state_dir),
                                NULL};
    if (arena.exhausted) {
        return err_set(err, ERR_NO_MEMORY, "deliver a report: out of memory");
    }
    c->output.n = memfd_create("report", MFD_CLOEXEC);
    if (c->output.n < 0) {
        return err_errno(err, errno, "make room for a report");
    }
    struct spawn_options spawn = {
        .argv = argv, .stdin_fd = -1, .stdout_fd = c->output.n, .message_fd = -1};
    bool ok = errand_start(&c->errand, &spawn, err);
    if (!ok) {
        close_output(c);
    }
    return ok;
}

/* --- life ------------------------------------------------------------------------------------- */

bool delivery_child_open(struct delivery_child **ret, const struct delivery_child_options *options,
                         struct err *err)
{
    struct delivery_child *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return err_set(err, ERR_NO_MEMORY, "reports: out of memory");
    }
    c->options = *options;
    c->output.n = -1;
    c->errand =
        (struct errand){.loop = options->loop, .on_end = on_end, .ctx = c, .run_ns = RUN_NS};
    errand_init(&c->errand);
    *ret = c;
    return true;
}

void delivery_child_close(struct delivery_child *c)
{
    if (c == NULL) {
        return;
    }
    errand_fini(&c->errand, true);
    close_output(c);
    free(c);
}

bool delivery_child_is_busy(const struct delivery_child *c)
{
    return errand_is_busy(&c->errand);
}
