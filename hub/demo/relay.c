#include "hub/demo/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAIRS_MAX = 4, CHUNK = 64 << 10 };

/* One direction: what was read from one side and not yet written to the other. */
struct pipe_end {
    struct pair *pair;
    struct pipe_end *other;
    struct loop_fd source;
    char bytes[CHUNK]; /* read here, to be written to `other` */
    size_t len;
    size_t sent;
};
struct pair {
    struct relay *relay;
    struct pipe_end a, b;
    bool is_used;
};
struct relay {
    struct loop *loop;
    struct loop_fd listener;
    int port;
    int to_port;
    bool is_cut;
    struct pair pairs[PAIRS_MAX];
};

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
}

/* Listens on any free port. The descriptor, or -1. */
static int listen_anywhere(int *ret_port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, PAIRS_MAX) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return -1;
    }
    *ret_port = ntohs(address.sin_port);
    return fd;
}

bool free_port(int *ret, struct err *err)
{
    int fd = listen_anywhere(ret);
    if (fd < 0) {
        return err_errno(err, errno, "find a free port on 127.0.0.1");
    }
    (void)close(fd);
    return true;
}

static void hang_up(struct pair *pair)
{
    struct pipe_end *const ends[] = {&pair->a, &pair->b};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        loop_fd_remove(pair->relay->loop, &ends[i]->source);
        (void)close(ends[i]->source.fd);
    }
    pair->is_used = false;
}

/* What each side waits for: to read while nothing of its own is pending, to write while the other's
 * is. */
static void watch(struct pair *pair)
{
    struct err err = {0};
    struct pipe_end *const ends[] = {&pair->a, &pair->b};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        unsigned events =
            (ends[i]->len == 0 ? LOOP_READ : 0U) | (ends[i]->other->len > 0 ? LOOP_WRITE : 0U);
        if (!loop_fd_watch(pair->relay->loop, &ends[i]->source, events, &err)) {
            hang_up(pair);
            return;
        }
    }
}

static bool is_final(ssize_t len)
{
    return len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR);
}

static bool pump_read(struct pipe_end *end)
{
    ssize_t len = recv(end->source.fd, end->bytes, sizeof(end->bytes), 0);
    if (len > 0) {
        end->len = (size_t)len;
        end->sent = 0;
    }
    return !is_final(len);
}

static bool pump_write(struct pipe_end *from, int fd)
{
    ssize_t len = send(fd, from->bytes + from->sent, from->len - from->sent, MSG_NOSIGNAL);
    if (len > 0) {
        from->sent += (size_t)len;
        from->len = from->sent == from->len ? 0 : from->len;
    }
    return !is_final(len);
}

static void on_ready(void *ctx, unsigned events)
{
    struct pipe_end *end = ctx;
    bool ok = true;
    if ((events & LOOP_WRITE) != 0 && end->other->len > 0) {
        ok = pump_write(end->other, end->source.fd);
    }
    if (ok && (events & (LOOP_READ | LOOP_HANGUP)) != 0 && end->len == 0) {
        ok = pump_read(end);
    }
    if (ok && end->len > 0) {
        ok = pump_write(end, end->other->source.fd);
    }
    if (!ok) {
        hang_up(end->pair);
        return;
    }
    watch(end->pair);
}

static void join(struct relay *relay, struct pair *pair, int near, int far)
{
    pair->relay = relay;
    pair->is_used = true;
    pair->a.other = &pair->b;
    pair->b.other = &pair->a;
    struct pipe_end *const ends[] = {&pair->a, &pair->b};
    const int fds[] = {near, far};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        ends[i]->pair = pair;
        ends[i]->len = 0;
        ends[i]->source = (struct loop_fd){.fd = fds[i], .on_ready = on_ready, .ctx = ends[i]};
    }
    watch(pair);
}

static void on_connection(void *ctx, unsigned events)
{
    (void)events;
    struct relay *relay = ctx;
    int near = accept4(relay->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (near < 0) {
        return;
    }
    struct sockaddr_in address = loopback(relay->to_port);
    for (size_t i = 0; i < PAIRS_MAX && !relay->is_cut; i++) {
        if (relay->pairs[i].is_used) {
            continue;
        }
        int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (far >= 0 && (connect(far, (struct sockaddr *)&address, sizeof(address)) == 0 ||
                         errno == EINPROGRESS)) {
            join(relay, &relay->pairs[i], near, far);
            return;
        }
        if (far >= 0) {
            (void)close(far);
        }
        break;
    }
    (void)close(near);
}

bool relay_open(struct relay **ret, struct loop *loop, int to_port, struct err *err)
{
    struct relay *relay = calloc(1, sizeof(*relay));
    if (relay == NULL) {
        return err_set(err, ERR_NO_MEMORY, "open a relay: out of memory");
    }
    relay->loop = loop;
    relay->to_port = to_port;
    int fd = listen_anywhere(&relay->port);
    relay->listener = (struct loop_fd){.fd = fd, .on_ready = on_connection, .ctx = relay};
    if (fd < 0) {
        (void)err_errno(err, errno, "open a relay on 127.0.0.1");
        free(relay);
        return false;
    }
    if (!loop_fd_watch(loop, &relay->listener, LOOP_READ, err)) {
        relay_close(relay);
        return false;
    }
    *ret = relay;
    return true;
}

void relay_cut(struct relay *relay, bool is_cut)
{
    relay->is_cut = is_cut;
    for (size_t i = 0; is_cut && i < PAIRS_MAX; i++) {
        if (relay->pairs[i].is_used) {
            hang_up(&relay->pairs[i]);
        }
    }
}

int relay_port(const struct relay *relay)
{
    return relay->port;
}

void relay_close(struct relay *relay)
{
    if (relay == NULL) {
        return;
    }
    relay_cut(relay, true);
    loop_fd_remove(relay->loop, &relay->listener);
    (void)close(relay->listener.fd);
    free(relay);
}
