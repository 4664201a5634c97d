/* cmd_web.c - the web process. */
#include "hub/cli/commands.h"

#include "common/log/log.h"
#include "common/platform/loop.h"
#include "common/platform/notify.h"
#include "common/platform/rng.h"
#include "hub/api/api.h"
#include "hub/web/web.h"
#include <signal.h>
#include <unistd.h>

static void on_stop_signal(void *ctx, int signo)
{
    LOG(INFO, "web.stopping", F_I("signal", signo));
    loop_stop(ctx);
}

static bool run_until_stopped(struct loop *loop, const struct settings *settings, struct err *err)
{
    struct rng rng = rng_system();
    struct web *web = NULL;
    loop_ignore_sigpipe();
    bool ok = loop_on_signal(loop, SIGTERM, on_stop_signal, loop, err) &&
              loop_on_signal(loop, SIGINT, on_stop_signal, loop, err) &&
              web_open(&web, loop, &rng, &settings->config, err) && loop_run(loop, err);
    web_close(web);
    return ok;
}

int command_web(struct cli *cli, void *ctx)
{
    (void)ctx;
    struct settings settings;
    struct loop *loop = NULL;
    struct err err = {0};
    int code = CLI_OK;
    if (settings_load(cli, &settings, &code)) {
        if (!loop_open(&loop, clock_system(), &err) || !run_until_stopped(loop, &settings, &err)) {
            code = cli_error(cli, &err);
        }
        loop_close(loop);
    }
    settings_release(&settings);
    return code;
}

int command_openapi(struct cli *cli, void *ctx)
{
    (void)ctx;
    AUTO(buf) out = buf_growing(1 << 20);
    api_write_openapi(&out);
    cli_printf(cli, STR_FMT, STR_ARG(buf_str(&out)));
    return CLI_OK;
}
