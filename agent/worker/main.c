/* selvedge-el - the extract/load worker. The agent starts one for every step. */
#include "agent/el/singer_tap.h"
#include "agent/el/singer_target.h"
#include "agent/worker/sources_command.h"
#include "agent/worker/state_command.h"
#include "agent/worker/step.h"
#include "common/cli/cli.h"

#include <string.h>
#include <unistd.h>

static int step_command(struct cli *cli, void *ctx)
{
    (void)cli;
    (void)ctx;
    return step_run(STDIN_FILENO);
}

static int state_command(struct cli *cli, void *ctx)
{
    (void)cli;
    (void)ctx;
    return state_command_run(STDIN_FILENO, STDOUT_FILENO);
}

static int sources_command(struct cli *cli, void *ctx)
{
    (void)cli;
    (void)ctx;
    return sources_command_run(STDIN_FILENO, STDOUT_FILENO);
}

static const struct cli_command commands[] = {
    {
        .name = "step",
        .summary = "run one step, described by a JSON object on standard input",
        .description =
            "Reads from a tap (sqlite, csv, jsonl, singer, singer_program) and loads into a target "
            "(sqlite, jsonl, csv, singer_program), or builds a table or view from a SELECT; or "
            "asks "
            "only the SQL checks "
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
        .name = "state",
        .summary = "show or change the states of a step's load, without a load",
        .description =
            "Reads the step, as for \"step\", from standard input, and writes the states that its "
            "target keeps, newest first: {\"state_id\", \"has_present\", \"states\": [{\"at\", "
            "\"value\"}]}. With a member \"state\" that becomes the present state first; null: "
            "there is none, and the next load begins from the start.\n\n"
            "\"selvedge-agent state\" is this for people.",
        .examples =
            CLI_EXAMPLES({"selvedge-el state < step.json", "see how far the load has come"}),
        .exit_codes = "0: done. 1: failed, nothing is changed. 2: the step is not understood.",
        .run = state_command,
    },
    {
        .name = "sources",
        .summary = "say how fresh the sources of a dbt project are, and make nothing",
        .description =
            "Reads a step of a dbt project, as for \"step\", from standard input, asks each source "
            "that has warn_after or error_after, and writes what dbt calls sources.json.\n\n"
            "\"selvedge-agent sources\" is this for people.",
        .examples = CLI_EXAMPLES({"selvedge-el sources < step.json", "see what is fresh"}),
        .exit_codes = "0: asked, whatever the answers. 1: failed. 2: the step is not understood.",
        .run = sources_command,
    },
    {
        .name = "tap",
        .args = "NAME",
        .summary = "be a Singer tap: write what a source holds as messages",
        .description =
            "NAME is sqlite, postgres, csv, jsonl, http, system, modbus or mqtt. Writes SCHEMA, "
            "RECORD and STATE messages to standard "
            "output: each table or view of a database is a stream, or all the files that the "
            "configuration names are one. Streams are read one after another; those that the "
            "catalog does not select are left out, and without a catalog all are read. A STATE "
            "follows every 100,000 rows and the end of each stream: {\"bookmarks\": {STREAM: "
            "...}}. Log lines for people go to standard error.\n\n"
            "A table is read whole (FULL_TABLE), or from the last value of its replication key on "
            "(INCREMENTAL: rows that have just that value come again). Of files, what did not "
            "change is not read and what grew is read from where it ended, unless the catalog "
            "says FULL_TABLE.\n\n"
            "Serves as a tap in any Singer pipeline. For those that take the name of a program and "
            "no arguments, as Meltano does, make a link: called by the name tap-sqlite, the "
            "program "
            "is \"selvedge-el tap sqlite\".",
        .options = CLI_OPTIONS(
            {.name = "config",
             .type = CLI_STRING,
             .is_repeatable = true,
             .value_name = "FILE",
             .help = "configuration, a JSON object; of several files the later wins"},
            {.name = "catalog",
             .type = CLI_STRING,
             .value_name = "FILE",
             .help = "which streams and properties are selected, and how they are replicated"},
            {.name = "properties",
             .type = CLI_STRING,
             .value_name = "FILE",
             .help = "the same; its name of old"},
            {.name = "state",
             .type = CLI_STRING,
             .value_name = "FILE",
             .help = "the last STATE of an earlier run: go on from there"},
            {.name = "discover", .type = CLI_BOOL, .help = "write the catalog of what there is"},
            {.name = "test",
             .type = CLI_STRING,
             .value_name = "WHAT",
             .choices = "all|schema",
             .bare_text = "all",
             .help = "write one record of each stream, or only the schemas, and no state"},
            {.name = "about", .type = CLI_BOOL, .help = "say what it is and which settings it has"},
            {.name = "format",
             .type = CLI_STRING,
             .value_name = "FORMAT",
             .choices = "json|markdown",
             .default_text = "markdown",
             .help = "of --about"}),
        .examples = CLI_EXAMPLES(
            {"selvedge-el tap sqlite --config tap.json --discover > catalog.json",
             "see which tables there are, and which columns"},
            {"selvedge-el tap sqlite --config tap.json --catalog catalog.json --state state.json | "
             "target-postgres --config target.json >> states.jsonl",
             "load what is new; the last line of states.jsonl is the next state"}),
        .exit_codes = "143: stopped by SIGTERM; the last STATE says how far it came.",
        .run = singer_tap_run,
    },
    {
        .name = "target",
        .args = "NAME",
        .summary = "be a Singer target: load the messages on standard input",
        .description =
            "NAME is sqlite, postgres, jsonl, csv or http. Reads Singer messages (SCHEMA, RECORD, "
            "STATE, "
            "ACTIVATE_VERSION, BATCH) and loads each "
            "stream into the table of its name. A STATE is written to standard output, one JSON "
            "value "
            "a line, once everything that came before it is durable. Log lines for people go to "
            "standard error.\n\n"
            "Serves as a target in any Singer pipeline, and by a link that is called target-sqlite "
            "in those that take no arguments.",
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

enum { ARGUMENTS_MAX = 256 };

/* "tap" or "target" when the program was called tap-NAME or target-NAME, by a link to it. */
static char *kind_of(char *called, char **ret_name)
{
    static char kinds[][sizeof("target")] = {"tap", "target"};
    char *slash = strrchr(called, '/');
    char *base = slash == NULL ? called : slash + 1;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        size_t length = strlen(kinds[i]);
        if (strncmp(base, kinds[i], length) == 0 && base[length] == '-') {
            *ret_name = base + length + 1;
            return kinds[i];
        }
    }
    return NULL;
}

int main(int argc, char *argv[])
{
    char *name = NULL;
    char *kind = argc > 0 ? kind_of(argv[0], &name) : NULL;
    if (kind == NULL || argc > ARGUMENTS_MAX) {
        return cli_main(&program, argc, argv, NULL);
    }
    char *all[ARGUMENTS_MAX + 3] = {argv[0], kind, name};
    for (int i = 1; i < argc; i++) {
        all[i + 2] = argv[i];
    }
    return cli_main(&program, argc + 2, all, NULL);
}
