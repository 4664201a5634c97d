#include "hub/accounts/guesses.h"

#include "common/base/buf.h"
#include "common/tls/identity.h"
#include <string.h>

enum { TEXT_BYTES = 256 };

static uint64_t tag_of(const struct guesses *guesses, struct str name, struct str place)
{
    char memory[TEXT_BYTES];
    uint8_t hash[32];
    uint64_t tag = 0;
    struct buf text = buf_fixed(memory, sizeof(memory));
    buf_add(&text, (struct str){(const char *)guesses->key, sizeof(guesses->key)});
    buf_add(&text, str_clip(name, 100));
    buf_add_char(&text, '\0');
    buf_add(&text, str_clip(place, 100));
    digest_sha256(buf_str(&text), hash);
    memcpy(&tag, hash, sizeof(tag));
    return tag == 0 ? 1 : tag;
}

struct guess *guesses_name(struct guesses *guesses, struct str name)
{
    uint64_t tag = tag_of(guesses, name, STR_NONE);
    struct guess *slot = &guesses->names[tag % GUESSES_NAMES];
    if (slot->tag != tag) {
        *slot = (struct guess){.tag = tag};
    }
    return slot;
}

struct guess *guesses_place(struct guesses *guesses, struct str name, struct str place)
{
    uint64_t tag = tag_of(guesses, name, place);
    struct guess *slot = &guesses->places[tag % GUESSES_PLACES];
    return slot->tag == tag ? slot : NULL;
}

void guesses_welcome(struct guesses *guesses, struct str name, struct str place)
{
    uint64_t tag = tag_of(guesses, name, place);
    guesses->places[tag % GUESSES_PLACES] = (struct guess){.tag = tag};
}
