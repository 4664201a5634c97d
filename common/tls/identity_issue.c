#include "common/tls/mbed.h"

#include <arpa/inet.h>
#include <mbedtls/asn1write.h>
#include <mbedtls/bignum.h>
#include <mbedtls/oid.h>
#include <stdio.h>
#include <string.h>

enum { HOST_NAMES_MAX = 16, HOST_NAME_BYTES_MAX = 253 };

static bool check_issue(const struct identity_issue *issue, struct err *err)
{
    if (!mbed_name_is_valid(issue->common_name)) {
        return err_set(err, ERR_INVALID,
                       "certificate: the name must be 1..63 of A-Z a-z 0-9 . _ -");
    }
    if (issue->not_after.ns <= issue->not_before.ns) {
        return err_set(err, ERR_INVALID, "certificate: it would end before it begins");
    }
    if (issue->host_name_count > HOST_NAMES_MAX) {
        return err_set(err, ERR_INVALID, "certificate: more than %d host names", HOST_NAMES_MAX);
    }
    return true;
}

static int set_serial(mbedtls_x509write_cert *crt, const struct rng *rng)
{
    unsigned char serial[16];
    rng->fill(rng->ctx, serial, sizeof(serial));
    if (serial[0] == 0) {
        serial[0] = 1; /* DER allows no leading zero byte */
    }
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    return mbedtls_x509write_crt_set_serial_raw(crt, serial, sizeof(serial));
#else
    mbedtls_mpi number;
    mbedtls_mpi_init(&number);
    int rc = mbedtls_mpi_read_binary(&number, serial, sizeof(serial));
    if (rc == 0) {
        rc = mbedtls_x509write_crt_set_serial(crt, &number);
    }
    mbedtls_mpi_free(&number);
    return rc;
#endif
}

static int set_validity(mbedtls_x509write_cert *crt, const struct identity_issue *issue)
{
    char text[2][24];
    const struct wall_time times[2] = {issue->not_before, issue->not_after};
    for (size_t i = 0; i < 2; i++) {
        struct civil_time c = civil_from_seconds(times[i].ns / NS_PER_SEC);
        (void)snprintf(text[i], sizeof(text[i]), "%04u%02u%02u%02u%02u%02u",
                       (unsigned)c.year % 10000U, (unsigned)c.month % 100U, (unsigned)c.day % 100U,
                       (unsigned)c.hour % 100U, (unsigned)c.minute % 100U,
                       (unsigned)c.second % 100U);
    }
    return mbedtls_x509write_crt_set_validity(crt, text[0], text[1]);
}

/* SEQUENCE OF one purpose. 2.28 cannot write this extension by itself. */
static int set_extended_use(mbedtls_x509write_cert *crt, enum identity_kind kind)
{
    const char *oid = kind == IDENTITY_SERVER ? MBEDTLS_OID_SERVER_AUTH : MBEDTLS_OID_CLIENT_AUTH;
    unsigned char der[32];
    unsigned char *pos = der + sizeof(der);
    int len = mbedtls_asn1_write_oid(&pos, der, oid, MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH));
    if (len > 0) {
        int head = mbedtls_asn1_write_len(&pos, der, (size_t)len);
        int tag =
            mbedtls_asn1_write_tag(&pos, der, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
        len = head < 0 ? head : tag < 0 ? tag : len + head + tag;
    }
    if (len < 0) {
        return len;
    }
    return mbedtls_x509write_crt_set_extension(crt, MBEDTLS_OID_EXTENDED_KEY_USAGE,
                                               MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE), 0,
                                               pos, (size_t)len);
}

/* One GeneralName: [2] dNSName or [7] iPAddress (RFC 5280 section 4.2.1.6). */
static int write_host_name(unsigned char **pos, unsigned char *start, struct str host)
{
    char name[HOST_NAME_BYTES_MAX + 1];
    if (host.len == 0 || host.len > HOST_NAME_BYTES_MAX) {
        return MBEDTLS_ERR_X509_INVALID_NAME;
    }
    memcpy(name, host.ptr, host.len);
    name[host.len] = '\0';
    unsigned char address[16];
    const unsigned char *bytes = (const unsigned char *)name;
    size_t len = host.len;
    unsigned char tag = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2;
    if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1) {
        bytes = address;
        len = memchr(name, ':', host.len) == NULL ? 4 : 16;
        tag = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7;
    }
    int raw = mbedtls_asn1_write_raw_buffer(pos, start, bytes, len);
    int head = raw < 0 ? raw : mbedtls_asn1_write_len(pos, start, len);
    int type = head < 0 ? head : mbedtls_asn1_write_tag(pos, start, tag);
    return type < 0 ? type : raw + head + type;
}

static int set_host_names(mbedtls_x509write_cert *crt, const struct identity_issue *issue)
{
    unsigned char der[HOST_NAMES_MAX * (HOST_NAME_BYTES_MAX + 4) + 8];
    unsigned char *pos = der + sizeof(der);
    size_t len = 0;
    for (size_t i = issue->host_name_count; i-- > 0;) {
        int rc = write_host_name(&pos, der, issue->host_names[i]);
        if (rc < 0) {
            return rc;
        }
        len += (size_t)rc;
    }
    int head = mbedtls_asn1_write_len(&pos, der, len);
    int tag = mbedtls_asn1_write_tag(&pos, der, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
    if (head < 0 || tag < 0) {
        return head < 0 ? head : tag;
    }
    return mbedtls_x509write_crt_set_extension(crt, MBEDTLS_OID_SUBJECT_ALT_NAME,
                                               MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0,
                                               pos, len + (size_t)head + (size_t)tag);
}

static int set_uses(mbedtls_x509write_cert *crt, const struct identity_issue *issue)
{
    bool is_ca = issue->kind == IDENTITY_CA;
    int rc = mbedtls_x509write_crt_set_basic_constraints(crt, is_ca, is_ca ? 0 : -1);
    if (rc == 0) {
        rc = mbedtls_x509write_crt_set_key_usage(crt, is_ca ? MBEDTLS_X509_KU_KEY_CERT_SIGN |
                                                                  MBEDTLS_X509_KU_CRL_SIGN
                                                            : MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
    }
    if (rc == 0) {
        rc = mbedtls_x509write_crt_set_subject_key_identifier(crt);
    }
    if (rc == 0) {
        rc = mbedtls_x509write_crt_set_authority_key_identifier(crt);
    }
    if (rc == 0 && !is_ca) {
        rc = set_extended_use(crt, issue->kind);
    }
    if (rc == 0 && issue->kind == IDENTITY_SERVER && issue->host_name_count > 0) {
        rc = set_host_names(crt, issue);
    }
    return rc;
}

struct signer {
    mbedtls_pk_context *key;
    const char *name; /* "CN=..." */
};

static bool write_cert(const struct rng *rng, const struct signer *signer,
                       mbedtls_pk_context *subject_key, const struct identity_issue *issue,
                       struct buf *ret_cert, struct err *err)
{
    char subject[COMMON_NAME_SIZE + 4];
    (void)snprintf(subject, sizeof(subject), "CN=" STR_FMT, STR_ARG(issue->common_name));
    struct rng source = *rng;
    unsigned char pem[8 << 10];
    mbedtls_x509write_cert crt;
    mbedtls_x509write_crt_init(&crt);
    mbedtls_x509write_crt_set_version(&crt, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&crt, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&crt, subject_key);
    mbedtls_x509write_crt_set_issuer_key(&crt, signer->key);
    int rc = mbedtls_x509write_crt_set_subject_name(&crt, subject);
    if (rc == 0) {
        rc = mbedtls_x509write_crt_set_issuer_name(&crt,
                                                   signer->name == NULL ? subject : signer->name);
    }
    if (rc == 0) {
        rc = set_serial(&crt, rng);
    }
    if (rc == 0) {
        rc = set_validity(&crt, issue);
    }
    if (rc == 0) {
        rc = set_uses(&crt, issue);
    }
    if (rc == 0) {
        rc = mbedtls_x509write_crt_pem(&crt, pem, sizeof(pem), mbed_random, &source);
    }
    mbedtls_x509write_crt_free(&crt);
    if (rc != 0) {
        return mbed_err(err, ERR_INVALID, rc, "issue a certificate for " STR_FMT,
                        STR_ARG(issue->common_name));
    }
    buf_add_text(ret_cert, (const char *)pem);
    if (ret_cert->overflow) {
        return err_set(err, ERR_FULL, "certificate: the buffer is full");
    }
    return true;
}

bool identity_make_ca(const struct rng *rng, struct str key_pem, const struct identity_issue *issue,
                      struct buf *ret_cert, struct err *err)
{
    AUTO(mbed_key) key = {0};
    if (!check_issue(issue, err) || !mbed_key_parse(rng, key_pem, &key, err)) {
        return false;
    }
    if (issue->kind != IDENTITY_CA) {
        return err_set(err, ERR_INVALID, "certificate: only a CA signs itself");
    }
    const struct signer self = {.key = &key.pk, .name = NULL};
    return write_cert(rng, &self, &key.pk, issue, ret_cert, err);
}

struct ca {
    struct mbed_cert cert;
    struct mbed_key key;
    char name[MBEDTLS_X509_MAX_DN_NAME_SIZE];
};

static void ca_release(struct ca *ca)
{
    mbed_cert_release(&ca->cert);
    mbed_key_release(&ca->key);
}

static bool ca_read(const struct rng *rng, struct str cert, struct str key, struct ca *ret,
                    struct err *err)
{
    if (!mbed_cert_parse(cert, &ret->cert, err) || !mbed_key_parse(rng, key, &ret->key, err)) {
        return err_wrap(err, "CA");
    }
    if (!mbed_is_ca(&ret->cert.crt)) {
        return err_set(err, ERR_INVALID, "CA: the certificate is not one of a CA");
    }
    if (!mbed_is_pair(rng, &ret->cert.crt.pk, &ret->key.pk)) {
        return err_set(err, ERR_INVALID, "CA: the private key does not belong to the certificate");
    }
    int rc = mbedtls_x509_dn_gets(ret->name, sizeof(ret->name), &ret->cert.crt.subject);
    if (rc < 0) {
        return mbed_err(err, ERR_INVALID, rc, "CA: name");
    }
    return true;
}

/* NOLINTNEXTLINE(readability-function-size): one parameter over six, for the callers' sake */
bool identity_issue_for_key(const struct rng *rng, struct str ca_cert, struct str ca_key,
                            struct str key_pem, const struct identity_issue *issue,
                            struct buf *ret_cert, struct err *err)
{
    AUTO(ca) ca = {0};
    AUTO(mbed_key) key = {0};
    if (!check_issue(issue, err) || !ca_read(rng, ca_cert, ca_key, &ca, err) ||
        !mbed_key_parse(rng, key_pem, &key, err)) {
        return false;
    }
    const struct signer signer = {.key = &ca.key.pk, .name = ca.name};
    return write_cert(rng, &signer, &key.pk, issue, ret_cert, err);
}

/* NOLINTNEXTLINE(readability-function-size): one parameter over six, for the callers' sake */
bool identity_issue_for_csr(const struct rng *rng, struct str ca_cert, struct str ca_key,
                            struct str csr_pem, const struct identity_issue *issue,
                            struct buf *ret_cert, struct err *err)
{
    AUTO(ca) ca = {0};
    AUTO(mbed_csr) csr = {0};
    if (!check_issue(issue, err) || !ca_read(rng, ca_cert, ca_key, &ca, err) ||
        !mbed_csr_parse(csr_pem, &csr, err)) {
        return false;
    }
    const struct signer signer = {.key = &ca.key.pk, .name = ca.name};
    return write_cert(rng, &signer, &csr.csr.pk, issue, ret_cert, err);
}
