#include "agent/transform/tell.h"

#include "agent/transform/stored_rows.h"
#include "common/tls/identity.h"

#include <string.h>

/* ---- what a node is to the agent ---- */

static const struct tell_name *name_of(const struct tell *tell, uint32_t node)
{
    static const struct tell_name none;
    return node == DBT_NO_NODE ? &none : &tell->names[node];
}

static bool is_asset(const struct tell *tell, uint32_t node)
{
    const struct tell_name *name = name_of(tell, node);
    return name->asset.len > 0 && name->check.len == 0;
}

static bool is_check(const struct tell *tell, uint32_t node)
{
    return name_of(tell, node)->check.len > 0;
}

/* ---- materializations ---- */

/* main.orders: without the quotes of relation_name. */
static struct str table_name(const struct dbt_node *node, struct buf *out)
{
    if (node->schema.len > 0) {
        buf_addf(out, STR_FMT ".", STR_ARG(node->schema));
    }
    buf_add(out, node->alias.len > 0 ? node->alias : node->name);
    return buf_str(out);
}

static void add_columns(struct json_writer *w, const struct relation_columns *columns)
{
    AUTO(buf) json = buf_growing(2 * TELL_COLUMNS_BYTES_MAX);
    struct json_writer list = json_writer(&json);
    if (columns->count == 0) {
        return;
    }
    jw_begin_object(&list);
    jw_key(&list, STR("columns"));
    jw_begin_array(&list);
    for (size_t i = 0; i < columns->count && json.len < TELL_COLUMNS_BYTES_MAX; i++) {
        jw_begin_object(&list);
        jw_member_str(&list, "name", columns->items[i].name);
        jw_member_str(&list, "type", columns->items[i].type);
        jw_end_object(&list);
    }
    jw_end_array(&list);
    jw_end_object(&list);
    if (!json.overflow) {
        report_add_raw(w, "dagster/column_schema", "table_schema", buf_str(&json));
    }
}

static void add_sql(struct json_writer *w, struct str sql)
{
    if (sql.len <= TELL_SQL_BYTES_MAX) {
        report_add_text(w, "sql", sql);
        return;
    }
    uint8_t hash[32];
    char hex[65];
    struct buf text = buf_fixed(hex, sizeof hex);
    digest_sha256(sql, hash);
    for (size_t i = 0; i < sizeof hash; i++) {
        buf_addf(&text, "%02x", hash[i]);
    }
    report_add_text(w, "sql_sha256", buf_str(&text));
}

static void add_duration(struct json_writer *w, int64_t duration_ns)
{
    if (duration_ns >= 0) {
        report_add_float(w, "duration_s", (double)duration_ns / (double)NS_PER_SEC);
    }
}

static void tell_made(struct tell *tell, uint32_t node, const struct node_end *end)
{
    const struct dbt_node *of = &tell->project->nodes[node];
    const struct node_result *result = &end->result;
    AUTO(buf) table = buf_growing(4096);
    struct json_writer w = report_begin(tell->report, "materialization");
    jw_member_str(&w, "asset", name_of(tell, node)->asset);
    jw_key(&w, STR("metadata"));
    jw_begin_object(&w);
    report_add_int(&w, "dagster/row_count", result->row_count);
    report_add_text(&w, "dagster/table_name", table_name(of, &table));
    report_add_int(&w, "rows_written", result->rows_written);
    add_duration(&w, end->duration_ns);
    report_add_text(&w, "dbt/unique_id", of->unique_id);
    report_add_text(&w, "dbt/materialized", of->materialized);
    if (result->was_incremental) {
        report_add_raw(&w, "dbt/was_incremental", "bool", STR("true"));
    }
    add_columns(&w, &result->columns);
    add_sql(&w, end->sql);
    jw_end_object(&w);
    report_end(tell->report, &w);
}

/* ---- what was not made ---- */

static struct err why_of(const struct node_end *end)
{
    struct err err = {0};
    if (end->err != NULL) {
        return *end->err;
    }
    if (end->result.status == DBT_SKIPPED) {
        err_set(&err, ERR_DENIED, "skipped%s" STR_FMT, end->result.message.len == 0 ? "" : ": ",
                STR_ARG(str_clip(end->result.message, 300)));
    } else {
        err_set(&err, ERR_INTERNAL, "%s%s" STR_FMT, dbt_status_name(end->result.status),
                end->result.message.len == 0 ? "" : ": ",
                STR_ARG(str_clip(end->result.message, 300)));
    }
    return err;
}

static void tell_not_made(struct tell *tell, uint32_t node, const struct err *why, bool is_first)
{
    report_failure(tell->report, name_of(tell, node)->asset, why);
    tell->failed[node] = true;
    if (is_first && tell->first.code == ERR_NONE) {
        tell->first = *why;
        err_wrap(&tell->first, STR_FMT, STR_ARG(tell->project->nodes[node].unique_id));
    }
}

/* ---- checks ---- */

static void add_failing_rows(struct tell *tell, struct json_writer *w,
                             const struct node_result *result)
{
    AUTO(buf) rows = buf_growing(4 * TELL_ROWS_BYTES_MAX);
    struct err err = {0};
    if (tell->db == NULL || result->stored_in.len == 0 || result->failures <= 0) {
        return;
    }
    if (stored_rows_write(tell->db, result->stored_in, TELL_ROWS_MAX, TELL_ROWS_BYTES_MAX, &rows,
                          &err)) {
        report_add_raw(w, "failing_rows", "json", buf_str(&rows));
    } else {
        LOG(WARN, "dbt.rows_unread", F_S("relation", result->stored_in), F_ERR(&err));
    }
}

/* A test that only warned holds nobody up, whatever its severity. */
static bool is_only_warning(const struct dbt_node *test, enum dbt_status status)
{
    return status == DBT_WARN || (status != DBT_ERROR && test->is_warning);
}

static void tell_check(struct tell *tell, uint32_t node, const struct node_end *end)
{
    const struct dbt_node *test = &tell->project->nodes[node];
    const struct tell_name *name = name_of(tell, node);
    const struct node_result *result = &end->result;
    struct json_writer w = report_begin(tell->report, "check");
    jw_member_str(&w, "asset", name->asset);
    jw_member_str(&w, "name", name->check);
    jw_member_bool(&w, "passed", result->status == DBT_PASS);
    jw_member_str(&w, "severity",
                  is_only_warning(test, result->status) ? STR("warn") : STR("error"));
    jw_key(&w, STR("metadata"));
    jw_begin_object(&w);
    report_add_int(&w, "dagster_dbt/failed_row_count", result->failures);
    report_add_text(&w, "dbt/status", str_from(dbt_status_name(result->status)));
    report_add_text(&w, "dbt/unique_id", test->unique_id);
    report_add_text(&w, "message", str_clip(result->message, 1000));
    report_add_text(&w, "error", end->err == NULL ? STR("") : str_from(end->err->msg));
    report_add_text(&w, "stored_in", result->stored_in);
    add_duration(&w, end->duration_ns);
    add_failing_rows(tell, &w, result);
    jw_end_object(&w);
    report_end(tell->report, &w);
}

/* ---- listening ---- */

static void started(void *ctx, struct str unique_id, int64_t index, int64_t total)
{
    struct tell *tell = ctx;
    (void)unique_id;
    (void)index;
    (void)total;
    report_progress(tell->report, tell->rows, 0);
}

static bool is_made(enum dbt_status status)
{
    return status == DBT_SUCCESS || status == DBT_NO_OP;
}

static void ended(void *ctx, const struct node_end *end)
{
    struct tell *tell = ctx;
    const uint32_t node = dbt_project_find(tell->project, end->unique_id);
    const enum dbt_status status = end->result.status;
    if (node == DBT_NO_NODE) {
        return; /* dbt's project has grown; the lines of the log tell of it */
    }
    tell->statuses[node] = (uint8_t)status;
    tell->failed[node] = false;
    tell->rows += end->result.rows_written > 0 ? end->result.rows_written : 0;
    if (is_asset(tell, node) && is_made(status)) {
        tell_made(tell, node, end);
    } else if (is_asset(tell, node)) {
        const struct err why = why_of(end);
        tell_not_made(tell, node, &why, status != DBT_SKIPPED);
    } else if (is_check(tell, node) && status != DBT_SKIPPED) {
        tell_check(tell, node, end);
    }
    report_progress(tell->report, tell->rows, 0);
}

static void said(void *ctx, struct str unique_id, enum log_level level, struct str text)
{
    struct tell *tell = ctx;
    const struct str asset = name_of(tell, dbt_project_find(tell->project, unique_id))->asset;
    switch (level) {
    case LOG_ERROR:
        LOG(ERROR, "dbt.said", F_S("asset", asset), F_S("node", unique_id), F_S("text", text));
        break;
    case LOG_WARN:
        LOG(WARN, "dbt.said", F_S("asset", asset), F_S("node", unique_id), F_S("text", text));
        break;
    case LOG_INFO:
    case LOG_DEBUG:
        LOG(INFO, "dbt.said", F_S("asset", asset), F_S("node", unique_id), F_S("text", text));
        break;
    }
}

bool tell_init(struct tell *tell, const struct dbt_project *project, const struct tell_name *names,
               struct report *report, struct database *db, struct arena *arena, struct err *err)
{
    *tell = (struct tell){.project = project,
                          .names = names,
                          .report = report,
                          .db = db,
                          .statuses = arena_array(arena, project->count + 1, 1),
                          .failed = arena_array(arena, project->count + 1, sizeof *tell->failed)};
    return (tell->statuses != NULL && tell->failed != NULL) ||
           err_set(err, ERR_NO_MEMORY, "no memory to tell of %zu nodes", project->count);
}

struct node_listener tell_listener(struct tell *tell)
{
    return (struct node_listener){.started = started, .ended = ended, .said = said, .ctx = tell};
}

void tell_rest(struct tell *tell, const bool *selected, const struct err *why)
{
    for (uint32_t i = 0; i < tell->project->count; i++) {
        if (selected[i] && is_asset(tell, i) && tell->statuses[i] == DBT_NOT_RUN) {
            tell_not_made(tell, i, why, false);
        }
    }
}

bool tell_outcome(const struct tell *tell, const bool *selected, struct err *err)
{
    size_t assets = 0;
    size_t failed = 0;
    for (uint32_t i = 0; i < tell->project->count; i++) {
        assets += selected[i] && is_asset(tell, i) ? 1 : 0;
        failed += selected[i] && tell->failed[i] ? 1 : 0;
    }
    if (failed == 0) {
        return true;
    }
    if (tell->first.code == ERR_NONE) {
        return err_set(err, ERR_DENIED, "%zu of %zu assets were not made: tests before them failed",
                       failed, assets);
    }
    *err = tell->first;
    return err_wrap(err, "%zu of %zu assets were not made", failed, assets);
}
