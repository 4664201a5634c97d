#include "hub/serve/renewed_views.h"

#include "common/log/log.h"
#include "common/platform/notify.h"
#include "hub/merge/rebuild.h"
#include "hub/store/store.h"
#include <stdio.h>

#define SAY_NS    (10 * NS_PER_SEC)
#define EXTEND_NS (60 * NS_PER_SEC) /* what the supervisor is asked for each time */

struct renewing {
    const struct clock *clock;
    struct mono_time begun, said;
};

static void on_events(void *ctx, int64_t events)
{
    struct renewing *r = ctx;
    struct mono_time now = clock_mono(r->clock);
    char status[80];
    if (now.ns - r->said.ns >= SAY_NS) {
        r->said = now;
        LOG(INFO, "views.renewing", F_I("events", events),
            F_I("seconds", (now.ns - r->begun.ns) / NS_PER_SEC));
    }
    (void)snprintf(status, sizeof(status), "deriving the views again: %lld events",
                   (long long)events);
    notify_starting(EXTEND_NS, status);
}

static bool renew(struct db *store, const struct clock *clock, struct err *err)
{
    struct renewing r = {.clock = clock, .begun = clock_mono(clock)};
    const struct rebuild_watch watch = {on_events, &r};
    int64_t events = 0;
    bool is_current = false;
    if (!hub_store_views_are_current(store, &is_current, err)) {
        return false;
    }
    if (is_current) {
        return true;
    }
    r.said = r.begun;
    LOG(INFO, "views.renewing", F_T("reason", "this version derives them otherwise"),
        F_T("action", "devices keep what they have meanwhile"));
    notify_starting(EXTEND_NS, "deriving the views again");
    if (!rebuild_views(store, &watch, &events, err)) {
        return false;
    }
    LOG(INFO, "views.renewed", F_I("events", events),
        F_I("seconds", (clock_mono(clock).ns - r.begun.ns) / NS_PER_SEC));
    return true;
}

bool renewed_store_open(struct db **ret, const char *path, const struct hub_config *config,
                        const struct clock *clock, struct err *err)
{
    struct db *store = NULL;
    const struct hub_store_options options = {.path = path, .max_bytes = config->log_quota};
    if (!hub_store_open(&store, &options, err) || !renew(store, clock, err)) {
        db_close(store);
        return false;
    }
    *ret = store;
    return true;
}
