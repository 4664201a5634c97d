/* dbt_log.h - dbt's JSON log (`--log-format json --log-level debug`), a line at a time: nodes that
 * start and end, statements, words for people, and the end of it all. Pure.
 *
 * Read by the names of events, which dbt 1.4 to 1.12 and the compatible subset of dbt 2 share; what
 * has another name is a line for people. Warnings of Python and what programs print stand between
 * them as plain text. Source: https://docs.getdbt.com/reference/events-logging */
#pragma once
#include "agent/dbt/dbt_outcome.h"
#include "common/log/log.h"

enum { DBT_LOG_LINE_BYTES_MAX = 1 << 20 };

enum dbt_log_type {
    DBT_LOG_TEXT,      /* no JSON: `text` is the line */
    DBT_LOG_WORDS,     /* for people, and no more than that */
    DBT_LOG_OPENED,    /* NodeStart: dbt has begun to look at the node; it may yet be skipped */
    DBT_LOG_STARTED,   /* LogStartLine, with index and total (dbt 2: without) */
    DBT_LOG_RESULT,    /* Log...Result, SkippingDetails: how it ended, in words */
    DBT_LOG_ENDED,     /* NodeFinished: in full */
    DBT_LOG_STATEMENT, /* SQLQuery */
    DBT_LOG_GAVE_UP,   /* MainEncounteredError: dbt could not run */
    DBT_LOG_COMPLETED, /* CommandCompleted: all is told */
};
struct dbt_log_event {
    enum dbt_log_type type;
    enum log_level level;
    struct str text;      /* for people; may be empty, may have several lines */
    struct str unique_id; /* of the node that it is about; may be empty */
    struct str resource_type, materialized;
    int64_t index, total;       /* 0 = not told */
    struct dbt_outcome outcome; /* of RESULT and ENDED */
    struct str sql;             /* of STATEMENT */
    bool is_hook;               /* on-run-start, on-run-end: told by STARTED and ENDED alone */
};

/* Texts are borrowed from the line or in `arena`, which the caller resets. False (ERR_NO_MEMORY)
 * when the arena is full; a line that is no log line is DBT_LOG_TEXT. */
MUST_CHECK bool dbt_log_read(struct str line, struct arena *arena, struct dbt_log_event *ret,
                             struct err *err);
