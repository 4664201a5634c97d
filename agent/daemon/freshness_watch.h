/* freshness_watch.h - tells when an asset begins or ceases to be fresh: a shell around
 * common/model/freshness.h. It sleeps until the next change that may come although nothing happens,
 * looks at an asset when it was made, and at all when the clock was stepped. Every change is an
 * event, and none is told twice: what was told last is in the database. While the clock is not set
 * nothing is looked at. */
#pragma once
#include "agent/run/runner.h"

struct freshness_watch;
/* Reads what was told last. Nothing is looked at before freshness_watch_start(). `defs` is borrowed
 * until it is closed. */
MUST_CHECK bool freshness_watch_open(struct freshness_watch **ret, struct loop *loop,
                                     struct store *store, struct runner *runner,
                                     const struct definitions *defs, struct err *err);
void freshness_watch_close(struct freshness_watch *watch); /* NULL is allowed */
void freshness_watch_start(struct freshness_watch *watch); /* looks at all, soon */
void freshness_watch_made(struct freshness_watch *watch, struct str key);
void freshness_watch_clock_stepped(struct freshness_watch *watch);
void freshness_watch_stop(struct freshness_watch *watch); /* until it is started again */
