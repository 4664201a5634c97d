/* histogram.h - how long things took, in a few KB: 32 buckets for each doubling, so that a quantile
 * is right to 3 %. From 1 us to 1 hour; what is outside counts as the nearest. Pure. */
#pragma once
#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 32 * 33 };
struct histogram { /* zeroed at first */
    int64_t count;
    int64_t max_ns;
    int64_t bucket[HISTOGRAM_BUCKETS];
};
void histogram_add(struct histogram *h, int64_t ns, int64_t times);
/* The time that `share` of 1,000,000 stayed within; 0 when nothing was added. */
int64_t histogram_quantile(const struct histogram *h, int64_t share_ppm);
