/* seeded_rng.h - the rng port for tests: the same seed gives the same bytes on every host. */
#pragma once
#include "common/platform/rng.h"

struct seeded_rng {
    uint64_t state;
};

struct seeded_rng seeded_rng_new(uint64_t seed);
/* The generator must outlive the port. */
struct rng seeded_rng_port(struct seeded_rng *rng);
