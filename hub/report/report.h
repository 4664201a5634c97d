/* report.h - what a fleet did in a time and what needs somebody's attention, for people who run a
 * plant or shops rather than computers. Read from one snapshot of the store; written as text,
 * Markdown, HTML, JSON or CSV (report_write.h). */
#pragma once
#include "common/base/arena.h"
#include "hub/store/freshness.h"
#include "hub/store/report_queries.h"

enum { REPORT_ROWS_MAX = 10000, REPORT_TOP = 5, REPORT_DAYS = 7 };

struct report_device {
    struct str id, status, reason; /* hub_device_presence() */
    struct str group;              /* empty: it has no such label */
    struct wall_time last_seen, not_after;
    int64_t waiting, lost, failing, clock_offset_ms;
    bool is_out; /* of the fleet: revoked or decommissioned */
};
struct report_failure {
    struct str device, asset, message;
    struct str run;             /* of the last attempt */
    struct wall_time since, at; /* when it began, and the last attempt */
    struct wall_time made;      /* last; 0 = never */
};
struct report_check {
    struct str device, asset, name, severity;
    struct wall_time at;
};
struct report_stale {
    struct str device, asset;
    enum freshness_word word;
    struct wall_time told_at; /* since when it is so, as the device judged */
};
struct report_asset { /* that was made in the time or the time before it, or tried to be */
    struct str asset;
    int64_t devices; /* that made it in the time */
    struct hub_load now, before;
    int64_t timed, duration_ms, duration_avg_ms, duration_max_ms;
    int64_t steps, retries, failed_attempts;
};
struct report_runs {
    int64_t success, failure, canceled, open;
};
static inline int64_t report_runs_ended(const struct report_runs *runs)
{
    return runs->success + runs->failure; /* what a rate is of */
}
struct report_group { /* devices with one value of the label */
    struct str name;  /* empty: those without */
    int64_t devices, online, away, failing, late;
    struct report_runs runs, runs_before;
    struct hub_load now, before;
};
struct report_load { /* of one asset in one group */
    struct str asset, group;
    struct hub_load now, before;
};
struct report_day { /* 24 hours; the last ends with the report's time */
    struct wall_time from;
    struct report_runs runs;
    struct hub_load load;
};
struct report_gap { /* events that were given up in the time */
    struct str device, reason;
    int64_t gaps, events;
    struct wall_time at;
};
struct report_alert {
    struct str kind, subject, detail;
    bool is_group;
    struct wall_time opened, resolved; /* resolved 0: open */
    int64_t devices, troubles;
};

struct report_certificate { /* the hub's own */
    const char *name;       /* "CA", "broker", "web side" */
    struct wall_time not_after;
};
enum { REPORT_CERTIFICATES_MAX = 3 };

/* Rows beyond REPORT_ROWS_MAX are counted in `total` only. */
#define REPORT_LIST(type_)                                                                         \
    struct {                                                                                       \
        struct type_ *items;                                                                       \
        size_t count, cap, total;                                                                  \
    }
struct report {
    struct str fleet;
    struct str group_by; /* a label; empty: not grouped */
    struct str alert_group;
    struct wall_time since, until;
    struct wall_time now;     /* what is, is of this moment */
    struct hub_totals totals; /* now, and since the hub began */
    struct report_runs runs, runs_before;
    struct hub_load loaded, loaded_before;
    int64_t retries, failed_attempts, lost, gaps;    /* in the time */
    int64_t refusals;                                /* in the time */
    int64_t alerts_open, alerts_opened, alerts_over; /* now; in the time */
    REPORT_LIST(report_device) devices;
    REPORT_LIST(report_asset) assets;     /* by name */
    REPORT_LIST(report_failure) failures; /* now */
    REPORT_LIST(report_check) checks;     /* that failed when they were last asked */
    REPORT_LIST(report_stale) stale;      /* now: those that freshness_is_bad(), or are late */
    REPORT_LIST(report_group) groups;     /* by name, those without one last */
    REPORT_LIST(report_load) loads;       /* by asset, group; when grouped */
    REPORT_LIST(report_gap) losses;
    REPORT_LIST(report_alert) alerts;
    struct report_certificate certificates[REPORT_CERTIFICATES_MAX]; /* as the question has them */
    size_t certificate_count;
    struct report_day days[REPORT_DAYS]; /* oldest first; up to `until` */
    int64_t freshness[FRESH_COUNT];      /* how many of each, of assets with a policy on a device */
    size_t slowest[REPORT_TOP];          /* indexes into assets, by average duration */
    size_t slowest_count;
    size_t
        flakiest[REPORT_TOP]; /* by the share of attempts that failed, of those made in the end */
    size_t flakiest_count;
    int64_t online, away, waiting;
    int64_t
        out; /* revoked or decommissioned: neither online nor away, and not counted as the fleet's */
};

struct report_question {
    struct str fleet;
    struct str group_by;           /* a label; empty: no groups */
    struct str alert_group;        /* the label that alerts are grouped by */
    struct wall_time since, until; /* by the devices' clocks; compared with as long a time before */
    struct wall_time now;
    struct report_certificate certificates[REPORT_CERTIFICATES_MAX];
    size_t certificate_count;
};
/* Everything lives in `arena`, and texts of the question are borrowed; ERR_FULL when it is too
 * small. Reads all of the log's views: seconds on a large store, so not for the loop of the hub. */
MUST_CHECK bool report_read(struct db *store, const struct report_question *question,
                            struct arena *arena, struct report *ret, struct err *err);

/* For the writers: what needs attention, one harmless line each, the worst first; at most
 * REPORT_LINES_MAX, the last of which says how many more there are. */
enum { REPORT_LINES_MAX = 40 };
struct report_line {
    struct str text;
    const char *kind; /* "failing", "check", "stale", "away", "lost", "certificate", "clock",
                         "warning", "refusals", "more" */
    struct str device, asset; /* that it is about; may be empty */
    struct str run;           /* that failed */
};
size_t report_attention(const struct report *report, struct arena *arena,
                        struct report_line lines[REPORT_LINES_MAX]);
/* The message of an error object as devices send them, in `scratch`; empty when it has none. */
struct str report_error_message(struct str error, struct buf *scratch);
