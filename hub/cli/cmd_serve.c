#include "hub/cli/commands.h"

#include "common/log/log.h"
#include "common/platform/loop.h"
#include "common/platform/notify.h"
#include "common/platform/rng.h"
#include "hub/serve/serve.h"
#include "hub/serve/web_child.h"
#include <signal.h>
#include <unistd.h>

static void on_stop_signal(void *ctx, int signo)
{
    LOG(INFO, "hub.stopping", F_I("signal", signo));
    serve_shut_down(ctx);
}

static bool watch_signals(struct loop *loop, struct serve *serve, struct err *err)
{
    return loop_on_signal(loop, SIGTERM, on_stop_signal, serve, err) &&
           loop_on_signal(loop, SIGINT, on_stop_signal, serve, err);
}

static void on_ready(void *ctx)
{
    (void)ctx;
    notify_ready("serving");
}

static bool serve_until_stopped(struct loop *loop, const struct settings *settings, struct err *err)
{
    struct rng rng = rng_system();
    struct serve *serve = NULL;
    struct web_child *web = NULL;
    struct notify_watchdog watchdog;
    loop_ignore_sigpipe();
    if (!serve_open(&serve, loop, &rng, &settings->config, err)) {
        return false;
    }
    LOG(INFO, "hub.starting", F_T("version", SELVEDGE_VERSION),
        F_S("state_dir", settings->config.state_dir), F_I("pid", getpid()));
    serve_on_ready(serve, on_ready, NULL);
    notify_watchdog_start(&watchdog, loop);
    bool ok = watch_signals(loop, serve, err) &&
              web_child_start(&web, loop, &rng, &settings->config, settings->file, err) &&
              loop_run(loop, err);
    notify_stopping();
    web_child_stop(web);
    serve_close(serve);
    notify_watchdog_stop(&watchdog);
    if (ok) {
        LOG(INFO, "hub.stopped", F_I("pid", getpid()));
    }
    return ok;
}

int command_serve(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct loop *loop = NULL;
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        if (!loop_open(&loop, clock_system(), &err) ||
            !serve_until_stopped(loop, &settings, &err)) {
            code = cli_error(cli, &err);
        }
        loop_close(loop);
    }
    settings_release(&settings);
    return code;
}
