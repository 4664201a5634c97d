/* record.h - one thing that happened, as the engine says it. The store turns it into an event (one line of JSON, see
 * common/wire/event.h) and into the rows that it changes, in one transaction: the tables of this device are a projection
 * of its events, as the hub's are. Pure. */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/time.h"
#include "common/wire/event.h"

/* Which fields count for which type: the table in record.c. Unused fields stay zero. Text is borrowed. */
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
    int64_t delta_ms;        /* clock_step */
    struct str error_code;   /* of a failure; empty = no error object */
    struct str error_message;
    struct str error_hint;
    struct str exit;         /* "exit code 3": how the child ended, when it failed */
    struct str reason;       /* of a skip, a failed tick, a gap */
    struct str check;
    struct str severity;
    bool passed;
    struct str metadata; /* a JSON object, already valid */
    struct str members;  /* device, definitions: further members as JSON text without braces, already valid */
};

/* Appends the event's line (with its newline) under the sequence number. Larger metadata than fits LIMIT_EVENT_BYTES is
 * replaced by {"selvedge/metadata_dropped_bytes":...}. ERR_FULL when the line is still too large. */
MUST_CHECK bool record_encode(const struct record *record, int64_t seq, struct buf *out, struct err *err);
