/* event.h - one event as it is stored, sent and merged: a JSON object on one line. Pure.
 * {"seq":41,"at":"2026-11-22T02:30:00.123Z","type":"asset_materialization","run":"...",
 *  "step":"...","asset":"pos/sales",...}
 * `seq` comes first and then `at` and `type`: the buffer adds them; the rest is the producer's.
 * Types are Dagster's event names in lower case, and ours; an unknown type is carried and stored as
 * it is. */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/time.h"
#include "common/json/json_scan.h"

enum event_type {
    EVENT_UNKNOWN,
    /* runs and steps, as Dagster names them */
    EVENT_RUN_ENQUEUED,
    EVENT_RUN_DEQUEUED,
    EVENT_RUN_START,
    EVENT_RUN_SUCCESS,
    EVENT_RUN_FAILURE,
    EVENT_RUN_CANCELING,
    EVENT_RUN_CANCELED,
    EVENT_STEP_START,
    EVENT_STEP_SUCCESS,
    EVENT_STEP_FAILURE,
    EVENT_STEP_SKIPPED,
    EVENT_STEP_UP_FOR_RETRY,
    EVENT_STEP_RESTARTED,
    EVENT_ASSET_MATERIALIZATION_PLANNED,
    EVENT_ASSET_MATERIALIZATION,
    EVENT_ASSET_OBSERVATION,
    EVENT_ASSET_FAILED_TO_MATERIALIZE,
    EVENT_ASSET_CHECK_EVALUATION_PLANNED,
    EVENT_ASSET_CHECK_EVALUATION,
    EVENT_FRESHNESS_STATE_CHANGE,
    EVENT_LOGS_CAPTURED, /* where a step's output is, and how much of it was kept */
    EVENT_ENGINE_EVENT,  /* what the agent did or noticed that is none of the others */
    /* ours */
    EVENT_LOG,        /* a step said something through Dagster Pipes */
    EVENT_INSTIGATOR, /* a schedule, sensor or automation was paused or resumed, began or is over */
    EVENT_BACKFILL,   /* requested, ended */
    EVENT_DYNAMIC_PARTITIONS,
    EVENT_AUTOMATION_EVALUATION, /* why a condition asked for a run */
    EVENT_DEVICE,                /* the agent started: version, board, boot id */
    EVENT_DEVICE_HEALTH,         /* what the device measures of itself: disk, flash, buffer */
    EVENT_DEFINITIONS,           /* what the definitions hold now */
    EVENT_TICK,
    EVENT_COMMAND,
    EVENT_DESIRED,
    EVENT_BUNDLE, /* it was fetched, came into force, was judged, was given up */
    EVENT_BUFFER_GAP,
    EVENT_CLOCK_STEP,
    EVENT_TYPE_COUNT
};
const char *event_type_name(enum event_type type); /* "run_start" */
enum event_type event_type_from(struct str name);  /* EVENT_UNKNOWN when it is none of ours */

/* The members that every reader needs, sliced out of one line in one pass. Slices are borrowed and
 * still escaped where
 * `*_escaped` could matter: names of ours never need escapes and a line where they do is refused.
 */
struct event {
    int64_t seq;
    struct wall_time at;
    enum event_type type;
    struct str type_name;
    struct str run;
    struct str step;
    struct str asset;
    int64_t from;    /* buffer_gap: the first seq it stands for (1..seq); 0 otherwise */
    struct str body; /* the whole line, without its newline */
};
/* ERR_INVALID with field and reason when the line is not an event: not an object, seq < 1, no type,
 * a type that is not [a-z0-9_]{1,63}, larger than LIMIT_EVENT_BYTES, a buffer_gap without a good
 * `from`. */
MUST_CHECK bool event_parse(struct str line, struct event *ret, struct err *err);
/* The same, and gives the members that `struct event` has no place for. */
MUST_CHECK bool event_parse_all(struct str line, struct event *ret, struct json_members *further,
                                struct err *err);

/* Tells two events apart that claim the same place: CRC-32 of the line without its newline; never 0.
 */
int64_t event_check(struct str line);
