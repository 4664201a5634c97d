/* mqtt_options.h - a broker, without TLS, and what to hear from it. */
#pragma once
#include "agent/connectors/options.h"

struct mqtt_connection {
    struct str host;
    int64_t port;
    struct str user, password;
    int64_t timeout; /* ns */
};
enum { MQTT_TEXT_BYTES_MAX = 65535 /* of a topic and every other text */ };
enum { MQTT_PORT_DEFAULT = 1883, MQTT_PORT_MAX = 65535 };
#define MQTT_TIMEOUT_DEFAULT (10 * NS_PER_SEC)
#define MQTT_TIMEOUT_MAX     (600 * NS_PER_SEC)
#define MQTT_CONNECTION_DEFAULTS                                                                   \
    {                                                                                              \
        .port = MQTT_PORT_DEFAULT, .timeout = MQTT_TIMEOUT_DEFAULT                                 \
    }
/* NOLINTBEGIN(bugprone-macro-parentheses): names of a type and a member */
#define MQTT_CONNECTION_FIELDS(struct_, member_)                                                   \
    {.key = "host",                                                                                \
     .type = FIELD_STR,                                                                            \
     .offset = offsetof(struct struct_, member_.host),                                             \
     .required = true,                                                                             \
     .help = "Name or address.",                                                                   \
     .marks = OPTION_CONNECTION},                                                                  \
        {.key = "port",                                                                            \
         .type = FIELD_I64,                                                                        \
         .offset = offsetof(struct struct_, member_.port),                                         \
         .min = 1,                                                                                 \
         .max = MQTT_PORT_MAX,                                                                     \
         .fallback = "1883",                                                                       \
         .marks = OPTION_CONNECTION},                                                              \
        {.key = "user",                                                                            \
         .type = FIELD_STR,                                                                        \
         .offset = offsetof(struct struct_, member_.user),                                         \
         .marks = OPTION_CONNECTION | OPTION_SECRET},                                              \
        {.key = "password",                                                                        \
         .type = FIELD_STR,                                                                        \
         .offset = offsetof(struct struct_, member_.password),                                     \
         .marks = OPTION_CONNECTION | OPTION_PRIVATE},                                             \
    {                                                                                              \
        .key = "timeout", .type = FIELD_DURATION,                                                  \
        .offset = offsetof(struct struct_, member_.timeout), .min = NS_PER_MS,                     \
        .max = MQTT_TIMEOUT_MAX, .fallback = "10s",                                                \
        .help = "How long to wait for a connection and for an answer.", .marks = OPTION_CONNECTION \
    }
/* NOLINTEND(bugprone-macro-parentheses) */
MUST_CHECK bool mqtt_connection_check(const struct mqtt_connection *connection,
                                      struct str client_id, struct err *err);
/* ERR_INVALID for a text of more than MQTT_TEXT_BYTES_MAX. */
MUST_CHECK bool mqtt_text_check(const char *key, struct str text, struct err *err);

enum payload_format { FORMAT_TEXT, FORMAT_JSON };

struct mqtt_tap_options {
    struct str type;
    struct mqtt_connection connection;
    struct str client_id;
    struct str_list topics;
    int format;
    int64_t messages; /* 0 = not given */
    int64_t lasts;    /* ns; the same */
};

MUST_CHECK bool mqtt_check_connection(const void *options, struct err *err);
MUST_CHECK bool mqtt_check(const void *options, enum load_mode mode, struct err *err);
extern const struct field_table tap_mqtt_options; /* of struct mqtt_tap_options */
