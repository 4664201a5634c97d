/* ring.h - what was told lately, so that who was away for a moment gets what they missed. Bounded; the
 * oldest give way. Pure memory, no clock. */
#pragma once
#include "common/base/err.h"
#include "common/base/str.h"
#include <stdint.h>

enum { RING_ENTRIES = 8192, RING_TEXT_BYTES_MAX = 1024 };
struct ring;
MUST_CHECK bool ring_open(struct ring **ret, struct err *err);
void ring_close(struct ring *ring); /* NULL is allowed */
/* The number of the next one to be added; the first is 1. */
uint64_t ring_next(const struct ring *ring);
/* The oldest that is still there; ring_next() when there is none. */
uint64_t ring_oldest(const struct ring *ring);
/* Copies `text`. What does not fit into memory is as if it had been forgotten: who wants it is told to
 * load again. */
void ring_add(struct ring *ring, struct str text);
/* From ring_oldest() to ring_next() - 1. */
struct str ring_get(const struct ring *ring, uint64_t number);
