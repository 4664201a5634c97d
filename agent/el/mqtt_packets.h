/* mqtt_packets.h - the packets of MQTT 3.1.1 that a listener sends and gets. Pure. DESIGN: not
 * libmosquitto, which acknowledges a message before its receiver has seen it, and which would bring
 * OpenSSL into each step's process. Source: OASIS MQTT Version 3.1.1, sections 2 and 3. */
#pragma once
#include "common/base/buf.h"
#include "common/json/fields.h"

enum packet_type {
    PACKET_CONNACK = 2,
    PACKET_PUBLISH = 3,
    PACKET_SUBACK = 9,
    PACKET_PINGRESP = 13,
};
struct mqtt_packet {
    unsigned type; /* enum packet_type, or one that a listener does not get */
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

struct mqtt_publish {
    struct str topic; /* UTF-8, without zero bytes */
    struct str payload;
    unsigned qos; /* 0 or 1: no more is subscribed */
    unsigned id;  /* 0 for QoS 0 */
    bool is_retained;
};
/* False: not as the protocol has it. */
MUST_CHECK bool packet_publish(const struct mqtt_packet *packet, struct mqtt_publish *ret);
/* The return code, 0 = accepted. */
MUST_CHECK bool packet_connack(const struct mqtt_packet *packet, unsigned *ret_code);
/* The index of the first filter that was refused; `count` when all were taken. */
MUST_CHECK bool packet_suback(const struct mqtt_packet *packet, size_t count, size_t *ret_refused);

struct mqtt_connect {
    struct str client_id;
    bool keeps_session;        /* the broker keeps subscriptions and messages for this client_id */
    struct str user, password; /* empty = none */
    unsigned keepalive_s;
};
void packet_add_connect(struct buf *out, const struct mqtt_connect *connect);
/* With QoS 1. The filters' lengths are below 65,536, all together below 2^28. */
void packet_add_subscribe(struct buf *out, unsigned id, const struct str_list *filters);
void packet_add_puback(struct buf *out, unsigned id);
void packet_add_pingreq(struct buf *out);
void packet_add_disconnect(struct buf *out);
