#include "agent/el/mqtt_packets.h"

#include <string.h>

enum {
    SEND_CONNECT = 0x10,
    SEND_PUBACK = 0x40,
    SEND_SUBSCRIBE = 0x82, /* the flags are part of it */
    SEND_PINGREQ = 0xc0,
    SEND_DISCONNECT = 0xe0,
};
enum { PROTOCOL_LEVEL = 4, CLEAN_SESSION = 0x02, HAS_PASSWORD = 0x40, HAS_USER = 0x80 };
enum { LENGTH_BYTES_MAX = 4, REFUSED = 0x80, QOS_MAX = 1 }; /* as subscribed */

/* --- what comes ------------------------------------------------------------------------------ */

/* The remaining length: seven bits a byte, the lowest first. */
static enum packet_result read_length(struct str bytes, size_t *ret_length, size_t *ret_header)
{
    size_t length = 0;
    for (size_t i = 0; i < LENGTH_BYTES_MAX; i++) {
        if (i + 1 >= bytes.len) {
            return PACKET_PART;
        }
        unsigned char byte = (unsigned char)bytes.ptr[i + 1];
        length |= (size_t)(byte & 0x7fU) << (7 * i);
        if ((byte & 0x80U) == 0) {
            *ret_length = length;
            *ret_header = i + 2;
            return PACKET_WHOLE;
        }
    }
    return PACKET_WRONG;
}

enum packet_result packet_next(struct str bytes, size_t max, struct mqtt_packet *ret,
                               size_t *ret_bytes)
{
    size_t length = 0;
    size_t header = 0;
    enum packet_result result = read_length(bytes, &length, &header);
    if (result != PACKET_WHOLE) {
        return result;
    }
    *ret_bytes = header + length;
    if (*ret_bytes > max) {
        return PACKET_LARGE;
    }
    if (bytes.len < *ret_bytes) {
        return PACKET_PART;
    }
    unsigned char first = (unsigned char)bytes.ptr[0];
    *ret = (struct mqtt_packet){
        .type = first >> 4, .flags = first & 0x0fU, .body = str_slice(bytes, header, *ret_bytes)};
    return PACKET_WHOLE;
}

static bool take_u16(struct str *body, unsigned *ret)
{
    if (body->len < 2) {
        return false;
    }
    *ret = (unsigned)(unsigned char)body->ptr[0] << 8 | (unsigned char)body->ptr[1];
    *body = str_slice(*body, 2, body->len);
    return true;
}

bool packet_publish(const struct mqtt_packet *packet, struct mqtt_publish *ret)
{
    struct str body = packet->body;
    unsigned length = 0;
    *ret = (struct mqtt_publish){.qos = packet->flags >> 1 & 3U,
                                 .is_retained = (packet->flags & 1U) != 0};
    if (ret->qos > QOS_MAX || !take_u16(&body, &length) || length == 0 || body.len < length) {
        return false;
    }
    ret->topic = str_slice(body, 0, length);
    body = str_slice(body, length, body.len);
    if (ret->qos > 0 && (!take_u16(&body, &ret->id) || ret->id == 0)) {
        return false;
    }
    ret->payload = body;
    return str_is_utf8(ret->topic) && memchr(ret->topic.ptr, '\0', ret->topic.len) == NULL;
}

bool packet_connack(const struct mqtt_packet *packet, unsigned *ret_code)
{
    if (packet->type != PACKET_CONNACK || packet->body.len != 2) {
        return false;
    }
    *ret_code = (unsigned char)packet->body.ptr[1];
    return true;
}

bool packet_suback(const struct mqtt_packet *packet, size_t count, size_t *ret_refused)
{
    struct str codes = packet->body;
    unsigned id = 0;
    if (!take_u16(&codes, &id) || codes.len != count) {
        return false;
    }
    size_t i = 0;
    while (i < count && ((unsigned char)codes.ptr[i] & REFUSED) == 0) {
        i++;
    }
    *ret_refused = i;
    return true;
}

/* --- what goes ------------------------------------------------------------------------------- */

static void add_byte(struct buf *out, size_t byte)
{
    const unsigned char bytes[1] = {(unsigned char)(byte & 0xffU)};
    buf_add(out, (struct str){(const char *)bytes, 1});
}

static void add_u16(struct buf *out, size_t value)
{
    add_byte(out, value >> 8);
    add_byte(out, value);
}

static void add_text(struct buf *out, struct str text)
{
    add_u16(out, text.len);
    buf_add(out, text);
}

static void add_header(struct buf *out, unsigned first, size_t length)
{
    add_byte(out, first);
    do {
        add_byte(out, (length & 0x7fU) | (length > 0x7f ? 0x80U : 0U));
        length >>= 7;
    } while (length > 0);
}

void packet_add_connect(struct buf *out, const struct mqtt_connect *connect)
{
    bool has_user = connect->user.len > 0 || connect->password.len > 0;
    bool has_password = connect->password.len > 0;
    unsigned flags = (connect->keeps_session ? 0U : CLEAN_SESSION) | (has_user ? HAS_USER : 0U) |
                     (has_password ? HAS_PASSWORD : 0U);
    size_t length = 10 + 2 + connect->client_id.len + (has_user ? 2 + connect->user.len : 0) +
                    (has_password ? 2 + connect->password.len : 0);
    add_header(out, SEND_CONNECT, length);
    add_text(out, STR("MQTT"));
    add_byte(out, PROTOCOL_LEVEL);
    add_byte(out, flags);
    add_u16(out, connect->keepalive_s);
    add_text(out, connect->client_id);
    if (has_user) {
        add_text(out, connect->user);
    }
    if (has_password) {
        add_text(out, connect->password);
    }
}

void packet_add_subscribe(struct buf *out, unsigned id, const struct str_list *filters)
{
    size_t length = 2;
    for (size_t i = 0; i < filters->count; i++) {
        length += 2 + filters->items[i].len + 1;
    }
    add_header(out, SEND_SUBSCRIBE, length);
    add_u16(out, id);
    for (size_t i = 0; i < filters->count; i++) {
        add_text(out, filters->items[i]);
        add_byte(out, 1);
    }
}

void packet_add_puback(struct buf *out, unsigned id)
{
    add_header(out, SEND_PUBACK, 2);
    add_u16(out, id);
}

void packet_add_pingreq(struct buf *out)
{
    add_header(out, SEND_PINGREQ, 0);
}

void packet_add_disconnect(struct buf *out)
{
    add_header(out, SEND_DISCONNECT, 0);
}
