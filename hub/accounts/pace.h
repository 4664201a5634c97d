/* pace.h - how often an address (of IPv6: a /64), and all together, may try a password. Pure: time is an argument. */
#pragma once
#include "common/base/str.h"
#include "common/base/time.h"

enum {
    PACE_PEERS = 256, /* remembered; the one that was silent longest is forgotten */
    PACE_PEER_BURST = 10,
    PACE_PEER_EVERY_S = 6, /* one more */
    PACE_ALL_BURST = 20,
    PACE_ALL_PER_S = 4,
    PACE_PEER_BYTES = 48,
};
struct pace_bucket {
    int64_t tokens_ns; /* saved-up time */
    struct mono_time at;
};
struct pace {
    struct pace_bucket all;
    struct pace_peer {
        char name[PACE_PEER_BYTES];
        struct pace_bucket bucket;
    } peers[PACE_PEERS];
};
/* Takes one of each, but of the peer alone when it is known to be somebody's; false: none is left, and
 * *ret_wait_s is when there is one. */
bool pace_take(struct pace *pace, struct str peer, bool is_known, struct mono_time now,
               int64_t *ret_wait_s);
