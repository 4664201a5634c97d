/* dbt_drive_peer.c - drives a dbt as the words of the command line say, and writes what it is told
 * as JSON lines: started, ended, said, and at last done. Exit code 0: dbt ran through. */
#include "agent/el/cancel.h"
#include "agent/transform/dbt_drive.h"
#include "common/json/json_writer.h"
#include "common/platform/files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 4 << 20, SELECT_MAX = 20000, NAME_PARTS_MAX = 16 };

static void write_line(struct buf *line)
{
    struct err err = {0};
    buf_add_char(line, '\n');
    if (line->overflow || !files_write_fd(STDOUT_FILENO, buf_str(line), &err)) {
        abort();
    }
}

static void on_start(void *ctx, struct str unique_id, int64_t index, int64_t total)
{
    (void)ctx;
    AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&line);
    jw_begin_object(&w);
    jw_member_str(&w, "event", STR("started"));
    jw_member_str(&w, "node", unique_id);
    jw_member_i64(&w, "index", index);
    jw_member_i64(&w, "total", total);
    jw_end_object(&w);
    write_line(&line);
}

static void on_end(void *ctx, const struct node_end *end)
{
    (void)ctx;
    AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&line);
    jw_begin_object(&w);
    jw_member_str(&w, "event", STR("ended"));
    jw_member_str(&w, "node", end->unique_id);
    jw_member_str(&w, "status", str_from(dbt_status_name(end->result.status)));
    jw_member_str(&w, "message", end->result.message);
    jw_member_i64(&w, "rows", end->result.rows_written);
    jw_member_i64(&w, "failures", end->result.failures);
    jw_member_i64(&w, "duration_ns", end->duration_ns);
    jw_member_str(&w, "error", str_from(end->err == NULL ? "" : end->err->msg));
    jw_member_str(&w, "sql", end->sql);
    jw_end_object(&w);
    write_line(&line);
}

static void on_line(void *ctx, struct str unique_id, enum log_level level, struct str text)
{
    (void)ctx;
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&line);
    jw_begin_object(&w);
    jw_member_str(&w, "event", STR("said"));
    jw_member_str(&w, "node", unique_id);
    jw_member_str(&w, "level", str_from(levels[level]));
    jw_member_str(&w, "text", text);
    jw_end_object(&w);
    write_line(&line);
}

static void write_done(bool ok, const struct drive_counts *counts, const struct err *err)
{
    AUTO(buf) line = buf_growing(LINE_BYTES_MAX);
    struct json_writer w = json_writer(&line);
    jw_begin_object(&w);
    jw_member_str(&w, "event", STR("done"));
    jw_member_bool(&w, "ok", ok);
    jw_member_str(&w, "code", str_from(ok ? "" : err_code_name(err->code)));
    jw_member_str(&w, "error", str_from(ok ? "" : err->msg));
    jw_member_str(&w, "hint", str_from(ok ? "" : err->hint));
    jw_member_i64(&w, "started", counts->started);
    jw_member_i64(&w, "ended", counts->ended);
    jw_member_i64(&w, "failed", counts->failed);
    jw_member_i64(&w, "warned", counts->warned);
    jw_member_i64(&w, "skipped", counts->skipped);
    jw_member_i64(&w, "lost", counts->lost);
    jw_end_object(&w);
    write_line(&line);
}

/* "model:shop.marts.orders" */
static struct str criterion(struct str text, struct arena *arena)
{
    struct str parts[NAME_PARTS_MAX];
    struct dbt_node node = {.fqn = {parts, 0}};
    struct str type;
    (void)str_cut(text, ':', &type, &text);
    while (!str_eq(type, str_from(dbt_type_name(node.type)))) {
        node.type++;
    }
    while (text.len > 0 && node.fqn.count < NAME_PARTS_MAX) {
        (void)str_cut(text, '.', &parts[node.fqn.count++], &text);
    }
    return dbt_drive_criterion(&node, arena);
}

static void take_option(struct dbt_drive *d, const char *name, struct str value,
                        struct arena *arena)
{
    struct str *texts[] = {&d->dbt,    &d->project_dir, &d->profiles_dir,
                           &d->target, &d->state_dir,   &d->vars};
    static const char *const names[] = {"--dbt",    "--project", "--profiles",
                                        "--target", "--state",   "--vars"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *texts[i] = value;
            return;
        }
    }
    if (strcmp(name, "--node") == 0) {
        d->select.items[d->select.count++] = criterion(value, arena);
    } else if (strcmp(name, "--timeout") == 0 && str_to_duration(value, &d->timeout_ns)) {
        return;
    } else if (strcmp(name, "--fail-fast") == 0) {
        d->fail_fast = true;
    } else if (strcmp(name, "--full-refresh") == 0) {
        d->full_refresh = true;
    } else {
        abort();
    }
}

int main(int argc, char **argv)
{
    AUTO(arena) arena = arena_new(64 << 20);
    struct str *select = arena_array(&arena, SELECT_MAX, sizeof(*select));
    struct dbt_drive drive = {.select = {select, 0}, .indirect = DBT_EMPTY};
    const struct node_listener listener = {on_start, on_end, on_line, NULL};
    struct drive_counts counts = {0};
    struct err err = {0};
    for (int i = 1; i < argc; i++) {
        bool is_flag =
            strcmp(argv[i], "--fail-fast") == 0 || strcmp(argv[i], "--full-refresh") == 0;
        take_option(&drive, argv[i], str_from(is_flag ? "" : argv[i + 1]), &arena);
        i += !is_flag;
    }
    bool ok = cancel_install(&err) && dbt_drive(&drive, &listener, &counts, &err);
    write_done(ok, &counts, &err);
    return ok ? 0 : 1;
}
