/* authorities.h - the CAs that a device, a hub or a broker trusts: certificates as PEM, one after the
 * other, first the one that signed the broker's. One of them; two while a fleet changes its CA. What
 * names them is the list of their fingerprints, one space between. Pure.
 *
 * A set follows another when its newest certificate began later, or when it is that set with fewer:
 * so an earlier set that somebody kept is never taken again. Design: docs/decisions/0017-ca-rotation.md */
#pragma once
#include "common/tls/identity.h"

enum {
    AUTHORITIES_MAX = 4,
    AUTHORITIES_BYTES_MAX = 16 << 10,
    AUTHORITIES_LIST_SIZE = AUTHORITIES_MAX * FINGERPRINT_TEXT_SIZE,
};

/* The next PEM text of several; false at the end. */
bool authorities_next(struct str *rest, struct str *ret_pem);
/* 1 to AUTHORITIES_MAX certificates of CAs, none twice, nothing else; and their list. */
MUST_CHECK bool authorities_list(struct str pems, char ret[AUTHORITIES_LIST_SIZE], struct err *err);
bool authorities_has(struct str list, struct str fingerprint);
/* The one that began last, and the one that issued `cert_pem` (dates are not looked at). ERR_DENIED:
 * none of them did. */
MUST_CHECK bool authorities_newest(struct str pems, struct identity_info *ret, struct err *err);
MUST_CHECK bool authorities_issuer(struct str pems, struct str cert_pem,
                                   char ret[FINGERPRINT_TEXT_SIZE], struct err *err);
/* Whether who trusts `held` takes `offered`, which one of `held` has signed (identity_sign() over all
 * of its bytes). ERR_DENIED with the reason, ERR_INVALID. The same set follows itself. */
MUST_CHECK bool authorities_check_next(struct str held, struct str offered, struct str signature,
                                       struct err *err);
