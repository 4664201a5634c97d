/* hub_state_test.c - over how long a fleet is asked to spread (hub/serve/hub_state.h). */
#include "hub/serve/hub_state.h"
#include "tests/support/cmocka_all.h"

static void twice_the_time_that_the_broker_needs(void **state)
{
    (void)state;
    assert_int_equal(spread_of(0), 0);
    assert_int_equal(spread_of(174), 0); /* within the agents' own jitter */
    assert_int_equal(spread_of(175), 1000);
    assert_int_equal(spread_of(10000), 57142);
    assert_int_equal(spread_of(105000), SPREAD_MS_MAX);
    assert_int_equal(spread_of(INT64_MAX), SPREAD_MS_MAX);
}

static void only_what_matters_is_said_again(void **state)
{
    (void)state;
    assert_false(spread_has_changed(0, 0));
    assert_true(spread_has_changed(0, 1000));
    assert_false(spread_has_changed(4000, 5000));
    assert_true(spread_has_changed(4000, 5001));
    assert_true(spread_has_changed(4000, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twice_the_time_that_the_broker_needs),
        cmocka_unit_test(only_what_matters_is_said_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
