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
    struct loop_timer
        turn; /* merging opens a transaction: never while other desks are being called */
};

static void bring(void *ctx);

static bool open_desk(const struct desk_host *host, void **ret, struct err *err)
{
    struct outside_state *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return err_set(err, ERR_NO_MEMORY, "reports from outside: out of memory");
    }
    d->host = host;
    d->payload = buf_growing(LIMIT_MESSAGE_BYTES);
    d->turn = (struct loop_timer){.on_due = bring, .ctx = d};
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
    loop_timer_disarm(d->host->loop, &d->turn);
    outside_close(d->outside);
    buf_release(&d->payload);
    free(d);
}

static void soon(void *desk)
{
    struct outside_state *d = desk;
    loop_timer_arm_in(d->host->loop, &d->turn, 0);
}

/* One batch; its commit calls again. */
static void bring(void *ctx)
{
    struct outside_state *d = ctx;
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
                                  .online = soon,
                                  .merged = soon,
                                  .poked = soon};
