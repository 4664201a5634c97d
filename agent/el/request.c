#include "agent/el/request.h"

#include "agent/connectors/connector.h"
#include "agent/el/connectors.h"
#include "common/base/limits.h"

#include <string.h>

static const char *const kind_names[] = {"extract_load", "sql", "checks", "meltano", "dbt", NULL};
static const char *const materialized_names[] = {"table", "view", NULL};
static const char *const severity_names[] = {"error", "warn", NULL};

#define AT(type_, member_) .offset = offsetof(struct type_, member_)

static const struct field asset_fields[] = {
    {.key = "asset", .type = FIELD_STR, AT(asset_stream, asset), .required = true},
    {.key = "stream", .type = FIELD_STR, AT(asset_stream, stream)},
    {.key = "node", .type = FIELD_STR, AT(asset_stream, node)},
};
static const struct field_table asset_table = {
    .name = "asset",
    .size = sizeof(struct asset_stream),
    .fields = asset_fields,
    .count = COUNT_OF(asset_fields),
    .ignore_unknown = true,
};

static const struct field check_fields[] = {
    {.key = "asset", .type = FIELD_STR, AT(check_options, asset)},
    {.key = "name", .type = FIELD_STR, AT(check_options, name), .required = true},
    {.key = "sql", .type = FIELD_STR, AT(check_options, sql), .required = true},
    {.key = "database", .type = FIELD_JSON_OBJECT, AT(check_options, database_node)},
    {.key = "severity", .type = FIELD_ENUM, AT(check_options, severity), .names = severity_names},
};
static const struct field_table check_table = {
    .name = "check",
    .size = sizeof(struct check_options),
    .fields = check_fields,
    .count = COUNT_OF(check_fields),
    .ignore_unknown = true,
};

static const struct field partition_fields[] = {
    {.key = "column", .type = FIELD_STR, AT(partition_options, column), .required = true},
    {.key = "keys",
     .type = FIELD_STR_LIST,
     AT(partition_options, keys),
     .required = true,
     .min = 1,
     .max = LIMIT_RUN_PARTITIONS},
};
static const struct field_table partition_table = {
    .name = "partition",
    .size = sizeof(struct partition_options),
    .fields = partition_fields,
    .count = COUNT_OF(partition_fields),
};

static const struct field meltano_fields[] = {
    {.key = "project", .type = FIELD_STR, AT(meltano_options, project), .required = true},
    {.key = "environment", .type = FIELD_STR, AT(meltano_options, environment)},
    {.key = "block",
     .type = FIELD_STR_LIST,
     AT(meltano_options, block),
     .required = true,
     .min = 1,
     .max = LIMIT_STEP_ARGS},
    {.key = "schedule", .type = FIELD_STR, AT(meltano_options, schedule)},
    {.key = "elt", .type = FIELD_BOOL, AT(meltano_options, is_elt)},
    {.key = "streams", .type = FIELD_STR_LIST, AT(meltano_options, streams), .max = LIMIT_STREAMS},
};
static const struct field_table meltano_table = {
    .name = "meltano",
    .size = sizeof(struct meltano_options),
    .fields = meltano_fields,
    .count = COUNT_OF(meltano_fields),
};

static const struct field asked_fields[] = {
    {.key = "select", .type = FIELD_STR, AT(dbt_asked, select)},
    {.key = "exclude", .type = FIELD_STR, AT(dbt_asked, exclude)},
    {.key = "selector", .type = FIELD_STR, AT(dbt_asked, selector)},
    {.key = "indirect_selection", .type = FIELD_STR, AT(dbt_asked, indirect)},
    {.key = "state", .type = FIELD_STR, AT(dbt_asked, state)},
};
static const struct field_table asked_table = {
    .name = "asked",
    .size = sizeof(struct dbt_asked),
    .fields = asked_fields,
    .count = COUNT_OF(asked_fields),
};

static const char *const runner_names[] = {"auto", "native", "dbt", NULL};
static const struct field dbt_fields[] = {
    {.key = "manifest", .type = FIELD_STR, AT(dbt_options, manifest), .required = true},
    {.key = "incremental", .type = FIELD_STR, AT(dbt_options, incremental)},
    {.key = "project_dir", .type = FIELD_STR, AT(dbt_options, project_dir)},
    {.key = "profiles_dir", .type = FIELD_STR, AT(dbt_options, profiles_dir)},
    {.key = "target", .type = FIELD_STR, AT(dbt_options, target)},
    {.key = "program", .type = FIELD_STR, AT(dbt_options, program)},
    {.key = "runner", .type = FIELD_ENUM, AT(dbt_options, runner), .names = runner_names},
    {.key = "allow_frozen", .type = FIELD_BOOL, AT(dbt_options, allows_frozen)},
    {.key = "fail_fast", .type = FIELD_BOOL, AT(dbt_options, is_fail_fast)},
    {.key = "retry", .type = FIELD_BOOL, AT(dbt_options, is_retry)},
    {.key = "source_freshness", .type = FIELD_BOOL, AT(dbt_options, asks_freshness)},
    {.key = "full_refresh", .type = FIELD_BOOL, AT(dbt_options, is_full_refresh)},
    {.key = "statement_timeout", .type = FIELD_DURATION, AT(dbt_options, statement_timeout_ns)},
    {.key = "select", .type = FIELD_STR_LIST, AT(dbt_options, select)},
    {.key = "exclude", .type = FIELD_STR_LIST, AT(dbt_options, exclude)},
    {.key = "selector", .type = FIELD_STR, AT(dbt_options, selector)},
    {.key = "asked", .type = FIELD_OBJECT, AT(dbt_options, asked), .object = &asked_table},
    {.key = "log_file", .type = FIELD_STR, AT(dbt_options, log_file)},
    {.key = "database", .type = FIELD_JSON_OBJECT, AT(dbt_options, database)},
};
static const struct field_table dbt_table = {
    .name = "dbt",
    .size = sizeof(struct dbt_options),
    .fields = dbt_fields,
    .count = COUNT_OF(dbt_fields),
};

/* Keys of a newer agent are ignored here, not in `tap` and `target`, where they would change what
 * is loaded. */
static const struct field request_fields[] = {
    {.key = "kind", .type = FIELD_ENUM, AT(request, kind), .required = true, .names = kind_names},
    {.key = "asset", .type = FIELD_STR, AT(request, asset)},
    {.key = "assets",
     .type = FIELD_OBJECT_LIST,
     AT(request, assets),
     .object = &asset_table,
     .max = LIMIT_STEP_ASSETS},
    {.key = "run", .type = FIELD_STR, AT(request, run)},
    {.key = "step", .type = FIELD_STR, AT(request, step)},
    {.key = "attempt", .type = FIELD_I64, AT(request, attempt)},
    {.key = "state_id", .type = FIELD_STR, AT(request, state_id)},
    {.key = "state_dir", .type = FIELD_STR, AT(request, state_dir)},
    {.key = "state", .type = FIELD_JSON, AT(request, state)},
    {.key = "tap", .type = FIELD_JSON_OBJECT, AT(request, tap_node)},
    {.key = "target", .type = FIELD_JSON_OBJECT, AT(request, target_node)},
    {.key = "meltano",
     .type = FIELD_OBJECT,
     AT(request, meltano),
     .object = &meltano_table,
     .present_offset = offsetof(struct request, has_meltano)},
    {.key = "dbt",
     .type = FIELD_OBJECT,
     AT(request, dbt),
     .object = &dbt_table,
     .present_offset = offsetof(struct request, has_dbt)},
    {.key = "path", .type = FIELD_STR, AT(request, path)},
    {.key = "name", .type = FIELD_STR, AT(request, name)},
    {.key = "materialized",
     .type = FIELD_ENUM,
     AT(request, materialized),
     .names = materialized_names},
    {.key = "sql", .type = FIELD_STR, AT(request, sql)},
    {.key = "partition",
     .type = FIELD_OBJECT,
     AT(request, partition),
     .object = &partition_table,
     .present_offset = offsetof(struct request, has_partition)},
    {.key = "checks", .type = FIELD_OBJECT_LIST, AT(request, checks), .object = &check_table},
};
static const struct field_table request_table = {
    .name = "step",
    .size = sizeof(struct request),
    .fields = request_fields,
    .count = COUNT_OF(request_fields),
    .ignore_unknown = true,
};

static bool need(struct str value, const char *key, struct err *err)
{
    if (value.len > 0) {
        return true;
    }
    return err_set(err, ERR_INVALID, "\"%s\" is missing", key);
}

/* Nothing was just written whose database could be meant. */
static bool check_checks(const struct request *r, struct err *err)
{
    const struct check_options *checks = r->checks.items;
    if (r->checks.count == 0) {
        return err_set(err, ERR_INVALID, "\"checks\" is missing");
    }
    for (size_t i = 0; i < r->checks.count; i++) {
        if (checks[i].database_node == NULL) {
            return err_set(err, ERR_INVALID, "\"checks[%zu].database\" is missing", i);
        }
    }
    return true;
}

/* Each says what it is. */
static bool check_members(const struct request *r, struct err *err)
{
    const struct asset_stream *assets = r->assets.items;
    bool is_dbt = r->kind == STEP_DBT;
    for (size_t i = 0; i < r->assets.count; i++) {
        if ((is_dbt ? assets[i].node : assets[i].stream).len == 0) {
            return err_set(err, ERR_INVALID, "\"assets[%zu].%s\" is missing", i,
                           is_dbt ? "node" : "stream");
        }
    }
    return is_dbt || r->assets.count <= LIMIT_STREAMS ||
           err_set(err, ERR_INVALID, "\"assets\": more than %d streams", LIMIT_STREAMS);
}

/* One asset, or several that are streams or nodes. */
static bool check_assets(const struct request *r, struct err *err)
{
    if (r->assets.count == 0) {
        return r->kind == STEP_DBT ? err_set(err, ERR_INVALID, "\"assets\" is missing")
                                   : need(r->asset, "asset", err);
    }
    bool may_be_several =
        r->kind == STEP_EXTRACT_LOAD || r->kind == STEP_MELTANO || r->kind == STEP_DBT;
    if (r->asset.len > 0 || !may_be_several) {
        return err_set(err, ERR_INVALID,
                       r->asset.len > 0 ? "there is both \"asset\" and \"assets\""
                                        : "\"assets\" goes with kind extract_load, meltano or dbt");
    }
    return check_members(r, err) &&
           (r->kind != STEP_EXTRACT_LOAD || need(r->state_id, "state_id", err));
}

static bool check_kind(const struct request *r, struct err *err)
{
    if (!check_assets(r, err)) {
        return false;
    }
    if (r->kind == STEP_CHECKS) {
        return check_checks(r, err);
    }
    if (r->kind == STEP_MELTANO) {
        return need(r->meltano.project, "meltano", err) && need(r->state_dir, "state_dir", err);
    }
    if (r->kind == STEP_DBT) {
        return need(r->dbt.manifest, "dbt", err) && need(r->state_dir, "state_dir", err);
    }
    if (r->kind == STEP_SQL) {
        if (r->has_partition && r->materialized == MATERIALIZED_VIEW) {
            return err_set(err, ERR_INVALID, "\"partition\": a view has no partitions");
        }
        return need(r->path, "path", err) && need(r->name, "name", err) && need(r->sql, "sql", err);
    }
    if (r->tap_node == NULL || r->target_node == NULL) {
        return err_set(err, ERR_INVALID, "\"%s\" is missing",
                       r->tap_node == NULL ? "tap" : "target");
    }
    return true;
}

/* The text behind "type". */
static bool read_type(const struct json *node, const char *path, struct str *ret, struct err *err)
{
    const struct json *type = json_get(node, "type");
    if (type == NULL || type->type != JSON_STRING) {
        return err_set(err, ERR_INVALID, "%s: \"type\" is missing", path);
    }
    *ret = type->as.string;
    return true;
}

static bool read_options(const struct json *node, const struct field_table *table, const char *path,
                         struct arena *arena, const void **ret, struct err *err)
{
    struct problems problems = {.arena = arena};
    void *options = arena_alloc(arena, table->size);
    if (options == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the step's options");
    }
    *ret = options;
    return fields_read(node, table, str_from(path), arena, &problems, options) ||
           problems_to_err(&problems, err);
}

static bool read_connectors(struct request *r, struct arena *arena, struct err *err)
{
    struct str tap = STR_NONE;
    struct str target = STR_NONE;
    const void *load = NULL;
    bool ok = read_type(r->tap_node, "tap", &tap, err) &&
              read_type(r->target_node, "target", &target, err) &&
              connectors_tap(tap, &r->tap, err) && connectors_target(target, &r->target, err) &&
              read_options(r->tap_node, r->tap->options, "tap", arena, &r->tap_options, err) &&
              read_options(r->target_node, r->target->options, "target", arena, &load, err);
    r->load = load;
    return ok;
}

/* The database that a check asks. */
static bool read_database(struct check_options *check, struct arena *arena, struct err *err)
{
    struct str type = STR_NONE;
    if (check->database_node == NULL) {
        return true;
    }
    if (!read_type(check->database_node, "database", &type, err) ||
        !connectors_target(type, &check->database, err)) {
        return false;
    }
    if (check->database->ask == NULL) {
        return err_set(err, ERR_INVALID, "database: \"" STR_FMT "\" answers no SQL", STR_ARG(type));
    }
    const struct field_table *table =
        connector_connection_table(connector_find(type), USE_LOAD, arena);
    if (table == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the step's options");
    }
    return read_options(check->database_node, table, "database", arena, &check->database_options,
                        err);
}

static bool read_databases(struct request *r, struct arena *arena, struct err *err)
{
    struct check_options *checks = r->checks.items;
    for (size_t i = 0; i < r->checks.count; i++) {
        if (!read_database(&checks[i], arena, err)) {
            return err_wrap(err, "checks[%zu]", i);
        }
    }
    return true;
}

bool request_parse(struct str text, struct arena *arena, struct request *ret, struct err *err)
{
    struct json *node = NULL;
    if (!json_parse(text, LIMIT_JSON_BYTES, arena, &node, err)) {
        return err_wrap(err, "step");
    }
    struct problems problems = {.arena = arena};
    struct request r;
    memset(&r, 0, sizeof(r));
    if (!fields_read(node, &request_table, STR(""), arena, &problems, &r)) {
        (void)problems_to_err(&problems, err);
        return err_wrap(err, "step");
    }
    if (!check_kind(&r, err) || !read_databases(&r, arena, err) ||
        (r.kind == STEP_EXTRACT_LOAD && !read_connectors(&r, arena, err))) {
        return err_wrap(err, "step");
    }
    if (r.state_id.len == 0) {
        r.state_id = r.asset;
    }
    *ret = r;
    return true;
}
