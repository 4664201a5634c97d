/* messages.h - what a sensor for an MQTT topic heard and has not decided on: the newest message
 * counts, those before it are counted. Pure.
 *
 * The cursor tells, for the topics last heard, which payload was the last: a retained message that
 * the broker repeats at each connection is news only when it differs. Of MESSAGES_TOPICS_MAX topics
 * the newest are remembered. */
#pragma once
#include "common/base/buf.h"

enum {
    MESSAGES_TOPICS_MAX = 128,
    MESSAGE_TOPIC_MAX = 512,    /* bytes of it in the run's tags */
    MESSAGE_PAYLOAD_MAX = 1024, /* the same */
};
struct messages {
    struct seen {
        uint64_t topic;
        uint64_t payload;
    } seen[MESSAGES_TOPICS_MAX]; /* newest last */
    size_t seen_count;
    bool is_waiting;    /* there is one to decide on: */
    bool has_text;      /* the payload is text; else it stays empty */
    bool is_clipped;    /* ... and longer than what is kept of it */
    int64_t superseded; /* by it, since the last decision */
    size_t topic_len, payload_len;
    char topic[MESSAGE_TOPIC_MAX];
    char payload[MESSAGE_PAYLOAD_MAX];
};

void messages_read_cursor(struct messages *m,
                          struct str text); /* what it cannot read is not there */
void messages_write_cursor(const struct messages *m, struct buf *out);
/* False: it is a retained message that is known. */
bool messages_take(struct messages *m, struct str topic, struct str payload, bool is_retained);
struct str messages_topic(const struct messages *m);
struct str messages_payload(const struct messages *m); /* empty when it is no text */
void messages_decided(struct messages *m);
