/* command_fuzz.c - a command's body, its arguments, and a piece of text. What decodes must encode
 * and decode again to the same. */
#include "common/wire/command.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Written and read once more; true when it may be so long. */
static bool write_again(const struct command *c, struct arena *arena, struct command *ret)
{
    AUTO(buf) text = buf_growing(1 << 20);
    struct err err = {0};
    command_encode(c, &text);
    assert(!text.overflow);
    if (text.len > COMMAND_BYTES_MAX) {
        return false;
    }
    bool ok = command_decode(buf_str(&text), arena, ret, &err);
    assert(ok && str_eq(ret->id, c->id) && ret->counter == c->counter);
    assert(str_eq(ret->verb, c->verb) && ret->to_count == c->to_count);
    return true;
}

static void try_command(struct str body, struct arena *arena)
{
    struct command c;
    struct command again;
    struct command third;
    struct command_args args;
    struct err err = {0};
    if (!command_decode(body, arena, &c, &err)) {
        assert(err.code != ERR_NONE && err.msg[0] != '\0');
        return;
    }
    assert(c.to_count >= 1 && c.to_count <= COMMAND_DEVICES_MAX && c.counter >= 1);
    /* Arguments may come as a text that holds an object, which then is one. */
    if (write_again(&c, arena, &again) && write_again(&again, arena, &third)) {
        assert(str_eq(third.args, again.args));
    }
    if (command_read_args(&c, arena, &args, &err)) {
        assert(args.tags.count <= 64 && args.names.count <= 1000);
        assert(args.offset >= 0 && args.bytes >= 1);
    }
}

static void try_piece(struct str payload, struct arena *arena)
{
    struct command_piece p;
    struct command_piece again;
    struct err err = {0};
    if (!command_piece_decode(payload, arena, &p, &err)) {
        assert(err.code != ERR_NONE && err.msg[0] != '\0');
        return;
    }
    AUTO(buf) text = buf_growing(1 << 20);
    command_piece_encode(&p, &text);
    bool ok = command_piece_decode(buf_str(&text), arena, &again, &err);
    assert(ok && str_eq(again.bytes, p.bytes) && again.offset == p.offset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct str payload = {(const char *)data + 1, size - 1};
    AUTO(arena) arena = arena_new(COMMAND_ARENA_BYTES);
    if (data[0] == 'p') {
        try_piece(payload, &arena);
    } else {
        try_command(payload, &arena);
    }
    return 0;
}
