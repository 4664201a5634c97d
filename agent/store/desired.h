/* desired.h - what the hub wants of this device, as it was kept. Written by records of type desired
 * only (record.h). */
#pragma once
#include "agent/store/store.h"

enum desired_slot { DESIRED_IN_FORCE, DESIRED_NOT_TAKEN };
struct desired_kept { /* text in the arena */
    int64_t revision;
    struct str body;
    struct str status; /* "applied", "degraded", "refused" */
    struct str reason;
    struct wall_time at;
};
/* *ret_found false: there is none. What is not flushed yet is not found. */
MUST_CHECK bool store_desired(struct store *store, enum desired_slot slot, struct arena *arena,
                              struct desired_kept *ret, bool *ret_found, struct err *err);
