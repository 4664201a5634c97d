#include "common/mqtt/wire.h"

#include <errno.h>
#include <sys/socket.h>

static enum tls_status failed(const char *doing, enum tls_status again, struct err *err)
{
    if (errno == EAGAIN || errno == EINTR) {
        return again;
    }
    (void)err_errno(err, errno, "%s", doing);
    return TLS_FAILED;
}

enum tls_status wire_read(const struct wire *w, void *bytes, size_t cap, size_t *ret_len,
                          struct err *err)
{
    if (w->channel != NULL) {
        return tls_channel_read(w->channel, bytes, cap, ret_len, err);
    }
    ssize_t n = recv(w->fd, bytes, cap, MSG_DONTWAIT);
    if (n < 0) {
        return failed("read from the broker", TLS_WANT_READ, err);
    }
    *ret_len = (size_t)n;
    return n == 0 ? TLS_CLOSED : TLS_OK;
}

enum tls_status wire_write(const struct wire *w, const void *bytes, size_t len, size_t *ret_len,
                           struct err *err)
{
    if (w->channel != NULL) {
        return tls_channel_write(w->channel, bytes, len, ret_len, err);
    }
    ssize_t n = send(w->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) {
        return failed("write to the broker", TLS_WANT_WRITE, err);
    }
    *ret_len = (size_t)n;
    return TLS_OK;
}

enum tls_status wire_end(const struct wire *w, struct err *err)
{
    if (w->channel != NULL) {
        enum tls_status status = tls_channel_notify_close(w->channel, err);
        if (status == TLS_WANT_WRITE || status == TLS_WANT_READ) {
            return status;
        }
    }
    (void)shutdown(w->fd, SHUT_WR);
    return TLS_OK;
}
