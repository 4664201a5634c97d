#include "hub/simulate/client.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PACKET_BYTES_MAX = 512 << 10,
    OUT_BYTES_MAX = 4 << 20,
    RECORD_BYTES = 16 << 10,
    SUBSCRIBE_ID = 1,
};

/* --- the end ------------------------------------------------------------------------------ */

static void fail(struct client *c, const struct err *why)
{
    if (c->state == CLIENT_OFFLINE || c->state == CLIENT_ENDING) {
        return;
    }
    c->why = *why;
    c->state = CLIENT_ENDING;
    loop_defer(c->loop, &c->end);
}

static void tear_down(struct client *c)
{
    loop_defer_cancel(c->loop, &c->end);
    loop_defer_cancel(c->loop, &c->flush);
    loop_timer_disarm(c->loop, &c->timer);
    dialer_stop(&c->dialer);
    loop_fd_remove(c->loop, &c->socket);
    tls_channel_close(c->channel);
    c->channel = NULL;
    if (c->socket.fd >= 0) {
        (void)close(c->socket.fd);
    }
    c->socket.fd = -1;
    buf_release(&c->in);
    buf_release(&c->out);
    c->writing = 0;
    c->inflight = 0;
    c->is_pinging = false;
}

static void on_end(void *ctx)
{
    struct client *c = ctx;
    tear_down(c);
    c->state = CLIENT_OFFLINE;
    const struct err why = c->why;
    c->handlers.on_down(c->handlers.ctx, &why);
}

static void fail_with(struct client *c, enum err_code code, const char *text)
{
    struct err err = {0};
    (void)err_set(&err, code, "%s", text);
    fail(c, &err);
}

/* --- sending ------------------------------------------------------------------------------ */

static bool watch(struct client *c, bool wants_write)
{
    struct err err = {0};
    bool ok = loop_fd_watch(c->loop, &c->socket, LOOP_READ | (wants_write ? LOOP_WRITE : 0), &err);
    if (!ok) {
        fail(c, &err);
    }
    return ok;
}

/* After WANT_WRITE mbedTLS must get the same bytes again. */
static void flush(struct client *c)
{
    struct err err = {0};
    while (c->out.len > 0 && c->state != CLIENT_ENDING) {
        size_t moved = 0;
        c->writing =
            c->writing > 0 ? c->writing : (c->out.len < RECORD_BYTES ? c->out.len : RECORD_BYTES);
        enum tls_status status =
            tls_channel_write(c->channel, c->out.ptr, c->writing, &moved, &err);
        if (status == TLS_WANT_WRITE || status == TLS_WANT_READ) {
            (void)watch(c, true);
            return;
        }
        if (status != TLS_OK) {
            fail(c, &err);
            return;
        }
        c->writing = 0;
        buf_consume(&c->out, moved);
    }
    if (c->state != CLIENT_ENDING) {
        buf_release(&c->out);
        c->out = buf_growing(OUT_BYTES_MAX);
        (void)watch(c, false);
    }
}

static void on_flush(void *ctx)
{
    flush(ctx);
}

bool client_publish(struct client *c, struct str topic, struct str payload)
{
    if (c->state != CLIENT_UP || c->inflight >= CLIENT_INFLIGHT_MAX) {
        return false;
    }
    struct mqtt_publish message = {.topic = topic, .payload = payload, .qos = 1, .id = c->next_id};
    if (c->out.len + packet_publish_bytes(&message) > OUT_BYTES_MAX) {
        return false;
    }
    packet_add_publish(&c->out, &message);
    if (c->out.overflow) {
        fail_with(c, ERR_NO_MEMORY, "out of memory");
        return false;
    }
    c->next_id = c->next_id == UINT16_MAX ? 1 : c->next_id + 1;
    c->inflight++;
    loop_defer(c->loop, &c->flush);
    return true;
}

/* --- receiving ---------------------------------------------------------------------------- */

static void on_connack(struct client *c, const struct mqtt_packet *packet)
{
    struct mqtt_accepted accepted;
    if (!packet_accepted(packet, &accepted)) {
        fail_with(c, ERR_INVALID, "the broker's answer to CONNECT makes no sense");
    } else if (accepted.code != 0) {
        enum err_code code = ERR_INVALID;
        const char *text = mqtt_reason(accepted.code, &code);
        struct err err = {0};
        (void)err_set(&err, code, "the broker refuses the connection: %s", text);
        fail(c, &err);
    }
}

static void on_keepalive(void *ctx);

static void on_suback(struct client *c, const struct mqtt_packet *packet)
{
    size_t refused = 0;
    if (!packet_suback(MQTT_5, packet, c->filters, &refused) || refused < c->filters) {
        fail_with(c, ERR_DENIED, "the broker refuses a subscription");
        return;
    }
    c->state = CLIENT_UP;
    c->timer.on_due = on_keepalive;
    loop_timer_arm_in(c->loop, &c->timer, CLIENT_KEEPALIVE_S * NS_PER_SEC);
    c->handlers.on_up(c->handlers.ctx, c->is_resumed);
}

static void on_publish(struct client *c, const struct mqtt_packet *packet)
{
    struct mqtt_publish message;
    if (!packet_publish(MQTT_5, packet, &message)) {
        fail_with(c, ERR_INVALID, "a message of the broker makes no sense");
        return;
    }
    if (message.qos > 0) {
        packet_add_puback(&c->out, message.id);
        loop_defer(c->loop, &c->flush);
    }
    c->handlers.on_message(c->handlers.ctx, &message);
}

static void take(struct client *c, const struct mqtt_packet *packet)
{
    enum err_code code = ERR_OFFLINE;
    struct err err = {0};
    switch (packet->type) {
    case PACKET_CONNACK:
        on_connack(c, packet);
        break;
    case PACKET_SUBACK:
        on_suback(c, packet);
        break;
    case PACKET_PUBLISH:
        on_publish(c, packet);
        break;
    case PACKET_PUBACK:
        c->inflight -= c->inflight > 0;
        break;
    case PACKET_PINGRESP:
        c->is_pinging = false;
        break;
    case PACKET_DISCONNECT:
        (void)err_set(&err, code, "the broker ends the connection: %s",
                      mqtt_reason(packet_disconnect(packet), &code));
        fail(c, &err);
        break;
    default:
        fail_with(c, ERR_INVALID, "the broker sends what no broker sends");
    }
}

static void take_all(struct client *c)
{
    size_t used = 0;
    while (c->state == CLIENT_CONNECTING || c->state == CLIENT_UP) {
        struct mqtt_packet packet;
        size_t bytes = 0;
        struct str rest = str_slice(buf_str(&c->in), used, c->in.len);
        enum packet_result result = packet_next(rest, PACKET_BYTES_MAX, &packet, &bytes);
        if (result == PACKET_PART) {
            break;
        }
        if (result != PACKET_WHOLE) {
            fail_with(c, ERR_INVALID, "the broker sends no MQTT, or too large a packet");
            break;
        }
        take(c, &packet);
        used += bytes;
    }
    buf_consume(&c->in, used);
    if (c->in.len == 0) {
        buf_release(&c->in);
        c->in = buf_growing(PACKET_BYTES_MAX + RECORD_BYTES);
    }
}

static void receive(struct client *c)
{
    char bytes[RECORD_BYTES];
    struct err err = {0};
    while (c->state == CLIENT_CONNECTING || c->state == CLIENT_UP) {
        size_t len = 0;
        enum tls_status status = tls_channel_read(c->channel, bytes, sizeof(bytes), &len, &err);
        if (status == TLS_WANT_READ || status == TLS_WANT_WRITE) {
            return;
        }
        if (status == TLS_CLOSED) {
            fail_with(c, ERR_OFFLINE, "the broker closed the connection");
            return;
        }
        if (status != TLS_OK) {
            fail(c, &err);
            return;
        }
        buf_add(&c->in, (struct str){bytes, len});
        take_all(c);
    }
}

/* --- connecting --------------------------------------------------------------------------- */

static void handshake(struct client *c)
{
    struct err err = {0};
    enum tls_status status = tls_channel_handshake(c->channel, &err);
    if (status == TLS_WANT_READ || status == TLS_WANT_WRITE) {
        if (!loop_fd_watch(c->loop, &c->socket, status == TLS_WANT_READ ? LOOP_READ : LOOP_WRITE,
                           &err)) {
            fail(c, &err);
        }
        return;
    }
    if (status != TLS_OK) {
        fail(c, &err);
        return;
    }
    c->is_resumed = tls_channel_was_resumed(c->channel);
    c->state = CLIENT_CONNECTING;
    flush(c);
}

static void on_ready(void *ctx, unsigned events)
{
    (void)events;
    struct client *c = ctx;
    if (c->state == CLIENT_HANDSHAKE) {
        handshake(c);
    }
    if (c->state == CLIENT_CONNECTING || c->state == CLIENT_UP) {
        receive(c);
    }
    if ((c->state == CLIENT_CONNECTING || c->state == CLIENT_UP) && c->out.len > 0) {
        flush(c);
    }
}

static void on_dialed(void *ctx, int fd, const struct err *why)
{
    struct client *c = ctx;
    struct err err = {0};
    if (fd < 0) {
        fail(c, why);
        return;
    }
    c->socket.fd = fd;
    c->state = CLIENT_HANDSHAKE;
    if (!tls_channel_open(&c->channel, c->tls, fd, &err)) {
        fail(c, &err);
        return;
    }
    handshake(c);
}

static void on_deadline(void *ctx)
{
    fail_with(ctx, ERR_TIMEOUT, "no connection in time");
}

static void on_keepalive(void *ctx)
{
    struct client *c = ctx;
    if (c->is_pinging) {
        fail_with(c, ERR_TIMEOUT, "the broker does not answer any more");
        return;
    }
    c->is_pinging = true;
    packet_add_pingreq(&c->out);
    loop_timer_arm_in(c->loop, &c->timer, CLIENT_KEEPALIVE_S * NS_PER_SEC);
    flush(c);
}

void client_connect(struct client *c, const struct str_list *filters, struct str topic,
                    struct str death)
{
    c->state = CLIENT_DIALING;
    c->in = buf_growing(PACKET_BYTES_MAX + RECORD_BYTES);
    c->out = buf_growing(OUT_BYTES_MAX);
    c->next_id = SUBSCRIBE_ID + 1;
    c->filters = filters->count;
    packet_add_connect(&c->out, &(struct mqtt_connect){.version = MQTT_5,
                                                       .client_id = str_from(c->id),
                                                       .keepalive_s = 2 * CLIENT_KEEPALIVE_S,
                                                       .will_topic = topic,
                                                       .will_payload = death});
    packet_add_subscribe(&c->out, MQTT_5, SUBSCRIBE_ID, filters);
    c->timer.on_due = on_deadline;
    loop_timer_arm_in(c->loop, &c->timer, CLIENT_CONNECT_S * NS_PER_SEC);
    dialer_start(&c->dialer, c->addresses, c->timer.due);
}

/* --- life --------------------------------------------------------------------------------- */

void client_cut(struct client *c)
{
    if (c->socket.fd >= 0) { /* no close_notify, no FIN in order: what is under way is lost */
        const struct linger now = {.l_onoff = 1};
        (void)setsockopt(c->socket.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }
    fail_with(c, ERR_OFFLINE, "the connection was cut");
}

void client_stop(struct client *c)
{
    struct err err = {0};
    if (c->state == CLIENT_UP) {
        packet_add_disconnect(&c->out);
        flush(c);
        if (c->state == CLIENT_UP) {
            (void)tls_channel_notify_close(c->channel, &err);
        }
    }
    fail_with(c, ERR_CANCELLED, "stopped");
}

bool client_open(struct client *c, struct loop *loop, const struct tls_client_options *options,
                 struct str id, struct err *err)
{
    c->loop = loop;
    c->socket = (struct loop_fd){.fd = -1, .on_ready = on_ready, .ctx = c};
    c->dialer = (struct dialer){.loop = loop, .on_done = on_dialed, .ctx = c};
    c->timer = (struct loop_timer){.ctx = c};
    c->flush = (struct loop_task){.run = on_flush, .ctx = c};
    c->end = (struct loop_task){.run = on_end, .ctx = c};
    (void)snprintf(c->id, sizeof(c->id), STR_FMT, STR_ARG(id));
    return tls_client_open(&c->tls, options, err);
}

void client_close(struct client *c)
{
    if (c->loop != NULL) {
        tear_down(c);
        tls_client_close(c->tls);
        *c = (struct client){0};
    }
}
