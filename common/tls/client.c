#include "common/tls/client.h"

#include <mbedtls/ssl_ciphersuites.h>
#include <stdlib.h>
#include <string.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

/* Forward secrecy and authenticated encryption only. ChaCha20 first: in software it is the faster
 * one. */
static const int ciphersuites[] = {
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    0,
};

static bool check_options(const struct tls_client_options *o, struct err *err)
{
    if (o->server_name.len == 0 || o->server_name.len >= SERVER_NAME_SIZE ||
        memchr(o->server_name.ptr, '\0', o->server_name.len) != NULL) {
        return err_set(err, ERR_INVALID, "TLS: the server name must have 1 to %d bytes",
                       SERVER_NAME_SIZE - 1);
    }
    if (o->ca_pem.len == 0 && o->ca_fingerprint.len == 0) {
        return err_set(err, ERR_INVALID,
                       "TLS: neither a CA certificate nor the fingerprint of one is given");
    }
    if (o->ca_fingerprint.len % (FINGERPRINT_TEXT_SIZE - 1) != 0 ||
        o->ca_fingerprint.len >= PINNED_ROOTS_SIZE) {
        return err_set(err, ERR_INVALID, "TLS: a CA fingerprint must be 64 hex digits");
    }
    if ((o->cert_pem.len == 0) != (o->key_pem.len == 0)) {
        return err_set(err, ERR_INVALID,
                       "TLS: a client certificate and its key are given together or not at all");
    }
    return true;
}

static bool load_certificates(struct tls_client *c, const struct tls_client_options *o,
                              struct err *err)
{
    if (o->ca_pem.len > 0 && !mbed_cert_parse(o->ca_pem, &c->roots, err)) {
        return err_wrap(err, "TLS: CA");
    }
    if (o->cert_pem.len == 0) {
        return true;
    }
    if (!mbed_cert_parse(o->cert_pem, &c->cert, err) ||
        !mbed_key_parse(&c->rng, o->key_pem, &c->key, err)) {
        return err_wrap(err, "TLS: our own");
    }
    if (!mbed_is_pair(&c->rng, &c->cert.crt.pk, &c->key.pk)) {
        return err_set(err, ERR_INVALID, "TLS: the private key does not belong to our certificate");
    }
    c->has_cert = true;
    return true;
}

/* TLS 1.2 with 2.28 and with 3.x alike: one behaviour to test, and tickets that come before the
 * first byte of data. */
static void fix_version(mbedtls_ssl_config *config)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_max_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
#else
    mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
    mbedtls_ssl_conf_max_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
}

static bool configure(struct tls_client *c, struct err *err)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    if (psa_crypto_init() != PSA_SUCCESS) {
        return err_set(err, ERR_INTERNAL, "TLS: mbedTLS cannot start its cryptography");
    }
#endif
    int rc = mbedtls_ssl_config_defaults(&c->config, MBEDTLS_SSL_IS_CLIENT,
                                         MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (rc == 0 && c->has_cert) {
        rc = mbedtls_ssl_conf_own_cert(&c->config, &c->cert.crt, &c->key.pk);
    }
    if (rc != 0) {
        return mbed_err(err, ERR_INTERNAL, rc, "TLS configuration");
    }
    fix_version(&c->config);
    mbedtls_ssl_conf_ciphersuites(&c->config, ciphersuites);
    mbedtls_ssl_conf_cert_profile(&c->config, &mbedtls_x509_crt_profile_next);
    mbedtls_ssl_conf_authmode(&c->config, MBEDTLS_SSL_VERIFY_REQUIRED);
    /* An empty list trusts nobody; without any list mbedTLS would refuse before it asks about the
     * pinned root. */
    mbedtls_ssl_conf_ca_chain(&c->config, &c->roots.crt, NULL);
    mbedtls_ssl_conf_rng(&c->config, mbed_random, &c->rng);
    mbedtls_ssl_conf_session_tickets(&c->config, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
    return true;
}

bool tls_client_open(struct tls_client **ret, const struct tls_client_options *options,
                     struct err *err)
{
    if (!check_options(options, err)) {
        return false;
    }
    struct tls_client *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return err_set(err, ERR_NO_MEMORY, "TLS: out of memory");
    }
    mbedtls_ssl_config_init(&c->config);
    mbedtls_ssl_session_init(&c->session);
    c->rng = *options->rng;
    c->clock = *options->clock;
    c->ignore_dates = options->ignore_dates;
    c->learned = buf_growing(CERT_PEM_BYTES_MAX);
    memcpy(c->server_name, options->server_name.ptr, options->server_name.len);
    if (options->ca_fingerprint.len > 0) {
        memcpy(c->pinned_root, options->ca_fingerprint.ptr, options->ca_fingerprint.len);
    }
    if (!load_certificates(c, options, err) || !configure(c, err)) {
        tls_client_close(c);
        return false;
    }
    *ret = c;
    return true;
}

void tls_client_close(struct tls_client *client)
{
    if (client == NULL) {
        return;
    }
    mbedtls_ssl_session_free(&client->session);
    mbedtls_ssl_config_free(&client->config);
    mbed_cert_release(&client->roots);
    mbed_cert_release(&client->cert);
    mbed_key_release(&client->key);
    buf_release(&client->learned);
    free(client);
}

struct str tls_client_learned_ca(const struct tls_client *client)
{
    return buf_str(&client->learned);
}

void tls_client_forget_session(struct tls_client *client)
{
    mbedtls_ssl_session_free(&client->session);
    mbedtls_ssl_session_init(&client->session);
    client->has_session = false;
}
