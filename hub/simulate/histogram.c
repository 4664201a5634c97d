#include "hub/simulate/histogram.h"

enum { STEPS = 32, US = 1000 };

/* 0..31 us stand for themselves; above, the five bits below the highest one choose. */
static int bucket_of(int64_t ns)
{
    uint64_t us = ns < 0 ? 0 : (uint64_t)ns / US;
    int doublings = 0;
    while (us >= 2 * STEPS) {
        us >>= 1;
        doublings++;
    }
    int bucket = us < STEPS ? (int)us : STEPS * (doublings + 1) + (int)(us - STEPS);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The upper edge of a bucket. */
static int64_t edge_of(int bucket)
{
    if (bucket < STEPS) {
        return ((int64_t)bucket + 1) * US;
    }
    int doublings = bucket / STEPS - 1;
    return (int64_t)(STEPS + bucket % STEPS + 1) * US << doublings;
}

void histogram_add(struct histogram *h, int64_t ns, int64_t times)
{
    h->bucket[bucket_of(ns)] += times;
    h->count += times;
    h->max_ns = ns > h->max_ns ? ns : h->max_ns;
}

int64_t histogram_quantile(const struct histogram *h, int64_t share_ppm)
{
    int64_t wanted = (h->count * share_ppm + 999999) / 1000000;
    int64_t seen = 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->bucket[i];
        if (seen >= wanted && seen > 0) {
            int64_t edge = edge_of(i);
            return edge < h->max_ns ? edge : h->max_ns;
        }
    }
    return h->max_ns;
}
