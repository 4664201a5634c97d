/* explain.h - definitions as they are understood: included files in their places, defaults filled
 * in, variables expanded, each object with the place where it was written. As YAML it is a file of
 * definitions again, but for secrets. No secret is read: *** stands for each, and a list says where
 * it would come from. */
#pragma once
#include "agent/definitions/secrets.h"

struct explain {
    const struct definitions *defs;
    const struct env_lookup *env; /* its variables are used, its secrets are not */
    const struct secret_folders *folders;
    bool is_json;
};

/* Each appends to `out`, whose overflow is to be looked at. False: no memory, or (the second)
 * ERR_NOT_FOUND with the nearest name. */
/* `set` has a bool for each asset; NULL = everything that there is. */
MUST_CHECK bool explain_assets(const struct explain *what, const bool *set, struct buf *out,
                               struct err *err);
enum explain_kind { EXPLAIN_JOB, EXPLAIN_SCHEDULE, EXPLAIN_SENSOR, EXPLAIN_RESOURCE, EXPLAIN_POOL };
/* False: there is no such kind. */
bool explain_kind_from(struct str word, enum explain_kind *ret);
MUST_CHECK bool explain_named(const struct explain *what, enum explain_kind kind, struct str name,
                              struct buf *out, struct err *err);
