#include "tests/support/seeded_rng.h"

struct seeded_rng seeded_rng_new(uint64_t seed)
{
    return (struct seeded_rng){.state = seed};
}

/* splitmix64 (Steele, Lea, Flood 2014): any seed is a good one. */
static uint64_t next(struct seeded_rng *rng)
{
    rng->state += 0x9E3779B97F4A7C15U;
    uint64_t z = rng->state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

static void fill(void *ctx, void *bytes, size_t len)
{
    unsigned char *to = bytes;
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++) {
        word = i % 8 == 0 ? next(ctx) : word >> 8;
        to[i] = (unsigned char)word;
    }
}

struct rng seeded_rng_port(struct seeded_rng *rng)
{
    return (struct rng){.fill = fill, .ctx = rng};
}
