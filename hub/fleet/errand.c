#include "hub/fleet/errand.h"

#include "common/platform/files.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* --- its end ---------------------------------------------------------------------------------- */

/* Until there is no more for now. What we do not keep is read all the same: a program that cannot
 * write would hang. */
static void read_error(struct errand *e)
{
    char text[ERRAND_SAID_BYTES];
    for (;;) {
        ssize_t len = read(e->error.fd, text, sizeof(text));
        if (len <= 0) {
            return;
        }
        size_t room = sizeof(e->said) - e->said_len;
        size_t kept = (size_t)len < room ? (size_t)len : room;
        memcpy(e->said + e->said_len, text, kept);
        e->said_len += kept;
    }
}

static void on_error_ready(void *ctx, unsigned events)
{
    struct errand *e = ctx;
    read_error(e);
    if ((events & LOOP_HANGUP) != 0) {
        loop_fd_remove(e->loop, &e->error);
    }
}

static void close_error(struct errand *e)
{
    loop_fd_remove(e->loop, &e->error);
    if (e->error.fd >= 0) {
        (void)close(e->error.fd);
    }
    e->error.fd = -1;
}

/* A program of ours says "error: mail: ...\nhint: ...": what is wrong, which tells it all. */
static bool explain_ours(struct str said, struct err *err)
{
    struct str line = STR_NONE;
    struct str rest = STR_NONE;
    if (!str_starts(said, STR("error: "))) {
        return false;
    }
    (void)str_cut(str_slice(said, 7, said.len), '\n', &line, &rest);
    (void)err_set(err, ERR_IO, STR_FMT, STR_ARG(str_clip(line, ERRAND_REASON_BYTES)));
    return true;
}

static void explain(const struct errand *e, int wait_status, struct err *err)
{
    char how[64];
    struct str said = str_trim((struct str){e->said, e->said_len});
    if (WIFEXITED(wait_status) && !e->is_late && explain_ours(said, err)) {
        return;
    }
    spawn_describe_status(wait_status, how, sizeof(how));
    if (e->is_late) {
        (void)snprintf(how, sizeof(how), "took longer than %lld s",
                       (long long)(e->run_ns / NS_PER_SEC));
    }
    (void)err_set(err, ERR_IO, "%s%s" STR_FMT, how, said.len > 0 ? ": " : "",
                  STR_ARG(str_clip(said, ERRAND_REASON_BYTES)));
}

static void on_exit_status(void *ctx, int wait_status)
{
    struct errand *e = ctx;
    struct err err = {0};
    bool ok = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0 && !e->is_late;
    loop_timer_disarm(e->loop, &e->timer);
    read_error(e);
    close_error(e);
    e->pid = 0;
    if (!ok) {
        explain(e, wait_status, &err);
    }
    e->on_end(e->ctx, ok ? NULL : &err);
}

static void on_late(void *ctx)
{
    struct errand *e = ctx;
    e->is_late = true;
    (void)spawn_signal_group(e->pid, SIGKILL);
}

/* --- its start -------------------------------------------------------------------------------- */

static bool start(struct errand *e, struct spawn_options *spawn, struct err *err)
{
    int ends[2];
    int pidfd = -1;
    if (!spawn_pipe(ends, true, err)) {
        return false;
    }
    AUTO(fd) writer = {ends[1]};
    e->error = (struct loop_fd){.fd = ends[0], .on_ready = on_error_ready, .ctx = e};
    e->said_len = 0;
    spawn->stderr_fd = writer.n;
    spawn->envp = (const char *const *)environ;
    if (!loop_fd_watch(e->loop, &e->error, LOOP_READ, err) ||
        !spawn_process(spawn, &e->pid, &pidfd, err)) {
        return false;
    }
    e->child = (struct loop_child){.on_exit = on_exit_status, .ctx = e};
    if (!loop_child_watch(e->loop, &e->child, e->pid, pidfd, err)) {
        (void)spawn_signal_group(e->pid, SIGKILL); /* nobody would hear of its end */
        (void)waitpid(e->pid, NULL, 0);
        return false;
    }
    return true;
}

bool errand_start(struct errand *errand, struct spawn_options *spawn, struct err *err)
{
    if (!start(errand, spawn, err)) {
        close_error(errand);
        errand->pid = 0;
        return false;
    }
    errand->is_late = false;
    loop_timer_arm_in(errand->loop, &errand->timer, errand->run_ns);
    return true;
}

/* --- life ------------------------------------------------------------------------------------- */

void errand_init(struct errand *errand)
{
    errand->error.fd = -1;
    errand->pid = 0;
    errand->timer = (struct loop_timer){.on_due = on_late, .ctx = errand};
}

bool errand_is_busy(const struct errand *errand)
{
    return errand->pid != 0;
}

void errand_fini(struct errand *errand, bool goes_on)
{
    loop_timer_disarm(errand->loop, &errand->timer);
    if (errand->pid != 0) {
        loop_child_remove(errand->loop, &errand->child);
    }
    if (errand->pid != 0 && !goes_on) {
        (void)spawn_signal_group(errand->pid, SIGKILL);
        (void)waitpid(errand->pid, NULL, 0);
    }
    close_error(errand);
    errand->pid = 0;
}
