/* main.c - selvedge-agent: the table of its commands. */
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
     .help = "definitions of the assets (selvedge.yaml)"},
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
     .args = "TOKEN",
     .summary = "make this host a device of a fleet",
     .description =
         "TOKEN is what `selvedge-hub token create` printed. The private key is made here and "
         "never leaves. "
         "Enrolling again with the same token and name gives the same certificate again.",
     .options =
         CLI_OPTIONS({.name = "name",
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
         CLI_EXAMPLES({"selvedge-agent enroll selvedge1.… --name brooklyn", "enrol as brooklyn"}),
     .run = command_enroll},
    {.name = "check",
     .args = "[FILE]",
     .summary = "check definitions; change nothing",
     .description = "Says every problem with file, line and column. Exit code 0 means that the "
                    "daemon would take the file.",
     .run = command_check},
    {.name = "assets",
     .args = "[SELECTION]",
     .summary = "list assets and when they were last materialized",
     .examples = CLI_EXAMPLES(
         {"selvedge-agent assets 'group:pos'", "the assets of one group"},
         {"selvedge-agent assets '+reports/daily'", "an asset and all that it is made from"}),
     .run = command_assets},
    {.name = "materialize",
     .args = "[SELECTION]",
     .summary = "run assets now and show how it goes",
     .description = "A running daemon is asked to do it; without one it is done by this command. "
                    "Ends when the run has "
                    "ended: exit code 0 on success, 1 when a step failed.",
     .options = CLI_OPTIONS({.name = "job",
                             .letter = 'j',
                             .type = CLI_STRING,
                             .value_name = "JOB",
                             .help = "run a job of the definitions instead of a selection"},
                            {.name = "no-wait",
                             .type = CLI_BOOL,
                             .help = "only queue the run (needs a running daemon)"}),
     .examples = CLI_EXAMPLES(
         {"selvedge-agent materialize pos/sales+", "an asset and all that is made from it"},
         {"selvedge-agent materialize '*'", "everything"}),
     .run = command_materialize},
    {.name = "runs",
     .summary = "list runs, newest first",
     .options = CLI_OPTIONS({.name = "limit",
                             .letter = 'l',
                             .type = CLI_INT,
                             .value_name = "N",
                             .default_text = "20",
                             .min = 1,
                             .max = 1000000,
                             .help = "how many"},
                            {.name = "status",
                             .type = CLI_STRING,
                             .value_name = "STATUS",
                             .choices = "queued|started|success|failure|canceled",
                             .help = "only these"},
                            {.name = "asset",
                             .type = CLI_STRING,
                             .value_name = "KEY",
                             .help = "only runs that touched it"}),
     .run = command_runs},
    {.name = "logs",
     .args = "[RUN]",
     .summary = "show a run's events and captured output",
     .description =
         "RUN is an id or the beginning of one; the newest run when not given. Of output "
         "that was too long to be kept whole the beginning and the end are shown, and "
         "between them how much is missing.",
     .options = CLI_OPTIONS(
         {.name = "step", .type = CLI_STRING, .value_name = "ASSET", .help = "only this step"},
         {.name = "follow",
          .letter = 'f',
          .type = CLI_BOOL,
          .help = "show events as they come, until the run ends"},
         {.name = "output",
          .letter = 'o',
          .type = CLI_BOOL,
          .help = "with --follow: also what steps write, each line with its step and stream"}),
     .examples = CLI_EXAMPLES({"selvedge-agent logs --follow --output",
                               "watch the newest run and what its steps write"}),
     .run = command_logs},
    {.name = "status", .summary = "show what the running daemon is doing", .run = command_status},
    {.name = "buffer",
     .summary = "show what waits to be sent to the hub",
     .options = CLI_OPTIONS(
         {.name = "events", .type = CLI_BOOL, .help = "show the waiting events themselves"},
         {.name = "limit",
          .letter = 'l',
          .type = CLI_INT,
          .value_name = "N",
          .default_text = "100",
          .min = 1,
          .max = 1000000,
          .help = "how many events"}),
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
    .files = CLI_FILES({"/etc/selvedge/agent.yaml", "settings"},
                       {"/etc/selvedge/selvedge.yaml", "definitions"},
                       {"/var/lib/selvedge/agent", "database, identity, captured output"}),
    .see_also = "selvedge-hub(1), selvedge-el(1)",
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv, NULL);
}
