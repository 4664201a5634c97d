/* texts.h - texts that are kept once, and numbered in the order in which they came. Internal to
 * common/dbt. The texts themselves live in the arena, the table on the heap. */
#pragma once
#include "common/base/arena.h"
#include "common/base/err.h"

struct texts {
    struct arena *arena;
    struct str *items;
    uint32_t count, cap;
    uint32_t *slots;     /* number + 1; 0: free */
    uint32_t slot_count; /* a power of two */
    uint64_t seed;
};

struct texts texts_new(struct arena *arena);
void texts_release(struct texts *t); /* fits AUTO(texts) */
/* The number of `text`, which is copied when it is new. ERR_FULL, ERR_NO_MEMORY. */
MUST_CHECK bool texts_add(struct texts *t, struct str text, uint32_t *ret, struct err *err);
/* The same, and the copy. */
MUST_CHECK bool texts_keep(struct texts *t, struct str text, struct str *ret, struct err *err);

/* Space for one more element of an array on the heap that doubles. */
MUST_CHECK bool grow(void **array, size_t count, size_t *cap, size_t size, struct err *err);
