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
    struct str
        cause; /* "schedule", "sensor", "automation", "backfill", "retry", "command", "manual" */
    struct str cause_name; /* of the schedule or sensor; of a retry the parent run */
    struct str selection;
    struct str keys;      /* stays on the device. run_enqueued: JSON array of the steps' assets, in
                                 order; backfill: JSON object, number to partition; an asset's event
                                 on a range: JSON array of its partitions; command that arrived:
                                 its facts, see commands.h; desired: the body that is in force from now
                                 on, or was refused; empty: no other than before */
    struct str tags;      /* run_enqueued, backfill: JSON object of texts */
    struct str parent;    /* run_enqueued: the run that is tried again; backfill: the one that
                                 must succeed first */
    struct str root;      /* run_enqueued: the first of that line */
    struct str backfill;  /* backfill, and run_enqueued of one */
    struct str partition; /* key; of a range the first; dynamic_partitions: the one */
    struct str partition_end; /* of a range the last */
    struct str set;           /* dynamic_partitions: name of the set */
    struct str kind;          /* tick, instigator: "schedule", "sensor", "automation" */
    struct str name;          /* tick, instigator: which one */
    struct str status;  /* tick: "started", "skipped", "failed"; instigator: "running", "paused", or
                          empty: as its definition says; backfill: as in its table;
                          dynamic_partitions: "added", "deleted"; freshness_state_change: the new
                          state; desired: "applied", "degraded", "refused"; bundle: as in its table */
    struct str run_key; /* tick of a sensor */
    struct str cursor;  /* tick of a sensor: where it stands now; of a schedule, and instigator: its
                           times as text; stays on the device */
    struct str data_version;  /* materialization, observation */
    struct str code_version;  /* materialization */
    struct str inputs;        /* materialization: JSON object, upstream key to its data version;
                                 stays on the device when it is longer than RECORD_INPUTS_BYTES */
    struct str level;         /* log: "debug", "info", "warning", "error", "critical" */
    struct str message;       /* log, engine_event */
    struct str bundle;        /* bundle: its hash */
    struct str current;       /* bundle: the one in force now; empty = the local file */
    struct str previous;      /* bundle: the one before it; stays on the device */
    struct wall_time nominal; /* tick of a schedule; instigator: it begins then, 0 = not yet */
    struct wall_time retry_at;
    struct wall_time not_before; /* run_enqueued: stays queued until then */
    int64_t attempt;             /* from 1 */
    int64_t steps;               /* run_enqueued: how many; backfill: how many partitions */
    int64_t partitions;          /* run_enqueued of a backfill: how many of them it makes */
    int64_t priority;            /* run_enqueued */
    int64_t retry_number;        /* run_enqueued: 0 for the first run of its line */
    int64_t per_run;             /* backfill: partitions in one run; 0 = all of them */
    int64_t runs_max;            /* backfill: open at the same time; 0 = as the device sees fit */
    int64_t leg;                 /* backfill: which part of the selection */
    int64_t revision;            /* desired */
    bool newest_first;           /* backfill */
    int64_t bytes_kept;          /* logs_captured: stays on the device */
    int64_t duration_ms;
    int64_t delta_ms;         /* clock_step */
    int64_t messages_end;     /* of a step that speaks Dagster Pipes: where in its messages this
                                 stood; stays on the device */
    struct str error_code;    /* of a failure */
    struct str error_message; /* empty = no error object */
    struct str error_hint;
    struct str exit;   /* "exit code 3": how the child ended, when it failed */
    struct str reason; /* of a skip, a failed tick, a gap */
    struct str check;
    struct str severity;
    bool passed;
    bool is_partial; /* materialization: reported by a step that then failed; kept as evidence, and
                        the asset's last materialization stays what it was */
    bool is_held;    /* materialization: a blocking check of the asset did not pass; stays on
                              the device */
    bool is_version_given;   /* materialization: data_version was told, not computed */
    struct str command;      /* its id; empty: of a message that is no command to this device */
    struct str verb, signer; /* command; signer: id of the key */
    struct str code;         /* command that was refused, or failed: a word for programs */
    struct str result;       /* command: a JSON object, already valid */
    struct str metadata;     /* a JSON object, already valid */
    struct str members;      /* further members as JSON text without braces, already valid */
};

enum {
    RECORD_TEXTS = 42,
    RECORD_INPUTS_BYTES = 16 << 10,
    RECORD_LINE_BYTES_MAX = 8 * LIMIT_EVENT_BYTES, /* before its size is looked at: escapes grow */
};
/* The text fields, for whoever treats them all alike. */
void record_texts(struct record *record, struct str *ret[RECORD_TEXTS]);
/* How long they are together in the event: without the metadata, and what stays on the device. */
size_t record_text_bytes(const struct record *record);

/* Appends the event's line (with its newline) under the sequence number. Metadata that does not fit
 * LIMIT_EVENT_BYTES is replaced by {"selvedge/metadata_dropped_bytes":...}. ERR_INVALID when the
 * rest is too large; ERR_NO_MEMORY when `out`, which should have room for RECORD_LINE_BYTES_MAX,
 * overflowed. */
MUST_CHECK bool record_encode(const struct record *record, int64_t seq, struct buf *out,
                              struct err *err);
