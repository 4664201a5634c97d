#include "agent/sense/messages.h"

#include "agent/sense/digest.h"
#include <inttypes.h>
#include <string.h>

enum { HEX_DIGITS = 16, SEEN_TEXT = 2 * HEX_DIGITS };

/* --- the cursor: 16 hex digits of the topic, 16 of the payload, for each --- */

static bool read_hex(struct str s, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool is_digit = c >= '0' && c <= '9';
        if (!is_digit && !(c >= 'a' && c <= 'f')) {
            return false;
        }
        value = value << 4U | (uint64_t)(is_digit ? c - '0' : c - 'a' + 10);
    }
    *ret = value;
    return true;
}

void messages_read_cursor(struct messages *m, struct str text)
{
    m->seen_count = 0;
    for (size_t at = 0; at + SEEN_TEXT <= text.len && m->seen_count < MESSAGES_TOPICS_MAX;
         at += SEEN_TEXT) {
        struct seen seen;
        if (!read_hex(str_slice(text, at, at + HEX_DIGITS), &seen.topic) ||
            !read_hex(str_slice(text, at + HEX_DIGITS, at + SEEN_TEXT), &seen.payload)) {
            return;
        }
        m->seen[m->seen_count++] = seen;
    }
}

void messages_write_cursor(const struct messages *m, struct buf *out)
{
    for (size_t i = 0; i < m->seen_count; i++) {
        buf_addf(out, "%016" PRIx64 "%016" PRIx64, m->seen[i].topic, m->seen[i].payload);
    }
}

/* --- messages --- */

/* Puts the topic at the end; the oldest goes when there is no place. Returns whether its payload was
 * the same. */
static bool remember(struct messages *m, struct seen now)
{
    size_t at = 0;
    while (at < m->seen_count && m->seen[at].topic != now.topic) {
        at++;
    }
    bool is_known = at < m->seen_count && m->seen[at].payload == now.payload;
    if (at == MESSAGES_TOPICS_MAX) {
        at = 0;
    }
    if (at < m->seen_count) {
        memmove(&m->seen[at], &m->seen[at + 1], (m->seen_count - at - 1) * sizeof(m->seen[0]));
        m->seen_count--;
    }
    m->seen[m->seen_count++] = now;
    return is_known;
}

static bool is_text(struct str payload)
{
    return str_is_utf8(payload) &&
           (payload.len == 0 || memchr(payload.ptr, '\0', payload.len) == NULL);
}

bool messages_take(struct messages *m, struct str topic, struct str payload, bool is_retained)
{
    struct seen now = {.topic = digest_of(topic), .payload = digest_of(payload)};
    if (remember(m, now) && is_retained) {
        return false;
    }
    struct str kept = str_clip(topic, MESSAGE_TOPIC_MAX);
    m->topic_len = kept.len;
    memcpy(m->topic, kept.ptr, kept.len);
    m->has_text = is_text(payload);
    kept = m->has_text ? str_clip(payload, MESSAGE_PAYLOAD_MAX) : STR("");
    m->is_clipped = m->has_text && kept.len < payload.len;
    m->payload_len = kept.len;
    memcpy(m->payload, kept.ptr, kept.len);
    m->superseded += m->is_waiting;
    m->is_waiting = true;
    return true;
}

struct str messages_topic(const struct messages *m)
{
    return (struct str){m->topic, m->topic_len};
}

struct str messages_payload(const struct messages *m)
{
    return (struct str){m->payload, m->payload_len};
}

void messages_decided(struct messages *m)
{
    m->is_waiting = false;
    m->superseded = 0;
}
