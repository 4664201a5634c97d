/* hub_state.h - what the hub tells all devices of itself, and with it over how long they should spread
 * what all of them do at once: twice the time that the broker needs to let all in, so that half of
 * its strength is left for those that are in. */
#pragma once
#include "common/wire/messages.h"
#include "hub/registry/registry.h"

enum {
    SPREAD_CONNECTS_PER_S = 350, /* full handshakes, on one processor; docs/limits.md */
    SPREAD_MS_MIN = 1000,        /* less than that agents do by themselves */
};
struct hub_state {
    struct registry *registry;
    struct str instance;
    int64_t spread_ms; /* as it was written last */
};
/* Replaces what is in `out`. */
void hub_state_write(struct hub_state *state, bool online, struct wall_time now, struct buf *out);
/* The fleet has grown or shrunk so much since that it should be said again: by a quarter. */
bool hub_state_is_old(const struct hub_state *state);

int64_t spread_of(int64_t devices); /* ms; 0 = no need, at most SPREAD_MS_MAX */
bool spread_has_changed(int64_t said_ms, int64_t now_ms);
