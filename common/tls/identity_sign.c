#include "common/tls/mbed.h"

#include <string.h>

enum { SIGNATURE_BYTES_MAX = (SIGNATURE_TEXT_SIZE - 1) / 2, PUBLIC_PEM_BYTES_MAX = 1024 };

static bool parse_public(struct str pem, struct mbed_key *ret, struct err *err)
{
    char text[PUBLIC_PEM_BYTES_MAX];
    mbedtls_pk_init(&ret->pk);
    if (pem.len == 0 || pem.len >= sizeof(text)) {
        return err_set(err, ERR_INVALID, "public key: must be PEM of at most %d bytes",
                       (int)sizeof(text) - 1);
    }
    memcpy(text, pem.ptr, pem.len);
    text[pem.len] = '\0';
    int rc = mbedtls_pk_parse_public_key(&ret->pk, (const unsigned char *)text, pem.len + 1);
    if (rc != 0) {
        return mbed_err(err, ERR_INVALID, rc, "public key");
    }
    if (!mbedtls_pk_can_do(&ret->pk, MBEDTLS_PK_ECDSA) || mbedtls_pk_get_bitlen(&ret->pk) != 256) {
        return err_set(err, ERR_INVALID, "public key: must be of the curve P-256");
    }
    return true;
}

bool identity_sign(const struct rng *rng, struct str key_pem, struct str bytes,
                   char ret[SIGNATURE_TEXT_SIZE], struct err *err)
{
    static const char digits[] = "0123456789abcdef";
    AUTO(mbed_key) key = {0};
    uint8_t hash[32];
    unsigned char signature[MBEDTLS_PK_SIGNATURE_MAX_SIZE];
    size_t len = 0;
    if (!mbed_key_parse(rng, key_pem, &key, err)) {
        return false;
    }
    struct rng source = *rng;
    digest_sha256(bytes, hash);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    int rc = mbedtls_pk_sign(&key.pk, MBEDTLS_MD_SHA256, hash, sizeof(hash), signature,
                             sizeof(signature), &len, mbed_random, &source);
#else
    int rc = mbedtls_pk_sign(&key.pk, MBEDTLS_MD_SHA256, hash, sizeof(hash), signature, &len,
                             mbed_random, &source);
#endif
    if (rc != 0 || len > SIGNATURE_BYTES_MAX) {
        return mbed_err(err, ERR_INTERNAL, rc, "sign");
    }
    for (size_t i = 0; i < len; i++) {
        ret[2 * i] = digits[signature[i] >> 4];
        ret[2 * i + 1] = digits[signature[i] & 15];
    }
    ret[2 * len] = '\0';
    return true;
}

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(struct str text, unsigned char *bytes, size_t *ret_len)
{
    if (text.len == 0 || text.len % 2 != 0 || text.len / 2 > SIGNATURE_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.len; i += 2) {
        int high = nibble(text.ptr[i]);
        int low = nibble(text.ptr[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i / 2] = (unsigned char)(high << 4 | low);
    }
    *ret_len = text.len / 2;
    return true;
}

bool identity_check_signature(struct str key_pem, struct str bytes, struct str signature,
                              struct err *err)
{
    AUTO(mbed_key) key = {0};
    unsigned char raw[SIGNATURE_BYTES_MAX];
    size_t len = 0;
    uint8_t hash[32];
    if (!parse_public(key_pem, &key, err)) {
        return false;
    }
    if (!read_hex(signature, raw, &len)) {
        return err_set(err, ERR_DENIED, "the signature is no ECDSA signature in hex digits");
    }
    digest_sha256(bytes, hash);
    if (mbedtls_pk_verify(&key.pk, MBEDTLS_MD_SHA256, hash, sizeof(hash), raw, len) != 0) {
        return err_set(err, ERR_DENIED, "the signature is not of these bytes by this key");
    }
    return true;
}

bool identity_public_key(const struct rng *rng, struct str key_pem, struct buf *ret_pem,
                         struct err *err)
{
    AUTO(mbed_key) key = {0};
    unsigned char pem[PUBLIC_PEM_BYTES_MAX];
    if (!mbed_key_parse(rng, key_pem, &key, err)) {
        return false;
    }
    int rc = mbedtls_pk_write_pubkey_pem(&key.pk, pem, sizeof(pem));
    if (rc != 0) {
        return mbed_err(err, ERR_INTERNAL, rc, "write a public key");
    }
    buf_add_text(ret_pem, (const char *)pem);
    return !ret_pem->overflow || err_set(err, ERR_FULL, "public key: the buffer is full");
}

bool identity_key_id(struct str public_pem, char ret[KEY_ID_SIZE], struct err *err)
{
    AUTO(mbed_key) key = {0};
    char fingerprint[FINGERPRINT_TEXT_SIZE];
    if (!parse_public(public_pem, &key, err) || !mbed_key_fingerprint(&key.pk, fingerprint, err)) {
        return false;
    }
    memcpy(ret, fingerprint, KEY_ID_SIZE - 1);
    ret[KEY_ID_SIZE - 1] = '\0';
    return true;
}

bool identity_cert_public_key(struct str cert_pem, struct buf *ret_pem, struct err *err)
{
    AUTO(mbed_cert) cert = {0};
    unsigned char pem[PUBLIC_PEM_BYTES_MAX];
    if (!mbed_cert_parse(cert_pem, &cert, err)) {
        return false;
    }
    int rc = mbedtls_pk_write_pubkey_pem(&cert.crt.pk, pem, sizeof(pem));
    if (rc != 0) {
        return mbed_err(err, ERR_INVALID, rc, "certificate: public key");
    }
    buf_add_text(ret_pem, (const char *)pem);
    return !ret_pem->overflow || err_set(err, ERR_FULL, "public key: the buffer is full");
}
