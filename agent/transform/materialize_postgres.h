/* materialize_postgres.h - a view, a table or an incremental model in PostgreSQL. One transaction:
 * the new relation is made beside the old one and takes its name, or takes its place where
 * PostgreSQL can do that. Views of others that read the old one are made again over the new one,
 * never dropped.
 * Source of what dbt does: dbt-adapters, macros/materializations; dbt-postgres, macros/adapters.sql */
#pragma once
#include "agent/transform/node.h"

/* As database_ops.materialize. */
MUST_CHECK bool materialize_postgres(const struct transform *t, const struct dbt_spec *spec,
                                     struct arena *arena, struct node_result *ret, struct err *err);
