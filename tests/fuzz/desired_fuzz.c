/* desired_fuzz.c - what a broker brings on `desired` and `reported`: the first byte chooses. What is
 * understood is written as it is understood again. */
#include "common/wire/desired.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_desired(struct str body, struct arena *arena)
{
    struct desired d;
    struct err err = {0};
    if (!desired_decode(body, arena, &d, &err)) {
        assert(err.code != ERR_NONE && err.msg[0] != '\0');
        return;
    }
    AUTO(buf) first = buf_growing(16 * DESIRED_BYTES_MAX);
    desired_encode(&d, &first);
    assert(!first.overflow);
    if (first.len > DESIRED_BYTES_MAX) { /* escapes that are longer here */
        return;
    }
    AUTO(buf) again = buf_growing(16 * DESIRED_BYTES_MAX);
    bool ok = desired_decode(buf_str(&first), arena, &d, &err);
    assert(ok);
    desired_encode(&d, &again);
    assert(str_eq(buf_str(&first), buf_str(&again)));
}

static void try_reported(struct str payload, struct arena *arena)
{
    struct message_reported m;
    struct err err = {0};
    if (!message_reported_decode(payload, arena, &m, &err)) {
        assert(err.code != ERR_NONE && err.msg[0] != '\0');
        return;
    }
    AUTO(buf) text = buf_growing(1 << 20);
    message_reported_encode(&m, &text);
    assert(!text.overflow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct str payload = {(const char *)data + 1, size - 1};
    AUTO(arena) arena = arena_new(4 * DESIRED_ARENA_BYTES);
    if (data[0] % 2 == 0) {
        try_desired(payload, &arena);
    } else {
        try_reported(payload, &arena);
    }
    return 0;
}
