/* town_broker.c - common/mqtt as the simulation has it: sessions that connect to a broker in this
 * process, which forgets, delays, loses, says twice, tells wills, and lets in nobody whose certificate
 * stands in the list that the hub wrote. A device can write and read its own topics only, as with
 * mosquitto's access list: what asks for more fails the town. */
#include "common/mqtt/mqtt.h"

#include "tests/sim/town_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum session_state { OFFLINE, CONNECTING, ONLINE, CLOSING };
struct mqtt_session {
    int owner, slot;
    uint64_t life; /* of the present connection */
    enum session_state state;
    struct mqtt_handlers handlers;
    int inflight, inflight_max, next_number;
    struct buf will;
    char will_topic[TOPIC_BYTES_MAX];
    bool will_is_retained;
    bool reads[CHANNEL_COUNT];
    bool reads_hub_state;
    char serial[48];
};
struct town *town_here;

static const struct str fleet = TOWN_FLEET;

int town_device_of(const struct town *t, struct str name)
{
    int64_t d = 0;
    bool ok = name.len > 1 && name.ptr[0] == 'd' &&
              str_to_i64(str_slice(name, 1, name.len), 0, t->device_count - 1, &d) &&
              str_eq(name, str_from(t->devices[d].name));
    return ok ? (int)d : -1;
}

/* --- messages on their way -------------------------------------------------------------------- */

static void put(struct town_item *item, struct str payload)
{
    item->payload = malloc(payload.len + 1);
    if (item->payload == NULL) {
        abort();
    }
    memcpy(item->payload, payload.ptr, payload.len);
    item->len = payload.len;
}

struct letter {
    int about; /* a device; -1 = the hub's state */
    enum channel channel;
    struct str payload;
    bool is_retained;
    int64_t expires;
};

static void send_to(struct town *t, const struct mqtt_session *s, const struct letter *l,
                    int64_t delay_max)
{
    struct town_item *item =
        town_plan(t, town_between(t, NS_PER_MS, delay_max), TOWN_MESSAGE, s->owner);
    item->slot = s->slot;
    item->life = s->life;
    item->about = l->about;
    item->channel = l->channel;
    item->is_retained = l->is_retained;
    item->expires = l->expires;
    put(item, l->payload);
}

static bool reads(const struct mqtt_session *s, const struct letter *l)
{
    if (s == NULL || s->state != ONLINE) {
        return false;
    }
    if (l->about < 0) {
        return s->reads_hub_state;
    }
    bool is_mine = s->owner == TOWN_HUB || s->owner == l->about;
    return is_mine && s->reads[l->channel];
}

static struct mqtt_session **sessions_of(struct town *t, int owner)
{
    return owner == TOWN_HUB ? t->hub_sessions : t->devices[owner].sessions;
}

static void deliver_to(struct town *t, int owner, const struct letter *l)
{
    for (int i = 0; i < TOWN_SESSIONS_MAX; i++) {
        const struct mqtt_session *s = sessions_of(t, owner)[i];
        if (!reads(s, l)) {
            continue;
        }
        bool is_bad_day = town_mutant == TOWN_NO_RESEND && l->channel == CHANNEL_DESIRED;
        t->result->messages++;
        if (town_chance(t, is_bad_day ? 60 : 4)) {
            t->result->lost++;
            continue;
        }
        send_to(t, s, l, 80 * NS_PER_MS);
        if (town_chance(t, 5)) {
            send_to(t, s, l, 5 * NS_PER_SEC);
        }
    }
}

/* From the broker to whoever reads it: perhaps not at all, perhaps twice. */
static void deliver(struct town *t, const struct letter *l)
{
    if (l->about >= 0) {
        deliver_to(t, channel_is_upward(l->channel) ? TOWN_HUB : l->about, l);
        return;
    }
    for (int d = 0; d < t->device_count; d++) {
        deliver_to(t, d, l);
    }
}

static void keep(struct town *t, const struct letter *l)
{
    struct buf *kept = l->about < 0 ? &t->hub_state : &t->devices[l->about].retained;
    buf_reset(kept);
    buf_add(kept, l->payload);
}

static bool parse(const struct town *t, struct str topic, struct letter *ret)
{
    char text[TOPIC_BYTES_MAX];
    struct buf hub = buf_fixed(text, sizeof(text));
    struct str name;
    topic_hub_state(&hub, fleet);
    if (str_eq(topic, buf_str(&hub))) {
        ret->about = -1;
        return true;
    }
    bool ok = topic_parse_device(topic, fleet, &name, &ret->channel);
    ret->about = ok ? town_device_of(t, name) : -1;
    return ok && ret->about >= 0;
}

/* What the hostile broker remembers of what passes. */
static void overhear(struct town *t, const struct letter *l)
{
    if (l->about >= 0 && l->channel == CHANNEL_EVENTS) {
        buf_reset(&t->devices[l->about].last_batch);
        buf_add(&t->devices[l->about].last_batch, l->payload);
    }
    if (l->about < 0 || (l->channel != CHANNEL_CMD && l->channel != CHANNEL_DESIRED)) {
        return;
    }
    size_t place = t->heard_count++ % TOWN_HEARD_MAX;
    struct town_heard *h = &t->heard[place];
    if (h->payload.cap == 0) {
        h->payload = buf_growing(1 << 20);
    }
    buf_reset(&h->payload);
    buf_add(&h->payload, l->payload);
    h->device = l->about;
    h->channel = l->channel;
}

static void take(struct town *t, const struct letter *l)
{
    overhear(t, l);
    if (l->is_retained) {
        keep(t, l);
    }
    struct letter now = *l;
    now.is_retained = false;
    deliver(t, &now);
}

void broker_inject(struct town *t, int device, enum channel channel, struct str payload)
{
    const struct letter l = {.about = device, .channel = channel, .payload = payload};
    deliver(t, &l);
}

static void say_will(struct town *t, const struct mqtt_session *s)
{
    struct letter l = {.payload = buf_str(&s->will), .is_retained = s->will_is_retained};
    if (t->broker_is_up && s->will.len > 0 && parse(t, str_from(s->will_topic), &l)) {
        take(t, &l);
    }
}

/* --- the face of common/mqtt ------------------------------------------------------------------ */

static void learn_serial(struct mqtt_session *s, struct str cert)
{
    struct identity_info info;
    struct err err = {0};
    if (!str_is_empty(cert) && identity_read_cert(cert, &info, &err)) {
        (void)snprintf(s->serial, sizeof(s->serial), "%s", info.serial);
    }
}

bool mqtt_open(struct mqtt_session **ret, struct loop *loop, const struct rng *rng,
               const struct mqtt_options *options, const struct mqtt_handlers *handlers,
               struct err *err)
{
    struct town *t = town_here;
    struct mqtt_session *s = calloc(1, sizeof(*s));
    (void)loop;
    (void)rng;
    (void)err;
    int slot = 0;
    while (slot < TOWN_SESSIONS_MAX && sessions_of(t, t->current)[slot] != NULL) {
        slot++;
    }
    if (s == NULL || slot == TOWN_SESSIONS_MAX) {
        abort();
    }
    *s = (struct mqtt_session){.owner = t->current,
                               .slot = slot,
                               .handlers = *handlers,
                               .inflight_max = options->inflight_max,
                               .will = buf_growing(LIMIT_MESSAGE_BYTES),
                               .will_is_retained = options->will_retain};
    (void)snprintf(s->will_topic, sizeof(s->will_topic), STR_FMT, STR_ARG(options->will_topic));
    buf_add(&s->will, options->will_payload);
    learn_serial(s, options->cert_pem);
    sessions_of(t, t->current)[slot] = s;
    *ret = s;
    return true;
}

void mqtt_close(struct mqtt_session *s)
{
    struct town *t = town_here;
    if (s == NULL) {
        return;
    }
    if (s->state == ONLINE) {
        s->state = OFFLINE;
        say_will(t, s);
    }
    sessions_of(t, s->owner)[s->slot] = NULL;
    buf_release(&s->will);
    free(s);
}

static struct town_item *plan(struct town *t, const struct mqtt_session *s, int64_t delay,
                              enum town_kind kind)
{
    struct town_item *item = town_plan(t, delay, kind, s->owner);
    item->slot = s->slot;
    item->life = s->life;
    return item;
}

bool mqtt_connect(struct mqtt_session *s, struct err *err)
{
    struct town *t = town_here;
    (void)err;
    s->state = CONNECTING;
    s->life = ++t->lives;
    s->inflight = s->next_number = 0;
    memset(s->reads, 0, sizeof(s->reads));
    s->reads_hub_state = false;
    plan(t, s, town_between(t, 5 * NS_PER_MS, 800 * NS_PER_MS), TOWN_LINKED);
    return true;
}

void mqtt_disconnect(struct mqtt_session *s, bool with_will)
{
    struct town *t = town_here;
    if (s->state == OFFLINE || s->state == CLOSING) {
        return;
    }
    if (with_will && s->state == ONLINE) {
        say_will(t, s);
    }
    s->state = CLOSING;
    plan(t, s, NS_PER_MS, TOWN_GONE);
}

bool mqtt_is_online(const struct mqtt_session *s)
{
    return s != NULL && s->state == ONLINE;
}

bool mqtt_set_will(struct mqtt_session *s, struct str payload, struct err *err)
{
    buf_reset(&s->will);
    buf_add(&s->will, payload);
    return !s->will.overflow || err_set(err, ERR_NO_MEMORY, "will");
}

/* As the access list has it: a device its own upward topics, the hub all others. */
static bool may_write(const struct mqtt_session *s, const struct letter *l)
{
    if (s->owner == TOWN_HUB) {
        return l->about < 0 || !channel_is_upward(l->channel);
    }
    return l->about == s->owner && channel_is_upward(l->channel);
}

static void look_at(struct town *t, const struct mqtt_session *s, const struct letter *l)
{
    if (!may_write(s, l)) {
        town_fail(t, "%s writes the channel %d of %s",
                  s->owner == TOWN_HUB ? "the hub" : t->devices[s->owner].name, (int)l->channel,
                  l->about < 0 ? "the hub" : t->devices[l->about].name);
        return;
    }
    check_secrets(t, l->payload, "a message");
    if (s->owner == TOWN_HUB && l->about >= 0 && l->channel == CHANNEL_ACK) {
        check_ack(t, l->about, l->payload);
    } else if (s->owner == TOWN_HUB && l->about >= 0 && l->channel == CHANNEL_DESIRED) {
        check_desired(t, l->about, l->payload);
    }
}

/* As if the hub had merged it. */
static void confirm(struct town *t, const struct letter *l)
{
    AUTO(buf) lines = buf_growing(4 << 20);
    AUTO(buf) payload = buf_growing(4096);
    struct batch_header header;
    struct message_ack ack = {0};
    struct err err = {0};
    if (batch_decode(l->payload, &header, &lines, &err)) {
        memcpy(ack.epoch, header.epoch, sizeof(ack.epoch));
        ack.seq = header.last;
        message_ack_encode(&ack, &payload);
        broker_inject(t, l->about, CHANNEL_ACK, buf_str(&payload));
    }
}

bool mqtt_publish(struct mqtt_session *s, struct str topic, struct str payload, unsigned flags,
                  uint32_t expiry_s, int *ret_message_id, struct err *err)
{
    struct town *t = town_here;
    struct letter l = {.payload = payload,
                       .is_retained = (flags & MQTT_RETAIN) != 0,
                       .expires = expiry_s == 0 ? 0 : t->now + (int64_t)expiry_s * NS_PER_SEC};
    if (s->state != ONLINE) {
        return err_set(err, town_mutant == TOWN_NO_OFFLINE ? ERR_IO : ERR_OFFLINE,
                       "MQTT: not connected");
    }
    if (s->inflight >= s->inflight_max) {
        return err_set(err, ERR_FULL, "MQTT: too much is in flight");
    }
    s->inflight++;
    *ret_message_id = ++s->next_number;
    plan(t, s, town_between(t, NS_PER_MS, 40 * NS_PER_MS), TOWN_TAKEN)->number = *ret_message_id;
    if (parse(t, topic, &l)) {
        look_at(t, s, &l);
        take(t, &l);
        if (town_mutant == TOWN_ACK_BEFORE_COMMIT && l.channel == CHANNEL_EVENTS) {
            confirm(t, &l);
        }
    }
    return true;
}

/* A hub's filter has a + for the device. */
static void read_as_hub(struct mqtt_session *s, struct str filter)
{
    char text[TOPIC_BYTES_MAX];
    for (int c = 0; c < CHANNEL_COUNT; c++) {
        struct buf one = buf_fixed(text, sizeof(text));
        topic_device(&one, fleet, STR("+"), (enum channel)c);
        s->reads[c] = s->reads[c] || str_eq(filter, buf_str(&one));
    }
}

static void read_as_device(struct town *t, struct mqtt_session *s, struct str filter)
{
    struct letter l = {.about = -1, .is_retained = true};
    if (!parse(t, filter, &l)) {
        return;
    }
    if (l.about >= 0 && (l.about != s->owner || channel_is_upward(l.channel))) {
        town_fail(t, "%s reads what is not its own", t->devices[s->owner].name);
    }
    s->reads_hub_state = s->reads_hub_state || l.about < 0;
    s->reads[l.channel] = s->reads[l.channel] || l.about >= 0;
    bool is_kept = l.about < 0 || l.channel == CHANNEL_DESIRED;
    l.payload = buf_str(l.about < 0 ? &t->hub_state : &t->devices[l.about].retained);
    if (is_kept && l.payload.len > 0) {
        send_to(t, s, &l, 50 * NS_PER_MS);
    }
}

bool mqtt_subscribe(struct mqtt_session *s, const struct str *filters, size_t count,
                    int *ret_message_id, struct err *err)
{
    struct town *t = town_here;
    if (s->state != ONLINE) {
        return err_set(err, ERR_OFFLINE, "MQTT: not connected");
    }
    *ret_message_id = ++s->next_number;
    plan(t, s, town_between(t, NS_PER_MS, 20 * NS_PER_MS), TOWN_SUBSCRIBED)->number =
        *ret_message_id;
    for (size_t i = 0; i < count; i++) {
        if (s->owner == TOWN_HUB) {
            read_as_hub(s, filters[i]);
        } else {
            read_as_device(t, s, filters[i]);
        }
    }
    return true;
}

int mqtt_inflight(const struct mqtt_session *s)
{
    return s->inflight;
}

struct str mqtt_learned_ca(const struct mqtt_session *s)
{
    (void)s;
    return STR_NONE;
}

const char *mqtt_state_name(const struct mqtt_session *s)
{
    static const char *const names[] = {"offline", "connecting", "online", "closing"};
    return names[s->state];
}

/* --- what happens to sessions ----------------------------------------------------------------- */

static void lose(struct town *t, struct mqtt_session *s, const char *why)
{
    struct err err = {0};
    int owner = s->owner;
    (void)err_set(&err, ERR_OFFLINE, "%s", why);
    s->state = OFFLINE;
    town_enter(t, owner);
    s->handlers.on_offline(s->handlers.ctx, &err);
    town_settle(t, owner);
}

static bool is_barred(const struct town *t, const struct mqtt_session *s)
{
    uint32_t value = 0;
    return strmap_get(&t->revoked, str_from(s->serial), &value);
}

static void on_linked(struct town *t, struct mqtt_session *s)
{
    if (s->state != CONNECTING) {
        return;
    }
    if (s->owner != TOWN_HUB && is_barred(t, s)) {
        if (!t->devices[s->owner].is_revoked) {
            town_fail(t, "%s is cut off and was not revoked", t->devices[s->owner].name);
        }
        lose(t, s, "TLS: the certificate is revoked");
    } else if (!t->broker_is_up || town_chance(t, 8)) {
        lose(t, s, "TCP: connection refused");
    } else {
        int owner = s->owner;
        s->state = ONLINE;
        town_enter(t, owner);
        s->handlers.on_online(s->handlers.ctx, false);
        town_settle(t, owner);
    }
}

static void on_message(struct town *t, const struct mqtt_session *s, const struct town_item *item)
{
    char text[TOPIC_BYTES_MAX];
    struct buf topic = buf_fixed(text, sizeof(text));
    if (item->expires != 0 && t->now > item->expires) {
        return;
    }
    if (item->about < 0) {
        topic_hub_state(&topic, fleet);
    } else {
        topic_device(&topic, fleet, str_from(t->devices[item->about].name), item->channel);
    }
    const struct mqtt_message message = {.topic = buf_str(&topic),
                                         .payload = {item->payload, item->len},
                                         .retained = item->is_retained};
    s->handlers.on_message(s->handlers.ctx, &message);
}

static void call_back(struct town *t, struct mqtt_session *s, const struct town_item *item)
{
    town_enter(t, item->owner);
    if (item->kind == TOWN_GONE) {
        s->state = OFFLINE;
        s->handlers.on_offline(s->handlers.ctx, NULL);
    } else if (item->kind == TOWN_TAKEN) {
        s->inflight--;
        s->handlers.on_published(s->handlers.ctx, item->number, NULL);
    } else if (item->kind == TOWN_SUBSCRIBED) {
        s->handlers.on_subscribed(s->handlers.ctx, item->number, NULL);
    } else {
        on_message(t, s, item);
    }
    town_settle(t, item->owner);
}

void broker_handle(struct town *t, const struct town_item *item)
{
    struct mqtt_session *s = sessions_of(t, item->owner)[item->slot];
    if (s == NULL || s->life != item->life) {
        return;
    }
    if (item->kind == TOWN_LINKED) {
        on_linked(t, s);
    } else if (s->state == (item->kind == TOWN_GONE ? CLOSING : ONLINE)) {
        call_back(t, s, item);
    }
}

static void cut(struct town *t, struct mqtt_session *s, const char *why)
{
    if (s->state != ONLINE) {
        return;
    }
    s->state = OFFLINE;
    say_will(t, s);
    lose(t, s, why);
}

void broker_break_link(struct town *t, int owner)
{
    for (int i = 0; i < TOWN_SESSIONS_MAX; i++) {
        struct mqtt_session *s = sessions_of(t, owner)[i];
        if (s != NULL) {
            t->result->links_broken += s->state == ONLINE;
            cut(t, s, "TCP: the connection was reset");
        }
    }
}

void broker_kill(struct town *t)
{
    if (!t->broker_is_up) {
        return;
    }
    t->result->broker_kills++;
    t->broker_is_up = false;
    buf_reset(&t->hub_state);
    for (int d = 0; d < t->device_count; d++) {
        buf_reset(&t->devices[d].retained);
    }
    for (int d = TOWN_HUB; d < t->device_count; d++) {
        broker_break_link(t, d);
    }
    (void)town_plan_trouble(t, NS_PER_SEC, 5 * MINUTE_NS, TOWN_BROKER_UP);
}

/* --- who is let in ---------------------------------------------------------------------------- */

static void bar(struct town *t, struct str serial)
{
    struct str copy = arena_copy(&t->revoked_arena, serial);
    if (copy.ptr == NULL || !strmap_put(&t->revoked, copy, 1)) {
        abort();
    }
}

static void add_serial(void *ctx, const struct registry_revoked *row)
{
    bar(ctx, row->serial);
}

static void bar_neighbour(struct town *t)
{
    uint32_t value = 0;
    for (int d = 0; d < t->device_count; d++) {
        if (!strmap_get(&t->revoked, str_from(t->devices[d].serial), &value)) {
            bar(t, str_from(t->devices[d].serial));
            return;
        }
    }
}

static void read_list(struct town *t)
{
    struct err err = {0};
    const struct wall_time since = {TOWN_BEGIN_NS - 24 * HOUR_NS};
    arena_reset(&t->revoked_arena);
    t->revoked = strmap_new(&t->revoked_arena);
    town_check(t, registry_each_revoked(t->registry, since, add_serial, t, &err), &err, "revoked");
    if (town_mutant == TOWN_CUT_NEIGHBOUR && t->revoked.count > 0) {
        bar_neighbour(t);
    }
}

void broker_look_at_list(struct town *t)
{
    char path[256];
    struct stat file;
    (void)snprintf(path, sizeof(path), "%s/broker/revoked.pem", t->hub_dir);
    if (stat(path, &file) != 0 || file.st_ino == t->list_inode) {
        return; /* it is written as a new file each time */
    }
    t->list_inode = file.st_ino;
    read_list(t);
    for (int d = 0; d < t->device_count; d++) {
        for (int i = 0; i < TOWN_SESSIONS_MAX; i++) {
            struct mqtt_session *s = t->devices[d].sessions[i];
            if (s != NULL && is_barred(t, s)) {
                cut(t, s, "the broker ended the session");
            }
        }
    }
}

void broker_release(struct town *t)
{
    buf_release(&t->hub_state);
    arena_release(&t->revoked_arena);
    for (size_t i = 0; i < TOWN_HEARD_MAX; i++) {
        buf_release(&t->heard[i].payload);
    }
}
