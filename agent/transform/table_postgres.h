/* table_postgres.h - what seeds and snapshots do to their tables in PostgreSQL beside rows; the
 * database_ops of these names. */
#pragma once
#include "agent/transform/node.h"

MUST_CHECK bool postgres_change_table(const struct transform *t, const struct dbt_spec *spec,
                                      struct arena *arena, const struct buf *change,
                                      struct str *ret_notes, struct err *err);
MUST_CHECK bool postgres_dress_table(const struct transform *t, const struct dbt_spec *spec,
                                     struct arena *arena, bool is_new, struct err *err);
