/* keyring.h - the public keys whose commands devices obey (STATE/command/keys.pem, one PEM text after
 * the other), and the hub's own private one (STATE/command/hub.key), which a fleet whose operators
 * sign elsewhere does not have. hub/registry/authority.h makes the two. */
#pragma once
#include "common/tls/identity.h"
#include "common/wire/signed.h"
#include "hub/config/config.h"

/* ERR_NOT_FOUND (hint: start the hub once) when there are none yet. */
MUST_CHECK bool keyring_read(const struct hub_config *config, struct buf *ret_keys,
                             struct err *err);
MUST_CHECK bool keyring_write(const struct hub_config *config, struct str keys, struct err *err);
/* ERR_NOT_FOUND with what to do when the hub has none. The caller wipes it. */
MUST_CHECK bool keyring_read_hub_key(const struct hub_config *config, struct buf *ret_key,
                                     struct err *err);
MUST_CHECK bool keyring_remove_hub_key(const struct hub_config *config, struct err *err);

/* --- texts, no files --- */

/* Appends `keys` with `pem` added, which may be a private key: its public half is. ERR_EXISTS,
 * ERR_FULL. */
MUST_CHECK bool keyring_add(const struct rng *rng, struct str keys, struct str pem,
                            struct buf *ret_keys, char ret_id[KEY_ID_SIZE], struct err *err);
/* Appends `keys` without that one. ERR_NOT_FOUND; ERR_INVALID for the last. */
MUST_CHECK bool keyring_remove(struct str keys, struct str id, struct buf *ret_keys,
                               struct err *err);
