#include "common/base/strmap.h"

enum { FIRST_CAP = 16 };

struct strmap strmap_new(struct arena *arena)
{
    return (struct strmap){.arena = arena};
}

/* FNV-1a with a final mix: the low bits choose the slot. */
static uint32_t hash_of(struct str key)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < key.len; i++) {
        hash = (hash ^ (unsigned char)key.ptr[i]) * 16777619U;
    }
    hash ^= hash >> 16;
    hash *= 0x85EBCA6BU;
    return hash ^ (hash >> 13);
}

/* The slot that holds the key, or the free one where it belongs. There is always a free slot. */
static struct strmap_slot *find(struct strmap_slot *slots, size_t cap, struct str key,
                                uint32_t hash)
{
    size_t at = hash & (cap - 1);
    while (slots[at].used && (slots[at].hash != hash || !str_eq(slots[at].key, key))) {
        at = (at + 1) & (cap - 1);
    }
    return &slots[at];
}

/* The old table stays in the arena: doubling keeps the sum below the new table's size. */
static bool grow(struct strmap *m)
{
    size_t cap = m->cap == 0 ? FIRST_CAP : m->cap * 2;
    struct strmap_slot *slots = arena_array(m->arena, cap, sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < m->cap; i++) {
        const struct strmap_slot *old = &m->slots[i];
        if (old->used) {
            *find(slots, cap, old->key, old->hash) = *old;
        }
    }
    m->slots = slots;
    m->cap = cap;
    return true;
}

bool strmap_put(struct strmap *m, struct str key, uint32_t value)
{
    /* At most three quarters full. */
    if (m->count >= m->cap / 4 * 3 && !grow(m)) {
        return false;
    }
    uint32_t hash = hash_of(key);
    struct strmap_slot *slot = find(m->slots, m->cap, key, hash);
    if (slot->used) {
        slot->value = value;
        return true;
    }
    *slot = (struct strmap_slot){.key = key, .hash = hash, .value = value, .used = true};
    m->count++;
    return true;
}

bool strmap_get(const struct strmap *m, struct str key, uint32_t *ret_value)
{
    if (m->count == 0) {
        return false;
    }
    const struct strmap_slot *slot = find(m->slots, m->cap, key, hash_of(key));
    if (!slot->used) {
        return false;
    }
    *ret_value = slot->value;
    return true;
}
