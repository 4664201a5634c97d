#include "agent/el/loader.h"

#include "agent/el/cancel.h"
#include "common/base/limits.h"
#include "common/json/json.h"
#include "common/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

enum { PIECE_BYTES = 16 << 10, STATE_ARENA_BYTES_MAX = 64 << 20 };

bool loader_open(struct loader *ret, struct str state_dir, struct str state_id, struct arena *arena,
                 struct err *err)
{
    *ret = (struct loader){.program = {.pidfd = -1, .in = -1, .out = -1, .log = -1},
                           .config = {-1},
                           .said = buf_growing((size_t)LIMIT_JSON_BYTES * 2)};
    return state_file_open(&ret->state, state_dir, state_id, arena, err);
}

/* A program that has ended is told by the write, not by a signal that would end us. */
static bool ignore_broken_pipes(struct err *err)
{
    struct sigaction action = {.sa_handler = SIG_IGN};
    return sigaction(SIGPIPE, &action, NULL) == 0 || err_errno(err, errno, "ignore SIGPIPE");
}

bool loader_start(struct loader *l, const struct str_list *command, struct str config,
                  struct arena *arena, struct err *err)
{
    const char *arguments[3] = {0};
    const struct program_options options = {.command = command,
                                            .dir = l->dir,
                                            .arguments = arguments,
                                            .envp = l->envp,
                                            .has_input = true};
    l->name = command->count > 0 ? command->items[0] : STR("singer_program");
    if (config.len > 0) {
        arguments[0] = "--config";
        if (!program_file(config, arena, &l->config.n, &arguments[1], err)) {
            return err_wrap(err, "target");
        }
    }
    if (!ignore_broken_pipes(err) || !program_start(&l->program, &options, arena, err)) {
        return err_wrap(err, "target");
    }
    if (fcntl(l->program.in, F_SETFL, O_NONBLOCK) != 0 ||
        fcntl(l->program.out, F_SETFL, O_NONBLOCK) != 0) {
        return err_errno(err, errno, "target");
    }
    return true;
}

/* --- what it says ---------------------------------------------------------------------------- */

/* Targets that print other things are not rare; a state is an object. */
static bool take_line(struct loader *l, struct str line, struct err *err)
{
    AUTO(arena) arena = arena_new(STATE_ARENA_BYTES_MAX);
    struct json *root = NULL;
    struct err why;
    line = str_trim(line);
    if (line.len == 0) {
        return true;
    }
    if (!json_parse(line, LIMIT_JSON_BYTES, &arena, &root, &why) || root->type != JSON_OBJECT) {
        if (!l->has_chatted) { /* one of them tells it all */
            LOG(WARN, "el.no_state", F_S("target", l->name), F_S("line", str_slice(line, 0, 200)));
        }
        l->has_chatted = true;
        return true;
    }
    AUTO(buf) compact = buf_growing(LIMIT_JSON_BYTES); /* however it spaces it, the same state */
    json_write(&compact, root);
    return compact.overflow ? err_set(err, ERR_NO_MEMORY, "no memory for a state")
                            : state_file_set(&l->state, buf_str(&compact), err);
}

static bool take_lines(struct loader *l, struct err *err)
{
    struct str line;
    struct str rest = buf_str(&l->said);
    size_t taken = 0;
    while (rest.len > 0 && str_cut(rest, '\n', &line, &rest)) {
        if (!take_line(l, line, err)) {
            return false;
        }
        taken += line.len + 1;
    }
    buf_consume(&l->said, taken);
    return true;
}

bool loader_listen(struct loader *l, struct err *err)
{
    while (!l->is_silent) {
        char *to = buf_reserve(&l->said, PIECE_BYTES);
        if (to == NULL) {
            return err_set(err, ERR_FULL, "target " STR_FMT ": a state is larger than %d bytes",
                           STR_ARG(l->name), LIMIT_JSON_BYTES);
        }
        ssize_t n = read(l->program.out, to, PIECE_BYTES);
        if (n < 0 && errno == EAGAIN) {
            return true;
        }
        if (n < 0 && errno != EINTR) {
            return err_errno(err, errno, "read from target " STR_FMT, STR_ARG(l->name));
        }
        l->is_silent = n == 0;
        l->said.len += n > 0 ? (size_t)n : 0;
        if (n > 0 && !take_lines(l, err)) {
            return false;
        }
    }
    /* Bytes without a line end are a line too. */
    bool ok = l->said.len == 0 || take_line(l, buf_str(&l->said), err);
    buf_reset(&l->said);
    return ok;
}

static bool wait_for(struct loader *l, bool to_write, struct err *err)
{
    struct pollfd ends[] = {
        {.fd = l->is_silent ? -1 : l->program.out, .events = POLLIN},
        {.fd = to_write ? l->program.in : -1, .events = POLLOUT},
    };
    if (poll(ends, COUNT_OF(ends), -1) < 0 && errno != EINTR) {
        return err_errno(err, errno, "wait for target " STR_FMT, STR_ARG(l->name));
    }
    return !cancel_requested() || cancel_error(err);
}

/* --- its end --------------------------------------------------------------------------------- */

static bool listen_to_end(struct loader *l, struct err *err)
{
    while (!l->is_silent) {
        if (!wait_for(l, false, err) || !loader_listen(l, err)) {
            return false;
        }
    }
    return loader_listen(l, err);
}

/* Always false. */
static bool ended_early(struct loader *l, struct err *err)
{
    struct err why = {0};
    (void)close(l->program.in);
    l->program.in = -1;
    if (!listen_to_end(l, err)) {
        return false;
    }
    if (program_wait(&l->program, &why)) {
        err_set(&why, ERR_IO, "ended before its input did");
        err_hint(&why, "what it wrote to its standard error is in the step's log");
    }
    if (cancel_requested()) {
        return cancel_error(err); /* the signal was for it too */
    }
    *err = why;
    return err_wrap(err, "target " STR_FMT, STR_ARG(l->name));
}

bool loader_write(struct loader *l, struct str messages, struct err *err)
{
    while (messages.len > 0) {
        ssize_t n = write(l->program.in, messages.ptr, messages.len);
        if (n < 0 && errno == EPIPE) {
            return ended_early(l, err);
        }
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return err_errno(err, errno, "write to target " STR_FMT, STR_ARG(l->name));
        }
        messages = str_slice(messages, n > 0 ? (size_t)n : 0, messages.len);
        if (messages.len > 0 && (!wait_for(l, true, err) || !loader_listen(l, err))) {
            return false;
        }
    }
    return true;
}

bool loader_check(struct loader *l, struct err *err)
{
    struct pollfd end = {.fd = l->program.pidfd, .events = POLLIN};
    return poll(&end, 1, 0) <= 0 || ended_early(l, err);
}

bool loader_finish(struct loader *l, struct err *err)
{
    (void)close(l->program.in);
    l->program.in = -1;
    if (!listen_to_end(l, err)) {
        return false;
    }
    if (!program_wait(&l->program, err)) {
        return err_wrap(err, "target " STR_FMT, STR_ARG(l->name));
    }
    return state_file_flush(&l->state, err);
}

void loader_release(struct loader *l)
{
    struct err err = {0};
    program_release(&l->program);
    if (!state_file_flush(&l->state, &err)) {
        LOG(ERROR, "el.state_not_kept", F_ERR(&err));
    }
    state_file_release(&l->state);
    buf_release(&l->said);
    fd_release(&l->config);
}
