/* health.h - what this device measures of itself, for the hub: an event when the daemon starts, when its
 * definitions are refused or taken again, and with other events at most once an hour. Nothing wakes
 * up for it, and a device where nothing happens writes nothing. */
#pragma once
#include "agent/store/store.h"
#include "common/platform/clock.h"

enum { HEALTH_REASON_BYTES_MAX = 400 };

struct health {
    const char *state_dir;
    const char *sys_dir; /* "/sys"; tests give another */
    int64_t buffer_quota;
    struct mono_time told; /* 0 = not yet */
    bool is_telling;
};
/* `refused`: why the definitions were when they were last read; NULL: they were not. */
MUST_CHECK bool health_tell(struct health *h, struct store *store, struct mono_time now,
                            struct wall_time at, const struct err *refused, struct err *err);
bool health_is_due(const struct health *h, struct mono_time now);
