#include "common/tls/mbed.h"

#include <stdio.h>

bool identity_make_csr(const struct rng *rng, struct str key_pem, struct str common_name,
                       struct buf *ret_csr, struct err *err)
{
    if (!mbed_name_is_valid(common_name)) {
        return err_set(err, ERR_INVALID,
                       "certificate request: the name must be 1..63 of A-Z a-z 0-9 . _ -");
    }
    AUTO(mbed_key) key = {0};
    if (!mbed_key_parse(rng, key_pem, &key, err)) {
        return false;
    }
    char subject[COMMON_NAME_SIZE + 4];
    (void)snprintf(subject, sizeof(subject), "CN=" STR_FMT, STR_ARG(common_name));
    struct rng source = *rng;
    unsigned char pem[CSR_PEM_BYTES_MAX];
    mbedtls_x509write_csr request;
    mbedtls_x509write_csr_init(&request);
    mbedtls_x509write_csr_set_md_alg(&request, MBEDTLS_MD_SHA256);
    mbedtls_x509write_csr_set_key(&request, &key.pk);
    int rc = mbedtls_x509write_csr_set_subject_name(&request, subject);
    if (rc == 0) {
        rc = mbedtls_x509write_csr_pem(&request, pem, sizeof(pem), mbed_random, &source);
    }
    mbedtls_x509write_csr_free(&request);
    if (rc != 0) {
        return mbed_err(err, ERR_INTERNAL, rc, "make a certificate request");
    }
    buf_add_text(ret_csr, (const char *)pem);
    if (ret_csr->overflow) {
        return err_set(err, ERR_FULL, "certificate request: the buffer is full");
    }
    return true;
}

bool identity_read_csr(struct str csr_pem, struct buf *ret_name, struct err *err)
{
    AUTO(mbed_csr) csr = {0};
    if (!mbed_csr_parse(csr_pem, &csr, err)) {
        return false;
    }
    char name[COMMON_NAME_SIZE];
    mbed_common_name(&csr.csr.subject, name);
    if (!mbed_name_is_valid(str_from(name))) {
        return err_set(err, ERR_INVALID,
                       "certificate request: the name \"%s\" is not 1..63 of A-Z a-z 0-9 . _ -",
                       name);
    }
    buf_add_text(ret_name, name);
    if (ret_name->overflow) {
        return err_set(err, ERR_FULL, "certificate request: no room for the name");
    }
    return true;
}

bool identity_csr_key_fingerprint(struct str csr_pem, char ret[FINGERPRINT_TEXT_SIZE],
                                  struct err *err)
{
    AUTO(mbed_csr) csr = {0};
    return mbed_csr_parse(csr_pem, &csr, err) && mbed_key_fingerprint(&csr.csr.pk, ret, err);
}
