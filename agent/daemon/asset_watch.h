/* asset_watch.h - what the agent does with its assets of itself: their freshness is told, and what
 * their conditions ask for is made. Both follow the definitions and the same happenings. */
#pragma once
#include "agent/daemon/automator.h"
#include "agent/daemon/freshness_watch.h"

struct asset_watch {
    struct freshness_watch *freshness; /* NULL: not open */
    struct automator *automator;
};
/* `defs` is borrowed until it is closed. What was recorded before is flushed. */
MUST_CHECK bool asset_watch_open(struct asset_watch *ret, struct loop *loop, struct store *store,
                                 struct runner *runner, const struct definitions *defs,
                                 struct err *err);
void asset_watch_close(
    struct asset_watch *watch); /* what is all zero is allowed, as in all below */
void asset_watch_start(struct asset_watch *watch);
void asset_watch_made(struct asset_watch *watch, struct str asset);
void asset_watch_changed(struct asset_watch *watch); /* a run ended, an asset was seen */
void asset_watch_clock_stepped(struct asset_watch *watch);
void asset_watch_stop(struct asset_watch *watch);
