/* keeper.h - the hub's folder while it runs: the lock, keys and certificates. They are read again at
 * every look, since command lines change them (another CA, other command keys), and made again when
 * they grow old. One thread. */
#pragma once
#include "common/platform/files.h"
#include "common/platform/loop.h"
#include "hub/registry/authority.h"

struct keeper {
    struct loop *loop;
    const struct rng *rng;
    const struct hub_config *config;
    struct fd lock;
    struct arena arena;
    struct authority authority; /* in force; its texts are others after a look */
};
/* Waits for the lock. ERR_NOT_FOUND: there is no hub here. */
MUST_CHECK bool keeper_open(struct keeper *keeper, struct loop *loop, const struct rng *rng,
                            const struct hub_config *config, struct err *err);
void keeper_close(struct keeper *keeper); /* of one that is zeroed, too */
struct keeper_change {
    bool is_trust;  /* other CAs are trusted */
    bool is_server; /* the broker has another certificate, or trusts other CAs */
    bool is_hub;    /* the hub has another certificate, or trusts other CAs */
};
/* What cannot be read leaves all as it was; that is logged. */
struct keeper_change keeper_look(struct keeper *keeper);
