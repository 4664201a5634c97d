#include "agent/daemon/link.h"

#include "common/base/limits.h"
#include "common/log/log.h"
#include "common/mqtt/mqtt.h"
#include "common/tls/authorities.h"
#include "common/wire/messages.h"
#include "common/wire/topics.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INFLIGHT_MAX = SYNC_WINDOW_MAX + 4, /* batches, and births and the like beside them */
    CONNECT_TIMEOUT_MS = 20000,
    SESSION_TEXT_SIZE = 17,
    CLIENT_ID_SIZE = 64 + SESSION_TEXT_SIZE, /* a device's name, a dot, something random */
    LINES_BYTES_MAX = 2 * (LIMIT_BATCH_BYTES + LIMIT_EVENT_BYTES),
    MESSAGE_ARENA_BYTES = 256 << 10,
};

struct link {
    struct link_options options;
    struct sync sync;
    struct mqtt_session *session; /* NULL: to be opened anew by the next attempt */
    bool ignores_dates;           /* the session does: it was opened before the clock was set */
    bool is_identity_new;         /* the session has an older one */
    struct loop_timer timer;
    struct buf lines;
    struct buf payload;
    char topics[CHANNEL_COUNT][TOPIC_BYTES_MAX];
    char hub_topic[TOPIC_BYTES_MAX];
    char session_id[SESSION_TEXT_SIZE];
    char client_id[CLIENT_ID_SIZE];
    char definitions_hash[65];
    int64_t desired_revision;
    char authorities[AUTHORITIES_LIST_SIZE];
    char authority[FINGERPRINT_TEXT_SIZE];
    struct link_status status;
    void (*on_stopped)(void *ctx);
    void *stopped_ctx;
};

/* Beside the hub's state. */
static const enum channel subscribed[] = {CHANNEL_ACK,    CHANNEL_DESIRED,     CHANNEL_CMD,
                                          CHANNEL_BUNDLE, CHANNEL_CERTIFICATE, CHANNEL_LEASE};
enum { SUBSCRIPTIONS = COUNT_OF(subscribed) + 1 };

static bool open_session(struct link *link, struct err *err);

/* --- what the core decided -------------------------------------------------------------------- */

static struct wall_time wall_now(const struct link *link)
{
    return clock_wall(loop_clock(link->options.loop));
}

static bool publish(struct link *link, const char *topic, struct err *err)
{
    int message_id = 0;
    if (link->payload.overflow) {
        return err_set(err, ERR_NO_MEMORY, "encode a message: out of memory");
    }
    return mqtt_publish(link->session, str_from(topic), buf_str(&link->payload), 0, 0, &message_id,
                        err);
}

static void note_error(struct link *link, const struct err *err)
{
    memcpy(link->status.last_error, err->msg, sizeof(link->status.last_error));
}

static void say_birth(struct link *link)
{
    struct err err = {0};
    struct store_position position;
    if (!store_position(link->options.store, &position, &err)) {
        LOG(ERROR, "sync.birth_failed", F_ERR(&err));
        return; /* the acknowledgement time-out greets again */
    }
    struct message_birth birth = {.first_seq = position.first_seq,
                                  .last_seq = position.last_seq,
                                  .at = wall_now(link),
                                  .clock_trusted = wall_is_set(wall_now(link)),
                                  .version = STR(SELVEDGE_VERSION),
                                  .board = link->options.board,
                                  .boot_id = link->options.boot_id,
                                  .session = str_from(link->session_id),
                                  .definitions_hash = str_from(link->definitions_hash),
                                  .desired_revision = link->desired_revision,
                                  .authorities = str_from(link->authorities),
                                  .authority = str_from(link->authority)};
    memcpy(birth.epoch, position.epoch, sizeof(birth.epoch));
    buf_reset(&link->payload);
    message_birth_encode(&birth, &link->payload);
    if (!publish(link, link->topics[CHANNEL_BIRTH], &err)) {
        LOG(WARN, "sync.birth_failed", F_ERR(&err), F_T("action", "greeting again later"));
    }
}

/* One batch; the last seq that it reached, or 0 when it could not be handed over. */
static int64_t send_batch(struct link *link, int64_t from)
{
    struct err err = {0};
    struct batch_header header;
    buf_reset(&link->lines);
    buf_reset(&link->payload);
    if (!store_read_batch(link->options.store, from, LIMIT_BATCH_EVENTS, &header, &link->lines,
                          &err) ||
        !batch_encode(&header, buf_str(&link->lines), &link->payload, &err) ||
        !publish(link, link->topics[CHANNEL_EVENTS], &err)) {
        note_error(link, &err);
        LOG(WARN, "sync.send_failed", F_I("from", from), F_ERR(&err),
            F_T("action", "sending again later"));
        return 0;
    }
    link->status.batches_sent++;
    link->status.events_sent += header.last - header.first + 1;
    LOG(DEBUG, "sync.batch_sent", F_I("first", header.first), F_I("last", header.last),
        F_I("bytes", link->payload.len));
    return header.last;
}

/* Dates of certificates are looked at as soon as we know the date; a renewed one is shown. */
static bool refresh_session(struct link *link, struct err *err)
{
    bool knows_date = link->ignores_dates && wall_is_set(wall_now(link));
    if (link->session != NULL && (knows_date || link->is_identity_new)) {
        mqtt_close(link->session);
        link->session = NULL;
    }
    return link->session != NULL || open_session(link, err);
}

/* False when it did not even begin. */
static bool connect_now(struct link *link)
{
    struct err err = {0};
    rng_hex(link->options.rng, (SESSION_TEXT_SIZE - 1) / 2, link->session_id);
    struct message_death will = {.session = str_from(link->session_id),
                                 .reason = STR("connection lost")};
    buf_reset(&link->payload);
    message_death_encode(&will, &link->payload);
    if (!refresh_session(link, &err) ||
        !mqtt_set_will(link->session, buf_str(&link->payload), &err) ||
        !mqtt_connect(link->session, &err)) {
        note_error(link, &err);
        LOG(WARN, "link.connect_failed", F_ERR(&err),
            F_T("action", "keeping events here, trying again"));
        return false;
    }
    return true;
}

static void disconnect(struct link *link)
{
    struct err err = {0};
    struct message_death death = {.session = str_from(link->session_id), .reason = STR("stopped")};
    if (mqtt_is_online(link->session)) {
        buf_reset(&link->payload);
        message_death_encode(&death, &link->payload);
        if (!publish(link, link->topics[CHANNEL_DEATH], &err)) {
            LOG(DEBUG, "link.goodbye_failed", F_ERR(&err));
        }
    }
    mqtt_disconnect(link->session, false);
}

static void forget(struct link *link, int64_t seq)
{
    struct err err = {0};
    if (!store_acknowledge(link->options.store, seq, &err)) {
        LOG(ERROR, "sync.acknowledge_failed", F_I("seq", seq), F_ERR(&err),
            F_T("action", "the events stay and are acknowledged again later"));
    }
}

/* Whether the action had a result at once, which the core has to be told. */
static bool carry_out(struct link *link, const struct sync_action *action,
                      struct sync_event *ret_result)
{
    switch (action->type) {
    case SYNC_CONNECT:
        if (!connect_now(link)) {
            *ret_result = (struct sync_event){.type = SYNC_LINK_DOWN};
            return true;
        }
        break;
    case SYNC_DISCONNECT:
        disconnect(link);
        break;
    case SYNC_SAY_BIRTH:
        say_birth(link);
        break;
    case SYNC_SEND:
        *ret_result = (struct sync_event){.type = SYNC_SENT, .seq = send_batch(link, action->seq)};
        return true;
    case SYNC_FORGET:
        forget(link, action->seq);
        break;
    case SYNC_ARM:
        loop_timer_arm(link->options.loop, &link->timer, action->at);
        break;
    case SYNC_DISARM:
        loop_timer_disarm(link->options.loop, &link->timer);
        break;
    }
    return false;
}

/* Feeds the core one event and carries out its actions. Sending and connecting may reach the core
 * again, by their result or by what the session calls meanwhile; the timer action of that step is
 * the later one, so this one's is left out. True when `event` is now the result to be fed next. */
static bool step_once(struct link *link, struct sync_event *event)
{
    struct sync_actions actions;
    enum sync_state before = link->sync.state;
    event->now = loop_now(link->options.loop);
    event->random = rng_u64(link->options.rng);
    sync_step(&link->sync, event, &actions);
    if (link->sync.state != before) {
        LOG(DEBUG, "sync.state", F_T("from", sync_state_name(before)),
            F_T("to", sync_state_name(link->sync.state)));
    }
    bool has_result = false;
    bool is_timer_stale = false;
    for (size_t i = 0; i < actions.count; i++) {
        enum sync_action_type type = actions.item[i].type;
        bool is_timer = type == SYNC_ARM || type == SYNC_DISARM;
        if (!(is_timer && is_timer_stale)) {
            has_result = carry_out(link, &actions.item[i], event) || has_result;
        }
        is_timer_stale = is_timer_stale || type == SYNC_SEND || type == SYNC_CONNECT;
    }
    return has_result;
}

static void step(struct link *link, struct sync_event event)
{
    while (step_once(link, &event)) {
    }
}

/* --- what the world says ---------------------------------------------------------------------- */

static void on_timer(void *ctx)
{
    step(ctx, (struct sync_event){.type = SYNC_TIMER});
}

static bool subscribe(struct link *link, struct err *err)
{
    struct str topics[SUBSCRIPTIONS] = {str_from(link->hub_topic)};
    int message_id = 0;
    for (size_t i = 0; i < COUNT_OF(subscribed); i++) {
        topics[i + 1] = str_from(link->topics[subscribed[i]]);
    }
    return mqtt_subscribe(link->session, topics, SUBSCRIPTIONS, &message_id, err);
}

static void on_online(void *ctx, bool tls_resumed)
{
    struct link *link = ctx;
    struct err err = {0};
    link->status.connects++;
    link->status.resumed += tls_resumed;
    link->status.last_error[0] = '\0';
    LOG(INFO, "link.online", F_S("host", link->options.host), F_I("resumed", tls_resumed));
    if (!subscribe(link, &err)) {
        LOG(WARN, "link.subscribe_failed", F_ERR(&err), F_T("action", "connecting again"));
        mqtt_disconnect(link->session, true);
    }
}

static void on_subscribed(void *ctx, int message_id, const struct err *why)
{
    (void)message_id;
    struct link *link = ctx;
    if (why != NULL) {
        note_error(link, why);
        LOG(ERROR, "link.subscribe_refused", F_ERR(why), F_T("action", "connecting again"));
        mqtt_disconnect(link->session, true);
        return;
    }
    step(link, (struct sync_event){.type = SYNC_LINK_UP});
    link->options.on_up(link->options.ctx);
}

static void on_offline(void *ctx, const struct err *why)
{
    struct link *link = ctx;
    if (why != NULL) {
        note_error(link, why);
        LOG(WARN, "link.offline", F_ERR(why), F_T("action", "keeping events here, trying again"));
    }
    step(link, (struct sync_event){.type = SYNC_LINK_DOWN});
    link->options.on_offline(link->options.ctx, why);
    if (link->on_stopped != NULL) {
        void (*on_stopped)(void *) = link->on_stopped;
        link->on_stopped = NULL;
        on_stopped(link->stopped_ctx);
    }
}

static void on_published(void *ctx, int message_id, const struct err *why)
{
    (void)message_id;
    struct link *link = ctx;
    if (why != NULL) {
        note_error(link, why);
        LOG(WARN, "link.publish_refused", F_ERR(why),
            F_T("action", "sending again after the time-out"));
    }
}

/* Whether the hub has merged something else under our numbers than what stands here. */
static bool is_put_back(struct link *link, const struct message_ack *ack)
{
    struct store *store = link->options.store;
    struct err err = {0};
    int64_t check = 0;
    bool found = false;
    if (ack->seq > store_last_seq(store)) {
        return true;
    }
    if (ack->check == 0 || ack->seq < store_acked_seq(store)) {
        return false;
    }
    if (!store_read_check(store, ack->seq, &check, &found, &err)) {
        LOG(ERROR, "sync.check_failed", F_I("seq", ack->seq), F_ERR(&err));
    }
    return found && check != ack->check;
}

/* Of a gap record the hub never says the check. */
static bool is_stale(struct link *link, const struct message_ack *ack)
{
    struct err err = {0};
    int64_t check = 0;
    bool found = false;
    return !sync_may_take(&link->sync, ack->seq, ack->check != 0) &&
           store_read_check(link->options.store, ack->seq, &check, &found, &err) && found;
}

static void begin_epoch(struct link *link, int64_t hub_seq)
{
    struct store *store = link->options.store;
    struct wall_time now = clock_wall(loop_clock(link->options.loop));
    struct err err = {0};
    /* What a record says of events by their number must be written before they get others. */
    if (!store_flush(store, now, &err) || !store_begin_epoch(store, link->options.rng, &err)) {
        LOG(ERROR, "sync.epoch_failed", F_ERR(&err), F_T("action", "trying again later"));
        return;
    }
    LOG(WARN, "sync.epoch_begun", F_I("hub_seq", hub_seq), F_I("last_seq", store_last_seq(store)),
        F_T("action", "the database was put back to an earlier state: telling all that waits under "
                      "new numbers"));
    step(link, (struct sync_event){.type = SYNC_EPOCH, .seq = store_last_seq(store)});
}

static void on_ack(struct link *link, struct str payload, struct arena *arena)
{
    struct err err = {0};
    struct message_ack ack;
    if (!message_ack_decode(payload, arena, &ack, &err)) {
        LOG(WARN, "sync.bad_acknowledgement", F_ERR(&err), F_T("action", "ignored"));
        return;
    }
    if (!str_eq(str_from(ack.epoch), store_epoch(link->options.store))) {
        LOG(WARN, "sync.foreign_acknowledgement", F_T("epoch", ack.epoch),
            F_T("action", "ignored"));
        return;
    }
    if (is_put_back(link, &ack)) {
        begin_epoch(link, ack.seq);
        return;
    }
    if (is_stale(link, &ack)) {
        LOG(DEBUG, "sync.stale_acknowledgement", F_I("seq", ack.seq),
            F_T("action", "waiting for the answer to our birth"));
        return;
    }
    link->status.resends += ack.resend_from > 0;
    step(link,
         (struct sync_event){.type = SYNC_ACKED, .seq = ack.seq, .resend = ack.resend_from > 0});
    if (ack.refused) {
        LOG(ERROR, "sync.batch_refused", F_I("after", ack.seq), F_S("reason", ack.reason),
            F_T("action", "keeping the events, trying again later"));
        step(link, (struct sync_event){.type = SYNC_REFUSED, .seq = ack.seq});
    }
}

static void on_hub_state(struct link *link, struct str payload, bool is_retained,
                         struct arena *arena)
{
    struct err err = {0};
    struct message_hub_state state;
    if (!message_hub_state_decode(payload, arena, &state, &err)) {
        LOG(WARN, "sync.bad_hub_state", F_ERR(&err), F_T("action", "ignored"));
        return;
    }
    uint8_t digest[32];
    digest_sha256(state.instance, digest);
    uint64_t instance = 0;
    memcpy(&instance, digest, sizeof(instance));
    link->status.hub_online = state.online;
    step(link, (struct sync_event){.type = state.online ? SYNC_HUB_ONLINE : SYNC_HUB_OFFLINE,
                                   .instance = instance,
                                   .spread_ns = state.spread_ms * NS_PER_MS,
                                   .is_news = !is_retained});
}

static void on_down(struct link *link, const struct mqtt_message *message)
{
    for (size_t i = 0; i < COUNT_OF(subscribed); i++) {
        if (str_eq(message->topic, str_from(link->topics[subscribed[i]]))) {
            link->options.on_down(link->options.ctx, subscribed[i], message->payload);
        }
    }
}

static void on_message(void *ctx, const struct mqtt_message *message)
{
    struct link *link = ctx;
    AUTO(arena) arena = arena_new(MESSAGE_ARENA_BYTES);
    if (str_eq(message->topic, str_from(link->topics[CHANNEL_ACK]))) {
        on_ack(link, message->payload, &arena);
    } else if (str_eq(message->topic, str_from(link->hub_topic))) {
        on_hub_state(link, message->payload, message->retained, &arena);
    } else {
        on_down(link, message);
    }
}

/* --- life ------------------------------------------------------------------------------------- */

static bool make_topics(struct link *link, struct err *err)
{
    const struct device_identity *identity = link->options.identity;
    bool overflow = false;
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        struct buf topic = buf_fixed(link->topics[c], TOPIC_BYTES_MAX);
        topic_device(&topic, identity->fleet, identity->device, (enum channel)c);
        overflow = buf_cstr(&topic) == NULL || overflow;
    }
    struct buf hub = buf_fixed(link->hub_topic, TOPIC_BYTES_MAX);
    topic_hub_state(&hub, identity->fleet);
    overflow = buf_cstr(&hub) == NULL || overflow;
    return !overflow ||
           err_set(err, ERR_INVALID, "fleet and device names make a topic that is too long");
}

/* Whoever connects with the id of another ends its session, so ours cannot be guessed. The same for
 * the life of the process: a new connection replaces what is left of the old one. */
static void make_client_id(struct link *link)
{
    char random[SESSION_TEXT_SIZE];
    rng_hex(link->options.rng, (SESSION_TEXT_SIZE - 1) / 2, random);
    (void)snprintf(link->client_id, sizeof(link->client_id), STR_FMT ".%s",
                   STR_ARG(str_slice(link->options.identity->device, 0, 63)), random);
}

static bool open_session(struct link *link, struct err *err)
{
    const struct device_identity *identity = link->options.identity;
    link->ignores_dates = !wall_is_set(wall_now(link));
    link->is_identity_new = false;
    make_client_id(link);
    struct mqtt_options options = {.host = link->options.host,
                                   .port = link->options.port,
                                   .server_name = identity->host,
                                   .client_id = str_from(link->client_id),
                                   .ca_pem = identity->ca_pem,
                                   .cert_pem = identity->cert_pem,
                                   .key_pem = identity->key_pem,
                                   .ignore_dates = link->ignores_dates,
                                   .keepalive_s = link->options.keepalive_s,
                                   .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                   .inflight_max = INFLIGHT_MAX,
                                   .payload_bytes_max = LIMIT_MESSAGE_BYTES,
                                   .will_topic = str_from(link->topics[CHANNEL_DEATH]),
                                   .will_payload = STR("{}"),
                                   .socket_dir = str_from(link->options.state_dir)};
    struct mqtt_handlers handlers = {.on_online = on_online,
                                     .on_offline = on_offline,
                                     .on_message = on_message,
                                     .on_published = on_published,
                                     .on_subscribed = on_subscribed,
                                     .ctx = link};
    return mqtt_open(&link->session, link->options.loop, link->options.rng, &options, &handlers,
                     err);
}

bool link_open(struct link **ret, const struct link_options *options, struct err *err)
{
    struct link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        return err_set(err, ERR_NO_MEMORY, "open the link: out of memory");
    }
    link->options = *options;
    link_use_definitions(link, options->definitions_hash);
    link->lines = buf_growing(LINES_BYTES_MAX);
    link->payload = buf_growing(LIMIT_MESSAGE_BYTES);
    link->timer = (struct loop_timer){.on_due = on_timer, .ctx = link};
    sync_init(&link->sync, &options->sync, store_last_seq(options->store),
              store_acked_seq(options->store));
    if (!make_topics(link, err) || !open_session(link, err)) {
        link_close(link);
        return false;
    }
    *ret = link;
    return true;
}

void link_close(struct link *link)
{
    if (link == NULL) {
        return;
    }
    loop_timer_disarm(link->options.loop, &link->timer);
    mqtt_close(link->session);
    buf_release(&link->lines);
    buf_release(&link->payload);
    free(link);
}

void link_start(struct link *link)
{
    step(link, (struct sync_event){.type = SYNC_START});
}

void link_stop(struct link *link, void (*on_stopped)(void *ctx), void *ctx)
{
    bool has_connection = link->sync.state != SYNC_STOPPED && link->sync.state != SYNC_WAITING;
    if (has_connection) {
        link->on_stopped = on_stopped;
        link->stopped_ctx = ctx;
    }
    step(link, (struct sync_event){.type = SYNC_STOP});
    if (!has_connection) {
        on_stopped(ctx);
    }
}

void link_use_definitions(struct link *link, struct str hash)
{
    (void)snprintf(link->definitions_hash, sizeof(link->definitions_hash), STR_FMT, STR_ARG(hash));
}

void link_use_desired(struct link *link, int64_t revision)
{
    link->desired_revision = revision;
}

void link_use_pace(struct link *link, int64_t linger_ns, int64_t backoff_max_ns)
{
    sync_set_pace(&link->sync, linger_ns, backoff_max_ns);
}

bool link_is_online(const struct link *link)
{
    return link->session != NULL && mqtt_is_online(link->session);
}

void link_use_identity(struct link *link)
{
    link->is_identity_new = true;
}

void link_use_authorities(struct link *link, struct str authorities, struct str issuer)
{
    struct buf list = buf_fixed(link->authorities, sizeof(link->authorities));
    struct buf one = buf_fixed(link->authority, sizeof(link->authority));
    buf_add(&list, authorities);
    buf_add(&one, issuer);
    (void)buf_cstr(&list);
    (void)buf_cstr(&one);
}

void link_recorded(struct link *link, int64_t seq)
{
    step(link, (struct sync_event){.type = SYNC_RECORDED, .seq = seq});
}

bool link_publish(struct link *link, enum channel channel, struct str payload, struct err *err)
{
    int message_id = 0;
    if (!mqtt_is_online(link->session)) {
        return err_set(err, ERR_OFFLINE, "not connected to the hub");
    }
    return mqtt_publish(link->session, str_from(link->topics[channel]), payload, 0, 0, &message_id,
                        err);
}

void link_get_status(const struct link *link, struct link_status *ret)
{
    *ret = link->status;
    ret->state = sync_state_name(link->sync.state);
    ret->acked_seq = link->sync.acked_seq;
    ret->inflight = link->sync.inflight_count;
}
