/* node.h - carries out one node of a dbt project: a model, a seed, a snapshot, a test, or asks how
 * fresh a source is. Each is one transaction, so that whenever the process dies the relation is the
 * old one or the new one, and running it again converges. */
#pragma once
#include "agent/transform/database.h"
#include "common/base/time.h"
#include "common/dbt/build.h"
#include "common/dbt/spec.h"

struct transform {
    struct database *db;
    const struct dbt_project *project;
    const char
        *project_dir; /* where seed files are, when they are not in the bundle; may be NULL */
    bool full_refresh;
    struct wall_time now; /* of the start of the build; for freshness and snapshots by check */
};

struct node_result {
    enum dbt_status status;
    struct str
        message; /* of an error, or dbt's word: "OK", "Got 3 results, configured to fail if != 0" */
    int64_t rows_written;       /* inserted, changed or deleted; -1 = not known */
    int64_t row_count;          /* in the relation now; -1 = not known (views) */
    int64_t failures;           /* of a test: failing rows, by fail_calc; -1 = none of these */
    struct str stored_in;       /* of a test: the relation with its failing rows; may be empty */
    struct str max_loaded_at;   /* of freshness: RFC 3339; and */
    struct wall_time loaded_at; /* the same; ns INT64_MIN: no row tells one */
    struct wall_time asked_at;
    int64_t age_ns;
    struct relation_columns columns; /* of the relation now, where there is one */
    bool was_incremental;            /* it ran the incremental variant */
};

/* True: it was carried out, whatever its status (a failed test is a result). False: err says why the
 * node has status DBT_ERROR (of freshness DBT_RUNTIME_ERROR), and nothing of it is there. The first
 * is the one of the others that the node asks for. */
MUST_CHECK bool node_run(const struct transform *t, const struct dbt_spec *spec,
                         struct arena *arena, struct node_result *ret, struct err *err);
MUST_CHECK bool model_run(const struct transform *t, const struct dbt_spec *spec,
                          struct arena *arena, struct node_result *ret, struct err *err);
MUST_CHECK bool seed_run(const struct transform *t, const struct dbt_spec *spec,
                         struct arena *arena, struct node_result *ret, struct err *err);
MUST_CHECK bool snapshot_run(const struct transform *t, const struct dbt_spec *spec,
                             struct arena *arena, struct node_result *ret, struct err *err);
MUST_CHECK bool data_test_run(const struct transform *t, const struct dbt_spec *spec,
                              struct arena *arena, struct node_result *ret, struct err *err);
MUST_CHECK bool freshness_run(const struct transform *t, const struct dbt_spec *spec,
                              struct arena *arena, struct node_result *ret, struct err *err);
