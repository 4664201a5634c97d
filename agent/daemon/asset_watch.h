/* asset_watch.h - what the agent does with its assets of itself: their freshness is told, and what
 * their conditions ask for is made. Both follow the definitions and the same happenings, and both
 * wait, as schedules do, while the clock is not to be trusted. */
#pragma once
#include "agent/daemon/automator.h"
#include "agent/daemon/freshness_watch.h"
#include "agent/schedule/schedule.h"

struct asset_watch_options {
    struct loop *loop;
    struct store *store;
    struct runner *runner;
    const struct definitions *defs; /* borrowed until it is closed */
    struct clock_rule clock;
    bool (*is_synced)(void); /* clock_is_synced() */
};
/* May be moved until it is started. */
struct asset_watch {
    struct asset_watch_options options;
    struct freshness_watch *freshness; /* NULL: not open */
    struct automator *automator;
    struct loop_timer clock_timer; /* only while the clock is not to be trusted */
    bool is_held;
};
/* What was recorded before is flushed. */
MUST_CHECK bool asset_watch_open(struct asset_watch *ret, const struct asset_watch_options *options,
                                 struct err *err);
void asset_watch_close(
    struct asset_watch *watch); /* what is all zero is allowed, as in all below */
void asset_watch_start(struct asset_watch *watch);
void asset_watch_made(struct asset_watch *watch, struct str asset);
void asset_watch_changed(struct asset_watch *watch); /* a run ended, an asset was seen */
void asset_watch_clock_stepped(struct asset_watch *watch);
void asset_watch_stop(struct asset_watch *watch);
