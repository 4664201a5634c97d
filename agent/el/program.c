#include "agent/el/program.h"

#include "agent/el/tap_log.h"
#include "common/platform/spawn.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
    *fd = -1;
}

/* The command's words and the arguments, for exec. */
static bool build_argv(const struct program_options *options, struct arena *arena,
                       const char *const **ret, struct err *err)
{
    size_t more = 0;
    while (options->arguments != NULL && options->arguments[more] != NULL) {
        more++;
    }
    size_t count = options->command->count;
    if (count == 0) {
        return err_set(err, ERR_INVALID, "\"command\" is empty");
    }
    const char **argv = arena_array(arena, count + more + 1, sizeof(*argv));
    for (size_t i = 0; argv != NULL && i < count; i++) {
        argv[i] = arena_cstr(arena, options->command->items[i]);
        if (argv[i] == NULL) {
            argv = NULL;
        }
    }
    if (argv == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a command");
    }
    for (size_t i = 0; i < more; i++) {
        argv[count + i] = options->arguments[i];
    }
    *ret = argv;
    return true;
}

bool program_start(struct program *ret, const struct program_options *options, struct arena *arena,
                   struct err *err)
{
    const char *const *argv = NULL;
    const char *dir = options->dir.len == 0 ? NULL : arena_cstr(arena, options->dir);
    int in[2] = {-1, -1};
    int out[2] = {-1, -1};
    int log[2] = {-1, -1};
    *ret = (struct program){.pidfd = -1, .in = -1, .out = -1, .log = -1};
    bool ok = (options->dir.len == 0 || dir != NULL ||
               err_set(err, ERR_NO_MEMORY, "no memory for a folder")) &&
              build_argv(options, arena, &argv, err) && spawn_pipe(out, false, err) &&
              (!options->has_input || spawn_pipe(in, false, err)) &&
              (!options->has_log || spawn_pipe(log, false, err));
    if (ok) {
        const struct spawn_options spawn = {
            .argv = argv,
            .envp = options->envp != NULL ? options->envp : (const char *const *)environ,
            .cwd = dir,
            .stdin_fd = options->input_fd > 0 ? options->input_fd : in[0],
            .stdout_fd = out[1],
            .stderr_fd = options->has_log ? log[1] : STDERR_FILENO,
            .message_fd = -1,
            .stays_in_group = true};
        ok = spawn_process(&spawn, &ret->pid, &ret->pidfd, err);
    }
    close_fd(&in[0]);
    close_fd(&out[1]);
    close_fd(&log[1]);
    ret->in = in[1];
    ret->out = out[0];
    ret->log = log[0];
    if (!ok) {
        program_release(ret);
    }
    return ok;
}

/* A program that fills its log's pipe would never end. What its own children write after its end
 * is not waited for. */
static void hear_to_end(const struct program *p)
{
    struct pollfd ends[] = {{.fd = p->pidfd, .events = POLLIN}, {.events = POLLIN}};
    while (p->pid > 0 && p->listener != NULL && ends[0].revents == 0) {
        ends[1].fd = p->listener->fd;
        if (poll(ends, COUNT_OF(ends), -1) < 0 && errno != EINTR) {
            return;
        }
        tap_log_listen(p->listener);
    }
}

bool program_wait(struct program *p, struct err *err)
{
    int status = 0;
    close_fd(&p->in);
    hear_to_end(p);
    while (p->pid > 0 && waitpid(p->pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return err_errno(err, errno, "wait for a program");
        }
    }
    p->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return true;
    }
    char text[64];
    spawn_describe_status(status, text, sizeof(text));
    err_set(err, ERR_IO, "%s", text);
    return err_hint(err, WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL
                             ? "somebody killed it; the kernel does so when memory runs out"
                             : "what it wrote to its standard error is in the step's log");
}

void program_release(struct program *p)
{
    if (p->pid > 0) {
        struct err ignored;
        (void)kill(p->pid, SIGKILL);
        if (!program_wait(p, &ignored)) {
            p->pid = 0;
        }
    }
    close_fd(&p->pidfd);
    close_fd(&p->in);
    close_fd(&p->out);
    if (p->log > 0) {
        close_fd(&p->log);
    }
    if (p->listener != NULL) {
        p->listener->fd = -1;
    }
}

bool program_file(struct str content, struct arena *arena, int *ret_fd, const char **ret_path,
                  struct err *err)
{
    if (!spawn_memory_file("selvedge-el", content, ret_fd, err)) {
        return false;
    }
    struct str path = arena_printf(arena, "/proc/%d/fd/%d", (int)getpid(), *ret_fd);
    if (path.ptr == NULL) {
        close_fd(ret_fd);
        return err_set(err, ERR_NO_MEMORY, "no memory for a path");
    }
    *ret_path = path.ptr;
    return true;
}
