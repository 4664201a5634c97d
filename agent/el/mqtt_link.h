/* mqtt_link.h - a connection to a broker: TCP without TLS, one packet at a time; to listen, with the
 * pings that keep it, and what mqtt_publisher.h is made of. It never connects again by itself. */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/packets/mqtt_packets.h"
#include "common/platform/clock.h"

struct mqtt_link;

enum {
    MQTT_LINK_PACKET_MAX = 4 << 20,
    MQTT_LINK_SEND_BYTES = 64 << 10, /* as many are sent at once */
    MQTT_LINK_KEEPALIVE_S = 60,
};

struct mqtt_link_options {
    struct str host;
    int64_t port;
    struct mqtt_connect connect;   /* keepalive_s is the link's own */
    const struct str_list *topics; /* NULL: it does not listen */
    int64_t timeout;               /* ns: of the connection, and of an answer to a ping */
};

/* Connects, logs in and asks for the topics, if there are any. Blocks for the name's resolution and 2 * timeout for
 * each of its addresses. Lives in the arena. */
MUST_CHECK bool mqtt_link_open(struct mqtt_link **ret, const struct mqtt_link_options *options,
                               struct clock clock, struct arena *arena, struct err *err);

/* The next message, or *ret_found false when `wait_ns` passed or a signal came. The message is valid
 * until the next call. Fails when the broker refuses a topic, ends the connection, falls silent, or
 * says what makes no sense. */
MUST_CHECK bool mqtt_link_next(struct mqtt_link *link, int64_t wait_ns, struct mqtt_publish *ret,
                               bool *ret_found, struct err *err);
MUST_CHECK bool mqtt_link_acknowledge(struct mqtt_link *link, const unsigned *ids, size_t count,
                                      struct err *err);

/* --- for who publishes ----------------------------------------------------------------------- */

struct str mqtt_link_label(const struct mqtt_link *link); /* "localhost:1883"; not in the errors */
/* What an MQTT 5 broker said of itself. */
const struct mqtt_accepted *mqtt_link_accepted(const struct mqtt_link *link);
/* Packets are added to it, MQTT_LINK_SEND_BYTES and the largest at most, and go with send. */
struct buf *mqtt_link_out(struct mqtt_link *link);
MUST_CHECK bool mqtt_link_send(struct mqtt_link *link, struct err *err);
/* The next packet, or *ret_found false when `wait_ns` passed or a signal came. */
MUST_CHECK bool mqtt_link_packet(struct mqtt_link *link, int64_t wait_ns, struct mqtt_packet *ret,
                                 bool *ret_found, struct err *err);
/* "`what` is not as MQTT has it"; always false. */
bool mqtt_link_senseless(const char *what, struct err *err);

void mqtt_link_close(struct mqtt_link *link); /* with a word to the broker; NULL is allowed */
