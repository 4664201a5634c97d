/* build.h - `dbt build` as a pure state machine: in which order selected nodes run, what a result
 * means for the others, and what is skipped. Work is proportional to the edges, over the whole build.
 *
 * Order: topological level, then unique id, as dbt's queue gives them to one thread. A test comes
 * before what is made from its parents: with one parent before each direct successor of it; with
 * several before those nodes of which all its parents are ancestors. Edges that go through nodes
 * that are not selected hold. */
#pragma once
#include "common/dbt/project.h"

enum dbt_status { /* as run_results.json names them */
    DBT_NOT_RUN,
    DBT_SUCCESS,
    DBT_ERROR,
    DBT_SKIPPED,
    DBT_PARTIAL,
    DBT_NO_OP,
    DBT_PASS,
    DBT_FAIL,
    DBT_WARN,
    DBT_RUNTIME_ERROR, /* of source freshness */
};
const char *dbt_status_name(enum dbt_status status);
bool dbt_status_from(struct str name, enum dbt_status *ret);

struct dbt_edge {
    uint32_t from; /* a test */
    uint32_t to;
};
/* The edges that `dbt build` adds, sorted. */
MUST_CHECK bool dbt_test_edges(const struct dbt_project *project, const bool *selected,
                               struct arena *arena, struct dbt_edge **ret, size_t *ret_count,
                               struct err *err);

struct dbt_build_options {
    bool fail_fast; /* nothing more starts after the first error or failure */
};
struct dbt_build;
/* Borrowed: project and `selected`, one bool for each node. Sources, exposures, metrics, operations
 * and analyses are not run. */
MUST_CHECK bool dbt_build_new(const struct dbt_project *project, const bool *selected,
                              const struct dbt_build_options *options, struct arena *arena,
                              struct dbt_build **ret, struct err *err);
/* The next node to run; false: none is ready (those that run hold up the rest) or all are done. */
bool dbt_build_next(struct dbt_build *build, uint32_t *ret_node);
void dbt_build_ended(struct dbt_build *build, uint32_t node, enum dbt_status status);
/* One more node that will not run, and the one that it is because of (DBT_NO_NODE: fail-fast). Call
 * until false after each end. */
bool dbt_build_skipped(struct dbt_build *build, uint32_t *ret_node, uint32_t *ret_because);
bool dbt_build_is_done(const struct dbt_build *build);
enum dbt_status dbt_build_status(const struct dbt_build *build, uint32_t node);
size_t dbt_build_count(const struct dbt_build *build); /* nodes that run, without ephemeral ones */
