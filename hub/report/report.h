/* report.h - what a fleet did in a time and what needs somebody's attention, for people who run a
 * plant or shops rather than computers. Read from one snapshot of the store; written as text,
 * Markdown or JSON. */
#pragma once
#include "common/base/arena.h"
#include "common/cli/cli.h"
#include "hub/store/freshness.h"
#include "hub/store/queries.h"

enum { REPORT_ROWS_MAX = 10000, REPORT_SLOWEST = 3 };

struct report_device {
    struct str id, status, reason; /* hub_device_presence() */
    struct wall_time last_seen, not_after;
    int64_t waiting, lost, failing, clock_offset_ms;
};
struct report_failure {
    struct str device, asset, message;
    struct wall_time at;
};
struct report_check {
    struct str device, asset, name, severity;
    struct wall_time at;
};
struct report_stale {
    struct str device, asset;
    enum freshness_word word;
    struct wall_time told_at;
};
/* Rows beyond REPORT_ROWS_MAX are counted in `total` only. */
#define REPORT_LIST(type_)                                                                         \
    struct {                                                                                       \
        struct type_ *items;                                                                       \
        size_t count, cap, total;                                                                  \
    }
struct report {
    struct str fleet;
    struct wall_time since, until;
    struct hub_totals totals; /* now, and since the hub began */
    struct {
        int64_t success, failure, canceled, open;
    } runs; /* that ended in the time, and those that have not */
    struct {
        int64_t materializations, rows, bytes;
    } loaded; /* in the time */
    int64_t refusals;
    REPORT_LIST(report_device) devices;
    REPORT_LIST(hub_activity) activity;   /* in the time, by asset */
    REPORT_LIST(report_failure) failures; /* now */
    REPORT_LIST(report_check) checks;     /* that failed when they were last asked */
    REPORT_LIST(report_stale) stale;      /* now: those that freshness_is_bad() */
    int64_t freshness[FRESH_COUNT]; /* how many of each, of assets with a policy on a device */
    size_t slowest[REPORT_SLOWEST]; /* indexes into activity, by average duration */
    size_t slowest_count;
    int64_t online, away, waiting;
};

/* Everything lives in `arena`; ERR_FULL when it is too small. `since` and `until` by the devices'
 * clocks. */
MUST_CHECK bool report_read(struct db *store, struct wall_time since, struct wall_time until,
                            struct arena *arena, struct report *ret, struct err *err);

void report_write_json(const struct report *report, struct buf *out);
void report_write_markdown(const struct report *report, struct buf *out);
void report_print(const struct report *report, struct cli *cli);

/* For the writers: what needs attention, one harmless line each, the worst first; at most
 * REPORT_LINES_MAX, the last of which says how many more there are. */
enum { REPORT_LINES_MAX = 40 };
size_t report_attention(const struct report *report, struct arena *arena,
                        struct str lines[REPORT_LINES_MAX]);
/* "98.3 %" of the runs that ended; empty when none did. */
void report_add_success_rate(const struct report *report, struct buf *out);
/* "12,345" */
void report_add_number(struct buf *out, int64_t number);
/* The message of an error object as devices send them, in `scratch`; empty when it has none. */
struct str report_error_message(struct str error, struct buf *scratch);
