#include "agent/daemon/control.h"

#include "common/base/limits.h"
#include "common/json/json_writer.h"
#include "common/log/log.h"
#include "common/platform/files.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    CALLERS_MAX = 8,
    REQUEST_BYTES_MAX = 512 << 10, /* with the keys of many assets */
    REPLY_BYTES_MAX = 1 << 20,
    CALL_TIMEOUT_MS = 10000,
};

struct caller {
    struct control *control;
    struct loop_fd source;
    struct buf request;
};

struct control {
    struct loop *loop;
    struct loop_fd listener;
    char path[LIMIT_PATH_BYTES + 1];
    struct caller callers[CALLERS_MAX];
    control_handler *handler;
    void *ctx;
};

static bool socket_address(const char *state_dir, struct sockaddr_un *ret, struct err *err)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    int len = snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/agent.sock", state_dir);
    if (len < 0 || (size_t)len >= sizeof(ret->sun_path)) {
        (void)err_set(err, ERR_INVALID, "%s is too long for a socket path", state_dir);
        return err_hint(err, "use a state folder with a path of at most %zu bytes",
                        sizeof(ret->sun_path) - sizeof("/agent.sock"));
    }
    return true;
}

/* --- the daemon's side ------------------------------------------------------------------------ */

static void hang_up(struct caller *caller)
{
    loop_fd_remove(caller->control->loop, &caller->source);
    (void)close(caller->source.fd);
    caller->source.fd = -1;
    buf_release(&caller->request);
}

static void write_error(struct buf *reply, const struct err *err)
{
    struct json_writer w = json_writer(reply);
    jw_begin_object(&w);
    jw_key(&w, STR("error"));
    jw_begin_object(&w);
    jw_member_str(&w, "code", str_from(err_code_name(err->code)));
    jw_member_str(&w, "message", str_from(err->msg));
    jw_member_opt(&w, "hint", str_from(err->hint));
    jw_end_object(&w);
    jw_end_object(&w);
}

static void answer(struct caller *caller, struct str line)
{
    struct control *control = caller->control;
    AUTO(arena) arena = arena_new(4 * REQUEST_BYTES_MAX);
    AUTO(buf) reply = buf_growing(REPLY_BYTES_MAX);
    struct json *request = NULL;
    struct err err = {0};
    if (!json_parse(line, REQUEST_BYTES_MAX, &arena, &request, &err) ||
        !control->handler(control->ctx, request, &reply, &err)) {
        buf_reset(&reply);
        write_error(&reply, &err);
    }
    buf_add_char(&reply, '\n');
    /* A caller that does not read loses the reply: the daemon does not wait for it. */
    if (send(caller->source.fd, reply.ptr, reply.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        hang_up(caller);
    }
}

static void on_request(void *ctx, unsigned events)
{
    (void)events;
    struct caller *caller = ctx;
    char bytes[4096];
    ssize_t len = recv(caller->source.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (len <= 0) {
        if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
            hang_up(caller);
        }
        return;
    }
    buf_add(&caller->request, (struct str){bytes, (size_t)len});
    struct str line = STR_NONE;
    struct str rest = STR_NONE;
    while (caller->source.fd != -1 && str_cut(buf_str(&caller->request), '\n', &line, &rest)) {
        size_t whole = line.len + 1;
        answer(caller, line);
        if (caller->source.fd != -1) {
            buf_consume(&caller->request, whole);
        }
    }
    if (caller->source.fd != -1 && caller->request.overflow) {
        hang_up(caller);
    }
}

static void on_caller(void *ctx, unsigned events)
{
    (void)events;
    struct control *control = ctx;
    struct err err = {0};
    int fd = accept4(control->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return;
    }
    for (size_t i = 0; i < CALLERS_MAX; i++) {
        struct caller *caller = &control->callers[i];
        if (caller->source.fd != -1) {
            continue;
        }
        *caller = (struct caller){.control = control, .request = buf_growing(REQUEST_BYTES_MAX)};
        caller->source = (struct loop_fd){.fd = fd, .on_ready = on_request, .ctx = caller};
        if (!loop_fd_watch(control->loop, &caller->source, LOOP_READ, &err)) {
            hang_up(caller);
        }
        return;
    }
    (void)close(fd); /* all places are taken: the caller sees the end and may come again */
}

static bool listen_on(struct control *control, const char *state_dir, struct err *err)
{
    struct sockaddr_un address;
    if (!socket_address(state_dir, &address, err)) {
        return false;
    }
    memcpy(control->path, address.sun_path, sizeof(address.sun_path));
    (void)unlink(control->path); /* left by a killed daemon; the lock says that none is running */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    control->listener = (struct loop_fd){.fd = fd, .on_ready = on_caller, .ctx = control};
    mode_t mask = umask(0177);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
              listen(fd, CALLERS_MAX) == 0;
    int reason = errno;
    (void)umask(mask);
    if (!ok) {
        return err_errno(err, reason, "listen on %s", control->path);
    }
    return loop_fd_watch(control->loop, &control->listener, LOOP_READ, err);
}

bool control_open(struct control **ret, struct loop *loop, const char *state_dir,
                  control_handler *handler, void *ctx, struct err *err)
{
    struct control *control = calloc(1, sizeof(*control));
    if (control == NULL) {
        return err_set(err, ERR_NO_MEMORY, "open the control socket: out of memory");
    }
    control->loop = loop;
    control->handler = handler;
    control->ctx = ctx;
    control->listener.fd = -1;
    for (size_t i = 0; i < CALLERS_MAX; i++) {
        control->callers[i].control = control;
        control->callers[i].source.fd = -1;
    }
    if (!listen_on(control, state_dir, err)) {
        control_close(control);
        return false;
    }
    *ret = control;
    return true;
}

void control_close(struct control *control)
{
    if (control == NULL) {
        return;
    }
    for (size_t i = 0; i < CALLERS_MAX; i++) {
        if (control->callers[i].source.fd != -1) {
            hang_up(&control->callers[i]);
        }
    }
    if (control->listener.fd != -1) {
        loop_fd_remove(control->loop, &control->listener);
        (void)close(control->listener.fd);
        (void)unlink(control->path);
    }
    free(control);
}

/* --- the caller's side ------------------------------------------------------------------------ */

static bool not_running(struct err *err)
{
    (void)err_set(err, ERR_OFFLINE, "no agent is running here");
    return err_hint(err, "start it: selvedge-agent daemon");
}

static bool receive_line(int fd, struct buf *line, struct err *err)
{
    for (;;) {
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        if (poll(&waiting, 1, CALL_TIMEOUT_MS) <= 0) {
            return err_set(err, ERR_TIMEOUT, "the agent did not answer within %d s",
                           CALL_TIMEOUT_MS / 1000);
        }
        char bytes[4096];
        ssize_t len = recv(fd, bytes, sizeof(bytes), 0);
        if (len <= 0) {
            return err_set(err, ERR_OFFLINE, "the agent closed the connection without an answer");
        }
        buf_add(line, (struct str){bytes, (size_t)len});
        if (bytes[len - 1] == '\n' || line->overflow) {
            return !line->overflow || err_set(err, ERR_FULL, "the agent's answer is too long");
        }
    }
}

static struct str member_text(const struct json *object, const char *key)
{
    const struct json *node = json_get(object, key);
    return node != NULL && node->type == JSON_STRING ? node->as.string : STR("");
}

bool control_call(const char *state_dir, struct str request, struct arena *arena,
                  struct json **ret_reply, struct err *err)
{
    struct sockaddr_un address;
    if (!socket_address(state_dir, &address, err)) {
        return false;
    }
    AUTO(fd) fd = {socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (fd.n < 0 || connect(fd.n, (struct sockaddr *)&address, sizeof(address)) != 0) {
        return errno == EACCES ? err_errno(err, errno, "connect to %s", address.sun_path)
                               : not_running(err);
    }
    AUTO(buf) line = buf_growing(REPLY_BYTES_MAX + 1);
    buf_add(&line, request);
    buf_add_char(&line, '\n');
    if (send(fd.n, line.ptr, line.len, MSG_NOSIGNAL) != (ssize_t)line.len) {
        return not_running(err);
    }
    buf_reset(&line);
    struct json *reply = NULL;
    if (!receive_line(fd.n, &line, err) ||
        !json_parse(str_trim(buf_str(&line)), REPLY_BYTES_MAX, arena, &reply, err)) {
        return false;
    }
    const struct json *error = json_get(reply, "error");
    if (error != NULL) {
        struct str message = member_text(error, "message");
        struct str hint = member_text(error, "hint");
        struct str code = member_text(error, "code");
        (void)err_set(err, err_code_from(code.ptr, code.len), STR_FMT, STR_ARG(message));
        return err_hint(err, STR_FMT, STR_ARG(hint));
    }
    *ret_reply = reply;
    return true;
}
