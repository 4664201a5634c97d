#include "agent/connectors/mqtt_options.h"

#include "agent/connectors/connector.h"

enum { TOPICS_MAX = 256 };
#define LASTS_MAX_NS (INT64_C(31) * 86400 * NS_PER_SEC)

static const char *const format_names[] = {"text", "json", NULL};

#define AT(member_) .offset = offsetof(struct mqtt_tap_options, member_)

static const struct field mqtt_fields[] = {
    {.key = "type", .type = FIELD_STR, AT(type), .required = true},
    MQTT_CONNECTION_FIELDS(mqtt_tap_options, connection),
    {.key = "client_id",
     .type = FIELD_STR,
     AT(client_id),
     .help = "With it the broker keeps messages of QoS 1 from run to run; no two clients may have "
             "the same."},
    {.key = "topics",
     .type = FIELD_STR_LIST,
     AT(topics),
     .required = true,
     .min = 1,
     .max = TOPICS_MAX,
     .help = "Filters, with `+` and `#`."},
    {.key = "format",
     .type = FIELD_ENUM,
     AT(format),
     .names = format_names,
     .fallback = "text",
     .help = "What a payload is."},
    {.key = "messages",
     .type = FIELD_I64,
     AT(messages),
     .min = 1,
     .max = INT64_MAX,
     .help = "A run ends after as many."},
    {.key = "for",
     .type = FIELD_DURATION,
     AT(lasts),
     .min = NS_PER_MS,
     .max = LASTS_MAX_NS,
     .help = "A run ends after this time."},
};
static const struct mqtt_tap_options mqtt_defaults = {.connection = MQTT_CONNECTION_DEFAULTS};
const struct field_table tap_mqtt_options = {
    .name = "tap",
    .size = sizeof(struct mqtt_tap_options),
    .fields = mqtt_fields,
    .count = COUNT_OF(mqtt_fields),
    .defaults = &mqtt_defaults,
};

bool mqtt_text_check(const char *key, struct str text, struct err *err)
{
    return text.len <= MQTT_TEXT_BYTES_MAX ||
           err_set(err, ERR_INVALID, "\"%s\" is longer than %d bytes", key, MQTT_TEXT_BYTES_MAX);
}

bool mqtt_connection_check(const struct mqtt_connection *c, struct str client_id, struct err *err)
{
    if (c->password.len > 0 && c->user.len == 0) {
        return err_set(err, ERR_INVALID, "\"password\" needs a \"user\"");
    }
    return mqtt_text_check("user", c->user, err) && mqtt_text_check("password", c->password, err) &&
           mqtt_text_check("client_id", client_id, err);
}

bool mqtt_check_connection(const void *options, struct err *err)
{
    const struct mqtt_tap_options *o = options;
    return mqtt_connection_check(&o->connection, STR_NONE, err);
}

bool mqtt_check(const void *options, enum load_mode mode, struct err *err)
{
    const struct mqtt_tap_options *o = options;
    if (mode == MODE_OVERWRITE && o->client_id.len > 0) {
        err_set(err, ERR_INVALID,
                "\"client_id\" and mode overwrite: a run that dies would lose "
                "the messages that the broker gave up for it");
        return err_hint(err, "load with mode append");
    }
    if (o->messages == 0 && o->lasts == 0) {
        err_set(err, ERR_INVALID, "\"for\" or \"messages\" is missing: when does a run end?");
        return err_hint(err, "add for example \"for\": \"1m\"");
    }
    for (size_t i = 0; i < o->topics.count; i++) {
        if (o->topics.items[i].len == 0) {
            return err_set(err, ERR_INVALID, "\"topics\" has an empty one");
        }
        if (!mqtt_text_check("topics", o->topics.items[i], err)) {
            return false;
        }
    }
    return mqtt_connection_check(&o->connection, o->client_id, err);
}
