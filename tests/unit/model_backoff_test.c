#include "common/base/compiler.h"
#include "common/model/backoff.h"
#include "tests/support/cmocka_all.h"
#include <stdbool.h>

#define SEC     INT64_C(1000000000)
#define DAY_MAX (INT64_C(3600) * BACKOFF_DELAY_MAX_HOURS * SEC)

static struct retry_policy policy(enum backoff_growth growth, enum backoff_jitter jitter)
{
    return (struct retry_policy){
        .max = 3, .delay_ns = 10 * SEC, .growth = growth, .jitter = jitter};
}

static void growth_follows_dagster(void **state)
{
    (void)state;
    struct retry_policy none = policy(BACKOFF_NONE, JITTER_NONE);
    struct retry_policy linear = policy(BACKOFF_LINEAR, JITTER_NONE);
    struct retry_policy exponential = policy(BACKOFF_EXPONENTIAL, JITTER_NONE);
    static const int64_t expected[] = {10, 30, 70, 150};
    for (int64_t n = 1; n <= 4; n++) {
        assert_int_equal(retry_delay_ns(&none, n, 0), 10 * SEC);
        assert_int_equal(retry_delay_ns(&linear, n, 0), n * 10 * SEC);
        assert_int_equal(retry_delay_ns(&exponential, n, 0), expected[n - 1] * SEC);
    }
}

/* xorshift64: any spread of numbers will do. */
static uint64_t next(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

static void jitter_stays_in_its_range(void **state)
{
    (void)state;
    struct retry_policy full = policy(BACKOFF_EXPONENTIAL, JITTER_FULL);
    struct retry_policy plus_minus = policy(BACKOFF_EXPONENTIAL, JITTER_PLUS_MINUS);
    uint64_t x = 88172645463325252U;
    bool low = false;
    bool high = false;
    for (int i = 0; i < 10000; i++) {
        int64_t d = retry_delay_ns(&full, 2, next(&x));
        assert_in_range(d, 0, 30 * SEC - 1);
        low = low || d < 3 * SEC;
        high = high || d > 27 * SEC;
        /* The second exponential delay is 30 s, give or take the base delay. */
        assert_in_range(retry_delay_ns(&plus_minus, 2, next(&x)), 20 * SEC, 40 * SEC);
        assert_in_range(retry_delay_ns(&plus_minus, 1, next(&x)), 0, 20 * SEC);
    }
    assert_true(low && high);
}

static void nothing_overflows(void **state)
{
    (void)state;
    static const int64_t delays[] = {INT64_MIN, -1, 0, 1, SEC, INT64_MAX};
    static const int64_t retries[] = {INT64_MIN, 0, 1, 46, 47, 63, 64, INT64_MAX};
    static const uint64_t randoms[] = {0, 1, UINT64_MAX};
    for (size_t d = 0; d < COUNT_OF(delays); d++) {
        for (size_t n = 0; n < COUNT_OF(retries); n++) {
            for (size_t kind = 0; kind < 9 * COUNT_OF(randoms); kind++) {
                struct retry_policy p = {.max = 1,
                                         .delay_ns = delays[d],
                                         .growth = (enum backoff_growth)(kind % 3),
                                         .jitter = (enum backoff_jitter)(kind / 3 % 3)};
                int64_t delay = retry_delay_ns(&p, retries[n], randoms[kind / 9]);
                assert_true(delay >= 0 && delay <= DAY_MAX);
            }
        }
    }
    struct retry_policy tiny = {.delay_ns = 1, .growth = BACKOFF_EXPONENTIAL};
    assert_int_equal(retry_delay_ns(&tiny, INT64_MAX, 0), DAY_MAX);
}

static void reconnects_double_up_to_the_cap(void **state)
{
    (void)state;
    static const int64_t windows[] = {1, 2, 4, 8, 10, 10};
    uint64_t x = 42;
    for (int64_t n = 1; n <= 6; n++) {
        int64_t longest = 0;
        for (int i = 0; i < 2000; i++) {
            int64_t d = reconnect_delay_ns(SEC, 10 * SEC, n, next(&x));
            assert_in_range(d, 1, windows[n - 1] * SEC);
            longest = d > longest ? d : longest;
        }
        assert_true(longest > windows[n - 1] * SEC * 9 / 10);
    }
    assert_in_range(reconnect_delay_ns(SEC, INT64_MAX, INT64_MAX, UINT64_MAX), 1, INT64_MAX);
    assert_int_equal(reconnect_delay_ns(0, 0, 0, UINT64_MAX), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth_follows_dagster),
        cmocka_unit_test(jitter_stays_in_its_range),
        cmocka_unit_test(nothing_overflows),
        cmocka_unit_test(reconnects_double_up_to_the_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
