/* command_words.h - a command to devices as a person types it: a verb, its words and options, into
 * the arguments that are signed. For `command` and `sign`. */
#pragma once
#include "common/cli/cli.h"

/* The options of all verbs together: members of a CLI_OPTIONS table. */
#define COMMAND_WORD_OPTIONS                                                                       \
    {.name = "partition",                                                                          \
     .letter = 'p',                                                                                \
     .is_repeatable = true,                                                                        \
     .type = CLI_STRING,                                                                           \
     .value_name = "KEY",                                                                          \
     .help = "materialize, run-job: this partition; backfill: these"},                             \
        {.name = "partitions",                                                                     \
         .type = CLI_STRING,                                                                       \
         .value_name = "A..B",                                                                     \
         .help = "materialize, run-job, backfill: from the first to the last"},                    \
        {.name = "tag",                                                                            \
         .letter = 't',                                                                            \
         .is_repeatable = true,                                                                    \
         .type = CLI_STRING,                                                                       \
         .value_name = "NAME=VALUE",                                                               \
         .help = "materialize, run-job, backfill: a tag of the runs"},                             \
        {.name = "priority",                                                                       \
         .type = CLI_INT,                                                                          \
         .value_name = "N",                                                                        \
         .min = -1000000,                                                                          \
         .max = 1000000,                                                                           \
         .help = "materialize, run-job: added to the job's"},                                      \
        {.name = "from-failure",                                                                   \
         .type = CLI_BOOL,                                                                         \
         .help = "retry: all steps that did not succeed (when nothing else is said)"},             \
        {.name = "all", .type = CLI_BOOL, .help = "retry: all steps"},                             \
        {.name = "select",                                                                         \
         .type = CLI_STRING,                                                                       \
         .value_name = "SELECTION",                                                                \
         .help = "retry: `pos/sales`, or it and what is made from it: `pos/sales+`"},              \
        {.name = "backfill",                                                                       \
         .type = CLI_STRING,                                                                       \
         .value_name = "ID",                                                                       \
         .help = "cancel, retry: a backfill instead of a run"},                                    \
        {.name = "of-command",                                                                     \
         .type = CLI_STRING,                                                                       \
         .value_name = "ID",                                                                       \
         .help = "cancel, retry: what that command started, on each device"},                      \
        {.name = "missing",                                                                        \
         .type = CLI_BOOL,                                                                         \
         .help = "backfill: only partitions that were never made"},                                \
        {.name = "failed",                                                                         \
         .type = CLI_BOOL,                                                                         \
         .help = "backfill: only those that failed since they were made"},                         \
        {.name = "newest-first", .type = CLI_BOOL, .help = "backfill: begin with the last"},       \
        {.name = "per-run",                                                                        \
         .type = CLI_INT,                                                                          \
         .value_name = "N",                                                                        \
         .min = 0,                                                                                 \
         .max = 10000,                                                                             \
         .help = "backfill: neighbouring partitions in one run, 0 for all"},                       \
        {.name = "max-runs",                                                                       \
         .type = CLI_INT,                                                                          \
         .value_name = "N",                                                                        \
         .min = 0,                                                                                 \
         .max = 1000,                                                                              \
         .help = "backfill: runs at the same time on a device"},                                   \
        {.name = "step", .type = CLI_STRING, .value_name = "KEY", .help = "logs: of this step"},   \
        {.name = "attempt",                                                                        \
         .type = CLI_INT,                                                                          \
         .value_name = "N",                                                                        \
         .min = 0,                                                                                 \
         .max = 1000000,                                                                           \
         .help = "logs: of the step; 0 is the last"},                                              \
        {.name = "stream",                                                                         \
         .type = CLI_STRING,                                                                       \
         .value_name = "NAME",                                                                     \
         .choices = "stdout|stderr",                                                               \
         .help = "logs: which of the two"},                                                        \
    {                                                                                              \
        .name = "args", .type = CLI_STRING, .value_name = "JSON",                                  \
        .help = "the arguments as an object, in place of words and options"                        \
    }

/* What verbs there are and what they take: part of a description. */
#define COMMAND_WORD_HELP                                                                          \
    "  materialize SELECTION   make assets now\n"                                                  \
    "  run-job JOB             run a job of the definitions\n"                                     \
    "  backfill SELECTION      make many partitions\n"                                             \
    "  cancel RUN              end a run; --backfill ID, --of-command ID\n"                        \
    "  retry RUN               try it again; the same\n"                                           \
    "  pause KIND [NAME...]    schedules, sensors, automation or all of them\n"                    \
    "  resume KIND [NAME...]   the same\n"                                                         \
    "  logs RUN                send captured output: --step KEY\n"                                 \
    "  describe [PART...]      tell device, assets, schedules, definitions\n"                      \
    "  set NAME=VALUE...       log_level=debug, sync_interval=10s: until it restarts\n"            \
    "  ping                    answer\n"                                                           \
    "  decommission            send what it holds, then forget this fleet and its keys; the hub\n" \
    "                          still lets it in: `device decommission` then ends that\n"           \
    "  deploy, rollback, rotate-certificate: with --args, for what their own commands do not do"

struct command_words {
    struct str verb; /* as it is signed: run_job */
    struct buf args; /* a JSON object; release it */
    bool takes_run;  /* the run decides which device is meant */
};
/* Argument 0 is the verb. `run`: the whole id of the run that argument 1 names; NULL when that is to
 * be taken as it stands. False: *ret_exit, and it was said. */
MUST_CHECK bool command_words_read(struct cli *cli, const char *run, struct command_words *ret,
                                   int *ret_exit);
/* Whether argument 1 is a run. */
bool command_words_name_run(const struct cli *cli);
