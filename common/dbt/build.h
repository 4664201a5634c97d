/* build.h - `dbt build` as a pure state machine: in which order selected nodes run, what a result
 * means for the others, and what is skipped. Work is proportional to the edges, over the whole build.
 *
 * Order: a node stands in line as soon as all that it waits for have ended; those that one end lets
 * in together stand by unique id. That is how dbt hands nodes to one thread (its logs say so); its
 * own ordering by topological level comes of it. A test comes before what is made from its parents:
 * with one parent before each direct successor of it; with several before those nodes of which all
 * its parents are ancestors. Edges that go through nodes that are not selected hold. */
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
/* Whether `dbt retry` runs such a node again: error, fail, skipped, runtime error, partial success. */
bool dbt_status_is_retried(enum dbt_status status);

struct dbt_edge {
    uint32_t from; /* a test */
    uint32_t to;
};
/* The edges that `dbt build` adds, sorted by both ends; of the tests in `selected` (one bool for
 * each node), or of all where it is NULL. Work: linear for tests with one parent; else a walk over
 * all edges for 64 tests at a time. */
MUST_CHECK bool dbt_test_edges(const struct dbt_project *project, const bool *selected,
                               struct arena *arena, struct dbt_edge **ret, size_t *ret_count,
                               struct err *err);

struct dbt_build_options {
    bool fail_fast; /* nothing more starts after the first error or failure */
};
struct dbt_build;
/* Borrowed: project; `selected`, one bool for each node, for the call only. Handed out are models
 * (ephemeral ones too, for which there is nothing to do), seeds, snapshots, data tests and
 * functions; all else only holds its place between others. Errors: ERR_NO_MEMORY; ERR_INVALID for a
 * circle. */
MUST_CHECK bool dbt_build_new(const struct dbt_project *project, const bool *selected,
                              const struct dbt_build_options *options, struct arena *arena,
                              struct dbt_build **ret, struct err *err);

struct dbt_turn {
    uint32_t node;
    bool is_skipped;  /* it does not run, and has ended */
    uint32_t because; /* of a skipped one: which node's result it is; DBT_NO_NODE: fail-fast */
};
/* The next in line. false: none is ready (those that run hold up the rest), or all have ended. */
bool dbt_build_next(struct dbt_build *build, struct dbt_turn *ret);
/* Of a node that was handed out to run, once. */
void dbt_build_ended(struct dbt_build *build, uint32_t node, enum dbt_status status);
bool dbt_build_is_done(const struct dbt_build *build); /* all have ended */
enum dbt_status dbt_build_status(const struct dbt_build *build, uint32_t node);
size_t dbt_build_count(const struct dbt_build *build); /* nodes in all, without ephemeral ones */
bool dbt_is_ephemeral(const struct dbt_node *node);
