/* tables_asset.c - the keys of an asset and of what stands in it. */
#include "agent/definitions/field_macros.h"
#include "agent/definitions/tables.h"
#include "common/base/limits.h"

enum { OWNERS_MAX = 16, DATASETS_MAX = 16 };

static const struct field_table check_table;

/* --- the assets of a shared step --- */

#define MEMBER_FIELDS                                                                              \
    FIELD(STR_LIST, "deps", raw_member, deps,                                                      \
          "The keys of the assets that it is made from, besides those that all are made from.",    \
          .max = LIMIT_DEPS_PER_ASSET),                                                            \
        FIELD(STR, "description", raw_member, description, "What a person should know about it."), \
        FIELD(STR, "code_version", raw_member, code_version,                                       \
              "Changes whenever the result would change for the same input."),                     \
        FIELD(STR, "group", raw_member, group, "Its group, instead of that of all."),              \
        FIELD(STR_LIST, "kinds", raw_member, kinds, "Words for what it is, instead of those."),    \
        FIELD(STR_MAP, "tags", raw_member, tags, "Names and values, instead of those of all.",     \
              .max = LIMIT_METADATA_ENTRIES),                                                      \
        FIELD(STR_LIST, "owners", raw_member, owners, "Its owners, instead of those of all.",      \
              .max = OWNERS_MAX),                                                                  \
        FIELD(STR_MAP, "metadata", raw_member, metadata, "More to know, instead of that of all.",  \
              .max = LIMIT_METADATA_ENTRIES),                                                      \
        FIELD(STR_LIST, "dataset", raw_member, dataset,                                            \
              "The address of the data that it is, where nothing else tells it.",                  \
              .max = DATASETS_MAX),                                                                \
        FIELD(OBJECT, "freshness", raw_member, freshness,                                          \
              "How recently it must have been made, instead of that of all.",                      \
              SEEN(raw_member, has_freshness), .object = &freshness_table),                        \
        FIELD(OBJECT, "automation", raw_member, automation,                                        \
              "When it is made without being asked for, instead of that of all.",                  \
              SEEN(raw_member, has_automation), .object = &automation_table),                      \
        FIELD(OBJECT_LIST, "checks", raw_member, checks, "What must hold for its rows.",           \
              .object = &check_table, .max = LIMIT_CHECKS_PER_ASSET)

static const struct field stream_fields[] = {
    FIELD(STR, "name", raw_member, stream, "Its name, as the tap says it.", .required = true),
    FIELD(STR, "key", raw_member, key,
          "The asset's key; that of the step, `/` and the stream's name when not given."),
    MEMBER_FIELDS,
};
static const struct field_table stream_table = {
    .name = "stream",
    .size = sizeof(struct raw_member),
    TABLE(stream_fields),
    .location_offset = offsetof(struct raw_member, at),
    .shorthand = &stream_fields[0],
};

static const struct field output_fields[] = {
    FIELD(STR, "key", raw_member, key, "The asset's key.", .required = true),
    FIELD(STR, "stream", raw_member, stream, "The tap's stream that it is. With `meltano`."),
    FIELD(STR, "node", raw_member, node, "The node that it is, by its unique id. With `dbt`."),
    MEMBER_FIELDS,
};
static const struct field_table output_table = {
    .name = "output",
    .size = sizeof(struct raw_member),
    TABLE(output_fields),
    .location_offset = offsetof(struct raw_member, at),
    .shorthand = &output_fields[0],
};

/* --- how an asset is made --- */

static const struct field streams_fields[] = {
    FIELD(OBJECT_LIST, "streams", raw_endpoint, streams,
          "The streams to load, each an asset of its own: the tap runs once for all of them.",
          .object = &stream_table, .min = 1, .max = LIMIT_STREAMS),
};
const struct field_table streams_table = {
    .name = "streams",
    .size = sizeof(struct raw_endpoint),
    TABLE(streams_fields),
    .ignore_unknown = true,
};

const struct field_table *extract_block_table(const struct connector *c, struct arena *arena)
{
    const struct field_table *table = connector_block_table(c, USE_EXTRACT, arena);
    if (table == NULL || !c->sides[USE_EXTRACT].has_streams) {
        return table;
    }
    return connector_table_extend(table, &streams_fields[0], sizeof(struct object_list), arena);
}

static const struct field_table *extract_variant(struct arena *arena, size_t index)
{
    const struct connector *c = connector_with(USE_EXTRACT, index);
    return c == NULL ? NULL : extract_block_table(c, arena);
}

static const struct field_table *load_variant(struct arena *arena, size_t index)
{
    const struct connector *c = connector_with(USE_LOAD, index);
    return c == NULL ? NULL : connector_block_table(c, USE_LOAD, arena);
}

static const struct field_table extract_table = {
    .name = "extract",
    .size = sizeof(struct raw_endpoint),
    .variant = extract_variant,
    .node_offset = offsetof(struct raw_endpoint, node),
    .location_offset = offsetof(struct raw_endpoint, endpoint.at),
    .help = "Where rows come from, of one of these kinds. Texts may hold ${VAR}.",
};
static const struct field_table load_table = {
    .name = "load",
    .size = sizeof(struct raw_endpoint),
    .variant = load_variant,
    .node_offset = offsetof(struct raw_endpoint, node),
    .location_offset = offsetof(struct raw_endpoint, endpoint.at),
    .help = "Where rows go to, of one of these kinds. Texts may hold ${VAR}.",
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
    FIELD(STR, "partition_by", raw_sql, sql.partition_by,
          "The column that holds the partition's key: a run replaces the rows of its partitions. "
          "With `partitions`, where it is needed."),
};
static const struct field_table sql_table = {
    .name = "sql",
    .size = sizeof(struct raw_sql),
    TABLE(sql_fields),
    .location_offset = offsetof(struct raw_sql, sql.at),
};

/* --- what goes with it --- */

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
const struct field_table retry_table = {
    .name = "retry",
    .size = sizeof(struct raw_retry),
    TABLE(retry_fields),
};

static const char *const severity_names[] = {"warn", "error", NULL};

static const struct field check_fields[] = {
    FIELD(STR, "name", check, name, "Its name, unlike that of any other check of the asset.",
          .required = true),
    FIELD(STR, "description", check, description, "What it means when it does not pass."),
    FIELD(
        STR, "sql", check, sql,
        "A query that gives one row. The check has passed when the first column is neither NULL "
        "nor 0 nor empty. One of `sql` and `run` is needed; with neither, the program of an asset "
        "with `run` reports the check through Dagster Pipes, and a step that does not has failed."),
    FIELD(STR, "test", check, test,
          "The dbt test that it is, by its unique id; of a freshness the source. With `dbt` or "
          "`gives_way`."),
    FIELD(
        STR, "resource", check, resource_name,
        "The database to ask; the one that the asset is written to when not given. With `sql`, and "
        "needed where the asset has `run` or is written to a file."),
    FIELD(STR_LIST, "run", check, run,
          "A program and its arguments: the check has passed when it ends with exit code 0. May "
          "hold ${VAR}.",
          .min = 1, .max = LIMIT_STEP_ARGS),
    FIELD(ENUM, "severity", check, severity, "How bad it is when it does not pass.",
          .names = severity_names, .fallback = "error"),
    FIELD(BOOL, "blocking", check, is_blocking,
          "When it does not pass, nothing that is made from the asset is made in the same run. "
          "With severity `error`.",
          .fallback = "false"),
};
static const struct check check_defaults = {.severity = CHECK_ERROR};
static const struct field_table check_table = {
    .name = "check",
    .size = sizeof(struct check),
    TABLE(check_fields),
    .location_offset = offsetof(struct check, at),
    .defaults = &check_defaults,
};

static const struct field limits_fields[] = {
    FIELD(BYTES, "memory", step_limits, memory_bytes,
          "Of the program and all that it starts together, where the system has cgroups for the "
          "agent; else of each process.",
          .min = 1 << 20),
    FIELD(DURATION, "cpu", step_limits, cpu_ns, "Processor time of each process.",
          .min = NS_PER_SEC, .max = 366 * DAY_NS),
    FIELD(BYTES, "file_size", step_limits, file_bytes, "Of each file that is written.", .min = 1, ),
    FIELD(I64, "open_files", step_limits, open_files, "Open files of each process.", .min = 16,
          .max = 1 << 20),
    FIELD(I64, "processes", step_limits, processes,
          "Processes and threads of the user that the program runs as.", .min = 1, .max = 1 << 22),
    FIELD(I64, "nice", step_limits, nice, "How much it yields to others.", .min = 0, .max = 19,
          .fallback = "0"),
};
static const struct field_table limits_table = {
    .name = "limits",
    .size = sizeof(struct step_limits),
    TABLE(limits_fields),
};

static const struct field meltano_run_fields[] = {
    FIELD(STR, "project", meltano_run, project,
          "Its `meltano.yml`. Relative to the folder of the definitions; may hold ${VAR}.",
          .required = true),
    FIELD(STR, "environment", meltano_run, environment,
          "One of its environments; its `default_environment` when not given."),
    FIELD(STR_LIST, "block", meltano_run, block,
          "What `meltano run` would be given: a tap, mappings and a target, or another plugin with "
          "its command.",
          .required = true, .min = 1, .max = 16),
    FIELD(STR, "schedule", meltano_run, schedule,
          "A schedule of the project whose own extractor and loader they are: its variables count, "
          "and the state has its name."),
};
static const struct field_table meltano_run_table = {
    .name = "meltano_block",
    .size = sizeof(struct meltano_run),
    TABLE(meltano_run_fields),
};

static const struct field asset_fields[] = {
    FIELD(STR, "key", raw_asset, asset.key,
          "Its name: parts of letters, digits, `_`, `-` and `.`, joined by `/`. With `streams` or "
          "`assets` it is that of the step that makes them.",
          .required = true),
    FIELD(STR_LIST, "deps", raw_asset, asset.deps, "The keys of the assets that it is made from.",
          .max = LIMIT_DEPS_PER_ASSET),
    FIELD(OBJECT, "extract", raw_asset, extract, "Where rows come from. Goes with `load`.",
          SEEN(raw_asset, has_extract), .object = &extract_table),
    FIELD(OBJECT, "load", raw_asset, load, "Where rows go to. Goes with `extract`.",
          SEEN(raw_asset, has_load), .object = &load_table),
    FIELD(OBJECT, "sql", raw_asset, sql, "A query that makes a view or table.",
          SEEN(raw_asset, has_sql), .object = &sql_table),
    FIELD(STR_LIST, "run", raw_asset, asset.run, "A program and its arguments. May hold ${VAR}.",
          SEEN(raw_asset, has_run), .min = 1, .max = LIMIT_STEP_ARGS),
    FIELD(OBJECT_LIST, "assets", raw_asset, outputs,
          "The assets that the program makes, when it makes several. With `run`, `meltano` or "
          "`dbt`.",
          .object = &output_table, .min = 1, .max = LIMIT_STEP_ASSETS),
    FIELD(
        OBJECT, "meltano", raw_asset, asset.meltano,
        "A block of a Meltano project. `meltano` beside `assets` writes these for all of its jobs "
        "and schedules.",
        SEEN(raw_asset, has_meltano), .object = &meltano_run_table),
    FIELD(OBJECT, "dbt", raw_asset, asset.dbt,
          "Nodes of a dbt project, which `assets` names. `dbt` beside `assets` writes this for a "
          "whole project.",
          SEEN(raw_asset, has_dbt), .object = &dbt_run_table),
    FIELD(STR_MAP, "env", raw_asset, asset.env,
          "Environment variables for `run`, `meltano` and `dbt`. May hold ${VAR} and "
          "${secret:NAME}.",
          .max = LIMIT_STEP_ENV),
    FIELD(STR, "dir", raw_asset, asset.dir,
          "The folder in which `run` is started; the folder of the definitions when not given. May "
          "hold ${VAR}."),
    FIELD(STR, "user", raw_asset, asset.user,
          "The user whose rights `run` has; the agent's own when not given. Needs an agent that "
          "runs as root."),
    FIELD(OBJECT, "limits", raw_asset, asset.limits, "What `run` may use.",
          .object = &limits_table),
    FIELD(JSON_OBJECT, "extras", raw_asset, extras,
          "What `run` gets to read through Dagster Pipes (`get_extra`). At most 64 KiB as JSON."),
    FIELD(BOOL, "external", raw_asset, is_external,
          "Made elsewhere, and here so that lineage knows it.", .fallback = "false"),
    FIELD(
        BOOL, "gives_way", raw_asset, gives_way,
        "Where another asset has the same key it takes the place of this one, as the loaded table "
        "does that of a dbt source. With `external`.",
        .fallback = "false"),
    FIELD(STR_LIST, "dataset", raw_asset, asset.dataset,
          "The address of the data that it is, such as `postgres://warehouse:5432 "
          "shop.public.orders`, by which assets of several devices are joined; of one that is made "
          "elsewhere, or by a program. Others are known from `load`, `sql` and `dbt`. May hold "
          "${VAR}.",
          .max = DATASETS_MAX),
    FIELD(STR, "group", raw_asset, asset.group, "The group that it belongs to.",
          .fallback = "default"),
    FIELD(STR_LIST, "kinds", raw_asset, asset.kinds,
          "Words for what it is, besides those known from how it is made."),
    FIELD(STR_MAP, "tags", raw_asset, asset.tags, "Names and values to find it by.",
          .max = LIMIT_METADATA_ENTRIES),
    FIELD(STR_LIST, "owners", raw_asset, asset.owners, "E-mail addresses, or `team:` and a name.",
          .max = OWNERS_MAX),
    FIELD(STR, "description", raw_asset, asset.description, "What a person should know about it."),
    FIELD(STR_MAP, "metadata", raw_asset, asset.metadata, "More to know about it, by name.",
          .max = LIMIT_METADATA_ENTRIES),
    FIELD(STR, "code_version", raw_asset, asset.code_version,
          "Changes whenever the result would change for the same input."),
    FIELD(OBJECT, "retry", raw_asset, retry, "What happens when the step fails.",
          .object = &retry_table),
    FIELD(DURATION, "timeout", raw_asset, asset.timeout_ns,
          "The step is stopped, and has failed, after this time. No limit when not given.",
          .min = NS_PER_SEC, .max = 30 * DAY_NS),
    FIELD(OBJECT_LIST, "checks", raw_asset, checks,
          "What must hold for its rows, asked after each run.", .object = &check_table,
          .max = LIMIT_CHECKS_PER_ASSET),
    FIELD(OBJECT, "partitions", raw_asset, partitions, "The slices in which it is made.",
          .object = &partitions_table),
    FIELD(OBJECT, "backfill", raw_asset, backfill,
          "How many partitions one run of a backfill makes: `multi_run` one, `single_run` all.",
          .object = &backfill_table, .fallback = "multi_run"),
    FIELD(OBJECT, "freshness", raw_asset, freshness, "How recently it must have been made.",
          .object = &freshness_table),
    FIELD(OBJECT, "automation", raw_asset, automation,
          "When it is made without being asked for: `eager` when something that it is made from "
          "was made, `on_missing` when it was never made.",
          .object = &automation_table),
    FIELD(STR, "pool", raw_asset, asset.pool_name, "The pool in which its step takes a place."),
};
static const struct raw_asset asset_defaults = {.asset = {.group = STR_INIT("default")},
                                                .backfill = {.max_per_run = 1}};
const struct field_table asset_table = {
    .name = "asset",
    .size = sizeof(struct raw_asset),
    TABLE(asset_fields),
    .location_offset = offsetof(struct raw_asset, asset.at),
    .defaults = &asset_defaults,
};
