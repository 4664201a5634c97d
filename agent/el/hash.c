#include "agent/el/hash.h"

#include <endian.h>
#include <string.h>

#define PRIME_1 UINT64_C(0x9E3779B185EBCA87)
#define PRIME_2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define PRIME_3 UINT64_C(0x165667B19E3779F9)
#define PRIME_4 UINT64_C(0x85EBCA77C2B2AE63)
#define PRIME_5 UINT64_C(0x27D4EB2F165667C5)

static uint64_t rotate(uint64_t v, unsigned bits)
{
    return (v << bits) | (v >> (64 - bits));
}

static uint64_t load64(const unsigned char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return le64toh(v);
}

static uint32_t load32(const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return le32toh(v);
}

static uint64_t round64(uint64_t lane, uint64_t input)
{
    return rotate(lane + input * PRIME_2, 31) * PRIME_1;
}

static uint64_t merge(uint64_t value, uint64_t lane)
{
    return (value ^ round64(0, lane)) * PRIME_1 + PRIME_4;
}

struct hash64 hash64_new(void)
{
    return (struct hash64){.lanes = {PRIME_1 + PRIME_2, PRIME_2, 0, 0 - PRIME_1}};
}

static void add_stripe(struct hash64 *h, const unsigned char *p)
{
    for (size_t i = 0; i < 4; i++) {
        h->lanes[i] = round64(h->lanes[i], load64(p + 8 * i));
    }
}

void hash64_add(struct hash64 *h, struct str bytes)
{
    if (bytes.len == 0) {
        return;
    }
    const unsigned char *p = (const unsigned char *)bytes.ptr;
    size_t left = bytes.len;
    h->total += left;
    if (h->pending_len > 0) {
        size_t take = sizeof(h->pending) - h->pending_len;
        take = take > left ? left : take;
        memcpy(h->pending + h->pending_len, p, take);
        h->pending_len += take;
        p += take;
        left -= take;
        if (h->pending_len < sizeof(h->pending)) {
            return;
        }
        add_stripe(h, h->pending);
        h->pending_len = 0;
    }
    for (; left >= sizeof(h->pending); left -= sizeof(h->pending)) {
        add_stripe(h, p);
        p += sizeof(h->pending);
    }
    memcpy(h->pending, p, left);
    h->pending_len = left;
}

static uint64_t add_tail(uint64_t value, const unsigned char *p, size_t left)
{
    for (; left >= 8; left -= 8, p += 8) {
        value = rotate(value ^ round64(0, load64(p)), 27) * PRIME_1 + PRIME_4;
    }
    if (left >= 4) {
        value = rotate(value ^ (load32(p) * PRIME_1), 23) * PRIME_2 + PRIME_3;
        p += 4;
        left -= 4;
    }
    for (; left > 0; left--, p++) {
        value = rotate(value ^ (*p * PRIME_5), 11) * PRIME_1;
    }
    return value;
}

uint64_t hash64_value(const struct hash64 *h)
{
    uint64_t value = PRIME_5;
    if (h->total >= sizeof(h->pending)) {
        value = rotate(h->lanes[0], 1) + rotate(h->lanes[1], 7) + rotate(h->lanes[2], 12) +
                rotate(h->lanes[3], 18);
        for (size_t i = 0; i < 4; i++) {
            value = merge(value, h->lanes[i]);
        }
    }
    value = add_tail(value + h->total, h->pending, h->pending_len);
    value = (value ^ (value >> 33)) * PRIME_2;
    value = (value ^ (value >> 29)) * PRIME_3;
    return value ^ (value >> 32);
}

uint64_t hash64_of(struct str bytes)
{
    struct hash64 h = hash64_new();
    hash64_add(&h, bytes);
    return hash64_value(&h);
}
