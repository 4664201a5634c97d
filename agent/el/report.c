#include "agent/el/report.h"

#include "agent/el/schema_hash.h"
#include "common/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    REPORT_FD = 3,
    VALUE_BYTES_MAX = 200, /* of what a check's query gave */
    COLUMNS_BYTES_MAX =
        LIMIT_EVENT_BYTES / 2, /* of the column schema; the rest of it is left out */
};

void report_init(struct report *r)
{
    *r = (struct report){
        .fd = fcntl(REPORT_FD, F_GETFD) >= 0 ? REPORT_FD : STDOUT_FILENO,
        .line = buf_growing(LIMIT_EVENT_BYTES),
        .clock = clock_system(),
    };
    r->started = clock_mono(&r->clock);
    r->last_progress = r->started;
}

void report_init_silent(struct report *r)
{
    report_init(r);
    r->fd = -1;
}

void report_release(struct report *r)
{
    buf_release(&r->line);
}

struct json_writer report_begin(struct report *r, const char *event)
{
    buf_reset(&r->line);
    struct json_writer w = json_writer(&r->line);
    jw_begin_object(&w);
    jw_member_str(&w, "event", str_from(event));
    return w;
}

/* An agent that does not listen any more is no reason to fail: the data are committed. */
void report_end(struct report *r, struct json_writer *w)
{
    jw_end_object(w);
    buf_add_char(&r->line, '\n');
    if (r->line.overflow || r->fd < 0) {
        return;
    }
    const char *p = r->line.ptr;
    size_t left = r->line.len;
    while (left > 0) {
        ssize_t n = write(r->fd, p, left);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return;
        }
        p += n;
        left -= (size_t)n;
    }
}

/* getrusage() would count the parent's memory at the time of the spawn. */
static int64_t peak_memory_bytes(void)
{
    char text[4096];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0) {
        close(fd);
    }
    if (n <= 0) {
        return -1;
    }
    text[n] = '\0';
    const char *line = strstr(text, "VmHWM:");
    if (line == NULL) {
        return -1;
    }
    struct str rest = str_trim(str_from(line + sizeof("VmHWM:") - 1));
    struct str number;
    int64_t kib = 0;
    (void)str_cut(rest, ' ', &number, &rest);
    return str_to_i64(number, 0, INT64_MAX / 1024, &kib) ? kib * 1024 : -1;
}

void report_progress(struct report *r, int64_t rows, int64_t bytes)
{
    struct mono_time now = clock_mono(&r->clock);
    if (now.ns - r->last_progress.ns < NS_PER_SEC) {
        return;
    }
    r->last_progress = now;
    struct json_writer w = report_begin(r, "progress");
    jw_member_i64(&w, "rows", rows);
    jw_member_i64(&w, "bytes", bytes);
    jw_member_i64(&w, "memory_bytes", peak_memory_bytes());
    report_end(r, &w);
}

static void begin_entry(struct json_writer *w, const char *name, const char *type)
{
    jw_key(w, str_from(name));
    jw_begin_object(w);
    jw_member_str(w, "type", str_from(type));
    jw_key(w, STR("raw_value"));
}

void report_add_int(struct json_writer *w, const char *name, int64_t value)
{
    if (value >= 0) {
        begin_entry(w, name, "int");
        jw_i64(w, value);
        jw_end_object(w);
    }
}

void report_add_float(struct json_writer *w, const char *name, double value)
{
    begin_entry(w, name, "float");
    jw_double(w, value);
    jw_end_object(w);
}

void report_add_text(struct json_writer *w, const char *name, struct str value)
{
    if (value.len > 0) {
        begin_entry(w, name, "text");
        jw_str(w, value);
        jw_end_object(w);
    }
}

void report_add_raw(struct json_writer *w, const char *name, const char *type, struct str json)
{
    begin_entry(w, name, type);
    jw_raw(w, json);
    jw_end_object(w);
}

static void add_changes(struct json_writer *w, const struct schema_told *schema)
{
    char hash[SCHEMA_HASH_SIZE];
    if (schema->before != NULL) {
        report_add_text(w, "schema_hash_before", schema_hash(schema->before, hash));
        begin_entry(w, "schema_changes", "json");
        jw_raw(w, schema->changes);
        jw_end_object(w);
    }
}

static void add_columns(struct json_writer *w, const struct schema *schema)
{
    char hash[SCHEMA_HASH_SIZE];
    if (schema == NULL || schema->count == 0) {
        return;
    }
    report_add_text(w, "schema_hash", schema_hash(schema, hash));
    begin_entry(w, "dagster/column_schema", "table_schema");
    jw_begin_object(w);
    jw_key(w, STR("columns"));
    jw_begin_array(w);
    for (size_t i = 0; i < schema->count && w->out->len < COLUMNS_BYTES_MAX; i++) {
        const struct column *c = &schema->columns[i];
        jw_begin_object(w);
        jw_member_str(w, "name", c->name);
        jw_member_str(w, "type", schema_type_name(c));
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_end_object(w);
    jw_end_object(w);
}

static void write_stream_columns(struct json_writer *w, const struct schema *schema)
{
    char hash[SCHEMA_HASH_SIZE];
    if (schema == NULL || schema->count == 0) {
        return;
    }
    jw_member_str(w, "schema_hash", schema_hash(schema, hash));
    jw_key(w, STR("columns"));
    jw_begin_object(w);
    for (size_t i = 0; i < schema->count && w->out->len < COLUMNS_BYTES_MAX; i++) {
        jw_key(w, schema->columns[i].name);
        jw_str(w, schema_type_name(&schema->columns[i]));
    }
    jw_end_object(w);
}

static void write_stream(struct json_writer *w, const struct stream_counts *s)
{
    jw_begin_object(w);
    jw_member_i64(w, "rows_read", s->rows_read);
    if (s->rows_written >= 0) { /* a foreign target does not say */
        jw_member_i64(w, "rows_written", s->rows_written);
    }
    if (s->rows_removed > 0) {
        jw_member_i64(w, "rows_removed", s->rows_removed);
    }
    jw_member_i64(w, "bytes_read", s->bytes_read);
    if (s->row_count >= 0) {
        jw_member_i64(w, "row_count", s->row_count);
    }
    if (s->time_ns > 0) {
        double seconds = (double)s->time_ns / (double)NS_PER_SEC;
        jw_member_double(w, "duration_s", seconds);
        jw_member_double(w, "rows_per_second", (double)(int64_t)((double)s->rows_read / seconds));
    }
    jw_member_opt(w, "replication_key_min", s->key_min);
    jw_member_opt(w, "replication_key_max", s->key_max);
    write_stream_columns(w, s->columns);
    if (s->schema.before != NULL) {
        jw_member_raw(w, "schema_changes", s->schema.changes);
    }
    jw_end_object(w);
}

static void add_streams(struct json_writer *w, const struct materialization *m)
{
    if (m->stream_count == 0) {
        return;
    }
    begin_entry(w, "streams", "json");
    jw_begin_object(w);
    for (size_t i = 0; i < m->stream_count && w->out->len < COLUMNS_BYTES_MAX; i++) {
        jw_key(w, m->streams[i].name);
        write_stream(w, &m->streams[i]);
    }
    jw_end_object(w);
    jw_end_object(w);
}

static void add_metrics(struct json_writer *w, const struct tap_metrics *metrics)
{
    if (metrics == NULL || metrics->count == 0 || w->out->len > COLUMNS_BYTES_MAX) {
        return;
    }
    begin_entry(w, "tap_metrics", "json");
    tap_metrics_write(metrics, w);
    jw_end_object(w);
    if (metrics->dropped > 0) {
        report_add_int(w, "tap_metrics_dropped", metrics->dropped);
    }
}

void report_materialization(struct report *r, const struct materialization *m)
{
    double seconds = (double)(clock_mono(&r->clock).ns - r->started.ns) / (double)NS_PER_SEC;
    struct json_writer w = report_begin(r, "materialization");
    jw_member_opt(&w, "asset", m->asset);
    jw_key(&w, STR("metadata"));
    jw_begin_object(&w);
    report_add_int(&w, "dagster/row_count", m->row_count);
    report_add_text(&w, "dagster/table_name", m->table);
    report_add_int(&w, "rows_read", m->rows_read);
    report_add_int(&w, "rows_written", m->rows_written);
    if (m->rows_removed > 0) {
        report_add_int(&w, "rows_removed", m->rows_removed);
    }
    report_add_int(&w, "bytes_read", m->bytes_read);
    if (m->rows_rejected > 0) {
        report_add_int(&w, "rows_rejected", m->rows_rejected);
        report_add_text(&w, "quarantine", m->quarantine);
    }
    report_add_float(&w, "duration_s", seconds);
    if (m->rows_read > 0 && seconds > 0) {
        report_add_float(&w, "rows_per_second", (double)(int64_t)((double)m->rows_read / seconds));
    }
    report_add_text(&w, "replication_key_min", m->key_min);
    report_add_text(&w, "replication_key_max", m->key_max);
    if (m->rows_without_key > 0) {
        report_add_int(&w, "rows_without_replication_key", m->rows_without_key);
    }
    if (m->snapshots > 1) {
        report_add_int(&w, "source_snapshots", m->snapshots);
    }
    report_add_int(&w, "peak_memory_bytes", peak_memory_bytes());
    add_changes(&w, &m->schema);
    add_columns(&w, m->columns);
    add_streams(&w, m);
    add_metrics(&w, m->metrics);
    jw_end_object(&w);
    report_end(r, &w);
}

static void add_value(struct json_writer *w, const struct value *value)
{
    switch (value->type) {
    case VALUE_INTEGER:
        begin_entry(w, "value", "int");
        jw_i64(w, value->as.integer);
        jw_end_object(w);
        break;
    case VALUE_REAL:
        report_add_float(w, "value", value->as.real);
        break;
    case VALUE_TEXT:
        report_add_text(w, "value", str_slice(value->as.text, 0, VALUE_BYTES_MAX));
        break;
    case VALUE_NULL:
    case VALUE_BLOB:
        break; /* nothing that a person could read */
    }
}

void report_check(struct report *r, const struct check_options *check, bool passed,
                  const struct value *value, struct str problem)
{
    struct json_writer w = report_begin(r, "check");
    jw_member_opt(&w, "asset", check->asset);
    jw_member_str(&w, "name", check->name);
    jw_member_bool(&w, "passed", passed);
    jw_member_str(&w, "severity", check->severity == CHECK_WARN ? STR("warn") : STR("error"));
    jw_key(&w, STR("metadata"));
    jw_begin_object(&w);
    if (problem.len > 0) {
        report_add_text(&w, "error", problem);
    } else {
        add_value(&w, value);
    }
    jw_end_object(&w);
    report_end(r, &w);
}

static void write_error(struct json_writer *w, const struct err *err)
{
    jw_member_str(w, "code", str_from(err_code_name(err->code)));
    jw_member_str(w, "message", str_from(err->msg));
    jw_member_opt(w, "hint", str_from(err->hint));
}

void report_failure(struct report *r, struct str asset, const struct err *err)
{
    struct json_writer w = report_begin(r, "failure");
    jw_member_str(&w, "asset", asset);
    write_error(&w, err);
    report_end(r, &w);
}

void report_error(struct report *r, const struct err *err)
{
    if (r->has_error) {
        return;
    }
    r->has_error = true;
    struct json_writer w = report_begin(r, "error");
    write_error(&w, err);
    report_end(r, &w);
}
