/* mqtt_options.h - a broker, without TLS, and what to hear from it. */
#pragma once
#include "agent/connectors/options.h"

enum payload_format { FORMAT_TEXT, FORMAT_JSON };

struct mqtt_tap_options {
    struct str type;
    struct str host;
    int64_t port;
    struct str user, password;
    struct str client_id;
    struct str_list topics;
    int format;
    int64_t messages; /* 0 = not given */
    int64_t lasts;    /* ns; the same */
    int64_t timeout;
};

MUST_CHECK bool mqtt_check_connection(const void *options, struct err *err);
MUST_CHECK bool mqtt_check(const void *options, enum load_mode mode, struct err *err);
extern const struct field_table tap_mqtt_options; /* of struct mqtt_tap_options */
