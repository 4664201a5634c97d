#include "common/base/buf.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64 };

struct buf buf_fixed(char *memory, size_t cap)
{
    return (struct buf){.ptr = memory, .cap = cap, .max = cap, .is_fixed = true};
}

struct buf buf_growing(size_t max)
{
    return (struct buf){.max = max < SIZE_MAX / 2 ? max : SIZE_MAX / 2};
}

void buf_release(struct buf *b)
{
    if (!b->is_fixed) {
        free(b->ptr);
    }
    *b = (struct buf){0};
}

void buf_wipe(struct buf *b)
{
    if (b->ptr != NULL) {
        explicit_bzero(b->ptr, b->cap);
    }
    buf_release(b);
}

/* Heap memory has one byte more than `cap`, so that buf_cstr never has to grow. */
static bool grow(struct buf *b, size_t need)
{
    size_t cap = b->cap < FIRST_CAP ? FIRST_CAP : b->cap;
    while (cap < need) {
        cap = cap > b->max / 2 ? b->max : cap * 2;
    }
    cap = cap > b->max ? b->max : cap;
    char *ptr = realloc(b->ptr, cap + 1);
    if (ptr == NULL) {
        return false;
    }
    b->ptr = ptr;
    b->cap = cap;
    return true;
}

char *buf_reserve(struct buf *b, size_t len)
{
    if (b->overflow || len > b->max - b->len) {
        b->overflow = true;
        return NULL;
    }
    bool is_missing = b->ptr == NULL || len > b->cap - b->len;
    if (is_missing && (b->is_fixed || !grow(b, b->len + len))) {
        b->overflow = true;
        return NULL;
    }
    return b->ptr + b->len;
}

void buf_add(struct buf *b, struct str s)
{
    if (s.len == 0) {
        return;
    }
    char *to = buf_reserve(b, s.len);
    if (to != NULL) {
        memcpy(to, s.ptr, s.len);
        b->len += s.len;
    }
}

void buf_add_text(struct buf *b, const char *text)
{
    buf_add(b, str_from(text));
}

void buf_add_char(struct buf *b, char c)
{
    buf_add(b, (struct str){&c, 1});
}

void buf_add_i64(struct buf *b, int64_t value)
{
    buf_addf(b, "%" PRId64, value);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    char text[256]; /* most results fit: formatted once, and a fixed buffer needs no spare NUL */
    va_list args;
    va_start(args, fmt);
    int result = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (result < 0) {
        b->overflow = true;
        return;
    }
    size_t len = (size_t)result;
    if (len < sizeof(text)) {
        buf_add(b, (struct str){text, len});
        return;
    }
    char *to = buf_reserve(b, b->is_fixed ? len + 1 : len); /* room for the NUL that is written */
    if (to == NULL) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(to, len + 1, fmt, args);
    va_end(args);
    b->len += len;
}

void buf_consume(struct buf *b, size_t len)
{
    assert(len <= b->len);
    b->len -= len;
    if (b->len > 0 && len > 0) {
        memmove(b->ptr, b->ptr + len, b->len);
    }
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->overflow = false;
}

struct str buf_str(const struct buf *b)
{
    return (struct str){b->ptr, b->len};
}

const char *buf_cstr(struct buf *b)
{
    char *end = buf_reserve(b, b->is_fixed ? 1 : 0);
    if (end == NULL) {
        return NULL;
    }
    *end = '\0';
    return b->ptr;
}
