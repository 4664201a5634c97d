#include "hub/alert/alert_sender.h"

#include "common/base/limits.h"
#include "common/platform/files.h"
#include "common/platform/spawn.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGS_MAX = 32, ERROR_BYTES_MAX = 1024, URL_BYTES_MAX = 4096 };
#define RUN_NS (30 * NS_PER_SEC)

extern char **environ;

struct alert_child {
    struct alert_child_options options;
    struct loop_child child;
    struct loop_timer timer;
    struct loop_fd error;       /* what the program says on stderr */
    char said[ERROR_BYTES_MAX]; /* the beginning of it */
    size_t said_len;
    int64_t id; /* of the message; 0 = nothing runs */
    pid_t pid;
    bool is_late;
};

/* --- its end ---------------------------------------------------------------------------------- */

/* Until there is no more for now. What we do not keep is read all the same: a program that cannot
 * write would hang. */
static void read_error(struct alert_child *c)
{
    char text[ERROR_BYTES_MAX];
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
    struct alert_child *c = ctx;
    read_error(c);
    if ((events & LOOP_HANGUP) != 0) {
        loop_fd_remove(c->options.loop, &c->error);
    }
}

static void close_error(struct alert_child *c)
{
    loop_fd_remove(c->options.loop, &c->error);
    if (c->error.fd >= 0) {
        (void)close(c->error.fd);
    }
    c->error.fd = -1;
}

static void on_exit_status(void *ctx, int wait_status)
{
    struct alert_child *c = ctx;
    struct err err = {0};
    char how[64];
    bool ok = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0 && !c->is_late;
    int64_t id = c->id;
    loop_timer_disarm(c->options.loop, &c->timer);
    read_error(c);
    close_error(c);
    struct str said = str_clip(str_trim((struct str){c->said, c->said_len}), 300);
    c->id = 0;
    if (!ok) {
        spawn_describe_status(wait_status, how, sizeof(how));
        (void)err_set(&err, ERR_IO, "%s%s" STR_FMT, c->is_late ? "took longer than 30 s" : how,
                      said.len > 0 ? ": " : "", STR_ARG(said));
    }
    c->options.on_done(c->options.ctx, c->options.way, id, ok ? NULL : &err);
}

static void on_late(void *ctx)
{
    struct alert_child *c = ctx;
    c->is_late = true;
    (void)spawn_signal_group(c->pid, SIGKILL);
}

/* --- its start -------------------------------------------------------------------------------- */

static size_t command_args(const struct hub_config *config, struct arena *arena,
                           const char *argv[ARGS_MAX + 1])
{
    size_t count = 0;
    for (size_t i = 0; i < config->alert_command.count && count < ARGS_MAX; i++) {
        argv[count++] = arena_cstr(arena, config->alert_command.items[i]);
    }
    return count;
}

/* The URL may be a secret: curl reads it from descriptor 3, so that nobody sees it in a list of
 * processes. */
static size_t webhook_args(const char *argv[ARGS_MAX + 1])
{
    static const char *const args[] = {
        "curl",     "--silent",  "--show-error",  "--fail",   "--max-time",
        "20",       "--config",  "/dev/fd/3",     "--header", "Content-Type: application/json",
        "--output", "/dev/null", "--data-binary", "@-"};
    memcpy(argv, args, sizeof(args));
    return COUNT_OF(args);
}

static bool write_url(const struct hub_config *config, struct buf *out, struct err *err)
{
    struct str url = config->alert_webhook;
    AUTO(buf) file = buf_growing(URL_BYTES_MAX);
    if (str_starts(url, STR("file:"))) {
        char path[LIMIT_PATH_BYTES + 1];
        (void)snprintf(path, sizeof(path), STR_FMT, STR_ARG(str_slice(url, 5, url.len)));
        if (!files_read(path, &file, err)) {
            return false;
        }
        url = str_trim(buf_str(&file));
    }
    buf_add(out, STR("url = \""));
    for (size_t i = 0; i < url.len; i++) {
        if (url.ptr[i] == '"' || url.ptr[i] == '\\') {
            buf_add_char(out, '\\');
        }
        buf_add_char(out, url.ptr[i] == '\n' ? ' ' : url.ptr[i]);
    }
    buf_add(out, STR("\"\n"));
    buf_wipe(&file);
    return true;
}

static bool start(struct alert_child *c, struct spawn_options *spawn, struct err *err)
{
    int ends[2];
    int pidfd = -1;
    if (!spawn_pipe(ends, true, err)) {
        return false;
    }
    AUTO(fd) writer = {ends[1]};
    c->error = (struct loop_fd){.fd = ends[0], .on_ready = on_error_ready, .ctx = c};
    c->said_len = 0;
    spawn->stderr_fd = writer.n;
    spawn->envp = (const char *const *)environ;
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

bool alert_child_send(struct alert_child *c, const struct alert_message *message, struct err *err)
{
    const char *argv[ARGS_MAX + 1] = {NULL};
    AUTO(arena) arena = arena_new(64 << 10);
    AUTO(buf) url = buf_growing(2 * URL_BYTES_MAX);
    AUTO(fd) input = {-1};
    AUTO(fd) config = {-1};
    bool is_webhook = c->options.way == ALERT_BY_WEBHOOK;
    size_t count = is_webhook ? webhook_args(argv) : command_args(c->options.config, &arena, argv);
    argv[count] = NULL;
    bool ok = (!is_webhook || (write_url(c->options.config, &url, err) &&
                               spawn_memory_file("webhook", buf_str(&url), &config.n, err))) &&
              spawn_memory_file("alert", message->payload, &input.n, err);
    buf_wipe(&url);
    if (!ok) {
        return false;
    }
    struct spawn_options spawn = {
        .argv = argv, .stdin_fd = input.n, .stdout_fd = -1, .message_fd = config.n};
    if (!start(c, &spawn, err)) {
        close_error(c);
        return false;
    }
    c->id = message->id;
    c->is_late = false;
    loop_timer_arm_in(c->options.loop, &c->timer, RUN_NS);
    return true;
}

/* --- life ------------------------------------------------------------------------------------- */

bool alert_child_open(struct alert_child **ret, const struct alert_child_options *options,
                      struct err *err)
{
    struct alert_child *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return err_set(err, ERR_NO_MEMORY, "alerts: out of memory");
    }
    c->options = *options;
    c->error.fd = -1;
    c->timer = (struct loop_timer){.on_due = on_late, .ctx = c};
    *ret = c;
    return true;
}

void alert_child_close(struct alert_child *c)
{
    if (c == NULL) {
        return;
    }
    loop_timer_disarm(c->options.loop, &c->timer);
    if (c->id != 0) {
        loop_child_remove(c->options.loop, &c->child);
        (void)spawn_signal_group(c->pid, SIGKILL);
        (void)waitpid(c->pid, NULL, 0);
    }
    close_error(c);
    free(c);
}

bool alert_child_is_busy(const struct alert_child *c)
{
    return c->id != 0;
}
