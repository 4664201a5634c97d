/* buffer.h - an agent's event buffer as the simulation sees it: the real agent/store on a disk in
 * memory whose power is cut when the agent crashes, or a model of the same contract that is fast
 * enough for tens of thousands of seeds. */
#pragma once
#include "agent/store/store.h"

struct buffer; /* one of the two */
struct buffer_ops {
    /* Queues one event (not recorded yet). False when there is no room. */
    bool (*record)(struct buffer *b, const struct record *record);
    bool (*flush)(struct buffer *b, struct wall_time now); /* true: recorded, survives a crash */
    bool (*read)(struct buffer *b, int64_t from, int max, struct batch_header *header,
                 struct buf *lines);
    bool (*acknowledge)(struct buffer *b, int64_t seq);
    /* event_check() of a waiting event; false when it is not there. */
    bool (*check)(struct buffer *b, int64_t seq, int64_t *ret_check);
    bool (*begin_epoch)(struct buffer *b, const struct rng *rng);         /* flush before */
    void (*crash)(struct buffer *b, uint64_t seed, struct wall_time now); /* and comes back */
    void (*close)(struct buffer *b);
};
struct buffer {
    const struct buffer_ops *ops;
    char epoch[EPOCH_TEXT_SIZE];
    int64_t last_seq; /* recorded */
    int64_t acked_seq;
};
enum { BUFFER_EVENTS_MAX = 4096 };
/* An image of its disk: what was flushed. Of a model. */
struct buffer *buffer_model_copy(struct buffer *b);

/* `quota_bytes` of waiting events, as store_options.quota_bytes. */
struct buffer *buffer_model(const struct rng *rng, int64_t quota_bytes);
struct buffer *buffer_real(const struct rng *rng, int64_t quota_bytes, const char *vfs_name,
                           uint64_t seed, struct wall_time now);
