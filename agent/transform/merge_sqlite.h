/* merge_sqlite.h - what a merge is in SQLite, which has none: update, then insert what had no match
 * before. */
#pragma once
#include "agent/transform/incremental_sql.h"

/* Whether deleting and inserting whole rows would be something else: only some columns are updated,
 * predicates see both sides, or the table has columns that the new rows have not. */
bool merge_is_partial(const struct incremental_sql *in, size_t target_columns);
/* In the caller's transaction. ERR_INVALID: the key is an expression, a column does not exist, or
 * several new rows meet one row of the table. */
MUST_CHECK bool merge_sqlite(struct database *db, const struct incremental_sql *in,
                             struct arena *arena, int64_t *ret_rows, struct err *err);

/* A name of the row's number that is not the name of one of these columns; NULL when all are taken. */
const char *rowid_name(const struct str_list *columns);
bool names_are_same(struct str a, struct str b); /* as SQLite compares names */
