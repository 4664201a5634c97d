/* backoff.h - how long to wait before trying again. Pure: chance comes in as a random number. */
#pragma once
#include <stdint.h>

enum backoff_growth { BACKOFF_NONE, BACKOFF_LINEAR, BACKOFF_EXPONENTIAL };
enum backoff_jitter { JITTER_NONE, JITTER_FULL, JITTER_PLUS_MINUS };

/* Dagster's RetryPolicy. */
struct retry_policy {
    int64_t max; /* retries after the first attempt; 0 = none */
    int64_t delay_ns;
    enum backoff_growth growth;
    enum backoff_jitter jitter;
};

enum { BACKOFF_DELAY_MAX_HOURS = 24 };

/* Nanoseconds to wait before retry number `retry` (1 = the first). Dagster's formulae: delay | n *
 * delay | (2^n - 1) * delay; then full jitter in [0, d), or d plus or minus the base delay. Never
 * negative, at most BACKOFF_DELAY_MAX_HOURS. */
int64_t retry_delay_ns(const struct retry_policy *policy, int64_t retry, uint64_t random);

/* Reconnecting: full jitter over a window that doubles from `base_ns` with each failure (1 = the
 * first) up to `cap_ns`, in [1, window]. */
int64_t reconnect_delay_ns(int64_t base_ns, int64_t cap_ns, int64_t failures, uint64_t random);
