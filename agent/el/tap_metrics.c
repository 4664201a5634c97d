#include "agent/el/tap_metrics.h"

#include "common/base/limits.h"
#include "common/json/json_scan.h"

#include <math.h>

/* What a measurement says; texts as they stand between their quotes. */
struct point {
    struct str type;
    struct str metric;
    struct str stream;
    struct str endpoint;
    struct str job_type;
    struct str status;
    double value;
    bool has_value;
};

static struct str text_of(struct json_raw value)
{
    bool is_plain = value.type == JSON_STRING && !value.has_escape &&
                    value.text.len <= TAP_METRIC_NAME_BYTES_MAX;
    return is_plain ? value.text : STR("");
}

static void read_tags(struct str object, struct point *ret)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err ignored;
    if (!json_scan_object(&scan, object, &ignored)) {
        return;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "stream")) {
            ret->stream = text_of(value);
        } else if (json_raw_is(key, "endpoint")) {
            ret->endpoint = text_of(value);
        } else if (json_raw_is(key, "job_type")) {
            ret->job_type = text_of(value);
        } else if (json_raw_is(key, "status")) {
            ret->status = text_of(value);
        }
    }
}

static bool read_point(struct str object, struct point *ret)
{
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err ignored;
    *ret = (struct point){0};
    if (!json_scan_object(&scan, object, &ignored)) {
        return false;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "type") || json_raw_is(key, "metric_type")) {
            ret->type = text_of(value);
        } else if (json_raw_is(key, "metric")) {
            ret->metric = text_of(value);
        } else if (json_raw_is(key, "value")) {
            ret->has_value = json_raw_double(value, &ret->value) && isfinite(ret->value);
        } else if (json_raw_is(key, "tags") && value.type == JSON_OBJECT) {
            read_tags(value.text, ret);
        }
    }
    return json_scan_end(&scan, &ignored) && ret->metric.len > 0 && ret->has_value;
}

/* The object of a line, STR_NONE where there is none. */
static struct str find_point(struct str line)
{
    const struct str mark = STR("METRIC: {");
    struct json_scan scan;
    struct json_raw key;
    struct json_raw value;
    struct err ignored;
    for (size_t i = 0; i + mark.len <= line.len && i <= LIMIT_STEP_LINE_BYTES; i++) {
        if (line.ptr[i] == 'M' && str_starts(str_slice(line, i, line.len), mark)) {
            return str_slice(line, i + mark.len - 1, line.len);
        }
    }
    if (!str_starts(line, STR("{")) || !json_scan_object(&scan, line, &ignored)) {
        return STR_NONE;
    }
    while (json_scan_member(&scan, &key, &value)) {
        if (json_raw_is(key, "metric_info") && value.type == JSON_OBJECT) {
            return value.text;
        }
    }
    return STR_NONE;
}

static struct tap_metric *find(struct tap_metrics *m, const struct point *p)
{
    struct str of = p->stream.len > 0 ? p->stream : p->endpoint.len > 0 ? p->endpoint : p->job_type;
    for (size_t i = 0; i < m->count; i++) {
        if (str_eq(m->items[i].metric, p->metric) && str_eq(m->items[i].of, of)) {
            return &m->items[i];
        }
    }
    if (m->count == TAP_METRICS_MAX) {
        return NULL;
    }
    struct tap_metric *item = &m->items[m->count];
    *item = (struct tap_metric){.metric = arena_copy(m->arena, p->metric),
                                .of = arena_copy(m->arena, of),
                                .is_timer = str_eq(p->type, STR("timer"))};
    if (item->metric.ptr == NULL || item->of.ptr == NULL) {
        return NULL;
    }
    m->count++;
    return item;
}

void tap_metrics_take(struct tap_metrics *m, struct str line)
{
    struct point p;
    struct str object = find_point(str_trim(line));
    if (object.ptr == NULL || !read_point(str_trim(object), &p)) {
        return;
    }
    struct tap_metric *item = find(m, &p);
    if (item == NULL) {
        m->dropped++;
        return;
    }
    item->max = item->count == 0 || p.value > item->max ? p.value : item->max;
    item->total += p.value;
    item->count++;
    item->failed += str_eq(p.status, STR("failed"));
}

static void write_number(struct json_writer *w, const char *key, double value)
{
    if (value == floor(value) && fabs(value) < 1e15) {
        jw_member_i64(w, key, (int64_t)value);
    } else {
        jw_member_double(w, key, value);
    }
}

static void write_metric(const struct tap_metric *item, struct json_writer *w)
{
    jw_key(w, item->of);
    jw_begin_object(w);
    write_number(w, "total", item->total);
    jw_member_i64(w, "count", item->count);
    if (item->is_timer) {
        write_number(w, "max", item->max);
    }
    if (item->failed > 0) {
        jw_member_i64(w, "failed", item->failed);
    }
    jw_end_object(w);
}

void tap_metrics_write(const struct tap_metrics *m, struct json_writer *w)
{
    jw_begin_object(w);
    for (size_t i = 0; i < m->count; i++) {
        struct str metric = m->items[i].metric;
        bool is_written = false; /* with an earlier one of its name */
        for (size_t k = 0; k < i; k++) {
            is_written = is_written || str_eq(m->items[k].metric, metric);
        }
        if (is_written) {
            continue;
        }
        jw_key(w, metric);
        jw_begin_object(w);
        for (size_t k = i; k < m->count; k++) {
            if (str_eq(m->items[k].metric, metric)) {
                write_metric(&m->items[k], w);
            }
        }
        jw_end_object(w);
    }
    jw_end_object(w);
}
