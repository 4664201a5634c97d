#include "agent/transform/dbt_report.h"

#include "agent/dbt/names.h"
#include "agent/transform/stored_rows.h"
#include "common/base/limits.h"
#include "common/platform/files.h"
#include "common/tls/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    LOG_BYTES_MAX = 64 << 20, /* of all nodes; what comes later is left out */
    LOG_LINE_BYTES_MAX = 1 << 20,
    COLUMNS_BYTES_MAX = LIMIT_EVENT_BYTES / 2,
    MESSAGE_BYTES_MAX = 4 << 10,
    SQL_BYTES_MAX = 4 << 10, /* a longer one is told by its SHA-256 */
    ROWS_MAX = 20,           /* of a test's failing rows */
    ROWS_BYTES_MAX = 8 << 10,
};

/* --- what each node says, kept for `logs --asset` ---------------------------------------------- */

static bool open_log(struct dbt_report *r, struct err *err)
{
    struct str path = r->request->dbt.log_file;
    struct str folder = STR_NONE;
    struct str name = STR_NONE;
    r->log = -1;
    if (path.len == 0) {
        return true;
    }
    const char *text = arena_cstr(r->arena, path);
    (void)str_cut_last(path, '/', &folder, &name);
    const char *dir = arena_cstr(r->arena, folder);
    if (text == NULL || dir == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a path");
    }
    if (folder.len > 0 && !files_make_dirs(dir, 0750, err)) {
        return false;
    }
    r->log = open(text, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    return r->log >= 0 || err_errno(err, errno, "open %s", text);
}

/* {"asset","node","text"} or "sql", a line. That it cannot be written is no reason to fail. */
static void keep(struct dbt_report *r, struct str asset, struct str node, const char *what,
                 struct str text)
{
    AUTO(buf) line = buf_growing(LOG_LINE_BYTES_MAX);
    struct err ignored = {0};
    struct json_writer w = json_writer(&line);
    if (r->log < 0 || text.len == 0) {
        return;
    }
    jw_begin_object(&w);
    jw_member_opt(&w, "asset", asset);
    jw_member_str(&w, "node", node);
    jw_member_str(&w, what, text);
    jw_end_object(&w);
    buf_add_char(&line, '\n');
    r->log_bytes += (int64_t)line.len;
    bool fits = !line.overflow && r->log_bytes <= LOG_BYTES_MAX;
    if (fits && !files_write_fd(r->log, buf_str(&line), &ignored)) {
        r->log_bytes = LOG_BYTES_MAX; /* nor can what follows */
    }
}

/* --- whose it is ------------------------------------------------------------------------------- */

struct str dbt_report_key(struct dbt_report *r, uint32_t node)
{
    struct err ignored = {0};
    bool has_key = node != DBT_NO_NODE && (dbt_is_asset(&r->project->nodes[node]) ||
                                           r->project->nodes[node].type == DBT_SOURCE);
    if (!has_key) {
        return STR("");
    }
    if (r->keys[node].len == 0 &&
        !dbt_read_asset_key(r->project, node, r->arena, &r->keys[node], &ignored)) {
        return STR("");
    }
    return r->keys[node];
}

static const struct dbt_check *check_of(const struct dbt_report *r, uint32_t node)
{
    bool is_one = node != DBT_NO_NODE && r->check_of[node] != UINT32_MAX;
    return is_one ? &r->checks.items[r->check_of[node]] : NULL;
}

/* The asset that a node, or a test of it, is about. */
static struct str about(struct dbt_report *r, uint32_t node)
{
    const struct dbt_check *check = check_of(r, node);
    return dbt_report_key(r, check != NULL ? check->on : node);
}

/* --- events ------------------------------------------------------------------------------------ */

static void add_columns(struct json_writer *w, const struct relation_columns *columns)
{
    AUTO(buf) text = buf_growing(COLUMNS_BYTES_MAX * 2);
    struct json_writer own = json_writer(&text);
    if (columns->count == 0) {
        return;
    }
    jw_begin_object(&own);
    jw_key(&own, STR("columns"));
    jw_begin_array(&own);
    for (size_t i = 0; i < columns->count && text.len < COLUMNS_BYTES_MAX; i++) {
        jw_begin_object(&own);
        jw_member_str(&own, "name", str_clip(columns->items[i].name, MESSAGE_BYTES_MAX));
        jw_member_str(&own, "type", str_clip(columns->items[i].type, MESSAGE_BYTES_MAX));
        jw_end_object(&own);
    }
    jw_end_array(&own);
    jw_end_object(&own);
    if (!text.overflow) {
        report_add_raw(w, "dagster/column_schema", "table_schema", buf_str(&text));
    }
}

static void add_duration(struct json_writer *w, int64_t duration_ns)
{
    if (duration_ns >= 0) {
        report_add_float(w, "duration_s", (double)duration_ns / (double)NS_PER_SEC);
    }
}

static void add_sql(struct json_writer *w, struct str sql)
{
    uint8_t hash[32];
    char hex[2 * sizeof hash + 1];
    struct buf text = buf_fixed(hex, sizeof hex);
    if (sql.len <= SQL_BYTES_MAX) {
        report_add_text(w, "sql", sql);
        return;
    }
    digest_sha256(sql, hash);
    for (size_t i = 0; i < sizeof hash; i++) {
        buf_addf(&text, "%02x", hash[i]);
    }
    report_add_text(w, "sql_sha256", buf_str(&text));
}

static void tell_made(struct dbt_report *r, uint32_t node, const struct node_end *end)
{
    const struct dbt_node *n = &r->project->nodes[node];
    struct json_writer w = report_begin(r->report, "materialization");
    jw_member_str(&w, "asset", r->keys[node]);
    jw_key(&w, STR("metadata"));
    jw_begin_object(&w);
    report_add_int(&w, "dagster/row_count", end->result.row_count);
    report_add_text(&w, "dagster/table_name", str_clip(n->relation_name, MESSAGE_BYTES_MAX));
    report_add_int(&w, "rows_written", end->result.rows_written);
    add_duration(&w, end->duration_ns);
    report_add_text(&w, "dbt/node", n->unique_id);
    report_add_text(&w, "dbt/materialized", n->materialized);
    report_add_text(&w, "dbt/message", str_clip(end->result.message, MESSAGE_BYTES_MAX));
    if (end->result.was_incremental) {
        report_add_text(&w, "dbt/variant", STR("incremental"));
    }
    add_columns(&w, &end->result.columns);
    add_sql(&w, end->sql);
    jw_end_object(&w);
    report_end(r->report, &w);
}

static struct err why_of(const struct dbt_report *r, uint32_t node, const struct node_end *end)
{
    const struct dbt_node *n = &r->project->nodes[node];
    struct err why = {0};
    struct str said = end->result.message;
    if (end->err != NULL) {
        why = *end->err;
    } else if (end->result.status == DBT_SKIPPED) {
        (void)err_set(
            &why, ERR_INVALID, STR_FMT,
            STR_ARG(said.len > 0 ? said : STR("skipped: something before it did not end well")));
    } else {
        (void)err_set(&why, ERR_INVALID, STR_FMT,
                      STR_ARG(said.len > 0 ? said : str_from(dbt_status_name(end->result.status))));
    }
    (void)err_wrap(&why, STR_FMT, STR_ARG(str_clip(n->unique_id, 120)));
    return why;
}

/* What the agent would not know from checks of assets that were made. */
static void note_wrong(struct dbt_report *r, const struct err *why, bool is_skipped)
{
    if (r->wrong == 0 || (!is_skipped && str_contains(str_from(r->first.msg), STR("skipped")))) {
        r->first = *why;
    }
    r->wrong++;
}

static bool is_made(enum dbt_status status)
{
    return status == DBT_SUCCESS || status == DBT_NO_OP || status == DBT_WARN || status == DBT_PASS;
}

static void tell_asset(struct dbt_report *r, uint32_t node, const struct node_end *end)
{
    if (is_made(end->result.status)) {
        tell_made(r, node, end);
        return;
    }
    struct err why = why_of(r, node, end);
    report_failure(r->report, r->keys[node], &why);
    note_wrong(r, &why, end->result.status == DBT_SKIPPED);
}

static void add_failing_rows(struct dbt_report *r, struct json_writer *w,
                             const struct node_result *result)
{
    AUTO(buf) rows = buf_growing(4 * ROWS_BYTES_MAX);
    struct err err = {0};
    if (r->db == NULL || result->stored_in.len == 0 || result->failures <= 0) {
        return;
    }
    if (stored_rows_write(r->db, result->stored_in, ROWS_MAX, ROWS_BYTES_MAX, &rows, &err)) {
        report_add_raw(w, "failing_rows", "json", buf_str(&rows));
    } else {
        LOG(WARN, "dbt.rows_unread", F_S("relation", result->stored_in), F_ERR(&err));
    }
}

static void write_check(struct dbt_report *r, const struct dbt_check *check, struct str asset,
                        const struct node_end *end)
{
    enum dbt_status status = end->result.status;
    bool is_warning =
        status == DBT_WARN || (status == DBT_PASS && r->project->nodes[check->test].is_warning);
    struct json_writer w = report_begin(r->report, "check");
    jw_member_str(&w, "asset", asset);
    jw_member_str(&w, "name", check->name);
    jw_member_bool(&w, "passed", status == DBT_PASS);
    jw_member_str(&w, "severity", is_warning ? STR("warn") : STR("error"));
    jw_key(&w, STR("metadata"));
    jw_begin_object(&w);
    report_add_text(&w, "status", str_from(dbt_status_name(status)));
    report_add_int(&w, "failed_row_count", end->result.failures);
    report_add_text(&w, "stored_in", str_clip(end->result.stored_in, MESSAGE_BYTES_MAX));
    add_failing_rows(r, &w, &end->result);
    add_duration(&w, end->duration_ns);
    if (end->err != NULL) {
        report_add_text(&w, "error", str_from(end->err->msg));
    } else {
        report_add_text(&w, "dbt/message", str_clip(end->result.message, MESSAGE_BYTES_MAX));
    }
    jw_end_object(&w);
    report_end(r->report, &w);
}

/* A check of an asset that this step makes is judged by the agent; of any other test that failed it
 * would know nothing. */
static void tell_test(struct dbt_report *r, uint32_t node, const struct node_end *end)
{
    const struct dbt_check *check = check_of(r, node);
    struct str asset = about(r, node);
    enum dbt_status status = end->result.status;
    bool is_ours = check != NULL && check->on != DBT_NO_NODE && r->is_wanted[check->on];
    if (status == DBT_SKIPPED || status == DBT_NO_OP) {
        return;
    }
    if (check != NULL && asset.len > 0) {
        write_check(r, check, asset, end);
    }
    if (!is_ours && status != DBT_PASS && status != DBT_WARN) {
        struct err why = why_of(r, node, end);
        note_wrong(r, &why, false);
    }
}

static void on_ended(void *ctx, const struct node_end *end)
{
    struct dbt_report *r = ctx;
    uint32_t node = dbt_project_find(r->project, end->unique_id);
    keep(r, about(r, node), end->unique_id, "sql", end->sql);
    if (node == DBT_NO_NODE) {
        return; /* a node that dbt has and our manifest does not, as of a hook */
    }
    r->statuses[node] = (uint8_t)end->result.status;
    r->ended++;
    if (r->is_wanted[node]) {
        tell_asset(r, node, end);
    } else if (r->project->nodes[node].type == DBT_TEST) {
        tell_test(r, node, end);
    } else if (!is_made(end->result.status)) {
        struct err why = why_of(r, node, end);
        note_wrong(r, &why, end->result.status == DBT_SKIPPED);
    }
    report_progress(r->report, r->ended, 0);
}

static void on_started(void *ctx, struct str unique_id, int64_t index, int64_t total)
{
    struct dbt_report *r = ctx;
    (void)unique_id;
    (void)index;
    (void)total;
    report_progress(r->report, r->ended, 0);
}

static void on_said(void *ctx, struct str unique_id, enum log_level level, struct str text)
{
    struct dbt_report *r = ctx;
    (void)fprintf(stderr, "%s" STR_FMT "\n",
                  level == LOG_ERROR  ? "error: "
                  : level == LOG_WARN ? "warning: "
                                      : "",
                  STR_ARG(text));
    if (unique_id.len > 0) {
        keep(r, about(r, dbt_project_find(r->project, unique_id)), unique_id, "text", text);
    }
}

bool dbt_report_begin(struct dbt_report *r, struct err *err)
{
    size_t count = r->project->count;
    r->statuses = arena_array(r->arena, count, sizeof(*r->statuses));
    r->check_of = arena_array(r->arena, count, sizeof(*r->check_of));
    if (!dbt_checks_make(r->project, r->arena, &r->checks, err)) {
        return false;
    }
    if (r->statuses == NULL || r->check_of == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the nodes of a project");
    }
    memset(r->check_of, 0xff, count * sizeof(*r->check_of));
    for (uint32_t i = 0; i < r->checks.count; i++) {
        r->check_of[r->checks.items[i].test] = i;
    }
    return open_log(r, err);
}

struct node_listener dbt_report_listener(struct dbt_report *r)
{
    return (struct node_listener){
        .started = on_started, .ended = on_ended, .said = on_said, .ctx = r};
}

bool dbt_report_end(struct dbt_report *r, const struct err *why, struct err *err)
{
    for (uint32_t i = 0; i < r->project->count; i++) {
        if (r->is_wanted[i] && r->statuses[i] == DBT_NOT_RUN) {
            struct err unsaid = {0};
            (void)err_set(&unsaid, ERR_INTERNAL, "nothing was said of it");
            report_failure(r->report, r->keys[i], why != NULL ? why : &unsaid);
            note_wrong(r, why != NULL ? why : &unsaid, false);
        }
    }
    if (r->log >= 0) {
        (void)close(r->log);
        r->log = -1;
    }
    if (r->wrong == 0) {
        return true;
    }
    *err = r->first;
    return r->wrong == 1 ? false
                         : err_wrap(err, "%lld nodes did not end well, the first of them",
                                    (long long)r->wrong);
}
