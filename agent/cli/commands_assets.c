/* commands_assets.c - the table of the commands about assets. */
#include "agent/cli/commands.h"

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

const struct cli_command commands_assets[] = {
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
    {0}};
