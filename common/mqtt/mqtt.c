/* DESIGN. One attempt is a row of steps, each begun by the end of the one before: resolve, dial,
 * handshake, CONNECT. All that belongs to an attempt is made in it and torn down with it, in
 * end_attempt(), which runs at the end of the loop's turn and is the only place that calls
 * on_offline: so no function of the header calls back, and none pulls the ground from under
 * libmosquitto. What stays between attempts: the texts, the TLS client with its session ticket, a
 * lookup under way. */
#include "common/mqtt/mqtt.h"
#include "common/mqtt/rendezvous.h"
#include "common/mqtt/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXTS_BYTES_MAX = 16 << 10, WILL_BYTES_MAX = 64 << 10, CLOSE_TIMEOUT_MS = 5000 };

/*   OFFLINE -> RESOLVING -> DIALING -> HANDSHAKE -> CONNECTING -> ONLINE
 *      ^           |           |           |           |  |        |  \
 *      |           v           v           v           v  |        v   v
 *      +------- ENDING <-------+-----------+-----------+--|--------+  CLOSING
 *                  ^                                      v              |
 *                  +------------------------------------ CLOSING <-------+   */
#define TO(s) (1U << (s))
static const unsigned allowed[] = {
    [SESSION_OFFLINE] = TO(SESSION_RESOLVING),
    [SESSION_RESOLVING] = TO(SESSION_DIALING) | TO(SESSION_ENDING),
    [SESSION_DIALING] = TO(SESSION_HANDSHAKE) | TO(SESSION_ENDING),
    [SESSION_HANDSHAKE] = TO(SESSION_CONNECTING) | TO(SESSION_ENDING),
    [SESSION_CONNECTING] = TO(SESSION_ONLINE) | TO(SESSION_CLOSING) | TO(SESSION_ENDING),
    [SESSION_ONLINE] = TO(SESSION_CLOSING) | TO(SESSION_ENDING),
    [SESSION_CLOSING] = TO(SESSION_ENDING),
    [SESSION_ENDING] = TO(SESSION_OFFLINE),
};
static const char *const state_names[] = {
    [SESSION_OFFLINE] = "offline",       [SESSION_RESOLVING] = "resolving",
    [SESSION_DIALING] = "dialing",       [SESSION_HANDSHAKE] = "handshake",
    [SESSION_CONNECTING] = "connecting", [SESSION_ONLINE] = "online",
    [SESSION_CLOSING] = "closing",       [SESSION_ENDING] = "ending",
};

static void enter(struct mqtt_session *s, enum session_state next)
{
    assert((allowed[s->state] & TO(next)) != 0);
    s->state = next;
}

/* -- the end of an attempt -- */

/* No step begins any more, not even one that the rest of this turn holds ready. */
static void stop_steps(struct mqtt_session *s)
{
    loop_timer_disarm(s->loop, &s->deadline);
    loop_timer_disarm(s->loop, &s->keepalive);
    loop_fd_remove(s->loop, &s->handshake);
    resolver_abandon(s->resolver);
    dialer_stop(&s->dialer);
}

void session_fail(struct mqtt_session *s, const struct err *why)
{
    if (s->state == SESSION_ENDING || s->state == SESSION_OFFLINE) {
        return;
    }
    s->has_why = why != NULL;
    if (why != NULL) {
        s->why = *why;
        if (s->state < SESSION_ONLINE) {
            (void)err_wrap(&s->why, "connect to " STR_FMT ":%d", STR_ARG(s->options.host),
                           s->options.port);
        }
    }
    enter(s, SESSION_ENDING);
    stop_steps(s);
    loop_defer(s->loop, &s->end);
}

/* Leaves what the next attempt can use. The library goes first: it must never write to a socket
 * that we closed. */
static void tear_down(struct mqtt_session *s)
{
    loop_defer_cancel(s->loop, &s->end);
    stop_steps(s);
    library_release(&s->library, s->loop);
    bridge_close(s->bridge);
    s->bridge = NULL;
    tls_channel_close(s->channel);
    s->channel = NULL;
    if (s->fd >= 0) {
        (void)close(s->fd);
        s->fd = -1;
    }
    s->inflight = 0;
}

static void end_attempt(void *ctx)
{
    struct mqtt_session *s = ctx;
    tear_down(s);
    enter(s, SESSION_OFFLINE);
    const struct err why = s->why;
    s->handlers.on_offline(s->handlers.ctx, s->has_why ? &why : NULL);
}

static void on_deadline(void *ctx)
{
    struct mqtt_session *s = ctx;
    if (s->state == SESSION_CLOSING) {
        session_fail(s, NULL); /* the broker had its time */
        return;
    }
    static const char *const doing[] = {
        [SESSION_OFFLINE] = "",
        [SESSION_RESOLVING] = "the name is not resolved",
        [SESSION_DIALING] = "no answer",
        [SESSION_HANDSHAKE] = "no answer to the TLS handshake",
        [SESSION_CONNECTING] = "no answer to MQTT CONNECT",
    };
    struct err err = {0};
    (void)err_set(&err, ERR_TIMEOUT, "%s within %d ms", doing[s->state],
                  s->options.connect_timeout_ms);
    session_fail(s, &err);
}

/* -- online -- */

/* libmosquitto wants to be asked when one direction was silent for the keepalive time; it counts
 * whole seconds, by its own clock, so ask again each second until it has acted and something moved.
 */
static void arm_keepalive(struct mqtt_session *s)
{
    int64_t due = bridge_silent_since(s->bridge).ns + s->keepalive_s * NS_PER_SEC;
    int64_t soonest = loop_now(s->loop).ns + NS_PER_SEC;
    loop_timer_arm(s->loop, &s->keepalive, (struct mono_time){due > soonest ? due : soonest});
}

static void on_keepalive(void *ctx)
{
    struct mqtt_session *s = ctx;
    if (bridge_silent_since(s->bridge).ns + s->keepalive_s * NS_PER_SEC <= loop_now(s->loop).ns) {
        library_keepalive(s);
    }
    if (s->state == SESSION_ONLINE) {
        arm_keepalive(s);
    }
}

void session_online(struct mqtt_session *s, int keepalive_s)
{
    enter(s, SESSION_ONLINE);
    loop_timer_disarm(s->loop, &s->deadline);
    s->keepalive_s = keepalive_s;
    if (keepalive_s > 0) {
        arm_keepalive(s);
    }
    s->handlers.on_online(s->handlers.ctx, s->tls_resumed);
}

bool session_is_mute(const struct mqtt_session *s)
{
    return s->is_closed || (s->state != SESSION_CONNECTING && s->state != SESSION_ONLINE);
}

static void on_remote_end(void *ctx, const struct err *why)
{
    struct mqtt_session *s = ctx;
    if (s->state == SESSION_CLOSING) {
        session_fail(s, NULL);
        return;
    }
    s->link_why = *why; /* the library, which is about to see the end, may know better */
    if (s->library.mosq == NULL || s->library.has_ended) {
        session_fail(s, why);
    }
}

static void on_flushed(void *ctx)
{
    struct mqtt_session *s = ctx;
    session_fail(s, s->state == SESSION_CLOSING ? NULL : &s->library.why);
}

/* -- the steps of an attempt -- */

static bool begin_mqtt(struct mqtt_session *s, struct err *err)
{
    AUTO(rendezvous) meeting = {.fd = -1};
    if (!rendezvous_open(&meeting, s->options.socket_dir, &s->rng, err) ||
        !library_connect(s, meeting.address.sun_path, err)) {
        return false;
    }
    int local_fd = -1;
    if (!rendezvous_accept(&meeting, &local_fd, err)) {
        return false;
    }
    const struct bridge_options options = {.loop = s->loop,
                                           .channel = s->channel,
                                           .remote_fd = s->fd,
                                           .local_fd = local_fd,
                                           .packet_bytes_max =
                                               s->options.payload_bytes_max + PACKET_OVERHEAD_BYTES,
                                           .on_remote_end = on_remote_end,
                                           .on_flushed = on_flushed,
                                           .ctx = s};
    if (!bridge_open(&s->bridge, &options, err)) {
        library_release(&s->library, s->loop);
        (void)close(local_fd);
        return false;
    }
    library_enter(s);
    library_leave(s); /* starts watching its socket */
    return true;
}

static void on_handshake_ready(void *ctx, unsigned events)
{
    (void)events;
    struct mqtt_session *s = ctx;
    struct err err = {0};
    bool is_alive = true;
    enum tls_status status = tls_channel_handshake(s->channel, &err);
    if (status == TLS_WANT_READ || status == TLS_WANT_WRITE) {
        is_alive = loop_fd_watch(s->loop, &s->handshake,
                                 status == TLS_WANT_READ ? LOOP_READ : LOOP_WRITE, &err);
    } else if (status == TLS_OK) {
        loop_fd_remove(s->loop, &s->handshake);
        s->tls_resumed = tls_channel_was_resumed(s->channel);
        enter(s, SESSION_CONNECTING);
        is_alive = begin_mqtt(s, &err);
    } else {
        is_alive = false;
    }
    if (!is_alive) {
        session_fail(s, &err);
    }
}

static void on_dialed(void *ctx, int fd, const struct err *why)
{
    struct mqtt_session *s = ctx;
    if (fd < 0) {
        session_fail(s, why);
        return;
    }
    s->fd = fd;
    struct err err = {0};
    enter(s, SESSION_HANDSHAKE);
    if (!tls_channel_open(&s->channel, s->tls, fd, &err)) {
        session_fail(s, &err);
        return;
    }
    s->handshake = (struct loop_fd){.fd = fd, .on_ready = on_handshake_ready, .ctx = s};
    on_handshake_ready(s, 0);
}

static void on_resolved(void *ctx, const struct address_list *list, const struct err *why)
{
    struct mqtt_session *s = ctx;
    if (list == NULL) {
        session_fail(s, why);
        return;
    }
    enter(s, SESSION_DIALING);
    dialer_start(&s->dialer, list, s->deadline.due);
}

bool mqtt_connect(struct mqtt_session *session, struct err *err)
{
    struct mqtt_session *s = session;
    if (s->state != SESSION_OFFLINE) {
        return err_set(err, ERR_BUSY, "MQTT: the session is %s", state_names[s->state]);
    }
    struct address_list list;
    bool is_pending = false;
    if (!resolver_start(s->resolver, &list, &is_pending, err)) {
        return err_wrap(err, "connect to " STR_FMT ":%d", STR_ARG(s->options.host),
                        s->options.port);
    }
    s->has_why = false;
    s->link_why = (struct err){0};
    s->library = (struct library){0};
    s->tls_resumed = false;
    enter(s, SESSION_RESOLVING);
    loop_timer_arm_in(s->loop, &s->deadline, s->options.connect_timeout_ms * NS_PER_MS);
    if (!is_pending) {
        on_resolved(s, &list, NULL);
    }
    return true;
}

void mqtt_disconnect(struct mqtt_session *session, bool with_will)
{
    struct mqtt_session *s = session;
    if (s->state == SESSION_ONLINE || s->state == SESSION_CONNECTING) {
        enter(s, SESSION_CLOSING);
        loop_timer_disarm(s->loop, &s->keepalive);
        loop_timer_arm_in(s->loop, &s->deadline, CLOSE_TIMEOUT_MS * NS_PER_MS);
        library_enter(s);
        library_disconnect(s, with_will);
        library_leave(s);
        return;
    }
    if (s->state != SESSION_CLOSING) {
        session_fail(s, NULL);
    }
}

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
        !copy_text(s, &o->will_topic) || !copy_text(s, &o->socket_dir)) {
        return err_set(err, ERR_FULL, "MQTT: host, names and topics have more than %d bytes",
                       TEXTS_BYTES_MAX);
    }
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
    bool is_open = tls_client_open(&s->tls, &tls, err) &&
                   resolver_open(&s->resolver, s->loop, o->host, o->port, on_resolved, s, err);
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
    s->fd = -1;
    s->dialer = (struct dialer){.loop = loop, .on_done = on_dialed, .ctx = s};
    s->deadline = (struct loop_timer){.on_due = on_deadline, .ctx = s};
    s->keepalive = (struct loop_timer){.on_due = on_keepalive, .ctx = s};
    s->end = (struct loop_task){.run = end_attempt, .ctx = s};
    if (!copy_texts(s, err) || !open_parts(s, err)) {
        session_free(s);
        return false;
    }
    *ret = s;
    return true;
}

void session_free(struct mqtt_session *s)
{
    tear_down(s);
    resolver_close(s->resolver);
    tls_client_close(s->tls);
    buf_release(&s->will_payload);
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
           err_set(err, ERR_OFFLINE, "MQTT: the session is %s", state_names[s->state]);
}

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
    library_enter(s);
    bool ok = library_publish(s, topic, payload, (flags & MQTT_RETAIN) != 0, expiry_s,
                              ret_message_id, err);
    s->inflight += ok;
    library_leave(s);
    return ok;
}

bool mqtt_subscribe(struct mqtt_session *session, struct str filter, int *ret_message_id,
                    struct err *err)
{
    if (!check_online(session, err)) {
        return false;
    }
    library_enter(session);
    bool ok = library_subscribe(session, filter, ret_message_id, err);
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
    return tls_client_learned_ca(session->tls);
}

const char *mqtt_state_name(const struct mqtt_session *session)
{
    return state_names[session->state];
}
