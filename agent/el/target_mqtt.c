/* Target mqtt: a message for each row. DESIGN: a commit is when the broker has acknowledged them all;
 * the state follows, in a file (state_file.h). What was sent since the last state comes again after a
 * crash or a broken connection (at least once). */
#include "agent/connectors/mqtt_target_options.h"
#include "agent/el/connectors.h"
#include "agent/el/mqtt_publisher.h"
#include "agent/el/mqtt_topic.h"
#include "agent/el/row_json.h"
#include "agent/el/side_quarantine.h"
#include "common/platform/rng.h"

enum { CLIENT_ID_RANDOM_BYTES = 8 };

struct mqtt_sink {
    struct sink base;
    const struct schema *schema;
    int64_t rows_sent; /* since the last commit */
    struct mqtt_sink *next;
};
struct target_mqtt {
    struct target base;
    const struct target_context *context;
    const struct mqtt_target_options *options;
    struct mqtt_publisher_options publisher_options;
    struct mqtt_publisher publisher;
    char client_id[2 * CLIENT_ID_RANDOM_BYTES + 1];
    struct state_file state;
    struct side_quarantine quarantine;
    struct buf topic;   /* of the row that is written */
    struct buf payload; /* of the same */
    struct mqtt_sink *sinks;
};

static struct target_mqtt *mqtt_of(struct target *target)
{
    return (struct target_mqtt *)(void *)target;
}

static struct mqtt_sink *sink_of(struct sink *sink)
{
    return (struct mqtt_sink *)(void *)sink;
}

/* --- rows ------------------------------------------------------------------------------------ */

static bool send_row(struct target_mqtt *t, struct mqtt_sink *s, const struct value *row,
                     struct err *err)
{
    struct json_writer w = json_writer(&t->payload);
    buf_reset(&t->topic);
    buf_reset(&t->payload);
    mqtt_topic_write(&t->topic, t->options->topic, s->base.name, s->schema, row);
    row_json_write_row(&w, s->schema, row);
    if (t->topic.overflow) {
        return err_set(err, ERR_FULL, "a row's topic is longer than %d bytes", MQTT_TEXT_BYTES_MAX);
    }
    if (t->payload.overflow) {
        return err_set(err, ERR_FULL, "a row is larger than %d bytes, which a message has at most",
                       MQTT_LINK_PACKET_MAX);
    }
    s->rows_sent++;
    return mqtt_publisher_send(&t->publisher, buf_str(&t->topic), buf_str(&t->payload), err);
}

static bool mqtt_target_load(struct target *target, struct sink *sink,
                             const struct row_source *source, struct err *err)
{
    for (;;) {
        const struct value *row = NULL;
        if (!source->next(source->ctx, &row, err)) {
            return false;
        }
        if (row == NULL) {
            return true;
        }
        if (!send_row(mqtt_of(target), sink_of(sink), row, err)) {
            return err_wrap(err, "target mqtt");
        }
    }
}

static bool keep_state(struct target_mqtt *t, struct str state, bool is_last, struct err *err)
{
    bool is_ready = is_last || t->options->load.mode != MODE_OVERWRITE;
    return t->context->state_id.len == 0 || state.len == 0 || !is_ready ||
           (state_file_set(&t->state, state, err) &&
            (!is_last || state_file_flush(&t->state, err)));
}

static bool mqtt_target_commit(struct target *target, struct str state, bool is_last,
                               struct err *err)
{
    struct target_mqtt *t = mqtt_of(target);
    if (!mqtt_publisher_settle(&t->publisher, err)) {
        return err_wrap(err, "target mqtt");
    }
    for (struct mqtt_sink *s = t->sinks; s != NULL; s = s->next) {
        s->base.rows_written += s->rows_sent;
        s->rows_sent = 0;
    }
    return keep_state(t, state, is_last, err) || err_wrap(err, "target mqtt");
}

/* --- opening --------------------------------------------------------------------------------- */

static void mqtt_target_close(struct target *target)
{
    if (target != NULL) {
        struct target_mqtt *t = mqtt_of(target);
        mqtt_publisher_close(&t->publisher);
        side_quarantine_close(&t->quarantine);
        state_file_release(&t->state);
        buf_release(&t->topic);
        buf_release(&t->payload);
    }
}

static void init_publisher(struct target_mqtt *t)
{
    const struct mqtt_target_options *o = t->options;
    const struct mqtt_connection *c = &o->connection;
    struct rng rng = rng_system();
    rng_hex(&rng, CLIENT_ID_RANDOM_BYTES, t->client_id);
    t->publisher_options = (struct mqtt_publisher_options){
        .link = {.host = c->host,
                 .port = c->port,
                 .connect = {.version = MQTT_5,
                             .client_id =
                                 o->client_id.len > 0 ? o->client_id : str_from(t->client_id),
                             .user = c->user,
                             .password = c->password},
                 .timeout = c->timeout},
        .qos = (unsigned)o->qos,
        .retain = o->retain,
        .window = (unsigned)o->window};
    mqtt_publisher_init(&t->publisher, &t->publisher_options, clock_system());
}

/* As a Singer program it keeps no state. */
static bool prepare(struct target_mqtt *t, struct err *err)
{
    const struct target_context *c = t->context;
    if (!mqtt_target_check(t->options, MODE_APPEND, err) ||
        (c->state_id.len > 0 &&
         !state_file_open(&t->state, c->state_dir, c->state_id, c->arena, err))) {
        return false;
    }
    t->base.state = arena_copy(c->arena, buf_str(&t->state.kept.value));
    return t->base.state.ptr != NULL || err_set(err, ERR_NO_MEMORY, "no memory for the state");
}

static bool mqtt_target_open(struct target **ret, const struct target_context *context,
                             struct err *err)
{
    struct target_mqtt *t = arena_alloc(context->arena, sizeof(*t));
    if (t == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for the target");
    }
    t->base.ops = &target_mqtt;
    t->base.has_tables = true;
    t->context = context;
    t->options = (const void *)context->load;
    t->topic = buf_growing(MQTT_TEXT_BYTES_MAX);
    t->payload = buf_growing(MQTT_LINK_PACKET_MAX);
    side_quarantine_init(&t->quarantine);
    init_publisher(t);
    if (!prepare(t, err) ||
        !side_quarantine_open(&t->quarantine, &t->state, context, &t->base, err)) {
        mqtt_target_close(&t->base);
        return err_wrap(err, "target mqtt");
    }
    *ret = &t->base;
    return true;
}

static bool check_sink(const struct target_mqtt *t, struct str stream, struct err *err)
{
    bool has_mark = str_contains(t->options->topic, STR("{stream}"));
    if (has_mark && stream.len == 0) {
        err_set(err, ERR_INVALID, "the stream has no name for the topic's {stream}");
        return err_hint(err, "give it one with the target's \"table\"");
    }
    if (t->sinks != NULL && !has_mark) {
        err_set(err, ERR_INVALID, "there are several streams, and one topic");
        return err_hint(err, "write {stream} where the topic has the stream's name");
    }
    return true;
}

static bool mqtt_target_add(struct target *target, struct str table, struct sink **ret,
                            struct err *err)
{
    struct target_mqtt *t = mqtt_of(target);
    struct arena *arena = t->context->arena;
    struct mqtt_sink *s = arena_alloc(arena, sizeof(*s));
    if (!check_sink(t, table, err)) {
        return err_wrap(err, "target mqtt");
    }
    if (s == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a stream");
    }
    if (!side_sink_init(&s->base, table.len > 0 ? table : t->options->topic, arena, err)) {
        return false;
    }
    s->next = t->sinks;
    t->sinks = s;
    *ret = &s->base;
    return true;
}

static bool mqtt_target_set_schema(struct target *target, struct sink *sink,
                                   const struct schema *schema, const struct str_list *key,
                                   struct err *err)
{
    struct target_mqtt *t = mqtt_of(target);
    struct mqtt_sink *s = sink_of(sink);
    (void)key;
    s->schema = schema;
    return (mqtt_topic_fits(t->options->topic, schema, err) &&
            side_sink_columns(&s->base, schema, t->context->arena, err)) ||
           err_wrap(err, "target mqtt");
}

static bool mqtt_target_quarantine(struct target *target, struct err *err)
{
    return side_quarantine_take(&mqtt_of(target)->quarantine, err) || err_wrap(err, "target mqtt");
}

static bool mqtt_target_states(struct target *target, struct kept_states *ret, struct err *err)
{
    const struct target_mqtt *t = mqtt_of(target);
    return state_history_list(&t->state.kept, t->context->arena, ret, err);
}

static bool mqtt_target_set_state(struct target *target, struct str value, struct err *err)
{
    return state_file_replace(&mqtt_of(target)->state, value, err);
}

const struct target_ops target_mqtt = {
    .type = "mqtt",
    .options = &target_mqtt_options,
    .open = mqtt_target_open,
    .add = mqtt_target_add,
    .set_schema = mqtt_target_set_schema,
    .load = mqtt_target_load,
    .commit = mqtt_target_commit,
    .quarantine = mqtt_target_quarantine,
    .quarantine_failed = mqtt_target_quarantine,
    .close = mqtt_target_close,
    .states = mqtt_target_states,
    .set_state = mqtt_target_set_state,
};
