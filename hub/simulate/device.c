#include "hub/simulate/device.h"

#include "common/base/limits.h"
#include "common/tls/identity.h"
#include "common/wire/topics.h"
#include <stdio.h>
#include <string.h>

enum {
    MESSAGE_ARENA_BYTES = 64 << 10,
    LINES_BYTES_MAX = 2 * (LIMIT_BATCH_BYTES + LIMIT_EVENT_BYTES),
    DEATH_BYTES_MAX = 256,
};

/* As an agent subscribes, beside the hub's state. */
static const enum channel subscribed[] = {CHANNEL_ACK,    CHANNEL_DESIRED,     CHANNEL_CMD,
                                          CHANNEL_BUNDLE, CHANNEL_CERTIFICATE, CHANNEL_LEASE};
enum { SUBSCRIPTIONS = COUNT_OF(subscribed) + 1 };

static void step(struct device *d, struct sync_event event);

static uint64_t random_of(struct device *d)
{
    d->chance = script_mix(d->chance);
    return d->chance;
}

static struct str topic_of(const struct device *d, enum channel channel, char text[TOPIC_BYTES_MAX])
{
    struct buf topic = buf_fixed(text, TOPIC_BYTES_MAX);
    topic_device(&topic, d->host->fleet, str_from(d->name), channel);
    return buf_str(&topic);
}

/* --- turns -------------------------------------------------------------------------------- */

void device_host_init(struct device_host *host, struct loop *loop, struct str fleet,
                      int connects_max)
{
    *host = (struct device_host){.loop = loop, .fleet = fleet, .turns_max = connects_max};
    host->waiting_end = &host->waiting;
    script_definitions_hash(host->definitions_hash);
}

static void connect_now(struct device *d)
{
    char texts[SUBSCRIPTIONS][TOPIC_BYTES_MAX];
    char death_topic[TOPIC_BYTES_MAX];
    char death_text[DEATH_BYTES_MAX];
    struct str filters[SUBSCRIPTIONS];
    struct buf state = buf_fixed(texts[SUBSCRIPTIONS - 1], TOPIC_BYTES_MAX);
    struct buf death = buf_fixed(death_text, sizeof(death_text));
    topic_hub_state(&state, d->host->fleet);
    filters[SUBSCRIPTIONS - 1] = buf_str(&state);
    for (size_t i = 0; i < COUNT_OF(subscribed); i++) {
        filters[i] = topic_of(d, subscribed[i], texts[i]);
    }
    (void)snprintf(d->session, sizeof(d->session), "%016llx", (unsigned long long)random_of(d));
    message_death_encode(
        &(struct message_death){.session = str_from(d->session), .reason = STR("connection lost")},
        &death);
    client_connect(&d->client, &(struct str_list){filters, SUBSCRIPTIONS},
                   topic_of(d, CHANNEL_DEATH, death_topic), buf_str(&death));
}

static void give_turns(struct device_host *host)
{
    while (host->turns < host->turns_max && host->waiting != NULL) {
        struct device *d = host->waiting;
        host->waiting = d->next;
        if (host->waiting == NULL) {
            host->waiting_end = &host->waiting;
        }
        d->is_waiting = false;
        d->has_turn = true;
        host->turns++;
        connect_now(d);
    }
}

static void ask_for_turn(struct device *d)
{
    d->next = NULL;
    d->is_waiting = true;
    *d->host->waiting_end = d;
    d->host->waiting_end = &d->next;
    give_turns(d->host);
}

static void end_turn(struct device *d)
{
    if (d->has_turn) {
        d->has_turn = false;
        d->host->turns--;
        give_turns(d->host);
    }
}

/* Leaves the queue; false when it was not in it. */
static bool forget_turn(struct device *d)
{
    if (!d->is_waiting) {
        return false;
    }
    struct device **at = &d->host->waiting;
    while (*at != d) {
        at = &(*at)->next;
    }
    *at = d->next;
    if (*at == NULL) {
        d->host->waiting_end = at;
    }
    d->is_waiting = false;
    return true;
}

/* --- what the core decided ---------------------------------------------------------------- */

static void say_birth(struct device *d)
{
    const struct clock *clock = loop_clock(d->host->loop);
    char text[TOPIC_BYTES_MAX];
    AUTO(buf) payload = buf_growing(4096);
    struct message_birth birth = {.first_seq = d->sync.acked_seq + 1,
                                  .last_seq = d->sync.last_seq,
                                  .at = {clock_wall(clock).ns + d->script.lie_ns},
                                  .clock_trusted = d->script.lie_ns == 0,
                                  .version = STR(SELVEDGE_VERSION),
                                  .board = STR("simulated"),
                                  .session = str_from(d->session),
                                  .definitions_hash = str_from(d->host->definitions_hash)};
    memcpy(birth.epoch, d->epoch, sizeof(birth.epoch));
    message_birth_encode(&birth, &payload);
    (void)client_publish(&d->client, topic_of(d, CHANNEL_BIRTH, text), buf_str(&payload));
}

/* One batch; the last seq that it reached, or 0 when it could not be handed over. */
static int64_t send_batch(struct device *d, int64_t from)
{
    struct err err = {0};
    char text[TOPIC_BYTES_MAX];
    AUTO(buf) lines = buf_growing(LINES_BYTES_MAX);
    AUTO(buf) payload = buf_growing(LIMIT_MESSAGE_BYTES);
    int64_t to = from + LIMIT_BATCH_EVENTS - 1;
    struct batch_header header = {.first = from};
    memcpy(header.epoch, d->epoch, sizeof(header.epoch));
    header.last = script_lines(&d->script, from, to < d->sync.last_seq ? to : d->sync.last_seq,
                               LIMIT_BATCH_BYTES, &lines);
    if (!batch_encode(&header, buf_str(&lines), &payload, &err) ||
        !client_publish(&d->client, topic_of(d, CHANNEL_EVENTS, text), buf_str(&payload))) {
        return 0;
    }
    d->host->batches++;
    d->host->bytes += (int64_t)payload.len;
    return header.last;
}

/* The runs whose last event is acknowledged now, and was not before. */
static void measure(struct device *d, int64_t before, int64_t seq)
{
    struct device_host *host = d->host;
    if (!host->is_measuring || seq <= SCRIPT_PROLOGUE) {
        return;
    }
    struct wall_time now = clock_wall(loop_clock(host->loop));
    int64_t run = before < SCRIPT_PROLOGUE ? 0 : (before - SCRIPT_PROLOGUE) / SCRIPT_RUN;
    run = run < d->measured_from ? d->measured_from : run;
    for (; script_last_seq(run + 1) <= seq; run++) {
        histogram_add(&host->acked, now.ns - script_time(&d->script, run).ns, SCRIPT_RUN);
    }
}

static void say_goodbye(struct device *d)
{
    char text[TOPIC_BYTES_MAX];
    AUTO(buf) payload = buf_growing(DEATH_BYTES_MAX);
    message_death_encode(
        &(struct message_death){.session = str_from(d->session), .reason = STR("stopped")},
        &payload);
    (void)client_publish(&d->client, topic_of(d, CHANNEL_DEATH, text), buf_str(&payload));
}

/* Whether the action had a result at once, which the core has to be told. */
static bool carry_out(struct device *d, const struct sync_action *action, int64_t acked_before,
                      struct sync_event *ret_result)
{
    switch (action->type) {
    case SYNC_CONNECT:
        if (d->is_partitioned) {
            *ret_result = (struct sync_event){.type = SYNC_LINK_DOWN};
            return true;
        }
        ask_for_turn(d);
        break;
    case SYNC_DISCONNECT:
        if (!forget_turn(d)) {
            say_goodbye(d);
            client_stop(&d->client);
        }
        break;
    case SYNC_SAY_BIRTH:
        say_birth(d);
        break;
    case SYNC_SEND:
        *ret_result = (struct sync_event){.type = SYNC_SENT, .seq = send_batch(d, action->seq)};
        return true;
    case SYNC_FORGET:
        measure(d, acked_before, action->seq);
        break;
    case SYNC_ARM:
        loop_timer_arm(d->host->loop, &d->timer, action->at);
        break;
    case SYNC_DISARM:
        loop_timer_disarm(d->host->loop, &d->timer);
        break;
    }
    return false;
}

/* As agent/daemon/link.c has it. */
static bool step_once(struct device *d, struct sync_event *event)
{
    struct sync_actions actions;
    int64_t acked_before = d->sync.acked_seq;
    enum sync_state before = d->sync.state;
    event->now = loop_now(d->host->loop);
    event->random = random_of(d);
    sync_step(&d->sync, event, &actions);
    if (d->sync.state == SYNC_SENDING && before != SYNC_SENDING && d->wanted.ns != 0) {
        histogram_add(&d->host->connected, event->now.ns - d->wanted.ns, 1);
        d->wanted = (struct mono_time){0};
    }
    bool has_result = false;
    for (size_t i = 0; i < actions.count; i++) {
        has_result = carry_out(d, &actions.item[i], acked_before, event) || has_result;
    }
    return has_result;
}

static void step(struct device *d, struct sync_event event)
{
    while (step_once(d, &event)) {
    }
}

/* --- what the world says ------------------------------------------------------------------ */

static void on_timer(void *ctx)
{
    step(ctx, (struct sync_event){.type = SYNC_TIMER});
}

static void on_up(void *ctx, bool tls_resumed)
{
    struct device *d = ctx;
    d->host->sessions_resumed += tls_resumed;
    d->host->sessions_full += !tls_resumed;
    end_turn(d);
    step(d, (struct sync_event){.type = SYNC_LINK_UP});
}

static void on_down(void *ctx, const struct err *why)
{
    struct device *d = ctx;
    end_turn(d);
    if (d->sync.state != SYNC_STOPPED) {
        if (d->wanted.ns == 0) {
            d->wanted = loop_now(d->host->loop);
        }
        d->host->drops++;
        d->host->last = *why;
    }
    step(d, (struct sync_event){.type = SYNC_LINK_DOWN});
}

static void on_ack(struct device *d, struct str payload, struct arena *arena)
{
    struct err err = {0};
    struct message_ack ack;
    if (!message_ack_decode(payload, arena, &ack, &err) ||
        !str_eq(str_from(ack.epoch), str_from(d->epoch))) {
        d->host->last = err;
        return;
    }
    step(d, (struct sync_event){.type = SYNC_ACKED, .seq = ack.seq, .resend = ack.resend_from > 0});
    if (ack.refused) {
        (void)err_set(&d->host->last, ERR_INVALID, "the hub refuses a batch: " STR_FMT,
                      STR_ARG(ack.reason));
        step(d, (struct sync_event){.type = SYNC_REFUSED, .seq = ack.seq});
    }
}

static void on_hub_state(struct device *d, const struct mqtt_publish *message, struct arena *arena)
{
    struct err err = {0};
    struct message_hub_state state;
    uint8_t digest[32];
    uint64_t instance = 0;
    if (!message_hub_state_decode(message->payload, arena, &state, &err)) {
        d->host->last = err;
        return;
    }
    digest_sha256(state.instance, digest);
    memcpy(&instance, digest, sizeof(instance));
    step(d, (struct sync_event){.type = state.online ? SYNC_HUB_ONLINE : SYNC_HUB_OFFLINE,
                                .instance = instance,
                                .spread_ns = state.spread_ms * NS_PER_MS,
                                .is_news = !message->is_retained});
}

static void on_message(void *ctx, const struct mqtt_publish *message)
{
    struct device *d = ctx;
    AUTO(arena) arena = arena_new(MESSAGE_ARENA_BYTES);
    struct str device = STR_NONE;
    enum channel channel = CHANNEL_COUNT;
    if (!topic_parse_device(message->topic, d->host->fleet, &device, &channel)) {
        on_hub_state(d, message, &arena);
    } else if (channel == CHANNEL_ACK) {
        on_ack(d, message->payload, &arena);
    }
}

/* --- life --------------------------------------------------------------------------------- */

bool device_open(struct device *d, struct device_host *host, uint64_t seed, struct str name,
                 const struct tls_client_options *tls, struct err *err)
{
    const struct sync_options options = sync_defaults();
    char id[96];
    d->host = host;
    d->chance = seed;
    d->script.seed = seed;
    d->script.born = clock_wall(loop_clock(host->loop));
    d->timer = (struct loop_timer){.on_due = on_timer, .ctx = d};
    d->client.handlers = (struct client_handlers){
        .on_up = on_up, .on_down = on_down, .on_message = on_message, .ctx = d};
    d->client.addresses = &host->addresses;
    (void)snprintf(d->name, sizeof(d->name), STR_FMT, STR_ARG(name));
    (void)snprintf(d->epoch, sizeof(d->epoch), "%016llx", (unsigned long long)random_of(d));
    (void)snprintf(id, sizeof(id), "%s.%016llx", d->name, (unsigned long long)random_of(d));
    sync_init(&d->sync, &options, script_last_seq(0), 0);
    return client_open(&d->client, host->loop, tls, str_from(id), err);
}

void device_start(struct device *d)
{
    d->wanted = loop_now(d->host->loop);
    step(d, (struct sync_event){.type = SYNC_START});
}

void device_record(struct device *d, int64_t runs)
{
    d->runs += runs;
    step(d, (struct sync_event){.type = SYNC_RECORDED, .seq = script_last_seq(d->runs)});
}

void device_cut(struct device *d)
{
    if (d->client.state != CLIENT_OFFLINE) {
        client_cut(&d->client);
    }
}

void device_partition(struct device *d, bool is_partitioned)
{
    d->is_partitioned = is_partitioned;
    if (is_partitioned && forget_turn(d)) {
        step(d, (struct sync_event){.type = SYNC_LINK_DOWN});
    } else if (is_partitioned) {
        device_cut(d);
    }
}

void device_stop(struct device *d)
{
    step(d, (struct sync_event){.type = SYNC_STOP});
}

void device_close(struct device *d)
{
    if (d->host != NULL) {
        loop_timer_disarm(d->host->loop, &d->timer);
        loop_timer_disarm(d->host->loop, &d->tick);
        client_close(&d->client);
    }
}

bool device_is_greeted(const struct device *d)
{
    return d->sync.state == SYNC_SENDING;
}

bool device_is_idle(const struct device *d)
{
    return d->sync.state == SYNC_SENDING && d->sync.acked_seq == d->sync.last_seq;
}
