#include "common/tls/mbed.h"

#include <mbedtls/oid.h>
#include <string.h>

static void serial_hex(const mbedtls_x509_buf *serial, char *text, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = serial->p;
    size_t len = serial->len;
    if (len > 1 && p[0] == 0) { /* DER's sign byte */
        p++;
        len--;
    }
    size_t pos = 0;
    for (size_t i = 0; i < len && pos + 2 < size; i++) {
        text[pos++] = digits[p[i] >> 4];
        text[pos++] = digits[p[i] & 15];
    }
    text[pos] = '\0';
}

bool identity_read_cert(struct str cert_pem, struct identity_info *ret, struct err *err)
{
    AUTO(mbed_cert) cert = {0};
    struct identity_info info = {0};
    if (!mbed_cert_parse(cert_pem, &cert, err) ||
        !mbed_key_fingerprint(&cert.crt.pk, info.key_fingerprint, err)) {
        return false;
    }
    mbed_common_name(&cert.crt.subject, info.common_name);
    mbed_common_name(&cert.crt.issuer, info.issuer);
    serial_hex(&cert.crt.serial, info.serial, sizeof(info.serial));
    digest_hex((struct str){(const char *)cert.crt.raw.p, cert.crt.raw.len}, info.fingerprint);
    info.not_before = mbed_time(&cert.crt.valid_from);
    info.not_after = mbed_time(&cert.crt.valid_to);
    info.is_ca = mbed_is_ca(&cert.crt);
    *ret = info;
    return true;
}

/* The extension must be there: without it a certificate would serve for everything. */
static bool is_for(const mbedtls_x509_crt *crt, enum identity_kind kind)
{
    if (kind == IDENTITY_CA) {
        return mbed_is_ca(crt) &&
               mbedtls_x509_crt_check_key_usage(crt, MBEDTLS_X509_KU_KEY_CERT_SIGN) == 0;
    }
    const char *oid = kind == IDENTITY_SERVER ? MBEDTLS_OID_SERVER_AUTH : MBEDTLS_OID_CLIENT_AUTH;
    return !mbed_is_ca(crt) && mbed_has_extended_use(crt) &&
           mbedtls_x509_crt_check_extended_key_usage(
               crt, oid, MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) == 0;
}

bool identity_verify(struct str cert_pem, struct str ca_pem, enum identity_kind kind,
                     struct wall_time now, struct err *err)
{
    static const char *const uses[] = {
        [IDENTITY_CA] = "signing", [IDENTITY_SERVER] = "servers", [IDENTITY_CLIENT] = "clients"};
    AUTO(mbed_cert) cert = {0};
    AUTO(mbed_cert) ca = {0};
    if (!mbed_cert_parse(cert_pem, &cert, err)) {
        return false;
    }
    if (!mbed_cert_parse(ca_pem, &ca, err)) {
        return err_wrap(err, "CA");
    }
    struct mbed_verdict verdict = {.now = now};
    uint32_t flags = 0;
    int rc = mbedtls_x509_crt_verify_with_profile(&cert.crt, &ca.crt, NULL,
                                                  &mbedtls_x509_crt_profile_next, NULL, &flags,
                                                  mbed_verdict_check, &verdict);
    if (rc == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
        return mbed_verdict_err(&verdict, "certificate", err);
    }
    if (rc != 0) {
        return mbed_err(err, ERR_DENIED, rc, "certificate \"%s\"", verdict.subject);
    }
    if (!is_for(&cert.crt, kind)) {
        return err_set(err, ERR_DENIED, "certificate \"%s\" is not for %s", verdict.subject,
                       uses[kind]);
    }
    return true;
}

bool identity_is_signed_by(struct str cert_pem, struct str ca_pem)
{
    AUTO(mbed_cert) cert = {0};
    AUTO(mbed_cert) ca = {0};
    struct err why = {0};
    if (!mbed_cert_parse(cert_pem, &cert, &why) || !mbed_cert_parse(ca_pem, &ca, &why)) {
        return false;
    }
    struct mbed_verdict verdict = {.ignore_dates = true};
    uint32_t flags = 0;
    return mbedtls_x509_crt_verify_with_profile(&cert.crt, &ca.crt, NULL,
                                                &mbedtls_x509_crt_profile_next, NULL, &flags,
                                                mbed_verdict_check, &verdict) == 0;
}
