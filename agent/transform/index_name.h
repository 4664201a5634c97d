/* index_name.h - what an index of a model is called. Pure.
 * Source: dbt-postgres, PostgresIndexConfig.render() */
#pragma once
#include "agent/transform/database.h"
#include "common/dbt/spec.h"

/* The MD5 of the columns, the relation, whether it is unique, its type and, unless empty, `when`.
 * Where the old table still has its indexes while the new one gets them, as in PostgreSQL, dbt gives
 * the time; names that repeat are for where it is gone. */
MUST_CHECK bool index_name(const struct dbt_index *index, const struct relation *relation,
                           struct str when, struct arena *arena, struct str *ret, struct err *err);
