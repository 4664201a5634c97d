/* world_state.h - a simulated world: its state, its queue of things to come, and the ledger of what was
 * recorded, which a town (town.h) keeps too. */
#pragma once
#include "common/base/limits.h"
#include "tests/sim/world.h"

enum {
    AGENTS_MAX = 3, /* of a small world */
    RECORDED_MAX = 1848,
    BRANCHES_MAX = 32,
    STEPS_MAX = 200000, /* of a small world */
};
#define SMALL_NS (120 * NS_PER_SEC) /* then the world behaves, and must come to rest */
#define REST_NS  (INT64_C(12) * 3600 * NS_PER_SEC)
/* Of a fleet: the most between two of one device. */
#define RECORD_GAP_NS   (INT64_C(3600) * NS_PER_SEC)
#define FAULT_GAP_NS    (INT64_C(2) * 3600 * NS_PER_SEC)
#define INCIDENT_GAP_NS (INT64_C(6) * 3600 * NS_PER_SEC)
#define START_WALL_NS   (INT64_C(1795000000) * NS_PER_SEC)

enum happening {
    HAPPEN_RECORD,    /* agent: something happens on the device; life 1: and never again */
    HAPPEN_FLUSH,     /* agent: the group commit */
    HAPPEN_TIMER,     /* agent: the sync core's timer */
    HAPPEN_DIALED,    /* agent: an attempt to connect has come to its end */
    HAPPEN_UPWARD,    /* a message reaches the hub */
    HAPPEN_ACK,       /* a message reaches the agent */
    HAPPEN_HUB_STATE, /* the hub's retained state reaches the agent */
    HAPPEN_COMMIT,    /* hub */
    HAPPEN_HUB_UP,
    HAPPEN_BROKER_UP,
    HAPPEN_HUB_LINKED, /* the hub is connected to the broker again */
    HAPPEN_FAULT,      /* something breaks */
    HAPPEN_INCIDENT,   /* agent: something is done to its disk */
    HAPPEN_AGENT_UP,   /* agent: it starts again after that */
};
struct item {
    int64_t at;
    uint64_t order; /* equal times happen in the order of their making */
    enum happening kind;
    int agent;
    uint64_t life; /* of the link, hub or timer it belongs to: what is older is void */
    bool is_birth;
    bool is_harmed; /* on its way: cut short, or noise */
    bool is_online;
    struct message_ack ack;
    char *payload; /* owned */
    size_t len;
    struct message_birth birth;
};

struct branch {
    uint32_t *checks; /* event_check() by seq - 1; 0 = of a gap */
    int64_t count, cap;
    bool is_possible; /* all that the hub has of the epoch is of this branch */
};
struct epoch_ledger {
    char epoch[EPOCH_TEXT_SIZE];
    struct branch branch[BRANCHES_MAX];
    int branch_count, branch_now;
    int64_t merged; /* what the hub has committed of it, for ever */
};
struct sim_agent {
    char name[32];
    struct sync sync;
    struct buffer *buffer;
    struct buffer *image; /* a copy of an earlier day; NULL = none */
    int image_branch;
    bool is_off;
    int64_t clock_ns; /* its clock is off by so much */
    bool is_linked;
    uint64_t life; /* of the link */
    uint64_t timer_life;
    bool flush_is_due;
    struct epoch_ledger *epochs; /* all that it ever had */
    int epoch_count, epoch_now;
    int64_t recorded; /* read back, of this epoch */
};
struct world {
    const struct world_options *options;
    struct world_result *result;
    struct seeded_rng seed;
    struct rng rng;
    int64_t now, faults_end, steps_max;
    struct item **queue; /* a heap */
    size_t queued, queue_cap;
    uint64_t order;
    struct sim_agent *agents;
    int agent_count;
    struct db_query rows; /* of the hub's log */
    struct merge *merge;
    bool is_merging;
    bool hub_is_up;
    bool hub_is_linked;
    uint64_t hub_life;
    uint64_t hub_instance;
    bool broker_is_up;
    uint64_t broker_life;
    struct buf lines;
    struct buf payload;
};

/* world_queue.c */
PRINTF_LIKE(2, 3) void world_fail(struct world *w, const char *fmt, ...);
bool world_has_failed(const struct world *w);
bool world_chance(struct world *w, uint64_t percent); /* never once the faults have ended */
int64_t world_between(struct world *w, int64_t from, int64_t to);
struct wall_time world_wall(const struct world *w);
struct item *world_plan(struct world *w, int64_t delay, enum happening kind, int agent,
                        uint64_t life);
struct item *world_next(struct world *w);
void world_free_item(struct item *item);

/* world_ledger.c */
struct epoch_ledger *ledger_now(struct sim_agent *agent);
void ledger_begin_epoch(struct sim_agent *agent); /* its buffer has */
void ledger_add(struct sim_agent *agent, int64_t seq, int64_t check);
/* Its disk is what it was on that branch at that event; what follows is another branch. */
void ledger_put_back(struct world *w, struct sim_agent *agent, const char *epoch, int branch,
                     int64_t seq);
/* The hub has committed so far: what it has must be what was recorded. */
void ledger_merged(struct world *w, struct sim_agent *agent, const char *epoch, int64_t seq);
void ledger_is_whole(struct world *w, struct sim_agent *agent);
void ledger_release(struct sim_agent *agent);
