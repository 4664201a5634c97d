/* authority.h - the fleet's certificate authority as files below the hub's state folder: ca/ca.pem
 * and ca/ca.key, the broker's broker/server.{pem,key} and broker/ca.pem, the hub's own
 * identity/hub.{pem,key}. Made once by `init`; server and hub certificates are made again at start
 * when less than a third of their life is left or the names changed. command/keys.pem has the keys
 * whose commands devices obey, command/hub.key the hub's own of them, made when there are none; a
 * hub whose operators sign elsewhere has keys.pem alone. */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/time.h"
#include "common/platform/rng.h"
#include "hub/config/config.h"

struct authority { /* text lives in the arena given; wipe keys with authority_wipe() */
    struct str ca_cert;
    struct str ca_key;
    struct str hub_cert;
    struct str hub_key;
    struct str command_keys; /* public, PEM, one after the other: what devices are told to trust */
    struct str command_key;  /* the hub's own; empty when operators keep theirs elsewhere */
    char ca_fingerprint[65];
};
bool authority_exists(const struct hub_config *config);
/* ERR_EXISTS when there is a CA already: it is never overwritten. */
MUST_CHECK bool authority_make(const struct hub_config *config, const struct rng *rng,
                               struct wall_time now, struct err *err);
/* Loads the CA, renews server and hub certificates where needed. ERR_NOT_FOUND (hint: init) when
 * there is none. */
MUST_CHECK bool authority_load(const struct hub_config *config, const struct rng *rng,
                               struct wall_time now, struct arena *arena, struct authority *ret,
                               struct err *err);
/* Only what a token needs: the fingerprint of the CA. */
MUST_CHECK bool authority_fingerprint(const struct hub_config *config, char ret[65],
                                      struct err *err);
/* The command keys again: a command line may have changed them. An arena that is full keeps the old
 * ones, and says so. */
MUST_CHECK bool authority_reload_keys(const struct hub_config *config, struct arena *arena,
                                      struct authority *authority, struct err *err);
void authority_wipe(struct authority *authority);
