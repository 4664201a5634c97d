/* client.h - the inside of struct tls_client, for channel.c. Internal to common/tls. */
#pragma once
#include "common/tls/channel.h"
#include "common/tls/mbed.h"

#include <mbedtls/ssl.h>

enum { SERVER_NAME_SIZE = 254, PINNED_ROOTS_SIZE = 2 * (FINGERPRINT_TEXT_SIZE - 1) + 1 };

struct tls_client {
    mbedtls_ssl_config config;
    struct mbed_cert roots; /* may hold none: then only the pinned root is trusted */
    struct mbed_cert cert;
    struct mbed_key key;
    bool has_cert;
    char server_name[SERVER_NAME_SIZE];
    char pinned_root[PINNED_ROOTS_SIZE]; /* "" = none */
    struct buf learned;
    bool ignore_dates;
    struct rng rng;
    struct clock clock;
    mbedtls_ssl_session session;
    bool has_session;
    struct wall_time
        session_until; /* a session does not outlive the certificate it was made with */
};
