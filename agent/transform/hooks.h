/* hooks.h - pre-hooks and post-hooks, in the order written; those of one side of the transaction.
 * In SQLite each is one statement. */
#pragma once
#include "agent/transform/database.h"
#include "common/dbt/spec.h"

/* `what` ("pre-hook") is for errors. Hooks without a statement are passed over, as dbt does. */
MUST_CHECK bool hooks_run(struct database *db, const struct dbt_hook *hooks, size_t count,
                          bool outside, const char *what, struct err *err);
