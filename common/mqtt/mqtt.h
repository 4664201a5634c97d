/* mqtt.h - one MQTT 5 session over mutual TLS, in the owner's loop. libmosquitto speaks the
 * protocol on one end of an in-process UNIX socket, mbedTLS carries the bytes to the broker on the
 * other (decision 0003). Or bare over TCP, for a broker nearby that is not ours: the same session,
 * with the same bounds, without the handshake.
 *
 *   OFFLINE --mqtt_connect()--> RESOLVING -> DIALING -> HANDSHAKE -> CONNECTING -> ONLINE
 *      ^________________________________any failure, close, mqtt_disconnect()________|
 *
 * The session never reconnects by itself and queues nothing while offline: its owner (sync core,
 * hub) decides when, and keeps the backlog. Every attempt ends in exactly one on_online or
 * on_offline call; every online time in one on_offline. */
#pragma once
#include "common/base/err.h"
#include "common/base/str.h"
#include "common/platform/loop.h"
#include "common/platform/rng.h"

struct mqtt_session;

struct mqtt_message {
    struct str topic;   /* borrowed for the call */
    struct str payload; /* borrowed for the call */
    bool retained;
};
struct mqtt_handlers {
    void (*on_online)(void *ctx, bool tls_resumed);
    /* `why` is NULL after mqtt_disconnect(). Never called from inside a function of this header. */
    void (*on_offline)(void *ctx, const struct err *why);
    void (*on_message)(void *ctx, const struct mqtt_message *message);
    /* The broker took the message (PUBACK): frees its place in flight, and says nothing about
     * delivery. `why` is NULL or the broker's refusal in words (not authorized, quota exceeded).
     * 0x10 "no matching subscribers" is not a refusal. */
    void (*on_published)(void *ctx, int message_id, const struct err *why);
    void (*on_subscribed)(void *ctx, int message_id, const struct err *why);
    void *ctx;
};
/* Text is copied; of the PEM texts, only what mbedTLS makes of them is kept. */
struct mqtt_options {
    struct str host; /* name or address */
    int port;
    struct str server_name; /* for the certificate check; empty = host */
    struct str client_id;   /* not empty */
    struct str ca_pem;
    struct str cert_pem; /* with key_pem empty: no client certificate (enrolment) */
    struct str key_pem;
    struct str ca_fingerprint; /* enrolment: see tls_client_options */
    bool ignore_dates;         /* see tls_client_options */
    bool is_bare;              /* without TLS: what belongs to it is not used */
    bool will_retain;          /* the will replaces the topic's retained message */
    int keepalive_s;           /* 5..3600; the broker may lower it */
    int connect_timeout_ms;    /* from mqtt_connect to ONLINE */
    int inflight_max;          /* QoS 1 messages not yet acknowledged; mqtt_publish refuses more */
    /* Larger incoming messages end the connection; announced to the broker. */
    size_t payload_bytes_max;
    struct str will_topic; /* empty = no will */
    struct str will_payload;
    struct str user, password; /* is_bare; both empty = none */
    /* A folder of ours (0700, a path of at most 84 bytes) for the in-process socket. */
    struct str socket_dir;
};

MUST_CHECK bool mqtt_open(struct mqtt_session **ret, struct loop *loop, const struct rng *rng,
                          const struct mqtt_options *options, const struct mqtt_handlers *handlers,
                          struct err *err);
/* Abrupt: the will fires; no callback follows. From within a callback too. NULL is allowed. */
void mqtt_close(struct mqtt_session *session);

/* Starts an attempt; only from OFFLINE. The result comes by callback. */
MUST_CHECK bool mqtt_connect(struct mqtt_session *session, struct err *err);
/* Orderly: flushes, DISCONNECT (no will), close_notify; on_offline(NULL) follows. `with_will`: asks
 * for the will. */
void mqtt_disconnect(struct mqtt_session *session, bool with_will);
bool mqtt_is_online(const struct mqtt_session *session);
/* Replaces what the will says at the next connection. */
MUST_CHECK bool mqtt_set_will(struct mqtt_session *session, struct str payload, struct err *err);

enum { MQTT_RETAIN = 1 };
/* QoS 1. ERR_OFFLINE when not online, ERR_FULL when inflight_max is reached. `expiry_s` 0 = none.
 * Message ids begin at 1 again with each connection. */
MUST_CHECK bool mqtt_publish(struct mqtt_session *session, struct str topic, struct str payload,
                             unsigned flags, uint32_t expiry_s, int *ret_message_id,
                             struct err *err);
enum { MQTT_FILTERS_MAX = 8 };
/* All of them in one packet, answered as one: refused when any is. 1 to MQTT_FILTERS_MAX. */
MUST_CHECK bool mqtt_subscribe(struct mqtt_session *session, const struct str *filters,
                               size_t count, int *ret_message_id, struct err *err);
int mqtt_inflight(const struct mqtt_session *session);
/* The CA that was accepted by fingerprint (enrolment); empty otherwise. */
struct str mqtt_learned_ca(const struct mqtt_session *session);
/* For `status` and tests: "online", "dialing", ... */
const char *mqtt_state_name(const struct mqtt_session *session);
