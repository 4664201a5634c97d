#include "common/dbt/texts.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_MIN = 1024, ARRAY_MIN = 64 };

bool grow(void **array, size_t count, size_t *cap, size_t size, struct err *err)
{
    if (count < *cap) {
        return true;
    }
    size_t wanted = *cap == 0 ? ARRAY_MIN : *cap * 2;
    void *more = wanted > SIZE_MAX / 2 / size ? NULL : realloc(*array, wanted * size);
    if (more == NULL) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a dbt project");
    }
    *array = more;
    *cap = wanted;
    return true;
}

struct texts texts_new(struct arena *arena)
{
    /* Where the arena stands differs in each process: nobody can prepare texts that collide. */
    return (struct texts){.arena = arena, .seed = (uintptr_t)arena};
}

void texts_release(struct texts *t)
{
    free(t->items);
    free(t->slots);
    *t = (struct texts){0};
}

static uint32_t hash_of(const struct texts *t, struct str text)
{
    uint64_t hash = t->seed ^ (text.len * UINT64_C(0x9e3779b97f4a7c15));
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(0xff51afd7ed558ccd);
        hash ^= hash >> 32;
    }
    return (uint32_t)hash;
}

/* The slot of `text`, or the free one where it belongs. */
static uint32_t *slot_of(const struct texts *t, struct str text)
{
    uint32_t mask = t->slot_count - 1;
    uint32_t i = hash_of(t, text) & mask;
    while (t->slots[i] != 0 && !str_eq(t->items[t->slots[i] - 1], text)) {
        i = (i + 1) & mask;
    }
    return &t->slots[i];
}

/* Twice as many slots, so that at most three of four are taken. */
static bool grow_slots(struct texts *t)
{
    if (t->count < t->slot_count / 4 * 3) {
        return true;
    }
    uint32_t wanted = t->slot_count == 0 ? SLOTS_MIN : t->slot_count * 2;
    uint32_t *slots = calloc(wanted, sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    free(t->slots);
    t->slots = slots;
    t->slot_count = wanted;
    for (uint32_t i = 0; i < t->count; i++) {
        *slot_of(t, t->items[i]) = i + 1;
    }
    return true;
}

bool texts_add(struct texts *t, struct str text, uint32_t *ret, struct err *err)
{
    size_t cap = t->cap;
    void *items = t->items;
    if (t->count == UINT32_MAX / 2) {
        return err_set(err, ERR_FULL, "a dbt project has too many names");
    }
    if (!grow_slots(t)) {
        return err_set(err, ERR_NO_MEMORY, "no memory for a dbt project");
    }
    uint32_t *slot = slot_of(t, text);
    if (*slot == 0) {
        if (!grow(&items, t->count, &cap, sizeof(*t->items), err)) {
            return false;
        }
        t->items = items;
        t->cap = (uint32_t)cap;
        struct str copy = text.len == 0 ? STR("") : arena_copy(t->arena, text);
        if (copy.ptr == NULL) {
            return err_set(err, ERR_FULL, "a dbt project of more than %zu bytes (LIMIT_DBT_ARENA)",
                           t->arena->max);
        }
        t->items[t->count++] = copy;
        *slot = t->count;
    }
    *ret = *slot - 1;
    return true;
}

bool texts_keep(struct texts *t, struct str text, struct str *ret, struct err *err)
{
    uint32_t number = 0;
    if (!texts_add(t, text, &number, err)) {
        return false;
    }
    *ret = t->items[number];
    return true;
}
