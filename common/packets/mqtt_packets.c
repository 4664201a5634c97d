#include "common/packets/mqtt_packets.h"

#include <string.h>

enum {
    SEND_CONNECT = 0x10,
    SEND_PUBLISH = 0x30,
    SEND_PUBACK = 0x40,
    SEND_SUBSCRIBE = 0x82, /* the flags are part of it */
    SEND_PINGREQ = 0xc0,
    SEND_DISCONNECT = 0xe0,
};
enum {
    CLEAN_SESSION = 0x02,
    HAS_WILL = 0x04,
    WILL_QOS_1 = 0x08,
    HAS_PASSWORD = 0x40,
    HAS_USER = 0x80,
};
enum { LENGTH_BYTES_MAX = 4, REFUSED = 0x80, QOS_MAX = 1 }; /* as subscribed */

/* --- what comes ------------------------------------------------------------------------------ */

/* A length that stands at `at`: seven bits a byte, the lowest first. */
static enum packet_result read_length(struct str bytes, size_t at, size_t *ret_length,
                                      size_t *ret_header)
{
    size_t length = 0;
    for (size_t i = 0; i < LENGTH_BYTES_MAX; i++) {
        if (at + i >= bytes.len) {
            return PACKET_PART;
        }
        unsigned char byte = (unsigned char)bytes.ptr[at + i];
        length |= (size_t)(byte & 0x7fU) << (7 * i);
        if ((byte & 0x80U) == 0) {
            *ret_length = length;
            *ret_header = at + i + 1;
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
    enum packet_result result = read_length(bytes, 1, &length, &header);
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

static bool take_number(struct str *rest, size_t bytes, unsigned *ret)
{
    unsigned value = 0;
    if (rest->len < bytes) {
        return false;
    }
    for (size_t i = 0; i < bytes; i++) {
        value = value << 8 | (unsigned char)rest->ptr[i];
    }
    *ret = value;
    *rest = str_slice(*rest, bytes, rest->len);
    return true;
}

/* Passes over the properties of MQTT 5, of which nothing is asked here. */
static bool skip_properties(enum mqtt_version version, struct str *rest)
{
    size_t length = 0;
    size_t header = 0;
    if (version != MQTT_5) {
        return true;
    }
    if (read_length(*rest, 0, &length, &header) != PACKET_WHOLE || rest->len - header < length) {
        return false;
    }
    *rest = str_slice(*rest, header + length, rest->len);
    return true;
}

bool packet_publish(enum mqtt_version version, const struct mqtt_packet *packet,
                    struct mqtt_publish *ret)
{
    struct str body = packet->body;
    unsigned length = 0;
    *ret = (struct mqtt_publish){.qos = packet->flags >> 1 & 3U,
                                 .is_retained = (packet->flags & 1U) != 0};
    if (ret->qos > QOS_MAX || !take_number(&body, 2, &length) || length == 0 || body.len < length) {
        return false;
    }
    ret->topic = str_slice(body, 0, length);
    body = str_slice(body, length, body.len);
    if (ret->qos > 0 && (!take_number(&body, 2, &ret->id) || ret->id == 0)) {
        return false;
    }
    if (!skip_properties(version, &body)) {
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

bool packet_suback(enum mqtt_version version, const struct mqtt_packet *packet, size_t count,
                   size_t *ret_refused)
{
    struct str codes = packet->body;
    unsigned id = 0;
    if (!take_number(&codes, 2, &id) || !skip_properties(version, &codes) || codes.len != count) {
        return false;
    }
    size_t i = 0;
    while (i < count && ((unsigned char)codes.ptr[i] & REFUSED) == 0) {
        i++;
    }
    *ret_refused = i;
    return true;
}

/* --- what comes of MQTT 5 -------------------------------------------------------------------- */

/* Properties of CONNACK; section 3.2.2.3. */
enum property {
    SESSION_EXPIRY = 0x11,
    ASSIGNED_CLIENT_ID = 0x12,
    SERVER_KEEP_ALIVE = 0x13,
    AUTH_METHOD = 0x15,
    AUTH_DATA = 0x16,
    RESPONSE_INFORMATION = 0x1a,
    SERVER_REFERENCE = 0x1c,
    REASON_STRING = 0x1f,
    RECEIVE_MAXIMUM = 0x21,
    TOPIC_ALIAS_MAXIMUM = 0x22,
    MAXIMUM_QOS = 0x24,
    RETAIN_AVAILABLE = 0x25,
    USER_PROPERTY = 0x26,
    MAXIMUM_PACKET_SIZE = 0x27,
    WILDCARDS_AVAILABLE = 0x28,
    IDENTIFIERS_AVAILABLE = 0x29,
    SHARING_AVAILABLE = 0x2a,
};

static bool skip_text(struct str *rest)
{
    unsigned length = 0;
    if (!take_number(rest, 2, &length) || rest->len < length) {
        return false;
    }
    *rest = str_slice(*rest, length, rest->len);
    return true;
}

static bool take_value(struct str *rest, unsigned property, unsigned *ret)
{
    switch ((enum property)property) {
    case MAXIMUM_QOS:
    case RETAIN_AVAILABLE:
    case WILDCARDS_AVAILABLE:
    case IDENTIFIERS_AVAILABLE:
    case SHARING_AVAILABLE:
        return take_number(rest, 1, ret);
    case SERVER_KEEP_ALIVE:
    case RECEIVE_MAXIMUM:
    case TOPIC_ALIAS_MAXIMUM:
        return take_number(rest, 2, ret);
    case SESSION_EXPIRY:
    case MAXIMUM_PACKET_SIZE:
        return take_number(rest, 4, ret);
    case ASSIGNED_CLIENT_ID:
    case AUTH_METHOD:
    case AUTH_DATA:
    case RESPONSE_INFORMATION:
    case SERVER_REFERENCE:
    case REASON_STRING:
        return skip_text(rest);
    case USER_PROPERTY: /* a name and a value */
        if (!skip_text(rest)) {
            return false;
        }
        return skip_text(rest);
    default:
        return false;
    }
}

static bool take_property(struct str *rest, struct mqtt_accepted *ret)
{
    unsigned property = 0;
    unsigned value = 0;
    if (!take_number(rest, 1, &property) || !take_value(rest, property, &value)) {
        return false;
    }
    if (property == SERVER_KEEP_ALIVE) {
        ret->keepalive_s = value;
    } else if (property == RECEIVE_MAXIMUM) {
        ret->receive_max = value;
        return value > 0;
    } else if (property == MAXIMUM_QOS) {
        ret->qos_max = value;
    } else if (property == RETAIN_AVAILABLE) {
        ret->retains = value != 0;
    } else if (property == MAXIMUM_PACKET_SIZE) {
        ret->packet_max = value;
        return value > 0;
    }
    return true;
}

bool packet_accepted(const struct mqtt_packet *packet, struct mqtt_accepted *ret)
{
    struct str rest = packet->body;
    unsigned flags = 0;
    size_t length = 0;
    size_t header = 0;
    *ret = (struct mqtt_accepted){
        .receive_max = UINT16_MAX, .packet_max = UINT32_MAX, .qos_max = 2, .retains = true};
    if (packet->type != PACKET_CONNACK || !take_number(&rest, 1, &flags) ||
        !take_number(&rest, 1, &ret->code)) {
        return false;
    }
    if (ret->code != 0) { /* of whatever version */
        return true;
    }
    if (read_length(rest, 0, &length, &header) != PACKET_WHOLE || rest.len != header + length) {
        return false;
    }
    rest = str_slice(rest, header, rest.len);
    while (rest.len > 0) {
        if (!take_property(&rest, ret)) {
            return false;
        }
    }
    return true;
}

bool packet_puback(const struct mqtt_packet *packet, unsigned *ret_id, unsigned *ret_code)
{
    struct str rest = packet->body;
    if (packet->type != PACKET_PUBACK || !take_number(&rest, 2, ret_id) || *ret_id == 0) {
        return false;
    }
    if (!take_number(&rest, 1, ret_code)) {
        *ret_code = 0;
    }
    return true;
}

unsigned packet_disconnect(const struct mqtt_packet *packet)
{
    struct str rest = packet->body;
    unsigned code = 0;
    return take_number(&rest, 1, &code) ? code : 0;
}

const char *mqtt_reason(unsigned code, enum err_code *ret)
{
    static const struct {
        unsigned code;
        enum err_code class;
        const char *text;
    } reasons[] = {
        {0x01, ERR_INVALID, "it does not speak MQTT 5"}, /* as 3.1.1 says it */
        {0x84, ERR_INVALID, "it does not speak MQTT 5"},
        {0x85, ERR_INVALID, "it does not take this \"client_id\""},
        {0x86, ERR_DENIED, "user name or password is wrong"},
        {0x87, ERR_DENIED, "not authorized"},
        {0x88, ERR_OFFLINE, "it is not available"},
        {0x89, ERR_OFFLINE, "it is busy"},
        {0x8a, ERR_DENIED, "we are banned"},
        {0x8b, ERR_OFFLINE, "it is shutting down"},
        {0x8d, ERR_TIMEOUT, "it heard nothing from us for too long"},
        {0x8e, ERR_BUSY, "another client has the same \"client_id\""},
        {0x90, ERR_INVALID, "it does not take this topic"},
        {0x95, ERR_FULL, "the message is larger than it takes"},
        {0x96, ERR_FULL, "messages come faster than it takes them"},
        {0x97, ERR_FULL, "its quota is used up"},
        {0x98, ERR_OFFLINE, "somebody told it to"},
        {0x99, ERR_INVALID, "it does not take this payload"},
        {0x9a, ERR_INVALID, "it keeps no retained messages"},
        {0x9b, ERR_INVALID, "it does not take this QoS"},
        {0x9c, ERR_OFFLINE, "another server is to be used"},
        {0x9d, ERR_OFFLINE, "it has moved"},
        {0x9f, ERR_OFFLINE, "connections come faster than it takes them"},
        {0xa0, ERR_TIMEOUT, "it lets no connection last so long"},
    };
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (reasons[i].code == code) {
            *ret = reasons[i].class;
            return reasons[i].text;
        }
    }
    *ret = ERR_INVALID;
    return "it does not say why";
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
    bool has_will = connect->will_topic.len > 0;
    unsigned flags = (connect->keeps_session ? 0U : CLEAN_SESSION) | (has_user ? HAS_USER : 0U) |
                     (has_password ? HAS_PASSWORD : 0U) | (has_will ? HAS_WILL | WILL_QOS_1 : 0U);
    bool has_properties = connect->version == MQTT_5;
    size_t properties = has_properties ? 1 : 0;
    size_t length =
        10 + properties + 2 + connect->client_id.len +
        (has_will ? properties + 2 + connect->will_topic.len + 2 + connect->will_payload.len : 0) +
        (has_user ? 2 + connect->user.len : 0) + (has_password ? 2 + connect->password.len : 0);
    add_header(out, SEND_CONNECT, length);
    add_text(out, STR("MQTT"));
    add_byte(out, connect->version);
    add_byte(out, flags);
    add_u16(out, connect->keepalive_s);
    if (has_properties) {
        add_byte(out, 0);
    }
    add_text(out, connect->client_id);
    if (has_will && has_properties) {
        add_byte(out, 0);
    }
    if (has_will) {
        add_text(out, connect->will_topic);
        add_text(out, connect->will_payload);
    }
    if (has_user) {
        add_text(out, connect->user);
    }
    if (has_password) {
        add_text(out, connect->password);
    }
}

void packet_add_subscribe(struct buf *out, enum mqtt_version version, unsigned id,
                          const struct str_list *filters)
{
    bool has_properties = version == MQTT_5;
    size_t length = has_properties ? 3 : 2;
    for (size_t i = 0; i < filters->count; i++) {
        length += 2 + filters->items[i].len + 1;
    }
    add_header(out, SEND_SUBSCRIBE, length);
    add_u16(out, id);
    if (has_properties) {
        add_byte(out, 0);
    }
    for (size_t i = 0; i < filters->count; i++) {
        add_text(out, filters->items[i]);
        add_byte(out, 1);
    }
}

static size_t publish_length(const struct mqtt_publish *m)
{
    return 2 + m->topic.len + (m->qos > 0 ? 2 : 0) + 1 + m->payload.len;
}

size_t packet_publish_bytes(const struct mqtt_publish *message)
{
    size_t length = publish_length(message);
    size_t bytes = 1 + length;
    do {
        bytes++;
        length >>= 7;
    } while (length > 0);
    return bytes;
}

void packet_add_publish(struct buf *out, const struct mqtt_publish *m)
{
    add_header(out, SEND_PUBLISH | m->qos << 1 | (m->is_retained ? 1U : 0U), publish_length(m));
    add_text(out, m->topic);
    if (m->qos > 0) {
        add_u16(out, m->id);
    }
    add_byte(out, 0); /* no properties */
    buf_add(out, m->payload);
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
