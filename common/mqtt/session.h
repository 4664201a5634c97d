/* session.h - the inside of struct mqtt_session. attempt.c moves the states, library.c holds
 * libmosquitto, mqtt.c is the face of both. Internal. */
#pragma once
#include "common/base/arena.h"
#include "common/mqtt/bridge.h"
#include "common/mqtt/dialer.h"
#include "common/mqtt/mqtt.h"
#include "common/mqtt/resolver.h"
#include "common/tls/channel.h"

struct mosquitto;

enum session_state {
    SESSION_OFFLINE,
    SESSION_RESOLVING,
    SESSION_DIALING,
    SESSION_HANDSHAKE,
    SESSION_CONNECTING, /* CONNECT is sent */
    SESSION_ONLINE,
    SESSION_CLOSING, /* DISCONNECT is sent; flushing */
    SESSION_ENDING,  /* over; on_offline is about to be called */
};

enum { PACKET_OVERHEAD_BYTES = 1024 /* of a message beyond its payload: topic and properties */ };

/* libmosquitto for one connection: a new one each time, so that nothing of an old connection is
 * published later. */
struct library {
    struct mosquitto *mosq; /* NULL = not connected */
    struct loop_fd socket;  /* the library's own; it closes it */
    unsigned depth;         /* > 0 while libmosquitto is on the stack */
    bool has_ended;         /* it closed its socket; `why` says why */
    struct err why;
};

struct mqtt_session {
    struct loop *loop;
    struct rng rng;
    struct mqtt_handlers handlers;
    struct arena texts;
    struct mqtt_options
        options; /* texts point into the arena, NUL-terminated; the PEM texts are not kept */
    struct buf will_payload;
    struct buf password; /* wiped at the end */
    struct tls_client *tls;

    enum session_state state;
    bool is_closed; /* mqtt_close() came from a callback: free when libmosquitto is off the stack */
    bool has_why;   /* ... of going offline; false = it was asked for */
    struct err why;
    struct err link_why; /* how the connection below MQTT ended; code ERR_NONE = it has not */
    bool tls_resumed;
    int inflight;
    int keepalive_s; /* the broker may lower it */

    struct resolver *resolver;
    struct dialer dialer;
    int fd; /* TCP, from the end of dialing; -1 = none */
    struct loop_fd handshake;
    struct tls_channel *channel;
    struct bridge *bridge;
    struct library library;
    struct loop_timer deadline; /* of the attempt, then of closing */
    struct loop_timer keepalive;
    struct loop_task end;
};

/* -- attempt.c -- */

/* For a zeroed session whose loop is set; from here on session_tear_down() may be called. */
void session_init(struct mqtt_session *s);
MUST_CHECK bool session_open_resolver(struct mqtt_session *s, struct err *err);
MUST_CHECK bool session_connect(struct mqtt_session *s, struct err *err);
void session_disconnect(struct mqtt_session *s, bool with_will);
void session_tear_down(struct mqtt_session *s);
const char *session_state_name(const struct mqtt_session *s);
/* Moves to ENDING; the first reason given stays. NULL = asked for. */
void session_fail(struct mqtt_session *s, const struct err *why);
void session_online(struct mqtt_session *s, int keepalive_s);
/* True when nobody wants to hear of this connection any more. */
bool session_is_mute(const struct mqtt_session *s);

/* -- mqtt.c -- */

void session_free(struct mqtt_session *s);

/* -- library.c -- */

/* Makes libmosquitto connect to the rendezvous and send CONNECT. */
MUST_CHECK bool library_connect(struct mqtt_session *s, const char *path, struct err *err);
void library_release(struct library *lib, struct loop *loop);
/* Around every call into libmosquitto. leave() may free the session: nothing of it is touched
 * afterwards. */
void library_enter(struct mqtt_session *s);
void library_leave(struct mqtt_session *s);
/* DISCONNECT, after all that is queued. */
void library_disconnect(struct mqtt_session *s, bool with_will);
/* Sends PINGREQ, or finds that the broker is silent. */
void library_keepalive(struct mqtt_session *s);
MUST_CHECK bool library_publish(struct mqtt_session *s, const struct mqtt_message *message,
                                uint32_t expiry_s, int *ret_message_id, struct err *err);
MUST_CHECK bool library_subscribe(struct mqtt_session *s, const struct str *filters, size_t count,
                                  int *ret_message_id, struct err *err);
/* libmosquitto's process-wide start; counted by itself. */
MUST_CHECK bool library_start(struct err *err);
void library_stop(void);
