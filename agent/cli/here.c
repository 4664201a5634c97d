#include "agent/cli/here.h"

#include "common/cli/show.h"
#include "common/log/log.h"

int here_do(struct cli *cli, struct settings *settings,
            bool (*act)(struct agent *agent, void *ctx, struct err *err), void *ctx)
{
    struct rng rng = rng_system();
    struct loop *loop = NULL;
    struct agent *agent = NULL;
    struct err err = {0};
    int code = CLI_OK;
    if (cli_text(cli, "log-level") == NULL) {
        log_set_level(LOG_ERROR); /* the command says what came of it */
    }
    if (!loop_open(&loop, clock_system(), &err)) {
        return cli_error(cli, &err);
    }
    const struct agent_options options = {
        .config = &settings->config, .env = &settings->env, .problems = &settings->problems};
    if (!agent_open(&agent, loop, &rng, &options, &err)) {
        code = cli_problems(cli, &settings->problems, &err);
    } else if (!act(agent, ctx, &err)) {
        code = cli_error(cli, &err);
    }
    agent_close(agent);
    loop_close(loop);
    return code;
}
