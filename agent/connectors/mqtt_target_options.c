#include "agent/connectors/mqtt_target_options.h"

#include <string.h>

enum { WINDOW_DEFAULT = 100, WINDOW_MAX = 65535 /* message ids have 16 bits */ };

static const char *const format_names[] = {"json", NULL};

#define AT(member_) .offset = offsetof(struct mqtt_target_options, member_)
static const struct field target_fields[] = {
    LOAD_OPTION_FIELDS(mqtt_target_options, load),
    MQTT_CONNECTION_FIELDS(mqtt_target_options, connection),
    {.key = "client_id",
     .type = FIELD_STR,
     AT(client_id),
     .help = "Where the broker wants to know it; no two clients may have the same."},
    {.key = "topic",
     .type = FIELD_STR,
     AT(topic),
     .required = true,
     .help = "`{stream}` in it is the stream's name, and any other name in braces a column of the "
             "row."},
    {.key = "format",
     .type = FIELD_ENUM,
     AT(format),
     .names = format_names,
     .fallback = "json",
     .help = "What a payload is: the row as a JSON object."},
    {.key = "retain",
     .type = FIELD_BOOL,
     AT(retain),
     .help = "Whether the broker keeps the last message of each topic for who comes later."},
    {.key = "qos",
     .type = FIELD_I64,
     AT(qos),
     .min = 0,
     .max = 1,
     .fallback = "1",
     .help = "1: the broker acknowledges each message. 0: nobody says what became of one."},
    {.key = "window",
     .type = FIELD_I64,
     AT(window),
     .min = 1,
     .max = WINDOW_MAX,
     .fallback = "100",
     .help = "How many messages may be unacknowledged at once; fewer where the broker wants it."},
};
static const struct mqtt_target_options defaults = {
    .load = LOAD_OPTION_DEFAULTS,
    .connection = MQTT_CONNECTION_DEFAULTS,
    .qos = 1,
    .window = WINDOW_DEFAULT,
};
const struct field_table target_mqtt_options = {
    .name = "target",
    .size = sizeof(struct mqtt_target_options),
    .fields = target_fields,
    .count = COUNT_OF(target_fields),
    .defaults = &defaults,
};

bool mqtt_topic_cut(struct str *topic, struct str *ret_text, struct str *ret_name)
{
    struct str rest = *topic;
    *ret_name = STR_NONE;
    if (rest.len == 0) {
        return false;
    }
    if (!str_cut(rest, '{', ret_text, &rest)) {
        *topic = STR_NONE;
        return memchr(ret_text->ptr, '}', ret_text->len) == NULL;
    }
    return str_cut(rest, '}', ret_name, topic) && ret_name->len > 0 &&
           memchr(ret_name->ptr, '{', ret_name->len) == NULL &&
           (ret_text->len == 0 || memchr(ret_text->ptr, '}', ret_text->len) == NULL);
}

static bool check_topic_text(struct str text, struct err *err)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '+' || c == '#') {
            err_set(err, ERR_INVALID, "\"topic\" has a %c", c);
            return err_hint(err, "that is for who listens; a message has one topic");
        }
        if (c < ' ' || c == 0x7f) {
            return err_set(err, ERR_INVALID, "\"topic\" has a control character");
        }
    }
    return true;
}

static bool check_topic(struct str topic, struct err *err)
{
    struct str rest = topic;
    struct str text;
    struct str name;
    if (topic.len == 0) {
        return err_set(err, ERR_INVALID, "\"topic\" is empty");
    }
    if (!str_is_utf8(topic)) {
        return err_set(err, ERR_INVALID, "\"topic\" is not UTF-8");
    }
    while (rest.len > 0) {
        if (!mqtt_topic_cut(&rest, &text, &name)) {
            err_set(err, ERR_INVALID, "\"topic\" has braces that hold no name");
            return err_hint(err, "write {stream}, or a column's name");
        }
        if (!check_topic_text(text, err)) {
            return false;
        }
    }
    return mqtt_text_check("topic", topic, err);
}

bool mqtt_target_check(const void *options, enum load_mode mode, struct err *err)
{
    const struct mqtt_target_options *o = options;
    (void)mode;
    return check_topic(o->topic, err) && mqtt_connection_check(&o->connection, o->client_id, err);
}
