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

/* Whoever reads our log may go away; we go on. */
static void survive_log_reader(void)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

static bool watch_signals(struct loop *loop, struct agent *agent, struct err *err)
{
    return loop_on_signal(loop, SIGHUP, on_reload_signal, agent, err) &&
           loop_on_signal(loop, SIGTERM, on_stop_signal, agent, err) &&
           loop_on_signal(loop, SIGINT, on_stop_signal, agent, err);
}

/* The supervisor's watchdog is fed from the loop itself: a loop that hangs is a daemon that hangs.
 */
struct watchdog {
    struct loop *loop;
    struct loop_timer timer;
    int64_t every_ns;
};

static void feed(void *ctx)
{
    struct watchdog *watchdog = ctx;
    notify_watchdog();
    loop_timer_arm_in(watchdog->loop, &watchdog->timer, watchdog->every_ns);
}

static void start_watchdog(struct watchdog *watchdog, struct loop *loop)
{
    *watchdog = (struct watchdog){.loop = loop, .every_ns = notify_watchdog_interval_ns() / 2};
    watchdog->timer = (struct loop_timer){.on_due = feed, .ctx = watchdog};
    if (watchdog->every_ns > 0) {
        feed(watchdog);
    }
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
    survive_log_reader();
    if (!agent_open(&agent, loop, &rng, &options, &err)) {
        return cli_problems(cli, &settings->problems, &err);
    }
    struct watchdog watchdog;
    int code = CLI_OK;
    if (watch_signals(loop, agent, &err)) {
        agent_start(agent);
        start_watchdog(&watchdog, loop);
        notify_ready("working");
        LOG(INFO, "agent.ready", F_T("state_dir", settings->state_dir),
            F_T("version", SELVEDGE_VERSION), F_I("pid", getpid()));
        code = loop_run(loop, &err) ? CLI_OK : cli_error(cli, &err);
        notify_stopping();
        LOG(INFO, "agent.stopped", F_I("pid", getpid()));
    } else {
        code = cli_error(cli, &err);
    }
    agent_close(agent);
    return code;
}

int command_daemon(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct loop *loop = NULL;
    struct err err = {0};
    int code = CLI_OK;
    if (!settings_load(cli, &settings, &code)) {
        settings_release(&settings);
        return code;
    }
    code = loop_open(&loop, clock_system(), &err) ? run_daemon(cli, &settings, loop)
                                                  : cli_error(cli, &err);
    loop_close(loop);
    settings_release(&settings);
    return code;
}
