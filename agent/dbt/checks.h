/* checks.h - which test of a dbt project is the check of which asset, and what it is called. */
#pragma once
#include "common/dbt/project.h"

struct dbt_check {
    uint32_t test;
    uint32_t on;     /* an asset, or a source; DBT_NO_NODE: of none, as of a singular test with
                        several parents that does not say which */
    struct str name; /* dbt's, in what a check may be called; no two of one node are equal */
};
/* What the freshness of a source is called; no test of a source is. */
#define DBT_FRESHNESS_CHECK "freshness"
struct dbt_checks {
    struct dbt_check *items; /* of all data tests, in the order of the nodes */
    size_t count;
};
/* Reads only tests again that have several parents and are attached to none. */
MUST_CHECK bool dbt_checks_make(const struct dbt_project *project, struct arena *arena,
                                struct dbt_checks *ret, struct err *err);
