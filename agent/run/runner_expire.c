/* runner_expire.c - when old runs, their output, ticks and events are forgotten: after many runs, and
 * within the hour after any. A device on which nothing happens is not woken for it. */
#include "agent/run/runner_internal.h"

#include "common/log/log.h"
#include "common/platform/files.h"
#include <stdio.h>

#define LATER_NS (3600 * NS_PER_SEC)
#define SOON_NS  (1 * NS_PER_SEC) /* between two pieces of the work */

enum { EXPIRE_EVERY = 64 };

static void remove_output(void *ctx, struct str run)
{
    const struct runner *runner = ctx;
    struct err err = {0};
    char path[LIMIT_PATH_BYTES + 1];
    (void)snprintf(path, sizeof(path), "%s/runs/" STR_FMT, runner->options.state_dir, STR_ARG(run));
    if (!files_remove_tree(path, &err)) {
        LOG(WARN, "run.output_kept", F_T("path", path), F_ERR(&err));
    }
}

void runner_expire(void *ctx)
{
    struct runner *runner = ctx;
    struct retention_port port = {.remove_output = remove_output, .ctx = runner};
    struct err err = {0};
    bool has_more = false;
    runner->runs_since_expiry = 0;
    loop_timer_disarm(runner->options.loop, &runner->expire_timer);
    if (!store_expire(runner->options.store, &runner->options.retention, &port,
                      runner_wall_now(runner), &has_more, &err)) {
        LOG(WARN, "run.expire_failed", F_ERR(&err));
    } else if (has_more) {
        loop_timer_arm_in(runner->options.loop, &runner->expire_timer, SOON_NS);
    }
}

/* `materialize` may end after one run: the first of each runner is a reason already. */
void runner_expire_soon(struct runner *runner)
{
    if (runner->runs_since_expiry++ % EXPIRE_EVERY == 0) {
        runner_expire(runner);
        runner->runs_since_expiry = 1;
    } else if (runner->expire_timer.heap_index == 0) {
        loop_timer_arm_in(runner->options.loop, &runner->expire_timer, LATER_NS);
    }
}
