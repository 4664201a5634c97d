#include "common/tls/mbed.h"

#include <mbedtls/asn1.h>
#include <mbedtls/ecp.h>
#include <mbedtls/error.h>
#include <mbedtls/md.h>
#include <mbedtls/oid.h>
#include <mbedtls/sha256.h>
#include <stdio.h>
#include <string.h>

void mbed_key_release(struct mbed_key *key)
{
    mbedtls_pk_free(&key->pk); /* wipes */
}

void mbed_cert_release(struct mbed_cert *cert)
{
    mbedtls_x509_crt_free(&cert->crt);
}

void mbed_csr_release(struct mbed_csr *csr)
{
    mbedtls_x509_csr_free(&csr->csr);
}

bool mbed_err(struct err *err, enum err_code code, int rc, const char *fmt, ...)
{
    char what[sizeof(err->msg)];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    char reason[160];
    mbedtls_strerror(rc, reason, sizeof(reason));
    if (rc == MBEDTLS_ERR_PK_ALLOC_FAILED || rc == MBEDTLS_ERR_X509_ALLOC_FAILED) {
        code = ERR_NO_MEMORY;
    }
    return err_set(err, code, "%s: %s", len < 0 ? "" : what, reason);
}

int mbed_random(void *rng, unsigned char *bytes, size_t len)
{
    const struct rng *r = rng;
    r->fill(r->ctx, bytes, len);
    return 0;
}

/* mbedTLS takes PEM only with its NUL, which counts. */
struct pem_text {
    struct buf buf;
};

static void pem_text_release(struct pem_text *t)
{
    buf_wipe(&t->buf);
}

static const unsigned char *pem_bytes(const struct pem_text *t)
{
    return (const unsigned char *)t->buf.ptr;
}

static bool pem_copy(struct str pem, size_t max, const char *what, struct pem_text *ret,
                     struct err *err)
{
    if (pem.len == 0) {
        return err_set(err, ERR_INVALID, "%s is empty", what);
    }
    if (pem.len > max) {
        return err_set(err, ERR_INVALID, "%s of %zu bytes is larger than %zu", what, pem.len, max);
    }
    if (memchr(pem.ptr, '\0', pem.len) != NULL || !str_contains(pem, STR("-----BEGIN "))) {
        return err_set(err, ERR_INVALID, "%s is not PEM text", what);
    }
    ret->buf = buf_growing(pem.len + 1);
    /* All at once: a buffer that grew would leave a copy of the key behind. */
    if (buf_reserve(&ret->buf, pem.len + 1) == NULL) {
        return err_set(err, ERR_NO_MEMORY, "%s: out of memory", what);
    }
    buf_add(&ret->buf, pem);
    buf_add_char(&ret->buf, '\0');
    return true;
}

static bool is_p256(const mbedtls_pk_context *pk)
{
    if (mbedtls_pk_can_do(pk, MBEDTLS_PK_ECDSA) == 0) {
        return false;
    }
    const mbedtls_ecp_keypair *pair = mbedtls_pk_ec(*pk);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    return mbedtls_ecp_keypair_get_group_id(pair) == MBEDTLS_ECP_DP_SECP256R1;
#else
    return pair->grp.id == MBEDTLS_ECP_DP_SECP256R1;
#endif
}

bool mbed_key_parse(const struct rng *rng, struct str pem, struct mbed_key *ret, struct err *err)
{
    mbedtls_pk_init(&ret->pk);
    AUTO(pem_text) text = {0};
    if (!pem_copy(pem, KEY_PEM_BYTES_MAX, "private key", &text, err)) {
        return false;
    }
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    struct rng source = *rng;
    int rc = mbedtls_pk_parse_key(&ret->pk, pem_bytes(&text), text.buf.len, NULL, 0, mbed_random,
                                  &source);
#else
    (void)rng;
    int rc = mbedtls_pk_parse_key(&ret->pk, pem_bytes(&text), text.buf.len, NULL, 0);
#endif
    if (rc != 0) {
        return mbed_err(err, ERR_INVALID, rc, "private key");
    }
    if (!is_p256(&ret->pk)) {
        return err_set(err, ERR_INVALID, "private key is not a P-256 key");
    }
    return true;
}

bool mbed_cert_parse(struct str pem, struct mbed_cert *ret, struct err *err)
{
    mbedtls_x509_crt_init(&ret->crt);
    AUTO(pem_text) text = {0};
    if (!pem_copy(pem, CERT_PEM_BYTES_MAX, "certificate", &text, err)) {
        return false;
    }
    int rc = mbedtls_x509_crt_parse(&ret->crt, pem_bytes(&text), text.buf.len);
    if (rc > 0) {
        return err_set(err, ERR_INVALID, "certificate: %d of the certificates cannot be read", rc);
    }
    if (rc != 0) {
        return mbed_err(err, ERR_INVALID, rc, "certificate");
    }
    return true;
}

/* mbedTLS parses a request without checking its signature, and 3.x keeps the signature to itself:
 * it is what follows the signed part in the DER. */
static bool csr_signature_holds(mbedtls_x509_csr *csr)
{
    if (MBEDTLS_OID_CMP(MBEDTLS_OID_ECDSA_SHA256, &csr->sig_oid) != 0) {
        return false;
    }
    unsigned char *pos = csr->cri.p + csr->cri.len;
    const unsigned char *end = csr->raw.p + csr->raw.len;
    mbedtls_asn1_buf algorithm;
    mbedtls_asn1_buf parameters;
    size_t len = 0;
    if (mbedtls_asn1_get_alg(&pos, end, &algorithm, &parameters) != 0 ||
        mbedtls_asn1_get_bitstring_null(&pos, end, &len) != 0 || len > (size_t)(end - pos)) {
        return false;
    }
    uint8_t hash[32];
    digest_sha256((struct str){(const char *)csr->cri.p, csr->cri.len}, hash);
    return mbedtls_pk_verify(&csr->pk, MBEDTLS_MD_SHA256, hash, sizeof(hash), pos, len) == 0;
}

bool mbed_csr_parse(struct str pem, struct mbed_csr *ret, struct err *err)
{
    mbedtls_x509_csr_init(&ret->csr);
    AUTO(pem_text) text = {0};
    if (!pem_copy(pem, CSR_PEM_BYTES_MAX, "certificate request", &text, err)) {
        return false;
    }
    int rc = mbedtls_x509_csr_parse(&ret->csr, pem_bytes(&text), text.buf.len);
    if (rc != 0) {
        return mbed_err(err, ERR_INVALID, rc, "certificate request");
    }
    if (!is_p256(&ret->csr.pk)) {
        return err_set(err, ERR_INVALID, "certificate request: the key is not a P-256 key");
    }
    if (!csr_signature_holds(&ret->csr)) {
        return err_set(err, ERR_DENIED, "certificate request: it is not signed by its own key");
    }
    return true;
}

bool mbed_is_pair(const struct rng *rng, const mbedtls_pk_context *pub,
                  const mbedtls_pk_context *priv)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    struct rng source = *rng;
    return mbedtls_pk_check_pair(pub, priv, mbed_random, &source) == 0;
#else
    (void)rng;
    return mbedtls_pk_check_pair(pub, priv) == 0;
#endif
}

bool mbed_key_fingerprint(const mbedtls_pk_context *pk, char ret[FINGERPRINT_TEXT_SIZE],
                          struct err *err)
{
    unsigned char der[1200];       /* RSA 8192, the largest key that mbedTLS takes, is 1062 */
    mbedtls_pk_context copy = *pk; /* 2.28 asks for a key that it may change, and does not */
    int len = mbedtls_pk_write_pubkey_der(&copy, der, sizeof(der));
    if (len < 0) {
        return mbed_err(err, ERR_INVALID, len, "public key");
    }
    /* mbedTLS writes from the end. */
    digest_hex((struct str){(const char *)der + sizeof(der) - (size_t)len, (size_t)len}, ret);
    return true;
}

bool mbed_is_ca(const mbedtls_x509_crt *crt)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    return mbedtls_x509_crt_get_ca_istrue(crt) == 1;
#else
    return crt->ca_istrue != 0;
#endif
}

bool mbed_has_extended_use(const mbedtls_x509_crt *crt)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    return mbedtls_x509_crt_has_ext_type(crt, MBEDTLS_X509_EXT_EXTENDED_KEY_USAGE) != 0;
#else
    return (crt->ext_types & MBEDTLS_X509_EXT_EXTENDED_KEY_USAGE) != 0;
#endif
}

struct wall_time mbed_time(const mbedtls_x509_time *t)
{
    struct civil_time c = {.year = t->year,
                           .month = t->mon,
                           .day = t->day,
                           .hour = t->hour,
                           .minute = t->min,
                           .second = t->sec};
    int64_t seconds = civil_to_seconds(&c);
    /* X.509 reaches the year 9999, nanoseconds in 64 bits only 2262. */
    if (seconds > INT64_MAX / NS_PER_SEC) {
        return (struct wall_time){INT64_MAX};
    }
    if (seconds < INT64_MIN / NS_PER_SEC) {
        return (struct wall_time){INT64_MIN};
    }
    return (struct wall_time){seconds * NS_PER_SEC};
}

void mbed_common_name(const mbedtls_x509_name *name, char ret[COMMON_NAME_SIZE])
{
    ret[0] = '\0';
    for (; name != NULL; name = name->next) {
        if (name->oid.p == NULL || MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &name->oid) != 0) {
            continue;
        }
        size_t len = name->val.len < COMMON_NAME_SIZE - 1 ? name->val.len : COMMON_NAME_SIZE - 1;
        for (size_t i = 0; i < len; i++) {
            unsigned char c = name->val.p[i];
            ret[i] = (char)(c >= ' ' && c < 0x7f ? c : '?');
        }
        ret[len] = '\0';
        return;
    }
}

bool mbed_name_is_valid(struct str name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    if (name.len < 1 || name.len >= COMMON_NAME_SIZE) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (memchr(allowed, name.ptr[i], sizeof(allowed) - 1) == NULL) {
            return false;
        }
    }
    return true;
}
