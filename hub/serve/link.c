/* link.c - the hub's session with the broker: opened, kept, and what the hub itself says in it. */
#include "hub/serve/serve_internal.h"

#include "common/base/limits.h"
#include "common/log/log.h"
#include "common/model/backoff.h"
#include "common/wire/messages.h"
#include <stdio.h>

enum {
    INFLIGHT_MAX = 20000, /* most for acknowledgements: a fleet comes back at once */
    DESKS_INFLIGHT_MAX = 2000,
    KEEPALIVE_S = 30,
    CONNECT_TIMEOUT_MS = 10000,
};
#define RECONNECT_BASE_NS (100 * NS_PER_MS)
#define RECONNECT_MAX_NS  (5 * NS_PER_SEC)

/* What is read of every device; and what strangers ask. */
static const enum channel subscribed[] = {CHANNEL_EVENTS,   CHANNEL_BIRTH, CHANNEL_DEATH,
                                          CHANNEL_REPORTED, CHANNEL_LOG,   CHANNEL_WANT};
enum { SUBSCRIPTIONS = COUNT_OF(subscribed) + 1 };

/* --- saying ----------------------------------------------------------------------------- */

static bool publish(struct serve *s, struct str topic, unsigned flags, struct err *err)
{
    int message_id = 0;
    if (s->payload.overflow) {
        return err_set(err, ERR_NO_MEMORY, "encode a message: out of memory");
    }
    return mqtt_publish(s->session, topic, buf_str(&s->payload), flags, 0, &message_id, err);
}

void serve_say_state(struct serve *s, bool online)
{
    struct err err = {0};
    hub_state_write(&s->state, online, serve_wall(s), &s->payload);
    if (!publish(s, str_from(s->state_topic), MQTT_RETAIN, &err)) {
        LOG(WARN, "hub.state_not_said", F_ERR(&err));
    }
}

/* A lost acknowledgement costs nothing but time: the agent asks again. */
void serve_say_ack(struct serve *s, const struct merge_ack *ack)
{
    struct err err = {0};
    char text[TOPIC_BYTES_MAX];
    struct buf topic = buf_fixed(text, sizeof(text));
    if (!device_name_is_valid(ack->device)) {
        return; /* the hub's own reports */
    }
    topic_device(&topic, s->config->fleet, ack->device, CHANNEL_ACK);
    buf_reset(&s->payload);
    message_ack_encode(&ack->ack, &s->payload);
    if (!publish(s, buf_str(&topic), 0, &err)) {
        LOG(DEBUG, "merge.ack_not_said", F_S("device", ack->device), F_ERR(&err));
    }
}

bool serve_desk_publish(void *ctx, const struct desk_message *message, struct err *err)
{
    struct serve *s = ctx;
    char text[TOPIC_BYTES_MAX];
    int message_id = 0;
    struct buf topic = buf_fixed(text, sizeof(text));
    desk_message_topic(message, s->config->fleet, &topic);
    bool ok =
        (mqtt_inflight(s->session) < DESKS_INFLIGHT_MAX ||
         err_set(err, ERR_FULL, "MQTT: enough is in flight")) &&
        mqtt_publish(s->session, buf_str(&topic), message->payload,
                     message->is_retained ? MQTT_RETAIN : 0, message->expiry_s, &message_id, err);
    s->wants_room = s->wants_room || (!ok && err->code == ERR_FULL);
    return ok;
}

/* --- the session ------------------------------------------------------------------------ */

static bool subscribe(struct serve *s, struct err *err)
{
    char texts[SUBSCRIPTIONS][TOPIC_BYTES_MAX];
    struct str filters[SUBSCRIPTIONS];
    int message_id = 0;
    struct buf enrol = buf_fixed(texts[0], sizeof(texts[0]));
    topic_enrol_request(&enrol, s->config->fleet, STR("+"));
    filters[0] = buf_str(&enrol);
    for (size_t i = 0; i < COUNT_OF(subscribed); i++) {
        struct buf filter = buf_fixed(texts[i + 1], sizeof(texts[i + 1]));
        topic_device(&filter, s->config->fleet, STR("+"), subscribed[i]);
        filters[i + 1] = buf_str(&filter);
    }
    return mqtt_subscribe(s->session, filters, SUBSCRIPTIONS, &message_id, err);
}

static void on_online(void *ctx, bool tls_resumed)
{
    (void)tls_resumed;
    struct serve *s = ctx;
    struct err err = {0};
    if (!subscribe(s, &err)) {
        LOG(WARN, "link.subscribe_failed", F_ERR(&err), F_T("action", "connecting again"));
        mqtt_disconnect(s->session, true);
    }
}

/* Said only now: a birth that came before the subscription would have been lost. */
static void announce(struct serve *s)
{
    s->failures = 0;
    LOG(INFO, "hub.online", F_S("fleet", s->config->fleet), F_I("port", s->config->port));
    serve_say_state(s, true);
    desks_online(s->desks);
    if (s->on_ready != NULL) {
        s->on_ready(s->ready_ctx);
        s->on_ready = NULL;
    }
}

static void on_subscribed(void *ctx, int message_id, const struct err *why)
{
    (void)message_id;
    struct serve *s = ctx;
    if (why != NULL) {
        LOG(ERROR, "link.subscribe_refused", F_ERR(why), F_T("action", "connecting again"));
        mqtt_disconnect(s->session, true);
    } else {
        announce(s);
    }
}

static void on_published(void *ctx, int message_id, const struct err *why)
{
    struct serve *s = ctx;
    (void)message_id;
    if (why != NULL) {
        LOG(DEBUG, "link.publish_refused", F_ERR(why));
    }
    if (s->wants_room) {
        s->wants_room = false;
        desks_room(s->desks);
    }
}

static void reconnect_later(struct serve *s)
{
    s->failures++;
    int64_t wait =
        reconnect_delay_ns(RECONNECT_BASE_NS, RECONNECT_MAX_NS, s->failures, rng_u64(s->rng));
    loop_timer_arm_in(s->loop, &s->reconnect_timer, wait);
}

static void on_offline(void *ctx, const struct err *why)
{
    struct serve *s = ctx;
    if (s->is_stopping) {
        loop_stop(s->loop);
        return;
    }
    /* The broker needs a moment to listen: the first failures are not news. */
    if (why != NULL && s->failures > 3) {
        LOG(WARN, "link.offline", F_ERR(why), F_T("action", "connecting again"));
    }
    reconnect_later(s);
}

bool serve_open_session(struct serve *s, struct err *err)
{
    bool own_broker = s->broker != NULL;
    struct buf topic = buf_fixed(s->state_topic, sizeof(s->state_topic));
    topic_hub_state(&topic, s->config->fleet);
    if (s->instance[0] == '\0') { /* one a start */
        rng_hex(s->rng, (SERVE_INSTANCE_SIZE - 1) / 2, s->instance);
    }
    /* Not to be guessed, so that nobody can connect with it and end our session. */
    char random[SERVE_INSTANCE_SIZE];
    char client_id[SERVE_INSTANCE_SIZE + 4];
    rng_hex(s->rng, (SERVE_INSTANCE_SIZE - 1) / 2, random);
    (void)snprintf(client_id, sizeof(client_id), "hub.%s", random);
    AUTO(buf) will = buf_growing(4096);
    s->state = (struct hub_state){.registry = s->registry, .instance = str_from(s->instance)};
    hub_state_write(&s->state, false, serve_wall(s), &will);
    struct str local = str_is_empty(s->config->bind) ? STR("127.0.0.1") : s->config->bind;
    struct mqtt_options options = {.host = own_broker ? local : s->config->host,
                                   .port = (int)s->config->port,
                                   .server_name = own_broker ? STR("localhost") : STR_NONE,
                                   .client_id = str_from(client_id),
                                   .ca_pem = s->keeper.authority.trusted,
                                   .cert_pem = s->keeper.authority.hub_cert,
                                   .key_pem = s->keeper.authority.hub_key,
                                   .keepalive_s = KEEPALIVE_S,
                                   .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                   .inflight_max = INFLIGHT_MAX,
                                   .payload_bytes_max = LIMIT_MESSAGE_BYTES,
                                   .will_topic = str_from(s->state_topic),
                                   .will_retain = true,
                                   .will_payload = buf_str(&will),
                                   .socket_dir = s->config->state_dir};
    struct mqtt_handlers handlers = {.on_online = on_online,
                                     .on_offline = on_offline,
                                     .on_message = serve_take_message,
                                     .on_published = on_published,
                                     .on_subscribed = on_subscribed,
                                     .ctx = s};
    return mqtt_open(&s->session, s->loop, s->rng, &options, &handlers, err);
}

void serve_connect(void *ctx)
{
    struct serve *s = ctx;
    struct err err = {0};
    struct mqtt_session *earlier = s->session;
    if (s->is_session_stale && serve_open_session(s, &err)) {
        mqtt_close(earlier);
        s->is_session_stale = false;
    }
    if (s->is_session_stale || !mqtt_connect(s->session, &err)) {
        LOG(WARN, "link.connect_failed", F_ERR(&err), F_T("action", "trying again"));
        reconnect_later(s);
    }
}
