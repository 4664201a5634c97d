/* signed.h - what devices believe although a broker carried it: one line that says who signed, then
 * the very bytes that were signed. Pure.
 *
 *   {"v":1,"key":"07e2e95af65c1cae","sig":"3045..."}
 *   {"kind":"command","fleet":"main",...}
 *
 * The signature is over the body alone, all of it (common/tls/identity.h), so that a file that
 * another program signed can be sent as it is. What the body is for stands in it as `kind`, which
 * its own decoder checks: a command is never taken for desired state. */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/platform/rng.h"
#include "common/tls/identity.h"

enum {
    SIGNED_HEAD_BYTES_MAX = 512,
    SIGNED_KEYS_MAX = 16,             /* that a device trusts */
    SIGNED_KEYS_BYTES_MAX = 16 << 10, /* of their PEM texts, one after the other */
};

/* Appends head and body, signed with the private key. */
MUST_CHECK bool signed_make(const struct rng *rng, struct str key_pem, struct str body,
                            struct buf *out, struct err *err);
/* *ret_body is the part of `message` that one of `keys` (public keys as PEM, one after the other)
 * signed; `ret_key` says which. ERR_INVALID: it is no signed message. ERR_DENIED: signed by none of
 * them (ret_key is empty then), or not these bytes. */
MUST_CHECK bool signed_open(struct str message, struct str keys, struct str *ret_body,
                            char ret_key[KEY_ID_SIZE], struct err *err);
/* Whether a device could trust them: P-256 public keys as PEM, one after the other, 1 to
 * SIGNED_KEYS_MAX, none twice, nothing else. */
MUST_CHECK bool signed_check_keys(struct str keys, struct err *err);
bool signed_has_key(struct str keys, struct str id);
/* The next PEM text of several; false at the end. */
bool signed_next_key(struct str *keys, struct str *ret_key);
