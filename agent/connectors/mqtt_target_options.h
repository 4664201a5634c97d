/* mqtt_target_options.h - a broker as a destination: which topic a row goes to, and how. Pure. */
#pragma once
#include "agent/connectors/mqtt_options.h"

struct mqtt_target_options {
    struct load_options load;
    struct mqtt_connection connection;
    struct str client_id; /* empty = another one each time */
    struct str topic;     /* with {stream} and {column} */
    int format;           /* index of the names: JSON, as yet */
    bool retain;
    int64_t qos;    /* 0 or 1 */
    int64_t window; /* messages that may be unacknowledged at once */
};

/* Cuts the next piece off a topic that mqtt_target_check() took: text, and behind it a name that
 * stood in braces (STR_NONE at the end). False when nothing was left, or where braces do not match.
 */
bool mqtt_topic_cut(struct str *topic, struct str *ret_text, struct str *ret_name);
MUST_CHECK bool mqtt_target_check(const void *options, enum load_mode mode, struct err *err);
extern const struct field_table target_mqtt_options; /* of struct mqtt_target_options */
