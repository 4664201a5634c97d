/* run_test.c - the graph of every test:   a --> b --> d      e (alone)
 *                                           '-> c --'                  */
#include "tests/unit/run_fixture.h"

#include "tests/support/cmocka_all.h"

enum { A, B, C, D, E, STEPS };

static const uint32_t wait_a[] = {A};
static const uint32_t wait_bc[] = {B, C};
static struct plan_step steps[STEPS] = {
    {.first = A, .asset_count = 1},
    {.first = B, .asset_count = 1, .waits = wait_a, .wait_count = 1},
    {.first = C, .asset_count = 1, .waits = wait_a, .wait_count = 1},
    {.first = D, .asset_count = 1, .waits = wait_bc, .wait_count = 2},
    {.first = E, .asset_count = 1},
};
static struct plan_asset plan_assets[STEPS] = {
    {4, A}, {3, B}, {2, C}, {1, D}, {0, E}, /* plan order is not definition order */
};
static const struct plan plan = {
    .steps = steps, .count = STEPS, .assets = plan_assets, .asset_count = STEPS};
static struct asset assets[STEPS];
static const struct definitions defs = {.assets = assets, .asset_count = STEPS};

static int begin(void **state)
{
    (void)state;
    for (size_t i = 0; i < STEPS; i++) {
        assets[i] = (struct asset){0};
    }
    return run_fixture_begin(&defs, &plan);
}

static enum step_state ends(uint32_t step, bool ok)
{
    return run_step_ended(&run, step, ok ? STEP_DID_WELL : STEP_DID_FAIL, now, 0);
}

static void steps_start_when_what_they_wait_for_succeeded(void **state)
{
    (void)state;
    assert_ptr_equal(run_asset(&run, A), &assets[4]);
    expect_start(A);
    expect_start(E);
    expect_none();
    assert_int_equal(ends(A, true), STEP_SUCCESS);
    expect_no_skip();
    expect_start(B);
    expect_start(C);
    expect_none();
    assert_int_equal(ends(C, true), STEP_SUCCESS);
    expect_none(); /* d waits for both */
    assert_int_equal(ends(B, true), STEP_SUCCESS);
    expect_start(D);
    assert_false(run_is_finished(&run));
    assert_int_equal(ends(E, true), STEP_SUCCESS);
    assert_int_equal(ends(D, true), STEP_SUCCESS);
    assert_true(run_is_finished(&run));
    assert_int_equal(run_result(&run), RUN_SUCCESS);
    uint32_t failed = STEPS;
    assert_false(run_first_failure(&run, &failed));
}

static void a_failure_skips_only_what_depends_on_it(void **state)
{
    (void)state;
    expect_start(A);
    expect_start(E);
    (void)ends(A, true);
    expect_start(B);
    assert_int_equal(ends(B, false), STEP_FAILURE);
    expect_skip(D, B);
    expect_no_skip();
    expect_start(C); /* it does not depend on b */
    (void)ends(C, true);
    assert_false(run_is_finished(&run));
    (void)ends(E, true);
    assert_true(run_is_finished(&run));
    assert_int_equal(run_result(&run), RUN_FAILURE);
    uint32_t failed = STEPS;
    assert_true(run_first_failure(&run, &failed));
    assert_int_equal(failed, B);
}

static void skips_go_on_downstream(void **state)
{
    (void)state;
    expect_start(A);
    assert_int_equal(ends(A, false), STEP_FAILURE);
    expect_skip(B, A);
    expect_skip(C, A);
    expect_skip(D, B);
    expect_no_skip();
    expect_start(E);
    (void)ends(E, false);
    assert_true(run_is_finished(&run));
    uint32_t failed = STEPS;
    assert_true(run_first_failure(&run, &failed));
    assert_int_equal(failed, A); /* the first of two */
}

static void retries_follow_the_policy(void **state)
{
    (void)state;
    assets[4].retry = (struct retry_policy){.max = 2, .delay_ns = 10 * NS_PER_SEC};
    struct mono_time due;
    assert_false(run_next_retry(&run, &due));
    expect_start(A);
    expect_start(E);
    assert_int_equal(ends(A, false), STEP_UP_FOR_RETRY);
    expect_no_skip(); /* what waits for it still may */
    expect_none();
    assert_true(run_next_retry(&run, &due));
    assert_int_equal(due.ns, now.ns + 10 * NS_PER_SEC);
    now.ns = due.ns - 1;
    expect_none();
    now.ns = due.ns;
    expect_start(A);
    assert_int_equal(run.steps[A].attempt, 2);
    assert_false(run_next_retry(&run, &due));
    assert_int_equal(ends(A, false), STEP_UP_FOR_RETRY);
    now.ns += 10 * NS_PER_SEC;
    expect_start(A);
    assert_int_equal(ends(A, false), STEP_FAILURE); /* two retries after the first attempt */
    assert_int_equal(run.steps[A].attempt, 3);
    expect_skip(B, A);
}

static void a_retry_that_succeeds_lets_the_others_go_on(void **state)
{
    (void)state;
    assets[4].retry = (struct retry_policy){.max = 1};
    expect_start(A);
    assert_int_equal(ends(A, false), STEP_UP_FOR_RETRY);
    expect_start(E); /* the retry is behind what was ready before it */
    expect_start(A); /* without a delay: at once */
    assert_int_equal(ends(A, true), STEP_SUCCESS);
    expect_start(B);
}

static void the_earliest_retry_is_told(void **state)
{
    (void)state;
    assets[4].retry = (struct retry_policy){.max = 1, .delay_ns = 20 * NS_PER_SEC};
    assets[0].retry = (struct retry_policy){.max = 1, .delay_ns = 10 * NS_PER_SEC};
    expect_start(A);
    expect_start(E);
    (void)ends(A, false);
    (void)ends(E, false);
    struct mono_time due;
    assert_true(run_next_retry(&run, &due));
    assert_int_equal(due.ns, now.ns + 10 * NS_PER_SEC);
    now.ns += 15 * NS_PER_SEC;
    expect_start(E);
    expect_none();
}

static void canceling_starts_nothing_more(void **state)
{
    (void)state;
    assets[0].retry = (struct retry_policy){.max = 5, .delay_ns = NS_PER_SEC};
    assets[4].retry = assets[0].retry;
    expect_start(A);
    expect_start(E);
    assert_int_equal(ends(E, false), STEP_UP_FOR_RETRY);
    run_stop(&run, RUN_STOP_CANCELED);
    now.ns += 100 * NS_PER_SEC;
    expect_none();
    expect_skip(B, RUN_NO_ASSET);
    expect_skip(C, RUN_NO_ASSET);
    expect_skip(D, RUN_NO_ASSET);
    expect_skip(E, RUN_NO_ASSET);
    assert_int_equal(run.steps[E].state, STEP_CANCELED);
    expect_no_skip();
    assert_false(run_is_finished(&run)); /* a still runs */
    assert_int_equal(ends(A, false), STEP_CANCELED);
    assert_true(run_is_finished(&run));
    assert_int_equal(run_result(&run), RUN_CANCELED);
}

static void a_step_may_end_well_although_the_run_is_canceled(void **state)
{
    (void)state;
    expect_start(A);
    run_stop(&run, RUN_STOP_CANCELED);
    assert_int_equal(ends(A, true), STEP_SUCCESS);
    expect_none();
    expect_skip(B, RUN_NO_ASSET);
    while (run_skip_blocked(&run, &(uint32_t){0}, &(uint32_t){0})) {
    }
    assert_true(run_is_finished(&run));
    assert_int_equal(run_result(&run), RUN_CANCELED);
}

static void no_memory_is_reported(void **state)
{
    (void)state;
    struct arena none = arena_new(8);
    struct run small;
    struct err err = {0};
    assert_false(run_init(&small, &defs, &plan, &none, &err));
    assert_int_equal(err.code, ERR_NO_MEMORY);
    arena_release(&none);
}

#define RUN_TEST(name) cmocka_unit_test_setup_teardown(name, begin, run_fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_TEST(steps_start_when_what_they_wait_for_succeeded),
        RUN_TEST(a_failure_skips_only_what_depends_on_it),
        RUN_TEST(skips_go_on_downstream),
        RUN_TEST(retries_follow_the_policy),
        RUN_TEST(a_retry_that_succeeds_lets_the_others_go_on),
        RUN_TEST(the_earliest_retry_is_told),
        RUN_TEST(canceling_starts_nothing_more),
        RUN_TEST(a_step_may_end_well_although_the_run_is_canceled),
        RUN_TEST(no_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
