#include "agent/cli/commands.h"

#include "agent/daemon/agent.h"
#include "common/cli/show.h"
#include "common/log/log.h"
#include "common/platform/notify.h"
#include <signal.h>
#include <unistd.h>

static void on_stop_signal(void *ctx, int signo)
{
    LOG(INFO, "agent.stopping", F_I("signal", signo));
    agent_shut_down(ctx);
}

/* What was wrong is in the log. */
static void on_reload_signal(void *ctx, int signo)
{
    AUTO(buf) changes = buf_growing(AGENT_CHANGES_BYTES_MAX);
    struct err err = {0};
    (void)signo;
    if (!agent_reload(ctx, &changes, &err)) {
        LOG(DEBUG, "definitions.reload_failed", F_ERR(&err));
    }
}

static bool watch_signals(struct loop *loop, struct agent *agent, struct err *err)
{
    return loop_on_signal(loop, SIGHUP, on_reload_signal, agent, err) &&
           loop_on_signal(loop, SIGTERM, on_stop_signal, agent, err) &&
           loop_on_signal(loop, SIGINT, on_stop_signal, agent, err);
}

static int run_daemon(struct cli *cli, struct settings *settings, struct loop *loop)
{
    struct rng rng = rng_system();
    struct agent_options options = {.config = &settings->config,
                                    .env = &settings->env,
                                    .problems = &settings->problems,
                                    .is_daemon = true};
    struct agent *agent = NULL;
    struct err err = {0};
    loop_ignore_sigpipe();
    if (!agent_open(&agent, loop, &rng, &options, &err)) {
        return cli_problems(cli, &settings->problems, &err);
    }
    struct notify_watchdog watchdog;
    int code = CLI_OK;
    if (watch_signals(loop, agent, &err)) {
        agent_start(agent);
        notify_watchdog_start(&watchdog, loop);
        notify_ready("working");
        LOG(INFO, "agent.ready", F_T("state_dir", settings->state_dir),
            F_T("version", SELVEDGE_VERSION), F_I("pid", getpid()));
        code = loop_run(loop, &err) ? CLI_OK : cli_error(cli, &err);
        notify_watchdog_stop(&watchdog);
        notify_stopping();
        LOG(INFO, "agent.stopped", F_I("pid", getpid()));
    } else {
        code = cli_error(cli, &err);
    }
    agent_close(agent);
    return code;
}

static int open_loop_and_run(struct cli *cli, struct settings *settings)
{
    struct loop *loop = NULL;
    struct err err = {0};
    int code = loop_open(&loop, clock_system(), &err) ? run_daemon(cli, settings, loop)
                                                      : cli_error(cli, &err);
    loop_close(loop);
    return code;
}

int command_daemon(struct cli *cli, void *ctx)
{
    (void)ctx;
    return with_settings(cli, open_loop_and_run);
}
