/* selvedge-el - the extract/load worker. The agent starts one for every step. */
#include "agent/el/step.h"
#include "common/cli/cli.h"

#include <unistd.h>

static int step_command(struct cli *cli, void *ctx)
{
    (void)cli;
    (void)ctx;
    return step_run(STDIN_FILENO);
}

static const struct cli_command commands[] = {
    {
        .name = "step",
        .summary = "run one step, described by a JSON object on standard input",
        .description =
            "Reads from a tap (sqlite, csv, jsonl, singer) and loads into a target (sqlite, "
            "jsonl), or builds a "
            "table or view from a SELECT; or asks only the SQL checks of an asset that something "
            "else made. Progress, result, checks and errors are JSON lines on descriptor 3, or "
            "on standard output where 3 is not open; log lines for people go to standard error.\n\n"
            "The agent starts this program; people use it to try a step.",
        .examples =
            CLI_EXAMPLES({"selvedge-el step < step.json", "run the step that the file describes"}),
        .exit_codes = "0: done. 1: failed, nothing is half-applied. 2: the step is not understood. "
                      "143: stopped by SIGTERM.",
        .run = step_command,
    },
    {0},
};

static const struct cli_program program = {
    .name = "selvedge-el",
    .summary = "extract/load worker of selvedge-agent",
    .commands = commands,
    .see_also = "selvedge-agent(1)",
};

int main(int argc, char *argv[])
{
    return cli_main(&program, argc, argv, NULL);
}
