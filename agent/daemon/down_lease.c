/* down_lease.c - places in pools that the fleet shares: asks the hub, hears it, and lets the runner
 * look again. */
#include "agent/daemon/agent_internal.h"

#include "common/log/log.h"
#include "common/wire/lease.h"

enum { ASK_BYTES_MAX = 1024, GRANT_ARENA_BYTES = 64 << 10 };
#define SETTLE_NS NS_PER_SEC

static void settle(struct agent *agent)
{
    struct mono_time now = loop_now(agent->loop);
    for (size_t i = 0; i < agent->leases.count; i++) {
        struct str pool = str_from(agent->leases.items[i].pool);
        leases_settle(&agent->leases, pool, runner_pool_steps(agent->runner, pool), now);
    }
}

static void ask(struct agent *agent)
{
    struct mono_time now = loop_now(agent->loop);
    struct lease *lease = NULL;
    int64_t held = 0;
    while ((lease = leases_next_ask(&agent->leases, now, &held)) != NULL) {
        char text[ASK_BYTES_MAX];
        struct buf payload = buf_fixed(text, sizeof(text));
        struct err err = {0};
        const struct lease_ask said = {.pool = str_from(lease->pool),
                                       .places = lease->wanted,
                                       .held = held,
                                       .asked_ms = now.ns / NS_PER_MS};
        lease_ask_encode(&said, &payload);
        if (agent->link != NULL &&
            !link_publish(agent->link, CHANNEL_WANT, buf_str(&payload), &err)) {
            LOG(DEBUG, "lease.not_asked", F_S("pool", said.pool), F_ERR(&err));
        }
    }
}

/* While places are asked for or held it looks each second, for what is given back must be known
 * soon; a device without such pools has no timer. */
static void arm(struct agent *agent)
{
    for (size_t i = 0; i < agent->leases.count; i++) {
        if (agent->leases.items[i].wanted > 0) {
            loop_timer_arm_in(agent->loop, &agent->lease_timer, SETTLE_NS);
            return;
        }
    }
}

void agent_on_lease_due(void *ctx)
{
    struct agent *agent = ctx;
    settle(agent);
    ask(agent);
    arm(agent);
    runner_pump(agent->runner); /* a silence may have lasted long enough */
}

bool agent_may_enter(void *ctx, const struct pool *pool, int64_t running)
{
    struct agent *agent = ctx;
    bool begins_alone = false;
    if (agent->link == NULL) {
        return true; /* no hub, no fleet */
    }
    bool may = leases_may_enter(&agent->leases, pool->name, running, pool->wait_ns,
                                loop_now(agent->loop), &begins_alone);
    if (begins_alone) {
        LOG(WARN, "lease.begins_alone", F_S("pool", pool->name),
            F_T("action", "the hub is silent: steps begin without a place in its pool"));
    }
    if (agent->lease_timer.heap_index == 0) {
        loop_timer_arm_in(agent->loop, &agent->lease_timer, 0);
    }
    return may;
}

void agent_take_lease(struct agent *agent, struct str payload)
{
    AUTO(arena) arena = arena_new(GRANT_ARENA_BYTES);
    struct lease_grant grant;
    struct err err = {0};
    if (!lease_grant_decode(payload, &arena, &grant, &err)) {
        LOG(WARN, "lease.bad_answer", F_ERR(&err), F_T("action", "ignored"));
        return;
    }
    const struct lease_answer answer = {.pool = grant.pool,
                                        .places = grant.places,
                                        .for_ns = grant.for_s * NS_PER_SEC,
                                        .asked = {grant.asked_ms * NS_PER_MS},
                                        .is_paused = grant.is_paused};
    if (leases_take(&agent->leases, &answer, loop_now(agent->loop))) {
        runner_pump(agent->runner);
    }
}
