/* indirect.h - which tests run with some nodes, as dbt's indirect selection has it. Pure. */
#pragma once
#include "common/dbt/select.h"

/* Adds to `set` (one bool for each node) those of `allowed` that are tests of nodes in it: with EAGER
 * of any, with CAUTIOUS when all their parents are in it, with BUILDABLE when all are in it or are what
 * one in it is made from, with EMPTY none. */
MUST_CHECK bool dbt_add_tests(const struct dbt_project *project, enum dbt_indirect indirect,
                              const bool *allowed, bool *set, struct arena *arena, struct err *err);
