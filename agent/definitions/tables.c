#include "agent/definitions/tables.h"

#include "agent/definitions/field_macros.h"
#include "common/base/limits.h"

/* --- resources --- */

static const struct field_table *resource_variant(struct arena *arena, size_t index)
{
    const struct connector *c = connector_with_resource(index);
    return c == NULL ? NULL : connector_resource_table(c, arena);
}

static const struct field_table resource_table = {
    .name = "resource",
    .size = sizeof(struct raw_resource),
    .variant = resource_variant,
    .node_offset = offsetof(struct raw_resource, node),
    .location_offset = offsetof(struct raw_resource, resource.at),
    .name_offset = offsetof(struct raw_resource, resource.name),
    .help = "A connection, of one of these types. Texts may hold ${VAR}.",
};

/* --- pools and jobs --- */

static const struct field pool_fields[] = {
    FIELD(I64, "limit", pool, limit, "How many steps may be in it at the same time.",
          .required = true, .min = 1, .max = 10000),
    FIELD(BOOL, "fleet", pool, is_fleet,
          "Its steps also take a place in the hub's pool of this name, which all devices share: "
          "`selvedge-hub pools`."),
    FIELD(DURATION, "wait", pool, wait_ns,
          "With `fleet`: how long a step waits for a hub that is silent; then it begins without.",
          .fallback = "1h", .max = INT64_C(31536000) * NS_PER_SEC),
};
static const struct field_table pool_table = {
    .name = "pool",
    .size = sizeof(struct pool),
    TABLE(pool_fields),
    .location_offset = offsetof(struct pool, at),
    .name_offset = offsetof(struct pool, name),
    .shorthand = &pool_fields[0],
};

static const char *const strategy_names[] = {"from_failure", "from_asset_failure", "all_steps",
                                             NULL};

static const struct field run_retry_fields[] = {
    FIELD(I64, "max", run_retry, max, "How many new runs follow one that failed.", .required = true,
          .max = 1000),
    FIELD(DURATION, "delay", run_retry, delay_ns, "The wait before each of them.",
          .max = BACKOFF_DELAY_MAX_HOURS * INT64_C(3600) * NS_PER_SEC, .fallback = "0s"),
    FIELD(ENUM, "strategy", run_retry, strategy,
          "What is made again: the steps that did not succeed, or all. `from_asset_failure` is "
          "`from_failure`: what a blocking check held back is not made before that has passed.",
          .names = strategy_names, .fallback = "from_failure"),
};
static const struct field_table run_retry_table = {
    .name = "run_retry",
    .size = sizeof(struct run_retry),
    TABLE(run_retry_fields),
};

static const char *const overlap_names[] = {"skip", "queue", "replace", NULL};

static const struct field job_fields[] = {
    FIELD(STR, "name", job, name, "Its name.", .required = true),
    FIELD(STR, "select", job, select, "The assets that it makes, in the selection language.",
          .required = true),
    FIELD(I64, "max_parallel", job, max_parallel,
          "How many steps of one run may go at the same time; 0 = as many as the device runs.",
          .min = 0, .max = 256, .fallback = "0"),
    FIELD(ENUM, "on_overlap", job, on_overlap,
          "What happens to a new run while another of the job is not over: it is not made, it "
          "waits, or it takes the other's place. One that a person asks for is never skipped: it "
          "waits.",
          .names = overlap_names, .fallback = "skip"),
    FIELD(I64, "priority", job, priority, "Of its runs in the queue: the higher goes first.",
          .min = -1000000, .max = 1000000, .fallback = "0"),
    FIELD(DURATION, "timeout", job, timeout_ns,
          "A run is stopped, and has failed, this long after its start. No limit when not given.",
          .min = NS_PER_SEC, .max = 366 * DAY_NS),
    FIELD(OBJECT, "retry", job, retry, "What happens when a run fails.",
          .object = &run_retry_table),
    FIELD(STR_MAP, "tags", job, tags, "Names and values given to each run.",
          .max = LIMIT_METADATA_ENTRIES),
    REFUSED("partitions", "partitions are the assets' own; a backfill of the job uses them"),
};
static const struct field_table job_table = {
    .name = "job",
    .size = sizeof(struct job),
    TABLE(job_fields),
    .location_offset = offsetof(struct job, at),
};

/* --- schedules and sensors --- */

static const char *const missed_names[] = {"latest", "skip", NULL};
static const struct field missed_word =
    FIELD(ENUM, "", raw_missed, word, "`latest` or `skip`.", .names = missed_names);
static const struct field missed_fields[] = {
    FIELD(I64, "all", raw_missed, all, "Each of them fires, but at most the newest so many.",
          SEEN(raw_missed, has_all), .required = true, .min = 1, .max = 10000),
};
static const struct field_table missed_table = {
    .name = "missed",
    .size = sizeof(struct raw_missed),
    TABLE(missed_fields),
    .shorthand = &missed_word,
};

static const struct field schedule_fields[] = {
    FIELD(STR, "name", raw_schedule, schedule.name, "Its name.", .required = true),
    FIELD(STR, "job", raw_schedule, schedule.job_name,
          "The job that it starts. One of `job` and `select` is needed."),
    FIELD(STR, "select", raw_schedule, schedule.select,
          "The assets that it makes, in the selection language."),
    FIELD(STR, "cron", raw_schedule, schedule.cron_text,
          "When: minute, hour, day of month, month, day of week; or `@hourly`, `@daily`, "
          "`@weekly`, `@monthly`, `@yearly`. One of `cron` and `every` is needed.",
          SEEN(raw_schedule, has_cron)),
    FIELD(DURATION, "every", raw_schedule, schedule.every_ns, "The time from one tick to the next.",
          SEEN(raw_schedule, has_every), .min = NS_PER_SEC, .max = 366 * DAY_NS),
    FIELD(STR, "timezone", raw_schedule, schedule.timezone,
          "The zone of the times in `cron`, such as `Europe/Berlin`.",
          SEEN(raw_schedule, has_timezone), .fallback = "UTC"),
    FIELD(OBJECT, "missed", raw_schedule, missed,
          "What happens to ticks that came while nobody could fire them: only the latest fires, "
          "or none does, or all do.",
          .object = &missed_table, .fallback = "latest"),
    FIELD(DURATION, "splay", raw_schedule, schedule.splay_ns,
          "Each tick fires up to this much later, by an amount that is fixed for device and "
          "schedule: so that a fleet does not start as one. Shorter than the time between ticks.",
          .max = 31 * DAY_NS, .fallback = "0s"),
    FIELD(BOOL, "paused", raw_schedule, schedule.starts_paused,
          "Does not fire before somebody resumes it.", .fallback = "false"),
    FIELD(STR_MAP, "tags", raw_schedule, schedule.tags, "Names and values given to each run.",
          .max = LIMIT_METADATA_ENTRIES),
    REFUSED("on", "a device runs all schedules of its file; which devices get one is decided on "
                  "the hub"),
};
static const struct raw_schedule schedule_defaults = {.schedule = {.timezone = STR_INIT("UTC")}};
const struct field_table schedule_table = {
    .name = "schedule",
    .size = sizeof(struct raw_schedule),
    TABLE(schedule_fields),
    .location_offset = offsetof(struct raw_schedule, schedule.at),
    .defaults = &schedule_defaults,
};

static const char *const status_names[] = {"success", "failure", "canceled", NULL};

static const struct field sensor_fields[] = {
    FIELD(STR, "name", raw_sensor, sensor.name, "Its name.", .required = true),
    FIELD(STR, "job", raw_sensor, sensor.job_name,
          "The job that it starts. One of `job` and `select` is needed."),
    FIELD(STR, "select", raw_sensor, sensor.select,
          "The assets that it makes, in the selection language."),
    FIELD(STR, "watch", raw_sensor, sensor.watch,
          "Files, with wildcards in the last part of the path: each new or changed one is a cause. "
          "Relative to the folder of the definitions; may hold ${VAR}. One of `watch`, `mqtt`, "
          "`asset`, `run_status` and `run` is needed."),
    FIELD(DURATION, "stable", raw_sensor, sensor.stable_ns,
          "How long a file must not have changed. With `watch`.", .max = DAY_NS, .fallback = "2s"),
    FIELD(STR, "mqtt", raw_sensor, sensor.topic,
          "A topic filter, with `+` and `#`: each message is a cause."),
    FIELD(STR, "broker", raw_sensor, sensor.broker_name,
          "The resource of type `mqtt` to listen to; may be left out when there is only one. With "
          "`mqtt`."),
    FIELD(STR, "asset", raw_sensor, sensor.asset_key,
          "The key of an asset: each materialization of it is a cause."),
    FIELD(STR_LIST, "run_status", raw_sensor, sensor.statuses, "Each run that ends so is a cause.",
          .min = 1, .max = 3, .names = status_names),
    FIELD(STR_LIST, "jobs", raw_sensor, sensor.jobs,
          "Only runs of these jobs; of all but its own when not given. With `run_status`.",
          .min = 1, .max = JOBS_MAX),
    FIELD(STR_LIST, "run", raw_sensor, sensor.run,
          "A program and its arguments, whose output says whether there is a cause. May hold "
          "${VAR}.",
          .min = 1, .max = LIMIT_STEP_ARGS),
    FIELD(STR_MAP, "env", raw_sensor, sensor.env,
          "Environment variables for `run`. May hold ${VAR} and ${secret:NAME}.",
          .max = LIMIT_STEP_ENV),
    FIELD(DURATION, "timeout", raw_sensor, sensor.timeout_ns,
          "`run` is stopped, and its tick has failed, after this time.", .min = NS_PER_SEC,
          .max = DAY_NS, .fallback = "60s"),
    FIELD(DURATION, "min_interval", raw_sensor, sensor.min_interval_ns,
          "The least time between two ticks: what comes meanwhile waits for the next. Not given: "
          "30s with `run`, which is started so often, else none.",
          SEEN(raw_sensor, has_min_interval), .max = 366 * DAY_NS),
    FIELD(BOOL, "paused", raw_sensor, sensor.starts_paused,
          "Does nothing before somebody resumes it.", .fallback = "false"),
    FIELD(STR_MAP, "tags", raw_sensor, sensor.tags, "Names and values given to each run.",
          .max = LIMIT_METADATA_ENTRIES),
};
static const struct raw_sensor sensor_defaults = {
    .sensor = {.stable_ns = 2 * NS_PER_SEC, .timeout_ns = 60 * NS_PER_SEC}};
static const struct field_table sensor_table = {
    .name = "sensor",
    .size = sizeof(struct raw_sensor),
    TABLE(sensor_fields),
    .location_offset = offsetof(struct raw_sensor, sensor.at),
    .defaults = &sensor_defaults,
};

/* --- projects of others --- */

static const char *const meltano_words[] = {"running", "paused", "none", NULL};

static const struct field meltano_fields[] = {
    FIELD(STR, "project", meltano_entry, project,
          "Its folder, or its `meltano.yml`. Relative to the file that names it.",
          .required = true),
    FIELD(STR, "environment", meltano_entry, environment,
          "One of its environments; its `default_environment` when not given."),
    FIELD(STR_MAP, "env", meltano_entry, env,
          "Environment variables for its plugins, as in the terminal of `meltano run`. May hold "
          "${VAR} and ${secret:NAME}.",
          .max = LIMIT_STEP_ENV),
    FIELD(STR_LIST, "skip", meltano_entry, skip, "Names of jobs and schedules to leave out.",
          .max = JOBS_MAX),
    FIELD(ENUM, "schedules", meltano_entry, schedules,
          "What becomes of its schedules: they fire, they wait for somebody to resume them, or "
          "there are none.",
          .names = meltano_words, .fallback = "running"),
    FIELD(STR, "timezone", meltano_entry, timezone, "The zone of its schedules.",
          .fallback = "UTC"),
};
static const struct field_table meltano_table = {
    .name = "meltano",
    .size = sizeof(struct meltano_entry),
    TABLE(meltano_fields),
    .location_offset = offsetof(struct meltano_entry, at),
};

/* --- the whole --- */

/* The project comes first: an included file has all keys but that one. */
static const struct field definitions_fields[] = {
    FIELD(STR, "project", raw_definitions, project, "The name of all of this.", .required = true),
    FIELD(STR_LIST, "include", raw_definitions, include,
          "Files that are read as if they stood here, with the same keys but `project`. Wildcards "
          "in the last part of a path; relative to the file that names them.",
          .max = LIMIT_DEFINITIONS_FILES),
    FIELD(OBJECT_MAP, "resources", raw_definitions, resources,
          "Named connections, which assets and checks refer to.", .object = &resource_table,
          .max = RESOURCES_MAX),
    FIELD(OBJECT_LIST, "assets", raw_definitions, assets, "What is made, and from what.",
          .object = &asset_table, .max = LIMIT_ASSETS),
    FIELD(OBJECT_LIST, "jobs", raw_definitions, jobs,
          "Named selections of assets that are made together.", .object = &job_table,
          .max = JOBS_MAX),
    FIELD(OBJECT_LIST, "schedules", raw_definitions, schedules, "When which assets are made.",
          .object = &schedule_table, .max = JOBS_MAX),
    FIELD(OBJECT_LIST, "sensors", raw_definitions, sensors, "What is made when something happens.",
          .object = &sensor_table, .max = JOBS_MAX),
    FIELD(OBJECT_MAP, "pools", raw_definitions, pools,
          "How many steps that name a pool may run at the same time, by its name.",
          .object = &pool_table, .max = POOLS_MAX),
    FIELD(OBJECT_LIST, "meltano", raw_definitions, meltano,
          "Meltano projects, whose blocks, jobs and schedules become assets, jobs and schedules.",
          .object = &meltano_table, .max = LIMIT_DEFINITIONS_FILES),
    FIELD(OBJECT_LIST, "dbt", raw_definitions, dbt,
          "dbt projects, whose models, seeds and snapshots become assets, and tests their checks.",
          .object = &dbt_table, .max = LIMIT_DEFINITIONS_FILES),
};
const struct field_table definitions_table = {
    .name = "definitions",
    .size = sizeof(struct raw_definitions),
    TABLE(definitions_fields),
};

const struct field_table included_table = {
    .name = "included",
    .size = sizeof(struct raw_definitions),
    .fields = definitions_fields + 1,
    .count = COUNT_OF(definitions_fields) - 1,
};

void definitions_write_schema(struct buf *out)
{
    fields_write_schema(out, &definitions_table, "Selvedge definitions");
}

void definitions_write_reference(struct buf *out)
{
    fields_write_markdown(out, &definitions_table);
}
