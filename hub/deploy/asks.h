/* asks.h - pieces of bundles that devices have asked for, and when each may go: first come, first
 * served, so many bytes a second over the whole fleet. A device has one place: what it asks for
 * later replaces it. Pure. */
#pragma once
#include "common/base/time.h"
#include "common/wire/bundle.h"
#include "common/wire/topics.h"

enum { ASKS_MAX = 4096, ASKS_BURST_BYTES = 256 << 10 };
struct ask {
    char device[64];
    char bundle[BUNDLE_HASH_SIZE];
    char file[BUNDLE_HASH_SIZE]; /* empty = the manifest */
    int64_t offset;
    int64_t max;
};
struct asks {
    struct ask *ring; /* ASKS_MAX of them */
    size_t first, count;
    int64_t rate;        /* bytes a second */
    int64_t allowance;   /* bytes that may go now; below zero after a large piece */
    struct mono_time at; /* when that was so */
};
/* False when there is no place: the device asks again. */
bool asks_add(struct asks *asks, struct str device, const struct bundle_want *want);
/* The ask that may go now, or NULL and how long to wait (0: nobody waits). */
const struct ask *asks_next(struct asks *asks, struct mono_time now, int64_t *ret_wait_ns);
/* It went, with so many bytes. */
void asks_done(struct asks *asks, int64_t bytes);
