/* report.h - what the step tells the agent: JSON lines on descriptor 3, or on standard output where
 * 3 is not open. Metadata has the types of Dagster Pipes: {"type": "int", "raw_value": 3}. */
#pragma once
#include "agent/el/request.h"
#include "agent/el/schema.h"
#include "agent/el/tap_metrics.h"
#include "common/base/buf.h"
#include "common/json/json_writer.h"
#include "common/platform/clock.h"

struct report {
    int fd;
    struct buf line;
    struct clock clock;
    struct mono_time started;
    struct mono_time last_progress;
    bool has_error;
};

/* Of a table that was there with other columns. */
struct schema_told {
    const struct schema *before; /* NULL: nothing changed, or it is new */
    struct str changes;          /* JSON, schema_write_changes() */
};

/* Of one stream among several. */
struct stream_counts {
    struct str name;
    int64_t rows_read;
    int64_t bytes_read;
    int64_t rows_written;
    int64_t rows_removed;         /* that the source says are gone */
    int64_t row_count;            /* -1 = not known */
    int64_t time_ns;              /* 0 = not known */
    struct str key_min, key_max;  /* of the replication key; may be empty */
    const struct schema *columns; /* may be NULL */
    struct str table;             /* as of a materialization */
    bool is_whole;                /* all of it is loaded, though the source broke off later */
    const struct err *failure;    /* of this stream alone; NULL = none */
    struct schema_told schema;
};

/* What a materialization says of itself; -1 and empty text are left out. */
struct materialization {
    struct str table; /* "database.table", or the file */
    int64_t row_count;
    int64_t rows_read;
    int64_t rows_written;
    int64_t rows_removed;
    int64_t bytes_read;
    int64_t rows_rejected;
    struct str quarantine; /* where they are */
    struct str key_min, key_max;
    int64_t rows_without_key;
    int64_t snapshots;
    const struct schema *columns; /* may be NULL */
    struct schema_told schema;
    struct stream_counts *streams; /* where there may be several */
    size_t stream_count;
    const struct tap_metrics *metrics; /* of a Singer tap; lives in the arena; may be NULL */
    struct str asset;                  /* of a step that makes several; else empty */
    struct str state;                  /* that the load left, where there may be several streams */
};

void report_init(struct report *r);
void report_init_silent(struct report *r); /* says nothing to nobody */
void report_release(struct report *r);     /* fits AUTO(report) */
/* At most once a second; call it as often as you like. */
void report_progress(struct report *r, int64_t rows, int64_t bytes);
void report_materialization(struct report *r, const struct materialization *m);
/* `value`: what the query gave; or a `problem`. */
void report_check(struct report *r, const struct check_options *check, bool passed,
                  const struct value *value, struct str problem);
/* Any other event: what is between the two is the caller's. Metadata are written by the next ones,
 * which leave out -1 and empty text. */
struct json_writer report_begin(struct report *r, const char *event);
void report_end(struct report *r, struct json_writer *w);
void report_add_int(struct json_writer *w, const char *name, int64_t value);
void report_add_float(struct json_writer *w, const char *name, double value);
void report_add_text(struct json_writer *w, const char *name, struct str value);
void report_add_raw(struct json_writer *w, const char *name, const char *type, struct str json);
/* Of a step that makes several: this one was not made. */
void report_failure(struct report *r, struct str asset, const struct err *err);
/* The first one; later calls say nothing. */
void report_error(struct report *r, const struct err *err);
