/* channel.h - a TLS client connection over a connected, non-blocking socket, driven by its owner's
 * loop (mbedTLS). Verification is always on. One thread; nothing blocks. Memory: docs/limits.md
 * (about 40 KB a channel). */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/time.h"
#include "common/platform/clock.h"
#include "common/platform/rng.h"

/* What stays between connections: certificates, configuration, and the session ticket for a cheap
 * reconnect. */
struct tls_client;
struct tls_client_options {
    struct str ca_pem;            /* roots; may be empty when ca_fingerprint is given */
    struct str ca_fingerprint;    /* enrolment: trust the presented root that has this SHA-256 (64
                                     hex), or one of two, one behind the other; else empty */
    struct str cert_pem, key_pem; /* ours; both empty = no client certificate */
    struct str server_name;       /* checked against the server's certificate; never empty */
    const struct rng *rng;        /* borrowed for the client's life */
    const struct clock *clock;    /* for certificate dates; borrowed */
    bool ignore_dates; /* the clock is not trusted yet (1970): dates are not checked, all else is */
};
MUST_CHECK bool tls_client_open(struct tls_client **ret, const struct tls_client_options *options,
                                struct err *err);
void tls_client_close(struct tls_client *client);
/* The root that was accepted by fingerprint (PEM), after a handshake; empty before. */
struct str tls_client_learned_ca(const struct tls_client *client);
void tls_client_forget_session(struct tls_client *client);

struct tls_channel;
enum tls_status {
    TLS_OK,         /* done; *ret_len bytes moved */
    TLS_WANT_READ,  /* call again when the socket is readable */
    TLS_WANT_WRITE, /* call again, with the same bytes, when it is writable */
    TLS_CLOSED,     /* the peer closed in order */
    TLS_FAILED,     /* err says why, in words ("server certificate expired on 2026-03-01") */
};
/* `fd` stays the caller's. */
MUST_CHECK bool tls_channel_open(struct tls_channel **ret, struct tls_client *client, int fd,
                                 struct err *err);
void tls_channel_close(struct tls_channel *channel); /* no close_notify; NULL is allowed */
/* Until TLS_OK. Offers the kept session; keeps a new one afterwards. */
enum tls_status tls_channel_handshake(struct tls_channel *channel, struct err *err);
bool tls_channel_was_resumed(const struct tls_channel *channel);
enum tls_status tls_channel_read(struct tls_channel *channel, void *bytes, size_t cap,
                                 size_t *ret_len, struct err *err);
enum tls_status tls_channel_write(struct tls_channel *channel, const void *bytes, size_t len,
                                  size_t *ret_len, struct err *err);
enum tls_status tls_channel_notify_close(struct tls_channel *channel, struct err *err);
