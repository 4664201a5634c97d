#include "agent/el/request.h"

#include "common/base/limits.h"

#include <string.h>

enum { COMMAND_WORDS_MAX = 256 };

static const char *const kind_names[] = {"extract_load", "sql", "checks", NULL};
static const char *const mode_names[] = {"append", "upsert", "overwrite", NULL};
static const char *const materialized_names[] = {"table", "view", NULL};
static const char *const severity_names[] = {"error", "warn", NULL};

#define AT(type_, member_) .offset = offsetof(struct type_, member_)

static const struct field tap_fields[] = {
    {.key = "type", .type = FIELD_STR, AT(tap_options, type), .required = true},
    {.key = "path", .type = FIELD_STR, AT(tap_options, path)},
    {.key = "table", .type = FIELD_STR, AT(tap_options, table)},
    {.key = "replication_key", .type = FIELD_STR, AT(tap_options, replication_key)},
    {.key = "columns", .type = FIELD_STR_LIST, AT(tap_options, columns), .max = LIMIT_COLUMNS},
    {.key = "delimiter", .type = FIELD_STR, AT(tap_options, delimiter)},
    {.key = "header", .type = FIELD_BOOL, AT(tap_options, header)},
    {.key = "stream", .type = FIELD_STR, AT(tap_options, stream)},
    {.key = "command", .type = FIELD_STR_LIST, AT(tap_options, command), .max = COMMAND_WORDS_MAX},
    {.key = "config", .type = FIELD_STR, AT(tap_options, config)},
    {.key = "catalog", .type = FIELD_STR, AT(tap_options, catalog)},
};
static const struct tap_options tap_defaults = {.delimiter = STR_INIT(","), .header = true};
static const struct field_table tap_table = {
    .name = "tap",
    .size = sizeof(struct tap_options),
    .fields = tap_fields,
    .count = COUNT_OF(tap_fields),
    .defaults = &tap_defaults,
};

static const struct field target_fields[] = {
    {.key = "type", .type = FIELD_STR, AT(target_options, type), .required = true},
    {.key = "path", .type = FIELD_STR, AT(target_options, path), .required = true},
    {.key = "table", .type = FIELD_STR, AT(target_options, table)},
    {.key = "mode",
     .type = FIELD_ENUM,
     AT(target_options, mode),
     .required = true,
     .names = mode_names},
    {.key = "primary_key",
     .type = FIELD_STR_LIST,
     AT(target_options, primary_key),
     .max = LIMIT_COLUMNS},
    {.key = "flush_every",
     .type = FIELD_DURATION,
     AT(target_options, flush_every),
     .min = NS_PER_MS,
     .max = 3600 * NS_PER_SEC},
    {.key = "append_without_key", .type = FIELD_BOOL, AT(target_options, append_without_key)},
};
static const struct target_options target_defaults = {.flush_every = FLUSH_EVERY_DEFAULT};
static const struct field_table target_table = {
    .defaults = &target_defaults,
    .name = "target",
    .size = sizeof(struct target_options),
    .fields = target_fields,
    .count = COUNT_OF(target_fields),
};

static const struct field check_fields[] = {
    {.key = "name", .type = FIELD_STR, AT(check_options, name), .required = true},
    {.key = "sql", .type = FIELD_STR, AT(check_options, sql), .required = true},
    {.key = "path", .type = FIELD_STR, AT(check_options, path)},
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

/* Keys of a newer agent are ignored here, not in `tap` and `target`, where they would change what
 * is loaded. */
static const struct field request_fields[] = {
    {.key = "kind", .type = FIELD_ENUM, AT(request, kind), .required = true, .names = kind_names},
    {.key = "asset", .type = FIELD_STR, AT(request, asset), .required = true},
    {.key = "run", .type = FIELD_STR, AT(request, run)},
    {.key = "step", .type = FIELD_STR, AT(request, step)},
    {.key = "attempt", .type = FIELD_I64, AT(request, attempt)},
    {.key = "state_id", .type = FIELD_STR, AT(request, state_id)},
    {.key = "tap",
     .type = FIELD_OBJECT,
     AT(request, tap),
     .object = &tap_table,
     .present_offset = offsetof(struct request, has_tap)},
    {.key = "target",
     .type = FIELD_OBJECT,
     AT(request, target),
     .object = &target_table,
     .present_offset = offsetof(struct request, has_target)},
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
        if (checks[i].path.len == 0) {
            return err_set(err, ERR_INVALID, "\"checks[%zu].path\" is missing", i);
        }
    }
    return true;
}

static bool check_kind(const struct request *r, struct err *err)
{
    if (r->kind == STEP_CHECKS) {
        return check_checks(r, err);
    }
    if (r->kind == STEP_SQL) {
        if (r->has_partition && r->materialized == MATERIALIZED_VIEW) {
            return err_set(err, ERR_INVALID, "\"partition\": a view has no partitions");
        }
        return need(r->path, "path", err) && need(r->name, "name", err) && need(r->sql, "sql", err);
    }
    if (!r->has_tap || !r->has_target) {
        return err_set(err, ERR_INVALID, "\"%s\" is missing", r->has_tap ? "target" : "tap");
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
    if (!check_kind(&r, err)) {
        return err_wrap(err, "step");
    }
    if (r.state_id.len == 0) {
        r.state_id = r.asset;
    }
    *ret = r;
    return true;
}

bool request_path(struct str path, struct arena *arena, const char **ret, struct err *err)
{
    if (path.len == 0) {
        return err_set(err, ERR_INVALID, "\"path\" is missing");
    }
    if (path.len > LIMIT_PATH_BYTES || memchr(path.ptr, '\0', path.len) != NULL) {
        return err_set(err, ERR_INVALID, "\"path\" is longer than %d bytes", LIMIT_PATH_BYTES);
    }
    const char *text = arena_cstr(arena, path);
    if (text == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a path");
    }
    *ret = text;
    return true;
}
