/* agent_down.c - what the hub says to this device, each channel to the part that answers for it. */
#include "agent/daemon/agent_internal.h"

#include "common/log/log.h"

void agent_on_up(void *ctx)
{
    struct agent *agent = ctx;
    leases_ask_again(&agent->leases);
    agent_on_lease_due(agent);
    renewer_link_up(agent->renewer);
    bundles_link_is_up(agent->bundles);
}

void agent_on_offline(void *ctx, const struct err *why)
{
    struct agent *agent = ctx;
    renewer_link_down(agent->renewer, why);
}

/* Each channel that the link reads, in the order of enum channel. */
void agent_on_down(void *ctx, enum channel channel, struct str payload)
{
    struct agent *agent = ctx;
    if (channel == CHANNEL_DESIRED) {
        agent_take_desired(agent, payload);
    } else if (channel == CHANNEL_BUNDLE) {
        bundles_take(agent->bundles, payload);
    } else if (channel == CHANNEL_CMD) {
        agent_on_command(agent, payload);
    } else if (channel == CHANNEL_CERTIFICATE) {
        renewer_take(agent->renewer, payload);
    } else if (channel == CHANNEL_LEASE) {
        agent_take_lease(agent, payload);
    } else {
        LOG(WARN, "link.not_understood", F_I("channel", channel), F_I("bytes", payload.len),
            F_T("action", "ignored"));
    }
}
