#include "agent/daemon/asset_watch.h"

#define CLOCK_CHECK_NS (10 * NS_PER_SEC) /* while it is not to be trusted */

bool asset_watch_open(struct asset_watch *ret, const struct asset_watch_options *options,
                      struct err *err)
{
    struct asset_watch watch = {.options = *options, .is_held = true};
    if (!freshness_watch_open(&watch.freshness, options->loop, options->store, options->runner,
                              options->defs, err) ||
        !automator_open(&watch.automator, options->loop, options->store, options->runner,
                        options->defs, err)) {
        asset_watch_close(&watch);
        return false;
    }
    *ret = watch;
    return true;
}

static bool is_open(const struct asset_watch *watch)
{
    return watch->automator != NULL;
}

void asset_watch_close(struct asset_watch *watch)
{
    if (watch->options.loop != NULL) {
        loop_timer_disarm(watch->options.loop, &watch->clock_timer);
    }
    freshness_watch_close(watch->freshness);
    automator_close(watch->automator);
    *watch = (struct asset_watch){0};
}

static bool is_clock_right(struct asset_watch *watch)
{
    struct clock_rule *rule = &watch->options.clock;
    rule->has_been_synced =
        rule->has_been_synced || (rule->requires_sync && watch->options.is_synced());
    return schedule_trust(rule, clock_wall(loop_clock(watch->options.loop))) == CLOCK_TRUSTED;
}

static void hold(struct asset_watch *watch)
{
    watch->is_held = true;
    loop_timer_arm_in(watch->options.loop, &watch->clock_timer, CLOCK_CHECK_NS);
}

static void on_clock_due(void *ctx)
{
    asset_watch_start(ctx);
}

void asset_watch_start(struct asset_watch *watch)
{
    if (!is_open(watch)) {
        return;
    }
    watch->clock_timer.on_due = on_clock_due;
    watch->clock_timer.ctx = watch;
    if (!is_clock_right(watch)) {
        hold(watch);
        return;
    }
    watch->is_held = false;
    freshness_watch_start(watch->freshness);
    automator_start(watch->automator);
}

/* What happens while it is held is found when it starts. */
void asset_watch_made(struct asset_watch *watch, struct str asset)
{
    if (is_open(watch)) {
        freshness_watch_made(watch->freshness, asset);
    }
    asset_watch_changed(watch);
}

void asset_watch_changed(struct asset_watch *watch)
{
    if (is_open(watch)) {
        automator_wake(watch->automator);
    }
}

void asset_watch_clock_stepped(struct asset_watch *watch)
{
    if (!is_open(watch)) {
        return;
    }
    if (watch->is_held) {
        asset_watch_start(watch);
    } else if (is_clock_right(watch)) {
        freshness_watch_clock_stepped(watch->freshness);
        automator_clock_stepped(watch->automator);
    } else {
        freshness_watch_stop(watch->freshness);
        automator_stop(watch->automator);
        hold(watch);
    }
}

void asset_watch_stop(struct asset_watch *watch)
{
    if (is_open(watch)) {
        loop_timer_disarm(watch->options.loop, &watch->clock_timer);
        watch->is_held = true;
        freshness_watch_stop(watch->freshness);
        automator_stop(watch->automator);
    }
}
