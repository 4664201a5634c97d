/* digest.h - 64 bits that stand for a text: to see that it changed, not to protect it. Kept in
 * cursors, so the same for ever. FNV-1a (Fowler, Noll, Vo). */
#pragma once
#include "common/base/str.h"

#define DIGEST_BASIS UINT64_C(0xcbf29ce484222325)
#define DIGEST_PRIME UINT64_C(0x100000001b3)

static inline uint64_t digest_of(struct str s)
{
    uint64_t h = DIGEST_BASIS;
    for (size_t i = 0; i < s.len; i++) {
        h = (h ^ (unsigned char)s.ptr[i]) * DIGEST_PRIME;
    }
    return h;
}
static inline uint64_t digest_join(uint64_t a, uint64_t b)
{
    return (a ^ b) * DIGEST_PRIME + a;
}
