/* record.h - one thing that happened, as the engine says it. The store turns it into an event (one
 * line of JSON, see common/wire/event.h) and into the rows that it changes, in one transaction: the
 * tables of this device are a projection of its events, as the hub's are. Pure. */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/limits.h"
#include "common/base/time.h"
#include "common/wire/event.h"

/* What is set is said, whatever the type, but for `passed` (of a check) and `delta_ms` (of a clock
 * step). Unused fields stay zero. Text is borrowed. */
struct record {
    enum event_type type;
    struct wall_time at;
    struct str run;
    struct str step;
    struct str asset;
    struct str job;
    struct str cause;      /* "schedule", "manual", "command" */
    struct str cause_name; /* of the schedule */
    struct str selection;
    struct str schedule;      /* tick */
    struct str status;        /* tick: "started", "skipped", "failed" */
    struct wall_time nominal; /* tick */
    struct wall_time retry_at;
    int64_t attempt; /* from 1 */
    int64_t steps;   /* run_enqueued: how many */
    int64_t duration_ms;
    int64_t delta_ms;         /* clock_step */
    struct str error_code;    /* of a failure */
    struct str error_message; /* empty = no error object */
    struct str error_hint;
    struct str exit;   /* "exit code 3": how the child ended, when it failed */
    struct str reason; /* of a skip, a failed tick, a gap */
    struct str check;
    struct str severity;
    bool passed;
    struct str metadata; /* a JSON object, already valid */
    struct str members;  /* further members as JSON text without braces, already valid */
};

enum {
    RECORD_TEXTS = 18,
    RECORD_LINE_BYTES_MAX = 8 * LIMIT_EVENT_BYTES, /* before its size is looked at: escapes grow */
};
/* The text fields, for whoever treats them all alike. */
void record_texts(struct record *record, struct str *ret[RECORD_TEXTS]);
/* How long they are together, without the metadata. */
size_t record_text_bytes(const struct record *record);

/* Appends the event's line (with its newline) under the sequence number. Metadata that does not fit
 * LIMIT_EVENT_BYTES is replaced by {"selvedge/metadata_dropped_bytes":...}. ERR_INVALID when the
 * rest is too large; ERR_NO_MEMORY when `out`, which should have room for RECORD_LINE_BYTES_MAX,
 * overflowed. */
MUST_CHECK bool record_encode(const struct record *record, int64_t seq, struct buf *out,
                              struct err *err);
