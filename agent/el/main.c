/* selvedge-el - the extract/load worker. The agent starts one for every step. */
#include "agent/el/singer_target.h"
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
            "Reads from a tap (sqlite, csv, jsonl, singer, singer_program) and loads into a target "
            "(sqlite, jsonl), or builds a table or view from a SELECT; or asks only the SQL checks "
            "of an asset that something else made. Progress, result, checks and errors are JSON "
            "lines on descriptor 3, or "
            "on standard output where 3 is not open; log lines for people go to standard error.\n\n"
            "The agent starts this program; people use it to try a step.",
        .examples =
            CLI_EXAMPLES({"selvedge-el step < step.json", "run the step that the file describes"}),
        .exit_codes = "0: done. 1: failed, nothing is half-applied. 2: the step is not understood. "
                      "143: stopped by SIGTERM.",
        .run = step_command,
    },
    {
        .name = "target",
        .args = "NAME",
        .summary = "be a Singer target: load the messages on standard input",
        .description =
            "NAME is sqlite or jsonl. Reads Singer messages (SCHEMA, RECORD, STATE) and loads each "
            "stream into the table of its name. A STATE is written to standard output, one JSON "
            "value "
            "a line, once everything that came before it is durable. Log lines for people go to "
            "standard error.\n\n"
            "Serves as a target in any Singer pipeline, Meltano's too: name the program "
            "\"selvedge-el\" and the first arguments \"target sqlite\".",
        .options = CLI_OPTIONS(
            {.name = "config",
             .type = CLI_STRING,
             .is_repeatable = true,
             .value_name = "FILE",
             .help = "configuration, a JSON object; of several files the later wins"},
            {.name = "input",
             .type = CLI_STRING,
             .value_name = "FILE",
             .help = "read messages from this file, not from standard input"},
            {.name = "about", .type = CLI_BOOL, .help = "say what it is and which settings it has"},
            {.name = "format",
             .type = CLI_STRING,
             .value_name = "FORMAT",
             .choices = "json|markdown",
             .default_text = "markdown",
             .help = "of --about"}),
        .examples =
            CLI_EXAMPLES({"tap-csv --config tap.json | selvedge-el target sqlite --config "
                          "target.json > state.jsonl",
                          "load what a tap gives; the last line of state.jsonl is the state"}),
        .exit_codes = "143: stopped by SIGTERM; rows whose STATE was written are kept.",
        .run = singer_target_run,
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
