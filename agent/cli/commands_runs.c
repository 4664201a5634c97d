/* commands_runs.c - the table of the commands about runs, backfills, partitions and output. */
#include "agent/cli/commands.h"

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

const struct cli_command commands_runs[] = {
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
         CLI_OPTIONS(CLI_LIMIT("20", 1000000, "how many"),
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
     .options = CLI_OPTIONS(CLI_LIMIT("20", 100000, "how many")),
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
     .options = CLI_OPTIONS({.name = "status",
                             .type = CLI_STRING,
                             .value_name = "STATUS",
                             .choices = "materialized|failed|missing",
                             .help = "only these"},
                            CLI_LIMIT("20", 100000, "how many of the last ones; all with --json")),
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
    {0}};
