/* dbt_build_peer.c - a native build for tests: what build_run() tells, as JSON lines.
 *
 * usage: dbt_build_peer manifest=FILE [incremental=FILE] [project=DIR] (sqlite=FILE |
 *                       postgres=DSN) [now_s=SECONDS] [full_refresh] [fail_fast] [frozen] [only=UNIQUE_ID]... */
#include "agent/el/cancel.h"
#include "agent/transform/build_run.h"
#include "common/json/json_writer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *value_of(int argc, char **argv, const char *key)
{
    const size_t len = strlen(key);
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], key, len) == 0 && argv[i][len] == '=') {
            return argv[i] + len + 1;
        }
    }
    return NULL;
}

static bool has_word(int argc, char **argv, const char *word)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], word) == 0) {
            return true;
        }
    }
    return false;
}

static void print(struct buf *line)
{
    puts(buf_cstr(line));
    (void)fflush(stdout);
    buf_release(line);
}

static void started(void *ctx, struct str unique_id, int64_t index, int64_t total)
{
    (void)ctx;
    struct buf line = buf_growing(1 << 20);
    struct json_writer w = json_writer(&line);
    jw_begin_object(&w);
    jw_member_str(&w, "started", unique_id);
    jw_member_i64(&w, "index", index);
    jw_member_i64(&w, "total", total);
    jw_end_object(&w);
    print(&line);
}

static void ended(void *ctx, const struct node_end *end)
{
    (void)ctx;
    struct buf line = buf_growing(1 << 20);
    struct json_writer w = json_writer(&line);
    jw_begin_object(&w);
    jw_member_str(&w, "ended", end->unique_id);
    jw_member_str(&w, "status", str_from(dbt_status_name(end->result.status)));
    jw_member_i64(&w, "failures", end->result.failures);
    jw_member_i64(&w, "rows_written", end->result.rows_written);
    jw_member_i64(&w, "row_count", end->result.row_count);
    jw_member_i64(&w, "duration_ns", end->duration_ns);
    jw_member_bool(&w, "was_incremental", end->result.was_incremental);
    jw_member_opt(&w, "stored_in", end->result.stored_in);
    jw_member_opt(&w, "message", end->result.message);
    jw_member_opt(&w, "error", end->err == NULL ? STR("") : str_from(end->err->msg));
    jw_end_object(&w);
    print(&line);
}

static void said(void *ctx, struct str unique_id, enum log_level level, struct str text)
{
    (void)ctx;
    struct buf line = buf_growing(1 << 20);
    struct json_writer w = json_writer(&line);
    jw_begin_object(&w);
    jw_member_str(&w, "said", text);
    jw_member_str(&w, "of", unique_id);
    jw_member_i64(&w, "level", level);
    jw_end_object(&w);
    print(&line);
}

static bool select_nodes(int argc, char **argv, const struct dbt_project *project, bool *selected)
{
    bool is_all = true;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "only=", 5) == 0) {
            const uint32_t node = dbt_project_find(project, str_from(argv[i] + 5));
            if (node == DBT_NO_NODE) {
                (void)fprintf(stderr, "no node %s\n", argv[i] + 5);
                return false;
            }
            selected[node] = true;
            is_all = false;
        }
    }
    for (size_t i = 0; i < project->count && is_all; i++) {
        selected[i] = true;
    }
    return true;
}

static int build(int argc, char **argv, const struct dbt_project *project, struct database *db,
                 bool *selected)
{
    const struct clock clock = clock_system();
    const char *now = value_of(argc, argv, "now_s");
    int64_t now_s = clock_wall(&clock).ns / NS_PER_SEC;
    if (now != NULL && !str_to_i64(str_from(now), 0, INT64_MAX / NS_PER_SEC, &now_s)) {
        return 2;
    }
    const struct transform transform = {
        .db = db,
        .project = project,
        .project_dir = value_of(argc, argv, "project"),
        .full_refresh = has_word(argc, argv, "full_refresh"),
        .now = {now_s * NS_PER_SEC},
    };
    const struct node_listener listener = {.started = started, .ended = ended, .said = said};
    const struct build_run run = {
        .transform = &transform,
        .selected = selected,
        .host = {.adapter = str_from(db->ops->name),
                 .allows_frozen = has_word(argc, argv, "frozen")},
        .fail_fast = has_word(argc, argv, "fail_fast"),
        .clock = clock,
        .listener = &listener,
    };
    struct build_counts counts = {0};
    struct err err = {0};
    const bool ok = build_run(&run, &counts, &err);
    printf("{\"total\":%lld,\"well\":%lld,\"warned\":%lld,\"failed\":%lld,\"skipped\":%lld}\n",
           (long long)counts.total, (long long)counts.well, (long long)counts.warned,
           (long long)counts.failed, (long long)counts.skipped);
    if (!ok) {
        (void)fprintf(stderr, "%s\n", err.msg);
    }
    return ok ? 0 : 1;
}

static bool open_database(int argc, char **argv, struct database **ret, struct err *err)
{
    const struct database_options options = {0};
    const char *dsn = value_of(argc, argv, "postgres");
    return dsn == NULL ? database_open_sqlite(value_of(argc, argv, "sqlite"), &options, ret, err)
                       : database_open_postgres(str_from(dsn), &options, ret, err);
}

int main(int argc, char **argv)
{
    struct dbt_project *project = NULL;
    struct database *db = NULL;
    struct err err = {0};
    const struct dbt_open open = {.path = value_of(argc, argv, "manifest"),
                                  .incremental = value_of(argc, argv, "incremental")};
    int status = 1;
    bool *selected = NULL;
    if (cancel_install(&err) && dbt_project_open(&open, &project, &err) &&
        open_database(argc, argv, &db, &err)) {
        selected = calloc(project->count + 1, sizeof *selected);
        if (selected != NULL && select_nodes(argc, argv, project, selected)) {
            status = build(argc, argv, project, db, selected);
        }
    } else {
        (void)fprintf(stderr, "%s; %s\n", err.msg, err.hint);
    }
    free(selected);
    database_close(db);
    dbt_project_close(project);
    return status;
}
