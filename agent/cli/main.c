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
     .help = "definitions of the assets, when not those of the settings"},
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

/* Of whatever makes a run. */
#define RUN_OPTIONS                                                                                \
    {.name = "partition",                                                                          \
     .letter = 'p',                                                                                \
     .type = CLI_STRING,                                                                           \
     .value_name = "KEY",                                                                          \
     .help = "the partition to make"},                                                             \
        {.name = "to",                                                                             \
         .type = CLI_STRING,                                                                       \
         .value_name = "KEY",                                                                      \
         .help = "the last partition of a range that one run makes"},                              \
        {.name = "tag",                                                                            \
         .letter = 't',                                                                            \
         .is_repeatable = true,                                                                    \
         .type = CLI_STRING,                                                                       \
         .value_name = "NAME=VALUE",                                                               \
         .help = "a tag of the run"},                                                              \
        {.name = "priority",                                                                       \
         .type = CLI_INT,                                                                          \
         .value_name = "N",                                                                        \
         .default_text = "0",                                                                      \
         .min = -1000000,                                                                          \
         .max = 1000000,                                                                           \
         .help = "in the queue: higher first"},                                                    \
        {.name = "standalone",                                                                     \
         .type = CLI_BOOL,                                                                         \
         .help = "run it here, without asking a running daemon"},                                  \
    {                                                                                              \
        .name = "no-wait", .type = CLI_BOOL, .help = "only queue the run (needs a running daemon)" \
    }
/* Of dbt projects. */
#define DBT_OPTIONS                                                                                \
    {.name = "dbt-select",                                                                         \
     .type = CLI_STRING,                                                                           \
     .is_repeatable = true,                                                                        \
     .value_name = "SELECTION",                                                                    \
     .help = "nodes of dbt projects, in dbt's selection syntax"},                                  \
        {.name = "exclude",                                                                        \
         .type = CLI_STRING,                                                                       \
         .is_repeatable = true,                                                                    \
         .value_name = "SELECTION",                                                                \
         .help = "nodes that are left out of that, in the same syntax"},                           \
        {.name = "selector",                                                                       \
         .type = CLI_STRING,                                                                       \
         .value_name = "NAME",                                                                     \
         .help = "a YAML selector of the dbt project, instead of the two"},                        \
        {.name = "indirect-selection",                                                             \
         .type = CLI_STRING,                                                                       \
         .value_name = "MODE",                                                                     \
         .choices = "eager|cautious|buildable|empty",                                              \
         .help = "which tests of selected dbt nodes run (eager when not given)"},                  \
        {.name = "dbt-state",                                                                      \
         .type = CLI_STRING,                                                                       \
         .value_name = "PATH",                                                                     \
         .help = "what state:, result: and source_status: compare with, as dbt's --state (what "   \
                 "this device built last when not given)"},                                        \
        {.name = "full-refresh",                                                                   \
         .type = CLI_BOOL,                                                                         \
         .help = "make incremental dbt models and seeds anew"},                                    \
        {.name = "fail-fast",                                                                      \
         .type = CLI_BOOL,                                                                         \
         .help = "of dbt nodes nothing more starts after the first failure"},                      \
    {                                                                                              \
        .name = "source-freshness", .type = CLI_BOOL,                                              \
        .help = "ask first how fresh the dbt sources are that it is made from"                     \
    }
#define BACK_OPTION(what)                                                                          \
    {                                                                                              \
        .name = "back", .type = CLI_INT, .value_name = "N", .default_text = "0", .min = 0,         \
        .max = 1000, .help = (what)                                                                \
    }
#define LIMIT_OPTION(usual, most, what)                                                            \
    {                                                                                              \
        .name = "limit", .letter = 'l', .type = CLI_INT, .value_name = "N",                        \
        .default_text = (usual), .min = 1, .max = (most), .help = (what)                           \
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
                    "ended: exit code 0 on success, 1 when a step failed.\n\n"
                    "On a terminal each running step has a line that is drawn anew every second: "
                    "for how long it runs and, where it tells that, rows, rows a second and bytes "
                    "read. Elsewhere there is such a line every five seconds, with --json none.",
     .options = CLI_OPTIONS({.name = "job",
                             .letter = 'j',
                             .type = CLI_STRING,
                             .value_name = "JOB",
                             .help = "run a job of the definitions instead of a selection"},
                            DBT_OPTIONS, RUN_OPTIONS),
     .examples = CLI_EXAMPLES(
         {"selvedge-agent materialize pos/sales+", "an asset and all that is made from it"},
         {"selvedge-agent materialize '*'", "everything"},
         {"selvedge-agent materialize --dbt-select 'tag:nightly,+orders' --full-refresh",
          "nodes of a dbt project"},
         {"selvedge-agent materialize --dbt-select 'result:error+'",
          "what failed when it ran last, and what is made from it"}),
     .run = command_materialize},
    {.name = "job",
     .args = "JOB",
     .summary = "run a job of the definitions now and show how it goes",
     .description = "The same as materialize --job. Runs of one job never overlap: this one waits "
                    "for the one that is going, or takes its place (on_overlap: replace).",
     .options = CLI_OPTIONS(DBT_OPTIONS, RUN_OPTIONS),
     .examples = CLI_EXAMPLES({"selvedge-agent job nightly", "run it as its schedule would"}),
     .run = command_job},
    {.name = "runs",
     .summary = "list runs, newest first",
     .options =
         CLI_OPTIONS(LIMIT_OPTION("20", 1000000, "how many"),
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
     .args = "[RUN]",
     .summary = "try an ended run again, all of it or what failed",
     .description = "Queues a new run with RUN as its parent; RUN is an id or the beginning of "
                    "one, the newest run when not given. Without an option it does what did not "
                    "succeed, and what was skipped because of that.",
     .options = CLI_OPTIONS(
         {.name = "from-failure", .type = CLI_BOOL, .help = "all steps that did not succeed"},
         {.name = "from-asset-failure",
          .type = CLI_BOOL,
          .help = "the same, in Dagster's other word: what a blocking check held back stays back"},
         {.name = "all", .type = CLI_BOOL, .help = "all steps"},
         {.name = "select",
          .type = CLI_STRING,
          .value_name = "SELECTION",
          .help = "these assets: `pos/sales` one, `pos/sales+` it and its downstream"},
         {.name = "no-wait", .type = CLI_BOOL, .help = "only queue the run"}),
     .examples = CLI_EXAMPLES(
         {"selvedge-agent retry", "what failed in the newest run"},
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
    {.name = "backfill",
     .args = "SELECTION",
     .summary = "make many partitions, one run after another",
     .description =
         "A running daemon does it, a few runs at a time, and goes on after a restart. A partition "
         "that fails stops no other. What is selected downstream with other partitions is made "
         "after all that it is made from has succeeded: the partitions that overlap.",
     .options = CLI_OPTIONS(
         {.name = "from", .type = CLI_STRING, .value_name = "KEY", .help = "the first partition"},
         {.name = "to", .type = CLI_STRING, .value_name = "KEY", .help = "the last partition"},
         {.name = "partition",
          .letter = 'p',
          .is_repeatable = true,
          .type = CLI_STRING,
          .value_name = "KEY",
          .help = "this partition"},
         {.name = "all", .type = CLI_BOOL, .help = "all partitions"},
         {.name = "missing", .type = CLI_BOOL, .help = "only those that were never made"},
         {.name = "failed",
          .type = CLI_BOOL,
          .help = "only those that failed since they were made"},
         {.name = "per-run",
          .type = CLI_INT,
          .value_name = "N",
          .min = 0,
          .max = 10000,
          .help = "neighbouring partitions in one run, 0 for all; as defined when not given"},
         {.name = "max-runs",
          .type = CLI_INT,
          .value_name = "N",
          .min = 0,
          .max = 1000,
          .help = "runs that are open at the same time"},
         {.name = "newest-first", .type = CLI_BOOL, .help = "begin with the last partition"},
         {.name = "tag",
          .letter = 't',
          .is_repeatable = true,
          .type = CLI_STRING,
          .value_name = "NAME=VALUE",
          .help = "a tag of each run"}),
     .examples = CLI_EXAMPLES(
         {"selvedge-agent backfill reports/daily --from 2026-01-01 --to 2026-01-31", "a month"},
         {"selvedge-agent backfill raw/hourly+ --missing", "what is missing, and all downstream"}),
     .run = command_backfill},
    {.name = "backfill list",
     .summary = "list backfills, newest first",
     .options = CLI_OPTIONS(LIMIT_OPTION("20", 100000, "how many")),
     .run = command_backfill_list},
    {.name = "backfill show",
     .args = "BACKFILL",
     .summary = "show how far a backfill is, and which partitions failed",
     .description = "BACKFILL is an id or the beginning of one. In the bar # stands for what "
                    "succeeded, ! for what failed or was canceled, . for what was requested.",
     .run = command_backfill_show},
    {.name = "backfill cancel",
     .args = "BACKFILL",
     .summary = "request no more runs of a backfill, and cancel those that are open",
     .run = command_backfill_cancel},
    {.name = "backfill retry",
     .args = "BACKFILL",
     .summary = "begin a backfill of the partitions that did not succeed in an ended one",
     .run = command_backfill_retry},
    {.name = "partitions",
     .args = "ASSET",
     .summary = "list the partitions of an asset: materialized, failed or missing",
     .options =
         CLI_OPTIONS({.name = "status",
                      .type = CLI_STRING,
                      .value_name = "STATUS",
                      .choices = "materialized|failed|missing",
                      .help = "only these"},
                     LIMIT_OPTION("20", 100000, "how many of the last ones; all with --json")),
     .run = command_partitions},
    {.name = "partitions add",
     .args = "SET KEY...",
     .summary = "add keys to a dynamic set of partitions",
     .run = command_partitions_add},
    {.name = "partitions delete",
     .args = "SET KEY...",
     .summary = "delete keys from a dynamic set; what was made of them stays",
     .run = command_partitions_delete},
    {.name = "logs",
     .args = "[RUN]",
     .summary = "show a run's events and captured output",
     .description =
         "RUN is an id or the beginning of one; the newest run when not given. Of output "
         "that was too long to be kept whole the beginning and the end are shown, and "
         "between them how much is missing.",
     .options = CLI_OPTIONS(
         {.name = "step", .type = CLI_STRING, .value_name = "ASSET", .help = "only this step"},
         {.name = "asset",
          .type = CLI_STRING,
          .value_name = "ASSET",
          .help = "only what is said of this one, also where a step makes several; of a node of a "
                  "dbt project its own lines and SQL"},
         {.name = "follow",
          .letter = 'f',
          .type = CLI_BOOL,
          .help = "show events as they come, and how far running steps are, until the run ends"},
         {.name = "output",
          .letter = 'o',
          .type = CLI_BOOL,
          .help = "with --follow: also what steps write, each line with its step and stream"}),
     .examples = CLI_EXAMPLES({"selvedge-agent logs --follow --output",
                               "watch the newest run and what its steps write"}),
     .run = command_logs},
    {.name = "schedules",
     .summary = "list schedules: whether they run, what came of the last tick, when the next is",
     .description = "Next ticks are local times of the schedule's zone, with the device's splay. A "
                    "schedule that is running is held while no agent runs here, or while its clock "
                    "is not to be trusted.",
     .run = command_schedules},
    {.name = "schedules pause",
     .args = "[NAME...]",
     .summary = "hold schedules until they are resumed, across restarts",
     .description = "A running daemon is asked to do it; without one it is done by this command. "
                    "Ticks that fall into the pause are not made good later.",
     .options = CLI_OPTIONS({.name = "all", .type = CLI_BOOL, .help = "all schedules"}),
     .examples = CLI_EXAMPLES({"selvedge-agent schedules pause nightly", NULL}),
     .run = command_schedules_pause},
    {.name = "schedules resume",
     .args = "[NAME...]",
     .summary = "let schedules go on with their next tick",
     .options = CLI_OPTIONS({.name = "all", .type = CLI_BOOL, .help = "all schedules"}),
     .run = command_schedules_resume},
    {.name = "schedules preview",
     .args = "NAME",
     .summary = "show when a schedule will tick",
     .options = CLI_OPTIONS({.name = "count",
                             .letter = 'n',
                             .type = CLI_INT,
                             .value_name = "N",
                             .default_text = "10",
                             .min = 1,
                             .max = 10000,
                             .help = "how many"}),
     .run = command_schedules_preview},
    {.name = "sensors",
     .summary = "list sensors: what they watch, what they wait for, what came of the last tick",
     .description = "A sensor is held while no agent runs here. A cursor is how far it has come.",
     .run = command_sensors},
    {.name = "sensors pause",
     .args = "[NAME...]",
     .summary = "hold sensors until they are resumed, across restarts",
     .description = "A running daemon is asked to do it; without one it is done by this command. "
                    "What happens meanwhile is not lost where it can be seen later: files, assets, "
                    "ends of runs, what a program finds out; messages are.",
     .options = CLI_OPTIONS({.name = "all", .type = CLI_BOOL, .help = "all sensors"}),
     .examples = CLI_EXAMPLES({"selvedge-agent sensors pause new_files", NULL}),
     .run = command_sensors_pause},
    {.name = "sensors resume",
     .args = "[NAME...]",
     .summary = "let sensors go on from where they were",
     .options = CLI_OPTIONS({.name = "all", .type = CLI_BOOL, .help = "all sensors"}),
     .run = command_sensors_resume},
    {.name = "sensors cursor",
     .args = "NAME",
     .summary = "show how far a sensor has come, or set it",
     .description =
         "What it means is the sensor's: for files a time, before which changes do not "
         "count; for assets and runs the number of an event; for a program what it says.",
     .options = CLI_OPTIONS({.name = "set",
                             .type = CLI_STRING,
                             .value_name = "TEXT",
                             .help = "go on from here; may be empty"}),
     .examples = CLI_EXAMPLES({"selvedge-agent sensors cursor new_files --set 2026-11-22T00:00:00Z",
                               "what is older than that is done"}),
     .run = command_sensors_cursor},
    {.name = "sensors test",
     .args = "NAME",
     .summary = "show what a sensor would do now, and start nothing",
     .description = "Asks its program, looks through its folder, listens to its topic for a while, "
                    "or looks for what happened since its cursor. Nothing is remembered of it.",
     .options = CLI_OPTIONS({.name = "for",
                             .type = CLI_DURATION,
                             .value_name = "TIME",
                             .default_text = "5s",
                             .help = "how long to listen to a topic"}),
     .run = command_sensors_test},
    {.name = "state", .summary = "how far loads have come: show, set, carry over"},
    {.name = "state list",
     .summary = "list how far the loads have come: the state that each target keeps",
     .description = "An asset with extract and load goes on from its state, which its target keeps "
                    "beside the data. Each target is asked; KEPT is how many states it has, of the "
                    "last runs that moved it.",
     .run = command_state_list},
    {.name = "state show",
     .args = "ASSET",
     .summary = "print the state of an asset's load as JSON",
     .options = CLI_OPTIONS(
         {.name = "history", .type = CLI_BOOL, .help = "all states that are kept, newest first"},
         BACK_OPTION("an earlier one: 1 is the one before the present")),
     .run = command_state_show},
    {.name = "state set",
     .args = "ASSET [FILE]",
     .summary = "let the next load go on from another state",
     .description = "FILE holds a JSON object, - is standard input; {\"singer_state\": ...}, as "
                    "Meltano prints a state, is understood. The former state is kept. What was "
                    "loaded stays. Refused while the asset is being loaded.",
     .options = CLI_OPTIONS(BACK_OPTION("an earlier state, instead of a file")),
     .examples = CLI_EXAMPLES(
         {"selvedge-agent state set pos/sales --back 1", "load again what the last run loaded"},
         {"meltano state get prod:tap-x-to-target-y | selvedge-agent state set "
          "lake/x -",
          "go on where Meltano ended"}),
     .run = command_state_set},
    {.name = "state reset",
     .args = "ASSET",
     .summary = "let the next load begin from the start",
     .options = CLI_OPTIONS({.name = "stream",
                             .type = CLI_STRING,
                             .value_name = "NAME",
                             .help = "only this stream of a Singer tap: without its bookmark"}),
     .run = command_state_reset},
    {.name = "state export",
     .args = "[ASSET...]",
     .summary = "print states as Meltano exports them, of all assets or of some",
     .examples = CLI_EXAMPLES({"selvedge-agent state export > states.json", NULL}),
     .run = command_state_export},
    {.name = "state import",
     .args = "FILE",
     .summary = "take over states from an export, ours or Meltano's",
     .description =
         "A state goes to the asset whose key is its id, or as --map says. A partial "
         "state is laid over the completed one, as Meltano does. Nothing is written when "
         "one of them cannot be understood.",
     .options = CLI_OPTIONS({.name = "map",
                             .is_repeatable = true,
                             .type = CLI_STRING,
                             .value_name = "ID=ASSET",
                             .help = "the asset that goes on from the state with this id"}),
     .examples = CLI_EXAMPLES({"selvedge-agent state import states.json --map "
                               "prod:tap-x-to-target-y=lake/x",
                               NULL}),
     .run = command_state_import},
    {.name = "ticks",
     .summary = "list ticks of schedules and sensors, and what came of them, newest first",
     .options = CLI_OPTIONS({.name = "schedule",
                             .type = CLI_STRING,
                             .value_name = "NAME",
                             .help = "only of this schedule"},
                            {.name = "sensor",
                             .type = CLI_STRING,
                             .value_name = "NAME",
                             .help = "only of this sensor"},
                            LIMIT_OPTION("20", 1000000, "how many")),
     .run = command_ticks},
    {.name = "status", .summary = "show what the running daemon is doing", .run = command_status},
    {.name = "buffer",
     .summary = "show what waits to be sent to the hub",
     .options = CLI_OPTIONS(
         {.name = "events", .type = CLI_BOOL, .help = "show the waiting events themselves"},
         LIMIT_OPTION("100", 1000000, "how many events")),
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
    .more = (const struct cli_command *const[]){commands_bundle, commands_of_hub, NULL},
    .files = CLI_FILES({"/etc/selvedge/agent.yaml", "settings"},
                       {"/etc/selvedge/selvedge.yaml", "definitions"},
                       {"/var/lib/selvedge/agent", "database, identity, captured output"}),
    .see_also = "selvedge-hub(1), selvedge-el(1)",
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv, NULL);
}
