#include "common/tls/mbed.h"

#include <arpa/inet.h>
#include <mbedtls/pem.h>
#include <stdio.h>
#include <string.h>

/* GeneralName [7] iPAddress, 4 or 16 bytes (RFC 5280 section 4.2.1.6). */
static bool certificate_names_address(const mbedtls_x509_crt *crt, const char *name)
{
    unsigned char address[16];
    size_t len = 0;
    if (inet_pton(AF_INET, name, address) == 1) {
        len = 4;
    } else if (inet_pton(AF_INET6, name, address) == 1) {
        len = 16;
    } else {
        return false;
    }
    for (const mbedtls_x509_sequence *san = &crt->subject_alt_names; san != NULL; san = san->next) {
        if (san->buf.tag == (MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7) && san->buf.len == len &&
            memcmp(san->buf.p, address, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool keep_root(struct buf *learned, const mbedtls_x509_crt *crt)
{
    unsigned char pem[4096];
    size_t len = 0;
    if (mbedtls_pem_write_buffer("-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n",
                                 crt->raw.p, crt->raw.len, pem, sizeof(pem), &len) != 0) {
        return false;
    }
    buf_reset(learned);
    buf_add_text(learned, (const char *)pem);
    return !learned->overflow;
}

/* A root that nobody signed but itself comes here with NOT_TRUSTED; the one whose hash we were
 * given is trusted. Never the server's own certificate: what follows must have been found to be
 * signed by it (mbedTLS checked that on its way up). */
static bool is_pinned_root(struct mbed_verdict *v, const mbedtls_x509_crt *crt, int depth)
{
    if (v->pinned_root.len == 0 || depth == 0 || !mbed_is_ca(crt)) {
        return false;
    }
    char fingerprint[FINGERPRINT_TEXT_SIZE];
    digest_hex((struct str){(const char *)crt->raw.p, crt->raw.len}, fingerprint);
    if (!digest_is_one_of(str_from(fingerprint), v->pinned_root)) {
        return false;
    }
    return v->learned == NULL || keep_root(v->learned, crt);
}

int mbed_verdict_check(void *verdict, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
    struct mbed_verdict *v = verdict;
    v->was_called = true;
    struct wall_time not_before = mbed_time(&crt->valid_from);
    struct wall_time not_after = mbed_time(&crt->valid_to);
    *flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    if (!v->ignore_dates && v->now.ns > not_after.ns) {
        *flags |= MBEDTLS_X509_BADCERT_EXPIRED;
    }
    if (!v->ignore_dates && v->now.ns < not_before.ns) {
        *flags |= MBEDTLS_X509_BADCERT_FUTURE;
    }
    if ((*flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0 && is_pinned_root(v, crt, depth)) {
        *flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_NOT_TRUSTED;
    }
    if ((*flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0 && v->server_name != NULL &&
        certificate_names_address(crt, v->server_name)) {
        *flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_CN_MISMATCH;
    }
    mbed_common_name(&crt->subject, v->leaf);
    /* Called from the root down: what remains is about the certificate nearest to the other side.
     */
    if (*flags != 0 || v->flags == 0) {
        v->flags = *flags;
        mbed_common_name(&crt->subject, v->subject);
        mbed_common_name(&crt->issuer, v->issuer);
        v->not_before = not_before;
        v->not_after = not_after;
    }
    return 0;
}

static void format_day(struct wall_time t, char text[WALL_TEXT_SIZE])
{
    (void)wall_format(t, text);
    text[strlen("2026-03-01")] = '\0';
}

bool mbed_verdict_err(const struct mbed_verdict *v, const char *what, struct err *err)
{
    char day[WALL_TEXT_SIZE];
    if ((v->flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) {
        (void)err_set(err, ERR_DENIED,
                      "%s \"%s\" is not signed by a CA that we trust (issuer \"%s\")", what,
                      v->leaf, v->issuer);
        return err_hint(
            err, "check which CA both sides use; a device of another hub must be enrolled again");
    }
    if ((v->flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0) {
        format_day(v->not_after, day);
        (void)err_set(err, ERR_DENIED, "%s \"%s\" expired on %s", what, v->subject, day);
        return err_hint(err, "check the clock, or renew the certificate");
    }
    if ((v->flags & MBEDTLS_X509_BADCERT_FUTURE) != 0) {
        format_day(v->not_before, day);
        (void)err_set(err, ERR_DENIED, "%s \"%s\" is not valid before %s", what, v->subject, day);
        return err_hint(err, "check the clock");
    }
    if ((v->flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0) {
        (void)err_set(err, ERR_DENIED, "%s \"%s\" is not for the name %s", what, v->subject,
                      v->server_name == NULL ? "asked for" : v->server_name);
        return err_hint(err,
                        "use a host name that the certificate lists, or issue one with this name");
    }
    char reason[160];
    int len = mbedtls_x509_crt_verify_info(reason, sizeof(reason), "", v->flags);
    return err_set(err, ERR_DENIED, "%s \"%s\" is refused: " STR_FMT, what, v->subject,
                   STR_ARG(str_trim(str_from(len < 0 ? "several reasons" : reason))));
}
