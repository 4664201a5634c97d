/* Source: RFC 3174, method 1. */
#include "common/base/sha1.h"

#include <string.h>

enum { BLOCK = 64, ROUNDS = 80 };

static uint32_t turn(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

static uint32_t mix(int round, uint32_t b, uint32_t c, uint32_t d)
{
    if (round < 20) {
        return ((b & c) | (~b & d)) + 0x5A827999U;
    }
    if (round < 40) {
        return (b ^ c ^ d) + 0x6ED9EBA1U;
    }
    if (round < 60) {
        return ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDCU;
    }
    return (b ^ c ^ d) + 0xCA62C1D6U;
}

static void take_block(uint32_t h[5], const uint8_t block[BLOCK])
{
    uint32_t w[ROUNDS];
    for (size_t i = 0; i < 16; i++) {
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    }
    for (int i = 16; i < ROUNDS; i++) {
        w[i] = turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    }
    uint32_t v[5];
    memcpy(v, h, sizeof(v));
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t next = turn(v[0], 5) + mix(i, v[1], v[2], v[3]) + v[4] + w[i];
        v[4] = v[3];
        v[3] = v[2];
        v[2] = turn(v[1], 30);
        v[1] = v[0];
        v[0] = next;
    }
    for (int i = 0; i < 5; i++) {
        h[i] += v[i];
    }
}

void sha1(struct str bytes, uint8_t ret[SHA1_BYTES])
{
    uint32_t h[5] = {0x67452301U, 0xEFCDAB89U, 0x98BADCFEU, 0x10325476U, 0xC3D2E1F0U};
    const uint8_t *at = (const uint8_t *)bytes.ptr;
    size_t left = bytes.len;
    for (; left >= BLOCK; left -= BLOCK, at += BLOCK) {
        take_block(h, at);
    }
    uint8_t last[2 * BLOCK] = {0};
    size_t size = left < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    if (left > 0) {
        memcpy(last, at, left);
    }
    last[left] = 0x80;
    for (int i = 0; i < 8; i++) {
        last[size - 1 - (size_t)i] = (uint8_t)((uint64_t)bytes.len * 8 >> (8 * i));
    }
    for (size_t i = 0; i < size; i += BLOCK) {
        take_block(h, last + i);
    }
    for (size_t i = 0; i < SHA1_BYTES; i++) {
        ret[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
    }
}
