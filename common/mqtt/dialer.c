#include "common/mqtt/dialer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

static void drop_socket(struct dialer *d)
{
    if (d->is_dialing) {
        loop_fd_remove(d->loop, &d->socket);
        (void)close(d->socket.fd);
        d->is_dialing = false;
    }
}

static void fail_address(struct dialer *d, int errno_value)
{
    char text[ADDRESS_TEXT_SIZE];
    (void)err_errno(&d->last, errno_value, "%s", address_text(&d->list.item[d->next - 1], text));
    if (errno_value == ECONNREFUSED) {
        (void)err_hint(&d->last, "is the broker running and listening on this port?");
    }
    drop_socket(d);
}

static void on_writable(void *ctx, unsigned events)
{
    (void)events;
    struct dialer *d = ctx;
    int result = 0;
    socklen_t len = sizeof(result);
    if (getsockopt(d->socket.fd, SOL_SOCKET, SO_ERROR, &result, &len) != 0) {
        result = errno;
    }
    if (result != 0) {
        fail_address(d, result);
        loop_timer_arm_in(d->loop, &d->timer, 0); /* the next address */
        return;
    }
    loop_timer_disarm(d->loop, &d->timer);
    loop_fd_remove(d->loop, &d->socket);
    d->is_dialing = false;
    /* Without it Nagle and delayed ACKs quadruple the time of a handshake (decision 0003). */
    const int on = 1;
    (void)setsockopt(d->socket.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    d->on_done(d->ctx, d->socket.fd, NULL);
}

/* False when this address cannot even be tried; d->last says why. */
static bool dial(struct dialer *d, const struct address *a)
{
    int fd = socket(a->sockaddr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    d->socket = (struct loop_fd){.fd = fd, .on_ready = on_writable, .ctx = d};
    d->is_dialing = fd >= 0;
    if (fd < 0 ||
        (connect(fd, (const struct sockaddr *)&a->sockaddr, a->len) != 0 && errno != EINPROGRESS)) {
        fail_address(d, errno);
        return false;
    }
    if (!loop_fd_watch(d->loop, &d->socket, LOOP_WRITE, &d->last)) {
        drop_socket(d);
        return false;
    }
    return true;
}

static void on_timer(void *ctx)
{
    struct dialer *d = ctx;
    if (d->is_dialing) {
        fail_address(d, ETIMEDOUT);
    }
    while (d->next < d->list.count) {
        const struct address *a = &d->list.item[d->next++];
        if (dial(d, a)) {
            int64_t left = d->deadline.ns - loop_now(d->loop).ns;
            loop_timer_arm_in(d->loop, &d->timer, left / (int64_t)(d->list.count - d->next + 1));
            return;
        }
    }
    d->on_done(d->ctx, -1, &d->last);
}

void dialer_start(struct dialer *d, const struct address_list *list, struct mono_time deadline)
{
    d->list = *list;
    d->next = 0;
    d->deadline = deadline;
    d->timer = (struct loop_timer){.on_due = on_timer, .ctx = d};
    loop_timer_arm_in(d->loop, &d->timer, 0);
}

void dialer_stop(struct dialer *d)
{
    loop_timer_disarm(d->loop, &d->timer);
    drop_socket(d);
}
