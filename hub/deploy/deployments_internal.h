/* deployments_internal.h - what the files that answer for deployments share. */
#pragma once
#include "common/db/db.h"
#include "hub/deploy/deployments.h"
#include "hub_deploy_sql.h"

struct deployments {
    struct db *db;
};
int64_t deployments_ms(struct wall_time t);
/* Within the caller's transaction. */
MUST_CHECK bool deployments_end(struct deployments *d, const struct deployment *deployment,
                                const char *status, struct str reason, struct wall_time now,
                                struct err *err);
