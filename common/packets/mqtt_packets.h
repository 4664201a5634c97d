/* mqtt_packets.h - the packets of MQTT 3.1.1 that a listener sends and gets, and those of MQTT 5.
 * Pure. DESIGN: for two that cannot have libmosquitto. A connector (agent/el): it acknowledges a
 * message before its receiver has seen it, and would bring OpenSSL into each step's process; MQTT 5
 * for publishing, because 3.1.1 acknowledges a message that the broker throws away, for want of a
 * right or because it is too large. The simulator (hub/simulate): thousands of connections in one
 * process. Source: OASIS MQTT Version 3.1.1 and Version 5.0, sections 2 and 3. */
#pragma once
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/json/fields.h"

enum packet_type {
    PACKET_CONNACK = 2,
    PACKET_PUBLISH = 3,
    PACKET_PUBACK = 4,
    PACKET_SUBACK = 9,
    PACKET_PINGRESP = 13,
    PACKET_DISCONNECT = 14, /* MQTT 5 */
};
struct mqtt_packet {
    unsigned type; /* enum packet_type, or one that we do not get */
    unsigned flags;
    struct str body;
};
enum packet_result {
    PACKET_WHOLE,
    PACKET_PART,  /* the rest has not come yet */
    PACKET_WRONG, /* these are no packets */
    PACKET_LARGE, /* *ret_bytes is more than `max` */
};
/* The first packet in `bytes`, and how long it is. */
enum packet_result packet_next(struct str bytes, size_t max, struct mqtt_packet *ret,
                               size_t *ret_bytes);

enum mqtt_version { MQTT_3_1_1 = 4, MQTT_5 = 5 };
struct mqtt_publish {
    struct str topic; /* UTF-8, without zero bytes */
    struct str payload;
    unsigned qos; /* 0 or 1: no more is subscribed */
    unsigned id;  /* 0 for QoS 0 */
    bool is_retained;
};
/* False: not as the protocol has it. */
MUST_CHECK bool packet_publish(enum mqtt_version version, const struct mqtt_packet *packet,
                               struct mqtt_publish *ret);
/* The return code, 0 = accepted. */
MUST_CHECK bool packet_connack(const struct mqtt_packet *packet, unsigned *ret_code);
/* The index of the first filter that was refused; `count` when all were taken. */
MUST_CHECK bool packet_suback(enum mqtt_version version, const struct mqtt_packet *packet,
                              size_t count, size_t *ret_refused);

/* --- MQTT 5 ---------------------------------------------------------------------------------- */

/* What a broker says of itself when it lets us in. */
struct mqtt_accepted {
    unsigned code; /* 0 = it does; all else: mqtt_reason() */
    unsigned receive_max;
    unsigned packet_max; /* bytes */
    unsigned qos_max;
    bool retains;
    unsigned keepalive_s; /* in place of ours; 0 = ours holds */
};
MUST_CHECK bool packet_accepted(const struct mqtt_packet *packet, struct mqtt_accepted *ret);
/* *ret_code: below MQTT_REFUSED, the broker has the message. */
enum { MQTT_REFUSED = 0x80 };
MUST_CHECK bool packet_puback(const struct mqtt_packet *packet, unsigned *ret_id,
                              unsigned *ret_code);
/* Why the broker ends the connection. */
unsigned packet_disconnect(const struct mqtt_packet *packet);
/* A reason code in words. */
const char *mqtt_reason(unsigned code, enum err_code *ret);

/* --- what goes ------------------------------------------------------------------------------- */

struct mqtt_connect {
    enum mqtt_version version;
    struct str client_id;
    bool keeps_session;        /* the broker keeps subscriptions and messages for this client_id */
    struct str user, password; /* empty = none */
    unsigned keepalive_s;
    struct str will_topic, will_payload; /* QoS 1; topic empty = no will */
};
void packet_add_connect(struct buf *out, const struct mqtt_connect *connect);
/* With QoS 1. The filters' lengths are below 65,536, all together below 2^28. */
void packet_add_subscribe(struct buf *out, enum mqtt_version version, unsigned id,
                          const struct str_list *filters);
/* Of MQTT 5; how many bytes it takes. The topic's length is below 65,536. */
size_t packet_publish_bytes(const struct mqtt_publish *message);
void packet_add_publish(struct buf *out, const struct mqtt_publish *message);
void packet_add_puback(struct buf *out, unsigned id);
void packet_add_pingreq(struct buf *out);
void packet_add_disconnect(struct buf *out);
