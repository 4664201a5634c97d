/* main.c - selvedge-agent: its options, and the commands about the agent itself; the tables of the others are
 * in commands_*.c. */
#include "agent/cli/commands.h"

static const struct cli_option global_options[] = {
    {.name = "config",
     .letter = 'c',
     .type = CLI_STRING,
     .value_name = "FILE",
     .env = "SELVEDGE_AGENT_CONFIG",
     .help = "settings file (/etc/selvedge/agent.yaml when it is there)"},
    {.name = "state-dir",
     .letter = 's',
     .type = CLI_STRING,
     .value_name = "DIR",
     .env = "SELVEDGE_STATE_DIR",
     .help = "folder of the database, the identity and captured output"},
    {.name = "definitions",
     .letter = 'd',
     .type = CLI_STRING,
     .value_name = "FILE",
     .env = "SELVEDGE_DEFINITIONS",
     .help = "definitions of the assets, when not those of the settings"},
    {.name = "log-level",
     .type = CLI_STRING,
     .value_name = "LEVEL",
     .choices = "error|warn|info|debug",
     .help = "how much is logged on stderr"},
    {0}};

static const struct cli_command commands[] = {
    {.name = "daemon",
     .summary = "run schedules and send events to the hub, until stopped",
     .description = "Runs in the foreground and logs to stderr; a supervisor (systemd) starts it. "
                    "TERM or INT end it in "
                    "order: running steps are canceled, the hub is told, everything is written.",
     .examples =
         CLI_EXAMPLES({"selvedge-agent daemon --state-dir ./state --definitions ./selvedge.yaml",
                       "try it by hand"}),
     .run = command_daemon},
    {.name = "enroll",
     .args = "[TOKEN]",
     .summary = "make this host a device of a fleet",
     .description =
         "TOKEN is what `selvedge-hub token create` printed. The private key is made here and "
         "never leaves. "
         "Enrolling again with the same token and name gives the same certificate again.\n\n"
         "Without a token, --hub and --ca-fingerprint say which hub to ask. It waits until a "
         "person "
         "there has compared the key's fingerprint and accepted it (selvedge-hub enrolments), or "
         "knows the serial number of this hardware already (selvedge-hub device preauthorise).",
     .options =
         CLI_OPTIONS({.name = "hub",
                      .type = CLI_STRING,
                      .value_name = "HOST:PORT",
                      .help = "without a token: the hub's listener for enrolment"},
                     {.name = "ca-fingerprint",
                      .type = CLI_STRING,
                      .value_name = "SHA256",
                      .help = "without a token: of the hub's CA, as `selvedge-hub init` said it"},
                     {.name = "fleet",
                      .type = CLI_STRING,
                      .value_name = "NAME",
                      .default_text = "main",
                      .help = "without a token: the fleet's name"},
                     {.name = "serial",
                      .type = CLI_STRING,
                      .value_name = "TEXT",
                      .help = "the hardware's serial number (from DMI or the device tree)"},
                     {.name = "name",
                      .letter = 'n',
                      .type = CLI_STRING,
                      .value_name = "NAME",
                      .help = "the device's name in the fleet (the host's name when not given)"},
                     {.name = "timeout",
                      .type = CLI_DURATION,
                      .value_name = "TIME",
                      .default_text = "30s",
                      .help = "how long to wait for the hub"}),
     .examples =
         CLI_EXAMPLES({"selvedge-agent enroll selvedge1.… --name brooklyn", "enrol as brooklyn"},
                      {"selvedge-agent enroll --hub hub.example.org:8884 --ca-fingerprint b1f0…",
                       "ask, and wait for a person's word"}),
     .run = command_enroll},
    {.name = "check",
     .args = "[FILE]",
     .summary = "check definitions; change nothing",
     .description = "Says every problem with file, line and column. Exit code 0 means that the "
                    "daemon would take the file. Of a Meltano project (its meltano.yml, or its "
                    "folder) it says what is there and warns of what Meltano would refuse or not "
                    "read. Of dbt projects it says which nodes run without dbt and, of the others, "
                    "why they do not and what to change; of a manifest or bundle (*.json, *.gz) "
                    "that of all nodes, with exit code 1 when one is refused.",
     .options = CLI_OPTIONS({.name = "environment",
                             .type = CLI_STRING,
                             .value_name = "NAME",
                             .help = "of a Meltano project (its default one when not given)"},
                            {.name = "incremental",
                             .type = CLI_STRING,
                             .value_name = "FILE",
                             .help = "of a dbt manifest: that of the second compilation"},
                            {.name = "allow-frozen",
                             .type = CLI_BOOL,
                             .help = "of a dbt manifest: values of the compiling machine are what "
                                     "is wanted"}),
     .examples = CLI_EXAMPLES({"selvedge-agent check shop.yaml", "definitions"},
                              {"selvedge-agent check meltano/meltano.yml", "a Meltano project"},
                              {"selvedge-agent check target/manifest.json", "a dbt project"}),
     .run = command_check},
    {.name = "sources",
     .summary = "ask how fresh the sources of dbt projects are; make nothing",
     .description = "As \"dbt source freshness\": of each source that has warn_after or "
                    "error_after, in the database of its project's resource. With --json one "
                    "object a project, which is a sources.json of dbt.",
     .examples = CLI_EXAMPLES({"selvedge-agent sources --json > before/sources.json",
                               "for source_status: with --dbt-state before"}),
     .exit_codes = "0: none is too old. 1: one is (error), or cannot be asked (runtime error).",
     .run = command_sources},
    {.name = "explain",
     .args = "[WHAT] [NAME]",
     .summary = "show definitions as they are understood",
     .description =
         "Included files in their places, defaults filled in, variables expanded, each object with "
         "the file and line where it was written. Secrets are not read: *** stands for each, and "
         "the end says where it would come from. WHAT is a selection of assets, or, with a NAME, "
         "one of job, schedule, sensor, resource and pool. The variables are those of this "
         "command, not the daemon's. WHAT may also be a Meltano project (its meltano.yml, or its "
         "folder), and NAME one of its plugins, mappings, jobs or schedules: what each became, and "
         "where every value came from.",
     .options = CLI_OPTIONS({.name = "environment",
                             .type = CLI_STRING,
                             .value_name = "NAME",
                             .help = "of a Meltano project (its default one when not given)"}),
     .examples = CLI_EXAMPLES(
         {"selvedge-agent explain", "everything"},
         {"selvedge-agent explain 'group:pos'", "the assets of one group"},
         {"selvedge-agent explain job nightly", "one job"},
         {"selvedge-agent explain meltano/meltano.yml tap-shop", "a plugin of a Meltano project"}),
     .run = command_explain},
    {.name = "status", .summary = "show what the running daemon is doing", .run = command_status},
    {.name = "buffer",
     .summary = "show what waits to be sent to the hub",
     .options = CLI_OPTIONS(
         {.name = "events", .type = CLI_BOOL, .help = "show the waiting events themselves"},
         CLI_LIMIT("100", 1000000, "how many events")),
     .run = command_buffer},
    {.name = "schema",
     .summary = "print the JSON Schema of selvedge.yaml, for editors",
     .run = command_schema},
    {.name = "reference",
     .summary = "print the reference of definitions and settings as Markdown",
     .is_hidden = true,
     .run = command_reference},
    {0}};

static const struct cli_program program = {
    .name = "selvedge-agent",
    .summary = "run assets on this device and tell the hub",
    .description = "The agent runs the extract, load and transform assets that selvedge.yaml "
                   "defines, records every "
                   "materialization in a local database, and sends the record to the hub whenever "
                   "it can be reached. "
                   "It needs no hub and no connection to work.",
    .options = global_options,
    .commands = commands,
    .more =
        (const struct cli_command *const[]){commands_assets, commands_runs, commands_schedules,
                                            commands_state, commands_bundle, commands_of_hub, NULL},
    .files = CLI_FILES({"/etc/selvedge/agent.yaml", "settings"},
                       {"/etc/selvedge/selvedge.yaml", "definitions"},
                       {"/var/lib/selvedge/agent", "database, identity, captured output"}),
    .see_also = "selvedge-hub(1), selvedge-el(1)",
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv, NULL);
}
