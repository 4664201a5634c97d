/* sql_asset.h - an asset made by one SELECT inside a database: a table, built beside the old one
 * and swapped in the same transaction, some partitions of it (sql_partition.h), or a view. */
#pragma once
#include "agent/el/report.h"

MUST_CHECK bool sql_asset(const struct request *request, struct arena *arena,
                          struct materialization *ret, struct err *err);
/* Runs the checks one by one and reports each; `path` is the database for those that name none
 * (empty = there is none). A check whose SQL fails has not passed. False: canceled, and those that
 * were not carried out to their end are not reported. */
bool checks_run(const struct request *request, struct str path, struct arena *arena,
                struct report *report);
