#include "hub/serve/hub_state.h"

#include "common/log/log.h"

int64_t spread_of(int64_t devices)
{
    if (devices >= SPREAD_MS_MAX) {
        return SPREAD_MS_MAX;
    }
    int64_t ms = devices * 2000 / SPREAD_CONNECTS_PER_S;
    return ms < SPREAD_MS_MIN ? 0 : ms < SPREAD_MS_MAX ? ms : SPREAD_MS_MAX;
}

bool spread_has_changed(int64_t said_ms, int64_t now_ms)
{
    int64_t by = now_ms > said_ms ? now_ms - said_ms : said_ms - now_ms;
    return by > said_ms / 4;
}

/* For the devices that are enrolled; 0 when they cannot be counted. */
static int64_t spread_now(struct registry *registry)
{
    struct err err = {0};
    int64_t devices = 0;
    if (!registry_count_devices(registry, &devices, &err)) {
        LOG(DEBUG, "registry.read_failed", F_ERR(&err));
        return 0;
    }
    return spread_of(devices);
}

void hub_state_write(struct hub_state *state, bool online, struct wall_time now, struct buf *out)
{
    struct message_hub_state message = {.online = online, .instance = state->instance, .at = now};
    if (online) {
        message.spread_ms = state->spread_ms = spread_now(state->registry);
    }
    buf_reset(out);
    message_hub_state_encode(&message, out);
}

bool hub_state_is_old(const struct hub_state *state)
{
    return spread_has_changed(state->spread_ms, spread_now(state->registry));
}
