/* desk.c - DESIGN: the web process writes a report and pokes; here it becomes a batch of the device "hub"
 * and is merged as any other, in the order in which reports were written. A row goes when the log has
 * it. After a failure the next poke, commit or start is the next try. */
#include "hub/outside/desk.h"

#include "common/base/limits.h"
#include "common/log/log.h"
#include "hub/outside/outside.h"
#include <stdlib.h>

struct outside_state {
    const struct desk_host *host;
    struct outside *outside;
    struct buf payload;
};

static bool open_desk(const struct desk_host *host, void **ret, struct err *err)
{
    struct outside_state *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return err_set(err, ERR_NO_MEMORY, "reports from outside: out of memory");
    }
    d->host = host;
    d->payload = buf_growing(LIMIT_MESSAGE_BYTES);
    if (!outside_open(&d->outside, host->database, err)) {
        free(d);
        return false;
    }
    *ret = d;
    return true;
}

static void close_desk(void *desk)
{
    struct outside_state *d = desk;
    outside_close(d->outside);
    buf_release(&d->payload);
    free(d);
}

/* One batch; its commit calls again. */
static void bring(void *desk)
{
    struct outside_state *d = desk;
    struct err err = {0};
    bool any = false;
    buf_reset(&d->payload);
    d->host->settle(d->host->ctx);
    if (!outside_batch(d->outside, &d->payload, &any, &err)) {
        LOG(ERROR, "outside.not_merged", F_ERR(&err), F_T("action", "kept; trying again"));
    } else if (any) {
        d->host->merge(d->host->ctx, TOPIC_HUB, buf_str(&d->payload));
    }
}

const struct desk outside_desk = {.name = "reports from outside",
                                  .open = open_desk,
                                  .close = close_desk,
                                  .online = bring,
                                  .merged = bring,
                                  .poked = bring};
