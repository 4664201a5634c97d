#include "agent/run/step_process.h"

#include "common/base/limits.h"
#include "common/json/json.h"
#include "common/platform/files.h"
#include "common/platform/spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MESSAGE_BYTES_MAX = LIMIT_EVENT_BYTES,
    RESULT_ARENA_BYTES = 4 * LIMIT_EVENT_BYTES,
    MESSAGE_ARENA_BYTES = 1 << 20,
    CHECKS_MAX = 100,
    TAIL_BYTES = 300, /* of stderr, for the error's text */
};
#define GRACE_NS  (10 * NS_PER_SEC) /* between TERM and KILL */
#define LINGER_NS (1 * NS_PER_SEC)  /* for output of grandchildren after the child has ended */

/* One captured stream: a pipe on one side, a file with a maximum on the other. */
struct capture {
    struct step_process *process;
    struct loop_fd source;
    struct fd pipe;
    struct fd file;
    int64_t bytes; /* seen */
    int64_t kept;
};

struct step_process {
    struct loop *loop;
    struct loop_child child;
    struct loop_timer timer; /* the time-out, then the grace, then the linger */
    struct capture out;
    struct capture err;
    struct loop_fd message_source;
    struct fd message_pipe;
    struct buf messages;
    bool skipping_line; /* a message longer than the limit is read past */
    struct arena arena;
    struct step_check checks[CHECKS_MAX];
    char tail[TAIL_BYTES]; /* last line of stderr that is not blank */
    size_t tail_len;
    bool tail_is_done; /* the line is complete: the next byte begins another */
    bool has_exited;
    bool has_ended;
    int wait_status;
    struct mono_time started;
    struct step_result result;
    struct str said_code, said_message, said_hint;
    void (*on_end)(void *ctx, const struct step_result *result);
    void *ctx;
};

/* --- the end
 * ----------------------------------------------------------------------------------------------------------------
 */

static void blame(struct step_result *result, const char *code, struct str message)
{
    result->ok = false;
    result->error_code = str_from(code);
    result->error_message = message;
}

static void judge(struct step_process *p)
{
    struct step_result *result = &p->result;
    result->duration_ns = loop_now(p->loop).ns - p->started.ns;
    result->output_bytes = p->out.bytes + p->err.bytes;
    bool clean = WIFEXITED(p->wait_status) && WEXITSTATUS(p->wait_status) == 0;
    if (!clean) {
        spawn_describe_status(p->wait_status, result->exit, sizeof(result->exit));
    }
    if (result->timed_out) {
        blame(result, "timeout", STR("the step took longer than its time-out and was ended"));
    } else if (result->canceled) {
        blame(result, "canceled", STR("the step was canceled"));
    } else if (!str_is_empty(p->said_message)) {
        result->ok = false;
        result->error_code = p->said_code;
        result->error_message = p->said_message;
        result->error_hint = p->said_hint;
    } else if (!clean) {
        struct str tail = str_trim((struct str){p->tail, p->tail_len});
        blame(result, "failed", str_is_empty(tail) ? str_from(result->exit) : tail);
    } else {
        result->ok = true;
    }
}

static void finish(struct step_process *p)
{
    if (p->has_ended) {
        return;
    }
    p->has_ended = true;
    loop_timer_disarm(p->loop, &p->timer);
    if (p->result.timed_out || p->result.canceled) {
        /* What the child started and left behind ends with it. The number is still the group's:
         * it is not given to another process while anyone is left in the group. */
        spawn_signal_group(p->child.pid, SIGKILL);
    }
    judge(p);
    p->on_end(p->ctx, &p->result);
}

/* The step has ended when the child has, and nobody can write to its pipes any more; what a
 * grandchild holds open is waited for only a moment. */
static void check_end(struct step_process *p)
{
    if (!p->has_exited) {
        return;
    }
    if (p->out.pipe.n == -1 && p->err.pipe.n == -1 && p->message_pipe.n == -1) {
        finish(p);
    }
}

static void on_exit_status(void *ctx, int wait_status)
{
    struct step_process *p = ctx;
    p->has_exited = true;
    p->wait_status = wait_status;
    loop_timer_disarm(p->loop, &p->timer);
    loop_timer_arm_in(p->loop, &p->timer, LINGER_NS);
    check_end(p);
}

static void on_timer(void *ctx)
{
    struct step_process *p = ctx;
    if (p->has_exited) {
        finish(p);
        return;
    }
    if (p->result.timed_out || p->result.canceled) {
        spawn_signal_group(p->child.pid, SIGKILL);
        return;
    }
    p->result.timed_out = true;
    spawn_signal_group(p->child.pid, SIGTERM);
    loop_timer_arm_in(p->loop, &p->timer, GRACE_NS);
}

void step_process_cancel(struct step_process *p)
{
    if (p->has_exited || p->result.canceled) {
        return;
    }
    p->result.canceled = true;
    spawn_signal_group(p->child.pid, SIGTERM);
    loop_timer_arm_in(p->loop, &p->timer, GRACE_NS);
}

/* --- output
 * -----------------------------------------------------------------------------------------------------------------
 */

static void close_pipe(struct loop *loop, struct loop_fd *source, struct fd *pipe)
{
    loop_fd_remove(loop, source);
    fd_release(pipe);
    pipe->n = -1;
}

static void keep_output(struct capture *c, const char *bytes, size_t len)
{
    c->bytes += (int64_t)len;
    size_t room = (size_t)(LIMIT_STEP_OUTPUT_BYTES - c->kept);
    size_t keep = len < room ? len : room;
    if (c->file.n != -1 && keep > 0) {
        ssize_t written = write(c->file.n, bytes, keep);
        /* A full disk costs the log, never the step; `bytes` against the file's size tells. */
        c->kept += written > 0 ? written : 0;
    }
}

static void remember_tail(struct step_process *p, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '\n') {
            p->tail_is_done = p->tail_len > 0;
            continue;
        }
        if (p->tail_is_done) {
            p->tail_is_done = false;
            p->tail_len = 0;
        }
        if (p->tail_len < sizeof(p->tail)) {
            p->tail[p->tail_len++] = bytes[i];
        }
    }
}

static void on_output(void *ctx, unsigned events)
{
    (void)events;
    struct capture *c = ctx;
    struct step_process *p = c->process;
    char bytes[16384];
    ssize_t len = read(c->pipe.n, bytes, sizeof(bytes));
    if (len > 0) {
        keep_output(c, bytes, (size_t)len);
        if (c == &p->err) {
            remember_tail(p, bytes, (size_t)len);
        }
        return;
    }
    if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
        close_pipe(p->loop, &c->source, &c->pipe);
        check_end(p);
    }
}

void step_process_add_output(struct step_process *p, bool is_stderr, struct str text)
{
    keep_output(is_stderr ? &p->err : &p->out, text.ptr, text.len);
}

/* --- messages
 * ---------------------------------------------------------------------------------------------------------------
 */

/* Copies of what a message says: the message itself is forgotten. */
static struct str text_of(struct step_process *p, const struct json *object, const char *key)
{
    const struct json *node = json_get(object, key);
    return node != NULL && node->type == JSON_STRING ? arena_copy(&p->arena, node->as.string)
                                                     : STR_NONE;
}

static struct str object_text(struct step_process *p, const struct json *object, const char *key)
{
    const struct json *node = json_get(object, key);
    if (node == NULL || node->type != JSON_OBJECT) {
        return STR_NONE;
    }
    AUTO(buf) text = buf_growing(MESSAGE_BYTES_MAX);
    json_write(&text, node);
    return text.overflow ? STR_NONE : arena_copy(&p->arena, buf_str(&text));
}

static void take_check(struct step_process *p, const struct json *message)
{
    if (p->result.check_count == CHECKS_MAX) {
        return;
    }
    const struct json *passed = json_get(message, "passed");
    p->checks[p->result.check_count++] = (struct step_check){
        .name = text_of(p, message, "name"),
        .severity = text_of(p, message, "severity"),
        .passed = passed != NULL && passed->type == JSON_BOOL && passed->as.boolean,
        .metadata = object_text(p, message, "metadata"),
    };
}

static void take_message(struct step_process *p, struct str line)
{
    AUTO(arena) scratch = arena_new(MESSAGE_ARENA_BYTES);
    struct json *message = NULL;
    struct err err = {0};
    if (!json_parse(line, MESSAGE_BYTES_MAX, &scratch, &message, &err)) {
        p->said_code = STR("invalid");
        p->said_message =
            arena_printf(&p->arena, "the step wrote a message that is not JSON: %s", err.msg);
        return;
    }
    const struct json *node = json_get(message, "event");
    struct str event = node != NULL && node->type == JSON_STRING ? node->as.string : STR_NONE;
    if (str_eq(event, STR("materialization"))) {
        p->result.metadata = object_text(p, message, "metadata");
    } else if (str_eq(event, STR("check"))) {
        take_check(p, message);
    } else if (str_eq(event, STR("error"))) {
        p->said_code = text_of(p, message, "code");
        p->said_message = text_of(p, message, "message");
        p->said_hint = text_of(p, message, "hint");
    }
    /* Progress and whatever a newer worker says are for people who watch; nothing is decided on
     * them. */
}

static void take_lines(struct step_process *p)
{
    struct str line = STR_NONE;
    struct str rest = STR_NONE;
    while (str_cut(buf_str(&p->messages), '\n', &line, &rest)) {
        size_t whole = line.len + 1;
        if (p->skipping_line) {
            p->skipping_line = false;
        } else if (!str_is_empty(str_trim(line))) {
            take_message(p, line);
        }
        buf_consume(&p->messages, whole);
    }
    if (p->messages.len >= MESSAGE_BYTES_MAX) {
        p->skipping_line = true;
        buf_reset(&p->messages);
    }
}

static void on_message(void *ctx, unsigned events)
{
    (void)events;
    struct step_process *p = ctx;
    char bytes[16384];
    ssize_t len = read(p->message_pipe.n, bytes, sizeof(bytes));
    if (len > 0) {
        buf_add(&p->messages, (struct str){bytes, (size_t)len});
        take_lines(p);
        return;
    }
    if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
        close_pipe(p->loop, &p->message_source, &p->message_pipe);
        check_end(p);
    }
}

/* --- the start
 * --------------------------------------------------------------------------------------------------------------
 */

static bool open_capture(struct step_process *p, struct capture *c,
                         const struct step_process_options *options, const char *suffix,
                         struct fd *ret_child_end, struct err *err)
{
    int ends[2];
    if (!spawn_pipe(ends, true, err)) {
        return false;
    }
    c->process = p;
    c->pipe.n = ends[0];
    ret_child_end->n = ends[1];
    c->source = (struct loop_fd){.fd = ends[0], .on_ready = on_output, .ctx = c};
    char path[LIMIT_PATH_BYTES + 1];
    (void)snprintf(path, sizeof(path), "%s/%lld.%s", options->output_dir,
                   (long long)options->attempt, suffix);
    c->file.n = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    return loop_fd_watch(p->loop, &c->source, LOOP_READ, err);
}

static bool open_messages(struct step_process *p, struct fd *ret_child_end, struct err *err)
{
    int ends[2];
    if (!spawn_pipe(ends, true, err)) {
        return false;
    }
    p->message_pipe.n = ends[0];
    ret_child_end->n = ends[1];
    p->message_source = (struct loop_fd){.fd = ends[0], .on_ready = on_message, .ctx = p};
    return loop_fd_watch(p->loop, &p->message_source, LOOP_READ, err);
}

static bool start_child(struct step_process *p, const struct step_process_options *options,
                        struct err *err)
{
    AUTO(fd) input = {-1};
    AUTO(fd) out = {-1};
    AUTO(fd) errors = {-1};
    AUTO(fd) messages = {-1};
    if (!str_is_empty(options->input) &&
        !spawn_memory_file("selvedge-step", options->input, &input.n, err)) {
        return false;
    }
    if (!open_capture(p, &p->out, options, "out", &out, err) ||
        !open_capture(p, &p->err, options, "err", &errors, err) ||
        !open_messages(p, &messages, err)) {
        return false;
    }
    struct spawn_options spawn = {.argv = options->argv,
                                  .envp = options->envp,
                                  .cwd = options->cwd,
                                  .stdin_fd = input.n,
                                  .stdout_fd = out.n,
                                  .stderr_fd = errors.n,
                                  .message_fd = messages.n};
    pid_t pid = 0;
    int pidfd = -1;
    if (!spawn_process(&spawn, &pid, &pidfd, err)) {
        return false;
    }
    p->child = (struct loop_child){.on_exit = on_exit_status, .ctx = p};
    return loop_child_watch(p->loop, &p->child, pid, pidfd, err);
}

bool step_process_start(struct step_process **ret, struct loop *loop,
                        const struct step_process_options *options, struct err *err)
{
    struct step_process *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return err_set(err, ERR_NO_MEMORY, "start %s: out of memory", options->argv[0]);
    }
    p->loop = loop;
    p->out.pipe.n = p->out.file.n = p->err.pipe.n = p->err.file.n = p->message_pipe.n = -1;
    p->messages = buf_growing(MESSAGE_BYTES_MAX + 16384);
    p->arena = arena_new(RESULT_ARENA_BYTES);
    p->result.checks = p->checks;
    p->on_end = options->on_end;
    p->ctx = options->ctx;
    p->started = loop_now(loop);
    p->timer = (struct loop_timer){.on_due = on_timer, .ctx = p};
    if (!start_child(p, options, err)) {
        step_process_close(p);
        return false;
    }
    if (options->timeout_ns > 0) {
        loop_timer_arm_in(loop, &p->timer, options->timeout_ns);
    }
    *ret = p;
    return true;
}

void step_process_close(struct step_process *p)
{
    if (p == NULL) {
        return;
    }
    loop_timer_disarm(p->loop, &p->timer);
    if (p->child.pid > 0 && !p->has_exited) {
        spawn_signal_group(p->child.pid, SIGKILL);
        loop_child_remove(p->loop, &p->child);
    }
    close_pipe(p->loop, &p->out.source, &p->out.pipe);
    close_pipe(p->loop, &p->err.source, &p->err.pipe);
    close_pipe(p->loop, &p->message_source, &p->message_pipe);
    fd_release(&p->out.file);
    fd_release(&p->err.file);
    buf_release(&p->messages);
    arena_release(&p->arena);
    free(p);
}
