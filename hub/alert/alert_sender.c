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
    struct fd error_fd; /* what the program says on stderr: a file without a name */
    int64_t id;         /* of the message; 0 = nothing runs */
    pid_t pid;
    bool is_late;
};

/* --- its end ---------------------------------------------------------------------------------- */

static void read_error(struct alert_child *c, struct buf *out)
{
    char text[ERROR_BYTES_MAX];
    ssize_t len = pread(c->error_fd.n, text, sizeof(text), 0);
    buf_add(out, str_trim((struct str){text, len > 0 ? (size_t)len : 0}));
}

static void on_exit_status(void *ctx, int wait_status)
{
    struct alert_child *c = ctx;
    struct err err = {0};
    char how[64];
    AUTO(buf) said = buf_growing(ERROR_BYTES_MAX + 1);
    bool ok = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0 && !c->is_late;
    int64_t id = c->id;
    loop_timer_disarm(c->options.loop, &c->timer);
    read_error(c, &said);
    fd_release(&c->error_fd);
    c->id = 0;
    if (!ok) {
        spawn_describe_status(wait_status, how, sizeof(how));
        (void)err_set(&err, ERR_IO, "%s%s" STR_FMT, c->is_late ? "took longer than 30 s" : how,
                      said.len > 0 ? ": " : "", STR_ARG(str_clip(buf_str(&said), 300)));
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

static bool start(struct alert_child *c, struct spawn_options *spawn, const char *const *argv,
                  struct err *err)
{
    int pidfd = -1;
    spawn->argv = argv;
    spawn->envp = (const char *const *)environ;
    if (!spawn_process(spawn, &c->pid, &pidfd, err)) {
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
              spawn_memory_file("alert", message->payload, &input.n, err) &&
              spawn_memory_file("error", STR(""), &c->error_fd.n, err);
    buf_wipe(&url);
    if (!ok) {
        return false;
    }
    struct spawn_options spawn = {
        .stdin_fd = input.n, .stdout_fd = -1, .stderr_fd = c->error_fd.n, .message_fd = config.n};
    if (!start(c, &spawn, argv, err)) {
        fd_release(&c->error_fd);
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
    c->error_fd.n = -1;
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
    fd_release(&c->error_fd);
    free(c);
}

bool alert_child_is_busy(const struct alert_child *c)
{
    return c->id != 0;
}
