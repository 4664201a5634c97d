/* DESIGN. up: local -> remote, down: remote -> local. Rules (decision 0003):
 * - mbedTLS must get the same bytes again after WANT_WRITE: nothing is read from the local side
 * until its buffer is gone.
 * - Decrypted bytes do not wake epoll: the down buffer holds a whole record, so that none stays
 * behind in mbedTLS.
 * - A local end is the library's last word (it holds DISCONNECT): send the rest, close_notify, then
 * wait for the broker's close, so that no reset overtakes it and fires the will.
 * - A remote end leaves bytes to deliver (a refusing CONNACK): first these, then the end, by
 * shutdown(). Our end of the socket stays open until the library has closed its own: the library
 * writes without MSG_NOSIGNAL. A side that nothing is wanted from is not registered at all: a
 * hang-up would wake the loop without end. */
#include "common/mqtt/bridge.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RECORD_BYTES_MAX = 16 << 10, /* TLS plaintext; RFC 5246 section 6.2.1 */
    ROUNDS_MAX = 16,             /* buffers moved in one direction before others get their turn */
    LOCAL_SEND_BYTES = 64 << 10, /* what may hide in the socket, read as sent by the library */
};

struct pipe_half {
    size_t pos;
    size_t len;
    char bytes[RECORD_BYTES_MAX];
};

struct bridge {
    struct bridge_options o;
    struct loop_fd local;
    struct loop_fd remote;
    struct framing framing;
    struct pipe_half up;
    struct pipe_half down;
    struct mono_time last_up;
    struct mono_time last_down;
    bool local_ended;  /* the library closed its end */
    bool up_closed;    /* close_notify is out, or writing failed: nothing more goes up */
    bool remote_ended; /* the broker closed, or reading failed */
    bool down_closed;  /* ... and the library was told */
    bool has_reported; /* one of the callbacks was called; nothing moves any more */
    struct err why;    /* of the remote end */
};

static void end_remote(struct bridge *b, enum tls_status status, const struct err *why)
{
    if (b->why.code == ERR_NONE) {
        if (status == TLS_CLOSED) {
            (void)err_set(&b->why, ERR_OFFLINE, "the broker closed the connection");
        } else {
            b->why = *why;
        }
    }
}

/* -- up -- */

static bool fill_up(struct bridge *b)
{
    ssize_t n = recv(b->local.fd, b->up.bytes, sizeof(b->up.bytes), MSG_DONTWAIT);
    if (n > 0) {
        b->up.pos = 0;
        b->up.len = (size_t)n;
        return true;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    b->local_ended = true;
    return true;
}

static bool finish_up(struct bridge *b)
{
    struct err err = {0};
    enum tls_status status = wire_end(&b->o.wire, &err);
    if (status == TLS_WANT_WRITE || status == TLS_WANT_READ) {
        return false;
    }
    b->up_closed = true;
    return true;
}

static bool empty_up(struct bridge *b)
{
    struct err err = {0};
    size_t moved = 0;
    enum tls_status status =
        wire_write(&b->o.wire, b->up.bytes + b->up.pos, b->up.len - b->up.pos, &moved, &err);
    if (status == TLS_OK) {
        b->up.pos += moved;
        b->last_up = loop_now(b->o.loop);
        return true;
    }
    if (status == TLS_WANT_WRITE || status == TLS_WANT_READ) {
        return false;
    }
    /* What the broker said before it went is still to be read. */
    end_remote(b, status, &err);
    b->up_closed = true;
    b->up.pos = b->up.len;
    return true;
}

static void pump_up(struct bridge *b)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        bool moved = false;
        if (b->up.pos < b->up.len) {
            moved = empty_up(b);
        } else if (b->up_closed) {
            b->up.pos = b->up.len = 0;
            moved = !b->local_ended &&
                    fill_up(b); /* read on, to see the end; the bytes have nowhere to go */
            b->up.pos = b->up.len;
        } else {
            moved = b->local_ended ? finish_up(b) : fill_up(b);
        }
        if (!moved) {
            return;
        }
    }
}

/* -- down -- */

static bool fill_down(struct bridge *b)
{
    struct err err = {0};
    size_t len = 0;
    enum tls_status status =
        wire_read(&b->o.wire, b->down.bytes, sizeof(b->down.bytes), &len, &err);
    if (status == TLS_WANT_READ || status == TLS_WANT_WRITE) {
        return false;
    }
    if (status == TLS_OK) {
        b->last_down = loop_now(b->o.loop);
        if (b->local_ended) {
            return true; /* the library is gone: only the end matters */
        }
        if (framing_check(&b->framing, (struct str){b->down.bytes, len}, &err)) {
            b->down.pos = 0;
            b->down.len = len;
            return true;
        }
        status = TLS_FAILED;
        b->up_closed = true;
    }
    end_remote(b, status, &err);
    b->remote_ended = true;
    return true;
}

static bool empty_down(struct bridge *b)
{
    ssize_t n = send(b->local.fd, b->down.bytes + b->down.pos, b->down.len - b->down.pos,
                     MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) {
        b->down.pos += (size_t)n;
        return true;
    }
    if (errno == EAGAIN || errno == EINTR) {
        return false;
    }
    b->down.pos = b->down.len; /* the library closed; its end comes by fill_up() */
    return true;
}

static void pump_down(struct bridge *b)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        bool moved = false;
        if (b->down.pos < b->down.len) {
            moved = empty_down(b);
        } else if (!b->remote_ended) {
            moved = fill_down(b);
        }
        if (!moved) {
            break;
        }
    }
    if (b->remote_ended && b->down.pos == b->down.len) {
        (void)shutdown(b->local.fd, SHUT_WR);
        b->down_closed = true;
    }
}

/* -- both -- */

static bool watch(struct bridge *b, struct loop_fd *side, unsigned events, struct err *err)
{
    if (events == 0) {
        loop_fd_remove(b->o.loop, side);
        return true;
    }
    return loop_fd_watch(b->o.loop, side, events, err);
}

static bool watch_both(struct bridge *b, struct err *err)
{
    bool up_waits = b->up.pos < b->up.len || (b->local_ended && !b->up_closed);
    bool down_waits = b->down.pos < b->down.len;
    unsigned local =
        (!b->local_ended && !up_waits ? LOOP_READ : 0U) | (down_waits ? LOOP_WRITE : 0U);
    unsigned remote =
        (!b->remote_ended && !down_waits ? LOOP_READ : 0U) | (up_waits ? LOOP_WRITE : 0U);
    return watch(b, &b->local, local, err) && watch(b, &b->remote, remote, err);
}

static void stop(struct bridge *b)
{
    b->has_reported = true;
    loop_fd_remove(b->o.loop, &b->local);
    loop_fd_remove(b->o.loop, &b->remote);
}

static void on_ready(void *ctx, unsigned events)
{
    (void)events;
    struct bridge *b = ctx;
    pump_up(b);
    pump_down(b);
    if (b->local_ended && b->up_closed && b->remote_ended) {
        stop(b);
        b->o.on_flushed(b->o.ctx);
        return;
    }
    if (b->down_closed) {
        stop(b);
        b->o.on_remote_end(b->o.ctx, &b->why);
        return;
    }
    struct err err = {0};
    if (!watch_both(b, &err)) {
        stop(b);
        b->o.on_remote_end(b->o.ctx, &err);
    }
}

bool bridge_open(struct bridge **ret, const struct bridge_options *options, struct err *err)
{
    struct bridge *b = calloc(1, sizeof(*b));
    if (b == NULL) {
        return err_set(err, ERR_NO_MEMORY, "MQTT: out of memory");
    }
    b->o = *options;
    b->local = (struct loop_fd){.fd = options->local_fd, .on_ready = on_ready, .ctx = b};
    b->remote = (struct loop_fd){.fd = options->wire.fd, .on_ready = on_ready, .ctx = b};
    b->framing.packet_bytes_max = options->packet_bytes_max;
    b->last_up = b->last_down = loop_now(options->loop);
    const int bytes = LOCAL_SEND_BYTES;
    (void)setsockopt(b->local.fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    if (!watch_both(b, err)) {
        stop(b);
        free(b); /* the descriptor stays the caller's */
        return false;
    }
    *ret = b;
    return true;
}

void bridge_close(struct bridge *bridge)
{
    if (bridge == NULL) {
        return;
    }
    stop(bridge);
    (void)close(bridge->local.fd);
    free(bridge);
}

struct mono_time bridge_silent_since(const struct bridge *bridge)
{
    return bridge->last_up.ns < bridge->last_down.ns ? bridge->last_up : bridge->last_down;
}
