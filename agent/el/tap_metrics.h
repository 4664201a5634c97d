/* tap_metrics.h - the measurements that a Singer tap writes among its log lines: "METRIC: {...}" of
 * singer-python and of the Singer SDK, or a JSON log line with "metric_info" (the SDK's structured
 * logging). Summed up by metric and stream. Pure; any bytes are safe.
 * Source: singer-python's metrics.py, singer_sdk/metrics.py and logging.py. */
#pragma once
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/json/json_writer.h"

enum { TAP_METRICS_MAX = 100, TAP_METRIC_NAME_BYTES_MAX = 200 };
struct tap_metric {
    struct str metric; /* "record_count", "http_request_duration" */
    struct str of;     /* its stream, else its endpoint or job; may be empty */
    bool is_timer;     /* seconds */
    double total;
    double max;
    int64_t count;  /* of measurements */
    int64_t failed; /* of those */
};
struct tap_metrics {
    struct arena *arena;
    struct tap_metric items[TAP_METRICS_MAX];
    size_t count;
    int64_t dropped; /* measurements for which there was no room */
};

/* One line of the tap's log. Lines that are no measurement, or a wrong one, change nothing. */
void tap_metrics_take(struct tap_metrics *m, struct str line);
/* {"record_count": {"orders": {"total": 5, "count": 2}}, "job_duration": {...}}: a timer has "max",
 * too, in seconds; "failed" where some did. */
void tap_metrics_write(const struct tap_metrics *m, struct json_writer *w);
