#include "common/mqtt/reason.h"
#include "common/mqtt/session.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <string.h>
#include <sys/socket.h>

enum {
    TOPIC_SIZE = 1024,
    READS_MAX = 64, /* packets handled before others get their turn */
    LIBRARY_SEND_BYTES = 64 << 10,
};

/* -- callbacks: libmosquitto is on the stack -- */

static void on_connect(struct mosquitto *mosq, void *ctx, int reason, int flags,
                       const mosquitto_property *properties)
{
    (void)mosq;
    (void)flags;
    struct mqtt_session *s = ctx;
    if (session_is_mute(s)) {
        return;
    }
    if (reason != 0) {
        (void)reason_err(&s->library.why, reason, "the broker refuses the connection");
        if (s->options.is_bare && s->library.why.code == ERR_DENIED) {
            (void)err_hint(&s->library.why, "check the broker's user and password");
        }
        s->library.has_ended = true;
        return;
    }
    uint16_t keepalive_s = (uint16_t)s->options.keepalive_s;
    (void)mosquitto_property_read_int16(properties, MQTT_PROP_SERVER_KEEP_ALIVE, &keepalive_s,
                                        false);
    session_online(s, keepalive_s);
}

/* The library sees only the end of its socket; why it ended, the bridge knows. */
static void describe_end(struct mqtt_session *s, int mosq_error)
{
    bool is_end = mosq_error == MOSQ_ERR_SUCCESS || mosq_error == MOSQ_ERR_CONN_LOST;
    /* In the middle of a packet it says MOSQ_ERR_ERRNO, with an errno that is anybody's. */
    if ((is_end || mosq_error == MOSQ_ERR_ERRNO) && s->link_why.code != ERR_NONE) {
        s->library.why = s->link_why;
        return;
    }
    (void)library_err(&s->library.why, is_end ? MOSQ_ERR_CONN_LOST : mosq_error, "MQTT");
}

static void on_disconnect(struct mosquitto *mosq, void *ctx, int reason,
                          const mosquitto_property *properties)
{
    (void)mosq;
    (void)properties;
    struct mqtt_session *s = ctx;
    if (!s->library.has_ended && reason >= REASON_FAILURE) {
        (void)reason_err(&s->library.why, reason, "the broker ended the connection");
    } else if (!s->library.has_ended) {
        describe_end(s, reason);
    }
    s->library.has_ended = true;
}

static void on_message(struct mosquitto *mosq, void *ctx, const struct mosquitto_message *m,
                       const mosquitto_property *properties)
{
    (void)mosq;
    (void)properties;
    struct mqtt_session *s = ctx;
    if (session_is_mute(s)) {
        return;
    }
    size_t len = m->payloadlen > 0 ? (size_t)m->payloadlen : 0;
    if (len > s->options.payload_bytes_max) {
        struct err err = {0};
        (void)err_set(&err, ERR_FULL, "the broker sent a message of %zu bytes; the limit is %zu",
                      len, s->options.payload_bytes_max);
        session_fail(s, &err);
        return;
    }
    const struct mqtt_message message = {.topic = str_from(m->topic),
                                         .payload = {len == 0 ? "" : m->payload, len},
                                         .retained = m->retain};
    s->handlers.on_message(s->handlers.ctx, &message);
}

static void on_publish(struct mosquitto *mosq, void *ctx, int message_id, int reason,
                       const mosquitto_property *properties)
{
    (void)mosq;
    (void)properties;
    struct mqtt_session *s = ctx;
    s->inflight -= s->inflight > 0;
    if (session_is_mute(s)) {
        return;
    }
    struct err err = {0};
    if (reason >= REASON_FAILURE) {
        (void)reason_err(&err, reason, "the broker refuses the message");
    }
    s->handlers.on_published(s->handlers.ctx, message_id, reason >= REASON_FAILURE ? &err : NULL);
}

static void on_subscribe(struct mosquitto *mosq, void *ctx, int message_id, int count,
                         const int *granted, const mosquitto_property *properties)
{
    (void)mosq;
    (void)properties;
    struct mqtt_session *s = ctx;
    if (session_is_mute(s)) {
        return;
    }
    struct err err = {0};
    int worst = count < 1 ? MQTT_RC_UNSPECIFIED : 0;
    for (int i = 0; i < count; i++) {
        worst = granted[i] > worst ? granted[i] : worst;
    }
    bool is_refused = worst >= REASON_FAILURE;
    if (is_refused) {
        (void)reason_err(&err, worst, "the broker refuses the subscription");
    }
    s->handlers.on_subscribed(s->handlers.ctx, message_id, is_refused ? &err : NULL);
}

/* -- the library's socket -- */

static void watch_library(struct mqtt_session *s)
{
    struct library *lib = &s->library;
    if (mosquitto_socket(lib->mosq) < 0) {
        loop_fd_remove(s->loop,
                       &lib->socket); /* it closed it: nobody has used the number again yet */
        return;
    }
    struct err err = {0};
    unsigned events = mosquitto_want_write(lib->mosq) ? LOOP_WRITE : 0U;
    /* After mosquitto_disconnect() it takes any acknowledgement for a protocol error and closes
     * before it has sent what is queued: nothing is read from then on. */
    events |= s->state == SESSION_CLOSING ? 0U : LOOP_READ;
    if (!loop_fd_watch(s->loop, &lib->socket, events, &err)) {
        session_fail(s, &err);
    }
}

void library_enter(struct mqtt_session *s)
{
    s->library.depth++;
}

void library_leave(struct mqtt_session *s)
{
    if (--s->library.depth > 0) {
        return;
    }
    if (s->is_closed) {
        session_free(s);
        return;
    }
    if (s->library.mosq == NULL) {
        return;
    }
    watch_library(s);
    /* While closing, its end is what we wait for, and the bridge tells of it. */
    if (s->library.has_ended && s->state != SESSION_CLOSING) {
        session_fail(s, &s->library.why);
    }
}

/* libmosquitto reads one packet a call; go on until its socket is empty. */
static void read_packets(struct mqtt_session *s)
{
    for (int i = 0; i < READS_MAX && !session_is_mute(s) && mosquitto_socket(s->library.mosq) >= 0;
         i++) {
        errno = 0;
        int rc = mosquitto_loop_read(s->library.mosq, 1);
        if (rc != MOSQ_ERR_SUCCESS || errno == EAGAIN) {
            return;
        }
    }
}

static void on_library_ready(void *ctx, unsigned events)
{
    struct mqtt_session *s = ctx;
    library_enter(s);
    if ((events & LOOP_WRITE) != 0) {
        (void)mosquitto_loop_write(s->library.mosq, 1); /* its errors come by on_disconnect */
    }
    read_packets(s);
    library_leave(s);
}

/* -- a connection -- */

static int apply_options(struct mqtt_session *s, struct mosquitto *mosq)
{
    int rc = mosquitto_int_option(mosq, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mosquitto_int_option(mosq, MOSQ_OPT_SEND_MAXIMUM, s->options.inflight_max);
    }
    if (rc == MOSQ_ERR_SUCCESS && s->options.user.len > 0) {
        rc = mosquitto_username_pw_set(mosq, s->options.user.ptr,
                                       s->password.len > 0 ? buf_cstr(&s->password) : NULL);
    }
    if (rc == MOSQ_ERR_SUCCESS && s->options.will_topic.len > 0) {
        rc = mosquitto_will_set_v5(mosq, s->options.will_topic.ptr, (int)s->will_payload.len,
                                   s->will_payload.ptr, 1, s->options.will_retain, NULL);
    }
    mosquitto_connect_v5_callback_set(mosq, on_connect);
    mosquitto_disconnect_v5_callback_set(mosq, on_disconnect);
    mosquitto_message_v5_callback_set(mosq, on_message);
    mosquitto_publish_v5_callback_set(mosq, on_publish);
    mosquitto_subscribe_v5_callback_set(mosq, on_subscribe);
    return rc;
}

static int send_connect(struct mqtt_session *s, struct mosquitto *mosq, const char *path)
{
    mosquitto_property *properties = NULL;
    int rc = mosquitto_property_add_int32(
        &properties, MQTT_PROP_MAXIMUM_PACKET_SIZE,
        (uint32_t)(s->options.payload_bytes_max + PACKET_OVERHEAD_BYTES));
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mosquitto_connect_bind_v5(mosq, path, 0, s->options.keepalive_s, NULL, properties);
    }
    mosquitto_property_free_all(&properties);
    return rc;
}

bool library_connect(struct mqtt_session *s, const char *path, struct err *err)
{
    s->library = (struct library){0};
    struct mosquitto *mosq = mosquitto_new(s->options.client_id.ptr, true, s);
    if (mosq == NULL) {
        return err_set(err, ERR_NO_MEMORY, "MQTT: out of memory");
    }
    int rc = apply_options(s, mosq);
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = send_connect(s, mosq, path);
    }
    if (rc != MOSQ_ERR_SUCCESS) {
        (void)library_err(err, rc, "MQTT");
        mosquitto_destroy(mosq);
        return false;
    }
    int fd = mosquitto_socket(mosq);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    /* What hides in the socket counts as sent for the library: let it be little. */
    const int bytes = LIBRARY_SEND_BYTES;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    s->library.mosq = mosq;
    s->library.socket = (struct loop_fd){.fd = fd, .on_ready = on_library_ready, .ctx = s};
    return true;
}

void library_release(struct library *lib, struct loop *loop)
{
    if (lib->mosq != NULL) {
        loop_fd_remove(loop, &lib->socket);
        mosquitto_destroy(lib->mosq);
        lib->mosq = NULL;
    }
}

void library_disconnect(struct mqtt_session *s, bool with_will)
{
    (void)mosquitto_disconnect_v5(s->library.mosq, with_will ? MQTT_RC_DISCONNECT_WITH_WILL_MSG : 0,
                                  NULL);
}

void library_keepalive(struct mqtt_session *s)
{
    library_enter(s);
    (void)mosquitto_loop_misc(s->library.mosq);
    library_leave(s);
}

/* -- messages -- */

static bool copy_topic(struct str topic, char text[TOPIC_SIZE], struct err *err)
{
    if (topic.len == 0 || topic.len >= TOPIC_SIZE || memchr(topic.ptr, '\0', topic.len) != NULL) {
        return err_set(err, ERR_INVALID, "a topic must have 1 to %d bytes and no NUL",
                       TOPIC_SIZE - 1);
    }
    memcpy(text, topic.ptr, topic.len);
    text[topic.len] = '\0';
    return true;
}

bool library_publish(struct mqtt_session *s, const struct mqtt_message *message, uint32_t expiry_s,
                     int *ret_message_id, struct err *err)
{
    char text[TOPIC_SIZE];
    if (!copy_topic(message->topic, text, err)) {
        return false;
    }
    mosquitto_property *properties = NULL;
    int rc = MOSQ_ERR_SUCCESS;
    if (expiry_s > 0) {
        rc = mosquitto_property_add_int32(&properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, expiry_s);
    }
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mosquitto_publish_v5(s->library.mosq, ret_message_id, text, (int)message->payload.len,
                                  message->payload.ptr, 1, message->retained, properties);
    }
    mosquitto_property_free_all(&properties);
    return rc == MOSQ_ERR_SUCCESS || library_err(err, rc, "publish");
}

bool library_subscribe(struct mqtt_session *s, const struct str *filters, size_t count,
                       int *ret_message_id, struct err *err)
{
    char texts[MQTT_FILTERS_MAX][TOPIC_SIZE];
    char *of[MQTT_FILTERS_MAX];
    assert(count >= 1 && count <= MQTT_FILTERS_MAX);
    for (size_t i = 0; i < count; i++) {
        of[i] = texts[i];
        if (!copy_topic(filters[i], texts[i], err)) {
            return false;
        }
    }
    int rc =
        mosquitto_subscribe_multiple(s->library.mosq, ret_message_id, (int)count, of, 1, 0, NULL);
    return rc == MOSQ_ERR_SUCCESS || library_err(err, rc, "subscribe");
}

bool library_start(struct err *err)
{
    int rc = mosquitto_lib_init();
    return rc == MOSQ_ERR_SUCCESS || library_err(err, rc, "libmosquitto");
}

void library_stop(void)
{
    (void)mosquitto_lib_cleanup();
}
