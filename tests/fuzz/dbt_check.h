/* dbt_check.h - what holds for every dbt project that was opened, whatever it was read from. */
#pragma once
#include "common/dbt/project.h"

/* The project of these bytes, as a file; NULL when they are refused (with a sentence). */
struct dbt_project *dbt_check_open(struct str bytes, bool is_pair);
/* Order, edges, places; and each node is read again. */
void dbt_check_project(const struct dbt_project *project);
