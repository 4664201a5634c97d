/* named.h - schedules and sensors, once for all devices that define the same. Read when they are asked for, in slices; then they
 * follow the log, and what the hub wants of devices. */
#pragma once
#include "hub/summary/folds.h"
#include "hub/summary/summary.h"

enum {
    NAMED_UNASKED_S = 60, /* then they are not followed any more */
    NAMED_DEVICES_FEW = 500,
    NAMED_HELD_MS =
        100, /* what the hub pauses is looked at so often at most, on more devices than those */
};
/* As of the last commit, unless more than a slice has come at once. *ret NULL: they are being read for the first time; ask again
 * after summary_on_ready(). Borrowed until the loop's next turn. ERR_FULL: they do not fit into memory. */
MUST_CHECK bool summary_named(struct summary *s, struct folds **ret, struct err *err);
