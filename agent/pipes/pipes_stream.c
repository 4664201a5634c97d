/* pipes_stream.c - lines out of bytes: what is unfinished waits, what is too long is passed over. */
#include "agent/pipes/pipes_message.h"

#include <string.h>

/* Kept for the next line; what a large one needed is given back. */
enum {
    BUFFER_KEPT_BYTES = 2 * PIPES_CHUNK_BYTES,
    MEMORY_BYTES_MAX = 2 * LIMIT_PIPES_LINE_BYTES, /* a line whose escapes grow beyond is refused */
};

void pipes_stream_init(struct pipes_stream *s)
{
    *s = (struct pipes_stream){
        .bytes = buf_growing(LIMIT_PIPES_LINE_BYTES + PIPES_CHUNK_BYTES),
        .memory = {.strict = buf_growing(MEMORY_BYTES_MAX),
                   .value = buf_growing(MEMORY_BYTES_MAX),
                   .text = arena_new(MEMORY_BYTES_MAX)},
    };
}

void pipes_stream_release(struct pipes_stream *s)
{
    buf_release(&s->bytes);
    buf_release(&s->memory.strict);
    buf_release(&s->memory.value);
    arena_release(&s->memory.text);
}

static void shrink(struct buf *b)
{
    if (b->cap > BUFFER_KEPT_BYTES) {
        size_t max = b->max;
        buf_release(b);
        *b = buf_growing(max);
    }
}

bool pipes_stream_feed(struct pipes_stream *s, struct str bytes)
{
    buf_consume(&s->bytes, s->at);
    s->at = 0;
    s->next = 0;
    if (s->bytes.len == 0) {
        shrink(&s->bytes);
    }
    char *room = buf_reserve(&s->bytes, bytes.len);
    if (room == NULL) {
        s->bytes.overflow = false; /* what was there before stands */
        return false;
    }
    memcpy(room, bytes.ptr, bytes.len);
    s->bytes.len += bytes.len;
    return true;
}

void pipes_stream_end(struct pipes_stream *s)
{
    s->has_ended = true;
}

static void malformed(struct pipes_stream *s, struct str why, struct pipes_message *ret)
{
    *ret = (struct pipes_message){.method = PIPES_MALFORMED, .text = why};
    ret->end = s->dropped + (int64_t)(s->next - s->at);
}

static struct str describe(struct pipes_stream *s, const char *what, int64_t bytes)
{
    arena_reset(&s->memory.text);
    return arena_printf(&s->memory.text, "%s (%lld bytes)", what, (long long)bytes);
}

/* No end of a line in what is there. */
static bool peek_unfinished(struct pipes_stream *s, struct pipes_message *ret)
{
    size_t pending = s->bytes.len - s->at;
    if (s->has_ended && s->skipped + (int64_t)pending > 0) {
        s->next = s->bytes.len;
        malformed(s, describe(s, "the last line has no end", s->skipped + (int64_t)pending), ret);
        return true;
    }
    if (s->skipped > 0 || pending > LIMIT_PIPES_LINE_BYTES) {
        s->skipped += (int64_t)pending;
        s->dropped += (int64_t)pending;
        s->at = s->bytes.len;
    }
    return false;
}

bool pipes_stream_peek(struct pipes_stream *s, struct pipes_message *ret)
{
    for (;;) {
        struct str rest = {s->bytes.ptr + s->at, s->bytes.len - s->at};
        const char *newline = rest.len == 0 ? NULL : memchr(rest.ptr, '\n', rest.len);
        if (newline == NULL) {
            return peek_unfinished(s, ret);
        }
        struct str line = {rest.ptr, (size_t)(newline - rest.ptr)};
        s->next = s->at + line.len + 1;
        if (s->skipped > 0 || line.len > LIMIT_PIPES_LINE_BYTES) {
            malformed(s, describe(s, "a line is too long", s->skipped + (int64_t)line.len), ret);
            return true;
        }
        if (!str_is_empty(str_trim(line))) {
            pipes_message_parse(line, &s->memory, ret);
            ret->end = s->dropped + (int64_t)(s->next - s->at);
            return true;
        }
        pipes_stream_drop(s);
    }
}

void pipes_stream_drop(struct pipes_stream *s)
{
    if (s->next == 0) {
        return;
    }
    s->dropped += (int64_t)(s->next - s->at);
    s->at = s->next;
    s->next = 0;
    s->skipped = 0;
    buf_reset(&s->memory.value);
    shrink(&s->memory.strict);
    shrink(&s->memory.value);
    arena_reset(&s->memory.text);
}
