/* sql_partition.h - some partitions of a table made anew: their rows are deleted, and those of a
 * staging table take their place. */
#pragma once
#include "agent/el/report.h"
#include "common/db/db.h"

/* In the caller's transaction; `staging` holds what the SELECT gave and is gone afterwards. The
 * table is made when it is not there. ERR_INVALID: rows of partitions that were not asked for.
 * *ret_rows is how many rows the partitions have now. */
MUST_CHECK bool sql_partition_replace(struct db *db, const struct request *request,
                                      struct str staging, struct arena *arena, int64_t *ret_rows,
                                      struct err *err);
