/* rng.h - the port for random bytes: getrandom() in production, a seed in simulation. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct rng {
    void (*fill)(void *ctx, void *bytes,
                 size_t len); /* never fails; aborts when the kernel has no entropy source */
    void *ctx;
};

struct rng rng_system(void);
uint64_t rng_u64(const struct rng *r);
/* Uniform in [0, bound); bound > 0. */
uint64_t rng_below(const struct rng *r, uint64_t bound);
/* `len` random bytes as 2*len lower-case hex digits and a NUL. */
void rng_hex(const struct rng *r, size_t len, char *ret_text);
