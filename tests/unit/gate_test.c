/* gate_test.c - a second's worth passes, the rest is counted. */
#include "hub/serve/gate.h"

#include "tests/support/cmocka_all.h"

static int passes(struct gate *g, int64_t at_ms, int tries)
{
    int passed = 0;
    for (int i = 0; i < tries; i++) {
        passed += gate_pass(g, (struct mono_time){at_ms * NS_PER_MS});
    }
    return passed;
}

static void so_many_pass_in_a_second(void **state)
{
    (void)state;
    struct gate g = {.per_second = 3};
    assert_int_equal(passes(&g, 5000, 2), 2);
    assert_int_equal(passes(&g, 5999, 4), 1);
    assert_int_equal(passes(&g, 6000, 4), 3);
    assert_int_equal(passes(&g, 3600000, 1), 1);
}

static void what_is_held_back_is_counted_once(void **state)
{
    (void)state;
    struct gate g = {.per_second = 1};
    assert_int_equal(passes(&g, 5000, 5), 1);
    assert_int_equal(gate_take_held(&g), 4);
    assert_int_equal(gate_take_held(&g), 0);
    assert_int_equal(passes(&g, 5500, 2), 0);
    assert_int_equal(gate_take_held(&g), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_pass_in_a_second),
        cmocka_unit_test(what_is_held_back_is_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
