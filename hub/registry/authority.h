/* authority.h - the fleet's certificate authority as files below the hub's state folder: ca/ca.pem
 * and ca/ca.key, the broker's broker/server.{pem,key} and broker/ca.pem, the hub's own
 * identity/hub.{pem,key}. Made once by `init`; server and hub certificates are made again when less
 * than a third of their life is left, or the names or the CA changed. ca/next.{pem,key} are there while
 * another CA takes its place (rotation.h). command/keys.pem has the keys
 * whose commands devices obey, command/hub.key the hub's own of them, made when there are none; a
 * hub whose operators sign elsewhere has keys.pem alone. */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/time.h"
#include "common/platform/rng.h"
#include "common/tls/authorities.h"
#include "hub/config/config.h"
#include "hub/registry/registry.h"

struct authority { /* text lives in the arena given; wipe keys with authority_wipe() */
    struct str ca_cert;
    struct str ca_key;
    struct str next_cert, next_key; /* empty but while the CA is being changed */
    struct str trusted;             /* by all: ca_cert, then next_cert */
    char trusted_list[AUTHORITIES_LIST_SIZE];
    char trusted_signature[SIGNATURE_TEXT_SIZE]; /* of `trusted`, by ca_key */
    struct str server_cert;                      /* the broker's */
    struct str hub_cert;
    struct str hub_key;
    struct str command_keys; /* public, PEM, one after the other: what devices are told to trust */
    struct str command_key;  /* the hub's own; empty when operators keep theirs elsewhere */
};
bool authority_exists(const struct hub_config *config);
/* ERR_EXISTS when there is a CA already: it is never overwritten. */
MUST_CHECK bool authority_make(const struct hub_config *config, const struct rng *rng,
                               struct wall_time now, struct err *err);
/* Loads all, renews server and hub certificates where needed: for the running hub alone.
 * ERR_NOT_FOUND (hint: init) when there is none. */
MUST_CHECK bool authority_load(const struct hub_config *config, const struct rng *rng,
                               struct wall_time now, struct arena *arena, struct authority *ret,
                               struct err *err);
/* Without the server's and the hub's certificates: for command lines beside it. */
MUST_CHECK bool authority_read(const struct hub_config *config, const struct rng *rng,
                               struct arena *arena, struct authority *ret, struct err *err);
/* What a token needs: the fingerprint of the CA, and behind it that of the next one. */
enum { AUTHORITY_PINS_SIZE = 2 * 64 + 1 };
MUST_CHECK bool authority_pins(const struct hub_config *config, char ret[AUTHORITY_PINS_SIZE],
                               struct err *err);
/* Of the next CA; empty when the one in force is not being changed. Points into `authority`. */
struct str authority_next_fingerprint(const struct authority *authority);
/* What deciding on devices takes of it. */
struct enrol_authority authority_for_devices(const struct authority *authority,
                                             const struct hub_config *config,
                                             const struct rng *rng);
void authority_wipe(struct authority *authority);
