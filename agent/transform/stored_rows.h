/* stored_rows.h - the first rows of a relation in which a test kept what it found. */
#pragma once
#include "agent/transform/database.h"

/* `[{"id": "1", "n": null}, ...]`, values as text; as many of `rows_max` rows as fit in `bytes_max`.
 * False: they cannot be read. */
MUST_CHECK bool stored_rows_write(struct database *db, struct str relation, int rows_max,
                                  size_t bytes_max, struct buf *out, struct err *err);
