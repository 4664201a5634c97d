/* serve.c - DESIGN: messages of one loop turn are merged in one transaction; at its end it is
 * committed, and only then are acknowledgements published. libmosquitto has acknowledged the message
 * to the broker long before: what is lost between (a crash here, a broker that forgets) the agents
 * send again. All but the log is written through the registry, never while a merge is open. */
#include "hub/serve/serve.h"

#include "common/base/limits.h"
#include "common/log/log.h"
#include "common/model/backoff.h"
#include "common/mqtt/mqtt.h"
#include "common/wire/messages.h"
#include "common/wire/topics.h"
#include "hub/broker/broker.h"
#include "hub/fleet/poke.h"
#include "hub/identity/fence.h"
#include "hub/merge/merge.h"
#include "hub/registry/registry.h"
#include "hub/serve/desks.h"
#include "hub/serve/enrolment.h"
#include "hub/serve/gate.h"
#include "hub/serve/hub_state.h"
#include "hub/serve/keeper.h"
#include "hub/serve/renewed_views.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    INSTANCE_SIZE = 17,
    MESSAGE_ARENA_BYTES = 256 << 10,
    INFLIGHT_MAX = 20000, /* most for acknowledgements: a fleet comes back at once */
    DESKS_INFLIGHT_MAX = 2000,
    KEEPALIVE_S = 30,
    CONNECT_TIMEOUT_MS = 10000,
    REFUSALS_PER_S = 20,   /* written down; each takes a line and a commit */
    ENROLMENTS_PER_S = 20, /* looked at; each takes a commit, a granted one two signatures */
};
#define RECONNECT_BASE_NS (100 * NS_PER_MS)
#define RECONNECT_MAX_NS  (5 * NS_PER_SEC)
#define STORE_RETRY_NS    (2 * NS_PER_SEC)

/* What is read of every device; and what strangers ask. */
static const enum channel subscribed[] = {CHANNEL_EVENTS,   CHANNEL_BIRTH, CHANNEL_DEATH,
                                          CHANNEL_REPORTED, CHANNEL_LOG,   CHANNEL_WANT};
enum { SUBSCRIPTIONS = COUNT_OF(subscribed) + 1 };

struct serve {
    struct loop *loop;
    const struct rng *rng;
    const struct hub_config *config;
    struct keeper keeper;
    struct db *store;
    struct merge *merge;
    struct registry *registry;
    struct fence *fence;
    struct broker *broker;
    struct mqtt_session *session;
    struct desk_host desk_host;
    struct desks *desks;
    struct poke poke;
    char database[LIMIT_PATH_BYTES + 1];
    bool wants_room; /* a desk had to be refused */
    struct loop_timer reconnect_timer;
    struct loop_timer store_timer; /* while the store fails */
    struct loop_timer held_timer;  /* says what the gates held back */
    struct gate refusals;
    struct gate enrolments;
    struct loop_task commit_task;
    struct loop_task stop_task;
    struct buf payload;
    char instance[INSTANCE_SIZE];
    char state_topic[TOPIC_BYTES_MAX];
    struct hub_state state;
    int failures;
    bool is_session_stale; /* the next connection is made with other certificates */
    bool is_merging;       /* a transaction is open */
    bool is_store_failing;
    bool is_stopping;
    void (*on_ready)(void *ctx);
    void *ready_ctx;
};

static struct wall_time wall_now(const struct serve *s)
{
    return clock_wall(loop_clock(s->loop));
}

/* --- saying ----------------------------------------------------------------------------- */

static bool publish(struct serve *s, struct str topic, unsigned flags, struct err *err)
{
    int message_id = 0;
    if (s->payload.overflow) {
        return err_set(err, ERR_NO_MEMORY, "encode a message: out of memory");
    }
    return mqtt_publish(s->session, topic, buf_str(&s->payload), flags, 0, &message_id, err);
}

static void say_state(struct serve *s, bool online)
{
    struct err err = {0};
    hub_state_write(&s->state, online, wall_now(s), &s->payload);
    if (!publish(s, str_from(s->state_topic), MQTT_RETAIN, &err)) {
        LOG(WARN, "hub.state_not_said", F_ERR(&err));
    }
}

/* A lost acknowledgement costs nothing but time: the agent asks again. */
static void say_ack(struct serve *s, const struct merge_ack *ack)
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

/* --- merging ---------------------------------------------------------------------------- */

static void store_failed(struct serve *s, const struct err *err)
{
    merge_abort(s->merge);
    s->is_merging = false;
    if (!s->is_store_failing) {
        LOG(ERROR, "merge.store_failed", F_ERR(err),
            F_T("action",
                "acknowledging nothing; the devices keep their events and send them again"));
    }
    s->is_store_failing = true;
    loop_timer_arm_in(s->loop, &s->store_timer, STORE_RETRY_NS);
}

static bool begin(struct serve *s)
{
    struct err err = {0};
    if (s->is_merging) {
        return true;
    }
    if (!merge_begin(s->merge, &err)) {
        store_failed(s, &err);
        return false;
    }
    s->is_merging = true;
    loop_defer(s->loop, &s->commit_task);
    return true;
}

static void commit(void *ctx)
{
    struct serve *s = ctx;
    struct err err = {0};
    if (!s->is_merging) {
        return;
    }
    if (!merge_commit(s->merge, &err)) {
        store_failed(s, &err);
        return;
    }
    s->is_merging = false;
    if (s->is_store_failing) {
        LOG(INFO, "merge.store_recovered", F_T("action", "acknowledging again"));
        s->is_store_failing = false;
    }
    const struct merge_ack *acks = NULL;
    size_t count = merge_acks(s->merge, &acks);
    for (size_t i = 0; i < count; i++) {
        say_ack(s, &acks[i]);
    }
    if (count > 0) {
        desks_merged(s->desks);
    }
}

static void on_store_retry(void *ctx)
{
    struct serve *s = ctx;
    s->is_store_failing = false; /* the agents' next batch is the next try */
}

/* --- turning away ----------------------------------------------------------------------- */

/* Whether one more may pass; else it is counted, and the count is told soon. */
static bool passes(struct serve *s, struct gate *gate)
{
    if (gate_pass(gate, loop_now(s->loop))) {
        return true;
    }
    if (s->held_timer.heap_index == 0) {
        loop_timer_arm_in(s->loop, &s->held_timer, NS_PER_SEC);
    }
    return false;
}

static void on_held_due(void *ctx)
{
    struct serve *s = ctx;
    LOG(WARN, "hub.flooded", F_I("refusals", gate_take_held(&s->refusals)),
        F_I("enrolments", gate_take_held(&s->enrolments)),
        F_T("action", "not written down one by one; enrolments may be asked for again"));
}

static void refuse(void *ctx, struct str peer, const char *what, struct str why)
{
    struct serve *s = ctx;
    struct err err = {0};
    if (!passes(s, &s->refusals)) {
        return;
    }
    commit(s); /* the registry writes only between merges */
    LOG(WARN, "hub.refused", F_S("peer", peer), F_T("what", what), F_S("why", why));
    if (!registry_refused(s->registry, peer, str_from(what), why, wall_now(s), &err)) {
        LOG(DEBUG, "registry.write_failed", F_ERR(&err));
    }
}

/* --- what devices say ------------------------------------------------------------------- */

static void on_events(void *ctx, struct str device, struct str payload)
{
    struct serve *s = ctx;
    struct err err = {0};
    struct merge_result result;
    if (s->is_store_failing || !begin(s)) {
        return;
    }
    if (!merge_add(s->merge, device, payload, wall_now(s), &result, &err)) {
        store_failed(s, &err);
        return;
    }
    if (result.why.msg[0] != '\0') {
        refuse(s, device, "events", str_from(result.why.msg));
    }
    if (s->is_merging && merge_is_full(s->merge)) {
        commit(s);
    }
    if (result.epoch[0] != '\0') {
        desks_heard(s->desks, device, result.epoch);
    }
}

static void greet(struct serve *s, struct str device, const struct message_birth *birth)
{
    struct err err = {0};
    bool is_behind = false;
    if (s->is_store_failing || !begin(s)) {
        return;
    }
    if (!merge_birth(s->merge, device, birth, wall_now(s), &is_behind, &err)) {
        store_failed(s, &err);
        return;
    }
    LOG(INFO, "device.online", F_S("device", device), F_I("last_seq", birth->last_seq),
        F_S("version", birth->version));
    if (is_behind) {
        refuse(s, device, "birth",
               STR("its database was put back to an earlier state; it is told so, and begins a new "
                   "epoch"));
    }
}

static void on_birth(struct serve *s, struct str device, struct str payload, struct arena *arena)
{
    struct err err = {0};
    struct message_birth birth;
    if (!message_birth_decode(payload, arena, &birth, &err)) {
        refuse(s, device, "birth", str_from(err.msg));
        return;
    }
    commit(s);
    if (!registry_born(s->registry, device, &birth, wall_now(s), &err)) {
        LOG(ERROR, "registry.write_failed", F_ERR(&err));
    }
    greet(s, device, &birth);
    desks_born(s->desks, device, &birth);
}

static void on_death(struct serve *s, struct str device, struct str payload, struct arena *arena)
{
    struct err err = {0};
    struct message_death death;
    if (!message_death_decode(payload, arena, &death, &err)) {
        refuse(s, device, "death", str_from(err.msg));
        return;
    }
    commit(s);
    LOG(INFO, "device.offline", F_S("device", device), F_S("reason", death.reason));
    if (!registry_died(s->registry, device, &death, wall_now(s), &err)) {
        LOG(ERROR, "registry.write_failed", F_ERR(&err));
    }
    desks_died(s->desks, device);
}

/* --- enrolment -------------------------------------------------------------------------- */

static bool enrolment_publish(void *ctx, struct str topic, struct str payload, struct err *err)
{
    struct serve *s = ctx;
    int message_id = 0;
    return mqtt_publish(s->session, topic, payload, 0, 0, &message_id, err);
}

static void on_enrolment(struct serve *s, struct str client, struct str payload,
                         struct arena *arena)
{
    const struct enrolment e = {.host = &s->desk_host, .publish = enrolment_publish, .ctx = s};
    if (passes(s, &s->enrolments)) { /* whoever asked waits in vain else, and asks again */
        commit(s);
        enrolment_answer(&e, client, payload, arena);
    }
}

/* --- the session ------------------------------------------------------------------------ */

static void on_message(void *ctx, const struct mqtt_message *message)
{
    struct serve *s = ctx;
    AUTO(arena) arena = arena_new(MESSAGE_ARENA_BYTES);
    struct str device = STR_NONE;
    struct str client = STR_NONE;
    enum channel channel = CHANNEL_COUNT;
    if (topic_parse_enrol_request(message->topic, s->config->fleet, &client)) {
        on_enrolment(s, client, message->payload, &arena);
        return;
    }
    if (!topic_parse_device(message->topic, s->config->fleet, &device, &channel)) {
        return;
    }
    if (fence_is_out(s->fence, device)) {
        refuse(s, device, "message", STR("the device is revoked: nothing of it is listened to"));
    } else if (channel == CHANNEL_EVENTS) {
        on_events(s, device, message->payload);
    } else if (channel == CHANNEL_BIRTH) {
        on_birth(s, device, message->payload, &arena);
    } else if (channel == CHANNEL_DEATH) {
        on_death(s, device, message->payload, &arena);
    } else {
        desks_take(s->desks, device, channel, message->payload, &arena);
    }
}

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
    say_state(s, true);
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

static bool open_session(struct serve *s, struct err *err);

static void connect_now(void *ctx)
{
    struct serve *s = ctx;
    struct err err = {0};
    struct mqtt_session *earlier = s->session;
    if (s->is_session_stale && open_session(s, &err)) {
        mqtt_close(earlier);
        s->is_session_stale = false;
    }
    if (s->is_session_stale || !mqtt_connect(s->session, &err)) {
        LOG(WARN, "link.connect_failed", F_ERR(&err), F_T("action", "trying again"));
        reconnect_later(s);
    }
}

static void on_broker_note(void *ctx, const struct broker_line *note)
{
    struct serve *s = ctx;
    if (note->note == BROKER_NOTE_TROUBLE) {
        if (passes(s, &s->refusals)) { /* strangers may cause some of these, too */
            LOG(ERROR, "broker.trouble", F_S("says", note->why));
        }
        return;
    }
    char what[64];
    (void)snprintf(what, sizeof(what), STR_FMT, STR_ARG(note->what));
    refuse(s, note->peer, what, note->why);
}

static void on_broker_client(void *ctx, const struct broker_client_line *line)
{
    struct serve *s = ctx;
    fence_on_client(s->fence, line);
}

/* --- desks ------------------------------------------------------------------------------ */

static bool desk_publish(void *ctx, const struct desk_message *message, struct err *err)
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

static void on_poke(void *ctx)
{
    struct serve *s = ctx;
    struct keeper_change change = keeper_look(&s->keeper);
    fence_look(s->fence);
    if (change.is_server && s->broker != NULL) {
        broker_reload(s->broker);
    }
    s->is_session_stale = s->is_session_stale || change.is_hub;
    desks_poked(s->desks);
}

static void desk_look_again(void *ctx)
{
    struct serve *s = ctx;
    commit(s);
    merge_look_again(s->merge);
}

static bool open_desks(struct serve *s, struct err *err)
{
    s->desk_host = (struct desk_host){.loop = s->loop,
                                      .rng = s->rng,
                                      .config = s->config,
                                      .authority = &s->keeper.authority,
                                      .registry = s->registry,
                                      .database = s->database,
                                      .publish = desk_publish,
                                      .merge = on_events,
                                      .settle = commit,
                                      .look_again = desk_look_again,
                                      .refuse = refuse,
                                      .ctx = s};
    return fence_open(&s->fence, &s->desk_host, err) && desks_open(&s->desks, &s->desk_host, err) &&
           poke_listen(&s->poke, s->loop, s->config, on_poke, s, err);
}

/* --- life ------------------------------------------------------------------------------- */

static bool open_store(struct serve *s, struct err *err)
{
    AUTO(buf) fleet = buf_growing(256);
    if (!keeper_open(&s->keeper, s->loop, s->rng, s->config, err) ||
        !hub_path(s->config, "hub.db", s->database, err)) {
        return false;
    }
    if (!registry_open(&s->registry, s->database, err) ||
        !registry_fleet(s->registry, &fleet, err) ||
        !renewed_store_open(&s->store, s->database, s->config, loop_clock(s->loop), err) ||
        !merge_open(s->store, &s->merge, err)) {
        return false;
    }
    if (!str_eq(buf_str(&fleet), s->config->fleet)) {
        (void)err_set(err, ERR_INVALID,
                      "the settings say fleet " STR_FMT ", this hub was set up for " STR_FMT,
                      STR_ARG(s->config->fleet), STR_ARG(buf_str(&fleet)));
        return err_hint(err, "set fleet: " STR_FMT " in hub.yaml", STR_ARG(buf_str(&fleet)));
    }
    return registry_all_offline(s->registry, wall_now(s), err);
}

static bool open_broker(struct serve *s, struct err *err)
{
    if (str_eq(s->config->broker, STR("external"))) {
        return true;
    }
    char dir[LIMIT_PATH_BYTES + 1];
    char program[LIMIT_PATH_BYTES + 1];
    (void)snprintf(program, sizeof(program), STR_FMT, STR_ARG(s->config->broker));
    struct broker_options options = {.program = program,
                                     .dir = dir,
                                     .fleet = s->config->fleet,
                                     .is_root = geteuid() == 0,
                                     .bind = s->config->bind,
                                     .port = (int)s->config->port,
                                     .enrol_port = (int)s->config->enrol_port,
                                     .revoked = fence_revoked(s->fence)};
    struct broker_handlers handlers = {
        .on_note = on_broker_note, .on_client = on_broker_client, .ctx = s};
    bool ok = hub_path(s->config, "broker", dir, err) &&
              broker_start(&s->broker, s->loop, s->rng, &options, &handlers, err);
    fence_use_broker(s->fence, s->broker);
    return ok;
}

static bool open_session(struct serve *s, struct err *err)
{
    bool own_broker = s->broker != NULL;
    struct buf topic = buf_fixed(s->state_topic, sizeof(s->state_topic));
    topic_hub_state(&topic, s->config->fleet);
    if (s->instance[0] == '\0') { /* one a start */
        rng_hex(s->rng, (INSTANCE_SIZE - 1) / 2, s->instance);
    }
    /* Not to be guessed, so that nobody can connect with it and end our session. */
    char random[INSTANCE_SIZE];
    char client_id[INSTANCE_SIZE + 4];
    rng_hex(s->rng, (INSTANCE_SIZE - 1) / 2, random);
    (void)snprintf(client_id, sizeof(client_id), "hub.%s", random);
    AUTO(buf) will = buf_growing(4096);
    s->state = (struct hub_state){.registry = s->registry, .instance = str_from(s->instance)};
    hub_state_write(&s->state, false, wall_now(s), &will);
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
                                     .on_message = on_message,
                                     .on_published = on_published,
                                     .on_subscribed = on_subscribed,
                                     .ctx = s};
    return mqtt_open(&s->session, s->loop, s->rng, &options, &handlers, err);
}

static void on_stop_due(void *ctx)
{
    struct serve *s = ctx;
    mqtt_disconnect(s->session, false);
}

bool serve_open(struct serve **ret, struct loop *loop, const struct rng *rng,
                const struct hub_config *config, struct err *err)
{
    struct serve *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return err_set(err, ERR_NO_MEMORY, "start the hub: out of memory");
    }
    *s = (struct serve){.loop = loop, .rng = rng, .config = config};
    s->payload = buf_growing(LIMIT_MESSAGE_BYTES);
    s->reconnect_timer = (struct loop_timer){.on_due = connect_now, .ctx = s};
    s->store_timer = (struct loop_timer){.on_due = on_store_retry, .ctx = s};
    s->held_timer = (struct loop_timer){.on_due = on_held_due, .ctx = s};
    s->refusals.per_second = REFUSALS_PER_S;
    s->enrolments.per_second = ENROLMENTS_PER_S;
    s->commit_task = (struct loop_task){.run = commit, .ctx = s};
    s->stop_task = (struct loop_task){.run = on_stop_due, .ctx = s};
    if (!open_store(s, err) || !open_desks(s, err) || !open_broker(s, err) ||
        !open_session(s, err)) {
        serve_close(s);
        return false;
    }
    loop_timer_arm_in(loop, &s->reconnect_timer, 0);
    *ret = s;
    return true;
}

void serve_on_ready(struct serve *s, void (*fn)(void *ctx), void *ctx)
{
    s->on_ready = fn;
    s->ready_ctx = ctx;
}

void serve_shut_down(struct serve *s)
{
    if (s->is_stopping) {
        return;
    }
    s->is_stopping = true;
    commit(s);
    if (!mqtt_is_online(s->session)) {
        loop_stop(s->loop);
        return;
    }
    say_state(s, false);
    loop_defer(s->loop, &s->stop_task);
}

void serve_close(struct serve *s)
{
    if (s == NULL) {
        return;
    }
    loop_timer_disarm(s->loop, &s->reconnect_timer);
    loop_timer_disarm(s->loop, &s->store_timer);
    loop_timer_disarm(s->loop, &s->held_timer);
    loop_defer_cancel(s->loop, &s->commit_task);
    loop_defer_cancel(s->loop, &s->stop_task);
    mqtt_close(s->session);
    fence_close(s->fence);
    broker_stop(s->broker);
    poke_close(&s->poke);
    desks_close(s->desks);
    merge_close(s->merge);
    registry_close(s->registry);
    db_close(s->store);
    buf_release(&s->payload);
    keeper_close(&s->keeper);
    free(s);
}
