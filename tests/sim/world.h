/* world.h - agents, links, a broker and a hub in one process, with a virtual clock; everything that
 * happens is drawn from a seed. The sync core and the merge are the real ones. Invariants are
 * checked after every step (promises P1, P2, P3). */
#pragma once
#include "common/db/db.h"
#include "common/sync/sync.h"
#include "hub/merge/merge.h"
#include "tests/sim/buffer.h"
#include "tests/support/seeded_rng.h"

/* Rules broken on purpose: a simulation that does not notice these proves nothing. */
enum sabotage {
    SABOTAGE_NONE,
    SABOTAGE_ACK_BEFORE_COMMIT, /* the hub acknowledges what it has only received */
    SABOTAGE_FORGET_ON_PUBACK,  /* the agent forgets what the broker took */
    SABOTAGE_TRUST_SENT,        /* the agent takes any acknowledgement for all that it sent */
    SABOTAGE_IGNORE_PUT_BACK,   /* the agent goes on under numbers that the hub has seen */
    SABOTAGE_ACK_HARMED,        /* the hub acknowledges what it could not read */
    SABOTAGE_COUNT
};

struct world_options {
    uint64_t seed;
    enum sabotage sabotage;
    bool real_store; /* agents on agent/store instead of its model */
    /* 0: a small world of one to three agents and two minutes. Else a fleet of so many: disks are
     * wiped and put back to earlier images, devices are off for hours, clocks are wrong. */
    int devices;
    int64_t fleet_ns; /* how long that goes on */
    struct db *hub;   /* shared by many worlds; device names carry the seed */
};
struct world_result {
    int64_t steps;
    int64_t events;
    int64_t crashes;
    int64_t lost_messages;
    int64_t gaps;
    int64_t epochs, put_backs, wipes, harmed;
    char failure[400]; /* empty = all invariants held */
};
extern const char *const sabotage_names[SABOTAGE_COUNT];
void world_run(const struct world_options *options, struct world_result *ret);
