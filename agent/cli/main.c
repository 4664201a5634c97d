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

#define REPORT_METADATA                                                                            \
    {                                                                                              \
        .name = "metadata", .letter = 'm', .is_repeatable = true, .type = CLI_STRING,              \
        .value_name = "NAME=VALUE", .help = "a number, true, false, JSON, or else a text"          \
    }
#define REPORT_DATA_VERSION                                                                        \
    {                                                                                              \
        .name = "data-version", .type = CLI_STRING, .value_name = "VERSION",                       \
        .help = "changes when the data does"                                                       \
    }
#define REPORT_PARTITION                                                                           \
    {                                                                                              \
        .name = "partition", .letter = 'p', .type = CLI_STRING, .value_name = "KEY",               \
        .help = "which of its partitions"                                                          \
    }

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
    {.name = "explain",
     .args = "[WHAT] [NAME]",
     .summary = "show definitions as they are understood",
     .description =
         "Included files in their places, defaults filled in, variables expanded, each object with "
         "the file and line where it was written. Secrets are not read: *** stands for each, and "
         "the end says where it would come from. WHAT is a selection of assets, or, with a NAME, "
         "one of job, schedule, sensor, resource and pool. The variables are those of this "
         "command, not the daemon's.",
     .examples = CLI_EXAMPLES({"selvedge-agent explain", "everything"},
                              {"selvedge-agent explain 'group:pos'", "the assets of one group"},
                              {"selvedge-agent explain job nightly", "one job"}),
     .run = command_explain},
    {.name = "assets",
     .args = "[SELECTION]",
     .summary = "show how the assets are, or their graph",
     .description =
         "STATUS is fresh (it is what would be made now), stale, missing (never made), partial "
         "(some of its partitions are made), failed (the last attempt did), running, or external; "
         "WHY says what is behind it in a few words, `why ASSET` in more. Works beside a running "
         "daemon and without one.",
     .options = CLI_OPTIONS(
         {.name = "stale", .type = CLI_BOOL, .help = "only what is stale, missing or partial"},
         {.name = "failing",
          .type = CLI_BOOL,
          .help = "only what failed, has a check that failed, or fails its freshness policy"},
         {.name = "graph",
          .type = CLI_STRING,
          .value_name = "FORMAT",
          .choices = "text|dot|mermaid",
          .help = "draw what depends on what: a tree, Graphviz or Mermaid"}),
     .examples =
         CLI_EXAMPLES({"selvedge-agent assets 'group:pos'", "the assets of one group"},
                      {"selvedge-agent assets --stale '+reports/daily'",
                       "what of an asset and its upstream is not up to date"},
                      {"selvedge-agent assets --graph dot | dot -Tsvg > assets.svg", "a picture"}),
     .run = command_assets},
    {.name = "why",
     .args = "ASSET",
     .summary = "say why an asset is as it is, and when it would be made",
     .description = "Whether it is stale and because of what, what is missing upstream, its "
                    "freshness and until when, its checks, what its condition of automation comes "
                    "to now and because of what, open runs that make it, and its last failure.",
     .examples = CLI_EXAMPLES({"selvedge-agent why reports/daily", NULL}),
     .run = command_why},
    {.name = "report", .summary = "record what happened to an asset elsewhere"},
    {.name = "report materialization",
     .args = "ASSET",
     .summary = "an asset was made, by something that is not this agent",
     .description = "What hangs on it sees that: sensors, automation, freshness, staleness.",
     .options = CLI_OPTIONS(REPORT_METADATA, REPORT_DATA_VERSION, REPORT_PARTITION),
     .examples = CLI_EXAMPLES({"selvedge-agent report materialization erp/prices -m rows=120 "
                               "--data-version 2026-11-22",
                               NULL}),
     .run = command_report_materialization},
    {.name = "report observation",
     .args = "ASSET",
     .summary = "an asset was looked at",
     .description = "It counts as an update when its data version is another than before.",
     .options = CLI_OPTIONS(REPORT_METADATA, REPORT_DATA_VERSION, REPORT_PARTITION),
     .run = command_report_observation},
    {.name = "report check",
     .args = "ASSET",
     .summary = "a check of an asset was evaluated",
     .options = CLI_OPTIONS(
         {.name = "check", .type = CLI_STRING, .value_name = "NAME", .help = "which one"},
         {.name = "passed",
          .type = CLI_STRING,
          .value_name = "BOOL",
          .choices = "true|false",
          .help = "what came of it"},
         {.name = "severity",
          .type = CLI_STRING,
          .value_name = "SEVERITY",
          .choices = "warn|error",
          .default_text = "error",
          .help = "how bad it is when it did not pass"},
         REPORT_METADATA),
     .examples = CLI_EXAMPLES(
         {"selvedge-agent report check erp/prices --check complete --passed true", NULL}),
     .run = command_report_check},
    {.name = "automation", .summary = "see, pause and resume automation"},
    {.name = "automation status",
     .summary = "list the assets with a condition, and what they last asked for",
     .description = "MOVED is when a condition last took note of something; `why ASSET` evaluates "
                    "it now.",
     .run = command_automation_status},
    {.name = "automation pause",
     .summary = "stop evaluating conditions, until somebody resumes",
     .description = "Survives restarts. What happens meanwhile is looked at once afterwards.",
     .run = command_automation_pause},
    {.name = "automation resume",
     .summary = "evaluate conditions again",
     .description = "What happened while it was paused asks for each asset once at most.",
     .run = command_automation_resume},
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
                            {.name = "partition",
                             .letter = 'p',
                             .type = CLI_STRING,
                             .value_name = "KEY",
                             .help = "the partition to make"},
                            {.name = "to",
                             .type = CLI_STRING,
                             .value_name = "KEY",
                             .help = "the last partition of a range that one run makes"},
                            {.name = "tag",
                             .letter = 't',
                             .is_repeatable = true,
                             .type = CLI_STRING,
                             .value_name = "NAME=VALUE",
                             .help = "a tag of the run"},
                            {.name = "priority",
                             .type = CLI_INT,
                             .value_name = "N",
                             .default_text = "0",
                             .min = -1000000,
                             .max = 1000000,
                             .help = "in the queue: higher first"},
                            {.name = "standalone",
                             .type = CLI_BOOL,
                             .help = "run it here, without asking a running daemon"},
                            {.name = "no-wait",
                             .type = CLI_BOOL,
                             .help = "only queue the run (needs a running daemon)"}),
     .examples = CLI_EXAMPLES(
         {"selvedge-agent materialize pos/sales+", "an asset and all that is made from it"},
         {"selvedge-agent materialize '*'", "everything"}),
     .run = command_materialize},
    {.name = "job",
     .args = "JOB",
     .summary = "run a job of the definitions now and show how it goes",
     .description = "The same as materialize --job. Runs of one job never overlap: this one waits "
                    "for the one that is going.",
     .options = CLI_OPTIONS({.name = "partition",
                             .letter = 'p',
                             .type = CLI_STRING,
                             .value_name = "KEY",
                             .help = "the partition to make"},
                            {.name = "to",
                             .type = CLI_STRING,
                             .value_name = "KEY",
                             .help = "the last partition of a range that one run makes"},
                            {.name = "tag",
                             .letter = 't',
                             .is_repeatable = true,
                             .type = CLI_STRING,
                             .value_name = "NAME=VALUE",
                             .help = "a tag of the run"},
                            {.name = "priority",
                             .type = CLI_INT,
                             .value_name = "N",
                             .default_text = "0",
                             .min = -1000000,
                             .max = 1000000,
                             .help = "in the queue: higher first"},
                            {.name = "standalone",
                             .type = CLI_BOOL,
                             .help = "run it here, without asking a running daemon"},
                            {.name = "no-wait",
                             .type = CLI_BOOL,
                             .help = "only queue the run (needs a running daemon)"}),
     .examples = CLI_EXAMPLES({"selvedge-agent job nightly", "run it as its schedule would"}),
     .run = command_job},
    {.name = "runs",
     .summary = "list runs, newest first",
     .options =
         CLI_OPTIONS({.name = "limit",
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
                      .choices = "queued|not_started|started|canceling|success|failure|canceled",
                      .help = "only these"},
                     {.name = "asset",
                      .type = CLI_STRING,
                      .value_name = "KEY",
                      .help = "only runs that touched it"},
                     {.name = "job",
                      .letter = 'j',
                      .type = CLI_STRING,
                      .value_name = "JOB",
                      .help = "only runs of this job"}),
     .run = command_runs},
    {.name = "run",
     .args = "[RUN]",
     .summary = "show one run and its steps as a timeline",
     .description = "RUN is an id or the beginning of one; the newest run when not given.",
     .run = command_run},
    {.name = "retry",
     .args = "RUN",
     .summary = "try an ended run again, all of it or what failed",
     .description = "Queues a new run with RUN as its parent. Without an option it does what did "
                    "not succeed, and what was skipped because of that.",
     .options = CLI_OPTIONS(
         {.name = "from-failure", .type = CLI_BOOL, .help = "all steps that did not succeed"},
         {.name = "from-asset-failure",
          .type = CLI_BOOL,
          .help = "only those whose asset was not made"},
         {.name = "all", .type = CLI_BOOL, .help = "all steps"},
         {.name = "select",
          .type = CLI_STRING,
          .value_name = "SELECTION",
          .help = "these assets: `pos/sales` one, `pos/sales+` it and its downstream"},
         {.name = "no-wait", .type = CLI_BOOL, .help = "only queue the run"}),
     .examples = CLI_EXAMPLES(
         {"selvedge-agent retry 01a2", "what failed"},
         {"selvedge-agent retry 01a2 --select 'pos/sales+'", "an asset and its downstream"}),
     .run = command_retry},
    {.name = "cancel",
     .args = "RUN...",
     .summary = "take runs from the queue, or stop them",
     .description = "Steps that run get TERM, and KILL 10 s later.",
     .run = command_cancel},
    {.name = "reload",
     .summary = "make the running agent read its definitions again",
     .description = "The new ones hold only when all of them are right; else the old ones go on, "
                    "and the error says why. HUP does the same. Runs that are going keep theirs.",
     .run = command_reload},
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
