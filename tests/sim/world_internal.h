/* world_internal.h - what the files of one simulated world share: its state, its queue of things to come, and who tells whom. */
#pragma once
#include "common/base/limits.h"
#include "tests/sim/world.h"

enum {
    AGENTS_MAX = 3,
    QUEUE_MAX = 4096,
    LEDGER_MAX = 2048,
    LINE_MAX_BYTES = 400,
    STEPS_MAX = 200000,
    ACKS_PER_COMMIT = 64,
};
#define FAULTS_END_NS (120 * NS_PER_SEC) /* then the world behaves, and must come to rest */
#define WORLD_END_NS  (7200 * NS_PER_SEC)
#define START_WALL_NS (INT64_C(1795000000) * NS_PER_SEC)

enum happening {
    HAPPEN_RECORD,    /* agent: something happens on the device */
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
};
struct item {
    int64_t at;
    uint64_t order; /* equal times happen in the order of their making */
    enum happening kind;
    int agent;
    uint64_t life; /* of the link, hub or timer it belongs to: what is older is void */
    bool is_birth;
    bool is_online;
    struct message_ack ack;
    char *payload; /* owned */
    size_t len;
    struct message_birth birth;
};

struct sim_agent {
    char name[32];
    struct sync sync;
    struct buffer *buffer;
    bool is_linked;
    uint64_t life; /* of the link */
    uint64_t timer_life;
    bool flush_is_due;
    int64_t hub_committed;                   /* what the hub has committed of it, for ever */
    char ledger[LEDGER_MAX][LINE_MAX_BYTES]; /* by seq: what a flush reported as recorded */
    int64_t recorded;
    uint64_t session;
};
struct world {
    const struct world_options *options;
    struct world_result *result;
    struct seeded_rng seed;
    struct rng rng;
    int64_t now;
    struct item *queue[QUEUE_MAX]; /* a heap */
    size_t queued;
    uint64_t order;
    struct sim_agent agents[AGENTS_MAX];
    int agent_count;
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

/* world_agent.c */
void agent_start(struct world *w, int a);
void agent_step(struct world *w, int a, struct sync_event event);
void agent_crash(struct world *w, int a);
void agent_break_link(struct world *w, int a);
void agent_on_record(struct world *w, int a);
void agent_on_flush(struct world *w, int a);
void agent_on_dialed(struct world *w, const struct item *item);
void agent_on_ack(struct world *w, const struct item *item);
void agent_on_hub_state(struct world *w, const struct item *item);
void agent_tell_hub_state(struct world *w, int a);

/* world_hub.c */
void hub_open(struct world *w);
void hub_crash(struct world *w);
void hub_commit(struct world *w);
void hub_on_upward(struct world *w, const struct item *item);
void hub_on_linked(struct world *w, const struct item *item);
void broker_crash(struct world *w);
