/* materialize_sqlite.h - views, tables and incremental models in SQLite: one transaction each, in
 * which the old relation goes and the new one comes. docs/reference/dbt.md says what each does. */
#pragma once
#include "agent/transform/node.h"

MUST_CHECK bool materialize_sqlite(const struct transform *t, const struct dbt_spec *spec,
                                   struct arena *arena, struct node_result *ret, struct err *err);
