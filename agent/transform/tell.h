/* tell.h - the listener of a build that makes messages of the worker of what it hears
 * (docs/reference/worker.md): a `materialization` for each model, seed and snapshot that was made, a
 * `failure` for each that was not, a `check` for each test that was carried out, `progress`, and a
 * log line `dbt.said` for each line, which names the asset that it is of. */
#pragma once
#include "agent/el/report.h"
#include "agent/transform/listener.h"

/* What a node is to the agent; empty texts: nothing, and only its log lines are told. */
struct tell_name {
    struct str asset; /* a model, seed or snapshot: its key; a test: that of the asset it checks */
    struct str check; /* of a test: the check's name */
};

struct tell {
    const struct dbt_project *project;
    const struct tell_name *names; /* one for each node */
    struct report *report;
    struct database *db; /* for failing rows that were stored; NULL: they are not told */
    uint8_t *statuses;   /* enum dbt_status of each node, as last told */
    bool *failed;        /* it is an asset, and was last told as not made */
    int64_t rows;        /* written so far */
    struct err first;    /* what the first failure was */
};
enum {
    TELL_ROWS_MAX = 20,            /* of a test's failing rows */
    TELL_ROWS_BYTES_MAX = 8 << 10, /* of them as JSON; the rest is left out */
    TELL_SQL_BYTES_MAX = 4 << 10,  /* longer ones are told by their SHA-256 */
    TELL_COLUMNS_BYTES_MAX = 32 << 10,
};

/* Borrowed as long as it tells; `arena` holds its two lists. ERR_NO_MEMORY. */
MUST_CHECK bool tell_init(struct tell *tell, const struct dbt_project *project,
                          const struct tell_name *names, struct report *report, struct database *db,
                          struct arena *arena, struct err *err);
struct node_listener tell_listener(struct tell *tell);
/* After the build: a `failure` for each selected asset of which nothing was told. `why`: what ended the
 * build before its turn. */
void tell_rest(struct tell *tell, const bool *selected, const struct err *why);
/* What the step came to: true when all selected assets were made. Else *err says how many were not, and
 * why the first one was not. Tests that failed are no matter of the step's. */
MUST_CHECK bool tell_outcome(const struct tell *tell, const bool *selected, struct err *err);
