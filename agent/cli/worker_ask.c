#include "agent/cli/worker_ask.h"

#include "agent/daemon/own_program.h"
#include "common/platform/files.h"
#include "common/platform/spawn.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PIECE_BYTES = 64 << 10,
    WAIT_MS = 60000, /* for each piece: it may have to ask a server far away */
};

bool worker_step(const struct worker_asker *asker, const struct asset *asset,
                 const struct asset *const *assets, size_t asset_count, struct step_spec *ret,
                 struct err *err)
{
    const struct settings *settings = asker->settings;
    char worker[LIMIT_PATH_BYTES + 1];
    char cwd[LIMIT_PATH_BYTES + 1];
    char state_dir[LIMIT_PATH_BYTES + 1];
    if (getcwd(cwd, sizeof(cwd)) == NULL) {
        cwd[0] = '\0';
    }
    if (!own_program_worker(&settings->config, worker, err) ||
        !files_join(cwd, str_from(settings->state_dir), state_dir, sizeof(state_dir), err)) {
        return false;
    }
    const struct step_context context = {.defs = asker->defs,
                                         .worker = arena_cstr(asker->arena, str_from(worker)),
                                         .state_dir = state_dir,
                                         .attempt = 1,
                                         .assets = assets,
                                         .asset_count = asset_count,
                                         .env = &settings->env};
    return step_spec_make(&context, asset, asker->arena, ret, err);
}

static bool read_reply(int fd, struct buf *reply, struct err *err)
{
    for (;;) {
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        char *to = buf_reserve(reply, PIECE_BYTES);
        if (to == NULL) {
            return err_set(err, ERR_FULL, "the worker's answer is larger than %zu bytes",
                           reply->max);
        }
        if (poll(&waiting, 1, WAIT_MS) == 0) {
            return err_set(err, ERR_TIMEOUT, "the worker had no answer within %d s",
                           WAIT_MS / 1000);
        }
        ssize_t n = read(fd, to, PIECE_BYTES);
        if (n < 0 && errno != EINTR) {
            return err_errno(err, errno, "read from the worker");
        }
        if (n == 0) {
            return true;
        }
        reply->len += n > 0 ? (size_t)n : 0;
    }
}

/* Its messages come on standard output too, where descriptor 3 is not open. */
bool worker_ask(const struct step_spec *spec, const char *command, struct str input,
                struct buf *reply, struct err *err)
{
    const char *const argv[] = {spec->argv[0], command, NULL};
    AUTO(fd) in = {-1};
    int out[2];
    int pidfd = -1;
    pid_t pid = 0;
    if (!spawn_memory_file("step", input, &in.n, err) || !spawn_pipe(out, false, err)) {
        return false;
    }
    const struct spawn_options options = {.argv = argv,
                                          .envp = spec->envp,
                                          .cwd = spec->cwd,
                                          .stdin_fd = in.n,
                                          .stdout_fd = out[1],
                                          .stderr_fd = -1,
                                          .message_fd = -1,
                                          .stays_in_group = true};
    bool ok = spawn_process(&options, &pid, &pidfd, err);
    (void)close(out[1]);
    if (ok) {
        ok = read_reply(out[0], reply, err);
        if (!ok) {
            (void)kill(pid, SIGKILL);
        }
        (void)waitpid(pid, NULL, 0);
        (void)close(pidfd);
    }
    (void)close(out[0]);
    return ok;
}

static struct str text_of(const struct json *node, const char *key)
{
    const struct json *member = json_get(node, key);
    return member != NULL && member->type == JSON_STRING ? member->as.string : STR_NONE;
}

/* What the worker says is wrong. Always false. */
bool worker_refused(const struct json *reply, struct err *err)
{
    struct str message = text_of(reply, "message");
    struct str hint = text_of(reply, "hint");
    if (message.len == 0) {
        return err_set(err, ERR_INTERNAL, "the worker gave no answer that is one");
    }
    struct str code = text_of(reply, "code");
    err_set(err, err_code_from(code.ptr, code.len), STR_FMT, STR_ARG(message));
    return hint.len > 0 && err_hint(err, STR_FMT, STR_ARG(hint));
}
