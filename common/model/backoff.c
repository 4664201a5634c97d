#include "common/model/backoff.h"

#define DELAY_MAX_NS (INT64_C(3600000000000) * BACKOFF_DELAY_MAX_HOURS)

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    if (value < low) {
        return low;
    }
    return value > high ? high : value;
}

/* delay * factor, held at the maximum. */
static int64_t times(int64_t delay, int64_t factor)
{
    int64_t product = 0;
    return __builtin_mul_overflow(delay, factor, &product) ? DELAY_MAX_NS : product;
}

/* As good as uniform in [0, bound): a bound of 24 hours favours no value by more than 2^-17. */
static int64_t scale(int64_t bound, uint64_t random)
{
    return bound == 0 ? 0 : (int64_t)(random % (uint64_t)bound);
}

static int64_t grown(const struct retry_policy *policy, int64_t base, int64_t retry)
{
    switch (policy->growth) {
    case BACKOFF_LINEAR:
        return times(base, retry);
    case BACKOFF_EXPONENTIAL:
        /* Beyond 2^47 even a delay of 1 ns is past the maximum. */
        return times(base, (INT64_C(1) << clamp(retry, 1, 47)) - 1);
    case BACKOFF_NONE:
    default:
        return base;
    }
}

int64_t retry_delay_ns(const struct retry_policy *policy, int64_t retry, uint64_t random)
{
    int64_t base = clamp(policy->delay_ns, 0, DELAY_MAX_NS);
    int64_t delay = clamp(grown(policy, base, clamp(retry, 1, INT64_MAX)), 0, DELAY_MAX_NS);
    switch (policy->jitter) {
    case JITTER_FULL:
        return scale(delay, random);
    case JITTER_PLUS_MINUS:
        return clamp(delay - base + scale(2 * base, random), 0, DELAY_MAX_NS);
    case JITTER_NONE:
    default:
        return delay;
    }
}

int64_t reconnect_delay_ns(int64_t base_ns, int64_t cap_ns, int64_t failures, uint64_t random)
{
    int64_t cap = clamp(cap_ns, 1, INT64_MAX);
    int64_t window = clamp(base_ns, 1, cap);
    for (int64_t i = 1; i < failures && window < cap; i++) {
        window = window > cap / 2 ? cap : window * 2;
    }
    return 1 + scale(window, random);
}
