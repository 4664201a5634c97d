/* desk.c - hands out pieces of bundles as fast as the hub may, and lets deployments go on when
 * something was heard, when a person asked, and when their time has come. */
#include "common/base/limits.h"
#include "common/log/log.h"
#include "hub/deploy/asks.h"
#include "hub/deploy/deploy.h"
#include "hub/deploy/deployments.h"
#include "hub/deploy/prune.h"
#include "hub/fleet/poke.h"
#include <stdlib.h>

/* A look reads all devices of a deployment: it takes a twentieth of the hub's time at most. */
enum { NOTES_PER_TURN = 64, LOOK_REST = 19 };
#define LOOK_AFTER_NS    (200 * NS_PER_MS) /* what is heard meanwhile is one look */
#define LOOK_REST_MAX_NS (60 * NS_PER_SEC)
#define RETRY_NS         (2 * NS_PER_SEC)
/* Old bundles are looked for when the hub starts, when a deployment is over, and each day. */
#define PRUNE_SOON_NS (3 * NS_PER_SEC)
#define PRUNE_NEXT_NS (INT64_C(86400) * NS_PER_SEC)

struct desk_of_deploy {
    const struct desk_host *host;
    struct deployments *deployments;
    struct asks asks;
    struct buf bytes;
    struct buf payload;
    struct loop_timer piece_timer;
    struct loop_timer look_timer;
    int64_t look_rest_ns; /* before the next, for what the last one took */
    bool is_looking_soon;
    struct loop_timer prune_timer;
    struct prune *prune; /* NULL: none is going on */
};

static struct wall_time wall_now(const struct desk_of_deploy *desk)
{
    return clock_wall(loop_clock(desk->host->loop));
}

/* --- pieces ----------------------------------------------------------------------------------- */

/* False when it stays the first in the queue. */
static bool give(struct desk_of_deploy *desk, const struct ask *ask, int64_t *ret_bytes)
{
    struct err err = {0};
    struct bundle_want want = {.bundle = str_from(ask->bundle),
                               .file = str_from(ask->file),
                               .offset = ask->offset,
                               .max = ask->max};
    struct bundle_piece piece = {.bundle = want.bundle, .file = want.file, .offset = want.offset};
    buf_reset(&desk->bytes);
    buf_reset(&desk->payload);
    if (shelf_read(desk->host->config, &want, &desk->bytes, &piece.total, &err)) {
        piece.bytes = buf_str(&desk->bytes);
    } else {
        LOG(WARN, "bundle.not_given", F_T("device", ask->device), F_T("bundle", ask->bundle),
            F_ERR(&err));
        piece.problem = str_from(err.msg);
    }
    bundle_piece_encode(&piece, &desk->payload);
    struct desk_message message = {.device = str_from(ask->device),
                                   .channel = CHANNEL_BUNDLE,
                                   .payload = buf_str(&desk->payload)};
    *ret_bytes = (int64_t)desk->payload.len;
    if (desk->host->publish(desk->host->ctx, &message, &err)) {
        return true;
    }
    *ret_bytes = 0;
    return err.code != ERR_FULL; /* offline: whoever asked asks again */
}

static void give_pieces(void *ctx)
{
    struct desk_of_deploy *desk = ctx;
    int64_t wait_ns = 0;
    for (int i = 0; i < NOTES_PER_TURN; i++) {
        int64_t bytes = 0;
        const struct ask *ask = asks_next(&desk->asks, loop_now(desk->host->loop), &wait_ns);
        if (ask == NULL) {
            break;
        }
        if (!give(desk, ask, &bytes)) {
            return; /* room() comes */
        }
        asks_done(&desk->asks, bytes);
        wait_ns = NS_PER_MS;
    }
    if (desk->asks.count > 0) {
        loop_timer_arm_in(desk->host->loop, &desk->piece_timer, wait_ns);
    }
}

static void on_take(void *ctx, struct str device, enum channel channel, struct str payload,
                    struct arena *arena)
{
    struct desk_of_deploy *desk = ctx;
    struct bundle_want want;
    struct err err = {0};
    if (channel != CHANNEL_WANT) {
        return;
    }
    if (!bundle_want_decode(payload, arena, &want, &err)) {
        if (err.code != ERR_NOT_FOUND) {
            desk->host->refuse(desk->host->ctx, device, "bundle", str_from(err.msg));
        }
        return;
    }
    if (asks_add(&desk->asks, device, &want)) {
        give_pieces(desk);
    }
}

/* --- old bundles ------------------------------------------------------------------------------- */

static void prune_in(struct desk_of_deploy *desk, int64_t ns)
{
    if (desk->prune == NULL) {
        loop_timer_arm_in(desk->host->loop, &desk->prune_timer, ns);
    }
}

static void end_prune(struct desk_of_deploy *desk, bool ok, const struct err *why)
{
    struct prune_counts counts =
        desk->prune == NULL ? (struct prune_counts){0} : prune_counts(desk->prune);
    prune_close(desk->prune);
    desk->prune = NULL;
    if (!ok && why->code != ERR_BUSY) {
        LOG(ERROR, "bundles.not_deleted", F_ERR(why), F_T("action", "trying again tomorrow"));
    }
    if (counts.bundles + counts.files > 0) {
        LOG(INFO, "bundles.deleted", F_I("bundles", counts.bundles), F_I("files", counts.files),
            F_I("bytes", counts.bytes));
    }
    prune_in(desk, !ok && why->code == ERR_BUSY ? PRUNE_SOON_NS : PRUNE_NEXT_NS);
}

/* A step at a time, so that nobody waits for it. */
static void go_on_pruning(void *ctx)
{
    struct desk_of_deploy *desk = ctx;
    struct err err = {0};
    bool is_over = false;
    bool ok = true;
    if (desk->prune == NULL && !shelf_has_any(desk->host->config)) {
        prune_in(desk, PRUNE_NEXT_NS);
        return;
    }
    if (desk->prune == NULL) {
        desk->host->settle(desk->host->ctx);
        ok = prune_open(&desk->prune, desk->host->config, desk->deployments,
                        desk->host->config->bundles_kept, wall_now(desk), &err);
    } else {
        ok = prune_step(desk->prune, &is_over, &err);
    }
    if (!ok || is_over) {
        end_prune(desk, ok, &err);
        return;
    }
    loop_timer_arm_in(desk->host->loop, &desk->prune_timer, NS_PER_MS);
}

/* --- waves ------------------------------------------------------------------------------------ */

static void say_step(const struct deployment *deployment, const struct wave_decision *decision)
{
    switch (decision->step) {
    case WAVES_BEGIN:
        LOG(INFO, "deployment.wave_begun", F_S("deployment", deployment->id),
            F_I("wave", decision->wave), F_S("bundle", deployment->bundle));
        break;
    case WAVES_ABORT:
        LOG(ERROR, "deployment.aborted", F_S("deployment", deployment->id),
            F_T("reason", decision->reason),
            F_T("action", deployment->keeps_on_abort ? "who has the bundle keeps it"
                                                     : "who has the bundle goes back"));
        break;
    case WAVES_DONE:
        LOG(INFO, "deployment.done", F_S("deployment", deployment->id));
        break;
    case WAVES_WAIT:
        break;
    }
}

static void on_step(void *ctx, const struct deployment *deployment,
                    const struct wave_decision *decision)
{
    say_step(deployment, decision);
    if (decision->step == WAVES_ABORT || decision->step == WAVES_DONE) {
        prune_in(ctx, PRUNE_SOON_NS);
    }
}

static void look_in(struct desk_of_deploy *desk, int64_t ns)
{
    loop_timer_arm_in(desk->host->loop, &desk->look_timer, ns < NS_PER_MS ? NS_PER_MS : ns);
}

static bool go_on(struct desk_of_deploy *desk, struct deployments_outcome *ret, struct err *err)
{
    const struct clock *clock = loop_clock(desk->host->loop);
    struct mono_time began = clock_mono(clock);
    /* What is committed here calls for a look, which is this one. Said before it, that would be held for
     * one to come, and everything heard later be left to the next time that is due of itself. */
    desk->host->settle(desk->host->ctx);
    desk->is_looking_soon = false;
    bool ok = deployments_go_on(desk->deployments, wall_now(desk), on_step, desk, ret, err);
    int64_t rest_ns = LOOK_REST * (clock_mono(clock).ns - began.ns);
    desk->look_rest_ns = rest_ns < LOOK_REST_MAX_NS ? rest_ns : LOOK_REST_MAX_NS;
    return ok;
}

static void look(void *ctx)
{
    struct desk_of_deploy *desk = ctx;
    struct deployments_outcome outcome = {0};
    struct err err = {0};
    if (!go_on(desk, &outcome, &err)) {
        LOG(ERROR, "deployment.stuck", F_ERR(&err), F_T("action", "trying again"));
        look_in(desk, RETRY_NS);
        return;
    }
    if (outcome.has_changed_targets) {
        poke_send(desk->host->config); /* desired state follows the targets */
    }
    if (outcome.next.ns != 0) {
        look_in(desk, outcome.next.ns - wall_now(desk).ns);
    }
}

static void look_soon(struct desk_of_deploy *desk)
{
    if (!desk->is_looking_soon) {
        desk->is_looking_soon = true;
        look_in(desk, LOOK_AFTER_NS + desk->look_rest_ns);
    }
}

static void on_heard(void *ctx)
{
    look_soon(ctx);
}

/* Whoever asked does not wait for the rest. */
static void on_poked(void *ctx)
{
    struct desk_of_deploy *desk = ctx;
    desk->is_looking_soon = true;
    look_in(desk, LOOK_AFTER_NS);
}

/* --- life ------------------------------------------------------------------------------------- */

static void desk_close(void *ctx)
{
    struct desk_of_deploy *desk = ctx;
    loop_timer_disarm(desk->host->loop, &desk->piece_timer);
    loop_timer_disarm(desk->host->loop, &desk->look_timer);
    loop_timer_disarm(desk->host->loop, &desk->prune_timer);
    prune_close(desk->prune);
    deployments_close(desk->deployments);
    buf_release(&desk->bytes);
    buf_release(&desk->payload);
    free(desk->asks.ring);
    free(desk);
}

static bool desk_open(const struct desk_host *host, void **ret, struct err *err)
{
    struct desk_of_deploy *desk = calloc(1, sizeof(*desk));
    if (desk == NULL) {
        return err_set(err, ERR_NO_MEMORY, "out of memory");
    }
    desk->host = host;
    desk->asks = (struct asks){.ring = calloc(ASKS_MAX, sizeof(struct ask)),
                               .rate = host->config->bundle_rate};
    desk->bytes = buf_growing(BUNDLE_PIECE_MAX);
    desk->payload = buf_growing(LIMIT_MESSAGE_BYTES);
    desk->piece_timer = (struct loop_timer){.on_due = give_pieces, .ctx = desk};
    desk->look_timer = (struct loop_timer){.on_due = look, .ctx = desk};
    desk->prune_timer = (struct loop_timer){.on_due = go_on_pruning, .ctx = desk};
    bool ok = desk->asks.ring != NULL || err_set(err, ERR_NO_MEMORY, "out of memory");
    if (!ok || !deployments_open(&desk->deployments, host->database, err)) {
        desk_close(desk);
        return false;
    }
    look_soon(desk);
    prune_in(desk, PRUNE_SOON_NS);
    *ret = desk;
    return true;
}

const struct desk deploy_desk = {
    .name = "deploy",
    .open = desk_open,
    .close = desk_close,
    .take = on_take,
    .merged = on_heard,
    .poked = on_poked,
    .room = give_pieces,
};
