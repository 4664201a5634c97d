/* table_sqlite.h - tables in SQLite beside their rows: names, indexes, and the database_ops of these
 * names for seeds and snapshots. */
#pragma once
#include "agent/transform/node.h"

/* One file, with the names that are ours and SQLite's kept out. */
MUST_CHECK bool sqlite_check_target(const struct relation *target, struct err *err);
/* Those that the settings name; of a table that was just made. */
MUST_CHECK bool sqlite_add_indexes(struct database *db, const struct dbt_spec *spec,
                                   const struct relation *target,
                                   const struct relation_columns *columns, struct arena *arena,
                                   struct err *err);

/* There is one: checks that it is the one that is meant. */
MUST_CHECK bool sqlite_make_schema(struct database *db, const struct relation *relation,
                                   struct err *err);
MUST_CHECK bool sqlite_change_table(const struct transform *t, const struct dbt_spec *spec,
                                    struct arena *arena, const struct buf *change,
                                    struct str *ret_notes, struct err *err);
MUST_CHECK bool sqlite_dress_table(const struct transform *t, const struct dbt_spec *spec,
                                   struct arena *arena, bool is_new, struct err *err);
