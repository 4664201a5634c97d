/* DESIGN. One attempt is a row of steps, each begun by the end of the one before: resolve, dial,
 * handshake (unless the session is without TLS), CONNECT. All that belongs to an attempt is made in it and torn down with it, in
 * end_attempt(), which runs at the end of the loop's turn and is the only place that calls
 * on_offline: so no function of the header calls back, and none pulls the ground from under
 * libmosquitto. What stays between attempts: the texts, the TLS client with its session ticket, a
 * lookup under way. */
#include "common/mqtt/rendezvous.h"
#include "common/mqtt/session.h"

#include <assert.h>
#include <unistd.h>

enum { CLOSE_TIMEOUT_MS = 5000 };

/*   OFFLINE -> RESOLVING -> DIALING -> HANDSHAKE -> CONNECTING -> ONLINE      (without TLS no HANDSHAKE)
 *      ^           |           |           |           |  |        |  \
 *      |           v           v           v           v  |        v   v
 *      +------- ENDING <-------+-----------+-----------+--|--------+  CLOSING
 *                  ^                                      v              |
 *                  +------------------------------------ CLOSING <-------+   */
#define TO(s) (1U << (s))
static const unsigned allowed[] = {
    [SESSION_OFFLINE] = TO(SESSION_RESOLVING),
    [SESSION_RESOLVING] = TO(SESSION_DIALING) | TO(SESSION_ENDING),
    [SESSION_DIALING] = TO(SESSION_HANDSHAKE) | TO(SESSION_CONNECTING) | TO(SESSION_ENDING),
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
        if (s->options.is_bare && s->state == SESSION_CONNECTING && why->hint[0] == '\0') {
            (void)err_hint(&s->why, "does an MQTT 5 broker without TLS listen on this port?");
        }
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
void session_tear_down(struct mqtt_session *s)
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
    session_tear_down(s);
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
                                           .wire = {.channel = s->channel, .fd = s->fd},
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

static void begin_bare(struct mqtt_session *s)
{
    struct err err = {0};
    enter(s, SESSION_CONNECTING);
    if (!begin_mqtt(s, &err)) {
        session_fail(s, &err);
    }
}

static void begin_tls(struct mqtt_session *s)
{
    struct err err = {0};
    enter(s, SESSION_HANDSHAKE);
    if (!tls_channel_open(&s->channel, s->tls, s->fd, &err)) {
        session_fail(s, &err);
        return;
    }
    s->handshake = (struct loop_fd){.fd = s->fd, .on_ready = on_handshake_ready, .ctx = s};
    on_handshake_ready(s, 0);
}

static void on_dialed(void *ctx, int fd, const struct err *why)
{
    struct mqtt_session *s = ctx;
    if (fd < 0) {
        session_fail(s, why);
        return;
    }
    s->fd = fd;
    if (s->options.is_bare) {
        begin_bare(s);
    } else {
        begin_tls(s);
    }
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

bool session_connect(struct mqtt_session *s, struct err *err)
{
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

void session_disconnect(struct mqtt_session *s, bool with_will)
{
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

const char *session_state_name(const struct mqtt_session *s)
{
    return state_names[s->state];
}

void session_init(struct mqtt_session *s)
{
    s->fd = -1;
    s->dialer = (struct dialer){.loop = s->loop, .on_done = on_dialed, .ctx = s};
    s->deadline = (struct loop_timer){.on_due = on_deadline, .ctx = s};
    s->keepalive = (struct loop_timer){.on_due = on_keepalive, .ctx = s};
    s->end = (struct loop_task){.run = end_attempt, .ctx = s};
}

bool session_open_resolver(struct mqtt_session *s, struct err *err)
{
    const struct resolver_options options = {.loop = s->loop,
                                             .host = s->options.host,
                                             .port = s->options.port,
                                             .on_done = on_resolved,
                                             .ctx = s};
    return resolver_open(&s->resolver, &options, err);
}
