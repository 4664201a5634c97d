/* link.h - the agent's connection to the hub: carries out what common/sync decides, with common/mqtt
 * and the store. */
#pragma once
#include "agent/daemon/identity_files.h"
#include "agent/store/store.h"
#include "common/platform/loop.h"
#include "common/sync/sync.h"
#include "common/wire/topics.h"

struct link;
struct link_options {
    struct loop *loop;
    const struct rng *rng;
    struct store *store;
    const struct device_identity *identity; /* copied where needed longer */
    struct str host; /* where to connect; the certificate is checked for identity->host */
    int port;
    struct sync_options sync;
    int keepalive_s;
    const char *state_dir; /* for the in-process socket */
    struct str board;
    struct str boot_id;
    struct str definitions_hash;
    /* What the hub says beside acknowledgements, as it came, of any channel that is read. */
    void (*on_down)(void *ctx, enum channel channel, struct str payload);
    /* Connected, and subscribed to all of it. */
    void (*on_up)(void *ctx);
    /* Not connected any more, or in vain; `why` is NULL after link_stop(). */
    void (*on_offline)(void *ctx, const struct err *why);
    void *ctx;
};
MUST_CHECK bool link_open(struct link **ret, const struct link_options *options, struct err *err);
void link_close(struct link *link); /* abrupt: the broker will publish our will; NULL is allowed */

void link_start(struct link *link);
/* Says goodbye and calls back when the connection is closed (at once when there is none). */
void link_stop(struct link *link, void (*on_stopped)(void *ctx), void *ctx);
/* Of the definitions that hold from now on: for the next birth. */
void link_use_definitions(struct link *link, struct str hash);
/* Of the desired state in force: for the next birth. */
void link_use_desired(struct link *link, int64_t revision);
/* Instead of what it was opened with; a wait that has begun ends as it would have. */
void link_use_pace(struct link *link, int64_t linger_ns, int64_t backoff_max_ns);
bool link_is_online(const struct link *link);
/* The identity's key and certificate are others: for the next connection. */
void link_use_identity(struct link *link);
/* Which CAs are trusted, and which of them issued our certificate: for the next birth. */
void link_use_authorities(struct link *link, struct str authorities, struct str issuer);
/* The store's newest event is now `seq`. */
void link_recorded(struct link *link, int64_t seq);

/* On a channel that the device writes, beside births and batches. ERR_OFFLINE; ERR_FULL when too
 * much is in flight: try again when more was acknowledged. What must not be lost is an event. */
MUST_CHECK bool link_publish(struct link *link, enum channel channel, struct str payload,
                             struct err *err);

struct link_status {
    const char *state; /* of the sync core: "sending", "waiting", ... */
    bool hub_online;
    int64_t acked_seq;
    int64_t inflight; /* batches */
    int64_t batches_sent;
    int64_t events_sent;
    int64_t connects;
    int64_t resumed; /* of them by session ticket */
    int64_t resends;
    char last_error[400];
};
void link_get_status(const struct link *link, struct link_status *ret);
