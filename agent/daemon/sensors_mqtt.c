/* sensors_mqtt.c - sensors for topics of a broker nearby. Each has a connection of its own: what is
 * retained comes to each, and filters that overlap bring nobody a message twice. It hears what is
 * published while it is connected. */
#include "agent/daemon/near_broker.h"
#include "agent/daemon/sensors_internal.h"
#include "agent/sense/messages.h"
#include "common/log/log.h"
#include "common/model/backoff.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CLIENT_ID_SIZE = 32,
    CLIENT_ID_RANDOM_BYTES = 6,
    REASON_SIZE = 120,
    CAUSE_TAGS = 2,
};
#define RECONNECT_BASE_NS (1 * NS_PER_SEC)
#define RECONNECT_CAP_NS  (60 * NS_PER_SEC)

struct listener {
    struct sensor_slot *slot;
    struct messages messages;
    struct mqtt_session *session; /* NULL: the broker's texts could not be resolved yet */
    uint64_t broker;              /* digest of what the session was opened with */
    struct loop_timer reconnect;
    int64_t failures; /* in a row */
    bool is_subscribed;
    char client_id[CLIENT_ID_SIZE];
    char reason[REASON_SIZE];
    char cursor[CURSOR_BYTES_MAX];
    struct str keys[CAUSE_TAGS];
    struct str values[CAUSE_TAGS];
};

static void connect_later(struct listener *l)
{
    const struct sensors_options *options = &l->slot->all->options;
    l->failures++;
    loop_timer_arm_in(options->loop, &l->reconnect,
                      reconnect_delay_ns(RECONNECT_BASE_NS, RECONNECT_CAP_NS, l->failures,
                                         rng_u64(options->rng)));
}

static void fail(struct listener *l, const struct err *why)
{
    sensor_set_trouble(l->slot, why);
    connect_later(l);
}

/* --- the session's callbacks --- */

static void on_online(void *ctx, bool tls_resumed)
{
    (void)tls_resumed;
    struct listener *l = ctx;
    struct err err = {0};
    int id = 0;
    if (!mqtt_subscribe(l->session, &l->slot->def->topic, 1, &id, &err)) {
        sensor_set_trouble(l->slot, &err);
        mqtt_disconnect(l->session, false);
    }
}

static void on_subscribed(void *ctx, int message_id, const struct err *why)
{
    (void)message_id;
    struct listener *l = ctx;
    l->is_subscribed = why == NULL;
    if (why != NULL) {
        sensor_set_trouble(l->slot, why);
        mqtt_disconnect(l->session, false);
        return;
    }
    l->failures = 0;
    sensor_clear_trouble(l->slot);
    LOG(INFO, "sensor.listening", F_S("sensor", l->slot->def->name),
        F_S("topic", l->slot->def->topic));
}

static void on_offline(void *ctx, const struct err *why)
{
    struct listener *l = ctx;
    l->is_subscribed = false;
    if (why != NULL) {
        sensor_set_trouble(l->slot, why);
    }
    connect_later(l);
}

static void on_message(void *ctx, const struct mqtt_message *message)
{
    struct listener *l = ctx;
    if (messages_take(&l->messages, message->topic, message->payload, message->retained)) {
        sensor_serve_now(l->slot); /* the next one may be here in a moment, and take its place */
    }
}

static void on_published(void *ctx, int message_id, const struct err *why)
{
    (void)ctx;
    (void)message_id;
    (void)why; /* nothing is published */
}

/* --- connecting --- */

static void on_reconnect(void *ctx)
{
    struct listener *l = ctx;
    const struct sensors_options *o = &l->slot->all->options;
    struct sensor_env env;
    struct err err = {0};
    sensor_get_env(l->slot, &env);
    const struct near_broker broker = {.loop = o->loop,
                                       .rng = o->rng,
                                       .resource = l->slot->def->broker,
                                       .env = &env.lookup,
                                       .client_id = str_from(l->client_id),
                                       .socket_dir = str_from(o->state_dir),
                                       .handlers = {.on_online = on_online,
                                                    .on_offline = on_offline,
                                                    .on_message = on_message,
                                                    .on_published = on_published,
                                                    .on_subscribed = on_subscribed,
                                                    .ctx = l}};
    if (!near_broker_connect(&broker, &l->session, &l->broker, &err)) {
        fail(l, &err);
    }
}

/* --- the source --- */

static bool listener_open(struct sensor_slot *slot, struct err *err)
{
    struct listener *l = calloc(1, sizeof(*l));
    char random[2 * CLIENT_ID_RANDOM_BYTES + 1];
    if (l == NULL) {
        return err_set(err, ERR_NO_MEMORY, "sensor " STR_FMT ": out of memory",
                       STR_ARG(slot->def->name));
    }
    l->slot = slot;
    l->reconnect = (struct loop_timer){.on_due = on_reconnect, .ctx = l};
    rng_hex(slot->all->options.rng, CLIENT_ID_RANDOM_BYTES, random);
    (void)snprintf(l->client_id, sizeof(l->client_id), "selvedge-%s", random);
    messages_read_cursor(&l->messages, buf_str(&slot->cursor));
    loop_timer_arm_in(slot->all->options.loop, &l->reconnect, 0);
    slot->source_state = l;
    return true;
}

static void listener_close(struct sensor_slot *slot)
{
    struct listener *l = slot->source_state;
    loop_timer_disarm(slot->all->options.loop, &l->reconnect);
    mqtt_close(l->session);
    free(l);
    slot->source_state = NULL;
    slot->trouble = (struct err){0};
}

static void explain(struct listener *l)
{
    const struct messages *m = &l->messages;
    struct buf reason = buf_fixed(l->reason, sizeof(l->reason));
    if (m->superseded > 0) {
        buf_addf(&reason, "the newest of %" PRId64 " messages", m->superseded + 1);
    }
    if (m->is_clipped || !m->has_text) {
        buf_add_text(&reason, reason.len > 0 ? "; " : "");
        buf_add_text(&reason, m->is_clipped ? "the tag has the beginning of the payload"
                                            : "the payload is no text, and in no tag");
    }
    (void)buf_cstr(&reason);
}

static bool listener_next(struct sensor_slot *slot, struct cause *ret)
{
    struct listener *l = slot->source_state;
    const struct messages *m = &l->messages;
    if (!m->is_waiting || !pace_is_due(&slot->pace, sensor_now(slot))) {
        return false;
    }
    struct buf cursor = buf_fixed(l->cursor, sizeof(l->cursor));
    messages_write_cursor(m, &cursor);
    explain(l);
    l->keys[0] = STR("selvedge/topic");
    l->values[0] = messages_topic(m);
    l->keys[1] = STR("selvedge/payload");
    l->values[1] = messages_payload(m);
    ret->tags = (struct str_map){l->keys, l->values, m->has_text ? 2 : 1};
    ret->reason = str_from(l->reason);
    ret->has_cursor = !cursor.overflow;
    ret->cursor = buf_str(&cursor);
    return true;
}

static void listener_decided(struct sensor_slot *slot, enum verdict verdict)
{
    struct listener *l = slot->source_state;
    messages_decided(&l->messages); /* of one that was refused the next may be better */
    if (verdict == VERDICT_REFUSED) {
        pace_failed(&slot->pace, sensor_now(slot), rng_u64(slot->all->options.rng));
    } else {
        pace_ticked(&slot->pace, sensor_now(slot));
    }
}

static struct mono_time listener_wake(const struct sensor_slot *slot)
{
    const struct listener *l = slot->source_state;
    return l->messages.is_waiting ? slot->pace.next : (struct mono_time){INT64_MAX};
}

static void listener_describe(const struct sensor_slot *slot, struct json_writer *w)
{
    const struct listener *l = slot->source_state;
    bool has_session = l->session != NULL;
    jw_member_str(w, "connection",
                  !has_session       ? STR("offline")
                  : l->is_subscribed ? STR("listening")
                                     : str_from(mqtt_state_name(l->session)));
    if (l->messages.is_waiting) {
        jw_member_i64(w, "messages_waiting", l->messages.superseded + 1);
    }
}

const struct sensor_source sensor_topic = {.open = listener_open,
                                           .close = listener_close,
                                           .next = listener_next,
                                           .decided = listener_decided,
                                           .wake = listener_wake,
                                           .describe = listener_describe};
