/* desk.h - a part of the running hub that speaks with devices: commands, desired state, bundles.
 * hub/serve opens all of them, hands each what concerns it and carries what they say. One thread;
 * no call nests in another of the same desk.
 *
 * A desk keeps what it knows in hub.db over a connection of its own. Before it writes there it calls
 * settle(): the merge's transaction may be open. */
#pragma once
#include "common/platform/loop.h"
#include "common/platform/rng.h"
#include "common/wire/messages.h"
#include "common/wire/topics.h"
#include "hub/config/config.h"
#include "hub/registry/authority.h"
#include "hub/registry/registry.h"

struct desk_message {
    struct str device; /* empty: it goes to hub/reports/<report>, or to hub/alerts */
    struct str report;
    enum channel channel;
    struct str payload;
    bool is_retained;
    uint32_t expiry_s; /* the broker drops it when it is older; 0 = never */
};
struct desk_host {
    struct loop *loop;
    const struct rng *rng;
    const struct hub_config *config;
    const struct authority *authority;
    struct registry *registry;
    const char *database; /* path of hub.db */
    /* ERR_OFFLINE: the broker is away, online() comes. ERR_FULL: too much is in flight, room() comes. */
    bool (*publish)(void *ctx, const struct desk_message *message, struct err *err);
    /* A batch of the hub's own. What it cannot merge is logged and counted as a device's is. */
    void (*merge)(void *ctx, struct str device, struct str payload);
    void (*settle)(void *ctx);     /* commits what is being merged */
    void (*look_again)(void *ctx); /* the same; merging then reads anew who is not listened to */
    /* Logged, counted and kept for `selvedge-hub refusals`, so many a second. */
    void (*refuse)(void *ctx, struct str peer, const char *what, struct str why);
    void *ctx;
};

/* Functions but open and close may be NULL. */
struct desk {
    const char *name;
    bool (*open)(const struct desk_host *host, void **ret, struct err *err); /* `host` stays */
    void (*close)(void *desk);
    void (*online)(void *desk); /* connected; what is retained may have been forgotten */
    void (*born)(void *desk, struct str device, const struct message_birth *birth);
    void (*died)(void *desk, struct str device);
    void (*heard)(void *desk, struct str device,
                  const char *epoch); /* a batch that could be read */
    /* `arena` is for the call. What the desk has no use for it passes over. */
    void (*take)(void *desk, struct str device, enum channel channel, struct str payload,
                 struct arena *arena);
    void (*merged)(void *desk); /* a commit brought events */
    void (*poked)(void *desk);  /* a command line has written to the database */
    void (*room)(void *desk);   /* after ERR_FULL */
};

/* Where it goes. */
void desk_message_topic(const struct desk_message *message, struct str fleet, struct buf *out);
