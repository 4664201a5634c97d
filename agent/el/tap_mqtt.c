/* Tap mqtt: the messages of a broker's topics, one row each, for a time or a count.
 *
 * With a "client_id" the broker keeps messages of QoS 1 while no run is there, and each is
 * acknowledged only once its row is committed: DESIGN: the loop asks for the next row after a commit
 * and not after one that failed, so what ops->state() was told of is durable then. A broker sends no
 * more than a few messages ahead (20, mosquitto): when it falls silent, a commit is asked for. What
 * was not acknowledged comes again, so a row may be there twice, and is never missing. */
#include "agent/connectors/mqtt_options.h"
#include "agent/el/connectors.h"
#include "agent/el/mqtt_link.h"
#include "common/base/limits.h"
#include "common/platform/rng.h"

#include <string.h>

enum {
    CLIENT_ID_RANDOM_BYTES = 8,
    WINDOW_LEAST = 8,
    AWAITED_MAX = 65535, /* message ids are 16 bits */
};
/* How long nothing may come before a commit, where messages wait for their acknowledgement: at
 * WINDOW_LEAST of them the broker may be waiting for us, below it most brokers are not. */
#define QUIET_NS      (20 * NS_PER_MS)
#define QUIET_MOST_NS NS_PER_SEC

enum row_column { ROW_TIME, ROW_TOPIC, ROW_RETAINED, ROW_PAYLOAD, ROW_NOT_JSON, ROW_COLUMNS };

struct tap_mqtt {
    struct tap base;
    const struct tap_context *context;
    const struct mqtt_tap_options *options;
    struct mqtt_link_options link_options;
    struct mqtt_link *link;
    struct stream stream;
    struct clock clock;
    struct mono_time end;
    struct arena arena; /* of one payload's check */
    unsigned *awaited;  /* ids of the messages that were rows and are not acknowledged */
    size_t awaited_count;
    size_t durable; /* of them, once the commit that is under way has succeeded */
    struct value row[ROW_COLUMNS];
    char time[WALL_TEXT_SIZE];
};

static struct tap_mqtt *mqtt_of(struct tap *tap)
{
    return (struct tap_mqtt *)(void *)tap;
}

static struct value bytes_value(struct str text)
{
    bool is_text = str_is_utf8(text) && (text.len == 0 || memchr(text.ptr, '\0', text.len) == NULL);
    return (struct value){.type = is_text ? VALUE_TEXT : VALUE_BLOB, .as.text = text};
}

static bool is_json(struct tap_mqtt *t, struct str payload)
{
    struct json *node = NULL;
    struct err ignored;
    arena_reset(&t->arena);
    return json_parse(payload, LIMIT_JSON_BYTES, &t->arena, &node, &ignored);
}

static void give_row(struct tap_mqtt *t, const struct mqtt_publish *m)
{
    const struct value null = {.type = VALUE_NULL};
    (void)wall_format(clock_wall(&t->clock), t->time);
    t->row[ROW_TIME] = (struct value){.type = VALUE_TEXT, .as.text = str_from(t->time)};
    t->row[ROW_TOPIC] = (struct value){.type = VALUE_TEXT, .as.text = m->topic};
    t->row[ROW_RETAINED] = (struct value){.type = VALUE_INTEGER, .as.integer = m->is_retained};
    t->row[ROW_PAYLOAD] = bytes_value(m->payload);
    if (t->options->format == FORMAT_JSON) {
        bool is_good = is_json(t, m->payload);
        t->row[ROW_NOT_JSON] = is_good ? null : t->row[ROW_PAYLOAD];
        t->row[ROW_PAYLOAD] = is_good ? t->row[ROW_PAYLOAD] : null;
    }
    t->base.rows_read++;
    t->base.bytes_read += (int64_t)(m->topic.len + m->payload.len);
    if (m->qos > 0) {
        t->awaited[t->awaited_count++] = m->id;
    }
}

/* After a commit: what it made durable is acknowledged. */
static bool acknowledge(struct tap_mqtt *t, struct err *err)
{
    size_t count = t->durable;
    t->durable = 0;
    if (!mqtt_link_acknowledge(t->link, t->awaited, count, err)) {
        return false;
    }
    for (size_t i = count; i < t->awaited_count; i++) {
        t->awaited[i - count] = t->awaited[i];
    }
    t->awaited_count -= count;
    return true;
}

/* How long to wait for a message; 0 or less: the run is over. */
static int64_t wait_ns(const struct tap_mqtt *t)
{
    const struct mqtt_tap_options *o = t->options;
    int64_t quiet = t->awaited_count >= WINDOW_LEAST ? QUIET_NS : QUIET_MOST_NS;
    int64_t wait = t->context->idle_ns;
    if (t->awaited_count > 0 && quiet < wait) {
        wait = quiet;
    }
    if (o->messages > 0 && t->base.rows_read >= o->messages) {
        return 0;
    }
    if (o->lasts > 0) {
        int64_t left = t->end.ns - clock_mono(&t->clock).ns;
        wait = left < wait ? left : wait;
    }
    return t->awaited_count == AWAITED_MAX ? 0 : wait;
}

static bool next(struct tap_mqtt *t, enum tap_result *ret, struct err *err)
{
    struct mqtt_publish message;
    bool is_found = false;
    t->base.wants_commit = false;
    if (!acknowledge(t, err)) {
        return false;
    }
    int64_t wait = wait_ns(t);
    if (wait > 0 && !mqtt_link_next(t->link, wait, &message, &is_found, err)) {
        return false;
    }
    if (is_found) {
        give_row(t, &message);
        *ret = TAP_ROW;
        return true;
    }
    t->base.wants_commit = t->awaited_count > 0;
    *ret = wait > 0 || t->base.wants_commit ? TAP_IDLE : TAP_END;
    return true;
}

static bool mqtt_tap_next(struct tap *tap, enum tap_result *ret, struct err *err)
{
    if (next(mqtt_of(tap), ret, err)) {
        return true;
    }
    if (tap->rows_read == 0) {
        return false;
    }
    tap->failure = *err;
    *ret = TAP_END;
    return true;
}

/* The broker remembers where we are, not we. */
static bool mqtt_tap_state(struct tap *tap, struct buf *out, struct err *err)
{
    (void)out;
    (void)err;
    struct tap_mqtt *t = mqtt_of(tap);
    t->durable = t->awaited_count;
    return true;
}

static void mqtt_tap_close(struct tap *tap)
{
    if (tap != NULL) {
        struct tap_mqtt *t = mqtt_of(tap);
        mqtt_link_close(t->link);
        arena_release(&t->arena);
    }
}

static bool make_schema(struct tap_mqtt *t, struct err *err)
{
    bool has_json = t->options->format == FORMAT_JSON;
    const struct column columns[ROW_COLUMNS] = {
        [ROW_TIME] = {.name = STR_INIT("time"), .kind = COLUMN_TEXT},
        [ROW_TOPIC] = {.name = STR_INIT("topic"), .kind = COLUMN_TEXT},
        [ROW_RETAINED] = {.name = STR_INIT("retained"), .kind = COLUMN_BOOLEAN},
        [ROW_PAYLOAD] = {.name = STR_INIT("payload"), .kind = has_json ? COLUMN_JSON : COLUMN_TEXT},
        [ROW_NOT_JSON] = {.name = STR_INIT("not_json"), .kind = COLUMN_TEXT},
    };
    t->stream.name = STR("mqtt");
    t->stream.schema = schema_new(t->context->arena);
    for (size_t i = 0; i < (has_json ? ROW_COLUMNS : ROW_NOT_JSON); i++) {
        if (!schema_add(&t->stream.schema, &columns[i], err)) {
            return false;
        }
    }
    return true;
}

static bool prepare(struct tap_mqtt *t, struct err *err)
{
    const struct mqtt_tap_options *o = t->options;
    struct arena *arena = t->context->arena;
    char random[2 * CLIENT_ID_RANDOM_BYTES + 1];
    if (!mqtt_check(o, t->context->mode, err) || !make_schema(t, err)) {
        return false;
    }
    struct rng rng = rng_system();
    rng_hex(&rng, CLIENT_ID_RANDOM_BYTES, random);
    struct str own_id = arena_copy(arena, str_from(random));
    t->awaited = arena_array(arena, AWAITED_MAX, sizeof(*t->awaited));
    if (own_id.ptr == NULL || t->awaited == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the tap");
    }
    t->link_options = (struct mqtt_link_options){
        .host = o->connection.host,
        .port = o->connection.port,
        .connect = {.version = MQTT_3_1_1,
                    .client_id = o->client_id.len > 0 ? o->client_id : own_id,
                    .keeps_session = o->client_id.len > 0,
                    .user = o->connection.user,
                    .password = o->connection.password},
        .topics = &o->topics,
        .timeout = o->connection.timeout,
    };
    return mqtt_link_open(&t->link, &t->link_options, t->clock, arena, err);
}

static bool mqtt_tap_open(struct tap **ret, const struct tap_context *context, struct err *err)
{
    struct tap_mqtt *t = arena_alloc(context->arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the tap");
    }
    t->context = context;
    t->options = context->options;
    t->clock = clock_system();
    t->arena = arena_new(LIMIT_DEFINITIONS_ARENA);
    if (!prepare(t, err)) {
        mqtt_tap_close(&t->base);
        return false;
    }
    t->base = (struct tap){.ops = &tap_mqtt, .stream = &t->stream, .row = t->row};
    t->end.ns = clock_mono(&t->clock).ns + t->options->lasts;
    *ret = &t->base;
    return true;
}

/* What it would give, without asking anybody. */
static bool mqtt_tap_discover(const struct tap_context *context, const struct found_taker *taker,
                              struct err *err)
{
    struct tap_mqtt t = {.context = context};
    t.options = context->options;
    if (!make_schema(&t, err)) {
        return false;
    }
    const struct found_stream found = {
        .name = t.stream.name, .schema = t.stream.schema, .key = t.stream.key, .row_count = -1};
    return taker->take(taker->ctx, &found, err);
}

const struct tap_ops tap_mqtt = {
    .type = "mqtt",
    .options = &tap_mqtt_options,
    .open = mqtt_tap_open,
    .next = mqtt_tap_next,
    .state = mqtt_tap_state,
    .close = mqtt_tap_close,
    .discover = mqtt_tap_discover,
    .choose = discovery_choose_samples,
};
