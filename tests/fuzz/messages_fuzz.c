/* messages_fuzz.c - every other message: the first byte chooses the decoder. What decodes must
 * encode and decode again. */
#include "common/wire/messages.h"
#include "common/wire/topics.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROUND_TRIP(name)                                                                           \
    static void try_##name(struct str payload, struct arena *arena)                                \
    {                                                                                              \
        struct message_##name m;                                                                   \
        struct err err = {0};                                                                      \
        if (!message_##name##_decode(payload, arena, &m, &err)) {                                  \
            assert(err.code != ERR_NONE && err.msg[0] != '\0');                                    \
            return;                                                                                \
        }                                                                                          \
        AUTO(buf) text = buf_growing(1 << 20);                                                     \
        message_##name##_encode(&m, &text);                                                        \
        assert(!text.overflow);                                                                    \
    }
ROUND_TRIP(birth)
ROUND_TRIP(death)
ROUND_TRIP(ack)
ROUND_TRIP(hub_state)
ROUND_TRIP(enrol_request)
ROUND_TRIP(enrol_reply)
ROUND_TRIP(want_certificate)
ROUND_TRIP(certificate)

static void try_token(struct str text)
{
    struct enrol_token token;
    struct err err = {0};
    if (!enrol_token_parse(text, &token, &err)) {
        return;
    }
    AUTO(buf) again = buf_growing(4096);
    enrol_token_format(&token, &again);
    bool ok = enrol_token_parse(buf_str(&again), &token, &err);
    assert(ok);
}

static void try_topic(struct str text)
{
    struct str device;
    enum channel channel;
    if (topic_parse_device(text, STR("f"), &device, &channel)) {
        AUTO(buf) again = buf_growing(TOPIC_BYTES_MAX);
        topic_device(&again, STR("f"), device, channel);
        assert(str_eq(buf_str(&again), text));
    }
    (void)topic_parse_enrol_request(text, STR("f"), &device);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct str payload = {(const char *)data + 1, size - 1};
    AUTO(arena) arena = arena_new(4 << 20);
    switch (data[0] % 8) {
    case 0:
        try_birth(payload, &arena);
        break;
    case 1:
        try_death(payload, &arena);
        break;
    case 2:
        try_ack(payload, &arena);
        break;
    case 3:
        try_hub_state(payload, &arena);
        break;
    case 4:
        try_enrol_request(payload, &arena);
        break;
    case 5:
        try_enrol_reply(payload, &arena);
        break;
    case 6:
        try_token(payload);
        break;
    default:
        try_topic(payload);
        try_want_certificate(payload, &arena);
        try_certificate(payload, &arena);
        break;
    }
    return 0;
}
