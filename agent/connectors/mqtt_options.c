#include "agent/connectors/mqtt_options.h"

#include "agent/connectors/connector.h"

enum { PORT_DEFAULT = 1883, PORT_MAX = 65535, TOPICS_MAX = 256, TOPIC_BYTES_MAX = 65535 };
#define TIMEOUT_DEFAULT_NS (10 * NS_PER_SEC)
#define LASTS_MAX_NS       (INT64_C(31) * 86400 * NS_PER_SEC)

static const char *const format_names[] = {"text", "json", NULL};

#define AT(member_) .offset = offsetof(struct mqtt_tap_options, member_)

static const struct field mqtt_fields[] = {
    {.key = "type", .type = FIELD_STR, AT(type), .required = true},
    {.key = "host",
     .type = FIELD_STR,
     AT(host),
     .required = true,
     .help = "Name or address.",
     .marks = OPTION_CONNECTION},
    {.key = "port",
     .type = FIELD_I64,
     AT(port),
     .min = 1,
     .max = PORT_MAX,
     .fallback = "1883",
     .marks = OPTION_CONNECTION},
    {.key = "user", .type = FIELD_STR, AT(user), .marks = OPTION_CONNECTION | OPTION_SECRET},
    {.key = "password",
     .type = FIELD_STR,
     AT(password),
     .marks = OPTION_CONNECTION | OPTION_PRIVATE},
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
    {.key = "timeout",
     .type = FIELD_DURATION,
     AT(timeout),
     .min = NS_PER_MS,
     .max = 600 * NS_PER_SEC,
     .fallback = "10s",
     .help = "How long to wait for a connection and for an answer.",
     .marks = OPTION_CONNECTION},
};
static const struct mqtt_tap_options mqtt_defaults = {.port = PORT_DEFAULT,
                                                      .timeout = TIMEOUT_DEFAULT_NS};
const struct field_table tap_mqtt_options = {
    .name = "tap",
    .size = sizeof(struct mqtt_tap_options),
    .fields = mqtt_fields,
    .count = COUNT_OF(mqtt_fields),
    .defaults = &mqtt_defaults,
};

static bool check_length(const char *key, struct str text, struct err *err)
{
    return text.len <= TOPIC_BYTES_MAX ||
           err_set(err, ERR_INVALID, "\"%s\" is longer than %d bytes", key, TOPIC_BYTES_MAX);
}

bool mqtt_check_connection(const void *options, struct err *err)
{
    const struct mqtt_tap_options *o = options;
    if (o->password.len > 0 && o->user.len == 0) {
        return err_set(err, ERR_INVALID, "\"password\" needs a \"user\"");
    }
    return check_length("user", o->user, err) && check_length("password", o->password, err);
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
        if (!check_length("topics", o->topics.items[i], err)) {
            return false;
        }
    }
    return mqtt_check_connection(o, err) && check_length("client_id", o->client_id, err);
}
