/* mbed.h - mbedTLS behind our idioms: objects that release themselves, errors as sentences, and the
 * differences between 2.28 and 3.6 in one place. Internal to common/tls, the only folder that
 * includes mbedTLS. */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/time.h"
#include "common/platform/rng.h"
#include "common/tls/identity.h"
#include <mbedtls/pk.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>

#if MBEDTLS_VERSION_NUMBER < 0x021c0000 ||                                                         \
    (MBEDTLS_VERSION_NUMBER >= 0x03000000 && MBEDTLS_VERSION_NUMBER < 0x03060000)
#error "mbedTLS 2.28 or 3.6 (the two long-term releases) is needed"
#endif

enum {
    KEY_PEM_BYTES_MAX = 8 << 10,
    CSR_PEM_BYTES_MAX = 4 << 10,
    CERT_PEM_BYTES_MAX = 64 << 10,
    COMMON_NAME_SIZE = 64,
};

struct mbed_key {
    mbedtls_pk_context pk;
};
struct mbed_cert {
    mbedtls_x509_crt crt;
};
struct mbed_csr {
    mbedtls_x509_csr csr;
};
/* All-zero is what mbedTLS's own init functions make; the first call of a parse function does it
 * again. */
void mbed_key_release(struct mbed_key *key);
void mbed_cert_release(struct mbed_cert *cert);
void mbed_csr_release(struct mbed_csr *csr);

/* "fmt: mbedTLS's reason". Always false. */
PRINTF_LIKE(4, 5)
bool mbed_err(struct err *err, enum err_code code, int rc, const char *fmt, ...);

/* The f_rng that mbedTLS asks for; `rng` is a struct rng. */
int mbed_random(void *rng, unsigned char *bytes, size_t len);

/* Each takes an object that is zero and leaves it releasable whatever happens. */
MUST_CHECK bool mbed_key_parse(const struct rng *rng, struct str pem, struct mbed_key *ret,
                               struct err *err);
MUST_CHECK bool mbed_cert_parse(struct str pem, struct mbed_cert *ret, struct err *err);
/* Checks that the key is P-256 and that the request is signed by it. */
MUST_CHECK bool mbed_csr_parse(struct str pem, struct mbed_csr *ret, struct err *err);

MUST_CHECK bool mbed_is_pair(const struct rng *rng, const mbedtls_pk_context *pub,
                             const mbedtls_pk_context *priv);
MUST_CHECK bool mbed_key_fingerprint(const mbedtls_pk_context *pk, char ret[FINGERPRINT_TEXT_SIZE],
                                     struct err *err);
bool mbed_is_ca(const mbedtls_x509_crt *crt);
bool mbed_has_extended_use(const mbedtls_x509_crt *crt);
struct wall_time mbed_time(const mbedtls_x509_time *t);
/* The CN, clipped, with anything but printable ASCII as '?'; "" when there is none. */
void mbed_common_name(const mbedtls_x509_name *name, char ret[COMMON_NAME_SIZE]);
/* 1..63 bytes of [A-Za-z0-9._-]. */
bool mbed_name_is_valid(struct str name);

/* What a chain of certificates is checked against, beyond what mbedTLS does by itself, and what was
 * found. mbedTLS asks the system for the time; here the caller says it. */
struct mbed_verdict {
    struct wall_time now;
    bool ignore_dates;
    struct str pinned_root;  /* SHA-256 (hex) of a root to trust when it is presented, or several,
                                one behind the other; else empty */
    const char *server_name; /* NULL = not asked; an IP address is compared here, for 2.28 knows
                                only DNS names */
    struct buf *learned;     /* where the pinned root goes, as PEM; NULL = nowhere */

    bool was_called;
    char leaf[COMMON_NAME_SIZE]; /* the name of whom it is about */
    uint32_t flags;              /* MBEDTLS_X509_BADCERT_*; of the certificate described below */
    char subject[COMMON_NAME_SIZE];
    char issuer[COMMON_NAME_SIZE];
    struct wall_time not_before, not_after;
};
/* mbedTLS's verification callback: `verdict` is a struct mbed_verdict. */
int mbed_verdict_check(void *verdict, mbedtls_x509_crt *crt, int depth, uint32_t *flags);
/* ERR_DENIED with the reason in words. `what` begins the sentence ("server certificate"). Always
 * false. */
bool mbed_verdict_err(const struct mbed_verdict *v, const char *what, struct err *err);
