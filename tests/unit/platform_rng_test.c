/* platform_rng_test.c - common/platform/rng.h and its seeded twin */
#include "common/platform/rng.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/seeded_rng.h"

#include <string.h>

static void the_system_gives_different_bytes(void **state)
{
    (void)state;
    struct rng rng = rng_system();
    unsigned char a[300] = {0}; /* more than getrandom promises to give at once */
    unsigned char b[300] = {0};
    rng.fill(rng.ctx, a, sizeof(a));
    rng.fill(rng.ctx, b, sizeof(b));
    assert_memory_not_equal(a, b, 150);
    assert_memory_not_equal(a + 150, b + 150, 150);
    assert_true(rng_u64(&rng) != rng_u64(&rng));
}

static void a_seed_is_a_sequence(void **state)
{
    (void)state;
    struct seeded_rng one = seeded_rng_new(0);
    struct seeded_rng other = seeded_rng_new(1);
    struct rng a = seeded_rng_port(&one);
    struct rng b = seeded_rng_port(&other);
    assert_true(rng_u64(&a) == 0xE220A8397B1DCDAFU); /* splitmix64's first number of seed 0 */
    assert_true(rng_u64(&b) != 0xE220A8397B1DCDAFU);
}

static void numbers_below_a_bound_are_even(void **state)
{
    (void)state;
    struct seeded_rng seeded = seeded_rng_new(7);
    struct rng rng = seeded_rng_port(&seeded);
    int counts[6] = {0};
    for (int i = 0; i < 6000; i++) {
        uint64_t value = rng_below(&rng, 6);
        assert_in_range(value, 0, 5);
        counts[value]++;
    }
    for (int i = 0; i < 6; i++) {
        assert_in_range(counts[i], 850, 1150);
    }
    assert_int_equal(rng_below(&rng, 1), 0);
    for (int i = 0; i < 100; i++) {
        assert_true(rng_below(&rng, UINT64_C(1) << 63) < UINT64_C(1) << 63);
        assert_true(rng_below(&rng, UINT64_MAX) < UINT64_MAX);
    }
}

/* Counts up from the value in ctx: what rng_below draws again is visible. */
static void counting_fill(void *ctx, void *bytes, size_t len)
{
    uint64_t *value = ctx;
    assert_int_equal(len, sizeof(*value));
    memcpy(bytes, value, sizeof(*value));
    (*value)++;
}

static void values_that_would_favour_small_results_are_drawn_again(void **state)
{
    (void)state;
    uint64_t next = 0;
    struct rng rng = {.fill = counting_fill, .ctx = &next};
    /* 2^64 mod 10 = 6: 0 to 5 are refused. */
    assert_int_equal(rng_below(&rng, 10), 6);
    assert_int_equal(next, 7);
}

static void hex_is_the_bytes(void **state)
{
    (void)state;
    struct seeded_rng one = seeded_rng_new(3);
    struct seeded_rng same = seeded_rng_new(3);
    struct rng a = seeded_rng_port(&one);
    struct rng b = seeded_rng_port(&same);
    unsigned char bytes[20];
    a.fill(a.ctx, bytes, sizeof(bytes));
    char text[41];
    memset(text, 'x', sizeof(text));
    rng_hex(&b, sizeof(bytes), text);
    assert_int_equal(strlen(text), 40);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        static const char digits[] = "0123456789abcdef";
        assert_int_equal(text[2 * i], digits[bytes[i] / 16]);
        assert_int_equal(text[2 * i + 1], digits[bytes[i] % 16]);
    }
    rng_hex(&b, 0, text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_system_gives_different_bytes),
        cmocka_unit_test(a_seed_is_a_sequence),
        cmocka_unit_test(numbers_below_a_bound_are_even),
        cmocka_unit_test(values_that_would_favour_small_results_are_drawn_again),
        cmocka_unit_test(hex_is_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
