/* extract_load.h - one load: the streams of a tap into a target, committed with the tap's state. */
#pragma once
#include "agent/el/report.h"

enum {
    /* A load is one transaction up to this size; a larger one is committed in slices, each with the
     * state that belongs to it, so that memory and write-ahead log stay bounded and a load that is
     * cut off goes on where it was. Mode overwrite shows nothing before its last slice. */
    SLICE_ROWS = 100000,
    SLICE_BYTES = 32 << 20,
    SLICES_WITHOUT_STATE = 4, /* of a tap that tells its state now and then, until it does */
};

/* Called after each commit with the state that is durable now, perhaps the same as before. */
struct load_watcher {
    bool (*committed)(void *ctx, struct str state, struct err *err);
    void *ctx;
};

/* `*ret` and what it borrows live in the arena. `watcher` may be NULL. */
MUST_CHECK bool extract_load(const struct request *request, const struct load_watcher *watcher,
                             struct arena *arena, struct report *report,
                             struct materialization *ret, struct err *err);
