/* batch_fuzz.c - a batch as it comes from a stranger: decode, then every line of it. */
#include "common/base/limits.h"
#include "common/wire/batch.h"
#include "common/wire/event.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_lines(struct str lines)
{
    struct str line;
    while (str_cut(lines, '\n', &line, &lines)) {
        struct event ev;
        struct err err = {0};
        if (event_parse(line, &ev, &err)) {
            assert(ev.seq >= 1 && ev.type_name.len > 0);
        } else {
            assert(err.code != ERR_NONE && err.msg[0] != '\0');
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str payload = {(const char *)data, size};
    struct batch_header header;
    struct err err = {0};
    AUTO(buf) lines = buf_growing(LIMIT_BATCH_BYTES + LIMIT_EVENT_BYTES);
    if (!batch_decode(payload, &header, &lines, &err)) {
        assert(err.code != ERR_NONE && lines.len == 0);
        read_lines(payload); /* lines reach the parser also when the fuzzer cannot deflate */
        return 0;
    }
    assert(header.first >= 1 && header.first <= header.last);
    read_lines(buf_str(&lines));
    AUTO(buf) again = buf_growing((size_t)2 * LIMIT_MESSAGE_BYTES);
    bool ok = batch_encode(&header, buf_str(&lines), &again, &err);
    assert(ok);
    return 0;
}
