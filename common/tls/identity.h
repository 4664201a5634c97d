/* identity.h - keys, certificates and who they belong to (mbedTLS; P-256 only). Everything is PEM
 * text in and out; a private key is handled only by the functions that need it and wiped after.
 * Pure but for the rng it is given: times are arguments, files are the caller's. */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/time.h"
#include "common/platform/rng.h"

enum { FINGERPRINT_TEXT_SIZE = 65 }; /* SHA-256 of the DER as 64 lower-case hex digits and a NUL */

enum identity_kind {
    IDENTITY_CA,     /* may sign; path length 0 */
    IDENTITY_SERVER, /* serverAuth; `host_names` become subject alternative names (DNS or IP) */
    IDENTITY_CLIENT, /* clientAuth */
};

/* A new private key as PEM, appended to `ret_key` (whose memory the caller wipes). */
MUST_CHECK bool identity_make_key(const struct rng *rng, struct buf *ret_key, struct err *err);
/* A request for `common_name`, signed by the key. */
MUST_CHECK bool identity_make_csr(const struct rng *rng, struct str key_pem, struct str common_name,
                                  struct buf *ret_csr, struct err *err);
/* Checks shape and signature of a foreign request (at most 4 KiB). *ret_name is written into
 * `name`. */
MUST_CHECK bool identity_read_csr(struct str csr_pem, struct buf *ret_name, struct err *err);

struct identity_issue {
    enum identity_kind kind;
    struct str common_name;       /* 1..63 bytes of [A-Za-z0-9._-] */
    const struct str *host_names; /* server only */
    size_t host_name_count;
    struct wall_time not_before;
    struct wall_time not_after;
};
/* A self-signed CA. Serial numbers are 128 random bits. */
MUST_CHECK bool identity_make_ca(const struct rng *rng, struct str key_pem,
                                 const struct identity_issue *issue, struct buf *ret_cert,
                                 struct err *err);
/* A certificate for a key of ours (server, hub client), signed by the CA. */
MUST_CHECK bool identity_issue_for_key(const struct rng *rng, struct str ca_cert, struct str ca_key,
                                       struct str key_pem, const struct identity_issue *issue,
                                       struct buf *ret_cert, struct err *err);
/* A certificate for a request; subject and use come from `issue`, only the public key from the
 * request. */
MUST_CHECK bool identity_issue_for_csr(const struct rng *rng, struct str ca_cert, struct str ca_key,
                                       struct str csr_pem, const struct identity_issue *issue,
                                       struct buf *ret_cert, struct err *err);

struct identity_info {
    char common_name[64];
    char issuer[64];
    char serial[48];                             /* hex */
    char fingerprint[FINGERPRINT_TEXT_SIZE];     /* of the certificate */
    char key_fingerprint[FINGERPRINT_TEXT_SIZE]; /* of the public key (SPKI DER) */
    struct wall_time not_before;
    struct wall_time not_after;
    bool is_ca;
};
/* The first certificate of the PEM text (at most 64 KiB). */
MUST_CHECK bool identity_read_cert(struct str cert_pem, struct identity_info *ret, struct err *err);
/* Public-key fingerprint of a request or of a private key: "the same key" across messages. */
MUST_CHECK bool identity_csr_key_fingerprint(struct str csr_pem, char ret[FINGERPRINT_TEXT_SIZE],
                                             struct err *err);
/* Verifies `cert_pem` against `ca_pem` at `now` for `kind`. ERR_DENIED with the reason in words
 * (expired on ..., signed by another CA, not for clients). */
MUST_CHECK bool identity_verify(struct str cert_pem, struct str ca_pem, enum identity_kind kind,
                                struct wall_time now, struct err *err);
/* Whether the CA's key signed it; nothing else is asked. */
bool identity_is_signed_by(struct str cert_pem, struct str ca_pem);
/* ERR_INVALID unless the private key belongs to the certificate. */
MUST_CHECK bool identity_check_pair(const struct rng *rng, struct str cert_pem, struct str key_pem,
                                    struct err *err);

/* --- signatures: ECDSA with SHA-256 over all the bytes, DER, as hex digits. What
 * `openssl dgst -sha256 -sign key.pem | od -An -tx1 | tr -d ' \n'` prints. --- */
enum { SIGNATURE_TEXT_SIZE = 145, KEY_ID_SIZE = 17 };
MUST_CHECK bool identity_sign(const struct rng *rng, struct str key_pem, struct str bytes,
                              char ret[SIGNATURE_TEXT_SIZE], struct err *err);
/* `key_pem` is a public key; ERR_DENIED when it did not sign these bytes. */
MUST_CHECK bool identity_check_signature(struct str key_pem, struct str bytes, struct str signature,
                                         struct err *err);
/* The public half of a private key, appended as PEM. */
MUST_CHECK bool identity_public_key(const struct rng *rng, struct str key_pem, struct buf *ret_pem,
                                    struct err *err);
/* The same of a certificate. */
MUST_CHECK bool identity_cert_public_key(struct str cert_pem, struct buf *ret_pem, struct err *err);
/* Names a public key: the first 16 digits of its fingerprint. */
MUST_CHECK bool identity_key_id(struct str public_pem, char ret[KEY_ID_SIZE], struct err *err);

/* --- a list of revoked certificates --- */
struct identity_revoked {
    struct str serial; /* hex, as in struct identity_info */
    struct wall_time at;
};
struct identity_crl {
    const struct identity_revoked *revoked;
    size_t count;
    struct wall_time this_update;
    struct wall_time next_update; /* whoever checks it accepts nobody after that */
};
/* Signed by the CA, appended as PEM. ERR_FULL beyond some 100,000 certificates. */
MUST_CHECK bool identity_make_crl(const struct rng *rng, struct str ca_cert, struct str ca_key,
                                  const struct identity_crl *crl, struct buf *ret, struct err *err);

/* SHA-256 as 64 hex digits; and of raw bytes. */
void digest_hex(struct str bytes, char ret[FINGERPRINT_TEXT_SIZE]);
void digest_sha256(struct str bytes, uint8_t ret[32]);
bool digest_equal(struct str a, struct str b); /* constant time */
/* Whether a digest (64 hex digits) is one of several that stand one behind the other. */
bool digest_is_one_of(struct str digest, struct str several);
