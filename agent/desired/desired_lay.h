/* desired_lay.h - the body of a desired state laid over the definitions of a device's file. Pure but
 * for the time zones that it reads. */
#pragma once
#include "agent/definitions/definitions.h"
#include "common/wire/desired.h"

struct desired_laid {
    struct definitions *defs; /* one owner more for the definitions below */
    int64_t revision;
    struct desired_settings settings;
    char bundle[65];
    bool has_bundle;
    char reason[DESIRED_REASON_BYTES + 1]; /* what does not fit; empty = all does */
};
/* OVERLAY_WHOLE: ERR_INVALID says all that does not fit. OVERLAY_FITTING: what does is in force, and
 * `reason` tells the rest. */
MUST_CHECK bool desired_lay(struct str body, struct definitions *base, enum overlay_rule rule,
                            const struct definitions_files *files, struct desired_laid *ret,
                            struct err *err);
