#include "common/mqtt/mqtt.h"
#include "common/mqtt/session.h"

#include <stdlib.h>
#include <string.h>

enum { TEXTS_BYTES_MAX = 16 << 10, WILL_BYTES_MAX = 64 << 10, PASSWORD_BYTES_MAX = 4096 };

/* -- open and close -- */

static bool check_options(const struct mqtt_options *o, struct err *err)
{
    if (o->keepalive_s < 5 || o->keepalive_s > 3600) {
        return err_set(err, ERR_INVALID, "MQTT: a keepalive of %d s is not within 5..3600",
                       o->keepalive_s);
    }
    if (o->connect_timeout_ms < 1 || o->inflight_max < 1 || o->inflight_max > 65535) {
        return err_set(err, ERR_INVALID,
                       "MQTT: the connect time-out and the in-flight window must be positive");
    }
    if (o->payload_bytes_max < 1 || o->payload_bytes_max > (256U << 20) - PACKET_OVERHEAD_BYTES) {
        return err_set(err, ERR_INVALID, "MQTT: a payload limit of %zu bytes is not possible",
                       o->payload_bytes_max);
    }
    if (o->client_id.len == 0) {
        return err_set(err, ERR_INVALID, "MQTT: the client id is empty");
    }
    if (!o->is_bare && o->user.len + o->password.len > 0) {
        return err_set(err, ERR_INVALID, "MQTT: over TLS the certificate is the user");
    }
    return true;
}

static bool copy_text(struct mqtt_session *s, struct str *text)
{
    struct str from = text->ptr == NULL ? STR("") : *text;
    *text = arena_copy(&s->texts, from);
    return text->ptr != NULL;
}

static bool copy_texts(struct mqtt_session *s, struct err *err)
{
    struct mqtt_options *o = &s->options;
    if (o->server_name.len == 0) {
        o->server_name = o->host;
    }
    if (!copy_text(s, &o->host) || !copy_text(s, &o->server_name) || !copy_text(s, &o->client_id) ||
        !copy_text(s, &o->will_topic) || !copy_text(s, &o->socket_dir) || !copy_text(s, &o->user)) {
        return err_set(err, ERR_FULL, "MQTT: host, names and topics have more than %d bytes",
                       TEXTS_BYTES_MAX);
    }
    buf_add(&s->password, o->password);
    if (s->password.overflow) {
        return err_set(err, ERR_INVALID, "MQTT: the password has more than %d bytes",
                       PASSWORD_BYTES_MAX);
    }
    o->password = STR_NONE; /* the caller's */
    return mqtt_set_will(s, o->will_payload, err);
}

static bool open_parts(struct mqtt_session *s, struct err *err)
{
    struct mqtt_options *o = &s->options;
    const struct tls_client_options tls = {.ca_pem = o->ca_pem,
                                           .ca_fingerprint = o->ca_fingerprint,
                                           .cert_pem = o->cert_pem,
                                           .key_pem = o->key_pem,
                                           .server_name = o->server_name,
                                           .rng = &s->rng,
                                           .clock = loop_clock(s->loop),
                                           .ignore_dates = o->ignore_dates};
    bool is_open =
        session_open_resolver(s, err) && (o->is_bare || tls_client_open(&s->tls, &tls, err));
    o->ca_pem = o->cert_pem = o->key_pem = o->ca_fingerprint = o->will_payload = STR_NONE;
    return is_open;
}

bool mqtt_open(struct mqtt_session **ret, struct loop *loop, const struct rng *rng,
               const struct mqtt_options *options, const struct mqtt_handlers *handlers,
               struct err *err)
{
    if (!check_options(options, err) || !library_start(err)) {
        return false;
    }
    struct mqtt_session *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        library_stop();
        return err_set(err, ERR_NO_MEMORY, "MQTT: out of memory");
    }
    s->loop = loop;
    s->rng = *rng;
    s->handlers = *handlers;
    s->options = *options;
    s->texts = arena_new(TEXTS_BYTES_MAX);
    s->will_payload = buf_growing(WILL_BYTES_MAX);
    s->password = buf_growing(PASSWORD_BYTES_MAX);
    session_init(s);
    if (!copy_texts(s, err) || !open_parts(s, err)) {
        session_free(s);
        return false;
    }
    *ret = s;
    return true;
}

void session_free(struct mqtt_session *s)
{
    session_tear_down(s);
    resolver_close(s->resolver);
    tls_client_close(s->tls);
    buf_release(&s->will_payload);
    buf_wipe(&s->password);
    arena_release(&s->texts);
    free(s);
    library_stop();
}

void mqtt_close(struct mqtt_session *session)
{
    if (session == NULL) {
        return;
    }
    if (session->library.depth > 0) {
        session->is_closed = true; /* library_leave() frees it */
        return;
    }
    session_free(session);
}

/* -- connections -- */

bool mqtt_connect(struct mqtt_session *session, struct err *err)
{
    return session_connect(session, err);
}

void mqtt_disconnect(struct mqtt_session *session, bool with_will)
{
    session_disconnect(session, with_will);
}

/* -- messages and questions -- */

bool mqtt_set_will(struct mqtt_session *session, struct str payload, struct err *err)
{
    if (payload.len > WILL_BYTES_MAX) {
        return err_set(err, ERR_INVALID, "MQTT: a will of %zu bytes is larger than %d", payload.len,
                       WILL_BYTES_MAX);
    }
    buf_reset(&session->will_payload);
    buf_add(&session->will_payload, payload);
    if (session->will_payload.overflow) {
        return err_set(err, ERR_NO_MEMORY, "MQTT: out of memory");
    }
    return true;
}

static bool check_online(const struct mqtt_session *s, struct err *err)
{
    return s->state == SESSION_ONLINE ||
           err_set(err, ERR_OFFLINE, "MQTT: the session is %s", mqtt_state_name(s));
}

/* NOLINTNEXTLINE(readability-function-size): one parameter over six, for the callers' sake */
bool mqtt_publish(struct mqtt_session *session, struct str topic, struct str payload,
                  unsigned flags, uint32_t expiry_s, int *ret_message_id, struct err *err)
{
    struct mqtt_session *s = session;
    if (!check_online(s, err)) {
        return false;
    }
    if (s->inflight >= s->options.inflight_max) {
        return err_set(err, ERR_FULL, "MQTT: %d messages are in flight", s->inflight);
    }
    if (payload.len > s->options.payload_bytes_max) {
        return err_set(err, ERR_INVALID, "MQTT: a message of %zu bytes is larger than %zu",
                       payload.len, s->options.payload_bytes_max);
    }
    const struct mqtt_message message = {
        .topic = topic, .payload = payload, .retained = (flags & MQTT_RETAIN) != 0};
    library_enter(s);
    bool ok = library_publish(s, &message, expiry_s, ret_message_id, err);
    s->inflight += ok;
    library_leave(s);
    return ok;
}

bool mqtt_subscribe(struct mqtt_session *session, const struct str *filters, size_t count,
                    int *ret_message_id, struct err *err)
{
    if (!check_online(session, err)) {
        return false;
    }
    library_enter(session);
    bool ok = library_subscribe(session, filters, count, ret_message_id, err);
    library_leave(session);
    return ok;
}

bool mqtt_is_online(const struct mqtt_session *session)
{
    return session->state == SESSION_ONLINE;
}

int mqtt_inflight(const struct mqtt_session *session)
{
    return session->inflight;
}

struct str mqtt_learned_ca(const struct mqtt_session *session)
{
    return session->tls == NULL ? STR_NONE : tls_client_learned_ca(session->tls);
}

const char *mqtt_state_name(const struct mqtt_session *session)
{
    return session_state_name(session);
}
