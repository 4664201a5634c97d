/* dbt_outcome.h - how a node ended as dbt tells it, in its log (run_result) and in run_results.json
 * (results[]): the same members, with other names for some. Pure.
 *
 * Quirks of the log: numbers come as floats (rows_affected: 0.0), null as "" or 0, and what
 * LogModelResult calls the status is the adapter's message ("OK", "SELECT 3").
 * Source: dbt's own core/dbt/artifacts/schemas/results.py and run/v5/run.py; of dbt 2
 * crates/dbt-common/src/tracing/layers/json_compat_layer.rs */
#pragma once
#include "common/base/arena.h"
#include "common/dbt/build.h"
#include "common/json/json_scan.h"

struct dbt_outcome {
    struct str unique_id;
    bool has_status; /* it ended; else the status is none of an end ("started", "None") */
    enum dbt_status status;
    struct str message;  /* of dbt or its adapter; may be empty */
    int64_t duration_ns; /* -1 = not known */
    int64_t failures;    /* num_failures; of tests only, which the caller knows; -1 = not told */
    int64_t rows;        /* rows_affected; -1 = not known */
    struct str relation; /* may be empty */
    struct str sql;      /* compiled_code; may be empty */
};
struct dbt_outcome dbt_outcome_none(void);

/* `object` is a JSON object; unknown members are passed over, as are those of another type than
 * expected. Texts are borrowed from it or in `arena`. False when the arena is full. */
MUST_CHECK bool dbt_outcome_read(struct str object, struct arena *arena, struct dbt_outcome *ret);
/* A status as dbt writes it, with those of dbt 2: "reused" is a no-op, "cancelled" an error. A word
 * that we do not know is an error too, and false when it is none of an end. */
bool dbt_outcome_status(struct str name, enum dbt_status *ret);
/* A JSON string's text; STR_NONE of another type. False when the arena is full. */
MUST_CHECK bool dbt_outcome_text(struct json_raw raw, struct arena *arena, struct str *ret);
/* A number that may be written with a fraction; false: it is none, or not within int64. */
bool dbt_outcome_number(struct json_raw raw, int64_t *ret);
bool dbt_outcome_seconds(struct json_raw raw, int64_t *ret_ns);
