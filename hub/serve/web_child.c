#include "hub/serve/web_child.h"

#include "common/base/limits.h"
#include "common/log/log.h"
#include "common/model/backoff.h"
#include "common/platform/files.h"
#include "common/platform/spawn.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STOP_MS = 3000, CHILD_ARGS_MAX = 12 };
#define RESTART_BASE_NS (500 * NS_PER_MS)
#define RESTART_MAX_NS  (60 * NS_PER_SEC)
#define STEADY_NS       (60 * NS_PER_SEC) /* a run this long forgets earlier failures */

struct web_child {
    struct loop *loop;
    const struct rng *rng;
    char program[LIMIT_PATH_BYTES + 1];
    char state_dir[LIMIT_PATH_BYTES + 1];
    const char *settings_file;
    struct loop_child child;
    struct loop_timer timer;
    struct mono_time started;
    int failures;
    bool is_running;
};

static void later(struct web_child *c)
{
    int64_t wait =
        reconnect_delay_ns(RESTART_BASE_NS, RESTART_MAX_NS, c->failures, rng_u64(c->rng));
    loop_timer_arm_in(c->loop, &c->timer, wait);
}

static void on_exit_status(void *ctx, int wait_status)
{
    struct web_child *c = ctx;
    char how[64];
    spawn_describe_status(wait_status, how, sizeof(how));
    c->is_running = false;
    if (loop_now(c->loop).ns - c->started.ns > STEADY_NS) {
        c->failures = 0;
    }
    c->failures++;
    LOG(WARN, "web.ended", F_T("how", how), F_T("action", "starting it again; merging goes on"));
    later(c);
}

static bool spawn_web(struct web_child *c, struct err *err)
{
    const char *argv[CHILD_ARGS_MAX] = {"setpriv",  "--pdeathsig", "TERM",        "--",
                                        c->program, "web",         "--state-dir", c->state_dir};
    if (files_exist(c->settings_file)) {
        argv[8] = "--config";
        argv[9] = c->settings_file;
    }
    const struct spawn_options spawn = {.argv = argv,
                                        .envp = (const char *const *)environ,
                                        .stdin_fd = -1,
                                        .stdout_fd = -1,
                                        .stderr_fd = STDERR_FILENO,
                                        .message_fd = -1};
    pid_t pid = 0;
    int pidfd = -1;
    if (!spawn_process(&spawn, &pid, &pidfd, err)) {
        return false;
    }
    c->child = (struct loop_child){.on_exit = on_exit_status, .ctx = c};
    c->started = loop_now(c->loop);
    if (!loop_child_watch(c->loop, &c->child, pid, pidfd, err)) {
        spawn_signal_group(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return false;
    }
    c->is_running = true;
    return true;
}

static void on_due(void *ctx)
{
    struct web_child *c = ctx;
    struct err err = {0};
    if (!spawn_web(c, &err)) {
        c->failures++;
        LOG(WARN, "web.start_failed", F_ERR(&err), F_T("action", "trying again"));
        later(c);
    }
}

static bool find_ourselves(struct web_child *c, struct err *err)
{
    ssize_t len = readlink("/proc/self/exe", c->program, sizeof(c->program) - 1);
    if (len <= 0) {
        return err_set(err, ERR_IO, "find the program selvedge-hub: /proc/self/exe");
    }
    c->program[len] = '\0';
    return true;
}

bool web_child_start(struct web_child **ret, struct loop *loop, const struct rng *rng,
                     const struct hub_config *config, const char *settings_file, struct err *err)
{
    *ret = NULL;
    struct web_child *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return err_set(err, ERR_NO_MEMORY, "start the web process: out of memory");
    }
    c->loop = loop;
    c->rng = rng;
    c->settings_file = settings_file;
    c->timer = (struct loop_timer){.on_due = on_due, .ctx = c};
    (void)snprintf(c->state_dir, sizeof(c->state_dir), STR_FMT, STR_ARG(config->state_dir));
    if (!find_ourselves(c, err)) {
        free(c);
        return false;
    }
    loop_timer_arm_in(loop, &c->timer, 0);
    *ret = c;
    return true;
}

void web_child_stop(struct web_child *child)
{
    if (child == NULL) {
        return;
    }
    loop_timer_disarm(child->loop, &child->timer);
    if (child->is_running) {
        struct pollfd end = {.fd = child->child.watch.fd, .events = POLLIN};
        spawn_signal_group(child->child.pid, SIGTERM);
        if (poll(&end, 1, STOP_MS) <= 0) {
            spawn_signal_group(child->child.pid, SIGKILL);
        }
        (void)waitpid(child->child.pid, NULL, 0);
        loop_child_remove(child->loop, &child->child);
    }
    free(child);
}
