/* identity_crl.c - a list of revoked certificates (RFC 5280 section 5.1, version 1: no extensions).
 * mbedTLS reads such lists and writes none. */
#include "common/tls/mbed.h"

#include <mbedtls/pem.h>
#include <stdio.h>

enum {
    CRL_BYTES_MAX = 4 << 20, /* of DER; 40 bytes a certificate */
    SERIAL_BYTES_MAX = 20,
    DER_SEQUENCE = 0x30,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
};
static const char ecdsa_sha256[] = "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";

static void add_value(struct buf *out, int tag, struct str content)
{
    buf_add_char(out, (char)tag);
    if (content.len >= 0x80) {
        int bytes = content.len < 0x100 ? 1 : content.len < 0x10000 ? 2 : 3;
        buf_add_char(out, (char)(0x80 | bytes));
        for (int i = bytes - 1; i > 0; i--) {
            buf_add_char(out, (char)(content.len >> (8 * i) & 0xFF));
        }
    }
    buf_add_char(out, (char)(content.len & 0xFF));
    buf_add(out, content);
}

/* UTCTime until 2049, GeneralizedTime from then on. */
static void add_time(struct buf *out, struct wall_time t)
{
    char text[24];
    struct civil_time c = civil_from_seconds(t.ns / NS_PER_SEC);
    bool is_late = c.year >= 2050;
    int len = snprintf(text, sizeof(text), "%04u%02u%02u%02u%02u%02uZ", (unsigned)c.year % 10000U,
                       (unsigned)c.month % 100U, (unsigned)c.day % 100U, (unsigned)c.hour % 100U,
                       (unsigned)c.minute % 100U, (unsigned)c.second % 100U);
    add_value(out, is_late ? DER_GENERALIZED_TIME : DER_UTC_TIME,
              str_slice((struct str){text, (size_t)len}, is_late ? 0 : 2, (size_t)len));
}

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes of hex digits, behind what is there. False when they are none. */
static bool add_hex(struct buf *out, struct str text)
{
    for (size_t i = 0; i + 1 < text.len; i += 2) {
        int high = nibble(text.ptr[i]);
        int low = nibble(text.ptr[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        buf_add_char(out, (char)(high << 4 | low));
    }
    return text.len % 2 == 0;
}

static bool add_revoked(struct buf *out, const struct identity_revoked *revoked, struct err *err)
{
    char serial_bytes[SERIAL_BYTES_MAX + 1];
    struct buf serial = buf_fixed(serial_bytes, sizeof(serial_bytes));
    int first = revoked->serial.len < 2 ? -1 : nibble(revoked->serial.ptr[0]);
    if (first >= 8) {
        buf_add_char(&serial, '\0'); /* the number is positive */
    }
    if (first < 0 || !add_hex(&serial, revoked->serial) || serial.overflow) {
        return err_set(err, ERR_INVALID, "list of revoked certificates: bad serial number " STR_FMT,
                       STR_ARG(revoked->serial));
    }
    AUTO(buf) entry = buf_growing(128);
    add_value(&entry, DER_INTEGER, buf_str(&serial));
    add_time(&entry, revoked->at);
    add_value(out, DER_SEQUENCE, buf_str(&entry));
    return true;
}

static bool add_body(const mbedtls_x509_crt *ca, const struct identity_crl *crl, struct buf *out,
                     struct err *err)
{
    AUTO(buf) list = buf_growing(CRL_BYTES_MAX);
    AUTO(buf) body = buf_growing(CRL_BYTES_MAX);
    for (size_t i = 0; i < crl->count; i++) {
        if (!add_revoked(&list, &crl->revoked[i], err)) {
            return false;
        }
    }
    buf_add(&body, (struct str){ecdsa_sha256, sizeof(ecdsa_sha256) - 1});
    buf_add(&body, (struct str){(const char *)ca->subject_raw.p, ca->subject_raw.len});
    add_time(&body, crl->this_update);
    add_time(&body, crl->next_update);
    if (crl->count > 0) { /* an empty list is left out */
        add_value(&body, DER_SEQUENCE, buf_str(&list));
    }
    add_value(out, DER_SEQUENCE, buf_str(&body));
    return (!list.overflow && !body.overflow && !out->overflow) ||
           err_set(err, ERR_FULL, "list of revoked certificates: longer than %d bytes",
                   (int)CRL_BYTES_MAX);
}

static bool add_pem(struct str der, struct buf *ret, struct err *err)
{
    size_t len = 0;
    size_t cap = der.len * 2 + 256;
    char *room = buf_reserve(ret, cap);
    int rc = room == NULL ? MBEDTLS_ERR_PEM_ALLOC_FAILED
                          : mbedtls_pem_write_buffer("-----BEGIN X509 CRL-----\n",
                                                     "-----END X509 CRL-----\n",
                                                     (const unsigned char *)der.ptr, der.len,
                                                     (unsigned char *)room, cap, &len);
    if (rc != 0) {
        return mbed_err(err, ERR_NO_MEMORY, rc, "write a list of revoked certificates");
    }
    ret->len += len - 1; /* without its NUL */
    return true;
}

bool identity_make_crl(const struct rng *rng, struct str ca_cert, struct str ca_key,
                       const struct identity_crl *crl, struct buf *ret, struct err *err)
{
    AUTO(mbed_cert) ca = {0};
    char signature[SIGNATURE_TEXT_SIZE];
    AUTO(buf) content = buf_growing(CRL_BYTES_MAX);
    AUTO(buf) bits = buf_growing(SIGNATURE_TEXT_SIZE);
    AUTO(buf) der = buf_growing(CRL_BYTES_MAX);
    if (!mbed_cert_parse(ca_cert, &ca, err) || !add_body(&ca.crt, crl, &content, err) ||
        !identity_sign(rng, ca_key, buf_str(&content), signature, err)) {
        return false;
    }
    buf_add(&content, (struct str){ecdsa_sha256, sizeof(ecdsa_sha256) - 1});
    buf_add_char(&bits, '\0'); /* no unused bits */
    if (!add_hex(&bits, str_from(signature))) {
        return err_set(err, ERR_INTERNAL, "list of revoked certificates: bad signature");
    }
    add_value(&content, DER_BIT_STRING, buf_str(&bits));
    add_value(&der, DER_SEQUENCE, buf_str(&content));
    return add_pem(buf_str(&der), ret, err);
}
