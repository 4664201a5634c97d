#include "agent/definitions/tables.h"

#include "common/base/limits.h"

/* The help and what else there is to say come last. */
#define FIELD(kind, name, owner, member, ...)                                                      \
    {                                                                                              \
        .key = (name), .type = FIELD_##kind, .offset = offsetof(struct owner, member),             \
        .help = __VA_ARGS__                                                                        \
    }
#define SEEN(owner, member) .present_offset = offsetof(struct owner, member)
#define LATER(name)                                                                                \
    {                                                                                              \
        .key = (name), .type = FIELD_JSON, .is_unsupported = true                                  \
    }
#define TABLE(list) .fields = (list), .count = COUNT_OF(list)

enum { JOBS_MAX = 1000, RESOURCES_MAX = 1000, CHECKS_MAX = 100, KINDS_MAX = 8, OWNERS_MAX = 16 };

#define DAY_NS (INT64_C(86400) * NS_PER_SEC)

/* --- resources --- */

static const char *const resource_types[] = {"sqlite", NULL};
static const char *const later_resource_types[] = {"postgres", "modbus", NULL};

static const struct field resource_fields[] = {
    FIELD(ENUM, "type", resource, type, "What it is.", .required = true, .names = resource_types,
          .later_names = later_resource_types),
    FIELD(STR, "path", resource, path,
          "The database file. Relative to the folder of the definitions; may hold ${VAR}.",
          .required = true),
    LATER("url"),
    LATER("host"),
    LATER("port"),
    LATER("unit"),
};
static const struct field_table resource_table = {
    .name = "resource",
    .size = sizeof(struct resource),
    TABLE(resource_fields),
    .location_offset = offsetof(struct resource, at),
    .name_offset = offsetof(struct resource, name),
};

/* --- how an asset is made --- */

static const struct field extract_fields[] = {
    FIELD(STR, "resource", raw_extract, extract.resource_name,
          "The database to read from. One of `resource`, `csv` and `jsonl` is needed."),
    FIELD(STR, "table", raw_extract, extract.table,
          "The table to read; the last part of the asset's key when not given. With `resource`."),
    FIELD(STR, "replication_key", raw_extract, extract.replication_key,
          "A column that only grows: each run reads the rows from the last value on. Without it "
          "each run reads everything. With `resource`."),
    FIELD(STR_LIST, "columns", raw_extract, extract.columns,
          "The columns to read; all when not given. Names them for a CSV file without header.",
          .max = LIMIT_COLUMNS),
    FIELD(STR, "csv", raw_extract, extract.csv,
          "Path of CSV files to read, with wildcards if need be. May hold ${VAR}."),
    FIELD(STR, "delimiter", raw_extract, extract.delimiter,
          "One character between the values; \"\\t\" for a tab. With `csv`.",
          SEEN(raw_extract, has_delimiter), .fallback = ","),
    FIELD(BOOL, "header", raw_extract, extract.header,
          "Whether the first line names the columns. With `csv`.", SEEN(raw_extract, has_header),
          .fallback = "true"),
    FIELD(
        STR, "jsonl", raw_extract, extract.jsonl,
        "Path of files with one JSON object per line, with wildcards if need be. May hold ${VAR}."),
    LATER("tap"),
    LATER("config"),
    LATER("select"),
    LATER("registers"),
    LATER("every"),
};
static const struct raw_extract extract_defaults = {
    .extract = {.delimiter = STR_INIT(","), .header = true},
};
static const struct field_table extract_table = {
    .name = "extract",
    .size = sizeof(struct raw_extract),
    TABLE(extract_fields),
    .location_offset = offsetof(struct raw_extract, extract.at),
    .defaults = &extract_defaults,
};

static const char *const load_modes[] = {"append", "upsert", "overwrite", NULL};

static const struct field load_fields[] = {
    FIELD(STR, "resource", raw_load, load.resource_name,
          "The database to write to. One of `resource` and `jsonl` is needed."),
    FIELD(STR, "table", raw_load, load.table,
          "The table to write; the last part of the asset's key when not given. With `resource`."),
    FIELD(ENUM, "mode", raw_load, load.mode,
          "`append` adds rows, `upsert` replaces rows with the same primary key, `overwrite` "
          "replaces everything. Not given: `upsert` with a `primary_key`, else `append`.",
          SEEN(raw_load, has_mode), .names = load_modes),
    FIELD(STR_LIST, "primary_key", raw_load, load.primary_key,
          "The columns that identify a row. With `resource`.", .min = 1, .max = LIMIT_COLUMNS),
    FIELD(STR, "jsonl", raw_load, load.jsonl,
          "Path of a file to write, one JSON object per line. May hold ${VAR}."),
    LATER("schema"),
    LATER("target"),
};
static const struct field_table load_table = {
    .name = "load",
    .size = sizeof(struct raw_load),
    TABLE(load_fields),
    .location_offset = offsetof(struct raw_load, load.at),
};

static const char *const materialized_names[] = {"view", "table", NULL};

static const struct field sql_fields[] = {
    FIELD(STR, "resource", raw_sql, sql.resource_name,
          "The database in which the query runs and its result lives.", .required = true),
    FIELD(ENUM, "materialized", raw_sql, sql.materialized, "What the result becomes.",
          .names = materialized_names, .fallback = "view"),
    FIELD(STR, "query", raw_sql, sql.query,
          "One SELECT statement. One of `query` and `file` is needed.", SEEN(raw_sql, has_query)),
    FIELD(STR, "file", raw_sql, sql.file,
          "A file that holds the query. Relative to the folder of the definitions; read when they "
          "are loaded.",
          SEEN(raw_sql, has_file)),
    FIELD(STR, "name", raw_sql, sql.name,
          "Of the view or table; the last part of the asset's key when not given."),
};
static const struct field_table sql_table = {
    .name = "sql",
    .size = sizeof(struct raw_sql),
    TABLE(sql_fields),
    .location_offset = offsetof(struct raw_sql, sql.at),
};

/* --- what goes with an asset --- */

static const char *const growth_names[] = {"none", "linear", "exponential", NULL};
static const char *const jitter_names[] = {"none", "full", "plus_minus", NULL};

static const struct field retry_fields[] = {
    FIELD(I64, "max", raw_retry, policy.max, "How many times a failed step is tried again.",
          .required = true, .max = 1000),
    FIELD(DURATION, "delay", raw_retry, policy.delay_ns, "The wait before the first retry.",
          SEEN(raw_retry, has_delay), .max = BACKOFF_DELAY_MAX_HOURS * INT64_C(3600) * NS_PER_SEC,
          .fallback = "0s"),
    FIELD(ENUM, "backoff", raw_retry, policy.growth,
          "How the wait grows: not at all, n times the delay, or 2^n - 1 times the delay.",
          .names = growth_names, .fallback = "none"),
    FIELD(
        ENUM, "jitter", raw_retry, policy.jitter,
        "Chance in the wait: `full` anything up to it, `plus_minus` up to one delay more or less.",
        .names = jitter_names, .fallback = "none"),
};
static const struct field_table retry_table = {
    .name = "retry",
    .size = sizeof(struct raw_retry),
    TABLE(retry_fields),
};

static const char *const severity_names[] = {"warn", "error", NULL};

static const struct field check_fields[] = {
    FIELD(STR, "name", check, name, "Its name, unlike that of any other check of the asset.",
          .required = true),
    FIELD(STR, "sql", check, sql,
          "A query that gives one row. The check has passed when the first column is neither NULL "
          "nor 0 nor empty.",
          .required = true),
    FIELD(STR, "resource", check, resource_name,
          "The database to ask; the one that the asset is written to when not given."),
    FIELD(ENUM, "severity", check, severity, "How bad it is when it does not pass.",
          .names = severity_names, .fallback = "error"),
    LATER("blocking"),
    LATER("description"),
};
static const struct check check_defaults = {.severity = CHECK_ERROR};
static const struct field_table check_table = {
    .name = "check",
    .size = sizeof(struct check),
    TABLE(check_fields),
    .location_offset = offsetof(struct check, at),
    .defaults = &check_defaults,
};

static const struct field asset_fields[] = {
    FIELD(STR, "key", raw_asset, asset.key,
          "Its name: parts of letters, digits, `_`, `-` and `.`, joined by `/`.", .required = true),
    FIELD(STR_LIST, "deps", raw_asset, asset.deps, "The keys of the assets that it is made from.",
          .max = LIMIT_DEPS_PER_ASSET),
    FIELD(OBJECT, "extract", raw_asset, extract, "Where rows come from. Goes with `load`.",
          SEEN(raw_asset, has_extract), .object = &extract_table),
    FIELD(OBJECT, "load", raw_asset, load, "Where rows go to. Goes with `extract`.",
          SEEN(raw_asset, has_load), .object = &load_table),
    FIELD(OBJECT, "sql", raw_asset, sql, "A query that makes a view or table.",
          SEEN(raw_asset, has_sql), .object = &sql_table),
    FIELD(STR_LIST, "run", raw_asset, asset.run,
          "A program and its arguments, started in the folder of the definitions. May hold ${VAR}.",
          SEEN(raw_asset, has_run), .min = 1, .max = LIMIT_STEP_ARGS),
    FIELD(STR_MAP, "env", raw_asset, asset.env, "Environment variables for `run`. May hold ${VAR}.",
          SEEN(raw_asset, has_env), .max = LIMIT_STEP_ENV),
    FIELD(BOOL, "external", raw_asset, is_external,
          "Made elsewhere, and here so that lineage knows it.", .fallback = "false"),
    FIELD(STR, "group", raw_asset, asset.group, "The group that it belongs to.",
          .fallback = "default"),
    FIELD(STR_LIST, "kinds", raw_asset, asset.kinds,
          "Words for what it is, besides those known from how it is made.", .max = KINDS_MAX),
    FIELD(STR_MAP, "tags", raw_asset, asset.tags, "Names and values to find it by.",
          .max = LIMIT_METADATA_ENTRIES),
    FIELD(STR_LIST, "owners", raw_asset, asset.owners, "E-mail addresses, or `team:` and a name.",
          .max = OWNERS_MAX),
    FIELD(STR, "description", raw_asset, asset.description, "What a person should know about it."),
    FIELD(STR, "code_version", raw_asset, asset.code_version,
          "Changes whenever the result would change for the same input."),
    FIELD(OBJECT, "retry", raw_asset, retry, "What happens when the step fails.",
          SEEN(raw_asset, has_retry), .object = &retry_table),
    FIELD(DURATION, "timeout", raw_asset, asset.timeout_ns,
          "The step is stopped, and has failed, after this time. No limit when not given.",
          SEEN(raw_asset, has_timeout), .min = NS_PER_SEC, .max = 30 * DAY_NS),
    FIELD(OBJECT_LIST, "checks", raw_asset, checks,
          "What must hold for its rows, asked after each run.", .object = &check_table,
          .max = CHECKS_MAX),
    LATER("partitions"),
    LATER("freshness"),
    LATER("automation"),
    LATER("pool"),
    LATER("metadata"),
};
static const struct raw_asset asset_defaults = {.asset = {.group = STR_INIT("default")}};
static const struct field_table asset_table = {
    .name = "asset",
    .size = sizeof(struct raw_asset),
    TABLE(asset_fields),
    .location_offset = offsetof(struct raw_asset, asset.at),
    .defaults = &asset_defaults,
};

/* --- jobs and schedules --- */

static const struct field job_fields[] = {
    FIELD(STR, "name", job, name, "Its name.", .required = true),
    FIELD(STR, "select", job, select, "The assets that it makes, in the selection language.",
          .required = true),
    LATER("max_parallel"),
    LATER("on_overlap"),
    LATER("partitions"),
    LATER("tags"),
};
static const struct field_table job_table = {
    .name = "job",
    .size = sizeof(struct job),
    TABLE(job_fields),
    .location_offset = offsetof(struct job, at),
};

static const struct field schedule_fields[] = {
    FIELD(STR, "name", raw_schedule, schedule.name, "Its name.", .required = true),
    FIELD(STR, "job", raw_schedule, schedule.job_name,
          "The job that it starts. One of `job` and `select` is needed.",
          SEEN(raw_schedule, has_job)),
    FIELD(STR, "select", raw_schedule, schedule.select,
          "The assets that it makes, in the selection language.", SEEN(raw_schedule, has_select)),
    FIELD(STR, "cron", raw_schedule, schedule.cron_text,
          "When: minute, hour, day of month, month, day of week; or `@hourly`, `@daily`, "
          "`@weekly`, `@monthly`, `@yearly`. One of `cron` and `every` is needed.",
          SEEN(raw_schedule, has_cron)),
    FIELD(DURATION, "every", raw_schedule, schedule.every_ns, "The time from one tick to the next.",
          SEEN(raw_schedule, has_every), .min = NS_PER_SEC, .max = 366 * DAY_NS),
    FIELD(STR, "timezone", raw_schedule, schedule.timezone,
          "The zone of the times in `cron`, such as `Europe/Berlin`.",
          SEEN(raw_schedule, has_timezone), .fallback = "UTC"),
    LATER("missed"),
    LATER("splay"),
    LATER("on"),
    LATER("tags"),
};
static const struct raw_schedule schedule_defaults = {.schedule = {.timezone = STR_INIT("UTC")}};
static const struct field_table schedule_table = {
    .name = "schedule",
    .size = sizeof(struct raw_schedule),
    TABLE(schedule_fields),
    .location_offset = offsetof(struct raw_schedule, schedule.at),
    .defaults = &schedule_defaults,
};

static const struct field definitions_fields[] = {
    FIELD(STR, "project", raw_definitions, project, "The name of all of this.", .required = true),
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
    LATER("include"),
    LATER("meltano"),
    LATER("dbt"),
    LATER("sensors"),
    LATER("pools"),
};
const struct field_table definitions_table = {
    .name = "definitions",
    .size = sizeof(struct raw_definitions),
    TABLE(definitions_fields),
};

void definitions_write_schema(struct buf *out)
{
    fields_write_schema(out, &definitions_table, "Selvedge definitions");
}

void definitions_write_reference(struct buf *out)
{
    fields_write_markdown(out, &definitions_table);
}
