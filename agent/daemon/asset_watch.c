#include "agent/daemon/asset_watch.h"

bool asset_watch_open(struct asset_watch *ret, struct loop *loop, struct store *store,
                      struct runner *runner, const struct definitions *defs, struct err *err)
{
    struct asset_watch watch = {0};
    if (!freshness_watch_open(&watch.freshness, loop, store, runner, defs, err) ||
        !automator_open(&watch.automator, loop, store, runner, defs, err)) {
        asset_watch_close(&watch);
        return false;
    }
    *ret = watch;
    return true;
}

void asset_watch_close(struct asset_watch *watch)
{
    freshness_watch_close(watch->freshness);
    automator_close(watch->automator);
    *watch = (struct asset_watch){0};
}

static bool is_open(const struct asset_watch *watch)
{
    return watch->automator != NULL;
}

void asset_watch_start(struct asset_watch *watch)
{
    if (is_open(watch)) {
        freshness_watch_start(watch->freshness);
        automator_start(watch->automator);
    }
}

void asset_watch_made(struct asset_watch *watch, struct str asset)
{
    if (is_open(watch)) {
        freshness_watch_made(watch->freshness, asset);
        automator_wake(watch->automator);
    }
}

void asset_watch_changed(struct asset_watch *watch)
{
    if (is_open(watch)) {
        automator_wake(watch->automator);
    }
}

void asset_watch_clock_stepped(struct asset_watch *watch)
{
    if (is_open(watch)) {
        freshness_watch_clock_stepped(watch->freshness);
        automator_clock_stepped(watch->automator);
    }
}

void asset_watch_stop(struct asset_watch *watch)
{
    if (is_open(watch)) {
        freshness_watch_stop(watch->freshness);
        automator_stop(watch->automator);
    }
}
