#include "common/platform/reaper.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void reap(void *ctx)
{
    struct reaper *reaper = ctx;
    for (;;) {
        /* Looked at without reaping: the loop waits for its own by their numbers. */
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
            return;
        }
        if (loop_is_watched(reaper->loop, info.si_pid)) {
            /* The kernel shows the same one again until it is reaped: by its own handler, next
             * turn. */
            loop_defer(reaper->loop, &reaper->task);
            return;
        }
        (void)waitpid(info.si_pid, NULL, WNOHANG);
    }
}

static void on_sigchld(void *ctx, int signo)
{
    (void)signo;
    reap(ctx);
}

static void ignore(void *ctx, int signo)
{
    (void)ctx;
    (void)signo;
}

bool reaper_start(struct reaper *reaper, struct loop *loop, struct err *err)
{
    *reaper = (struct reaper){.loop = loop, .task = {.run = reap, .ctx = reaper}};
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
        reaper->loop = NULL;
        return err_set(err, ERR_INTERNAL, "become parent of orphans: the kernel refuses");
    }
    return loop_on_signal(loop, SIGCHLD, on_sigchld, reaper, err);
}

void reaper_stop(struct reaper *reaper)
{
    if (reaper->loop == NULL) {
        return;
    }
    loop_defer_cancel(reaper->loop, &reaper->task);
    struct err err = {0};
    bool is_off = loop_on_signal(reaper->loop, SIGCHLD, ignore, NULL, &err);
    (void)is_off; /* only the handler changes: that cannot fail */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
    reaper->loop = NULL;
}
