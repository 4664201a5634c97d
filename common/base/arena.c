#include "common/base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Chunks grow with the arena, so that a small arena stays small and a large one needs few chunks.
 */
enum { CHUNK_MIN = 4 << 10, CHUNK_MAX = 256 << 10 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t cap;
    size_t used;
    alignas(max_align_t) char bytes[];
};

struct arena arena_new(size_t max)
{
    /* No object is larger than half the address space; so no sum below wraps. */
    return (struct arena){.max = max < SIZE_MAX / 2 ? max : SIZE_MAX / 2};
}

static size_t chunk_size(const struct arena *a)
{
    size_t size = a->used < CHUNK_MIN ? CHUNK_MIN : a->used;
    size = size > CHUNK_MAX ? CHUNK_MAX : size;
    size_t left = a->max - a->used;
    return size < left ? size : left;
}

/* A chunk with space for `size`, linked into the arena, or NULL. */
static struct arena_chunk *chunk_add(struct arena *a, size_t size)
{
    size_t usual = chunk_size(a);
    /* A large request gets a chunk of its own behind the head: the head's free tail stays in use.
     */
    bool is_alone = a->head != NULL && size > usual / 4;
    size_t cap = is_alone || size > usual ? size : usual;
    struct arena_chunk *chunk = malloc(sizeof(*chunk) + cap);
    if (chunk == NULL) {
        return NULL;
    }
    chunk->cap = cap;
    chunk->used = 0;
    if (is_alone) {
        chunk->next = a->head->next;
        a->head->next = chunk;
    } else {
        chunk->next = a->head;
        a->head = chunk;
    }
    return chunk;
}

/* Space for `size` bytes out of the newest chunk or a new one; NULL when refused. */
static void *take(struct arena *a, size_t size)
{
    if (size > a->max - a->used) {
        return NULL;
    }
    struct arena_chunk *chunk = a->head;
    if (chunk == NULL || size > chunk->cap - chunk->used) {
        chunk = chunk_add(a, size);
    }
    if (chunk == NULL) {
        return NULL;
    }
    void *ptr = chunk->bytes + chunk->used;
    chunk->used += size;
    a->used += size;
    return ptr;
}

void *arena_alloc(struct arena *a, size_t size)
{
    const size_t align = alignof(max_align_t);
    void *ptr = NULL;
    if (size <= a->max) {
        /* An empty object still gets an address of its own. The last one may go without its
         * padding. */
        size_t padded = size == 0 ? align : (size + align - 1) / align * align;
        size_t left = a->max - a->used;
        ptr = take(a, padded > left && size > 0 && size <= left ? left : padded);
    }
    if (ptr == NULL) {
        a->exhausted = true;
        return NULL;
    }
    return memset(ptr, 0, size);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        a->exhausted = true;
        return NULL;
    }
    return arena_alloc(a, bytes);
}

struct str arena_copy(struct arena *a, struct str s)
{
    char *copy = s.len == SIZE_MAX ? NULL : arena_alloc(a, s.len + 1);
    if (copy == NULL) {
        return STR_NONE;
    }
    if (s.len > 0) {
        memcpy(copy, s.ptr, s.len);
    }
    return (struct str){copy, s.len};
}

const char *arena_cstr(struct arena *a, struct str s)
{
    return arena_copy(a, s).ptr;
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = len < 0 ? NULL : arena_alloc(a, (size_t)len + 1);
    if (text == NULL) {
        a->exhausted = true;
        return STR_NONE;
    }
    va_start(args, fmt);
    (void)vsnprintf(text, (size_t)len + 1, fmt, args);
    va_end(args);
    return (struct str){text, (size_t)len};
}

static void wipe_chunk(struct arena_chunk *chunk)
{
    explicit_bzero(chunk->bytes, chunk->used);
}

static void free_chunks(struct arena_chunk *chunk, bool is_secret)
{
    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;
        if (is_secret) {
            wipe_chunk(chunk);
        }
        free(chunk);
        chunk = next;
    }
}

void arena_reset(struct arena *a)
{
    if (a->head != NULL) {
        if (a->is_secret) {
            wipe_chunk(a->head);
        }
        free_chunks(a->head->next, a->is_secret);
        a->head->next = NULL;
        a->head->used = 0;
    }
    a->used = 0;
    a->exhausted = false;
    a->is_secret = false;
}

void arena_release(struct arena *a)
{
    free_chunks(a->head, a->is_secret);
    *a = (struct arena){0};
}
