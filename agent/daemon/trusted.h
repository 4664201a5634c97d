/* trusted.h - which CAs this device trusts, as identity/ca.pem has them, and which of them issued its
 * certificate. The hub tells of others in a message that one of them has signed. One thread. */
#pragma once
#include "agent/daemon/identity_files.h"
#include "common/tls/authorities.h"

struct trusted { /* zeroed at first */
    char list[AUTHORITIES_LIST_SIZE];
    char issuer[FINGERPRINT_TEXT_SIZE]; /* of the certificate in use; empty: none of them */
    bool is_outdated;                   /* it is not of the newest */
    struct buf pems;                    /* once others were told: what identity->ca_pem points to */
};
/* Looks at the identity, whose CAs or certificate have changed. */
MUST_CHECK bool trusted_look(struct trusted *t, const struct device_identity *identity,
                             struct err *err);
/* Takes what the hub told, durably, in the place of what was trusted: ERR_DENIED with the reason.
 * *ret_is_new is false when it is the same. */
MUST_CHECK bool trusted_take(struct trusted *t, struct device_identity *identity,
                             const char *state_dir, struct str pems, struct str signature,
                             bool *ret_is_new, struct err *err);
void trusted_release(struct trusted *t, struct device_identity *identity);
