#include "hub/pool/desk.h"

#include "common/log/log.h"
#include "common/wire/lease.h"
#include "hub/pool/pool_rows.h"
#include <stdlib.h>

enum { ANSWER_BYTES_MAX = 1024 };
#define KEEP_NS NS_PER_SEC /* who has what is written so often at most */

struct pool_state {
    const struct desk_host *host;
    struct pool_rows rows;
    struct pools *pools;
    struct loop_timer tick_timer;
    struct loop_timer keep_timer;
};

/* What does not arrive is asked for again. */
static void on_answer(void *ctx, const struct pool_answer *answer)
{
    const struct pool_state *d = ctx;
    char text[ANSWER_BYTES_MAX];
    struct buf payload = buf_fixed(text, sizeof(text));
    struct err err = {0};
    const struct lease_grant grant = {.pool = answer->pool,
                                      .places = answer->places,
                                      .for_s = answer->for_ns / NS_PER_SEC,
                                      .asked_ms = answer->asked_ms,
                                      .is_paused = answer->is_paused};
    lease_grant_encode(&grant, &payload);
    const struct desk_message message = {
        .device = answer->device, .channel = CHANNEL_LEASE, .payload = buf_str(&payload)};
    if (!d->host->publish(d->host->ctx, &message, &err)) {
        LOG(DEBUG, "pool.not_answered", F_S("device", answer->device), F_ERR(&err));
    }
}

static void arm(struct pool_state *d)
{
    struct mono_time due = pools_due(d->pools);
    if (due.ns != 0) {
        loop_timer_arm(d->host->loop, &d->tick_timer, due);
    } else {
        loop_timer_disarm(d->host->loop, &d->tick_timer);
    }
    if (d->keep_timer.heap_index == 0) {
        loop_timer_arm_in(d->host->loop, &d->keep_timer, KEEP_NS);
    }
}

static void on_tick(void *ctx)
{
    struct pool_state *d = ctx;
    const struct pool_listener listener = {on_answer, d};
    pools_tick(d->pools, loop_now(d->host->loop), &listener);
    arm(d);
}

static void on_keep(void *ctx)
{
    struct pool_state *d = ctx;
    struct err err = {0};
    d->host->settle(d->host->ctx);
    if (!pool_rows_keep(&d->rows, d->pools, loop_now(d->host->loop),
                        clock_wall(loop_clock(d->host->loop)), &err)) {
        LOG(WARN, "pool.not_kept", F_ERR(&err),
            F_T("action", "places are given out all the same; the list is old"));
    }
}

static void take(void *desk, struct str device, enum channel channel, struct str payload,
                 struct arena *arena)
{
    struct pool_state *d = desk;
    const struct pool_listener listener = {on_answer, d};
    struct lease_ask ask;
    struct err err = {0};
    bool is_lease = false;
    if (channel != CHANNEL_WANT) {
        return;
    }
    if (!lease_ask_decode(payload, arena, &ask, &is_lease, &err)) {
        d->host->refuse(d->host->ctx, device, "want", str_from(err.msg));
        return;
    }
    const struct pool_ask said = {.device = device,
                                  .pool = ask.pool,
                                  .places = ask.places,
                                  .held = ask.held,
                                  .asked_ms = ask.asked_ms};
    if (!is_lease) {
        return;
    }
    if (!pools_ask(d->pools, &said, loop_now(d->host->loop), &listener, &err)) {
        d->host->refuse(d->host->ctx, device, "lease", str_from(err.msg));
    }
    arm(d);
}

static bool load(struct pool_state *d, struct err *err)
{
    return pool_rows_load(&d->rows, d->pools, loop_now(d->host->loop), err);
}

static void on_poked(void *desk)
{
    struct pool_state *d = desk;
    struct err err = {0};
    if (!load(d, &err)) {
        LOG(ERROR, "pool.not_read", F_ERR(&err), F_T("action", "keeping the pools as they were"));
    }
    on_tick(d);
}

static void close_desk(void *desk)
{
    struct pool_state *d = desk;
    loop_timer_disarm(d->host->loop, &d->tick_timer);
    loop_timer_disarm(d->host->loop, &d->keep_timer);
    pool_rows_close(&d->rows);
    pools_free(d->pools);
    free(d);
}

static bool open_desk(const struct desk_host *host, void **ret, struct err *err)
{
    struct pool_state *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return err_set(err, ERR_NO_MEMORY, "pools: out of memory");
    }
    d->host = host;
    d->tick_timer = (struct loop_timer){.on_due = on_tick, .ctx = d};
    d->keep_timer = (struct loop_timer){.on_due = on_keep, .ctx = d};
    if (!pools_new(&d->pools, err) || !pool_rows_open(&d->rows, host->database, err) ||
        !load(d, err)) {
        close_desk(d);
        return false;
    }
    arm(d);
    *ret = d;
    return true;
}

const struct desk pool_desk = {
    .name = "pools", .open = open_desk, .close = close_desk, .take = take, .poked = on_poked};
