#include "common/base/md5.h"

#include <string.h>

enum { BLOCK_BYTES = 64, LENGTH_AT = 56, STEPS = 64 };

/* floor(2^32 * abs(sin(i + 1))), RFC 1321 section 3.4 */
static const uint32_t sines[STEPS] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
static const unsigned char shifts[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t word_at(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static void put_word(unsigned char *bytes, uint32_t word)
{
    for (int i = 0; i < 4; i++) {
        bytes[i] = (unsigned char)(word >> (8 * i));
    }
}

static uint32_t mix(unsigned round, const uint32_t s[4])
{
    switch (round) {
    case 0:
        return (s[1] & s[2]) | (~s[1] & s[3]);
    case 1:
        return (s[1] & s[3]) | (s[2] & ~s[3]);
    case 2:
        return s[1] ^ s[2] ^ s[3];
    default:
        return s[2] ^ (s[1] | ~s[3]);
    }
}

static void add_block(uint32_t state[4], const unsigned char *block)
{
    static const unsigned char factors[4] = {1, 5, 3, 7};
    static const unsigned char offsets[4] = {0, 1, 5, 0};
    uint32_t s[4];
    memcpy(s, state, sizeof(s));
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned round = i / 16;
        unsigned at = (factors[round] * i + offsets[round]) % 16;
        unsigned shift = shifts[round][i % 4];
        uint32_t sum = s[0] + mix(round, s) + sines[i] + word_at(block + (size_t)at * 4);
        s[0] = s[3];
        s[3] = s[2];
        s[2] = s[1];
        s[1] += sum << shift | sum >> (32 - shift);
    }
    for (int i = 0; i < 4; i++) {
        state[i] += s[i];
    }
}

void md5(struct str bytes, unsigned char ret[MD5_BYTES])
{
    uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    const unsigned char *at = (const unsigned char *)bytes.ptr;
    size_t left = bytes.len;
    for (; left >= BLOCK_BYTES; left -= BLOCK_BYTES, at += BLOCK_BYTES) {
        add_block(state, at);
    }
    unsigned char last[2 * BLOCK_BYTES] = {0};
    if (left > 0) {
        memcpy(last, at, left);
    }
    last[left] = 0x80;
    size_t blocks = left < LENGTH_AT ? 1 : 2;
    unsigned char *length = last + (blocks - 1) * BLOCK_BYTES + LENGTH_AT;
    uint64_t bits = (uint64_t)bytes.len * 8;
    put_word(length, (uint32_t)bits);
    put_word(length + 4, (uint32_t)(bits >> 32));
    for (size_t i = 0; i < blocks; i++) {
        add_block(state, last + i * BLOCK_BYTES);
    }
    for (int i = 0; i < 4; i++) {
        put_word(ret + (size_t)i * 4, state[i]);
    }
}

void md5_hex(struct str bytes, char ret[MD5_HEX_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[MD5_BYTES];
    md5(bytes, hash);
    for (size_t i = 0; i < MD5_BYTES; i++) {
        ret[2 * i] = digits[hash[i] >> 4];
        ret[2 * i + 1] = digits[hash[i] & 15];
    }
}
