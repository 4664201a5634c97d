/* columns_sqlite.h - changes the columns of a table in SQLite. */
#pragma once
#include "agent/transform/columns_change.h"

/* By affinity, https://www.sqlite.org/datatype3.html section 3.1; an expression has none that is
 * declared, and is then no change. */
bool columns_sqlite_is_same_type(struct str source, struct str target);

/* New columns are added at the end. Where columns go or change their type the table is made again
 * beside, with its indexes and triggers, since SQLite changes no types, and drops no column that a
 * view names. In the caller's transaction. */
MUST_CHECK bool columns_sqlite_change(struct database *db, const struct relation *table,
                                      const struct columns_change *change, struct arena *arena,
                                      struct err *err);
