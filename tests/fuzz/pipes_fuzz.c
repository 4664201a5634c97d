/* pipes_fuzz.c - what a step's program writes: the first byte says in pieces of which size it comes.
 * Whatever it is, every message is text and JSON that the rest of the agent can use, and the
 * positions add up. */
#include "agent/pipes/pipes_message.h"
#include "common/json/json.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINE_BYTES = 2 * LIMIT_EVENT_BYTES };

static void assert_text(struct str text)
{
    assert(str_is_utf8(text));
    assert(!str_contains(text, (struct str){"", 1}));
}

/* As it stands in an event; larger values are left out there. */
static void assert_json(struct str json)
{
    AUTO(arena) arena = arena_new(4 << 20);
    AUTO(buf) line = buf_growing(LINE_BYTES);
    struct json *node = NULL;
    struct err err = {0};
    if (str_is_empty(json) || json.len > LIMIT_EVENT_BYTES / 2) {
        return;
    }
    buf_addf(&line, "{\"member\":" STR_FMT "}", STR_ARG(json));
    bool ok = json_parse(buf_str(&line), line.max, &arena, &node, &err);
    assert(ok);
}

static void assert_message(const struct pipes_message *m)
{
    assert_text(m->text);
    assert_text(m->level_name);
    assert_text(m->asset);
    assert_text(m->data_version);
    assert_text(m->check);
    assert_text(m->exception_text);
    assert_json(m->metadata);
    assert_json(m->payload);
    assert_json(m->exception);
    assert(m->metadata.len <= EVENT_METADATA_BYTES_MAX);
    assert(m->method != PIPES_LOG || !str_is_empty(m->level));
    assert(m->method != PIPES_MALFORMED || !str_is_empty(m->text));
    assert(m->method != PIPES_CHECK || !str_is_empty(m->severity));
}

static void take_all(struct pipes_stream *stream, int64_t *end)
{
    struct pipes_message m;
    while (pipes_stream_peek(stream, &m)) {
        assert(m.end > *end);
        *end = m.end;
        assert_message(&m);
        pipes_stream_drop(stream);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    size_t step = data[0] == 0 ? PIPES_CHUNK_BYTES : data[0];
    struct str text = {(const char *)data + 1, size - 1};
    AUTO(pipes_stream) stream = {0};
    pipes_stream_init(&stream);
    int64_t end = 0;
    for (size_t i = 0; i < text.len; i += step) {
        bool fed = pipes_stream_feed(&stream, str_slice(text, i, i + step));
        assert(fed);
        take_all(&stream, &end);
    }
    pipes_stream_end(&stream);
    take_all(&stream, &end);
    assert(end <= (int64_t)text.len);
    return 0;
}
