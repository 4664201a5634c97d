/* DESIGN. mbedTLS never sees the socket: it reads and writes through two callbacks. They keep what
 * mbedTLS does not tell: the errno behind a failure, and the last seven bytes that came in, which
 * are the whole record when the server ends the handshake with an alert ("unknown CA", "certificate
 * expired"): TLS 1.2 sends it in clear until the handshake is over. Whether a session was resumed
 * is not told either: a full handshake verifies the server's certificate, a resumed one has none to
 * verify. */
#include "common/tls/channel.h"
#include "common/tls/client.h"

#include <errno.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { ALERT_RECORD_BYTES = 7, RECORD_ALERT = 21, ALERT_FATAL = 2 };

struct tls_channel {
    mbedtls_ssl_context ssl;
    struct tls_client *client;
    int fd;
    int io_errno; /* of the last failed send or recv */
    unsigned char tail[ALERT_RECORD_BYTES];
    struct mbed_verdict verdict;
    bool offered_session;
    bool is_established;
};

static void keep_tail(struct tls_channel *ch, const unsigned char *bytes, size_t len)
{
    size_t fresh = len < sizeof(ch->tail) ? len : sizeof(ch->tail);
    memmove(ch->tail, ch->tail + fresh, sizeof(ch->tail) - fresh);
    memcpy(ch->tail + sizeof(ch->tail) - fresh, bytes + len - fresh, fresh);
}

static int bio_recv(void *ctx, unsigned char *bytes, size_t cap)
{
    struct tls_channel *ch = ctx;
    ssize_t n = recv(ch->fd, bytes, cap, MSG_DONTWAIT);
    if (n >= 0) {
        keep_tail(ch, bytes, (size_t)n);
        return (int)n;
    }
    if (errno == EAGAIN || errno == EINTR) {
        return MBEDTLS_ERR_SSL_WANT_READ;
    }
    ch->io_errno = errno;
    return MBEDTLS_ERR_NET_RECV_FAILED;
}

static int bio_send(void *ctx, const unsigned char *bytes, size_t len)
{
    struct tls_channel *ch = ctx;
    ssize_t n = send(ch->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
        return (int)n;
    }
    if (errno == EAGAIN || errno == EINTR) {
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    }
    ch->io_errno = errno;
    return MBEDTLS_ERR_NET_SEND_FAILED;
}

static void offer_session(struct tls_channel *ch)
{
    struct tls_client *c = ch->client;
    if (!c->has_session) {
        return;
    }
    bool is_over = !c->ignore_dates && ch->verdict.now.ns > c->session_until.ns;
    if (!is_over && mbedtls_ssl_set_session(&ch->ssl, &c->session) == 0) {
        ch->offered_session = true;
        return;
    }
    tls_client_forget_session(c);
}

bool tls_channel_open(struct tls_channel **ret, struct tls_client *client, int fd, struct err *err)
{
    struct tls_channel *ch = calloc(1, sizeof(*ch));
    if (ch == NULL) {
        return err_set(err, ERR_NO_MEMORY, "TLS: out of memory");
    }
    ch->client = client;
    ch->fd = fd;
    ch->verdict = (struct mbed_verdict){.now = clock_wall(&client->clock),
                                        .ignore_dates = client->ignore_dates,
                                        .pinned_root = str_from(client->pinned_root),
                                        .server_name = client->server_name,
                                        .learned = &client->learned};
    mbedtls_ssl_init(&ch->ssl);
    int rc = mbedtls_ssl_setup(&ch->ssl, &client->config);
    if (rc == 0) {
        rc = mbedtls_ssl_set_hostname(&ch->ssl, client->server_name);
    }
    if (rc != 0) {
        tls_channel_close(ch);
        return mbed_err(err, rc == MBEDTLS_ERR_SSL_ALLOC_FAILED ? ERR_NO_MEMORY : ERR_INTERNAL, rc,
                        "TLS");
    }
    mbedtls_ssl_set_verify(&ch->ssl, mbed_verdict_check, &ch->verdict);
    mbedtls_ssl_set_bio(&ch->ssl, ch, bio_send, bio_recv, NULL);
    offer_session(ch);
    *ret = ch;
    return true;
}

void tls_channel_close(struct tls_channel *channel)
{
    if (channel == NULL) {
        return;
    }
    mbedtls_ssl_free(&channel->ssl);
    free(channel);
}

/* The server's words for why it ended the handshake (RFC 5246 section 7.2.2). */
static bool alert_err(const struct tls_channel *ch, struct err *err)
{
    static const char advice[] = "check that the server trusts the CA that issued our certificate";
    bool has_cert = ch->client->has_cert;
    switch (ch->tail[ALERT_RECORD_BYTES - 1]) {
    case 40:  /* handshake_failure; OpenSSL's answer to an absent client certificate too */
    case 116: /* certificate_required */
        (void)err_set(err, ERR_DENIED, "TLS handshake: refused by the server%s",
                      has_cert ? " (nothing in common)"
                               : ": it asks for a client certificate and we have none");
        return has_cert ? false : err_hint(err, "enrol this device");
    case 42: /* bad_certificate */
    case 43: /* unsupported_certificate */
    case 46: /* certificate_unknown */
        (void)err_set(err, ERR_DENIED, "TLS handshake: the server does not accept our certificate");
        return err_hint(err, "%s", advice);
    case 44:
        (void)err_set(err, ERR_DENIED,
                      "TLS handshake: the server says that our certificate is revoked");
        return err_hint(err, "enrol this device again");
    case 45:
        (void)err_set(err, ERR_DENIED,
                      "TLS handshake: the server says that our certificate has expired");
        return err_hint(err, "enrol this device again, or check the server's clock");
    case 48:
        (void)err_set(err, ERR_DENIED,
                      "TLS handshake: the server does not know the CA of our certificate");
        return err_hint(err, "%s", advice);
    case 51: /* decrypt_error */
        return err_set(err, ERR_DENIED, "TLS handshake: the server could not verify our signature");
    case 70:
        return err_set(err, ERR_DENIED, "TLS handshake: the server does not speak TLS 1.2");
    default:
        return err_set(err, ERR_DENIED, "TLS handshake: refused by the server (alert %u)",
                       (unsigned)ch->tail[ALERT_RECORD_BYTES - 1]);
    }
}

static bool tail_is_alert(const struct tls_channel *ch)
{
    return ch->tail[0] == RECORD_ALERT && ch->tail[1] == 3 && ch->tail[3] == 0 &&
           ch->tail[4] == 2 && ch->tail[5] == ALERT_FATAL;
}

/* A server that refuses our certificate closes while we still write: the write fails before the
 * alert is read. */
static void read_late_alert(struct tls_channel *ch)
{
    unsigned char bytes[256];
    int n = 0;
    do {
        n = bio_recv(ch, bytes, sizeof(bytes));
    } while (n > 0);
}

static enum tls_status fail_handshake(struct tls_channel *ch, int rc, struct err *err)
{
    tls_client_forget_session(ch->client);
    int io_errno = ch->io_errno;
    if (rc == MBEDTLS_ERR_NET_SEND_FAILED) {
        read_late_alert(ch);
    }
    if ((rc == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE || rc == MBEDTLS_ERR_NET_SEND_FAILED) &&
        tail_is_alert(ch)) {
        (void)alert_err(ch, err);
    } else if (rc == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED && ch->verdict.flags != 0) {
        (void)mbed_verdict_err(&ch->verdict, "server certificate", err);
        (void)err_wrap(err, "TLS handshake");
    } else if (rc == MBEDTLS_ERR_NET_SEND_FAILED || rc == MBEDTLS_ERR_NET_RECV_FAILED) {
        (void)err_errno(err, io_errno, "TLS handshake");
    } else if (rc == MBEDTLS_ERR_SSL_CONN_EOF) {
        (void)err_set(err, ERR_OFFLINE, "TLS handshake: the server closed the connection");
        (void)err_hint(err, "check that the port is the server's TLS port");
    } else {
        (void)mbed_err(err, ERR_DENIED, rc, "TLS handshake");
    }
    return TLS_FAILED;
}

static void keep_session(struct tls_channel *ch)
{
    struct tls_client *c = ch->client;
    tls_client_forget_session(c);
    if (mbedtls_ssl_get_session(&ch->ssl, &c->session) != 0) {
        tls_client_forget_session(c); /* the next handshake is a full one */
        return;
    }
    c->has_session = true;
    if (ch->verdict.was_called) {
        c->session_until = ch->verdict.not_after;
    }
}

enum tls_status tls_channel_handshake(struct tls_channel *channel, struct err *err)
{
    if (channel->is_established) {
        return TLS_OK;
    }
    int rc = mbedtls_ssl_handshake(&channel->ssl);
    if (rc == MBEDTLS_ERR_SSL_WANT_READ) {
        return TLS_WANT_READ;
    }
    if (rc == MBEDTLS_ERR_SSL_WANT_WRITE) {
        return TLS_WANT_WRITE;
    }
    if (rc != 0) {
        return fail_handshake(channel, rc, err);
    }
    channel->is_established = true;
    keep_session(channel);
    return TLS_OK;
}

bool tls_channel_was_resumed(const struct tls_channel *channel)
{
    return channel->is_established && channel->offered_session && !channel->verdict.was_called;
}

/* What mbedTLS said about a read or a write that moved nothing. */
static enum tls_status status_of(struct tls_channel *ch, int rc, struct err *err)
{
    switch (rc) {
    case MBEDTLS_ERR_SSL_WANT_READ:
        return TLS_WANT_READ;
    case MBEDTLS_ERR_SSL_WANT_WRITE:
        return TLS_WANT_WRITE;
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
        return TLS_CLOSED;
    case MBEDTLS_ERR_SSL_CONN_EOF:
    case 0:
        (void)err_set(err, ERR_OFFLINE, "the server closed the connection without a word");
        return TLS_FAILED;
    case MBEDTLS_ERR_NET_SEND_FAILED:
    case MBEDTLS_ERR_NET_RECV_FAILED:
        (void)err_errno(err, ch->io_errno, "connection");
        return TLS_FAILED;
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
        (void)err_set(err, ERR_OFFLINE, "the server ended the TLS connection with an alert");
        return TLS_FAILED;
    default:
        (void)mbed_err(err, ERR_IO, rc, "TLS");
        return TLS_FAILED;
    }
}

enum tls_status tls_channel_read(struct tls_channel *channel, void *bytes, size_t cap,
                                 size_t *ret_len, struct err *err)
{
    int rc = mbedtls_ssl_read(&channel->ssl, bytes, cap);
    if (rc <= 0) {
        return status_of(channel, rc, err);
    }
    *ret_len = (size_t)rc;
    return TLS_OK;
}

enum tls_status tls_channel_write(struct tls_channel *channel, const void *bytes, size_t len,
                                  size_t *ret_len, struct err *err)
{
    int rc = mbedtls_ssl_write(&channel->ssl, bytes, len);
    if (rc < 0 || (rc == 0 && len > 0)) {
        return status_of(channel, rc, err);
    }
    *ret_len = (size_t)rc;
    return TLS_OK;
}

enum tls_status tls_channel_notify_close(struct tls_channel *channel, struct err *err)
{
    int rc = mbedtls_ssl_close_notify(&channel->ssl);
    return rc == 0 ? TLS_OK : status_of(channel, rc, err);
}
