/* mqtt_publisher.h - messages for a broker, several on their way at once, in order (MQTT 5). It
 * connects with the first message, and anew after a pause in which the broker may have given it up. A
 * connection that breaks is an error, and nothing is sent twice: what was not acknowledged is the
 * caller's. */
#pragma once
#include "agent/el/mqtt_link.h"

struct mqtt_publisher_options {
    struct mqtt_link_options link; /* without topics */
    unsigned qos;                  /* 0 or 1 */
    bool retain;
    unsigned window; /* messages that may be unacknowledged at once; the broker may want fewer */
};

struct mqtt_publisher {
    const struct mqtt_publisher_options *options;
    struct clock clock;
    struct arena arena; /* of the link */
    struct mqtt_link *link;
    struct mono_time used;
    int64_t sent;                                   /* messages, of all connections */
    unsigned awaited;                               /* of them not acknowledged; QoS 1 */
    bool is_ping_awaited;                           /* QoS 0 */
    unsigned char is_awaited[(UINT16_MAX + 1) / 8]; /* a bit for each message id */
};

void mqtt_publisher_init(struct mqtt_publisher *p, const struct mqtt_publisher_options *options,
                         struct clock clock);
/* Takes a message, and sends it with those behind it. Waits while the window is full, for each
 * acknowledgement no longer than the time-out. ERR_FULL when it is larger than MQTT_LINK_PACKET_MAX
 * or what the broker takes; other errors are those of the connection, or what the broker says of an
 * earlier message. After an error the publisher can only be closed. */
MUST_CHECK bool mqtt_publisher_send(struct mqtt_publisher *p, struct str topic, struct str payload,
                                    struct err *err);
/* Waits until the broker has acknowledged all; with QoS 0, until it has read all. */
MUST_CHECK bool mqtt_publisher_settle(struct mqtt_publisher *p, struct err *err);
void mqtt_publisher_close(struct mqtt_publisher *p);
