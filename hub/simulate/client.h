/* client.h - one simulated device's connection: MQTT 5 over common/tls, in the owner's loop. DESIGN:
 * not common/mqtt: a session of it holds five descriptors and 75 KB beside TLS (libmosquitto, the
 * in-process socket, the buffers of the pump), which for thousands of devices in one process is past
 * the usual limit of descriptors; this one holds one descriptor and what it has to send. It speaks
 * what a device speaks, no more: CONNECT with a will, one SUBSCRIBE, QoS 1 both ways. */
#pragma once
#include "common/json/fields.h"
#include "common/mqtt/dialer.h"
#include "common/packets/mqtt_packets.h"
#include "common/tls/channel.h"

enum client_state {
    CLIENT_OFFLINE,
    CLIENT_DIALING,
    CLIENT_HANDSHAKE,
    CLIENT_CONNECTING, /* CONNECT and SUBSCRIBE are sent */
    CLIENT_UP,
    CLIENT_ENDING, /* over; on_down is about to be called */
};
struct client_handlers {
    void (*on_up)(void *ctx, bool tls_resumed); /* connected and subscribed */
    void (*on_down)(void *ctx, const struct err *why);
    void (*on_message)(void *ctx, const struct mqtt_publish *message);
    void *ctx;
};
struct client { /* open so that thousands lie in one array; zeroed, then client_open() */
    struct loop *loop;
    const struct address_list *addresses; /* borrowed */
    struct client_handlers handlers;
    struct tls_client *tls;
    char id[96];
    enum client_state state;
    struct dialer dialer;
    struct loop_fd socket; /* fd is ours from the end of dialing; -1 = none */
    struct tls_channel *channel;
    struct buf in, out;
    size_t writing; /* bytes of `out` that a write took and has not sent */
    unsigned next_id;
    int inflight;
    size_t filters; /* that were subscribed */
    bool is_pinging;
    bool is_resumed;
    struct err why;
    struct loop_timer timer; /* of the attempt, then of keepalive */
    struct loop_task flush;
    struct loop_task end;
};
enum { CLIENT_INFLIGHT_MAX = 12, CLIENT_CONNECT_S = 20, CLIENT_KEEPALIVE_S = 60 };

/* `id` is the MQTT client id. `options` as for tls_client_open(). */
MUST_CHECK bool client_open(struct client *c, struct loop *loop,
                            const struct tls_client_options *options, struct str id,
                            struct err *err);
/* From OFFLINE. on_up or on_down follows, never from within. The will says `death` on `topic`. */
void client_connect(struct client *c, const struct str_list *filters, struct str topic,
                    struct str death);
/* QoS 1. False when offline, or too much is in flight. */
bool client_publish(struct client *c, struct str topic, struct str payload);
/* The connection is gone without a word, as by a cut cable; on_down follows. */
void client_cut(struct client *c);
/* DISCONNECT and all that waits before it, as far as it goes without waiting; on_down follows. */
void client_stop(struct client *c);
void client_close(struct client *c); /* of a zeroed one too */
