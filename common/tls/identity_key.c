#include "common/tls/mbed.h"

#include <mbedtls/ecp.h>
#include <mbedtls/sha256.h>
#include <string.h>

bool identity_make_key(const struct rng *rng, struct buf *ret_key, struct err *err)
{
    AUTO(mbed_key) key = {0};
    mbedtls_pk_init(&key.pk);
    struct rng source = *rng;
    int rc = mbedtls_pk_setup(&key.pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
    if (rc == 0) {
        rc = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(key.pk), mbed_random,
                                 &source);
    }
    if (rc != 0) {
        return mbed_err(err, ERR_INTERNAL, rc, "make a P-256 key");
    }
    unsigned char pem[512];
    rc = mbedtls_pk_write_key_pem(&key.pk, pem, sizeof(pem));
    if (rc == 0) {
        buf_add_text(ret_key, (const char *)pem);
    }
    explicit_bzero(pem, sizeof(pem));
    if (rc != 0) {
        return mbed_err(err, ERR_INTERNAL, rc, "write a private key");
    }
    if (ret_key->overflow) {
        return err_set(err, ERR_FULL, "private key: the buffer is full");
    }
    return true;
}

bool identity_check_pair(const struct rng *rng, struct str cert_pem, struct str key_pem,
                         struct err *err)
{
    AUTO(mbed_cert) cert = {0};
    AUTO(mbed_key) key = {0};
    if (!mbed_cert_parse(cert_pem, &cert, err) || !mbed_key_parse(rng, key_pem, &key, err)) {
        return false;
    }
    if (!mbed_is_pair(rng, &cert.crt.pk, &key.pk)) {
        char name[COMMON_NAME_SIZE];
        mbed_common_name(&cert.crt.subject, name);
        return err_set(err, ERR_INVALID,
                       "the private key does not belong to the certificate \"%s\"", name);
    }
    return true;
}

void digest_sha256(struct str bytes, uint8_t ret[32])
{
    /* Fails only where a hardware engine replaces the software; a hash of nothing known must not
     * pass for one. */
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    int rc = mbedtls_sha256((const unsigned char *)bytes.ptr, bytes.len, ret, 0);
#else
    int rc = mbedtls_sha256_ret((const unsigned char *)bytes.ptr, bytes.len, ret, 0);
#endif
    if (rc != 0) {
        __builtin_trap();
    }
}

void digest_hex(struct str bytes, char ret[FINGERPRINT_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t hash[32];
    digest_sha256(bytes, hash);
    for (size_t i = 0; i < sizeof(hash); i++) {
        ret[2 * i] = digits[hash[i] >> 4];
        ret[2 * i + 1] = digits[hash[i] & 15];
    }
    ret[2 * sizeof(hash)] = '\0';
}

bool digest_equal(struct str a, struct str b)
{
    if (a.len != b.len) {
        return false;
    }
    volatile unsigned char differs = 0;
    for (size_t i = 0; i < a.len; i++) {
        differs = (unsigned char)(differs | ((unsigned char)a.ptr[i] ^ (unsigned char)b.ptr[i]));
    }
    return differs == 0;
}

bool digest_is_one_of(struct str digest, struct str several)
{
    const size_t len = FINGERPRINT_TEXT_SIZE - 1;
    for (size_t i = 0; i + len <= several.len; i += len) {
        if (digest_equal(digest, str_slice(several, i, i + len))) {
            return true;
        }
    }
    return false;
}
