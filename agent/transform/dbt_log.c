#include "agent/transform/dbt_log.h"

/* The parts of a line, still as they stand. */
struct parts {
    struct json_raw data, info;
};

static bool read_parts(struct str line, struct parts *ret)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err ignored;
    *ret = (struct parts){0};
    if (!str_starts(line, STR("{")) || !json_scan_object(&scan, line, &ignored)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "data")) {
            ret->data = value;
        } else if (json_raw_is(key, "info")) {
            ret->info = value;
        }
    }
    return json_scan_end(&scan, &ignored) && ret->info.type == JSON_OBJECT;
}

static enum log_level level_from(struct str name)
{
    enum log_level level = LOG_INFO;
    if (str_eq(name, STR("warning"))) {
        return LOG_WARN;
    }
    if (!log_level_from(name, &level) &&
        (str_eq(name, STR("test")) || str_eq(name, STR("trace")))) {
        return LOG_DEBUG;
    }
    return level;
}

static enum dbt_log_type type_of(struct str name)
{
    static const struct {
        const char *name;
        enum dbt_log_type type;
    } types[] = {
        {"NodeStart", DBT_LOG_OPENED},           {"LogStartLine", DBT_LOG_STARTED},
        {"LogHookStartLine", DBT_LOG_STARTED},   {"NodeFinished", DBT_LOG_ENDED},
        {"LogHookEndLine", DBT_LOG_ENDED},       {"SkippingDetails", DBT_LOG_RESULT},
        {"LogModelResult", DBT_LOG_RESULT},      {"LogSeedResult", DBT_LOG_RESULT},
        {"LogSnapshotResult", DBT_LOG_RESULT},   {"LogTestResult", DBT_LOG_RESULT},
        {"LogFreshnessResult", DBT_LOG_RESULT},  {"LogNodeNoOpResult", DBT_LOG_RESULT},
        {"LogFunctionResult", DBT_LOG_RESULT},   {"LogNodeResult", DBT_LOG_RESULT},
        {"SQLQuery", DBT_LOG_STATEMENT},         {"MainEncounteredError", DBT_LOG_GAVE_UP},
        {"CommandCompleted", DBT_LOG_COMPLETED},
    };
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (str_eq(name, str_from(types[i].name))) {
            return types[i].type;
        }
    }
    return DBT_LOG_WORDS;
}

static bool read_info(struct str info, struct arena *arena, struct dbt_log_event *ret)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err ignored;
    struct str text;
    bool ok = json_scan_object(&scan, info, &ignored);
    while (ok && json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "msg")) {
            ok = dbt_outcome_text(value, arena, &ret->text);
        } else if (json_raw_is(key, "level")) {
            ok = dbt_outcome_text(value, arena, &text);
            ret->level = level_from(text);
        } else if (json_raw_is(key, "name")) {
            ok = dbt_outcome_text(value, arena, &text);
            ret->type = type_of(text);
            ret->is_hook = str_starts(text, STR("LogHook"));
        }
    }
    return ok;
}

static bool read_relation(struct str object, struct arena *arena, struct str *ret)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err ignored;
    bool ok = json_scan_object(&scan, object, &ignored);
    while (ok && json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "relation_name")) {
            ok = dbt_outcome_text(value, arena, ret);
        }
    }
    return ok;
}

struct node_info {
    struct str status, relation;
};
static bool read_node_info(struct str object, struct arena *arena, struct dbt_log_event *event,
                           struct node_info *ret)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err ignored;
    bool ok = json_scan_object(&scan, object, &ignored);
    while (ok && json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "unique_id")) {
            ok = dbt_outcome_text(value, arena, &event->unique_id);
        } else if (json_raw_is(key, "resource_type")) {
            ok = dbt_outcome_text(value, arena, &event->resource_type);
        } else if (json_raw_is(key, "materialized")) {
            ok = dbt_outcome_text(value, arena, &event->materialized);
        } else if (json_raw_is(key, "node_status")) {
            ok = dbt_outcome_text(value, arena, &ret->status);
        } else if (json_raw_is(key, "node_relation") && value.type == JSON_OBJECT) {
            ok = read_relation(value.text, arena, &ret->relation);
        }
    }
    return ok;
}

/* What stands beside node_info; `num_models` is what LogTestResult calls the total. */
static bool read_data(struct str data, struct arena *arena, struct dbt_log_event *event,
                      struct node_info *info, struct json_raw *ret_run_result)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err ignored;
    bool ok = json_scan_object(&scan, data, &ignored);
    while (ok && json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "node_info") && value.type == JSON_OBJECT) {
            ok = read_node_info(value.text, arena, event, info);
        } else if (json_raw_is(key, "index")) {
            (void)dbt_outcome_number(value, &event->index);
        } else if (json_raw_is(key, "total") || json_raw_is(key, "num_models")) {
            (void)dbt_outcome_number(value, &event->total);
        } else if (json_raw_is(key, "sql")) {
            ok = dbt_outcome_text(value, arena, &event->sql);
        } else if (json_raw_is(key, "run_result") && value.type == JSON_OBJECT) {
            *ret_run_result = value;
        }
    }
    return ok;
}

/* The status of the node counts before that of the event, which may be a message of the adapter. */
static bool read_outcome(struct str data, struct json_raw run_result, const struct node_info *info,
                         struct arena *arena, struct dbt_log_event *event)
{
    bool is_full = run_result.type == JSON_OBJECT;
    if (!dbt_outcome_read(is_full ? run_result.text : data, arena, &event->outcome)) {
        return false;
    }
    enum dbt_status of_node = DBT_NOT_RUN;
    if (dbt_outcome_status(info->status, &of_node)) {
        event->outcome.status = of_node;
        event->outcome.has_status = true;
    }
    event->outcome.unique_id = event->unique_id;
    event->outcome.relation = info->relation;
    if (!str_eq(event->resource_type, STR("test")) &&
        !str_eq(event->resource_type, STR("unit_test"))) {
        event->outcome.failures = -1; /* null came as 0 */
    }
    return true;
}

static bool read_event(const struct parts *parts, struct arena *arena, struct dbt_log_event *ret)
{
    struct node_info info = {0};
    struct json_raw run_result = {0};
    if (!read_info(parts->info.text, arena, ret) ||
        (parts->data.type == JSON_OBJECT &&
         !read_data(parts->data.text, arena, ret, &info, &run_result))) {
        return false;
    }
    bool is_end = ret->type == DBT_LOG_RESULT || ret->type == DBT_LOG_ENDED;
    return !is_end || parts->data.type != JSON_OBJECT ||
           read_outcome(parts->data.text, run_result, &info, arena, ret);
}

bool dbt_log_read(struct str line, struct arena *arena, struct dbt_log_event *ret, struct err *err)
{
    struct parts parts;
    *ret = (struct dbt_log_event){
        .type = DBT_LOG_TEXT, .level = LOG_INFO, .text = line, .outcome = dbt_outcome_none()};
    if (!read_parts(line, &parts)) {
        return true;
    }
    ret->type = DBT_LOG_WORDS;
    ret->text = STR_NONE;
    if (!read_event(&parts, arena, ret)) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a line of dbt's log of %zu bytes",
                       line.len);
    }
    return true;
}
