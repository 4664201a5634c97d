/* sql_asset.h - an asset made by one SELECT inside a database: a table, built beside the old one
 * and swapped in the same transaction, some partitions of it (sql_partition.h), or a view. */
#pragma once
#include "agent/el/report.h"

MUST_CHECK bool sql_asset(const struct request *request, struct arena *arena,
                          struct materialization *ret, struct err *err);
/* target_ops.ask of a SQLite database. */
MUST_CHECK bool sqlite_ask(const void *options, struct str sql, struct arena *arena,
                           struct value *ret, struct err *err);
