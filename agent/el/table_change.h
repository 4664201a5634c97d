/* table_change.h - gives a column of an SQLite table another type, its values with it: a new column
 * takes its place and name, for SQLite alters no type. All else of the table stays as it is. */
#pragma once
#include "agent/el/schema_change.h"
#include "common/db/db.h"

/* In the caller's transaction; writes every row. ERR_INVALID where SQLite drops no such column: it is
 * part of a key, or of an index, a view or a trigger. */
MUST_CHECK bool table_change_column(struct db *db, struct str table, const struct column *column,
                                    enum schema_change change, struct err *err);
/* The type that the column has then. */
struct column table_changed_column(const struct column *column, enum schema_change change);
