/* hash.h - XXH64, streaming: tells whether a file's content changed. Not for use against an
 * adversary. Source: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md (section
 * XXH64). */
#pragma once
#include "common/base/str.h"
#include <stdint.h>

struct hash64 {
    uint64_t lanes[4];
    uint64_t total;
    unsigned char pending[32];
    size_t pending_len;
};

struct hash64 hash64_new(void);
void hash64_add(struct hash64 *h, struct str bytes);
uint64_t hash64_value(const struct hash64 *h); /* of all bytes so far; more may follow */
uint64_t hash64_of(struct str bytes);
