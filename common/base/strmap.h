/* strmap.h - from a string to a small number: open addressing over arena memory. Keys are borrowed.
 * No removal. */
#pragma once
#include "common/base/arena.h"

struct strmap_slot {
    struct str key;
    uint32_t hash;
    uint32_t value;
    bool used;
};
struct strmap {
    struct strmap_slot *slots;
    size_t cap; /* a power of two */
    size_t count;
    struct arena *arena;
};

struct strmap strmap_new(struct arena *arena);
/* False when the arena is exhausted. Replaces an earlier value. */
MUST_CHECK bool strmap_put(struct strmap *m, struct str key, uint32_t value);
bool strmap_get(const struct strmap *m, struct str key, uint32_t *ret_value);
