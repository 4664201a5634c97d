#include "agent/daemon/sensor_program.h"

#include "agent/run/orphans.h"
#include "agent/sense/answer.h"
#include "common/platform/files.h"
#include "common/platform/spawn.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SPEC_ARENA_BYTES = 1 << 20, ERROR_LINE_BYTES = 200, READ_BYTES = 16 << 10 };
#define PROGRAM_GRACE_NS  (2 * NS_PER_SEC) /* between TERM and KILL */
#define PROGRAM_LINGER_NS (1 * NS_PER_SEC) /* for output after its end */

struct stream {
    struct program *program;
    struct loop_fd source;
    struct fd pipe; /* -1: nobody can write any more */
};

struct program {
    struct loop *loop;
    struct program_options options;
    struct loop_child child;
    struct loop_timer timer; /* the time-out, then the grace, then the linger */
    struct stream out;
    struct stream err;
    struct buf said;
    char line[ERROR_LINE_BYTES]; /* of standard error, the last that is not blank */
    size_t line_len;
    bool line_is_done;
    bool has_exited;
    bool has_timed_out;
    bool said_too_much;
    int wait_status;
    int64_t timeout_ns;
};

/* --- the end --- */

static void close_stream(struct program *p, struct stream *s)
{
    loop_fd_remove(p->loop, &s->source);
    fd_release(&s->pipe);
    s->pipe.n = -1;
}

static void explain(const struct program *p, struct str line, struct err *why)
{
    char status[64];
    spawn_describe_status(p->wait_status, status, sizeof(status));
    if (p->said_too_much) {
        (void)err_set(why, ERR_FULL, "it said more than %d bytes", ANSWER_BYTES_MAX);
    } else if (p->has_timed_out) {
        (void)err_set(why, ERR_TIMEOUT, "it took longer than %lld ms and was ended",
                      (long long)(p->timeout_ns / NS_PER_MS));
    } else if (str_is_empty(line)) {
        (void)err_set(why, ERR_IO, "%s", status);
    } else {
        (void)err_set(why, ERR_IO, "%s: " STR_FMT, status, STR_ARG(line));
    }
}

static void finish(struct program *p)
{
    loop_timer_disarm(p->loop, &p->timer);
    close_stream(p, &p->out);
    close_stream(p, &p->err);
    struct str line = str_trim((struct str){p->line, p->line_len});
    struct program_end end = {.said = buf_str(&p->said), .last_line = line};
    end.ok = WIFEXITED(p->wait_status) && WEXITSTATUS(p->wait_status) == 0 && !p->has_timed_out &&
             !p->said_too_much;
    if (!end.ok) {
        explain(p, line, &end.why);
    }
    p->options.on_end(p->options.ctx, &end);
}

static bool is_over(const struct program *p)
{
    return p->has_exited && p->out.pipe.n == -1 && p->err.pipe.n == -1;
}

static void on_exit_status(void *ctx, int wait_status)
{
    struct program *p = ctx;
    p->has_exited = true;
    p->wait_status = wait_status;
    /* The number is still the group's, if anyone is left in it. */
    spawn_signal_group(p->child.pid, SIGKILL);
    loop_timer_disarm(p->loop, &p->timer);
    if (is_over(p)) {
        finish(p);
    } else {
        loop_timer_arm_in(p->loop, &p->timer, PROGRAM_LINGER_NS);
    }
}

static void on_timer(void *ctx)
{
    struct program *p = ctx;
    if (p->has_exited) {
        finish(p); /* what left the group may hold the pipes for ever */
        return;
    }
    spawn_signal_group(p->child.pid, p->has_timed_out ? SIGKILL : SIGTERM);
    p->has_timed_out = true;
    loop_timer_arm_in(p->loop, &p->timer, PROGRAM_GRACE_NS);
}

/* --- output --- */

static void keep_line(struct program *p, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '\n') {
            p->line_is_done = p->line_len > 0;
            continue;
        }
        if (p->line_is_done) {
            p->line_is_done = false;
            p->line_len = 0;
        }
        if (p->line_len < sizeof(p->line)) {
            p->line[p->line_len++] = bytes[i];
        }
    }
}

static void keep(struct program *p, const struct stream *s, const char *bytes, size_t len)
{
    if (s == &p->err) {
        keep_line(p, bytes, len);
        return;
    }
    buf_add(&p->said, (struct str){bytes, len});
    if (p->said.overflow && !p->said_too_much) {
        p->said_too_much = true;
        spawn_signal_group(p->child.pid, SIGKILL);
    }
}

static void on_output(void *ctx, unsigned events)
{
    (void)events;
    struct stream *s = ctx;
    struct program *p = s->program;
    char bytes[READ_BYTES];
    ssize_t len = read(s->pipe.n, bytes, sizeof(bytes));
    if (len > 0) {
        keep(p, s, bytes, (size_t)len);
        return;
    }
    if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    close_stream(p, s);
    if (is_over(p)) {
        finish(p);
    }
}

/* --- the start --- */

struct spec {
    const char *const *argv;
    const char *const *envp;
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "start the program: out of memory");
}

static const char *resolve(const struct program_context *context, struct str text,
                           struct arena *arena, struct err *err)
{
    struct str value = STR_NONE;
    const char *copy = NULL;
    if (definitions_resolve_text(text, context->env, arena, &value, err)) {
        copy = arena_cstr(arena, value);
        (void)(copy != NULL || no_memory(err));
    }
    return copy;
}

static bool make_argv(const struct program_context *context, struct arena *arena, struct spec *spec,
                      struct err *err)
{
    const struct str_list *run = &context->sensor->run;
    const char **argv = arena_array(arena, run->count + 1, sizeof(*argv));
    if (argv == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < run->count; i++) {
        argv[i] = resolve(context, run->items[i], arena, err);
        if (argv[i] == NULL) {
            return false;
        }
    }
    spec->argv = argv;
    return true;
}

struct variables {
    struct arena *arena;
    const char **items;
    size_t count;
    bool ok;
};

static void set(struct variables *v, const char *name, struct str value)
{
    struct str entry = arena_printf(v->arena, "%s=" STR_FMT, name, STR_ARG(value));
    v->ok = v->ok && entry.ptr != NULL;
    if (v->ok) {
        v->items[v->count++] = entry.ptr;
    }
}

/* As of a step: what every program expects, what it is asked, what the sensor gives it. */
static bool make_environment(const struct program_context *context, struct arena *arena,
                             struct spec *spec, struct err *err)
{
    static const char *const passed[] = {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"};
    const struct sensor *sensor = context->sensor;
    struct variables v = {.arena = arena, .ok = true};
    char when[WALL_TEXT_SIZE] = "";
    v.items = arena_array(arena, COUNT_OF(passed) + 6 + sensor->env.count, sizeof(*v.items));
    if (v.items == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < COUNT_OF(passed); i++) {
        struct str value = STR_NONE;
        if (context->env->get(context->env->ctx, str_from(passed[i]), &value)) {
            set(&v, passed[i], value);
        }
    }
    if (context->last_tick.ns > 0) {
        (void)wall_format(context->last_tick, when);
    }
    set(&v, "STATE_DIR", str_from(context->state_dir));
    set(&v, "SELVEDGE_SENSOR", sensor->name);
    set(&v, "SELVEDGE_CURSOR", context->cursor);
    set(&v, "SELVEDGE_LAST_TICK", str_from(when));
    if (!str_is_empty(context->store_id)) {
        set(&v, ORPHANS_VARIABLE,
            arena_printf(arena, STR_FMT "/sensor/" STR_FMT "/1", STR_ARG(context->store_id),
                         STR_ARG(sensor->name)));
    }
    for (size_t i = 0; i < sensor->env.count; i++) {
        const char *name = arena_cstr(arena, sensor->env.keys[i]);
        const char *value = resolve(context, sensor->env.values[i], arena, err);
        if (value == NULL) {
            return false;
        }
        if (name != NULL) {
            set(&v, name, str_from(value));
        }
    }
    spec->envp = v.items;
    return v.ok || no_memory(err);
}

static bool open_stream(struct program *p, struct stream *s, struct fd *ret_child_end,
                        struct err *err)
{
    int ends[2];
    if (!spawn_pipe(ends, true, err)) {
        return false;
    }
    s->pipe.n = ends[0];
    ret_child_end->n = ends[1];
    s->source = (struct loop_fd){.fd = ends[0], .on_ready = on_output, .ctx = s};
    return loop_fd_watch(p->loop, &s->source, LOOP_READ, err);
}

static bool start_child(struct program *p, const struct program_context *context,
                        const struct spec *spec, struct err *err)
{
    AUTO(fd) out = {-1};
    AUTO(fd) errors = {-1};
    if (!open_stream(p, &p->out, &out, err) ||
        (!p->options.shows_errors && !open_stream(p, &p->err, &errors, err))) {
        return false;
    }
    struct spawn_options spawn = {.argv = spec->argv,
                                  .envp = spec->envp,
                                  .cwd = context->defs->dir,
                                  .stdin_fd = -1,
                                  .stdout_fd = out.n,
                                  .stderr_fd = p->options.shows_errors ? STDERR_FILENO : errors.n,
                                  .message_fd = -1};
    pid_t pid = 0;
    int pidfd = -1;
    if (!spawn_process(&spawn, &pid, &pidfd, err)) {
        return false;
    }
    p->child = (struct loop_child){.on_exit = on_exit_status, .ctx = p};
    return loop_child_watch(p->loop, &p->child, pid, pidfd, err);
}

bool program_start(struct program **ret, struct loop *loop, const struct program_context *context,
                   const struct program_options *options, struct err *err)
{
    AUTO(arena) arena = arena_new(SPEC_ARENA_BYTES);
    struct spec spec = {0};
    if (!make_argv(context, &arena, &spec, err) || !make_environment(context, &arena, &spec, err)) {
        return false;
    }
    struct program *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return no_memory(err);
    }
    p->loop = loop;
    p->options = *options;
    p->out = (struct stream){.program = p, .pipe = {-1}};
    p->err = (struct stream){.program = p, .pipe = {-1}};
    p->said = buf_growing(ANSWER_BYTES_MAX);
    p->timer = (struct loop_timer){.on_due = on_timer, .ctx = p};
    p->timeout_ns = context->sensor->timeout_ns;
    if (!start_child(p, context, &spec, err)) {
        program_close(p);
        return false;
    }
    if (p->timeout_ns > 0) {
        loop_timer_arm_in(loop, &p->timer, p->timeout_ns);
    }
    *ret = p;
    return true;
}

void program_close(struct program *p)
{
    if (p == NULL) {
        return;
    }
    loop_timer_disarm(p->loop, &p->timer);
    if (p->child.pid > 0 && !p->has_exited) {
        spawn_signal_group(p->child.pid, SIGKILL);
        loop_child_remove(p->loop, &p->child);
    }
    close_stream(p, &p->out);
    close_stream(p, &p->err);
    buf_release(&p->said);
    free(p);
}
