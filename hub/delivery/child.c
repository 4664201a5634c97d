#include "hub/delivery/child.h"

#include "common/base/limits.h"
#include "common/platform/files.h"
#include "common/platform/spawn.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAID_BYTES_MAX = 1024, ARGS_ARENA_BYTES = 16 << 10 };
#define RUN_NS (300 * NS_PER_SEC)

extern char **environ;

struct delivery_child {
    struct delivery_child_options options;
    struct loop_child child;
    struct loop_timer timer;
    struct loop_fd error; /* what it says on stderr */
    struct fd output;     /* what it writes, in memory */
    char said[SAID_BYTES_MAX];
    size_t said_len;
    pid_t pid; /* 0: nothing runs */
    bool is_late;
};

/* --- its end ---------------------------------------------------------------------------------- */

/* Until there is no more for now; what is not kept is read all the same. */
static void read_error(struct delivery_child *c)
{
    char text[SAID_BYTES_MAX];
    for (;;) {
        ssize_t len = read(c->error.fd, text, sizeof(text));
        if (len <= 0) {
            return;
        }
        size_t room = sizeof(c->said) - c->said_len;
        size_t kept = (size_t)len < room ? (size_t)len : room;
        memcpy(c->said + c->said_len, text, kept);
        c->said_len += kept;
    }
}

static void on_error_ready(void *ctx, unsigned events)
{
    struct delivery_child *c = ctx;
    read_error(c);
    if ((events & LOOP_HANGUP) != 0) {
        loop_fd_remove(c->options.loop, &c->error);
    }
}

static void close_ends(struct delivery_child *c)
{
    loop_fd_remove(c->options.loop, &c->error);
    if (c->error.fd >= 0) {
        (void)close(c->error.fd);
    }
    c->error.fd = -1;
    fd_release(&c->output);
    c->output.n = -1;
}

/* "error: mail: curl: (67) Login denied\nhint: ..." without the rest. */
static struct str reason(const struct delivery_child *c)
{
    struct str line;
    struct str rest;
    struct str said = str_trim((struct str){c->said, c->said_len});
    (void)str_cut(said, '\n', &line, &rest);
    if (str_starts(line, STR("error: "))) {
        line = str_slice(line, 7, line.len);
    }
    return str_clip(line, 300);
}

static void explain(const struct delivery_child *c, int wait_status, struct err *err)
{
    char how[64];
    struct str why = reason(c);
    bool has_ended = WIFEXITED(wait_status) && !c->is_late;
    spawn_describe_status(wait_status, how, sizeof(how));
    if (has_ended && why.len > 0) {
        (void)err_set(err, ERR_IO, STR_FMT, STR_ARG(why));
    } else {
        (void)err_set(err, ERR_IO, "%s%s" STR_FMT, c->is_late ? "took longer than 5 minutes" : how,
                      why.len > 0 ? ": " : "", STR_ARG(why));
    }
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

static void on_exit_status(void *ctx, int wait_status)
{
    struct delivery_child *c = ctx;
    struct err err = {0};
    AUTO(buf) output = buf_growing(LIMIT_MESSAGE_BYTES + 1);
    bool ok = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0 && !c->is_late;
    loop_timer_disarm(c->options.loop, &c->timer);
    read_error(c);
    if (!ok) {
        explain(c, wait_status, &err);
    } else if (!read_output(c, &output)) {
        ok = err_set(&err, ERR_IO, "what it wrote for MQTT cannot be read");
    }
    close_ends(c);
    c->pid = 0;
    c->options.on_done(c->options.ctx, ok ? NULL : &err, buf_str(&output));
}

static void on_late(void *ctx)
{
    struct delivery_child *c = ctx;
    c->is_late = true;
    (void)spawn_signal_group(c->pid, SIGKILL);
}

/* --- its start -------------------------------------------------------------------------------- */

static bool start(struct delivery_child *c, struct spawn_options *spawn, struct err *err)
{
    int ends[2];
    int pidfd = -1;
    c->output.n = memfd_create("report", MFD_CLOEXEC);
    if (c->output.n < 0) {
        return err_errno(err, errno, "make room for a report");
    }
    if (!spawn_pipe(ends, true, err)) {
        return false;
    }
    AUTO(fd) writer = {ends[1]};
    c->error = (struct loop_fd){.fd = ends[0], .on_ready = on_error_ready, .ctx = c};
    c->said_len = 0;
    spawn->stderr_fd = writer.n;
    spawn->stdout_fd = c->output.n;
    if (!loop_fd_watch(c->options.loop, &c->error, LOOP_READ, err) ||
        !spawn_process(spawn, &c->pid, &pidfd, err)) {
        return false;
    }
    c->child = (struct loop_child){.on_exit = on_exit_status, .ctx = c};
    if (!loop_child_watch(c->options.loop, &c->child, c->pid, pidfd, err)) {
        (void)spawn_signal_group(c->pid, SIGKILL); /* nobody would hear of its end */
        (void)waitpid(c->pid, NULL, 0);
        return false;
    }
    return true;
}

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
    struct spawn_options spawn = {
        .argv = argv, .envp = (const char *const *)environ, .stdin_fd = -1, .message_fd = -1};
    if (!start(c, &spawn, err)) {
        close_ends(c);
        c->pid = 0;
        return false;
    }
    c->is_late = false;
    loop_timer_arm_in(c->options.loop, &c->timer, RUN_NS);
    return true;
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
    c->error.fd = -1;
    c->output.n = -1;
    c->timer = (struct loop_timer){.on_due = on_late, .ctx = c};
    *ret = c;
    return true;
}

void delivery_child_close(struct delivery_child *c)
{
    if (c == NULL) {
        return;
    }
    loop_timer_disarm(c->options.loop, &c->timer);
    if (c->pid != 0) {
        loop_child_remove(c->options.loop, &c->child);
    }
    close_ends(c);
    free(c);
}

bool delivery_child_is_busy(const struct delivery_child *c)
{
    return c->pid != 0;
}
