/* buf.h - a growing byte buffer with a maximum. Overflow is sticky: append freely, check once at
 * the end. */
#pragma once
#include "common/base/compiler.h"
#include "common/base/str.h"

struct buf {
    char *ptr;
    size_t len;
    size_t cap;
    size_t max;    /* never grows past this */
    bool is_fixed; /* `ptr` belongs to the caller */
    bool overflow; /* something did not fit, or memory ran out; the contents are not to be used */
};

/* A buffer over the caller's memory, or one that grows on the heap up to `max` bytes. */
struct buf buf_fixed(char *memory, size_t cap);
struct buf buf_growing(size_t max);
void buf_release(struct buf *b); /* frees heap memory and zeroes the struct; fits AUTO(buf) */
void buf_wipe(struct buf *b);    /* the same for a secret: its memory is overwritten first */

void buf_add(struct buf *b, struct str s);
void buf_add_text(struct buf *b, const char *text);
void buf_add_char(struct buf *b, char c);
void buf_add_i64(struct buf *b, int64_t value);
PRINTF_LIKE(2, 3) void buf_addf(struct buf *b, const char *fmt, ...);

/* Space for at least `len` more bytes at buf->ptr + buf->len, or NULL (overflow is set). Fill, then
 * add to len. */
char *buf_reserve(struct buf *b, size_t len);
void buf_consume(struct buf *b, size_t len); /* drops bytes at the front */
void buf_reset(struct buf *b);               /* empty again, memory kept, overflow cleared */
struct str buf_str(const struct buf *b);     /* borrowed until the next change */
/* NUL-terminated view, or NULL after overflow. The NUL does not count against `max` of a growing
 * buffer; a full fixed one has no byte for it and overflows. */
const char *buf_cstr(struct buf *b);
