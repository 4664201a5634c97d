/* commands_automation.c - what devices do by themselves, and what came of it: checks, jobs, schedules,
 * sensors, ticks, backfills. */
#include "hub/cli/command_wait.h"
#include "hub/cli/list_view.h"

#define NAMES(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define CELLS(...)                                                                                 \
    (const struct list_cell[])                                                                     \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

/* --- checks ----------------------------------------------------------------------------------- */

static const struct list_view checks = {
    .path = "/api/v1/checks",
    .options = NAMES("device", "asset"),
    .flags = NAMES("failing"),
    .is_limited = true,
    .cells =
        CELLS({.name = "ASSET", .member = "asset"}, {.name = "CHECK", .member = "name"},
              {.name = "DEVICE", .member = "device"},
              {.name = "RESULT", .member = "passed", .kind = LIST_PASSED},
              {.name = "SEVERITY", .member = "severity"},
              {.name = "WHEN", .member = "at", .kind = LIST_AGO}, {.name = "RUN", .member = "run"}),
    .when_empty = "no checks"};

static int command_checks(struct cli *cli, void *ctx)
{
    (void)ctx;
    return list_view_command(cli, &checks);
}

/* --- jobs, schedules, sensors: of all devices that define the same, or of each ----------------- */

struct named_views {
    struct list_view folded, each;
};

static int named_command(struct cli *cli, const struct named_views *views)
{
    bool is_folded = cli_arg(cli, 0) == NULL && cli_text(cli, "device") == NULL;
    return list_view_command(cli, is_folded ? &views->folded : &views->each);
}

static const struct named_views jobs = {
    .folded = {.path = "/api/v1/jobs?fold=true",
               .cells = CELLS({.name = "JOB", .member = "job"},
                              {.name = "DEVICES", .member = "devices", .kind = LIST_COUNT},
                              {.name = "ASSETS", .member = "assets", .kind = LIST_COUNT},
                              {.name = "LAST RUN", .member = "last_run.run"},
                              {.name = "ON", .member = "last_run.device"},
                              {.name = "STATUS", .member = "last_run.status", .kind = LIST_STATUS},
                              {.name = "WHEN", .member = "last_run.at", .kind = LIST_AGO}),
               .when_empty = "no jobs"},
    .each = {.path = "/api/v1/jobs",
             .argument = "job",
             .options = NAMES("device"),
             .cells =
                 CELLS({.name = "JOB", .member = "job"}, {.name = "DEVICE", .member = "device"},
                       {.name = "ASSETS", .member = "assets", .kind = LIST_COUNT},
                       {.name = "VERSION", .member = "version"},
                       {.name = "LAST RUN", .member = "last_run.run"},
                       {.name = "STATUS", .member = "last_run.status", .kind = LIST_STATUS},
                       {.name = "WHEN", .member = "last_run.at", .kind = LIST_AGO}),
             .when_empty = "no such jobs"}};

static int command_jobs(struct cli *cli, void *ctx)
{
    (void)ctx;
    return named_command(cli, &jobs);
}

/* What schedules and sensors have in common. */
#define FOLDED_STATE                                                                               \
    {.name = "DEVICES", .member = "devices", .kind = LIST_COUNT},                                  \
        {.name = "PAUSED", .member = "paused", .kind = LIST_TROUBLE},                              \
        {.name = "TICKED", .member = "ticked_at", .kind = LIST_AGO},                               \
        {.name = "TICKS", .member = "ticks", .kind = LIST_COUNT},                                  \
        {.name = "STARTED", .member = "started", .kind = LIST_COUNT},                              \
    {                                                                                              \
        .name = "FAILED", .member = "failed", .kind = LIST_TROUBLE                                 \
    }
#define EACH_STATE                                                                                 \
    {.name = "DEVICE", .member = "device"},                                                        \
        {.name = "STATE", .member = "state", .kind = LIST_STATUS},                                 \
        {.name = "BY", .member = "state_account", .other = "state_by"},                            \
        {.name = "TICKED", .member = "last_tick.at", .kind = LIST_AGO},                            \
        {.name = "RESULT", .member = "last_tick.status", .kind = LIST_STATUS},                     \
    {                                                                                              \
        .name = "REASON", .member = "state_reason", .other = "last_tick.reason", .is_wide = true   \
    }
#define NEXT_TICK                                                                                  \
    {                                                                                              \
        .name = "NEXT", .member = "next", .kind = LIST_AGO                                         \
    }

static const struct named_views schedules = {
    .folded = {.path = "/api/v1/schedules?fold=true",
               .cells = CELLS({.name = "SCHEDULE", .member = "schedule"}, NEXT_TICK, FOLDED_STATE),
               .when_empty = "no schedules"},
    .each = {.path = "/api/v1/schedules",
             .argument = "schedule",
             .options = NAMES("device"),
             .cells = CELLS({.name = "SCHEDULE", .member = "schedule"}, NEXT_TICK, EACH_STATE),
             .when_empty = "no such schedules"}};

static const struct named_views sensors = {
    .folded = {.path = "/api/v1/sensors?fold=true",
               .cells = CELLS({.name = "SENSOR", .member = "sensor"}, FOLDED_STATE),
               .when_empty = "no sensors"},
    .each = {.path = "/api/v1/sensors",
             .argument = "sensor",
             .options = NAMES("device"),
             .cells = CELLS({.name = "SENSOR", .member = "sensor"}, EACH_STATE),
             .when_empty = "no such sensors"}};

static int command_schedules(struct cli *cli, void *ctx)
{
    (void)ctx;
    return named_command(cli, &schedules);
}

static int command_sensors(struct cli *cli, void *ctx)
{
    (void)ctx;
    return named_command(cli, &sensors);
}

/* Asks the device for it. */
static int order(struct cli *cli, const char *kind, const char *what)
{
    struct screen s;
    struct err err = {0};
    const struct json *given = NULL;
    struct str text = STR_NONE;
    int code = CLI_OK;
    if (!screen_open(&s, cli, &code)) {
        return code;
    }
    target_begin(&s.target, kind);
    target_part(&s.target, str_from(cli_arg(cli, 0)), false);
    target_part(&s.target, str_from(cli_arg(cli, 1)), false);
    buf_add_text(&s.target, what);
    code = screen_act(&s, HTTP_POST, STR_NONE, &given, &text, &err) ? command_given(&s, given, text)
                                                                    : cli_error(cli, &err);
    s.count = 1;
    (void)screen_close(&s, true, &err, "");
    return code;
}

static int command_schedule_pause(struct cli *cli, void *ctx)
{
    (void)ctx;
    return order(cli, "/api/v1/schedules", "/pause");
}

static int command_schedule_resume(struct cli *cli, void *ctx)
{
    (void)ctx;
    return order(cli, "/api/v1/schedules", "/resume");
}

static int command_sensor_pause(struct cli *cli, void *ctx)
{
    (void)ctx;
    return order(cli, "/api/v1/sensors", "/pause");
}

static int command_sensor_resume(struct cli *cli, void *ctx)
{
    (void)ctx;
    return order(cli, "/api/v1/sensors", "/resume");
}

/* --- ticks ------------------------------------------------------------------------------------ */

static const struct list_view ticks = {
    .path = "/api/v1/ticks",
    .options = NAMES("device", "schedule", "sensor", "automation"),
    .is_limited = true,
    .cells = CELLS(
        {.name = "WHEN", .member = "at", .kind = LIST_AGO}, {.name = "DEVICE", .member = "device"},
        {.name = "SCHEDULE", .member = "event.schedule"},
        {.name = "SENSOR", .member = "event.sensor", .other = "event.automation"},
        {.name = "STATUS", .member = "event.status", .kind = LIST_STATUS},
        {.name = "FOR", .member = "event.nominal"}, {.name = "RUN", .member = "event.run"},
        {.name = "REASON", .member = "event.reason", .is_wide = true}),
    .when_empty = "no ticks"};

static int command_ticks(struct cli *cli, void *ctx)
{
    (void)ctx;
    return list_view_command(cli, &ticks);
}

/* --- backfills -------------------------------------------------------------------------------- */

static const struct list_view backfills = {
    .path = "/api/v1/backfills",
    .options = NAMES("device", "status"),
    .is_limited = true,
    .cells =
        CELLS({.name = "BACKFILL", .member = "backfill"}, {.name = "DEVICE", .member = "device"},
              {.name = "STATUS", .member = "status", .kind = LIST_STATUS},
              {.name = "DONE", .member = "done", .other = "partitions", .kind = LIST_OF},
              {.name = "FAILED", .member = "failed", .kind = LIST_TROUBLE},
              {.name = "RUNS", .member = "runs", .kind = LIST_COUNT},
              {.name = "ASKED", .member = "at", .kind = LIST_AGO},
              {.name = "SELECTION", .member = "selection", .other = "reason", .is_wide = true}),
    .when_empty = "no backfills; begin one: selvedge-hub command --to DEVICE backfill SELECTION"};

static const struct list_cell backfill_runs[] = {
    {.name = "RUN", .member = "run"},
    {.name = "STATUS", .member = "status", .kind = LIST_STATUS},
    {.name = "PARTITION", .member = "partition"},
    {.name = "TO", .member = "partition_end"},
    {.name = "PARTITIONS", .member = "partitions", .kind = LIST_COUNT},
    {.name = "STARTED", .member = "started_at", .kind = LIST_AGO},
    {.name = "ENDED", .member = "ended_at", .kind = LIST_AGO},
    {0}};

static bool show_backfill(struct screen *s, struct err *err)
{
    const struct json *b = NULL;
    target_begin(&s->target, "/api/v1/backfills");
    target_part(&s->target, str_from(cli_arg(s->cli, 0)), false);
    target_part(&s->target, str_from(cli_arg(s->cli, 1)), false);
    if (!screen_get(s, &b, err)) {
        return false;
    }
    if (b == NULL) {
        return true;
    }
    cli_printf(s->cli,
               "backfill " STR_FMT " on " STR_FMT ": " STR_FMT ", %lld of %lld partitions, %lld "
               "failed\n" STR_FMT ", " STR_FMT " to " STR_FMT "\n\n",
               STR_ARG(item_str(b, "backfill")), STR_ARG(item_str(b, "device")),
               STR_ARG(item_str(b, "status")), (long long)item_count(b, "done"),
               (long long)item_count(b, "partitions"), (long long)item_count(b, "failed"),
               STR_ARG(item_str(b, "selection")), STR_ARG(item_str(b, "first")),
               STR_ARG(item_str(b, "last")));
    list_view_rows(s, backfill_runs, item_first(b, "run_list"));
    return true;
}

static int command_backfills(struct cli *cli, void *ctx)
{
    (void)ctx;
    if (cli_arg_count(cli) == 1) {
        return cli_usage(cli, "name its device and its id, as the list has them");
    }
    return cli_arg(cli, 0) == NULL ? list_view_command(cli, &backfills)
                                   : screen_command(cli, show_backfill, "");
}

/* --- the table -------------------------------------------------------------------------------- */

#define DEVICE_OPTION                                                                              \
    {                                                                                              \
        .name = "device", .letter = 'd', .type = CLI_STRING, .value_name = "DEVICE",               \
        .help = "only of this device"                                                              \
    }
#define WAIT_OPTION                                                                                \
    {                                                                                              \
        .name = "wait", .letter = 'w', .type = CLI_DURATION, .value_name = "TIME",                 \
        .bare_text = "0s", .help = "show how it goes until the device is done, or for that long"   \
    }
#define OF_ALL                                                                                     \
    "Without a name and a device: a line for all devices that define the same. With one of the "   \
    "two a line for each device."

const struct cli_command commands_automation[] = {
    {.name = "checks",
     .summary = "list the latest results of asset checks",
     .options = CLI_OPTIONS(
         DEVICE_OPTION,
         {.name = "asset",
          .letter = 'a',
          .type = CLI_STRING,
          .value_name = "KEY",
          .help = "only of this asset"},
         {.name = "failing", .type = CLI_BOOL, .help = "only those that were not passed"},
         CLI_LIMIT("20", 1000000, "how many")),
     .examples = CLI_EXAMPLES({"selvedge-hub checks --failing", "what is not as it should be"}),
     .run = command_checks},
    {.name = "jobs",
     .args = "[JOB]",
     .summary = "list jobs, and how each ended last",
     .description = OF_ALL,
     .options = CLI_OPTIONS(DEVICE_OPTION),
     .examples = CLI_EXAMPLES({"selvedge-hub jobs", NULL},
                              {"selvedge-hub jobs refresh", "device by device"}),
     .run = command_jobs},
    {.name = "schedules",
     .args = "[SCHEDULE]",
     .summary = "list schedules: when they tick next, what is paused, what came of the last tick",
     .description = OF_ALL,
     .options = CLI_OPTIONS(DEVICE_OPTION),
     .examples = CLI_EXAMPLES({"selvedge-hub schedules", NULL},
                              {"selvedge-hub schedules nightly", "device by device"}),
     .run = command_schedules},
    {.name = "schedules pause",
     .args = "DEVICE SCHEDULE",
     .summary = "let a schedule of a device start nothing until it is resumed",
     .description = "A command to the device; of many devices at once: `selvedge-hub command --to "
                    "TARGETS pause schedules SCHEDULE`.",
     .options = CLI_OPTIONS(WAIT_OPTION),
     .examples = CLI_EXAMPLES({"selvedge-hub schedules pause brooklyn nightly --wait", NULL}),
     .run = command_schedule_pause},
    {.name = "schedules resume",
     .args = "DEVICE SCHEDULE",
     .summary = "let it start runs again",
     .options = CLI_OPTIONS(WAIT_OPTION),
     .examples = CLI_EXAMPLES({"selvedge-hub schedules resume brooklyn nightly", NULL}),
     .run = command_schedule_resume},
    {.name = "sensors",
     .args = "[SENSOR]",
     .summary = "list sensors: what is paused, what came of the last tick",
     .description = OF_ALL,
     .options = CLI_OPTIONS(DEVICE_OPTION),
     .examples = CLI_EXAMPLES({"selvedge-hub sensors --device brooklyn", NULL}),
     .run = command_sensors},
    {.name = "sensors pause",
     .args = "DEVICE SENSOR",
     .summary = "let a sensor of a device start nothing until it is resumed",
     .options = CLI_OPTIONS(WAIT_OPTION),
     .examples = CLI_EXAMPLES({"selvedge-hub sensors pause brooklyn files", NULL}),
     .run = command_sensor_pause},
    {.name = "sensors resume",
     .args = "DEVICE SENSOR",
     .summary = "let it start runs again",
     .options = CLI_OPTIONS(WAIT_OPTION),
     .examples = CLI_EXAMPLES({"selvedge-hub sensors resume brooklyn files", NULL}),
     .run = command_sensor_resume},
    {.name = "ticks",
     .summary =
         "list ticks of schedules, sensors and automation, newest first, and why nothing began",
     .options = CLI_OPTIONS(DEVICE_OPTION,
                            {.name = "schedule",
                             .type = CLI_STRING,
                             .value_name = "NAME",
                             .help = "only of this schedule"},
                            {.name = "sensor",
                             .type = CLI_STRING,
                             .value_name = "NAME",
                             .help = "only of this sensor"},
                            {.name = "automation",
                             .type = CLI_STRING,
                             .value_name = "NAME",
                             .help = "only of this automation condition"},
                            CLI_LIMIT("20", 1000000, "how many")),
     .examples = CLI_EXAMPLES({"selvedge-hub ticks --schedule nightly", "on all devices"}),
     .run = command_ticks},
    {.name = "backfills",
     .args = "[DEVICE] [BACKFILL]",
     .summary = "list backfills, newest first, or show one with its runs",
     .options = CLI_OPTIONS(DEVICE_OPTION,
                            {.name = "status",
                             .type = CLI_STRING,
                             .value_name = "STATUS",
                             .help = "only these: as the list says it"},
                            CLI_LIMIT("20", 1000000, "how many")),
     .examples =
         CLI_EXAMPLES({"selvedge-hub backfills", NULL},
                      {"selvedge-hub backfills brooklyn 01a22d64-eb25-7048-a37f-6175e33d6cb7",
                       "one, run by run"}),
     .run = command_backfills},
    {0}};
