#include "agent/el/mqtt_publisher.h"

#include "agent/el/cancel.h"

enum { LINK_ARENA_BYTES = 256 << 10 };

void mqtt_publisher_init(struct mqtt_publisher *p, const struct mqtt_publisher_options *options,
                         struct clock clock)
{
    *p = (struct mqtt_publisher){
        .options = options, .clock = clock, .arena = arena_new(LINK_ARENA_BYTES)};
}

void mqtt_publisher_close(struct mqtt_publisher *p)
{
    mqtt_link_close(p->link);
    p->link = NULL;
    arena_release(&p->arena);
}

/* --- message ids ----------------------------------------------------------------------------- */

static unsigned next_id(const struct mqtt_publisher *p)
{
    return (unsigned)(p->sent % UINT16_MAX) + 1;
}

/* Ids go round: the last message that has it. */
static int64_t message_of(const struct mqtt_publisher *p, unsigned id)
{
    return p->sent - (p->sent - id) % UINT16_MAX;
}

static bool is_awaited(const struct mqtt_publisher *p, unsigned id)
{
    return (p->is_awaited[id / 8] >> id % 8 & 1) != 0;
}

static void flip_awaited(struct mqtt_publisher *p, unsigned id)
{
    p->is_awaited[id / 8] ^= (unsigned char)(1U << id % 8);
}

/* --- what the broker says -------------------------------------------------------------------- */

static bool take_puback(struct mqtt_publisher *p, const struct mqtt_packet *packet, struct err *err)
{
    unsigned id = 0;
    unsigned code = 0;
    enum err_code class;
    if (!packet_puback(packet, &id, &code) || !is_awaited(p, id)) {
        return mqtt_link_senseless("an acknowledgement", err);
    }
    if (code >= MQTT_REFUSED) {
        const char *why = mqtt_reason(code, &class);
        err_set(err, class, "the broker refuses message %lld of this load: %s",
                (long long)message_of(p, id), why);
        if (class == ERR_DENIED) {
            err_hint(err, "see the broker's access list, \"user\" and \"topic\"");
        }
        return false;
    }
    flip_awaited(p, id);
    p->awaited--;
    return true;
}

static bool take(struct mqtt_publisher *p, const struct mqtt_packet *packet, struct err *err)
{
    enum err_code class;
    const char *why;
    switch (packet->type) {
    case PACKET_PUBACK:
        return take_puback(p, packet, err);
    case PACKET_PINGRESP:
        p->is_ping_awaited = false;
        return true;
    case PACKET_DISCONNECT:
        why = mqtt_reason(packet_disconnect(packet), &class);
        return err_set(err, class, "the broker ends the connection: %s", why);
    default:
        return mqtt_link_senseless("a packet", err);
    }
}

/* Takes what is there. */
static bool take_all(struct mqtt_publisher *p, struct err *err)
{
    struct mqtt_packet packet;
    bool is_found = true;
    while (is_found) {
        if (!mqtt_link_packet(p->link, 0, &packet, &is_found, err) ||
            (is_found && !take(p, &packet, err))) {
            return false;
        }
    }
    return true;
}

static bool flush(struct mqtt_publisher *p, struct err *err)
{
    const struct buf *out = mqtt_link_out(p->link);
    struct err last_word = {0};
    if (out->len == 0 && !out->overflow) {
        return true;
    }
    if (mqtt_link_send(p->link, err)) {
        p->used = clock_mono(&p->clock);
        return true;
    }
    if (!take_all(p, &last_word)) { /* it says more than a broken pipe does */
        *err = last_word;
    }
    return false;
}

/* Waits until at most `most` messages are not acknowledged, `id` is none of them, and no answer to a
 * ping is awaited. */
static bool wait_for(struct mqtt_publisher *p, unsigned most, unsigned id, struct err *err)
{
    int64_t timeout = p->options->link.timeout;
    int64_t end = clock_mono(&p->clock).ns + timeout;
    if (!flush(p, err)) {
        return false;
    }
    while (p->awaited > most || is_awaited(p, id) || p->is_ping_awaited) {
        struct mqtt_packet packet;
        bool is_found = false;
        int64_t left = end - clock_mono(&p->clock).ns;
        if (cancel_requested()) {
            return cancel_error(err);
        }
        if (left <= 0) {
            return err_set(err, ERR_TIMEOUT, "the broker does not answer any more");
        }
        if (!mqtt_link_packet(p->link, left, &packet, &is_found, err)) {
            return false;
        }
        if (is_found) {
            if (!take(p, &packet, err)) {
                return false;
            }
            end = clock_mono(&p->clock).ns + timeout;
        }
    }
    return true;
}

/* --- the connection -------------------------------------------------------------------------- */

/* Always false. */
static bool wrap(const struct mqtt_publisher *p, struct err *err)
{
    if (p->awaited > 0) {
        err_wrap(err, "with %u messages not acknowledged", p->awaited);
    }
    return err_wrap(err, "mqtt " STR_FMT, STR_ARG(mqtt_link_label(p->link)));
}

static bool settle(struct mqtt_publisher *p, struct err *err)
{
    if (p->options->qos == 0 && p->link != NULL) {
        p->is_ping_awaited = true;
        packet_add_pingreq(mqtt_link_out(p->link));
    }
    return wait_for(p, 0, 0, err);
}

static bool check_broker(const struct mqtt_publisher *p, struct err *err)
{
    const struct mqtt_accepted *broker = mqtt_link_accepted(p->link);
    if (p->options->qos > broker->qos_max) {
        err_set(err, ERR_INVALID, "the broker takes no messages of QoS 1");
        return err_hint(err, "\"qos\": 0 sends them without acknowledgements");
    }
    return !p->options->retain || broker->retains ||
           err_set(err, ERR_INVALID, "the broker keeps no messages, as \"retain\" wants it");
}

/* Half of the time after which the broker gives up who is silent. */
static int64_t idle_max(const struct mqtt_publisher *p)
{
    unsigned wanted = mqtt_link_accepted(p->link)->keepalive_s;
    return (wanted > 0 && wanted < MQTT_LINK_KEEPALIVE_S ? wanted : MQTT_LINK_KEEPALIVE_S) *
           NS_PER_SEC / 2;
}

static bool connect_in_time(struct mqtt_publisher *p, struct err *err)
{
    if (p->link != NULL && clock_mono(&p->clock).ns - p->used.ns < idle_max(p)) {
        return true;
    }
    if (p->link != NULL) {
        if (!settle(p, err)) {
            return wrap(p, err);
        }
        mqtt_link_close(p->link);
        p->link = NULL;
        arena_reset(&p->arena);
    }
    if (!mqtt_link_open(&p->link, &p->options->link, p->clock, &p->arena, err)) {
        return false;
    }
    p->used = clock_mono(&p->clock);
    return check_broker(p, err) || wrap(p, err);
}

static bool check_size(const struct mqtt_publisher *p, const struct mqtt_publish *m,
                       struct err *err)
{
    size_t bytes = packet_publish_bytes(m);
    size_t max = mqtt_link_accepted(p->link)->packet_max;
    max = max < MQTT_LINK_PACKET_MAX ? max : MQTT_LINK_PACKET_MAX;
    return bytes <= max ||
           err_set(err, ERR_FULL, "message %lld of this load has %zu bytes; %zu is the most",
                   (long long)p->sent + 1, bytes, max);
}

/* Waits while the window is full, then until half of it is free: for sends of several messages. */
static bool wait_for_room(struct mqtt_publisher *p, unsigned id, struct err *err)
{
    unsigned receive_max = mqtt_link_accepted(p->link)->receive_max;
    unsigned window = p->options->window < receive_max ? p->options->window : receive_max;
    return (p->awaited < window && !is_awaited(p, id)) || wait_for(p, window / 2, id, err);
}

static bool send_one(struct mqtt_publisher *p, struct mqtt_publish *m, struct err *err)
{
    if (!check_size(p, m, err) || (m->qos > 0 && !wait_for_room(p, m->id, err))) {
        return false;
    }
    if (m->qos > 0) {
        flip_awaited(p, m->id);
        p->awaited++;
    }
    p->sent++;
    packet_add_publish(mqtt_link_out(p->link), m);
    return mqtt_link_out(p->link)->len < MQTT_LINK_SEND_BYTES || flush(p, err);
}

bool mqtt_publisher_send(struct mqtt_publisher *p, struct str topic, struct str payload,
                         struct err *err)
{
    struct mqtt_publish message = {.topic = topic,
                                   .payload = payload,
                                   .qos = p->options->qos,
                                   .id = next_id(p),
                                   .is_retained = p->options->retain};
    return connect_in_time(p, err) && (send_one(p, &message, err) || wrap(p, err));
}

bool mqtt_publisher_settle(struct mqtt_publisher *p, struct err *err)
{
    return p->link == NULL || settle(p, err) || wrap(p, err);
}
