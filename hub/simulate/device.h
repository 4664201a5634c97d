/* device.h - one simulated device: the agent's sync core (common/sync) over a client, and a script in
 * place of a store. Instead of agent/daemon/link.c: what that one reads from the store is computed
 * here. */
#pragma once
#include "common/sync/sync.h"
#include "common/wire/messages.h"
#include "hub/simulate/client.h"
#include "hub/simulate/histogram.h"
#include "hub/simulate/script.h"

/* What all devices share. */
struct device;
struct device_host {
    struct loop *loop;
    struct str fleet;
    struct address_list addresses;
    char definitions_hash[65];
    struct histogram connected; /* from wanting a connection to the hub's first answer */
    struct histogram acked;     /* of what was recorded while measured */
    bool is_measuring;
    int64_t sessions_resumed, sessions_full, drops, batches, bytes;
    /* All devices use one processor: a connection waits for its turn. */
    int turns, turns_max;
    struct device *waiting, **waiting_end;
    void *owner;     /* whose `tick`s they are */
    struct err last; /* why a connection ended that nobody cut */
};
void device_host_init(struct device_host *host, struct loop *loop, struct str fleet,
                      int connects_max);

struct device {
    struct device_host *host;
    struct client client;
    struct sync sync;
    struct script script;
    struct loop_timer timer; /* of the sync core */
    struct loop_timer tick;  /* its next run; the owner's */
    struct device *next;     /* that waits for its turn */
    bool is_waiting, has_turn, is_partitioned;
    uint64_t chance;         /* its random numbers */
    int64_t runs;            /* recorded */
    int64_t measured_from;   /* runs below were not recorded while measured */
    struct mono_time wanted; /* a connection since then; 0 = connected, or none is wanted */
    char name[64];
    char epoch[EPOCH_TEXT_SIZE];
    char session[EPOCH_TEXT_SIZE];
};
/* In its place in an array that does not move. Certificate and key are only read. */
MUST_CHECK bool device_open(struct device *d, struct device_host *host, uint64_t seed,
                            struct str name, const struct tls_client_options *tls, struct err *err);
void device_start(struct device *d);
/* So many runs more have happened. */
void device_record(struct device *d, int64_t runs);
void device_cut(struct device *d);
/* While it lasts, no connection comes about. */
void device_partition(struct device *d, bool is_partitioned);
void device_stop(struct device *d);
void device_close(struct device *d);
bool device_is_greeted(const struct device *d); /* the hub has answered its birth */
bool device_is_idle(const struct device *d);    /* ... and has acknowledged all */
