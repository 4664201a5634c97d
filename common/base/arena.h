/* arena.h - memory that is released all at once, with a maximum. One owner, one thread. */
#pragma once
#include "common/base/compiler.h"
#include "common/base/str.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *head; /* newest chunk */
    size_t used;              /* bytes handed out, with padding */
    size_t max;               /* never hands out more */
    bool exhausted;           /* an allocation was refused; sticky until arena_reset */
    bool is_secret;           /* set it, and all memory is wiped before it is used again or freed */
};

struct arena arena_new(size_t max);
/* Zeroed memory, aligned for any type, or NULL at the maximum or out of memory. */
MUST_CHECK void *arena_alloc(struct arena *a, size_t size);
MUST_CHECK void *arena_array(struct arena *a, size_t count, size_t size); /* overflow-checked */
/* Copies the bytes and adds a NUL behind them; STR_NONE (ptr NULL) when refused. */
MUST_CHECK struct str arena_copy(struct arena *a, struct str s);
/* A NUL-terminated copy, or NULL. */
MUST_CHECK const char *arena_cstr(struct arena *a, struct str s);
PRINTF_LIKE(2, 3) MUST_CHECK struct str arena_printf(struct arena *a, const char *fmt, ...);
void arena_reset(struct arena *a);   /* keeps one chunk for reuse */
void arena_release(struct arena *a); /* frees all; fits AUTO(arena) */
