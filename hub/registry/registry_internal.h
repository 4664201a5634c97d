/* registry_internal.h - what the files of hub/registry share. */
#pragma once
#include "common/db/db.h"
#include "hub/registry/registry.h"
#include "hub/store/store.h"
#include "hub_registry_sql.h"

struct registry {
    struct db *db;
};
int64_t registry_ms(struct wall_time t);
struct wall_time registry_time(int64_t ms);
/* Whether the CA that is to be next issues it. */
bool registry_is_for_next(const struct enrol_authority *authority,
                          const struct certificate_order *order);
/* registry_renew() within the caller's transaction. */
MUST_CHECK bool registry_renew_within(struct registry *r, const struct enrol_authority *authority,
                                      const struct certificate_order *order, struct buf *ret_cert,
                                      struct str *ret_reason, struct err *err);
